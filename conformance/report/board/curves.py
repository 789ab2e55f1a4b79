"""Throughput curves of submissions that come with a profile, laid over each other, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.report.board.axes import Axis, Tick, log_axis
from conformance.report.board.rows import captioned
from conformance.report.inert import inert_line
from conformance.report.texts import both, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.evidence.documents import Words
    from conformance.report.board.entries import LoadPoint
    from conformance.report.board.rows import Row

LEFT, TOP, RIGHT, BOTTOM = 52, 14, 526, 248
COLOURS, DASHES = 6, 4
"""How many of each the style sheet has."""


class Mark(NamedTuple):
    """One load, in pixels."""

    x: float
    y: float
    is_valid: bool


class Line(NamedTuple):
    """The curve of one submission in one panel; the path joins valid loads alone."""

    key: str
    style: str
    path: str
    marks: tuple[Mark, ...]


class Panel(NamedTuple):
    """One quantity against concurrency."""

    id: str
    caption: Words
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]


class Curve(NamedTuple):
    """A submission in the legend and in the table."""

    row: Row
    style: str
    hardware: Words
    points: tuple[LoadPoint, ...]


class Curves(NamedTuple):
    """Both panels over the same loads."""

    panels: tuple[Panel, ...]
    curves: tuple[Curve, ...]


def throughput_curves(rows: Sequence[Row]) -> Curves | None:
    """Return the curves of all rows that have a profile; None where none has."""
    curves = [
        Curve(
            row=row,
            style=f"c{at % COLOURS} d{at // COLOURS % DASHES}",
            hardware=_hardware(row),
            points=profile.points,
        )
        for at, (row, profile) in enumerate(
            (row, row.entry.profile)
            for row in rows
            if row.entry.profile is not None and row.entry.profile.points
        )
    ]
    panels = (
        _panel("throughput", say("board.axis_throughput"), curves, lambda point: point.tokens_s),
        _panel("ttft", say("board.axis_ttft"), curves, lambda point: point.ttft_p50_ms),
    )
    drawn = tuple(panel for panel in panels if panel is not None)
    return Curves(drawn, tuple(curves)) if drawn else None


def _panel(
    name: str, title: Words, curves: Sequence[Curve], value: Callable[[LoadPoint], float | None]
) -> Panel | None:
    known = [
        (curve, [(p, y) for p in curve.points if (y := value(p)) is not None and p.concurrency > 0])
        for curve in curves
    ]
    if not any(points for _, points in known):
        return None
    across = log_axis([p.concurrency for _, points in known for p, _ in points], LEFT, RIGHT)
    upwards = log_axis([y for _, points in known for _, y in points], BOTTOM, TOP)
    return Panel(
        id=name,
        caption=captioned(title, [curve.row for curve in curves]),
        x_ticks=across.ticks,
        y_ticks=upwards.ticks,
        lines=tuple(_line(curve, points, across, upwards) for curve, points in known if points),
    )


def _line(
    curve: Curve, points: Sequence[tuple[LoadPoint, float]], across: Axis, upwards: Axis
) -> Line:
    marks = [
        Mark(across.place(p.concurrency), upwards.place(y), is_valid=p.is_valid) for p, y in points
    ]
    joined = [mark for mark in marks if mark.is_valid]
    return Line(
        key=curve.row.key,
        style=curve.style,
        path="M" + "L".join(f"{m.x} {m.y}" for m in joined) if len(joined) > 1 else "",
        marks=tuple(marks),
    )


def _hardware(row: Row) -> Words:
    if row.entry.hardware is None:
        return say("board.no_hardware")
    return both(inert_line(row.entry.hardware, 60))
