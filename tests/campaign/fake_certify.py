"""``conformance certify`` with a fake agent: ``--agent builtin:NAME`` is one of ``tests.fakes``."""

from conformance.agents import factory
from conformance.cli import main
from tests.fakes.agents import make

if __name__ == "__main__":
    factory.make_agent = lambda spec, reach, places: make(spec.partition(":")[2])
    main()
