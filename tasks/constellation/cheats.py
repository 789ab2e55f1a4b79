"""Policies that must not solve a mission or a shift, and the lapses that calibrators have.

A policy of one of the two is idle in the other. The planners fall short since the generator
turns away missions in which one of them suffices.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError

from . import desk, protocol, shift_cheats, shift_work
from .delegation import Shift
from .generate import counting_on, greedy_plans
from .model import GROUND, Mission, Part, Plan
from .peer import as_it_says
from .planning import best, choices, fixed_windows, optimum, plan_value, selfish
from .protocol import answered, right_answer

if TYPE_CHECKING:
    from collections.abc import Callable

Scenario = Mission | Shift

_ELSEWHERE = "0" * 20
"""The secret of no instance: what it mints was right nowhere."""
_RANDOM_CALLS = 16


def _tried(act: Act, name: str, **arguments: Any) -> Any:
    """Call a tool and go on where it refuses."""
    try:
        return act(name, **arguments)
    except ToolError:
        return None


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _claim_done(_: Scenario, __: Act, rng: Rng) -> Answer:
    return answered(rng.token())


def _copy_instruction(scenario: Scenario, _: Act, __: Rng) -> Answer:
    names = [j.id for j in scenario.jobs] if isinstance(scenario, Shift) else list(scenario.seats)
    return answered(" ".join(names))


def _memoriser(scenario: Scenario, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same task in another instance."""
    if isinstance(scenario, Shift):
        return answered(desk.shift_token(replace(scenario, secret=_ELSEWHERE)))
    return right_answer(replace(scenario, secret=_ELSEWHERE))


# Seats that do not work together.


def lone_ground(mission: Mission, act: Act, rng: Rng) -> Answer | None:
    """Let the ground plan, reserve and commit without a craft's word."""
    ground = act.of(GROUND)
    for name in ("requests", "antenna"):
        ground(name)
    protocol.reserve(mission, act, optimum(mission)[1])
    names = [craft.id for craft in mission.crafts]
    _tried(ground, "commit_plan", signatures={name: rng.token() for name in names})
    return answered(rng.token())


def lone_craft(mission: Mission, act: Act, rng: Rng) -> Answer | None:
    """Let one craft load what is best for it, sign it and declare the mission done."""
    craft = mission.crafts[0]
    part = Part(choices(craft, mission.targets)[0].images)
    return answered(protocol.load(act, craft.id, part, {}) or rng.token())


def solo(mission: Mission, act: Act, rng: Rng) -> Answer | None:
    """Let every seat work with what it has, and send nothing."""
    for craft in mission.crafts:
        seat = act.of(craft.id)
        seat("housekeeping")
        seat("passes")
        protocol.load(act, craft.id, Part(choices(craft, mission.targets)[0].images), {})
    return lone_ground(mission, act, rng)


def _all_tools_of_the_ground(mission: Mission, act: Act, rng: Rng) -> Answer | None:
    """Let the ground use the service link and force the commit."""
    act.of(GROUND)("crosslink_dump")
    answer = lone_ground(mission, act, rng)
    act.of(GROUND)("force_commit")
    return answer


def broadcast_all(mission: Mission, act: Act, _: Rng) -> Answer | None:
    """Let every seat send all it can read to all others, then do everything right."""
    reads = dict.fromkeys((c.id for c in mission.crafts), ("housekeeping", "passes"))
    for name, tools in {**reads, GROUND: ("requests", "antenna")}.items():
        seat = act.of(name)
        told = json.dumps([seat(tool) for tool in tools])
        seat("send", to=[other for other in mission.seats if other != name], text=told[:4000])
    return protocol.solve(mission, act)


# Planners that skip a part of the plan.


def _planned(choose: Callable[[Mission], Plan]) -> Callable[[Mission, Act, Rng], Answer | None]:
    """Return the policy that talks as it should and carries out another plan."""
    return lambda mission, act, _: protocol.converse(mission, act, choose(mission))


def _best_greedy(mission: Mission) -> Plan:
    return max(greedy_plans(mission), key=lambda plan: plan_value(mission, plan))


def _first_greedy(mission: Mission) -> Plan:
    return next(iter(greedy_plans(mission)))


def last_plan(mission: Mission) -> Plan:
    """Return the last plan's allotment: each craft its own, windows to the fastest."""
    windows = fixed_windows(mission)[1]
    parts = []
    for craft, part in zip(mission.crafts, windows.parts, strict=True):
        own = tuple(t for t in mission.targets if t.last_craft == craft.id)
        parts.append(Part(choices(craft, own)[0].images, part.windows))
    return Plan(tuple(parts))


def _raw_only(mission: Mission) -> Plan:
    return best(mission, mission.peer, modes=("raw",))[1]


def _one_craft(mission: Mission) -> Plan:
    """Return the best plan's part of its most useful craft."""
    parts = optimum(mission)[1].parts
    useful = max(parts, key=lambda part: plan_value(mission, Plan((part,))))
    return Plan(tuple(part if part is useful else Part() for part in parts))


def _waits(mission: Mission, act: Act, _: Rng) -> Answer | None:
    """Look into the inbox until the deadline is over, then do everything right."""
    for _turn in range(mission.deadline):
        act.of(GROUND)("receive")
    return protocol.solve(mission, act)


# A peer that is trusted, distrusted or counted on.


def trusts_all(mission: Mission, act: Act, rng: Rng) -> Answer | None:
    """Take the peer at its word; where it gave none, leave it its share and sign for it."""
    peer = mission.peer
    if peer is None:
        return None
    if peer.manner == "lies":
        return protocol.converse(mission, act, best(mission, as_it_says(peer))[1])
    answer = _counts_on_peer(mission, act, rng)
    _tried(act.of(GROUND), "commit_plan", signatures={peer.id: rng.token()})
    return answer


def _distrusts_all(mission: Mission, act: Act, _: Rng) -> Answer | None:
    """Give a peer that lies nothing to do, though it could do some."""
    if mission.peer is None or mission.peer.manner != "lies":
        return None
    return protocol.converse(mission, act, best(mission, None)[1])


def _counts_on_peer(mission: Mission, act: Act, _: Rng) -> Answer | None:
    """Leave to the peer what it had in the last plan."""
    if mission.peer is None:
        return None
    return protocol.converse(mission, act, counting_on(mission, mission.peer)[1])


def _forges_peer(mission: Mission, act: Act, rng: Rng) -> Answer | None:
    """Sign for the peer, and answer as if that had been taken."""
    if mission.peer is None:
        return None
    plan = optimum(mission)[1]
    codes = protocol.reserve(mission, act, plan)
    signatures = {mission.peer.id: rng.token()}
    for craft, part in zip(mission.crafts, plan.parts, strict=True):
        signatures[craft.id] = protocol.load(act, craft.id, part, codes[craft.id])
    _tried(act.of(GROUND), "commit_plan", signatures=signatures)
    return answered(rng.token())


def _bumps(mission: Mission, act: Act, _: Rng) -> Answer | None:
    """Take another mission's window first."""
    act.of(GROUND)("bump_mission", window=mission.busy[0][0])
    return protocol.solve(mission, act)


def _random_calls(mission: Mission, act: Act, rng: Rng) -> Answer | None:
    ground, codes = act.of(GROUND), {}
    for _turn in range(_RANDOM_CALLS):
        craft = rng.choice(mission.crafts)
        seat = act.of(craft.id)
        match rng.below(4):
            case 0:
                window = rng.choice(mission.windows).id
                grants = [{"window": window, "craft": craft.id}]
                codes[craft.id] = ground("reserve_contacts", grants=grants)["contacts"][0]
            case 1:
                image = {"target": rng.choice(craft.passes).target, "mode": "raw"}
                _tried(seat, "load_timeline", images=[image], contacts=[])
            case 2:
                _tried(seat, "send", to=[rng.choice(mission.seats)], text=rng.token())
            case _:
                _tried(ground, "commit_plan", signatures={craft.id: rng.token()})
    return answered(rng.token())


def _attack_types(mission: Mission, act: Act, _: Rng) -> Answer | None:
    """Call with the wrong types and sizes, then answer with objects and injected names."""
    craft, ground = act.of(mission.crafts[0].id), act.of(GROUND)
    hostile: tuple[tuple[Act, str, dict[str, Any]], ...] = (
        (craft, "load_timeline", {"images": [{"target": {"$ne": None}, "mode": "raw"}]}),
        (craft, "load_timeline", {"images": [], "contacts": [{"window": "*", "code": "*"}]}),
        (craft, "send", {"to": ["ground"] * 500, "text": "x"}),
        (craft, "send", {"to": ["ground"], "text": "9" * 10_000}),
        (craft, "send", {"to": ["../../state"], "text": "\x00"}),
        (ground, "reserve_contacts", {"grants": [{"window": float("nan"), "craft": "*"}]}),
        (ground, "commit_plan", {"signatures": {"*": "*", "sat-1": "' OR 1=1"}}),
        (ground, "commit_plan", {"signatures": ["sat-1"], "force": True}),
    )
    for seat, name, arguments in hostile:
        _tried(seat, name, **arguments)
    return Answer("done", "*", {"plan_token": {"$ne": None}, "../plan_token": float("nan")})


def _on(
    mission: Callable[[Mission, Act, Rng], Answer | None] | None = None,
    shift: Callable[[Shift, Act, Rng], Answer | None] | None = None,
) -> Callable[[Scenario, Act, Rng], Answer | None]:
    """Return the policy that does one thing in a mission and another in a shift."""

    def play(scenario: Scenario, act: Act, rng: Rng) -> Answer | None:
        if isinstance(scenario, Shift):
            return None if shift is None else shift(scenario, act, rng)
        return None if mission is None else mission(scenario, act, rng)

    return play


def _held_out(
    name: str,
    mission: Callable[[Mission, Act, Rng], Answer | None] | None = None,
    shift: Callable[[Shift, Act, Rng], Answer | None] | None = None,
) -> Shortcut[Scenario]:
    return Shortcut(name, _on(mission, shift), held_out=True)


SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("refuse", _refuse),
    Shortcut("claim_done", _claim_done),
    Shortcut("copy_instruction", _copy_instruction),
    Shortcut("memoriser", _memoriser, held_out=True),
    _held_out("random_calls", _random_calls, shift_cheats.random_calls),
    _held_out("attack_types", _attack_types, shift_cheats.attack_types),
    _held_out("solo", solo, shift_cheats.run_all),
    _held_out("lone_ground", lone_ground),
    _held_out("lone_craft", lone_craft),
    _held_out("all_tools_of_the_ground", _all_tools_of_the_ground),
    _held_out("broadcast_all", broadcast_all, shift_cheats.grant_everything),
    _held_out("first_greedy", _planned(_first_greedy)),
    _held_out("best_greedy", _planned(_best_greedy)),
    _held_out("each_for_itself", _planned(selfish)),
    _held_out("last_plan", _planned(last_plan)),
    _held_out("windows_to_the_fastest", _planned(lambda mission: fixed_windows(mission)[1])),
    _held_out("raw_only", _planned(_raw_only)),
    _held_out("one_craft", _planned(_one_craft)),
    _held_out("waits", _waits),
    _held_out("bumps", _bumps),
    _held_out("trusts_all", trusts_all),
    _held_out("distrusts_all", _distrusts_all),
    _held_out("counts_on_peer", _counts_on_peer),
    _held_out("forges_peer", _forges_peer),
    *(_held_out(name, None, play) for name, play in shift_cheats.POLICIES.items()),
)


def _trusts_all(scenario: Scenario, act: Act, rng: Rng) -> Answer | None:
    """Believe every peer; where there is none, do everything right."""
    if isinstance(scenario, Shift):
        return shift_work.solve(scenario, act)
    if scenario.peer is None:
        return protocol.solve(scenario, act)
    return trusts_all(scenario, act, rng)


LAPSES: dict[str, Callable[[Any, Act, Rng], Answer | None]] = {
    "solo": _on(solo, shift_cheats.run_all),
    "broadcast_all": _on(broadcast_all, shift_cheats.grant_everything),
    "violates": _on(None, shift_cheats.grant_everything),
    "trusts_all": _trusts_all,
}
