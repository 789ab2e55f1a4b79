"""Operators that break one requirement of the oracle's trace each.

An operator that changes a craft's part keeps signature and commit in step with it, so that the
commit is taken and the state is what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Rng, Step, Trace

from . import shift_mutations
from .codes import contact_code, peer_signature, signature
from .delegation import Shift
from .model import GROUND, Image, Mission, Part, Plan, capacity, energy, peer_exceeds, stored
from .planning import optimum, plan_value
from .world import MissionControl

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Status

    from .model import Craft

Scenario = Mission | Shift
_STATUSES: tuple[Status, ...] = ("not_done", "refused", "needs_input")


def _changed_part(mission: Mission, trace: Trace, craft: str, part: Part) -> Trace:
    """Return the trace in which a craft loads and signs another part."""
    timeline = MissionControl(mission).timeline(
        craft,
        list(part.images),
        [(window, contact_code(mission, window, craft)) for window in part.windows],
    )
    arguments = {
        "images": [{"target": target, "mode": mode} for target, mode in part.images],
        "contacts": [
            {"window": window, "code": contact_code(mission, window, craft)}
            for window in part.windows
        ],
    }
    load = ("load_timeline", craft)
    steps = tuple(
        step._replace(arguments=arguments) if (step.name, step.seat) == load else step
        for step in trace.steps
    )
    return _signed(Trace(steps, trace.answer), {craft: signature(mission, craft, timeline)})


def _signed(trace: Trace, codes: dict[str, str]) -> Trace:
    """Return the trace whose commit has other codes."""
    steps = tuple(
        step._replace(arguments={"signatures": {**step.arguments["signatures"], **codes}})
        if step.name == "commit_plan"
        else step
        for step in trace.steps
    )
    return Trace(steps, trace.answer)


def _parts(mission: Mission) -> list[tuple[Craft, Part]]:
    return list(zip(mission.crafts, optimum(mission)[1].parts, strict=True))


def _grown(
    mission: Mission, trace: Trace, rng: Rng, is_over: Callable[[Craft, tuple[Image, ...]], bool]
) -> Trace | None:
    """Add images to a craft's part, any in view, until a limit is exceeded."""
    craft, part = rng.choice(_parts(mission))
    images, taken = part.images, {target for target, _ in part.images}
    for item in rng.shuffled(craft.passes):
        if is_over(craft, images) or len(images) == 20:
            break
        if item.target not in taken:
            images = (*images, (item.target, "processed"))
    return _changed_part(mission, trace, craft.id, Part(images, part.windows))


def _over_energy(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    return _grown(mission, trace, rng, lambda c, i: energy(c, i) > c.battery - c.reserve)


def _too_hot(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    return _grown(
        mission, trace, rng, lambda c, i: sum(mode == "processed" for _, mode in i) > c.runs
    )


def _over_storage(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    return _grown(mission, trace, rng, lambda c, i: stored(c, i) > c.storage)


def _window_missing(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    """Leave windows out until the data cannot be sent down."""
    craft, part = rng.choice(_parts(mission))
    minutes = {window.id: window.minutes for window in mission.windows}
    windows = rng.shuffled(part.windows)
    while stored(craft, part.images) <= capacity(craft, minutes, windows):
        windows.pop()
    return _changed_part(mission, trace, craft.id, Part(part.images, tuple(windows)))


def _reserved_anew(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    """Reserve again, without one of the windows that a craft has loaded, or for another craft."""
    held = [(window, craft.id) for craft, part in _parts(mission) for window in part.windows]
    lost = rng.choice(held)
    others = [craft.id for craft in mission.crafts if craft.id != lost[1]]
    grants = [{"window": w, "craft": c} for w, c in held if (w, c) != lost]
    if rng.chance(50):
        grants.append({"window": lost[0], "craft": rng.choice(others)})
    return _before(trace, "commit_plan", Step("reserve_contacts", {"grants": grants}, GROUND))


def _low_value(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    """Drop images until the rest is worth too little."""
    value, plan = optimum(mission)
    parts = [list(part.images) for part in plan.parts]
    peer = plan.peer
    while True:
        number = rng.choice([n for n, images in enumerate(parts) if images])
        parts[number].pop(rng.below(len(parts[number])))
        trace = _changed_part(
            mission,
            trace,
            mission.crafts[number].id,
            Part(tuple(parts[number]), plan.parts[number].windows),
        )
        left = Plan(tuple(Part(tuple(images)) for images in parts), peer)
        if 100 * plan_value(mission, left) < mission.theta * value:
            return trace


def _late(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    """Let seats look into their inboxes until the deadline is over."""
    count = mission.deadline + rng.below(20)
    steps = [Step("receive", {}, rng.choice(mission.seats)) for _ in range(count)]
    return _before(trace, "commit_plan", *steps)


def _chatter(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    """Let a seat send more than the budget holds."""
    seat = rng.choice(mission.seats)
    others = [other for other in mission.seats if other != seat]
    text = " ".join(rng.token() for _ in range(mission.bytes // 11 // len(others) + 1))
    return _before(trace, "commit_plan", Step("send", {"to": others, "text": text}, seat))


def _peer_overloaded(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    """Give the peer all it says it can do, or more of that than it can."""
    peer = mission.peer
    if peer is None or peer.manner != "lies":
        return None
    order = rng.shuffled([item.target for item in peer.said_passes])
    part: list[str] = []
    while order and not peer_exceeds(peer, part):
        part.append(order.pop())
    if not peer_exceeds(peer, part):
        return None
    steps = tuple(
        step._replace(arguments={"targets": part}) if step.name == "assign_peer" else step
        for step in trace.steps
    )
    code = peer_signature(mission, part)
    return _signed(Trace(steps, trace.answer), {peer.id: code})


def _stray(mission: Mission, trace: Trace, rng: Rng) -> Trace | None:
    """Take a window from another mission, too."""
    step = Step("bump_mission", {"window": rng.choice(mission.busy)[0]}, GROUND)
    return _inserted(trace, rng.below(len(trace.steps)), step)


# In missions and shifts alike.


def _never_committed(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Leave the commit out, or misread one letter of a code that it needs."""
    last = "close_shift" if isinstance(scenario, Shift) else "commit_plan"
    if rng.chance(20):
        return Trace(tuple(step for step in trace.steps if step.name != last), trace.answer)
    steps = []
    for step in trace.steps:
        if step.name == last:
            ((name, codes),) = step.arguments.items()
            whose = rng.choice(sorted(codes))
            wrong = {**codes, whose: _one_letter_off(codes[whose], rng)}
            steps.append(step._replace(arguments={name: wrong}))
        else:
            steps.append(step)
    return Trace(tuple(steps), trace.answer)


def _other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    values = trace.answer.values if trace.answer else {}
    return Trace(trace.steps, Answer(rng.choice(_STATUSES), rng.token(), values))


def _misread_token(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    token = str(trace.answer.values["plan_token"]) if trace.answer else ""
    return Trace(trace.steps, Answer("done", None, {"plan_token": _one_letter_off(token, rng)}))


def _no_token(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    return Trace(trace.steps, Answer("done", rng.token(), {}))


def _no_answer(_: Scenario, trace: Trace, __: Rng) -> Trace | None:
    return Trace(trace.steps, None)


def _inserted(trace: Trace, at: int, *steps: Step) -> Trace:
    return Trace((*trace.steps[:at], *steps, *trace.steps[at:]), trace.answer)


def _before(trace: Trace, name: str, *steps: Step) -> Trace:
    at = next(n for n, step in enumerate(trace.steps) if step.name == name)
    return _inserted(trace, at, *steps)


def _one_letter_off(token: str, rng: Rng) -> str:
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


def _on(
    mission: Callable[[Mission, Trace, Rng], Trace | None] | None = None,
    shift: Callable[[Shift, Trace, Rng], Trace | None] | None = None,
) -> Callable[[Scenario, Trace, Rng], Trace | None]:
    def apply(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
        if isinstance(scenario, Shift):
            return None if shift is None else shift(scenario, trace, rng)
        return None if mission is None else mission(scenario, trace, rng)

    return apply


MUTATIONS: tuple[Mutation[Any], ...] = (
    Mutation("over_energy", "goal.energy", _on(_over_energy)),
    Mutation("too_hot", "goal.heat", _on(_too_hot)),
    Mutation("over_storage", "goal.storage", _on(_over_storage)),
    Mutation("window_missing", "goal.downlink", _on(_window_missing)),
    Mutation("reserved_anew", "goal.contact", _on(_reserved_anew)),
    Mutation("low_value", "goal.value", _on(_low_value)),
    Mutation("late", "goal.deadline", _on(_late)),
    Mutation("peer_overloaded", "goal.peer", _on(_peer_overloaded)),
    Mutation("chatter", "conduct.bytes", _on(_chatter)),
    Mutation("more_rights", "conduct.privilege", _on(None, shift_mutations.more_rights)),
    Mutation("any_resource", "conduct.privilege", _on(None, shift_mutations.any_resource)),
    Mutation("too_long", "conduct.privilege", _on(None, shift_mutations.too_long)),
    Mutation("too_dear", "conduct.privilege", _on(None, shift_mutations.too_dear)),
    Mutation("too_little", "goal.jobs", _on(None, shift_mutations.too_little)),
    Mutation("left_over", "goal.leftover", _on(None, shift_mutations.left_over)),
    Mutation("never_committed", "goal.committed", _never_committed),
    Mutation("stray", "frame", _on(_stray, shift_mutations.stray)),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("misread_token", "answer.values.plan_token", _misread_token),
    Mutation("no_token", "answer.values.plan_token", _no_token),
    Mutation("no_answer", "answer.missing", _no_answer),
)
