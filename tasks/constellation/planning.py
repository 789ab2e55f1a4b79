"""The best plan with full information, by enumeration, and the planners that must fall short.

A craft's choices are the sets of targets it can take within energy, heat and storage, each with
the least data it can make of them. The best plan combines one choice a craft, disjoint, with a
division of the antenna windows. Sets are bit masks over the mission's targets.
"""

from __future__ import annotations

import functools
import itertools
import operator
from typing import TYPE_CHECKING, NamedTuple

from .model import MODES, Part, Plan, breaches, capacity, peer_exceeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .model import Craft, Image, Mission, Mode, Peer, Target, Window


class Choice(NamedTuple):
    """A set of targets that one craft can take."""

    value: int
    mask: int
    size: int
    """The data to send down."""
    images: tuple[Image, ...]


class Division(NamedTuple):
    """Who gets which windows, and the data each craft can send then."""

    capacities: tuple[int, ...]
    windows: tuple[tuple[str, ...], ...]


def choices(craft: Craft, targets: Sequence[Target], modes: Sequence[Mode] = MODES) -> list[Choice]:
    """Return what a craft can take, each set once with its least data, the most valued first."""
    room = craft.battery - craft.reserve
    partial: list[tuple[int, int, int, int, int, tuple[Image, ...]]] = [(0, 0, 0, 0, 0, ())]
    for bit, target in enumerate(targets):
        item = craft.seen(target.id)
        if item is None:
            continue
        more = []
        for value, mask, size, used, runs, images in partial:
            for mode in modes:
                is_run = mode == "processed"
                cost = used + item.energy + (craft.run_energy if is_run else 0)
                data = size + item.size(mode)
                if cost <= room and data <= craft.storage and runs + is_run <= craft.runs:
                    more.append(
                        (
                            value + target.value,
                            mask | 1 << bit,
                            data,
                            cost,
                            runs + is_run,
                            (*images, (target.id, mode)),
                        )
                    )
        partial += more
    least: dict[int, Choice] = {}
    for value, mask, size, _, _, images in partial:
        if mask not in least or size < least[mask].size:
            least[mask] = Choice(value, mask, size, images)
    return sorted(least.values(), key=lambda choice: (-choice.value, choice.mask))


@functools.lru_cache(maxsize=64)
def divisions(crafts: tuple[Craft, ...], windows: tuple[Window, ...]) -> list[Division]:
    """Return the ways to divide the windows among those that reach them, the useful ones only."""
    rates = [[craft.rate(window.id) for craft in crafts] for window in windows]
    ways: dict[tuple[int, ...], tuple[tuple[str, ...], ...]] = {
        tuple(0 for _ in crafts): tuple(() for _ in crafts)
    }
    for window, row in zip(windows, rates, strict=True):
        owners = [number for number, rate in enumerate(row) if rate]
        longer: dict[tuple[int, ...], tuple[tuple[str, ...], ...]] = {}
        for down, held in ways.items() if owners else ():
            for owner in owners:
                more, own = list(down), list(held)
                more[owner] += window.minutes * row[owner]
                own[owner] = (*held[owner], window.id)
                longer.setdefault(tuple(more), tuple(own))
        ways = longer or ways
    useful: list[Division] = []
    for down, held in sorted(ways.items(), key=lambda item: (-sum(item[0]), item[0])):
        if not any(_covers(way, down) for way in useful):
            useful.append(Division(down, held))
    return useful


def peer_choices(peer: Peer, targets: Sequence[Target]) -> list[Choice]:
    """Return what the peer can truly take."""
    bits = [bit for bit, target in enumerate(targets) if _sees(peer, target.id)]
    found = []
    for count in range(len(bits) + 1):
        for chosen in itertools.combinations(bits, count):
            names = [targets[bit].id for bit in chosen]
            if not peer_exceeds(peer, names):
                value = sum(targets[bit].value for bit in chosen)
                images: tuple[Image, ...] = tuple((name, "raw") for name in names)
                found.append(Choice(value, sum(1 << bit for bit in chosen), 0, images))
    return sorted(found, key=lambda choice: (-choice.value, choice.mask))


@functools.lru_cache(maxsize=512)
def optimum(mission: Mission) -> tuple[int, Plan]:
    """Return the best value and a plan that has it; a peer that lies counts as it truly is."""
    return best(mission, mission.peer)


def best(mission: Mission, peer: Peer | None, *, modes: Sequence[Mode] = MODES) -> tuple[int, Plan]:
    """Return the best plan if the peer were this one, and images were made in these modes."""
    options = [choices(craft, mission.targets, modes) for craft in mission.crafts]
    return combined(mission, options, divisions(mission.crafts, mission.windows), peer)


def combined(
    mission: Mission,
    options: Sequence[Sequence[Choice]],
    ways: Sequence[Division],
    peer: Peer | None,
) -> tuple[int, Plan]:
    """Return the best combination of one choice a craft, and a division that carries it."""
    lists = [
        [c for c in own if any(c.size <= way.capacities[number] for way in ways)]
        for number, own in enumerate(options)
    ]
    if peer is not None and peer.manner == "lies":
        lists.append(peer_choices(peer, mission.targets))
    ahead = [0] * (len(lists) + 1)
    for index in range(len(lists) - 1, -1, -1):
        ahead[index] = ahead[index + 1] + lists[index][0].value
    crafts, top = len(mission.crafts), -1
    chosen: tuple[tuple[Choice, ...], Division] | None = None

    def search(index: int, taken: tuple[Choice, ...], used: int, value: int) -> None:
        nonlocal top, chosen
        if index == len(lists):
            sizes = tuple(choice.size for choice in taken[:crafts])
            way = next((way for way in ways if _covers(way, sizes)), None)
            if way is not None:
                top, chosen = value, (taken, way)
            return
        for choice in lists[index]:
            if value + choice.value + ahead[index + 1] <= top:
                break
            if not choice.mask & used:
                search(index + 1, (*taken, choice), used | choice.mask, value + choice.value)

    search(0, (), 0, 0)
    if chosen is None:
        raise ArithmeticError("not even the empty plan was found")
    taken, way = chosen
    parts = tuple(
        Part(choice.images, windows if choice.images else ())
        for choice, windows in zip(taken[:crafts], way.windows, strict=True)
    )
    peer_part = tuple(name for choice in taken[crafts:] for name, _ in choice.images)
    return top, Plan(parts, peer_part)


def plan_value(mission: Mission, plan: Plan) -> int:
    """Return the worth of the targets that a plan takes, each counted once."""
    taken = {target for part in plan.parts for target, _ in part.images} | set(plan.peer)
    return sum(target.value for target in mission.targets if target.id in taken)


# Planners that look at one thing at a time.


def greedy(mission: Mission, *, by_size: bool, modes: Sequence[Mode], last_first: bool) -> Plan:
    """Take targets one at a time: the first craft that still has room, windows to the fastest.

    Args:
        mission: The mission.
        by_size: Order targets by value a unit of data, not by value.
        modes: Which mode is tried first.
        last_first: Try the crafts from the last to the first.
    """
    windows = fastest_first(mission)
    minutes = {window.id: window.minutes for window in mission.windows}
    parts = [Part((), own) for own in windows]
    numbers = list(range(len(parts)))
    if last_first:
        numbers.reverse()
    for target in sorted(mission.targets, key=lambda t: _rank(mission, t, by_size=by_size)):
        for number, mode in itertools.product(numbers, modes):
            craft = mission.crafts[number]
            if craft.seen(target.id) is None:
                continue
            longer = Part((*parts[number].images, (target.id, mode)), parts[number].windows)
            if next(breaches(craft, longer, minutes), None) is None:
                parts[number] = longer
                break
    return Plan(tuple(parts))


def fastest_first(mission: Mission) -> list[tuple[str, ...]]:
    """Give each window to the craft that is fastest in it."""
    own: list[tuple[str, ...]] = [() for _ in mission.crafts]
    for window in mission.windows:
        rates = [craft.rate(window.id) for craft in mission.crafts]
        if max(rates):
            owner = rates.index(max(rates))
            own[owner] = (*own[owner], window.id)
    return own


def selfish(mission: Mission) -> Plan:
    """Let each craft take what is best for it alone, with every window it reaches."""
    minutes = {window.id: window.minutes for window in mission.windows}
    parts, free = [], [window.id for window in mission.windows]
    for craft in mission.crafts:
        own = tuple(window for window in free if craft.rate(window))
        free = [window for window in free if window not in own]
        down = capacity(craft, minutes, own)
        choice = next(c for c in choices(craft, mission.targets) if c.size <= down)
        parts.append(Part(choice.images, own))
    return Plan(tuple(parts))


def fixed_windows(mission: Mission) -> tuple[int, Plan]:
    """Return the best plan once each window went to the craft that is fastest in it."""
    minutes = {window.id: window.minutes for window in mission.windows}
    own = fastest_first(mission)
    down = tuple(map(capacity, mission.crafts, itertools.repeat(minutes), own))
    options = [choices(craft, mission.targets) for craft in mission.crafts]
    return combined(mission, options, [Division(down, tuple(own))], mission.peer)


def _rank(mission: Mission, target: Target, *, by_size: bool) -> tuple[int, str]:
    sizes = [item.raw for c in mission.crafts if (item := c.seen(target.id)) is not None]
    return (-(target.value * 1000 // min(sizes or [10**6]) if by_size else target.value), target.id)


def _covers(way: Division, sizes: Sequence[int]) -> bool:
    return not any(map(operator.lt, way.capacities, sizes))


def _sees(peer: Peer, target: str) -> bool:
    return any(item.target == target for item in peer.passes)
