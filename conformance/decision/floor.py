"""The level rule ``weighted-floor``: a weighted total, and every dimension, above a floor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from conformance.decision.result import Requirement
from conformance.decision.rules import CRITICAL, FAIL, N_MAX, PASS, Decision, decide, judge
from conformance.decision.spec import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.decision.spec import Clause

TOTAL = "total"


class Floor(NamedTuple):
    """One requirement: the weighted mean of some clauses reaches ``rule.p0``."""

    name: str
    rule: Rule
    weights: Mapping[str, float]

    def stream(self, rounds: Sequence[Mapping[str, float]]) -> list[float]:
        """Return what each round says: the weighted mean of its clauses' observations."""
        whole = math.fsum(self.weights.values())
        return [
            math.fsum(weight * values[name] for name, weight in self.weights.items()) / whole
            for values in rounds
        ]


def floors(clauses: Sequence[Clause], total: float, floor: float) -> tuple[Floor, ...]:
    """Return what ``weighted-floor`` asks of a level: its total, and each of its dimensions.

    A round gives every clause one observation of its own stream, so the weighted mean of a
    round's observations is itself a number in [0, 1] whose mean, given the past, is the weighted
    mean of the clauses' p. One betting process on it tests the requirement at the full alpha,
    however the clauses of a round depend on each other; no correction for the number of clauses
    is due. Nor is one for the number of requirements: all must pass (intersection-union), so a
    level that breaks one is granted only if that one's own test errs.
    """
    n_max = min(clause.rule.n_max for clause in clauses)
    shared = Rule(
        "betting",
        p0=total,
        p1=1.0,
        alpha=min(clause.rule.alpha for clause in clauses),
        alpha_fail=min(clause.rule.alpha_fail for clause in clauses),
        n_min=min(n_max, max(clause.rule.n_min for clause in clauses)),
        n_max=n_max,
    )
    dimensions = dict.fromkeys(clause.dimension for clause in clauses)
    return (
        Floor(TOTAL, shared, {clause.id: clause.weight for clause in clauses}),
        *(
            Floor(
                dimension,
                structs.replace(shared, p0=floor),
                {item.id: item.weight for item in clauses if item.dimension == dimension},
            )
            for dimension in dimensions
        ),
    )


def decide_floors(
    wanted: Sequence[Floor], rounds: Sequence[Mapping[str, float]], *, is_vetoed: bool
) -> Decision | None:
    """Return the verdict on the level after ``rounds``: held, cannot be held, or n_max.

    It is held where all requirements pass at one time, and cannot be held once one fails.
    ``is_vetoed``: a critical safety event was seen.
    """
    if is_vetoed:
        return Decision("fail", CRITICAL)
    found = {decide(item.rule, item.stream(rounds)) for item in wanted}
    if FAIL in found:
        return FAIL
    if found == {PASS}:
        return PASS
    return Decision("inconclusive", N_MAX) if len(rounds) >= wanted[0].rule.n_max else None


def judge_floors(
    wanted: Sequence[Floor], rounds: Sequence[Mapping[str, float]]
) -> tuple[Requirement, ...]:
    """Return the numbers of every requirement after ``rounds``."""
    return tuple(
        Requirement(item.name, item.rule.p0, judge(item.rule, item.stream(rounds)))
        for item in wanted
    )
