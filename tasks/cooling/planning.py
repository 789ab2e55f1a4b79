"""Planners: levels and caps for each room and block, under what a planner takes to be true."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .plant import (
    BLOCK_TICKS,
    LEVELS,
    LOWEST_CAP,
    STEP,
    WHOLE,
    Air,
    Reading,
    Scenario,
    Shock,
    advance,
    air,
    conductance,
    first_reading,
    is_shocked,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MARGIN = 97
"""% of a level's capacity that a careful planner fills."""


class RoomPlan(NamedTuple):
    """The level and the cap of a room in each block."""

    levels: tuple[int, ...]
    caps: tuple[int, ...]


Plan = tuple[RoomPlan, ...]


class Belief(NamedTuple):
    """What a planner takes to be true, beside the model card and the forecast."""

    shock: Shock | None
    losses: tuple[int, ...]
    """ppm a tick, for each room."""
    margin: int = MARGIN


def truth(scenario: Scenario) -> Belief:
    """Return what is true."""
    return Belief(scenario.shock, tuple(room.loss for room in scenario.rooms))


def naive(scenario: Scenario) -> Belief:
    """Return what is thought at hour 0 by one who expects neither fouling nor a bulletin."""
    return Belief(None, (0,) * len(scenario.rooms))


def capacity(scenario: Scenario, belief: Belief, index: int, block: int, level: int) -> int:
    """Return the W that a level holds at the upper limit at the end of a block."""
    met = air(scenario, belief.shock, index, block)
    return _holds(scenario, belief, index, block, met, level)


def needed_level(scenario: Scenario, belief: Belief, index: int, block: int) -> int:
    """Return the least level that holds a block's demand, or the highest where none does."""
    met = air(scenario, belief.shock, index, block)
    for level in range(1, LEVELS):
        holds = _holds(scenario, belief, index, block, met, level)
        if met.demand * 100 <= belief.margin * holds:
            return level
    return LEVELS


def needed_cap(scenario: Scenario, belief: Belief, index: int, block: int, level: int) -> int:
    """Return the highest cap under which a level holds a block's demand."""
    met = air(scenario, belief.shock, index, block)
    holds = _holds(scenario, belief, index, block, met, level)
    return max(LOWEST_CAP, min(100, belief.margin * holds // met.demand))


def _holds(scenario: Scenario, belief: Belief, index: int, block: int, met: Air, level: int) -> int:
    share = WHOLE - belief.losses[index] * (block + 1) * BLOCK_TICKS - met.derate
    unit = scenario.rooms[index].unit
    return conductance(unit, level) * share * (scenario.high - met.supply) // 10**9


def reachable(levels: Sequence[int]) -> tuple[int, ...]:
    """Return the least levels that are nowhere below ``levels`` and go in single steps."""
    out = list(levels)
    for block in range(len(out) - 2, -1, -1):
        out[block] = max(out[block], out[block + 1] - STEP)
    for block in range(1, len(out)):
        out[block] = max(out[block], out[block - 1] - STEP)
    return tuple(out)


def caps(scenario: Scenario, belief: Belief, index: int) -> tuple[int, ...]:
    """Return one cap for the blocks of the shock, 100 elsewhere."""
    met = [is_shocked(belief.shock, index, block) for block in range(scenario.blocks)]
    cap = min(
        (
            needed_cap(scenario, belief, index, block, LEVELS)
            for block, hit in enumerate(met)
            if hit
        ),
        default=100,
    )
    return tuple(cap if hit else 100 for hit in met)


def plan(scenario: Scenario, belief: Belief) -> Plan:
    """Return the least levels that hold what is believed, in single steps, and the caps."""
    return tuple(
        RoomPlan(
            reachable([needed_level(scenario, belief, index, b) for b in range(scenario.blocks)]),
            caps(scenario, belief, index),
        )
        for index in range(len(scenario.rooms))
    )


def reference(scenario: Scenario) -> Plan:
    """Return the plan that the limits are set from: the least levels that hold what is true.

    It uses nothing before an operator can know it: a bulletin comes as many blocks ahead as it
    takes to climb from the lowest level in use to the highest.
    """
    return plan(scenario, truth(scenario))


def constant(scenario: Scenario, level: int, cap: int = 100) -> Plan:
    """Return the plan that never changes."""
    blocks = scenario.blocks
    return (RoomPlan((level,) * blocks, (cap,) * blocks),) * len(scenario.rooms)


def metered(scenario: Scenario, index: int, of_room: RoomPlan) -> Reading:
    """Return what the meters of a room would hold at the end of the period."""
    reading = first_reading(scenario.rooms[index])
    for block, (level, cap) in enumerate(zip(of_room.levels, of_room.caps, strict=True)):
        ticks = range(block * BLOCK_TICKS, (block + 1) * BLOCK_TICKS)
        reading = advance(scenario, index, reading, ticks, level, cap)
    return reading


def readings(scenario: Scenario, whole: Plan) -> tuple[Reading, ...]:
    """Return what the meters of every room would hold at the end of the period."""
    return tuple(metered(scenario, index, of_room) for index, of_room in enumerate(whole))


def is_within_pue(scenario: Scenario, all_rooms: Iterable[Reading]) -> bool:
    """Say whether total energy is within the limit."""
    served, cooling = totals(all_rooms, "served"), totals(all_rooms, "cooling")
    return 1000 * (served + cooling) <= scenario.pue * served


def is_served(scenario: Scenario, all_rooms: Iterable[Reading]) -> bool:
    """Say whether enough of the demand was served."""
    rooms = tuple(all_rooms)
    return 1000 * totals(rooms, "served") >= scenario.service * totals(rooms, "demanded")


def is_cool(scenario: Scenario, reading: Reading) -> bool:
    """Say whether a room stayed within the band of temperatures."""
    return scenario.low <= reading.coldest and reading.hottest <= scenario.high


def totals(all_rooms: Iterable[Reading], meter: str) -> int:
    """Return a meter's sum over the rooms."""
    return sum(getattr(reading, meter) for reading in all_rooms)


def is_good(scenario: Scenario, whole: Plan) -> bool:
    """Say whether a plan, carried out, keeps every limit."""
    rooms = []
    for index, of_room in enumerate(whole):
        rooms.append(metered(scenario, index, of_room))
        if not is_cool(scenario, rooms[-1]):
            return False
    return is_within_pue(scenario, rooms) and is_served(scenario, rooms)
