"""What the ladder comes to: one record a clause, a step, an efficiency class; the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from conformance.decision.rules import Judgement
from conformance.decision.spec import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.decision.spec import Claim

ABOVE = "above"
"""Not run because it lies above the step at which the climb ended."""
BUDGET = "budget"
"""The usual reason of a ``Stop``."""
SINGLE = "single"
"""The reason of a ``Stop`` before the first observation: one chosen instance alone was tried."""
NOT_CLAIMED = "not claimed"
"""Not run because it lies outside the claim."""
LEVEL_STOPPED = "level stopped"
"""Inconclusive because the step was decided without it."""
NO_POPULATION = "no population"
"""Not run because a rider has no runnable clause to observe."""
NO_LEVEL = "no level"
"""No efficiency class because no level is held."""


class ClauseResult(msgspec.Struct, frozen=True):
    """The last word on a clause."""

    clause: str
    step: str
    verdict: Verdict
    reason: str | None
    judgement: Judgement | None
    """The numbers at the stopping time; None where it was not tried."""


class Requirement(msgspec.Struct, frozen=True):
    """One thing ``weighted-floor`` asks of a level: ``total`` or a dimension."""

    name: str
    threshold: float
    judgement: Judgement


class StepResult(msgspec.Struct, frozen=True):
    """The last word on a level or a trust grade, by itself: what is below it is not looked at."""

    step: str
    verdict: Verdict
    reason: str | None
    limits: tuple[str, ...]
    """What keeps it from being held: clauses, or requirements under ``weighted-floor``."""
    blocked: tuple[str, ...]
    """Its clauses that could not run, whatever came out below; with any it is never held."""
    rounds: int
    requirements: tuple[Requirement, ...] = ()


class EfficiencyVerdict(msgspec.Struct, frozen=True):
    """Whether the agent is as good as one efficiency class."""

    id: str
    verdict: Verdict
    judgement: Judgement


class EfficiencyResult(msgspec.Struct, frozen=True):
    """The efficiency class, and how it came out."""

    held: str | None
    is_marked: bool
    """A better class is undecided, so the true one may be better."""
    reason: str | None
    """Why nothing is held, or why the stream ended early."""
    population: tuple[str, ...] = ()
    classes: tuple[EfficiencyVerdict, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """What a campaign decided: a pure function of the course and the observations asked for."""

    level: str | None
    """The highest level held, or None."""
    trust: str | None
    """The highest trust grade held, or None."""
    efficiency: EfficiencyResult
    clauses: tuple[ClauseResult, ...]
    """Every clause of the course, in its order."""
    levels: tuple[StepResult, ...]
    grades: tuple[StepResult, ...]
    population: tuple[str, ...]
    """What the riders of the trust axis drew from; empty where none was tried."""

    def limits(self) -> tuple[str, ...]:
        """Return what keeps the next level from being held; empty at the top."""
        return next((step.limits for step in self.levels if step.verdict != "pass"), ())


_CODES: tuple[tuple[Verdict, int], ...] = (("fail", 1), ("not_run", 5), ("inconclusive", 1))
"""What an unheld part of the claim comes to, the gravest first."""


def exit_code(result: Result, claim: Claim) -> int:
    """Return the exit code, as far as the decision goes.

    Without a claim 0, or 5 where no clause of the first level could run. With one: 0 where every
    part is held, 1 for a ``fail``, 5 for a required clause that could not run, 1 for an
    ``inconclusive``, in this order. A step not run for what happened below it, or for a budget,
    could be tried again: it counts as ``inconclusive``.
    """
    if claim.is_empty:
        return 0 if _could_run(result, result.levels[0]) else 5
    found = {
        "inconclusive" if step.verdict == "not_run" and not step.blocked else step.verdict
        for step in _claimed(result, claim)
    }
    if claim.efficiency is not None:
        verdicts = {item.id: item.verdict for item in result.efficiency.classes}
        found.add(verdicts.get(claim.efficiency, "inconclusive"))
    return next((code for verdict, code in _CODES if verdict in found), 0)


def _could_run(result: Result, step: StepResult) -> bool:
    return any(
        clause.verdict != "inapplicable" and clause.clause not in step.blocked
        for clause in result.clauses
        if clause.step == step.step
    )


def _claimed(result: Result, claim: Claim) -> tuple[StepResult, ...]:
    """Return the steps that the claim needs held; a trust grade or a class needs a level."""
    levels = _up_to(result.levels, claim.level)
    return (*(levels or result.levels[:1]), *_up_to(result.grades, claim.trust))


def _up_to(steps: Sequence[StepResult], last: str | None) -> Sequence[StepResult]:
    return steps[: [None, *(step.step for step in steps)].index(last)]
