"""The conversation that makes a joint plan: ask, answer, order, sign, commit, tell the token.

``converse`` plays all seats in an order that works live as well. What a message says is what its
sender knows: the planner's choice follows from the messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer

from .codes import plan_token
from .model import GROUND
from .planning import optimum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.authoring import Act

    from .model import Mission, Part, Plan


def answered(token: str) -> Answer:
    """Return the answer with a plan token."""
    return Answer("done", None, {"plan_token": token})


def right_answer(mission: Mission) -> Answer:
    return answered(plan_token(mission))


def ask(mission: Mission, act: Act) -> None:
    """Read what the ground knows, and tell the crafts what of it they need."""
    ground = act.of(GROUND)
    wanted = [item["target"] for item in ground("requests")["requests"]]
    windows = [item["window"] for item in ground("antenna")["free_windows"]]
    peer = [mission.peer.id] if mission.peer else []
    crafts = [craft.id for craft in mission.crafts]
    text = f"Send limits. Targets {' '.join(wanted)}; windows {' '.join(windows)}"
    ground("send", to=[*crafts, *peer], text=text)


def report(mission: Mission, act: Act) -> None:
    """Let every craft answer with its limits and what it could do of what is wanted."""
    wanted = set(mission.values())
    for craft in mission.crafts:
        seat = act.of(craft.id)
        seat("receive")
        seat("send", to=[GROUND], text=facts(wanted, seat("housekeeping"), seat("passes")))


def facts(wanted: set[str], limits: Mapping[str, Any], passes: Mapping[str, Any]) -> str:
    """Return a craft's answer: limits, then targets, then windows, in a terse line each."""
    head = (
        f"E{limits['battery'] - limits['battery_reserve']} S{limits['storage']} "
        f"P{limits['processing_energy_per_image']} N{limits['processing_runs_before_too_hot']}"
    )
    seen = [
        f"{item['target']} {item['imaging_energy']} {item['data_raw']} {item['data_processed']}"
        for item in passes["targets_in_view"]
        if item["target"] in wanted
    ]
    reach = [f"{item['window']} {item['data_per_minute']}" for item in passes["windows_in_reach"]]
    return "\n".join((head, *seen, *reach))


def reserve(mission: Mission, act: Act, plan: Plan) -> dict[str, dict[str, str]]:
    """Reserve a plan's contacts; return the codes by craft and window."""
    grants = [
        {"window": window, "craft": craft.id}
        for craft, part in zip(mission.crafts, plan.parts, strict=True)
        for window in part.windows
    ]
    codes: dict[str, dict[str, str]] = {craft.id: {} for craft in mission.crafts}
    for item in act.of(GROUND)("reserve_contacts", grants=grants)["contacts"]:
        codes[item["craft"]][item["window"]] = item["code"]
    return codes


def order_text(part: Part, codes: Mapping[str, str]) -> str:
    """Return the order for a craft."""
    images = [f"{target} {mode}" for target, mode in part.images]
    return "\n".join((*images, *(f"{window} {code}" for window, code in codes.items()))) or "idle"


def load(act: Act, craft: str, part: Part, codes: Mapping[str, str]) -> str:
    """Load a part into a craft's computer; return the signature."""
    result = act.of(craft)(
        "load_timeline",
        images=[{"target": target, "mode": mode} for target, mode in part.images],
        contacts=[{"window": window, "code": code} for window, code in codes.items()],
    )
    return str(result["signature"])


def peer_code(mission: Mission, act: Act, targets: Sequence[str]) -> dict[str, str]:
    """Return what stands for the peer in the commit: its signature, or its absence."""
    if mission.peer is None:
        return {}
    ground = act.of(GROUND)
    if mission.peer.manner == "lies":
        code = ground("assign_peer", targets=list(targets))["signature"]
    else:
        code = ground("excuse_peer")["absence_code"]
    return {mission.peer.id: code}


def settle(mission: Mission, act: Act, plan: Plan) -> Answer:
    """Order, load, sign and commit a plan, and tell everyone the token."""
    ground = act.of(GROUND)
    codes = reserve(mission, act, plan)
    for craft, part in zip(mission.crafts, plan.parts, strict=True):
        ground("send", to=[craft.id], text=order_text(part, codes[craft.id]))
    signatures = {}
    for craft, part in zip(mission.crafts, plan.parts, strict=True):
        seat = act.of(craft.id)
        seat("receive")
        signatures[craft.id] = load(act, craft.id, part, codes[craft.id])
        seat("send", to=[GROUND], text=signatures[craft.id])
    ground("receive")
    signatures |= peer_code(mission, act, plan.peer)
    token = ground("commit_plan", signatures=signatures)["plan_token"]
    ground("send", to=[craft.id for craft in mission.crafts], text=token)
    for craft in mission.crafts:
        act.of(craft.id)("receive")
    return answered(token)


def converse(mission: Mission, act: Act, plan: Plan) -> Answer:
    """Play the whole conversation to a plan."""
    ask(mission, act)
    report(mission, act)
    act.of(GROUND)("receive")
    if mission.peer is not None and mission.peer.manner == "lies":
        act.of(GROUND)("peer_beacon")
    return settle(mission, act, plan)


def solve(mission: Mission, act: Act) -> Answer:
    """Reach the best value there is."""
    return converse(mission, act, optimum(mission)[1])
