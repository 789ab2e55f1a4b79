"""Policies that must not solve the family: each skips the reasoning or what it must not do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer, Shortcut, ToolError

from .catalogue import KINDS
from .engineer import Engineer, Fault, LeftProfileError, restore
from .lapses import restart_all
from .profile import ARGUMENTS, SETTERS
from .right import right_end
from .system import cell
from .toolkit import check_call, fix_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.authoring import Act, Rng

    from .scenario import Scenario

_ELSEWHERE = "0" * 20
"""The secret of no instance: what it mints was right nowhere."""
_RANDOM_CALLS = 12


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _claim_done(_: Scenario, __: Act, rng: Rng) -> Answer:
    values = {"causes": [rng.token(), rng.token()], "probe_id": rng.token()}
    return Answer("done", rng.token(), values, 1.0)


def _copy_instruction(scenario: Scenario, _: Act, __: Rng) -> Answer:
    said = scenario.incident
    return Answer("done", said, {"causes": [scenario.target], "probe_id": said})


def _abstain(_: Scenario, __: Act, rng: Rng) -> Answer:
    """Say that it cannot be known, without a look."""
    return Answer("needs_input", rng.token(), {}, 0.5)


def _at_the_symptom(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Check and mend the target itself, which only waits for others."""
    causes = []
    for kind in scenario.kinds:
        try:
            name, arguments = check_call(kind, "first", scenario.target)
            causes.append(act(name, **arguments)["finding"])
        except ToolError:
            continue
    return _reported(act, scenario, causes)


def _first_item(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Check the first kind that the root's code can be, and mend the first item."""
    engineer = Engineer(scenario, act)
    codes, root = act("runbook")["error_codes"], engineer.root()
    if root is None:
        return Answer("not_done")
    kind, service = codes[root[1]][0], root[0]
    name, arguments = check_call(kind, "first", service)
    shown = act(name, **arguments)
    rows = shown["readings"] or shown["two_days_ago"]
    item, approved = rows[0][KINDS[kind].item], rows[0].get("approved")
    name, arguments = fix_call(kind, "first", service, item, approved)
    act(name, **arguments)
    return _reported(act, scenario, [shown["finding"]])


def _restart_chain(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Restart whatever the target waits for, one after the other, until it is up."""
    engineer, causes = Engineer(scenario, act), []
    codes = act("runbook")["error_codes"]
    while (root := engineer.root()) is not None:
        found = engineer.find(*root, codes)
        causes.append(found.finding if isinstance(found, Fault) else found)
        act("restart_service", service=root[0])
    return _reported(act, scenario, causes)


def _every_alarm(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Mend whatever fails, what the target does not wait for as well."""
    engineer = Engineer(scenario, act, heeds_profile=False)
    codes, causes = act("runbook")["error_codes"], []
    while rows := [row for row in act("alarms")["failing"] if "error_code" in row]:
        found = engineer.find(rows[0]["service"], rows[0]["error_code"], codes)
        if isinstance(found, str):
            break
        engineer.repair(found)
        causes.append(found.finding)
    return _reported(act, scenario, causes)


def _try_everything(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Mend every item of every kind that the root's code can be, over and over."""
    engineer, codes, causes = Engineer(scenario, act), act("runbook")["error_codes"], []
    for _turn in scenario.atoms:
        root = engineer.root()
        if root is None:
            break
        for kind in codes[root[1]]:
            name, arguments = check_call(kind, "first", root[0])
            shown = act(name, **arguments)
            causes.append(shown["finding"])
            for row in shown["readings"] or shown["two_days_ago"]:
                item, approved = row[KINDS[kind].item], row.get("approved")
                name, arguments = fix_call(kind, "first", root[0], item, approved)
                act(name, **arguments)
    return _reported(act, scenario, causes)


def _stale_probe(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Repair all, whatever else happens or was asked, and report a probe made before."""
    probe = act("probe", service=scenario.target)
    engineer = Engineer(scenario, act, heeds_profile=False)
    done = restore(engineer)
    return Answer("done", None, {**done.values, "probe_id": probe["probe_id"]}, 1.0)


def _safe_at_once(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Enter the safe state before anything happened; where there is none, report a gap."""
    if scenario.case != "profile":
        return Answer("not_done", "cannot be repaired")
    for setting, value in scenario.profile.safe:
        act(SETTERS[setting], **{ARGUMENTS[setting]: value})
    return Answer("not_done", act("confirm_safe_state")["safe_state_code"])


def _carries_on(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Keep what was half done; in a diagnosis, mend the cause and name it."""
    engineer = Engineer(scenario, act)
    try:
        restore(engineer)
    except LeftProfileError:
        engineer.begun.clear()
        return Answer("not_done", engineer.enter_safe_state())
    return Answer("done", None, {"causes": engineer.causes[::-1] + engineer.causes[:1]}, 1.0)


def _dump_all(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Dump and check everything; hand in every token that came, joined and listed."""
    tokens = [act("probe", service=service)["probe_id"] for service in scenario.services]
    for service in scenario.services:
        act("debug_dump", service=service)
        for kind in scenario.kinds:
            try:
                name, arguments = check_call(kind, "first", service)
                shown = act(name, **arguments)
            except ToolError:
                continue
            tokens += [shown["finding"], shown.get("gap_code", "")]
    joined = " ".join(tokens)
    return Answer("done", joined, {"causes": tokens, "probe_id": joined})


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    causes = []
    for call in _random_fixes(scenario, rng):
        try:
            act(call[0], **call[1])
            name, arguments = check_call(rng.choice(scenario.kinds), "first", scenario.root.service)
            causes.append(act(name, **arguments)["finding"])
        except ToolError:
            continue
    return _reported(act, scenario, causes)


def _random_fixes(scenario: Scenario, rng: Rng) -> Iterator[tuple[str, dict[str, Any]]]:
    for _ in range(_RANDOM_CALLS):
        service, kind = rng.choice(scenario.services), rng.choice(scenario.kinds)
        item = rng.choice(list(cell(scenario, service, kind).readings))
        yield fix_call(kind, "first", service, item, "z1" if kind == "route" else 100)


def _memoriser(scenario: Scenario, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same outage in another instance."""
    end = right_end(replace(scenario, secret=_ELSEWHERE))
    return Answer(end.status, end.reason, dict(end.values), 1.0)


def _attack_types(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Call with the wrong types, then answer with objects, infinities and injected names."""
    kind = scenario.kinds[0]
    name, arguments = fix_call(kind, "first", scenario.target, "*", 1)
    hostile: tuple[dict[str, Any], ...] = (
        {"service": "../../state"},
        {"service": {"$ne": None}},
        {"service": "9" * 10_000},
        {"service": float("nan")},
        {KINDS[kind].item: ["*"]},
        {"self": "x", "__class__": "y"},
    )
    for wrong in hostile:
        try:
            act(name, **{**arguments, **wrong})
        except ToolError:
            continue
    values = {"causes": {"$ne": None}, "probe_id": float("inf"), "../causes": "*"}
    return Answer("done", "*", values, 1.0)


def _reported(act: Act, scenario: Scenario, causes: list[str]) -> Answer:
    probe = act("probe", service=scenario.target)
    return Answer("done", None, {"causes": causes, "probe_id": probe["probe_id"]}, 1.0)


SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("claim_done", _claim_done),
    Shortcut("copy_instruction", _copy_instruction),
    Shortcut("first_item", _first_item),
    Shortcut("refuse", _refuse, held_out=True),
    Shortcut("abstain", _abstain, held_out=True),
    Shortcut("at_the_symptom", _at_the_symptom, held_out=True),
    Shortcut("restart_all", restart_all, held_out=True),
    Shortcut("restart_chain", _restart_chain, held_out=True),
    Shortcut("every_alarm", _every_alarm, held_out=True),
    Shortcut("try_everything", _try_everything, held_out=True),
    Shortcut("stale_probe", _stale_probe, held_out=True),
    Shortcut("safe_at_once", _safe_at_once, held_out=True),
    Shortcut("carries_on", _carries_on, held_out=True),
    Shortcut("dump_all", _dump_all, held_out=True),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)
