"""The betting e-process: evidence that may be looked at after every trial.

Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting"
(JRSS-B 2024), with the fixed mixture of ``reference/statistics-and-tasks.md`` A3. A bet on
"the mean is above m" of size u multiplies the wealth by 1 + (u/m)(Y − m) = 1 − u + u·Y/m; one
on "the mean is below m" of size v by 1 − (v/(1−m))(Y − m) = 1 − v + v·(1−Y)/(1−m):

    E⁺(m) = (1/J) Σ_j Π_i (1 − u_j + u_j · Y_i / m)              falls as m rises
    E⁻(m) = (1/J) Σ_j Π_i (1 − v_j + v_j · (1 − Y_i) / (1 − m))   rises as m rises

If every Y_i has a mean ≤ m given the past, E⁺(m) is a supermartingale that starts at 1, so it
ever reaches 1/α with probability ≤ α (Ville); the same for E⁻ and ≥ m. Both depend on the
observations only through how often each value was seen.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

RISES = (0.15, 0.30, 0.45, 0.60, 0.75, 0.90, 0.999)
"""The bets u of E⁺; the last is 1 kept away from ruin."""
FALLS = (0.0375, 0.075, 0.125, 0.1875, 0.25, 0.375, 0.5625)
"""The bets v of E⁻."""

_HALVINGS = 60


class Wealth(NamedTuple):
    """The natural logarithms of E⁺ and E⁻ at one mean."""

    rise: float
    fall: float


class Interval(NamedTuple):
    """A confidence interval whose ends each hold on their own."""

    lower: float
    upper: float


def tally(ys: Iterable[float]) -> Counter[float]:
    """Count how often each observation occurs.

    Raises:
        ValueError: for an observation that is not a number in [0, 1].
    """
    counts = Counter(ys)
    for value in counts:
        if not 0 <= value <= 1:  # a NaN too is caught here
            raise ValueError(f"an observation is a number in [0, 1], not {value}")
    return counts


def wealth(counts: Mapping[float, int], mean: float) -> Wealth:
    """Return log E⁺ and log E⁻ at ``mean``, in (0, 1), from counted observations."""
    return Wealth(_log_rise(counts, mean), _log_fall(counts, mean))


def interval(counts: Mapping[float, int], p0: float, alpha: float, alpha_fail: float) -> Interval:
    """Return the time-uniform confidence interval of the mean, from counted observations.

    It holds the means that neither process rejects now: {m: E⁺(m) < 1/α, E⁻(m) < 1/α_fail}. At
    any stopping time the lower end covers with probability ≥ 1 − α and the upper one with
    ≥ 1 − α_fail. The search is bracketed at p0, so in floating point too lower > p0 exactly
    where E⁺(p0) ≥ 1/α, and upper < p0 exactly where E⁻(p0) ≥ 1/α_fail.
    """

    def is_below(mean: float) -> bool:
        return _log_rise(counts, mean) >= -math.log(alpha)

    def is_above(mean: float) -> bool:
        return _log_fall(counts, mean) >= -math.log(alpha_fail)

    return Interval(
        lower=_end(is_below, p0, outside=0.0, inside=1.0),
        upper=_end(is_above, p0, outside=1.0, inside=0.0),
    )


def paths(ys: Any, p0: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return log E⁺ and log E⁻ at p0 after every observation, for many streams at once.

    Args:
        ys: Observations in [0, 1], shape (streams, n).
        p0: The mean to test against.

    Returns:
        Two arrays of the shape of ``ys``.
    """
    import numpy as np

    given = np.asarray(ys, dtype=float)
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError("observations are numbers in [0, 1]")

    def log_mixture(bets: tuple[float, ...], gains: NDArray[Any]) -> NDArray[Any]:
        total = np.full(given.shape, -np.inf)
        for bet in bets:
            np.logaddexp(total, np.log1p(bet * (gains - 1)).cumsum(axis=1), out=total)
        return total - math.log(len(bets))

    return log_mixture(RISES, given / p0), log_mixture(FALLS, (1 - given) / (1 - p0))


def _log_rise(counts: Mapping[float, int], mean: float) -> float:
    return _log_mixture(RISES, [(y / mean, count) for y, count in sorted(counts.items())])


def _log_fall(counts: Mapping[float, int], mean: float) -> float:
    gains = [((1 - y) / (1 - mean), count) for y, count in sorted(counts.items())]
    return _log_mixture(FALLS, gains)


def _log_mixture(bets: tuple[float, ...], gains: list[tuple[float, int]]) -> float:
    """Return the logarithm of the mean over the bets of Π (1 − bet + bet·gain)^count."""
    logs = [sum(count * math.log(1 - bet + bet * gain) for gain, count in gains) for bet in bets]
    top = max(logs)
    return top + math.log(sum(math.exp(log - top) for log in logs) / len(bets))


def _end(rejects: Callable[[float], bool], p0: float, *, outside: float, inside: float) -> float:
    """Return the outermost mean not rejected, between ``outside`` and ``inside``.

    ``rejects`` is true from ``outside`` up to some mean and false from there on.
    """
    rejected, kept = (p0, inside) if rejects(p0) else (outside, p0)
    for _ in range(_HALVINGS):
        middle = (rejected + kept) / 2
        if middle in (rejected, kept):
            break
        if rejects(middle):
            rejected = middle
        else:
            kept = middle
    return outside if rejected == outside else kept
