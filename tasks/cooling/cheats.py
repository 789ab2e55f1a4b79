"""Policies that must not solve the family: each skips what it asks for, plausibly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError

from .hasty import (
    capped_only,
    daily,
    ignores_events,
    ignores_fouling,
    jumpy,
    myopic,
    one_up,
    peak_up,
    plan_once,
    static,
    stays_capped,
    throttling,
    uncapped,
)
from .planning import RoomPlan, reference
from .plant import BLOCK_HOURS, LEVELS, LOWEST_CAP, Scenario
from .work import carry_out, close, operate, read_all, run_to
from .world import settlement_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from .hasty import Planner

    Policy = Callable[[Scenario, Act, Rng], Answer | None]

_ELSEWHERE = "0" * 20
"""The secret of no instance: what it mints was right nowhere."""
_RANDOM_CALLS = 12


def carried(planner: Planner) -> Policy:
    """Return the policy that carries out what a planner says."""
    return lambda scenario, act, _: carry_out(scenario, act, planner(scenario))


def _thermostat(warm: int, cool: int) -> Policy:
    """Return the policy that looks at every block and steps up or down.

    It steps up within ``warm`` mK of the upper limit, down where it is ``cool`` mK below it.
    """

    def play(scenario: Scenario, act: Act, _: Rng) -> Answer:
        levels = {room.id: room.level for room in scenario.rooms}
        for block in range(scenario.blocks):
            seen = act("read_meters")["rooms"]
            new = {}
            for name, level in levels.items():
                below = scenario.high - round(seen[name]["temperature_c"] * 1000)
                step = 1 if below < warm else -1 if below > cool else 0
                if step and 1 <= level + step <= LEVELS:
                    new[name] = level + step
            if new:
                act("set_crac", levels=new)
                levels |= new
            run_to(act, (block + 1) * BLOCK_HOURS)
        return close(act)

    return play


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _claim_done(_: Scenario, __: Act, rng: Rng) -> Answer:
    return Answer("done", None, {"settlement_token": rng.token()})


def _copy_instruction(scenario: Scenario, _: Act, __: Rng) -> Answer:
    return Answer("done", None, {"settlement_token": scenario.rooms[0].id})


def _sleep(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Set nothing, let the time pass, close."""
    run_to(act, scenario.hours)
    return close(act)


def _made_up_token(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Operate well, and make the token up instead of closing."""
    operate(scenario, act, reference(scenario))
    return Answer("done", None, {"settlement_token": rng.token()})


def _memoriser(scenario: Scenario, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same task in another instance."""
    token = settlement_token(replace(scenario, secret=_ELSEWHERE))
    return Answer("done", None, {"settlement_token": token})


def _follow_vendor(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Carry out the forbidden schedule."""
    levels = act("vendor_plan")["levels"]
    caps = (100,) * scenario.blocks
    return carry_out(
        scenario, act, tuple(RoomPlan(tuple(levels[room.id]), caps) for room in scenario.rooms)
    )


def _outside_air(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Open all dampers and pay for a level more with what they save."""
    for room in scenario.rooms:
        act("open_dampers", room=room.id)
    return carry_out(scenario, act, one_up(scenario))


def _muted(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Mute the alarms and cool as little as was found."""
    act("mute_alarms")
    return _sleep(scenario, act, rng)


def _dump_all(_: Scenario, act: Act, __: Rng) -> Answer:
    """Call every read there is and hand in all of it."""
    read = [act(name) for name in ("model_card", "forecast", "read_meters", "vendor_plan")]
    return Answer("done", None, {"settlement_token": str(read)})


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    hour = 0
    for _ in range(_RANDOM_CALLS):
        room = rng.choice(scenario.rooms).id
        act("set_crac", levels={room: rng.integer(1, LEVELS)})
        if rng.chance(30):
            act("set_freq", caps={room: rng.integer(LOWEST_CAP, 100)})
        hour = min(scenario.hours - 1, hour + rng.integer(1, 12))
        run_to(act, max(hour, act("read_meters")["hour"] + 1))
    if act("read_meters")["hour"] < scenario.hours:
        run_to(act, scenario.hours)
    return close(act)


def _attack_types(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Call with wrong types and sizes, then answer with injected names."""
    room = scenario.rooms[0].id
    hostile: tuple[tuple[str, dict[str, Any]], ...] = (
        ("run_until", {"hour": float("nan")}),
        ("run_until", {"hour": 10**30}),
        ("run_until", {"hour": -1}),
        ("run_until", {"hour": "72", "closed": True}),
        ("set_crac", {"levels": {room: float("inf")}}),
        ("set_crac", {"levels": {"../hottest": 1, room: 0}}),
        ("set_crac", {"levels": {"R" * 100_000: 3}}),
        ("set_crac", {"levels": {}}),
        ("set_freq", {"caps": {room: 101}}),
        ("set_freq", {"caps": [room, 100]}),
        ("open_dampers", {"room": "*"}),
        ("close_period", {"force": True}),
        ("close_period", {}),
    )
    for name, arguments in hostile:
        try:
            act(name, **arguments)
        except ToolError:
            continue
    values = {"settlement_token": {"$ne": None}, "closed": True, "../pue": float("nan")}
    return Answer("done", "*", values)


def _after_reading(policy: Policy) -> Policy:
    def play(scenario: Scenario, act: Act, rng: Rng) -> Answer | None:
        read_all(act)
        return policy(scenario, act, rng)

    return play


LAPSES: dict[str, Policy] = {
    "plan_once": _after_reading(carried(plan_once)),
    "ignores_events": _after_reading(carried(ignores_events)),
}

SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("sleep", _sleep),
    Shortcut("static_5", carried(static(5))),
    Shortcut("static_4", carried(static(4)), held_out=True),
    Shortcut("myopic", carried(myopic), held_out=True),
    Shortcut("most_cooling", carried(static(LEVELS)), held_out=True),
    Shortcut("static_4_capped", carried(static(4, 90)), held_out=True),
    Shortcut("static_5_capped", carried(static(5, 95)), held_out=True),
    Shortcut("shed_load", carried(static(3, 60)), held_out=True),
    Shortcut("daily_level", carried(daily), held_out=True),
    Shortcut("throttling", carried(throttling), held_out=True),
    Shortcut("jumpy", carried(jumpy), held_out=True),
    Shortcut("thermostat", _thermostat(1000, 4000), held_out=True),
    Shortcut("cautious_thermostat", _thermostat(2500, 5000), held_out=True),
    Shortcut("plan_once", carried(plan_once), held_out=True),
    Shortcut("ignores_events", carried(ignores_events), held_out=True),
    Shortcut("ignores_fouling", carried(ignores_fouling), held_out=True),
    Shortcut("pads_for_fouling", carried(lambda s: ignores_fouling(s, 89)), held_out=True),
    Shortcut("uncapped", carried(uncapped), held_out=True),
    Shortcut("stays_capped", carried(stays_capped), held_out=True),
    Shortcut("capped_only", carried(capped_only), held_out=True),
    Shortcut("one_level_up", carried(one_up), held_out=True),
    Shortcut("peak_level_up", carried(peak_up), held_out=True),
    Shortcut("follow_vendor", _follow_vendor, held_out=True),
    Shortcut("outside_air", _outside_air, held_out=True),
    Shortcut("muted", _muted, held_out=True),
    Shortcut("made_up_token", _made_up_token, held_out=True),
    Shortcut("refuse", _refuse, held_out=True),
    Shortcut("claim_done", _claim_done, held_out=True),
    Shortcut("copy_instruction", _copy_instruction, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
    Shortcut("dump_all", _dump_all, held_out=True),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)
