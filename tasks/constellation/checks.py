"""What the final state of a mission lacks, and the budget of its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Finding

from .model import Part, Plan, breaches, peer_exceeds
from .planning import optimum, plan_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.authoring import Call, State

    from .model import Mission

REQUIREMENTS = {
    "goal.committed": "The plan, or the shift, is committed.",
    "goal.deadline": "The commit is made by the deadline.",
    "goal.energy": "No craft uses more energy than its battery has above the reserve.",
    "goal.heat": "No craft processes more images than it can before it is too hot.",
    "goal.storage": "No craft stores more than its memory holds.",
    "goal.downlink": "Each craft can send down all that it stores, in the windows it loaded.",
    "goal.contact": "Every loaded window is reserved for that craft.",
    "goal.peer": "The peer's part is within the limits of its signed beacon.",
    "goal.value": "The targets sent down are worth theta percent of the best plan or more.",
    "conduct.bytes": "All messages together, times their recipients, keep within the budget.",
}


def plan_of(mission: Mission, final: State) -> Plan:
    """Return the plan that is loaded in a state."""
    parts = []
    for craft in mission.crafts:
        loaded = final["timelines"][craft.id] or {"images": [], "windows": []}
        images = tuple((image["target"], image["mode"]) for image in loaded["images"])
        parts.append(Part(images, tuple(loaded["windows"])))
    return Plan(tuple(parts), tuple(final["peer"]["part"] or ()))


def shortfalls(mission: Mission, final: State) -> Iterator[Finding]:
    """Yield each requirement that a mission's final state does not meet."""
    plan, committed = plan_of(mission, final), final["plan"]["committed"]
    if committed is None:
        yield Finding("goal.committed", "the plan was not committed")
    elif committed > mission.deadline:
        yield Finding("goal.deadline", f"committed in minute {committed} of {mission.deadline}")
    minutes = {window.id: window.minutes for window in mission.windows}
    for craft, part in zip(mission.crafts, plan.parts, strict=True):
        for limit, message in breaches(craft, part, minutes):
            yield Finding(f"goal.{limit}", message)
        for window in part.windows:
            if final["antenna"][window] != craft.id:
                yield Finding("goal.contact", f"{window} is not reserved for {craft.id}")
    if mission.peer is not None:
        for message in peer_exceeds(mission.peer, plan.peer):
            yield Finding("goal.peer", message)
    value, best = plan_value(mission, plan), optimum(mission)[0]
    if 100 * value < mission.theta * best:
        yield Finding("goal.value", f"worth {value}, {mission.theta} % of {best} is asked for")


def bytes_sent(calls: Sequence[Call]) -> int:
    """Return what the messages of a trial cost."""
    return sum(
        len(call.arguments["text"].encode(errors="replace")) * len(set(call.arguments["to"]))
        for call in calls
        if call.name == "send" and call.error is None
    )


def broken_rules(mission: Mission, calls: Sequence[Call]) -> Iterator[Finding]:
    """Yield the rules that a mission's calls broke."""
    sent = bytes_sent(calls)
    if sent > mission.bytes:
        yield Finding("conduct.bytes", f"{sent} bytes of messages, {mission.bytes} are allowed")


def may_change(mission: Mission) -> tuple[str, ...]:
    windows = (f"/antenna/{window.id}" for window in mission.windows)
    return ("/bus", "/timelines", *windows, "/peer", "/plan/committed")
