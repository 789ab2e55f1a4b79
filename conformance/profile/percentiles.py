"""Quantiles of what was seen, and how sure one can be of them and of a rate.

The quantile is the nearest rank one: a value that was really seen, never one between two.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

from conformance.profile.document import Percentiles
from conformance.profile.log import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

METHOD = (
    "nearest rank: the smallest value with at least that share at or below it; beside p99 the 99 % "
    "upper confidence bound of MLPerf's early stopping, null below 662 values and for chunk gaps, "
    "which are not independent of each other"
)
"""What ``profile.json`` says of its percentiles."""

CONFIDENCE = 0.99
"""Of the bound beside p99, as in MLPerf."""

_ROUNDING = 1e-9
"""Relative; what floating point may make of a product such as 0.9 · 10."""


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value with at least ``share`` of all values at or below it.

    Args:
        ordered: The values, ascending.
        share: Between 0 (the least value) and 1 (the greatest).

    Returns:
        The value at rank ⌈share · n⌉; None where there are no values.
    """
    if not ordered:
        return None
    rank = math.ceil(share * len(ordered) * (1 - _ROUNDING))
    return float(ordered[max(rank, 1) - 1])


def percentiles_of(values: Iterable[float], *, are_independent: bool = True) -> Percentiles:
    """Return the percentiles of values, in their own unit; None for each where there are none.

    Args:
        values: In any order.
        are_independent: False where several come from one request: the bound of p99, which
            supposes that none tells of another, is then None.
    """
    import numpy as np

    array = np.sort(np.fromiter(values, dtype=np.float64))
    if not array.size:
        return Percentiles(n=0, mean=None, p50=None, p90=None, p99=None, p99_bound=None, max=None)
    ordered: list[float] = array.tolist()
    return Percentiles(
        n=len(ordered),
        mean=math.fsum(ordered) / len(ordered),
        p50=quantile(ordered, 0.5),
        p90=quantile(ordered, 0.9),
        p99=quantile(ordered, 0.99),
        p99_bound=early_stopping_bound(ordered, 0.99) if are_independent else None,
        max=ordered[-1],
    )


def spread_of(values: Iterable[float]) -> Spread:
    """Return the short form of the percentiles that a log keeps; zeros where there are none."""
    ordered = sorted(values)
    return Spread(
        n=len(ordered),
        p50=quantile(ordered, 0.5) or 0.0,
        p99=quantile(ordered, 0.99) or 0.0,
        max=ordered[-1] if ordered else 0.0,
    )


def early_stopping_bound(
    ordered: Sequence[float], share: float, confidence: float = CONFIDENCE
) -> float | None:
    """Return the upper confidence bound of a quantile as MLPerf's early stopping estimates it.

    Of n independent values X ~ Binomial(n, 1 − share) lie above the true quantile. With t the
    greatest number for which P(X ≤ t) ≤ 1 − confidence, at least t + 1 values lie above it with
    that confidence, so the t-th greatest does, with one rank to spare. MLPerf asks for t ≥ 1:
    662 values for p99 and 64 for p90. Source: mlcommons/inference, ``loadgen/early_stopping.cc``
    and ``results.cc`` (single stream, tolerance 0).

    Args:
        ordered: The values, ascending.
        share: Of the quantile: 0.99 for p99.
        confidence: That the true quantile is not above the bound.

    Returns:
        The bound; None where there are too few values for any.
    """
    discarded = _discarded(len(ordered), share, confidence)
    return float(ordered[-discarded]) if discarded else None


@functools.lru_cache(maxsize=1024)
def _discarded(n: int, share: float, confidence: float) -> int:
    """Return the greatest t ≥ 1 with P(Binomial(n, 1 − share) ≤ t) ≤ 1 − confidence, or 0."""
    from scipy.special import bdtr

    low, high = 0, n  # P rises with t and is 1 at n
    while high - low > 1:
        middle = (low + high) // 2
        if bdtr(middle, n, 1 - share) <= 1 - confidence:
            low = middle
        else:
            high = middle
    return low


class Interval(NamedTuple):
    """Where a rate lies, with some confidence."""

    low: float
    high: float


def rate_interval(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Return the two-sided Clopper-Pearson interval of a rate.

    Args:
        successes: Out of ``n``.
        n: Independent trials; 0 gives the whole of [0, 1].
        confidence: That the interval holds the true rate, at least.

    Source: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404; its ends are quantiles of beta
    distributions.

    Raises:
        ValueError: for a number of successes that cannot be.
    """
    from scipy.special import betaincinv

    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes out of {n}")
    half = (1 - confidence) / 2
    return Interval(
        float(betaincinv(successes, n - successes + 1, half)) if successes else 0.0,
        float(betaincinv(successes + 1, n - successes, 1 - half)) if successes < n else 1.0,
    )
