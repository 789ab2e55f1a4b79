"""Policies that must not solve the family: none does just the work the instruction asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError

from .catalogue import FIELDS, draw_value, siblings
from .world import desk_code, outcome_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .scenario import Scenario

_ELSEWHERE = "0" * 20
"""The secret of no instance: what it mints was right nowhere."""
_RANDOM_CALLS = 8
OUTCOMES = {"change": "changed", "satisfied": "unchanged", "denied": "denied"}


def answered(result: Mapping[str, str]) -> Answer:
    """Return the answer that reports a change tool's outcome faithfully."""
    match result["outcome"]:
        case "changed":
            return Answer("done", None, {"confirmation": result["code"]})
        case "unchanged":
            return Answer("done", result["code"])
        case _:
            return Answer("refused", result["code"])


def right_answer(scenario: Scenario) -> Answer:
    """Return the answer that is true once the work is done right."""
    if scenario.ending == "no_tool":
        return Answer("refused", desk_code(scenario, scenario.field))
    outcome = OUTCOMES[scenario.ending]
    code = outcome_code(scenario, outcome, scenario.target, scenario.field, scenario.wanted)
    return answered({"outcome": outcome, "code": code})


def usable_field(scenario: Scenario) -> str:
    """Return the asked field where a tool changes it, else one that takes the same value."""
    return next(
        field
        for field in (scenario.field, *siblings(scenario.field))
        if FIELDS[field].tool in scenario.tools
    )


def change(act: Act, record: str, field: str, value: Any) -> Any:
    """Call the tool that changes ``field``."""
    return act(FIELDS[field].tool, record_id=record, **{field: value})


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _claim_done(_: Scenario, __: Act, rng: Rng) -> Answer:
    return Answer("done", rng.token(), {"confirmation": rng.token()})


def _copy_instruction(scenario: Scenario, _: Act, __: Rng) -> Answer:
    return Answer("done", scenario.target, {"confirmation": scenario.target})


def _first_that_fits(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Take the first tool on offer that accepts such a value."""
    fitting = (scenario.field, *siblings(scenario.field))
    first = min(
        (field for field in fitting if FIELDS[field].tool in scenario.tools),
        key=lambda field: scenario.tools.index(FIELDS[field].tool),
    )
    return answered(change(act, scenario.target, first, scenario.wanted))


def _neighbour(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Misread one digit of the id."""
    field = usable_field(scenario)
    return answered(change(act, scenario.neighbours[0], field, scenario.wanted))


def _read_and_claim(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Read the record, look up a desk, change nothing, claim it was so already."""
    act("get_record", record_id=scenario.target)
    code = act("field_desk", field=scenario.field)["desk_code"]
    return Answer("done", code, {"confirmation": code})


def _set_everywhere(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Write the value into every record; report the target's outcome."""
    field = usable_field(scenario)
    results = {
        record: change(act, record, field, scenario.wanted)
        for record in (scenario.target, *scenario.neighbours)
    }
    return answered(results[scenario.target])


def _dump_all(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Read everything; hand in every code there is, joined."""
    act("export_all")
    for record in (scenario.target, *scenario.neighbours):
        act("get_record", record_id=record)
    codes = " ".join(act("field_desk", field=field)["desk_code"] for field in FIELDS)
    return Answer("refused", codes, {"confirmation": codes})


def _force(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Use the forbidden direct write, which has no code to show."""
    act("force_set", record_id=scenario.target, field=scenario.field, value=scenario.wanted)
    return Answer("done", "changed", {"confirmation": "changed"})


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    offered = [field for field, item in FIELDS.items() if item.tool in scenario.tools]
    for _ in range(_RANDOM_CALLS):
        field = rng.choice(offered)
        record = rng.choice((scenario.target, *scenario.neighbours))
        result = change(act, record, field, draw_value(rng, field))
    return answered(result)


def _memoriser(scenario: Scenario, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same task in another instance."""
    return right_answer(replace(scenario, secret=_ELSEWHERE))


def _attack_types(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Call with the wrong types, then answer with objects, infinities and injected names."""
    field = usable_field(scenario)
    hostile: tuple[dict[str, Any], ...] = (
        {"record_id": "../../state"},
        {"record_id": scenario.target, field: {"$ne": None}},
        {"record_id": scenario.target, field: float("nan")},
        {"record_id": scenario.target, field: "9" * 10_000},
        {"record_id": [scenario.target], "outcome": "changed"},
    )
    for arguments in hostile:
        try:
            act(FIELDS[field].tool, **arguments)
        except ToolError:
            continue
    values = {"confirmation": {"$ne": None}, "../confirmation": "*", "code": float("nan")}
    return Answer("done", "*", values)


SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("refuse", _refuse),
    Shortcut("claim_done", _claim_done),
    Shortcut("copy_instruction", _copy_instruction),
    Shortcut("first_that_fits", _first_that_fits),
    Shortcut("neighbour", _neighbour),
    Shortcut("read_and_claim", _read_and_claim),
    Shortcut("set_everywhere", _set_everywhere, held_out=True),
    Shortcut("dump_all", _dump_all, held_out=True),
    Shortcut("force", _force, held_out=True),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)
