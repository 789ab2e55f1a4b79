"""The order of the suite, and how long its properties are searched."""

from __future__ import annotations

import os

from hypothesis import settings

SLOWEST = ("tests/test_packaging.py", "tests/calibrators/", "tests/cli/test_profile.py")
"""Begun first: with two workers, a long test at the end leaves one of them idle."""

settings.register_profile("suite", max_examples=60)
settings.register_profile("thorough", max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.nodeid.startswith(SLOWEST))
