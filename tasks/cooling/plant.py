"""The plant in whole numbers: rooms, their heat, their fans, and one quarter of an hour of them.

Temperatures are in millidegrees Celsius, powers in watts, energies in watt-ticks (a quarter of a
watt-hour), effectiveness in parts per million.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

TICK_S = 900
TICKS_AN_HOUR = 4
BLOCK_HOURS = 4
"""The demand forecast has one figure for each block of so many hours."""
BLOCK_TICKS = BLOCK_HOURS * TICKS_AN_HOUR
DAY_BLOCKS = 6
DAY_HOURS = 24
LEVELS = 6
HOLD_HOURS = 4
"""Least hours between two level changes of a room."""
STEP = 1
"""Most levels that one change may go."""
SPAN = 12_000
"""mK between the supply air and the upper limit."""
LOWEST_CAP = 50
COP = 5
"""Heat removed for each unit of compressor energy."""
HEAT_CAPACITY = 45_000
"""J/K of a room for each W/K of its unit."""
WHOLE = 1_000_000
_DAMPED = 4
"""The compressor's work is divided by so much more where outside air helps."""


class Shock(NamedTuple):
    """What a bulletin announces: one room, some blocks, told some blocks before."""

    kind: str
    """``surge`` (size in % of demand), ``warm_air`` (in mK), ``derate`` (in ppm)."""
    room: int
    first: int
    stop: int
    told: int
    size: int


class Room(NamedTuple):
    """A server room with its air conditioners."""

    id: str
    unit: int
    """W/K; the scale of the room's coolers."""
    demand: tuple[int, ...]
    """W of IT load for each block, as forecast."""
    loss: int
    """ppm of effectiveness that fouling takes each tick."""
    level: int
    temperature: int


@dataclass(frozen=True)
class Scenario:
    """A period to operate; world, wording, limits and checks are functions of it."""

    secret: str
    days: int
    high: int
    low: int
    rooms: tuple[Room, ...]
    others: tuple[tuple[str, int], ...]
    """Another team's rooms and their levels."""
    shock: Shock
    bulletin: str
    pue: int
    """Most thousandths that total energy may be of IT energy."""
    service: int
    """Least thousandths of the demand to be served."""

    @property
    def supply(self) -> int:
        """Return the temperature of the supply air."""
        return self.high - SPAN

    @property
    def hours(self) -> int:
        """Return the length of the period."""
        return self.days * DAY_HOURS

    @property
    def blocks(self) -> int:
        """Return how many blocks the period has."""
        return self.days * DAY_BLOCKS


class Reading(NamedTuple):
    """What the meters of a room hold."""

    temperature: int
    hottest: int
    coldest: int
    demanded: int = 0
    served: int = 0
    cooling: int = 0


class Air(NamedTuple):
    """What a room meets in a block: demand, supply air, and effectiveness a derating takes."""

    demand: int
    supply: int
    derate: int


def conductance(unit: int, level: int) -> int:
    """Return the W/K that a level carries away when the coolers are clean."""
    return unit * (3 + 2 * level)


def fan_power(unit: int, level: int) -> int:
    """Return the W that the fans draw: they grow with the cube of the level."""
    return unit * 11 * level**3 // 100


def effectiveness(room: Room, tick: int) -> int:
    """Return the share of its conductance that fouling leaves a room at a tick."""
    return WHOLE - room.loss * tick


def is_shocked(shock: Shock | None, index: int, block: int) -> bool:
    """Say whether a shock meets a room in a block."""
    return shock is not None and shock.room == index and shock.first <= block < shock.stop


def air(scenario: Scenario, shock: Shock | None, index: int, block: int) -> Air:
    """Return what a room meets in a block if ``shock`` is all that happens."""
    demand, supply, derate = scenario.rooms[index].demand[block], scenario.supply, 0
    if shock is not None and is_shocked(shock, index, block):
        match shock.kind:
            case "surge":
                demand = demand * (100 + shock.size) // 100
            case "warm_air":
                supply += shock.size
            case _:
                derate = shock.size
    return Air(demand, supply, derate)


def removed(room: Room, met: Air, level: int, tick: int, temperature: int) -> int:
    """Return the W of heat that the coolers carry away."""
    share = effectiveness(room, tick) - met.derate
    return max(0, conductance(room.unit, level) * share * (temperature - met.supply) // 10**9)


def advance(
    scenario: Scenario,
    index: int,
    reading: Reading,
    ticks: range,
    level: int,
    cap: int,
    *,
    outside_air: bool = False,
) -> Reading:
    """Return the meters of a room after some ticks with one setting."""
    room = scenario.rooms[index]
    temperature, hottest, coldest, demanded, served, cooling = reading
    unit, loss = conductance(room.unit, level), room.loss
    fans, capacity = fan_power(room.unit, level), HEAT_CAPACITY * room.unit
    cop = COP * (_DAMPED if outside_air else 1)
    tick, stop = ticks.start, ticks.stop
    while tick < stop:
        block = tick // BLOCK_TICKS
        met = air(scenario, scenario.shock, index, block)
        load, supply, clean = met.demand * cap // 100, met.supply, WHOLE - met.derate
        until = min(stop, (block + 1) * BLOCK_TICKS)
        for now in range(tick, until):
            away = unit * (clean - loss * now) * (temperature - supply) // 10**9
            away = max(away, 0)
            temperature += (load - away) * TICK_S * 1000 // capacity
            cooling += fans + away // cop
            if temperature > hottest:
                hottest = temperature
            elif temperature < coldest:
                coldest = temperature
        demanded += met.demand * (until - tick)
        served += load * (until - tick)
        tick = until
    return Reading(temperature, hottest, coldest, demanded, served, cooling)


def first_reading(room: Room) -> Reading:
    """Return the meters of a room before anything happened."""
    return Reading(room.temperature, room.temperature, room.temperature)
