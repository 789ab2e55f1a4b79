"""The parts of the pytest plugin; ``conformance.pytest_plugin`` is what pytest loads."""
