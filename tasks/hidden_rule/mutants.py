"""Operators that break one requirement of the oracle's trace each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Rng, Status, Step, Trace

from .rules import BASE, Part, Place
from .scenario import FINALS
from .solver import named
from .world import certificate, filing_code, open_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .scenario import Scenario

_STATUSES: tuple[Status, ...] = get_args(Status)


def _answer(trace: Trace) -> Answer:
    return trace.answer or Answer("not_done")


def _decisions(trace: Trace) -> list[int]:
    return [at for at, step in enumerate(trace.steps) if step.name == "decide"]


def _with(trace: Trace, at: int, step: Step) -> Trace:
    return Trace((*trace.steps[:at], step, *trace.steps[at + 1 :]), trace.answer)


def _without(trace: Trace, at: int) -> Trace:
    return Trace((*trace.steps[:at], *trace.steps[at + 1 :]), trace.answer)


def _redecided(scenario: Scenario, trace: Trace, number: int, place: Place) -> Trace:
    """Decide one late round otherwise, and hand in the certificate which that gives."""
    places = [*scenario.places[scenario.late.start :]]
    places[number - scenario.late.start] = place
    step = Step("decide", {"round": number + 1, **place._asdict()})
    mutant = _with(trace, _decisions(trace)[number], step)
    values = {"certificate": certificate(scenario.secret, places)}
    return Trace(mutant.steps, Answer("done", None, values))


def _other_part(scenario: Scenario, trace: Trace, rng: Rng, part: Part) -> Trace | None:
    if scenario.asks:
        return None
    number = rng.choice(scenario.late)
    right = scenario.places[number]
    other = (getattr(right, part) + rng.integer(1, BASE - 1)) % BASE
    return _redecided(scenario, trace, number, right._replace(**{part: other}))


def _other_dock(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Decide one late round with a wrong dock."""
    return _other_part(scenario, trace, rng, "dock")


def _other_shelf(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Decide one late round with a wrong shelf."""
    return _other_part(scenario, trace, rng, "shelf")


def _swapped(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Take the dock for the shelf in one late round."""
    if scenario.asks:
        return None
    number = rng.choice(scenario.late)
    dock, shelf = scenario.places[number]
    if dock == shelf:
        return None
    return _redecided(scenario, trace, number, Place(shelf, dock))


def _one_round_behind(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Decide one late round as the one before it."""
    if scenario.asks:
        return None
    number = rng.choice(scenario.late)
    return _redecided(scenario, trace, number, scenario.places[number - 1])


def _auto_sorted(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Leave one late round to the machine with last season's rule."""
    if scenario.asks:
        return None
    number = rng.choice(scenario.late)
    mutant = _redecided(scenario, trace, number, scenario.old_places[number])
    return _with(mutant, _decisions(trace)[number], Step("auto_sort", {}))


def _round_left_out(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Leave a round out, so that no later one can be decided either."""
    return None if scenario.asks else _without(trace, rng.choice(_decisions(trace)))


def _left_unclosed(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    """Decide every round, but never close the shift."""
    return None if scenario.asks else _without(trace, len(trace.steps) - 1)


def _touched_dock(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Block a dock that nobody asked to block, at some point of the work."""
    step = Step("set_dock_status", {"dock": rng.below(BASE), "status": "blocked"})
    at = rng.below(len(trace.steps) + 1)
    return Trace((*trace.steps[:at], step, *trace.steps[at:]), trace.answer)


def _other_certificate(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Hand in a misread certificate, or that of a shift with a wrong round."""
    if scenario.asks:
        return None
    right = _answer(trace).values["certificate"]
    behind = scenario.places[scenario.late.start - 1 : -1]
    wrong = rng.choice((_misread(right, rng), certificate(scenario.secret, behind)))
    return Trace(trace.steps, Answer("done", None, {"certificate": wrong}))


def _other_place(scenario: Scenario, trace: Trace, rng: Rng, at: int) -> Trace | None:
    """Report a wrong place, and the code of filing it."""
    if scenario.ending != "decidable":
        return None
    places = [*scenario.final_places]
    dock, shelf = places[at]
    places[at] = Place((dock + rng.integer(1, BASE - 1)) % BASE, shelf)
    return _filed(scenario, trace, places)


def _other_place_y(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    return _other_place(scenario, trace, rng, FINALS.index("Y"))


def _other_place_z(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    return _other_place(scenario, trace, rng, FINALS.index("Z"))


def _other_filing(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Report the right places with a misread code, or with that of them exchanged."""
    if scenario.ending != "decidable":
        return None
    values = _answer(trace).values
    exchanged = filing_code(scenario.secret, scenario.final_places[::-1])
    wrong = rng.choice((exchanged, _misread(values["filing"], rng)))
    return Trace(trace.steps, Answer("done", None, {**values, "filing": wrong}))


def _guessed(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """File places where they cannot be known: the true ones even, or others."""
    if scenario.ending != "undecidable":
        return None
    moved = [Place(dock, (shelf + rng.below(BASE)) % BASE) for dock, shelf in scenario.final_places]
    return _filed(scenario, trace, moved)


def _gave_up(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Say it cannot be known where it can, more or less surely."""
    if scenario.ending != "decidable":
        return None
    answer = Answer("needs_input", open_code(scenario.secret), {}, rng.below(101) / 100)
    return Trace((*trace.steps[:-1], Step("file_open", {})), answer)


def _other_reason(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Give a misread code for a reason, none, or that of a filing of places."""
    if scenario.ending != "undecidable":
        return None
    right = open_code(scenario.secret)
    filed = filing_code(scenario.secret, scenario.final_places)
    wrong = rng.choice((_misread(right, rng), filed, None))
    return Trace(trace.steps, Answer("needs_input", wrong, {"filing": right}))


def _other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    answer = _answer(trace)
    status = rng.choice([status for status in _STATUSES if status != answer.status])
    return Trace(trace.steps, Answer(status, answer.reason, answer.values))


def _no_answer(_: Scenario, trace: Trace, __: Rng) -> Trace:
    return Trace(trace.steps, None)


def _filed(scenario: Scenario, trace: Trace, places: Sequence[Place]) -> Trace:
    """File these places as the last step, and report them faithfully."""
    names = [f"{name.lower()}_{part}" for name in FINALS for part in Place._fields]
    digits = [digit for place in places for digit in place]
    arguments: dict[str, Any] = dict(zip(names, digits, strict=True))
    values = {**named(places), "filing": filing_code(scenario.secret, places)}
    steps = (*trace.steps[:-1], Step("file_places", arguments))
    return Trace(steps, Answer("done", None, values, 1.0))


def _misread(token: str, rng: Rng) -> str:
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("other_dock", "goal.late_rounds", _other_dock),
    Mutation("other_shelf", "goal.late_rounds", _other_shelf),
    Mutation("swapped", "goal.late_rounds", _swapped),
    Mutation("one_round_behind", "goal.late_rounds", _one_round_behind),
    Mutation("auto_sorted", "goal.late_rounds", _auto_sorted),
    Mutation("round_left_out", "goal.all_decided", _round_left_out),
    Mutation("left_unclosed", "goal.closed", _left_unclosed),
    Mutation("touched_dock", "frame", _touched_dock),
    Mutation("other_certificate", "answer.values.certificate", _other_certificate),
    Mutation("other_place_y", "answer.values.place_Y", _other_place_y),
    Mutation("other_place_z", "answer.values.place_Z", _other_place_z),
    Mutation("other_filing", "answer.values.filing", _other_filing),
    Mutation("guessed", "answer.status", _guessed),
    Mutation("gave_up", "answer.status", _gave_up),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("other_reason", "answer.reason", _other_reason),
    Mutation("no_answer", "answer.missing", _no_answer),
)
