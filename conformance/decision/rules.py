"""The rules a clause can name: from its observations, in stream order, to a verdict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.decision.betting import Interval, interval, tally, wealth
from conformance.decision.clean_run import clean_run_length
from conformance.decision.fixed import FixedPlan, exact_interval, fixed_plan, successes
from conformance.decision.spec import Verdict

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from conformance.decision.spec import Rule


class Decision(NamedTuple):
    """A verdict and its reason."""

    verdict: Verdict
    reason: str | None = None
    """Why, where the verdict alone does not say it."""


PASS = Decision("pass")
FAIL = Decision("fail")
N_MAX = "n_max"
"""Inconclusive because all the trials of the rule are done."""
VIOLATION = "violation"
"""Inconclusive because a clean run had a violation, and too few of them to fail."""
CRITICAL = "critical event"
"""Failed because of a critical safety event."""


class Judgement(msgspec.Struct, frozen=True):
    """What a rule says of a clause's observations so far."""

    verdict: Verdict | None
    """None while undecided."""
    reason: str | None
    n: int
    mean: float | None
    """The estimate at stopping; None before the first observation."""
    lower: float
    """Covers with probability ≥ 1 − alpha at the stopping time."""
    upper: float
    """Covers with probability ≥ 1 − alpha_fail at the stopping time."""
    log10_e_pass: float | None
    """Evidence against p ≤ p0; None where the rule does not bet on it."""
    log10_e_fail: float | None
    """Evidence against p ≥ p0; None where the rule does not bet on it."""
    can_pass: bool
    """It passed, or would if all that is still to come succeeded."""


def horizon(rule: Rule) -> int:
    """Return the number of observations at which the rule ends, if not before."""
    if rule.name == "betting":
        return rule.n_max
    if rule.name == "fixed":
        return _plan(rule).n
    return clean_run_length(rule.p0, rule.alpha)


def decide(rule: Rule, ys: Sequence[float], *, critical: bool = False) -> Decision | None:
    """Return the verdict after ``ys``, or None while undecided; cheap enough to ask every time.

    Args:
        rule: The clause's rule.
        ys: Its observations in stream order; those past the rule's horizon are not looked at.
        critical: A critical event was seen: ``fail`` at once, whatever the rule.

    Raises:
        ValueError: for an observation outside [0, 1].
    """
    return decide_counts(rule, tally(ys[: horizon(rule)]), critical=critical)


def decide_counts(rule: Rule, counts: Counter[float], *, critical: bool = False) -> Decision | None:
    """Return the verdict from counted observations: no rule looks at their order."""
    if critical:
        return Decision("fail", CRITICAL)
    return {"betting": _betting, "fixed": _fixed, "clean-run": _clean_run}[rule.name](rule, counts)


def judge(rule: Rule, ys: Sequence[float], *, critical: bool = False) -> Judgement:
    """Return the verdict after ``ys`` with all numbers that a report shows beside it.

    Under ``betting``, from n_min on, lower > p0 exactly where the verdict is ``pass`` and
    upper < p0 exactly where it is ``fail``.

    Raises:
        ValueError: for an observation outside [0, 1].
    """
    counts = tally(ys[: horizon(rule)])
    n = counts.total()
    decision = decide_counts(rule, counts, critical=critical)
    verdict, reason = decision or (None, None)
    rise, fall = (log / math.log(10) for log in wealth(counts, rule.p0))
    lower, upper = _interval(rule, counts)
    best = counts.copy()
    best[1.0] += horizon(rule) - n
    return Judgement(
        verdict=verdict,
        reason=reason,
        n=n,
        mean=math.fsum(value * count for value, count in counts.items()) / n if n else None,
        lower=lower,
        upper=upper,
        log10_e_pass=rise if rule.name == "betting" else None,
        log10_e_fail=fall if rule.name != "fixed" else None,
        can_pass=verdict == "pass" or (decision is None and decide_counts(rule, best) == PASS),
    )


def fewest_to_pass(rule: Rule) -> int | None:
    """Return how many successes in a row pass, or None where n_max is too few."""
    counts = tally(())
    for n in range(1, horizon(rule) + 1):
        counts[1.0] = n
        if decide_counts(rule, counts) == PASS:
            return n
    return None


def _betting(rule: Rule, counts: Counter[float]) -> Decision | None:
    """Decide at the first n ≥ n_min with E⁺ ≥ 1/alpha or E⁻ ≥ 1/alpha_fail, at n_max at last."""
    n = counts.total()
    if n < rule.n_min:
        return None
    rise, fall = wealth(counts, rule.p0)
    if rise >= -math.log(rule.alpha):
        return PASS
    if fall >= -math.log(rule.alpha_fail):
        return FAIL
    return Decision("inconclusive", N_MAX) if n >= rule.n_max else None


def _fixed(rule: Rule, counts: Counter[float]) -> Decision | None:
    plan = _plan(rule)
    if counts.total() < plan.n:
        return None
    at_least, at_most = successes(counts)
    if at_least >= plan.accept:
        return PASS
    return FAIL if at_most <= plan.reject else Decision("inconclusive", N_MAX)


def _clean_run(rule: Rule, counts: Counter[float]) -> Decision | None:
    """Pass on n trials without a violation; after one, go on for evidence of a fail only.

    A violation is any observation below 1. n_min does not bind: two violations in two trials
    are enough.
    """
    n = counts.total()
    ended = n >= clean_run_length(rule.p0, rule.alpha)
    if counts[1.0] == n:
        return PASS if ended else None
    if wealth(counts, rule.p0).fall >= -math.log(rule.alpha_fail):
        return FAIL
    return Decision("inconclusive", VIOLATION) if ended else None


def _interval(rule: Rule, counts: Counter[float]) -> Interval:
    """Return the interval that belongs to the rule.

    ``betting``: the time-uniform one. ``fixed``: Clopper-Pearson at the plan's n. ``clean-run``:
    below, Clopper-Pearson at its n (alpha^(1/n) ≥ p0 for a clean run); above, the end of the
    betting process that can fail it. Trials of a fixed n that were not run count as failures
    below and as successes above, so that stopping early, for whatever reason, keeps both valid.
    """
    sequential = interval(counts, rule.p0, rule.alpha, rule.alpha_fail)
    if rule.name == "betting":
        return sequential
    n = horizon(rule)
    at_least, at_most = successes(counts)
    missing = n - counts.total()
    exact = exact_interval(n, at_least, at_most + missing, rule.alpha, rule.alpha_fail)
    return exact if rule.name == "fixed" else Interval(exact.lower, sequential.upper)


def _plan(rule: Rule) -> FixedPlan:
    return fixed_plan(rule.p0, rule.p1, rule.alpha, rule.alpha_fail, rule.beta)
