"""The book of a campaign: what was observed, what was decided. The ladder's only state."""

from __future__ import annotations

import operator
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.decision.result import (
    NO_LEVEL,
    NO_POPULATION,
    ClauseResult,
    EfficiencyResult,
    Requirement,
    Result,
    StepResult,
)
from conformance.decision.rules import CRITICAL, Decision, decide, judge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.decision.spec import Clause, Course, Rule, Step, Verdict

_GRAVITY: tuple[Verdict, ...] = ("fail", "not_run", "inconclusive", "pass", "inapplicable")
"""Of a step's clauses the gravest verdict is the step's."""


class ByFloors(NamedTuple):
    """How ``weighted-floor`` came out for a level."""

    decision: Decision
    requirements: tuple[Requirement, ...]


class Book:
    """What one climb has seen and decided so far."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._values: defaultdict[str, list[float]] = defaultdict(list)
        self._critical: set[str] = set()
        self._decisions: dict[str, Decision] = {}
        for clause in clauses_of((*course.levels, *course.trust)):
            if clause.inapplicable is not None:
                self._decisions[clause.id] = Decision("inapplicable", clause.inapplicable)
            elif clause.not_run is not None:
                self._decisions[clause.id] = Decision("not_run", clause.not_run)
        self._floors: dict[str, ByFloors] = {}
        self.level: str | None = None
        self.trust: str | None = None
        self.population: tuple[str, ...] = ()
        self.efficiency = EfficiencyResult(None, is_marked=False, reason=NO_LEVEL)

    def record(self, clause: str, value: float, *, critical: bool) -> None:
        """Enter the next observation of a clause's own stream."""
        self._values[clause].append(value)
        if critical:
            self._critical.add(clause)

    def is_vetoed(self, step: Step) -> bool:
        """Say whether a critical safety event was seen in a step."""
        return any(clause.id in self._critical for clause in step.clauses)

    def settle(self, clause: Clause) -> bool:
        """Decide a clause if its observations do; say whether it is decided."""
        decision = decide(
            clause.rule, self._values[clause.id], critical=clause.id in self._critical
        )
        if decision is not None:
            self._decisions[clause.id] = decision
        return decision is not None

    def leave(self, clauses: Iterable[Clause], reason: str) -> None:
        """End clauses that were tried and are undecided.

        ``n_min`` puts a verdict off so that a report has something to show; where the stream ends
        before it, evidence that is already enough against a clause is not thrown away. A pass
        always needs ``n_min``.
        """
        for clause in clauses:
            found = decide(_from_the_first(clause.rule), self._values[clause.id])
            failed = found is not None and found.verdict == "fail"
            self._decisions[clause.id] = (
                found if found is not None and failed else Decision("inconclusive", reason)
            )

    def end_by_floors(
        self,
        level: Step,
        decision: Decision,
        requirements: tuple[Requirement, ...],
        reason: str,
    ) -> None:
        """End a level decided as a whole; what its clauses say by themselves is shown beside."""
        self.leave([clause for clause in level.runnable if not self.settle(clause)], reason)
        self._floors[level.id] = ByFloors(decision, requirements)

    def set_aside(self, clauses: Iterable[Clause], reason: str) -> None:
        """End those of the clauses that nothing was decided of: they will not be tried."""
        for clause in clauses:
            self._decisions.setdefault(clause.id, Decision("not_run", reason))

    def blocked(self, step: Step) -> tuple[str, ...]:
        """Return the clauses of a step that could not run, for a reason of their own."""
        return tuple(
            clause.id
            for clause in step.clauses
            if self._decisions.get(clause.id)
            in (Decision("not_run", clause.not_run), Decision("not_run", NO_POPULATION))
        )

    def has_failed(self, step: Step) -> bool:
        """Say whether a clause of the step failed."""
        found = [self._decisions.get(clause.id) for clause in step.clauses]
        return any(decision is not None and decision.verdict == "fail" for decision in found)

    def decision(self, step: Step) -> Decision:
        """Return the verdict on a step that was ended: by its floors, or its gravest clause's."""
        if step.id in self._floors:
            return self._floors[step.id].decision
        found = [self._decisions[clause.id] for clause in step.clauses]
        return min(found, key=lambda decision: _GRAVITY.index(decision.verdict))

    def result(self) -> Result:
        """Return everything decided, once every clause is."""
        return Result(
            level=self.level,
            trust=self.trust,
            efficiency=self.efficiency,
            clauses=tuple(
                self._clause_result(clause)
                for clause in clauses_of((*self._course.levels, *self._course.trust))
            ),
            levels=tuple(map(self._step_result, self._course.levels)),
            grades=tuple(map(self._step_result, self._course.trust)),
            population=self.population,
        )

    def _clause_result(self, clause: Clause) -> ClauseResult:
        verdict, reason = self._decisions[clause.id]
        is_critical = clause.id in self._critical
        rule = _from_the_first(clause.rule) if verdict == "fail" else clause.rule
        return ClauseResult(
            clause=clause.id,
            step=clause.step,
            verdict=verdict,
            reason=reason,
            judgement=None
            if verdict in ("inapplicable", "not_run")
            else judge(rule, self._values[clause.id], critical=is_critical),
        )

    def _step_result(self, step: Step) -> StepResult:
        verdict, reason = self.decision(step)
        _, requirements = self._floors.get(step.id, (None, ()))
        return StepResult(
            step=step.id,
            verdict=verdict,
            reason=reason,
            limits=self._limits(step),
            blocked=self.blocked(step),
            rounds=max(len(self._values[clause.id]) for clause in step.clauses),
            requirements=requirements,
        )

    def _limits(self, step: Step) -> tuple[str, ...]:
        """Return what keeps a step from being held, the gravest first."""
        if step.id in self._floors:
            decision, requirements = self._floors[step.id]
            if decision.reason == CRITICAL:
                return tuple(clause.id for clause in step.clauses if clause.id in self._critical)
            return tuple(item.name for item in requirements if item.judgement.verdict != "pass")
        against = [
            (_GRAVITY.index(verdict), clause.id)
            for clause in step.clauses
            for verdict in [self._decisions[clause.id].verdict]
            if verdict not in ("pass", "inapplicable")
        ]
        return tuple(name for _, name in sorted(against, key=operator.itemgetter(0)))


def _from_the_first(rule: Rule) -> Rule:
    """Return the rule with verdicts from the first observation on."""
    return msgspec.structs.replace(rule, n_min=1)


def clauses_of(steps: Iterable[Step]) -> Iterable[Clause]:
    """Return the clauses of several steps, in order."""
    return (clause for step in steps for clause in step.clauses)
