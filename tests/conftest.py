"""The order of the suite."""

from __future__ import annotations

SLOWEST = ("tests/test_packaging.py", "tests/calibrators/", "tests/cli/test_profile.py")
"""Begun first: with two workers, a long test at the end leaves one of them idle."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.nodeid.startswith(SLOWEST))
