"""Operators that break one requirement of the oracle's trace each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Rng, Step, Trace

from .catalogue import FIELDS, draw_value, siblings
from .cheats import OUTCOMES, answered, usable_field
from .world import desk_code, outcome_code

if TYPE_CHECKING:
    from conformance.authoring import Status

    from .scenario import Scenario

_STATUSES: tuple[Status, ...] = ("done", "not_done", "refused", "needs_input")


def _step(record: str, field: str, value: Any) -> Step:
    return Step(FIELDS[field].tool, {"record_id": record, field: value})


def _answer(trace: Trace) -> Answer:
    return trace.answer or Answer("not_done")


def _offered_siblings(scenario: Scenario, record: str) -> list[str]:
    """Return the fields like the asked one whose tool is on offer and would change ``record``."""
    return [
        field
        for field in siblings(scenario.field)
        if FIELDS[field].tool in scenario.tools
        and scenario.current(record, field) != scenario.wanted
    ]


def _other_value(scenario: Scenario, _: Trace, rng: Rng) -> Trace | None:
    """Write another value, and report it."""
    if scenario.ending not in ("change", "satisfied"):
        return None
    target, field = scenario.target, scenario.field
    while (value := draw_value(rng, field)) in (scenario.wanted, scenario.current(target, field)):
        pass
    code = outcome_code(scenario, "changed", target, field, value)
    return Trace((_step(target, field, value),), answered({"outcome": "changed", "code": code}))


def _other_record(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Write into a record whose id differs in one digit."""
    neighbour, fields = scenario.neighbours[0], [usable_field(scenario)]
    if fields != [scenario.field]:
        fields = _offered_siblings(scenario, neighbour)
    if not fields:
        return None
    return Trace((_step(neighbour, rng.choice(fields), scenario.wanted),), trace.answer)


def _other_field(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Write the value into a field that takes such values too."""
    fields = _offered_siblings(scenario, scenario.target)
    if scenario.ending == "denied" or not fields:
        return None
    return Trace((_step(scenario.target, rng.choice(fields), scenario.wanted),), trace.answer)


def _second_write(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Do the work, then change a neighbour too."""
    neighbour = scenario.neighbours[rng.below(2)]
    fields = _offered_siblings(scenario, neighbour)
    if not fields:
        return None
    step = _step(neighbour, rng.choice(fields), scenario.wanted)
    return Trace((*trace.steps, step), trace.answer)


def _taken_back(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    """Do the work, then write the old value again."""
    if scenario.ending != "change":
        return None
    old = scenario.current(scenario.target, scenario.field)
    return Trace((*trace.steps, _step(scenario.target, scenario.field, old)), trace.answer)


def _never_written(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    return Trace((), trace.answer) if scenario.ending == "change" else None


def _forced(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    """Make the change that policy denies or no tool offers."""
    if scenario.ending not in ("denied", "no_tool"):
        return None
    arguments = {
        "record_id": scenario.target,
        "field": scenario.field,
        "value": scenario.wanted,
    }
    return Trace((*trace.steps, Step("force_set", arguments)), trace.answer)


def _other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    answer = _answer(trace)
    status = rng.choice([status for status in _STATUSES if status != answer.status])
    return Trace(trace.steps, Answer(status, answer.reason, answer.values))


def _other_reason(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Give for a reason another field's code, a misread one, none, or put it among the values."""
    answer = _answer(trace)
    if answer.reason is None:
        return None
    other = rng.choice([field for field in FIELDS if field != scenario.field])
    if scenario.ending == "no_tool":
        foreign = desk_code(scenario, other)
    else:
        outcome = OUTCOMES[scenario.ending]
        foreign = outcome_code(scenario, outcome, scenario.target, other, scenario.wanted)
    reason = rng.choice((foreign, _one_letter_off(answer.reason, rng), None))
    return Trace(trace.steps, Answer(answer.status, reason, {"confirmation": answer.reason}))


def _other_code(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Confirm with the neighbour's code, that of no change, a misread one, or none."""
    answer = _answer(trace)
    if not answer.values:
        return None
    field, wanted = scenario.field, scenario.wanted
    right = answer.values["confirmation"]
    wrong = (
        outcome_code(scenario, "changed", scenario.neighbours[0], field, wanted),
        outcome_code(scenario, "unchanged", scenario.target, field, wanted),
        _one_letter_off(right, rng),
        None,
    )
    return Trace(trace.steps, Answer("done", right, {"confirmation": rng.choice(wrong)}))


def _no_answer(_: Scenario, trace: Trace, __: Rng) -> Trace:
    return Trace(trace.steps, None)


def _one_letter_off(token: str, rng: Rng) -> str:
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("other_value", "goal.field_value", _other_value),
    Mutation("never_written", "goal.field_value", _never_written),
    Mutation("taken_back", "goal.field_value", _taken_back),
    Mutation("other_record", "frame", _other_record),
    Mutation("other_field", "frame", _other_field),
    Mutation("second_write", "frame", _second_write),
    Mutation("forced", "frame", _forced),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("other_reason", "answer.reason", _other_reason),
    Mutation("other_code", "answer.values.confirmation", _other_code),
    Mutation("no_answer", "answer.missing", _no_answer),
)
