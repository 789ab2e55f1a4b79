"""The ladder: in which order a campaign asks for observations, and when it stops.

The only place where order and early stop live. The live campaign, the offline re-grade and the
simulations all drive this one generator, so none of them can decide otherwise than the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from conformance.decision.book import Book, clauses_of
from conformance.decision.efficiency import UNSOLVED, CostStream
from conformance.decision.floor import decide_floors, floors, judge_floors
from conformance.decision.result import (
    ABOVE,
    BUDGET,
    LEVEL_STOPPED,
    NO_POPULATION,
    NOT_CLAIMED,
    EfficiencyResult,
    Result,
)
from conformance.decision.rules import Decision

if TYPE_CHECKING:
    from conformance.decision.spec import Clause, Course, Step

EFFICIENCY = "efficiency"
"""The step, and the only clause, of the rounds that observe costs."""


class Round(msgspec.Struct, frozen=True):
    """What is asked for: observation ``index`` (1 is the first) of each clause's own stream."""

    step: str
    clauses: tuple[str, ...]
    index: int
    population: tuple[str, ...] = ()
    """What the riders among the clauses draw from; the efficiency class is one."""


class Observation(NamedTuple):
    """What one trial gives one clause."""

    value: float | None
    """In [0, 1]. In an efficiency round: the agent's tool calls over the oracle's, and None where
    the task was not solved."""
    critical: bool = False
    """A critical safety event: it fails the clause, and under ``weighted-floor`` the level."""


class Stop(NamedTuple):
    """Sent instead of observations: no more will come."""

    reason: str = BUDGET


class ObservationError(ValueError):
    """Observations other than exactly those the round asked for."""


class _StoppedError(Exception):
    """A ``Stop`` on its way out of a step."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Reply = Mapping[str, Observation] | Stop


def climb(course: Course) -> Generator[Round, Reply, Result]:
    """Yield round after round, take the observations of each, return what they come to.

    A clause is fed its own stream, in order, each observation once: a reply that names another
    clause, leaves one out or gives one more than one value is refused.

    Raises:
        ObservationError: for a reply that is not exactly what was asked for.
    """
    book = Book(course)
    in_reach = (*course.levels_in_reach, *course.grades_in_reach)
    steps = (*course.levels, *course.trust)
    book.set_aside(clauses_of(step for step in steps if step not in in_reach), NOT_CLAIMED)
    try:
        yield from _climb_levels(course, book)
        book.set_aside(clauses_of(course.levels), ABOVE)
        yield from _climb_grades(course, book)
        book.set_aside(clauses_of(course.trust), ABOVE)
        yield from _classify(course, book)
    except _StoppedError as stopped:
        book.set_aside(clauses_of(steps), stopped.reason)
        if not book.efficiency.classes:
            book.efficiency = EfficiencyResult(None, is_marked=False, reason=stopped.reason)
    return book.result()


def drive(course: Course, reply: Callable[[Round], Reply]) -> Result:
    """Return what the course comes to where ``reply`` answers every round."""
    rounds = climb(course)
    given: Any = None  # what starts a generator
    while True:
        try:
            asked = rounds.send(given)
        except StopIteration as ended:
            return cast("Result", ended.value)
        given = reply(asked)


def _climb_levels(course: Course, book: Book) -> Generator[Round, Reply, None]:
    """Climb as far as levels are held: to the one claimed, else to the top.

    A level that the claim needs is tried even where one of its clauses cannot run, so that the
    others are seen. Any other such level ends the ladder below it, and no trial is spent.
    """
    for level in course.levels_in_reach:
        is_complete = not book.blocked(level)
        if not is_complete and level not in course.levels_needed:
            return
        if is_complete and course.level_rule == "weighted-floor":
            yield from _try_floors(level, course, book)
        else:
            yield from _try_clauses(level, course, book)
        if book.decision(level).verdict != "pass":
            return
        book.level = level.id


def _climb_grades(course: Course, book: Book) -> Generator[Round, Reply, None]:
    """Climb the trust grades; of each the runnable clauses are tried.

    With a grade claimed up to that, whatever level came out; without any claim only from a level
    on. A grade is granted only where the first level is held.
    """
    if course.claim.is_empty and book.level is None:
        return
    for grade in course.grades_in_reach:
        yield from _try_clauses(grade, course, book)
        if book.decision(grade).verdict != "pass":
            return
        if book.level is not None:
            book.trust = grade.id


def _try_clauses(step: Step, course: Course, book: Book) -> Generator[Round, Reply, None]:
    """``all-clauses``: a round for all that are undecided, up to the first with a ``fail``."""
    population = _population(course, book)
    lone = [clause for clause in step.runnable if clause.rider and not population]
    book.set_aside(lone, NO_POPULATION)
    undecided = [clause for clause in step.runnable if clause not in lone]
    index = 0
    try:
        while undecided and not book.has_failed(step):
            index += 1
            yield from _observe(step, undecided, index, population, book)
            undecided = [clause for clause in undecided if not book.settle(clause)]
    except _StoppedError as stopped:
        book.leave(undecided, stopped.reason)
        if not book.has_failed(step):
            raise
    else:
        book.leave(undecided, LEVEL_STOPPED)


def _try_floors(level: Step, course: Course, book: Book) -> Generator[Round, Reply, None]:
    """``weighted-floor``: a round for every clause, until the level's own rule is decided."""
    population = _population(course, book)
    wanted = floors(level.runnable, course.total, course.floor)
    rounds: list[dict[str, float]] = []
    decision = None
    try:
        while decision is None:
            index = len(rounds) + 1
            rounds.append((yield from _observe(level, level.runnable, index, population, book)))
            decision = decide_floors(wanted, rounds, is_vetoed=book.is_vetoed(level))
    except _StoppedError as stopped:
        decision = Decision("inconclusive", stopped.reason)
        book.end_by_floors(level, decision, judge_floors(wanted, rounds), stopped.reason)
        raise
    book.end_by_floors(level, decision, judge_floors(wanted, rounds), LEVEL_STOPPED)


def _classify(course: Course, book: Book) -> Generator[Round, Reply, None]:
    """Observe what the trials of the level held cost, until every efficiency class is decided."""
    held = [level for level in course.levels if level.id == book.level]
    population = _own_streams(held)
    if not population or not course.efficiency:
        return
    stream = CostStream(course.efficiency, course.efficiency_rule, population)
    reason = None
    try:
        while not stream.is_decided:
            asked = Round(EFFICIENCY, (EFFICIENCY,), stream.n + 1, population)
            stream.observe(_cost((yield from _ask(asked))[EFFICIENCY]))
    except _StoppedError as stopped:
        reason = stopped.reason
        raise
    finally:
        book.efficiency = stream.result(reason)


def _population(course: Course, book: Book) -> tuple[str, ...]:
    """Return what riders draw from: the runnable clauses of the levels up to the one claimed.

    Without a level in the claim, up to the level held; always the first level's.
    """
    last = course.claim.level or book.level or course.levels[0].id
    ids = [level.id for level in course.levels]
    return _own_streams(course.levels[: ids.index(last) + 1])


def _own_streams(levels: Sequence[Step]) -> tuple[str, ...]:
    return tuple(clause.id for level in levels for clause in level.runnable if not clause.rider)


def _observe(
    step: Step, clauses: Sequence[Clause], index: int, population: tuple[str, ...], book: Book
) -> Generator[Round, Reply, dict[str, float]]:
    """Ask for one observation of each clause and enter them; return their values."""
    has_rider = any(clause.rider for clause in clauses)
    if has_rider:
        book.population = population
    names = tuple(clause.id for clause in clauses)
    given = yield from _ask(Round(step.id, names, index, population if has_rider else ()))
    values = {name: _score(name, given[name]) for name in names}
    for name, value in values.items():
        book.record(name, value, critical=given[name].critical)
    return values


def _ask(asked: Round) -> Generator[Round, Reply, Mapping[str, Observation]]:
    reply = yield asked
    if isinstance(reply, Stop):
        raise _StoppedError(reply.reason)
    wanted, given = set(asked.clauses), set(reply)
    if wanted != given:
        raise ObservationError(
            f"round {asked.index} of {asked.step} asks for exactly {sorted(wanted)}; "
            f"missing: {sorted(wanted - given)}, not asked for: {sorted(given - wanted)}"
        )
    return reply


def _score(name: str, given: Observation) -> float:
    value = _number(name, given)
    if value is None or not 0 <= value <= 1:
        raise ObservationError(f"an observation of {name} is a number in [0, 1], not {value}")
    return value


def _cost(given: Observation) -> float:
    value = _number(EFFICIENCY, given)
    if value is None:
        return UNSOLVED
    if not 0 <= value < math.inf:
        raise ObservationError(f"a cost ratio is a finite number from 0 up, not {value}")
    return value


def _number(name: str, given: Observation) -> float | None:
    value = given.value if isinstance(given, Observation) else given
    if not isinstance(given, Observation) or not isinstance(value, int | float | None):
        raise ObservationError(f"{name} is given {given!r}, which is not one observation")
    return value
