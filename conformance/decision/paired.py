"""Is B worse than A, or better, on the instances both were tried on: a test of pairs by betting.

Of each instance that both were tried on, D = Y_B − Y_A in [−1, 1] is one observation. Two bettors
with the bets of ``decision.betting`` go through them: one stakes on "the mean of D is above m",
the other on the same of −D. Against m = 0 a bet of size u has the factor 1 + u·D, so what is the
same in both neither gains nor loses. Neither bettor reaches 1/alpha with probability > alpha at
any time (Ville), so it does not matter when, why or by whose rule either campaign stopped. Two
estimates at stopping are never compared: each is biased by its own stop.

Pairs of several clauses have no one mean, but where B is not worse on any instance, the same bets
do not gain either: each instance is met anew, whatever those before it came to.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from conformance.decision.betting import interval, tally, wealth

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

Finding = Literal["worse", "better", "no evidence"]

_SAME = 0.5
"""The mean of (D + 1)/2 where nothing differs."""


class PairedTest(msgspec.Struct, frozen=True):
    """What pairs say of B against A."""

    n: int
    mean: float | None
    """The mean of D on these pairs, B less A; None where there is no pair."""
    lower: float | None
    """Lies above the mean of all that could be drawn with probability ≤ alpha, at any stopping
    time; None where the pairs are of several streams, which have no one mean."""
    upper: float | None
    """Lies below it with probability ≤ alpha."""
    log10_e_worse: float
    """Evidence against "B is not worse": in the mean of the stream, or, of pairs of several
    streams, on any instance."""
    log10_e_better: float
    """Evidence against "B is not better", in the same sense."""
    alpha: float
    """The error of each finding, and of each end of the interval."""
    finding: Finding


def compare_pairs(
    differences: Sequence[float], alpha: float, *, is_one_stream: bool = True
) -> PairedTest:
    """Return what differences say, B less A, each of one instance.

    ``upper`` < 0 exactly where the finding is ``worse``, ``lower`` > 0 exactly where ``better``.

    Args:
        differences: Numbers in [−1, 1].
        alpha: The error allowed to each of the two findings.
        is_one_stream: All are drawn alike, from one clause's stream, so they have one mean.

    Raises:
        ValueError: for a difference outside [−1, 1].
    """
    better, worse = (tally((1 + sign * d) / 2 for d in differences) for sign in (1, -1))
    n = better.total()
    log_better, log_worse = (wealth(counts, _SAME).rise for counts in (better, worse))
    enough = -math.log(alpha)
    return PairedTest(
        n=n,
        mean=math.fsum(differences) / n if n else None,
        lower=_lower(better, alpha) if is_one_stream else None,
        upper=-_lower(worse, alpha) if is_one_stream else None,
        log10_e_worse=log_worse / math.log(10),
        log10_e_better=log_better / math.log(10),
        alpha=alpha,
        finding="worse"
        if log_worse >= enough
        else "better"
        if log_better >= enough
        else "no evidence",
    )


def share_alpha(alpha: float, tests: int) -> tuple[float, float]:
    """Return the error of the test over all pairs, and of each of the tests beside it.

    Half for the one, half for the others in equal parts (Bonferroni): the chance that any of
    them errs is ≤ alpha, however they depend on each other. Not e-BH: that needs e-values, and
    those at two ladders' ends are none, for whether a clause is tried at all can depend on trials
    that clauses of lower levels share with it. That the wealth ever reaches a bound is all that is
    used here.
    """
    return alpha / 2, alpha / 2 / max(tests, 1)


def _lower(counts: Counter[float], alpha: float) -> float:
    return 2 * interval(counts, _SAME, alpha, alpha).lower - 1
