"""The order of the suite, and how long its properties are searched."""

from __future__ import annotations

import gc
import os
import signal
import threading

from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

FIRST = (
    "tests/cli/test_profile.py",
    "tests/decision/test_overgrading.py",
    "tests/calibrators/test_matrix.py",
    "tests/test_packaging.py",
)
"""Begun first: with two workers, a long file at the end leaves one of them idle."""

# A shell that starts the suite in its background has it ignore interrupts, and all it starts too;
# tests that interrupt a program would wait for ever.
if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine whatever is slow is no fault of the code: nothing here is timed.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
# The same examples in every run, as Hypothesis itself has it where CI is set: a change is refused
# for what it breaks, and not for a rare example that was there before. The other one searches.
settings.register_profile("suite", max_examples=60, derandomize=True, database=None, **UNTIMED)
settings.register_profile("thorough", max_examples=500, derandomize=False, **UNTIMED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(FIRST)))


def pytest_collection_finish():
    """Keep the garbage collector off what thousands of tests are made of, for good."""
    gc.collect()
    gc.freeze()
