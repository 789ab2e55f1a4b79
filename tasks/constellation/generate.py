"""Draw a mission in which every seat is needed and no planner that looks at one thing suffices."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from .model import (
    MODES,
    Contact,
    Craft,
    Mission,
    Mode,
    Pass,
    Peer,
    Plan,
    Target,
    Window,
    capacity,
    peer_exceeds,
)
from .naming import distinct
from .peer import as_it_says
from .planning import best, choices, fixed_windows, greedy, optimum, plan_value, selfish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.authoring import Rng

    from .model import PeerManner

OTHER_PASSES = 14
"""Passes of each craft over targets that nobody asked for: what makes its telemetry long."""
BYTES = {2: 2400, 3: 3600}
DEADLINE = {2: 80, 3: 100}
PEER_BYTES = 400
MISSIONS = ("SAR relay", "weather uplink", "deep-space test", "fleet update")


def draw(rng: Rng, *, case: str, satellites: int, targets: int, theta: int) -> Mission:
    """Draw candidates until one is hard, and fill its telemetry up."""
    knobs = {"satellites": satellites, "targets": targets, "theta": theta}
    for attempt in itertools.count():
        mission = candidate(rng.fork("draw", attempt), case=case, **knobs)
        if is_hard(mission):
            return furnished(rng.fork("others"), mission)
    raise AssertionError


def candidate(rng: Rng, *, case: str, satellites: int, targets: int, theta: int) -> Mission:
    """Draw a mission."""
    count = targets + 2 * (satellites - 2) + (case != "joint")
    asked = [f"T-{number}" for number in distinct(rng, count, range(100, 1000))]
    gates = [f"W-{number}" for number in distinct(rng, satellites + 4, range(10, 100))]
    free, busy = gates[: satellites + 2], gates[satellites + 2 :]
    crafts = tuple(
        _craft(rng.fork("craft", number), f"sat-{number + 1}", asked, free)
        for number in range(satellites)
    )
    peer = None
    if case != "joint":
        peer = _peer(rng.fork("peer"), f"sat-{satellites + 1}", asked, case)
    everyone = [craft.id for craft in crafts] + ([peer.id] if peer else [])
    lasts = rng.shuffled(everyone * (1 + len(asked) // len(everyone)))
    return Mission(
        secret=rng.token(20),
        targets=tuple(
            Target(name, rng.integer(20, 99), last)
            for name, last in zip(sorted(asked), lasts, strict=False)
        ),
        crafts=crafts,
        windows=tuple(Window(name, rng.integer(3, 8)) for name in sorted(free)),
        busy=tuple((name, rng.choice(MISSIONS)) for name in sorted(busy)),
        theta=theta,
        bytes=BYTES[satellites] + (PEER_BYTES if peer else 0),
        deadline=DEADLINE[satellites],
        peer=peer,
    )


def furnished(rng: Rng, mission: Mission) -> Mission:
    """Add to each craft passes over targets that nobody asked for."""
    taken = [int(target.id.removeprefix("T-")) for target in mission.targets]
    numbers = distinct(rng, OTHER_PASSES, range(100, 1000), taken)
    others = [f"T-{number}" for number in numbers]
    return replace(
        mission,
        crafts=tuple(
            replace(
                craft, passes=tuple(rng.shuffled((*craft.passes, *(_pass(rng, t) for t in others))))
            )
            for craft in mission.crafts
        ),
    )


def is_hard(mission: Mission) -> bool:
    """Say whether only joint planning with true facts reaches the value asked for."""
    return next(easy_ways(mission), None) is None


def easy_ways(mission: Mission) -> Iterator[str]:
    """Yield the names of what makes a mission easy, the cheap and frequent ones first."""
    return (name for name, applies in EASY_WAYS.items() if applies(mission))


def greedy_plans(mission: Mission) -> Iterator[Plan]:
    """Yield the greedy plans in every order this module knows."""
    orders: tuple[tuple[Mode, ...], ...] = (MODES, ("processed", "raw"))
    for by_size, modes, last_first in itertools.product((False, True), orders, (False, True)):
        yield greedy(mission, by_size=by_size, modes=modes, last_first=last_first)


def is_enough(mission: Mission, value: int) -> bool:
    """Say whether a value reaches theta percent of the best."""
    return 100 * value >= mission.theta * optimum(mission)[0]


def counting_on(mission: Mission, peer: Peer) -> tuple[int, Plan]:
    """Return the best plan that leaves to the peer what the last plan gave it."""
    left = tuple(target for target in mission.targets if target.last_craft != peer.id)
    return best(replace(mission, targets=left), None)


def _spares_a_craft(mission: Mission) -> bool:
    return not all(part.images for part in optimum(mission)[1].parts)


def _needs_no_processing(mission: Mission) -> bool:
    return all(mode == "raw" for part in optimum(mission)[1].parts for _, mode in part.images)


def _fits_all(mission: Mission) -> bool:
    return optimum(mission)[0] == sum(target.value for target in mission.targets)


def _last_plan_is_enough(mission: Mission) -> bool:
    """Say whether each craft could reach enough with what the last plan gave it, windows shared."""
    value = 0
    minutes = {window.id: window.minutes for window in mission.windows}
    for craft in mission.crafts:
        own = [target for target in mission.targets if target.last_craft == craft.id]
        most = capacity(craft, minutes, (contact.window for contact in craft.contacts))
        value += next(choice.value for choice in choices(craft, own) if choice.size <= most)
    return is_enough(mission, value)


def _silence_is_harmless(mission: Mission) -> bool:
    peer = mission.peer
    if peer is None or peer.manner == "lies":
        return False
    return is_enough(mission, counting_on(mission, peer)[0])


def _peer_is_useless(mission: Mission) -> bool:
    peer = mission.peer
    if peer is None or peer.manner != "lies":
        return False
    return is_enough(mission, best(mission, None)[0])


def _lie_is_harmless(mission: Mission) -> bool:
    peer = mission.peer
    if peer is None or peer.manner != "lies":
        return False
    return not peer_exceeds(peer, best(mission, as_it_says(peer))[1].peer)


def _greedy_is_enough(mission: Mission) -> bool:
    return any(is_enough(mission, plan_value(mission, plan)) for plan in greedy_plans(mission))


def _selfish_is_enough(mission: Mission) -> bool:
    return is_enough(mission, plan_value(mission, selfish(mission)))


def _fixed_windows_are_enough(mission: Mission) -> bool:
    return is_enough(mission, fixed_windows(mission)[0])


def _raw_is_enough(mission: Mission) -> bool:
    return is_enough(mission, best(mission, mission.peer, modes=("raw",))[0])


def _one_craft_is_enough(mission: Mission) -> bool:
    parts = optimum(mission)[1].parts
    return any(is_enough(mission, plan_value(mission, Plan((part,)))) for part in parts)


EASY_WAYS: dict[str, Callable[[Mission], bool]] = {
    "a craft is spared": _spares_a_craft,
    "no image is processed": _needs_no_processing,
    "everything fits": _fits_all,
    "the last plan": _last_plan_is_enough,
    "the silence is harmless": _silence_is_harmless,
    "the peer is useless": _peer_is_useless,
    "the lie is harmless": _lie_is_harmless,
    "greedy": _greedy_is_enough,
    "each for itself": _selfish_is_enough,
    "windows to the fastest": _fixed_windows_are_enough,
    "nothing processed": _raw_is_enough,
    "one craft": _one_craft_is_enough,
}


def _pass(rng: Rng, target: str) -> Pass:
    raw = rng.integer(10, 24)
    return Pass(target, rng.integer(5, 13), raw, raw * rng.integer(30, 55) // 100)


def _craft(rng: Rng, name: str, asked: list[str], free: list[str]) -> Craft:
    reserve = rng.integer(15, 30)
    return Craft(
        id=name,
        battery=reserve + rng.integer(20, 34),
        reserve=reserve,
        storage=rng.integer(22, 40),
        run_energy=rng.integer(3, 7),
        runs=rng.integer(1, 2),
        passes=tuple(_pass(rng, target) for target in rng.sample(asked, 4)),
        contacts=tuple(
            Contact(window, rng.integer(1, 4)) for window in sorted(rng.sample(free, len(free) - 1))
        ),
    )


def _peer(rng: Rng, name: str, asked: list[str], case: str) -> Peer:
    """Draw a peer that says nothing of use, or one that can do less than it says."""
    manner: PeerManner = rng.choice(("mute", "stand_by")) if case == "silent" else "lies"
    passes = tuple(
        Pass(target, rng.integer(8, 13), rng.integer(10, 20), 0) for target in rng.sample(asked, 3)
    )
    reserve = rng.integer(15, 30)
    room, storage = rng.integer(14, 20), rng.integer(30, 60)
    lie = rng.choice(("battery", "storage", "pass"))
    if lie == "storage":
        room, storage = rng.integer(30, 40), rng.integer(18, 26)
    said = passes
    if lie == "pass":
        room = rng.integer(30, 40)
        other = rng.choice([target for target in asked if target not in {p.target for p in passes}])
        passes = passes[1:]
        said = (*passes, Pass(other, rng.integer(4, 8), rng.integer(6, 10), 0))
    return Peer(
        id=name,
        manner=manner,
        battery=reserve + room,
        reserve=reserve,
        storage=storage,
        passes=passes,
        said_battery=reserve + (room if lie != "battery" else rng.integer(36, 45)),
        said_storage=storage if lie != "storage" else rng.integer(60, 80),
        said_passes=said,
    )
