"""Axes of the site's drawings: where a value lies, which ticks are named; pixels, y downwards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from conformance.report.profile_words import figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST_TICKS = 5
_LANE = 34
"""The width kept for values of 0, which have no place on a logarithmic axis."""
_SPREAD = 1.25


class Tick(NamedTuple):
    """A named place on an axis."""

    at: float
    text: str


class Axis(NamedTuple):
    """An axis from ``start`` to ``end``; ``low`` and ``high`` are the values that lie there."""

    start: float
    end: float
    low: float
    high: float
    is_log: bool
    ticks: tuple[Tick, ...] = ()
    zero_at: float | None = None
    """Where 0 is drawn on a logarithmic axis; None where no value is 0."""

    def place(self, value: float) -> float:
        """Return where a value lies, in pixels to a tenth."""
        if self.is_log and value <= 0:
            return round(self.start if self.zero_at is None else self.zero_at, 1)
        low, high, at = (
            (math.log10(self.low), math.log10(self.high), math.log10(value))
            if self.is_log
            else (self.low, self.high, value)
        )
        return round(self.start + (at - low) / (high - low) * (self.end - self.start), 1)


def log_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """Return a logarithmic axis that holds all the values; those of 0 get a lane at its start.

    Raises:
        ValueError: a value is below 0, or there is none.
    """
    known = sorted(values)
    if not known or known[0] < 0:
        raise ValueError("a logarithmic axis needs values of 0 or more")
    positive = [value for value in known if value > 0] or [1.0]
    zero_at = start + math.copysign(_LANE / 2, end - start) if known[0] == 0 else None
    if zero_at is not None:
        start += math.copysign(_LANE, end - start)
    low, high = _span(positive[0], positive[-1])
    axis = Axis(start, end, low, high, is_log=True, zero_at=zero_at)
    ticks = [Tick(axis.place(value), short(value)) for value in _round_values(low, high)]
    if zero_at is not None:
        ticks.insert(0, Tick(round(zero_at, 1), "0"))
    return axis._replace(ticks=tuple(ticks))


def share_axis(start: float, end: float) -> Axis:
    """Return an axis of shares, 0 to 100 %, with a little room at both ends."""
    axis = Axis(start, end, -0.06, 1.06, is_log=False)
    return axis._replace(ticks=tuple(Tick(axis.place(v / 4), f"{v * 25}%") for v in range(5)))


def rank_axis(names: dict[int, str], start: float, end: float) -> Axis:
    """Return an axis of ranks, 0 upwards, each that has a name with its name."""
    top = max(*names, 1)
    axis = Axis(start, end, -0.35, top + 0.35, is_log=False)
    ticks = [Tick(axis.place(rank), name) for rank, name in sorted(names.items())]
    return axis._replace(ticks=tuple(ticks))


def short(value: float) -> str:
    """Return a value of an axis, with k or M from ten thousand on."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= (size if size > 1e3 else 10 * size):  # noqa: PLR2004 - 2,000 reads well
            return figure(value / size) + unit
    return figure(value)


def _span(low: float, high: float) -> tuple[float, float]:
    """Widen a range a little, and a narrow one to a factor of four, so that ticks fit."""
    low, high = low / _SPREAD, high * _SPREAD
    if high / low < 4:  # noqa: PLR2004 - holds a 1, 2 or 5 at either end
        middle = math.sqrt(low * high)
        low, high = middle / 2, middle * 2
    return low, high


def _round_values(low: float, high: float) -> Sequence[float]:
    """Return the finest of the usual steps that is not too fine, or every so many decades."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 5), (1,)):
        found = [step * 10.0**decade for decade in decades for step in steps]
        found = [value for value in found if low <= value <= high]
        if len(found) <= _MOST_TICKS:
            return found
    return found[:: math.ceil(len(found) / _MOST_TICKS)]
