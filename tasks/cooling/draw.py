"""Draws a period: what each block needs first, then the demand that needs just that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from .hasty import all_hasty
from .planning import (
    capacity,
    is_cool,
    is_good,
    readings,
    reference,
    totals,
    truth,
)
from .plant import (
    BLOCK_TICKS,
    DAY_BLOCKS,
    LEVELS,
    SPAN,
    WHOLE,
    Room,
    Scenario,
    Shock,
    conductance,
    fan_power,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.authoring import Rng

TRIES = 60
LEAD = 4
"""Blocks from a bulletin to what it announces."""
SHOCKED = 2
"""Blocks that a shock lasts."""
FAN_SLACK = 25
"""% by which the fans may use more than in the reference plan."""
SHED_SLACK = 180
"""% of the demand that the reference plan sheds may be shed."""
LOSSES = {"slow": (215, 235), "fast": (260, 290)}
"""Thousandths of its effectiveness that a room loses in the whole period."""
FULLEST = 93
"""% of its level's capacity that a demand fills at most."""
_HIGHS = (26_000, 26_500, 27_000, 27_500)
_BAND = 7_000


class Shape(NamedTuple):
    """What a room's blocks need: levels, where each day's plateau begins, how long it is."""

    levels: tuple[int, ...]
    plateaus: tuple[int, ...]


def draw(rng: Rng, days: int, rooms: int, shock: str, drift: str) -> Scenario:
    """Draw a period whose reference plan keeps the band of temperatures.

    Raises:
        ValueError: no try gave one.
    """
    for number in range(TRIES):
        found = _try(rng.fork("try", number), days, rooms, shock, drift)
        if found is not None:
            return found
    raise ValueError(f"no period in {TRIES} tries")


def _try(rng: Rng, days: int, count: int, kind: str, drift: str) -> Scenario | None:
    blocks = days * DAY_BLOCKS
    hit, day = rng.below(count), rng.integer(1, days - 1)
    starts = rng.sample((1, 2, 3), count)
    high = rng.choice(_HIGHS)
    ids = rng.sample(range(11, 99), count + 2)
    rooms = []
    for index in range(count):
        shape = _shape(rng, days, starts[index], day if index == hit else None)
        unit = 10 * rng.integer(110, 190)
        loss = rng.integer(*LOSSES[drift]) * 1000 // (blocks * BLOCK_TICKS)
        demand = _demand(rng, shape, unit, loss)
        start = high - rng.integer(25, 40) * 100
        rooms.append(Room(f"R-{ids[index]}", unit, demand, loss, 0, start))
    first = starts[hit] + day * DAY_BLOCKS + rng.below(2)
    event = Shock(kind, hit, first, first + SHOCKED, first - LEAD, 0)
    others = tuple((f"R-{name}", rng.integer(2, 5)) for name in ids[count:])
    bulletin = f"B-{rng.integer(1000, 9999)}"
    bare = Scenario(
        rng.token(), days, high, high - _BAND, tuple(rooms), others, event, bulletin, 0, 0
    )
    sized = replace(bare, shock=event._replace(size=_size(bare, event, rng.integer(107, 114))))
    return _limited(_started(sized, rng))


def _shape(rng: Rng, days: int, start: int, shocked: int | None) -> Shape:
    levels, plateaus = [], []
    for day in range(days):
        low = 3 if day == shocked else rng.choice((2, 2, 3))
        length = 3 if day == shocked else rng.choice((2, 3))
        after = rng.choice((low, low + 1))
        peak = range(start, start + length)
        plateaus.append(day * DAY_BLOCKS + start)
        levels += [
            low + 2 if block in peak else after if block == peak.stop else low
            for block in range(DAY_BLOCKS)
        ]
    return Shape(tuple(levels), tuple(plateaus))


def _demand(rng: Rng, shape: Shape, unit: int, loss: int) -> tuple[int, ...]:
    """Return for each block a demand that its level holds and the level below does not.

    The first plateau block of the last day needs its level only because the coolers are fouled.
    """
    out = []
    for block, level in enumerate(shape.levels):
        share = WHOLE - loss * (block + 1) * BLOCK_TICKS
        below, own = (
            conductance(unit, n) * share // WHOLE * SPAN // 1000 for n in (level - 1, level)
        )
        # The coldest that level 5, one step beside a shock, may be with a demand for level 2.
        least = below * (112 if level == 2 else 107) // 100
        most = own * FULLEST // 100
        if block == shape.plateaus[-1]:
            most = below * 109 // 100
        out.append(rng.integer(-(-least // 100), most // 100) * 100)
    return tuple(out)


def _size(scenario: Scenario, event: Shock, percent: int) -> int:
    """Return the size that fills the highest level to ``percent`` % in the first block."""
    index, block = event.room, event.first
    believed = truth(scenario)._replace(shock=None)
    holds = capacity(scenario, believed, index, block, LEVELS)
    demand = scenario.rooms[index].demand[block]
    # Each kind alone brings the demand to that share of what the highest level then holds.
    match event.kind:
        case "surge":
            return percent * holds // demand - 100
        case "warm_air":
            return (SPAN - SPAN * demand * 100 // (percent * holds)) // 100 * 100
        case _:
            share = WHOLE - scenario.rooms[index].loss * (block + 1) * BLOCK_TICKS
            return (share - share * demand * 100 // (percent * holds)) // 10_000 * 10_000


def _started(scenario: Scenario, rng: Rng) -> Scenario:
    """Set the levels at which the rooms are found."""
    rooms: Sequence[Room] = [
        room._replace(level=of_room.levels[0] + rng.integer(0, 1))
        for room, of_room in zip(scenario.rooms, reference(scenario), strict=True)
    ]
    return replace(scenario, rooms=tuple(rooms))


def _limited(scenario: Scenario) -> Scenario | None:
    """Set the limits from the reference plan; None where that leaves the band."""
    best = reference(scenario)
    rooms = readings(scenario, best)
    if not all(is_cool(scenario, reading) for reading in rooms):
        return None
    fans = BLOCK_TICKS * sum(
        fan_power(room.unit, level)
        for room, of_room in zip(scenario.rooms, best, strict=True)
        for level in of_room.levels
    )
    served, demanded = totals(rooms, "served"), totals(rooms, "demanded")
    total = served + totals(rooms, "cooling") + fans * FAN_SLACK // 100
    shed = (demanded - served) * SHED_SLACK // 100
    limited = replace(
        scenario,
        pue=-(-1000 * total // served),
        service=1000 * (demanded - shed) // demanded,
    )
    return None if any(is_good(limited, hasty) for hasty in all_hasty(limited)) else limited
