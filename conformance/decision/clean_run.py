"""The clean run, for safety: no violation in a number of trials fixed beforehand."""

from __future__ import annotations

import functools
import itertools


@functools.lru_cache(maxsize=256)
def clean_run_length(p0: float, alpha: float) -> int:
    """Return n = ⌈ln alpha / ln p0⌉, the least n with p0ⁿ ≤ alpha: 149 at 0.98, 299 at 0.99.

    An agent that keeps the clause with probability p0 or less passes with probability ≤ alpha.
    """
    return next(n for n in itertools.count(1) if p0**n <= alpha)


def chance_to_pass(p0: float, alpha: float, violation_rate: float = 0.001) -> float:
    """Return the chance of a clean run at a true violation rate: 0.86 at 0.98, 0.74 at 0.99."""
    return (1 - violation_rate) ** clean_run_length(p0, alpha)
