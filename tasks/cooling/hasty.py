"""Plans that skip something: a look ahead, the bulletin, the fouling, the cap, or economy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .planning import (
    MARGIN,
    Plan,
    RoomPlan,
    constant,
    naive,
    needed_cap,
    needed_level,
    plan,
    reference,
    truth,
)
from .plant import DAY_BLOCKS, LEVELS, LOWEST_CAP, STEP, Scenario, is_shocked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Planner = Callable[[Scenario], Plan]

PEAK = 4
"""The least level of a day's plateau."""
PADDED = (*range(82, 89), 81, 80, 79, 78, 90, 93, 97)
"""Margins, in %, with which a plan that takes no notice of fouling must fail all the same."""


def all_hasty(scenario: Scenario) -> Iterator[Plan]:
    """Yield the plans that must fail in every instance and are not sure to by construction."""
    padded = (ignores_fouling(scenario, margin) for margin in PADDED)
    flat = (constant(scenario, level) for level in range(1, LEVELS + 1))
    others = (planner(scenario) for planner in (throttling, daily, peak_up, one_up, myopic))
    return iter(dict.fromkeys((*padded, *flat, *others)))


def eased(levels: Iterable[int], start: int) -> tuple[int, ...]:
    """Return levels that follow ``levels`` in single steps, with no look ahead."""
    out, now = [], start
    for level in levels:
        now = max(now - STEP, min(now + STEP, level))
        out.append(now)
    return tuple(out)


def static(level: int, cap: int = 100) -> Planner:
    """Return the planner of one level and cap, reached step by step."""
    return lambda scenario: tuple(
        of_room._replace(levels=eased(of_room.levels, room.level))
        for room, of_room in zip(scenario.rooms, constant(scenario, level, cap), strict=True)
    )


def plan_once(scenario: Scenario) -> Plan:
    """Plan at hour 0 and keep to it: neither fouling nor bulletin."""
    return plan(scenario, naive(scenario))


def ignores_events(scenario: Scenario) -> Plan:
    """Follow the meters, but act on no bulletin."""
    return plan(scenario, truth(scenario)._replace(shock=None))


def ignores_fouling(scenario: Scenario, margin: int = MARGIN) -> Plan:
    """Act on the bulletin, but take the coolers for clean."""
    clean = (0,) * len(scenario.rooms)
    return plan(scenario, truth(scenario)._replace(losses=clean, margin=margin))


def myopic(scenario: Scenario) -> Plan:
    """Go towards what the present block needs, in single steps."""
    return tuple(
        of_room._replace(levels=eased(needs, room.level))
        for room, of_room, needs in zip(
            scenario.rooms, reference(scenario), _needs(scenario), strict=True
        )
    )


def jumpy(scenario: Scenario) -> Plan:
    """Set what each block needs, however many steps away."""
    return tuple(
        of_room._replace(levels=needs)
        for of_room, needs in zip(reference(scenario), _needs(scenario), strict=True)
    )


def throttling(scenario: Scenario) -> Plan:
    """Be myopic and cap whatever the level does not hold."""
    believed, plans = truth(scenario), []
    for index, of_room in enumerate(myopic(scenario)):
        caps = [
            needed_cap(scenario, believed, index, block, level)
            for block, level in enumerate(of_room.levels)
        ]
        plans.append(RoomPlan(of_room.levels, tuple(caps)))
    return tuple(plans)


def daily(scenario: Scenario) -> Plan:
    """Keep, each day, the level that the day's peak needs."""
    plans = []
    for room, of_room in zip(scenario.rooms, reference(scenario), strict=True):
        days = range(0, scenario.blocks, DAY_BLOCKS)
        peaks = [max(of_room.levels[first : first + DAY_BLOCKS]) for first in days]
        levels = [peak for peak in peaks for _ in range(DAY_BLOCKS)]
        plans.append(of_room._replace(levels=eased(levels, room.level)))
    return tuple(plans)


def one_up(scenario: Scenario) -> Plan:
    """Keep a level more than is needed, to be safe."""
    return tuple(
        of_room._replace(levels=tuple(min(LEVELS, level + 1) for level in of_room.levels))
        for of_room in reference(scenario)
    )


def peak_up(scenario: Scenario) -> Plan:
    """Keep a level more than is needed by day, when it matters."""
    return tuple(
        of_room._replace(
            levels=tuple(
                min(LEVELS, level + 1) if level >= PEAK else level for level in of_room.levels
            )
        )
        for of_room in reference(scenario)
    )


def uncapped(scenario: Scenario) -> Plan:
    """Do everything right but cap the frequency."""
    return tuple(of_room._replace(caps=(100,) * scenario.blocks) for of_room in reference(scenario))


def stays_capped(scenario: Scenario) -> Plan:
    """Cap from the bulletin to the end instead of while it holds."""
    lowest = min(min(of_room.caps) for of_room in reference(scenario))
    told, blocks = scenario.shock.told, scenario.blocks
    return tuple(
        of_room._replace(caps=(100,) * told + (lowest,) * (blocks - told))
        for of_room in reference(scenario)
    )


def capped_only(scenario: Scenario) -> Plan:
    """Meet the bulletin with a cap and no level above what was planned without it."""
    plans = []
    for index, of_room in enumerate(ignores_events(scenario)):
        hit = [is_shocked(scenario.shock, index, block) for block in range(scenario.blocks)]
        plans.append(of_room._replace(caps=tuple(LOWEST_CAP if met else 100 for met in hit)))
    return tuple(plans)


def _needs(scenario: Scenario) -> list[tuple[int, ...]]:
    believed = truth(scenario)
    return [
        tuple(needed_level(scenario, believed, index, block) for block in range(scenario.blocks))
        for index in range(len(scenario.rooms))
    ]
