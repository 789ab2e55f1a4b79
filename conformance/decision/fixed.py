"""The exact binomial plan, for laboratories that must fix the number of trials beforehand."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

from conformance.decision.betting import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 100_000


class FixedPlan(NamedTuple):
    """``n`` trials; ``pass`` with ``accept`` successes or more, ``fail`` with ``reject`` or fewer.

    ``reject`` is −1 where no number of successes would do.
    """

    n: int
    accept: int
    reject: int


@functools.lru_cache(maxsize=256)
def fixed_plan(p0: float, p1: float, alpha: float, alpha_fail: float, beta: float) -> FixedPlan:
    """Return the shortest exact plan.

    With X binomial(n, p): the least n for which some c has P(X ≥ c | p0) ≤ alpha and
    P(X ≥ c | p1) ≥ 1 − beta; the greatest d with P(X ≤ d | p0) ≤ alpha_fail.

    Raises:
        ValueError: where p0 and p1 are so close that n would exceed 100,000.
    """
    from scipy.special import bdtr, bdtrc

    accept = 1
    for n in range(1, _LONGEST + 1):
        while bdtrc(accept - 1, n, p0) > alpha:
            accept += 1
        if bdtrc(accept - 1, n, p1) >= 1 - beta:
            reject = -1
            while bdtr(reject + 1, n, p0) <= alpha_fail:
                reject += 1
            return FixedPlan(n, accept, reject)
    raise ValueError(f"no plan up to n = {_LONGEST} tells p1 = {p1} from p0 = {p0}")


def successes(counts: Mapping[float, int]) -> tuple[int, int]:
    """Return the successes counted against and for the agent: fractions floored, and ceiled.

    A pass is taken from the first, a fail from the second, so both err on the safe side.
    """
    return (
        sum(math.floor(value) * count for value, count in counts.items()),
        sum(math.ceil(value) * count for value, count in counts.items()),
    )


def exact_interval(
    n: int, at_least: int, at_most: int, alpha: float, alpha_fail: float
) -> Interval:
    """Return the Clopper-Pearson interval, each end on its own, for a number of trials fixed at n.

    The lower end takes ``at_least`` successes, the upper one ``at_most``. Where the run was cut
    short, counting what is missing as failures below and as successes above keeps both valid.
    """
    from scipy.special import betaincinv

    return Interval(
        lower=float(betaincinv(at_least, n - at_least + 1, alpha)) if at_least else 0.0,
        upper=float(betaincinv(at_most + 1, n - at_most, 1 - alpha_fail)) if at_most < n else 1.0,
    )
