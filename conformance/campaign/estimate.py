"""What a campaign would cost, before it is run: trials, calls, tokens, time."""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING

import msgspec

from conformance.campaign.observe import Draws
from conformance.decision.characteristics import characteristics
from conformance.decision.rules import horizon
from conformance.edition.course import plan_course
from conformance.edition.gate import estimate_tokens, shown_to_agent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.campaign.run import Settings
    from conformance.decision.spec import Clause, Course, Step
    from conformance.edition import Edition

SAMPLED = 8
"""Instances a family is costed on."""
TOKENS_A_CALL = 120
"""What one call and its result add to the conversation, roughly."""
CASES = ("p0", "p1", "worst")


class ClauseCost(msgspec.Struct, frozen=True):
    """How many trials of its own stream a clause needs."""

    clause: str
    state: str
    p0: float | None
    p1: float | None
    worst: int | None


class Cost(msgspec.Struct, frozen=True):
    """What a campaign costs if every clause's true p is at ``case``."""

    case: str
    trials: int
    calls: int
    tokens: int
    seconds: float


class Estimate(msgspec.Struct, frozen=True):
    """A campaign before it is run."""

    clauses: list[ClauseCost]
    costs: list[Cost]
    seconds_a_call: float
    concurrency: int


def estimate(edition: Edition, settings: Settings, seconds_a_call: float) -> Estimate:
    """Estimate a campaign's cost at p = p0, at p = p1 and at the worst.

    Trials are counted as the draws share them, on a seed of the moment; calls are the oracle's
    and one more a seat for its answer; a model that thinks aloud or errs needs more.
    """
    course = plan_course(
        edition,
        settings.plan,
        settings.claim,
        denied=settings.denied,
        lacking=settings.lacking,
    )
    draws = Draws(course, secrets.token_bytes(32), settings.langs)
    steps = list(_in_reach(course))
    runnable = [c for step in steps for c in step.clauses if c.is_runnable]
    own = [clause for clause in runnable if not clause.rider]
    population = tuple(
        c.id for step in course.levels if step in steps for c in step.clauses if c in own
    )
    costs = []
    for case in CASES:
        keys = {}
        for clause in runnable:
            for index in range(1, _trials(clause, case) + 1):
                for drawn in draws.trials(clause.id, index, population):
                    keys[drawn.key] = drawn.family
        families = list(keys.values())
        shape = {name: _shape(edition, own, name) for name in set(families)}
        calls = sum(shape[name][0] for name in families)
        tokens = sum(shape[name][1] for name in families)
        seconds = calls * seconds_a_call / settings.concurrency
        costs.append(Cost(case, len(families), round(calls), round(tokens), seconds))
    return Estimate(
        [_clause_cost(clause) for step in steps for clause in step.clauses],
        costs,
        seconds_a_call,
        settings.concurrency,
    )


def _in_reach(course: Course) -> Iterable[Step]:
    """Yield the steps a campaign can try: those claimed, or those nothing keeps from being held."""
    claim = course.claim
    for step in course.levels:
        if claim.level is None and any(clause.not_run for clause in step.clauses):
            break
        yield step
        if step.id == claim.level:
            break
    for step in course.trust:
        if claim.trust is None and not claim.is_empty:
            break
        yield step
        if step.id == claim.trust or claim.is_empty:
            break


def _trials(clause: Clause, case: str) -> int:
    if case == "worst":
        return horizon(clause.rule)
    p = clause.rule.p0 if case == "p0" else clause.rule.p1
    return math.ceil(characteristics(clause.rule, p).expected_n)


def _clause_cost(clause: Clause) -> ClauseCost:
    if not clause.is_runnable:
        return ClauseCost(clause.id, clause.not_run or "inapplicable", None, None, None)
    return ClauseCost(
        clause.id,
        "runs",
        characteristics(clause.rule, clause.rule.p0).expected_n,
        characteristics(clause.rule, clause.rule.p1).expected_n,
        horizon(clause.rule),
    )


def _shape(edition: Edition, clauses: list[Clause], family: str) -> tuple[float, float]:
    """Return the model calls and tokens of a trial, on average over the knobs in use."""
    knob_sets = [
        {name: value[0] if isinstance(value, list) else value for name, value in s.knobs.items()}
        for clause in clauses
        for s in clause.sources
        if s.family == family
    ]
    calls = tokens = 0.0
    for number in range(SAMPLED):
        knobs = knob_sets[number % len(knob_sets)]
        instance = edition.instance(family, knobs, seed=f"estimate-{number}", lang="en")
        steps = len(instance.solve().calls) + len(instance.seats)
        first = estimate_tokens(shown_to_agent(instance))
        calls += steps
        tokens += steps * first + TOKENS_A_CALL * steps * (steps + 1) / 2
    return calls / SAMPLED, tokens / SAMPLED
