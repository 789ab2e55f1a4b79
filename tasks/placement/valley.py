"""A home site's cheap hours: a valley of prices that a row of jobs fills exactly.

The bottom of the valley lies where no exact filling starts a job. Whoever takes the cheapest
hours first therefore leaves gaps that nothing fits, and pushes a job out of the valley: that is
why serial greedy misses the optimum in every order.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.authoring import Rng

Edge = Literal["booking", "window"]

Tiling = tuple[int, ...]
"""Durations of a row of jobs, in the order in which they fill the valley."""

_BEYOND, _SHOULDER, _FAR = 88, 135, 205
"""Prices in percent of the lowest in the valley: past the hard edge, on the shoulder, far off."""


class Span(NamedTuple):
    """Slots from ``first`` to ``last``, both included."""

    first: int
    last: int

    def covers(self, slot: int, length: int = 1) -> bool:
        """Say whether ``length`` slots from ``slot`` on lie within this span."""
        return self.first <= slot and slot + length - 1 <= self.last


class Valley(NamedTuple):
    """The prices of a home site in percent, and the jobs that fill its cheap hours."""

    durations: Tiling
    windows: tuple[Span, ...]
    prices: tuple[int, ...]
    booked: Span | None
    """The slots beyond the hard edge where other teams hold the GPUs, or None."""


class Shape(NamedTuple):
    """Where a row of jobs lies in the horizon."""

    durations: Tiling
    core: Span
    beyond: Span
    """The cheap slots past the hard edge, which none of the row may use."""
    shoulder: Span
    late: bool
    """The hard edge is the late one."""

    def starts(self, order: Sequence[int]) -> dict[int, int]:
        """Return the start of each job when they fill the core in ``order``."""
        slots = itertools.accumulate(
            (self.durations[number] for number in order[:-1]), initial=self.core.first
        )
        return dict(zip(order, slots, strict=True))


def draw_valley(
    rng: Rng, *, tilings: Sequence[Tiling], slots: int, late: bool, edge: Edge, slack: Span
) -> Valley:
    """Draw a valley that a row of jobs fills and whose bottom misleads every one of them.

    Args:
        rng: The stream to draw from.
        tilings: Rows to choose from; with some of them a misleading bottom must exist.
        slots: The horizon.
        late: Whether the hard edge is the late one.
        edge: What makes it hard: other teams' bookings, or the jobs' windows.
        slack: The least and most slots by which a window exceeds the valley elsewhere.
    """
    while True:
        shape = _shape(rng, rng.choice(tilings), slots, late=late)
        windows = _windows(rng, shape, slots, edge, slack)
        bottoms = [
            prices
            for prices in _price_levels(rng, shape, slots)
            if _misleads(shape, windows, prices)
        ]
        if bottoms:
            booked = shape.beyond if edge == "booking" else None
            return Valley(shape.durations, windows, rng.choice(bottoms), booked)


def _shape(rng: Rng, durations: Tiling, slots: int, *, late: bool) -> Shape:
    length = sum(durations)
    beyond = rng.integer(1, 2) if slots - length >= 4 else 1
    shoulder = rng.integer(1, 2) if slots - length - beyond >= 2 else 1
    before, after = (shoulder, beyond) if late else (beyond, shoulder)
    first = before + rng.integer(0, slots - before - length - after)
    early_side = Span(first - before, first - 1)
    late_side = Span(first + length, first + length + after - 1)
    core = Span(first, first + length - 1)
    sides = (late_side, early_side) if late else (early_side, late_side)
    return Shape(durations, core, *sides, late)


def _windows(rng: Rng, shape: Shape, slots: int, edge: Edge, slack: Span) -> tuple[Span, ...]:
    """Bind the jobs inside the row to their place, one slot of play to each side."""
    found = []
    start = shape.core.first
    for number, duration in enumerate(shape.durations):
        if 0 < number < len(shape.durations) - 1:
            found.append(Span(start - 1, start + duration))
        else:
            first = max(0, shape.core.first - rng.integer(*slack))
            last = min(slots - 1, shape.core.last + rng.integer(*slack))
            if edge == "window":
                first, last = (first, shape.core.last) if shape.late else (shape.core.first, last)
            found.append(Span(first, last))
        start += duration
    return tuple(found)


def _price_levels(rng: Rng, shape: Shape, slots: int) -> list[tuple[int, ...]]:
    """Return the prices in percent for every place of the bottom, to a quarter of a slot."""
    step = rng.integer(5, 8)
    shoulder = _SHOULDER + step * (shape.core.last - shape.core.first + 1) // 2
    far = [_FAR + rng.integer(-15, 25) for _ in range(slots)]

    def level(slot: int, bottom: int) -> int:
        if shape.core.covers(slot):
            return 100 + step * abs(4 * slot - bottom) // 4
        if shape.beyond.covers(slot):
            return _BEYOND
        return shoulder if shape.shoulder.covers(slot) else far[slot]

    return [
        tuple(level(slot, bottom) for slot in range(slots))
        for bottom in range(4 * shape.core.first, 4 * shape.core.last + 1)
    ]


def _misleads(shape: Shape, windows: tuple[Span, ...], prices: Sequence[int]) -> bool:
    """Say whether each job's one cheapest start in the core is one that no exact filling has.

    Of a job inside the row it must lie on the side of the hard edge, so that the two homes, with
    their hard edges on opposite sides, lead astray in opposite directions.
    """
    fillings = [
        starts
        for starts in map(shape.starts, itertools.permutations(range(len(shape.durations))))
        if all(windows[job].covers(slot, shape.durations[job]) for job, slot in starts.items())
    ]
    for number, duration in enumerate(shape.durations):
        inner = 0 < number < len(shape.durations) - 1
        first = max(shape.core.first, windows[number].first)
        last = min(shape.core.last, windows[number].last) - duration + 1
        ranked = sorted((sum(prices[s : s + duration]), s) for s in range(first, last + 1))
        filling = {starts[number] for starts in fillings}
        lowest = ranked[0][1]
        if len(ranked) == 1 or ranked[0][0] == ranked[1][0]:
            return False
        if lowest in filling:
            return False
        if inner and not (lowest > max(filling) if shape.late else lowest < min(filling)):
            return False
    return True
