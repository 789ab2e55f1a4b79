"""Level and solve rate against what a solved task takes: places, front and names, as data.

What is not known is listed, never drawn. The front joins results that no other beats in both
respects; calibrators are not on it, nor results whose use the gateway saw only in part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.report.board.axes import Axis, Tick, log_axis, rank_axis, share_axis
from conformance.report.board.labels import Box, Label, place_labels
from conformance.report.board.rows import Row, captioned, currencies
from conformance.report.texts import joined, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from conformance.evidence.documents import Words

WIDTH, HEIGHT = 540, 330
LEFT, TOP, RIGHT, BOTTOM = 52, 14, 526, 288
_DOT = 9.0
"""The width of a dot."""


class Dot(NamedTuple):
    """A result in a drawing."""

    x: float
    y: float
    row: Row
    shape: str
    """``full``, ``hollow`` (a calibrator) or ``partial`` (its use was metered in part)."""
    is_front: bool
    label: Label | None


class Plot(NamedTuple):
    """One drawing."""

    id: str
    worth: Words
    """What goes upwards."""
    x_title: Words
    caption: Words
    """The same, and its standing."""
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    front: str
    """A path of SVG; empty where no result is on the front."""


class Resource(NamedTuple):
    """Both drawings against one resource, and what could not be drawn."""

    id: str
    column: str
    """Which text of a row it is."""
    heading: Words
    plots: tuple[Plot, ...]
    drawn: tuple[Row, ...]
    """In the order of the tables."""
    front: dict[str, Words]
    """In what a row is on a front, by its key."""
    unknown: tuple[Row, ...]


class _Measure(NamedTuple):
    id: str
    heading: Words
    axis: Words
    value: Callable[[Row], float | None]


def resources(rows: Sequence[Row]) -> tuple[Resource, ...]:
    """Return the drawings against tokens, joules and money; one of money for each currency."""
    return tuple(_resource(measure, rows) for measure in _measures(rows))


def front_of(points: Sequence[tuple[float, float]]) -> set[int]:
    """Return which of (cost, worth) no other beats: cheaper and no worse, or better and no dearer.

    Of several equal ones all are on the front.
    """
    order = sorted(range(len(points)), key=lambda at: (points[at][0], -points[at][1]))
    kept: set[int] = set()
    best: tuple[float, float] | None = None
    for at in order:
        if best is None or points[at][1] > best[1] or points[at] == best:
            kept.add(at)
            best = points[at]
    return kept


def _measures(rows: Sequence[Row]) -> Iterator[_Measure]:
    for name, value in (("tokens", _tokens), ("joules", _joules)):
        yield _Measure(name, say(f"board.{name}"), say(f"board.axis_{name}"), value)
    for number, currency in enumerate(currencies(rows) or (None,)):
        unit = "" if currency is None else f" ({currency})"
        yield _Measure(
            f"cost{number or ''}",
            say("board.cost_in", currency=unit),
            say("board.axis_cost", currency=unit),
            _cost_in(currency),
        )


def _tokens(row: Row) -> float | None:
    return row.entry.tokens_per_solved


def _joules(row: Row) -> float | None:
    return row.entry.joules_per_solved


def _cost_in(currency: str | None) -> Callable[[Row], float | None]:
    def value(row: Row) -> float | None:
        return row.entry.cost_per_solved if row.currency == currency else None

    return value


def _resource(measure: _Measure, rows: Sequence[Row]) -> Resource:
    drawn = [(row, x) for row in rows if (x := measure.value(row)) is not None]
    plots = []
    if drawn:
        across = log_axis([x for _, x in drawn], LEFT, RIGHT)
        named = {row.entry.level_rank: row.level for row in rows}
        plots = [
            _plot(
                ("level", measure),
                (across, rank_axis(named, BOTTOM, TOP)),
                [(row, x, float(row.entry.level_rank)) for row, x in drawn],
            ),
            _plot(
                ("solved", measure),
                (across, share_axis(BOTTOM, TOP)),
                [(row, x, row.share) for row, x in drawn if row.share is not None],
            ),
        ]
    return Resource(
        id=measure.id,
        column=measure.id.rstrip("0123456789"),
        heading=measure.heading,
        plots=tuple(plots),
        drawn=tuple(row for row, _ in drawn),
        front=_fronts(plots),
        unknown=tuple(row for row in rows if measure.value(row) is None),
    )


def _plot(
    names: tuple[str, _Measure],
    axes: tuple[Axis, Axis],
    values: Sequence[tuple[Row, float, float]],
) -> Plot:
    worth, measure = names
    across, upwards = axes
    able = [at for at, (row, _, _) in enumerate(values) if _shape(row) == "full"]
    on_front = {able[i] for i in front_of([values[at][1:] for at in able])}
    first = sorted(range(len(values)), key=lambda at: (at not in on_front, at))
    exact = [(across.place(x), upwards.place(y)) for _, x, y in values]
    room = 0.0
    if worth == "level":
        line = upwards.place(0)
        room = min((line - upwards.place(1)) / 2, BOTTOM - line) - _DOT
    moved = spread(exact, first, room)
    places = [(x, y, row.name) for (x, y), (row, _, _) in zip(moved, values, strict=True)]
    corners = _corners([places[at][:2] for at in on_front])
    frame = Box(LEFT, TOP, RIGHT, BOTTOM)
    labels = place_labels(places, first, frame, _sides(corners))
    dots = tuple(
        Dot(places[at][0], places[at][1], row, _shape(row), at in on_front, labels[at])
        for at, (row, _, _) in enumerate(values)
    )
    return Plot(
        id=f"{measure.id}-{worth}",
        worth=say(f"board.{worth}"),
        x_title=measure.axis,
        caption=captioned(say(f"board.{worth}"), [row for row, _, _ in values]),
        x_ticks=across.ticks,
        y_ticks=upwards.ticks,
        dots=dots,
        front=_path(corners),
    )


def spread(
    places: Sequence[tuple[float, float]], order: Iterable[int], room: float
) -> list[tuple[float, float]]:
    """Return the places, those that would cover another moved up or down, by ``room`` at most.

    For places that lie on a few lines, as levels do; who is first in ``order`` stays on the line.
    """
    steps = [0.0]
    while (step := steps[-1] + _DOT) <= room:
        steps.append(step)
    moves = [sign * step for step in steps for sign in ((1, -1) if step else (1,))]
    taken: set[tuple[float, float]] = set()
    found = list(places)
    for at in order:
        x, y = places[at]
        for move in moves:
            if not any(abs(x - u) < _DOT and abs(y + move - v) < _DOT for u, v in taken):
                found[at] = (x, round(y + move, 1))
                break
        taken.add(found[at])
    return found


def _fronts(plots: Sequence[Plot]) -> dict[str, Words]:
    found: dict[str, list[Words]] = {}
    for plot in plots:
        for dot in plot.dots:
            if dot.is_front:
                found.setdefault(dot.row.key, []).append(plot.worth)
    return {key: joined(names) for key, names in found.items()}


def _shape(row: Row) -> str:
    if row.entry.is_calibrator:
        return "hollow"
    return "full" if row.is_metered else "partial"


def _corners(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of the stair that bounds what has been reached, from the left."""
    return sorted(set(places), key=lambda place: (place[0], -place[1]))


def _path(corners: Sequence[tuple[float, float]]) -> str:
    """Return the stair: from the foot of the drawing, through the corners, to the right edge."""
    if not corners:
        return ""
    steps = "".join(f"H{x}V{y}" for x, y in corners)
    return f"M{corners[0][0]} {BOTTOM}{steps}H{RIGHT}"


def _sides(corners: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """Return the stair's lines as thin boxes."""
    below: float = BOTTOM
    for at, (x, y) in enumerate(corners):
        until = corners[at + 1][0] if at + 1 < len(corners) else RIGHT
        yield Box(x - 1, y, x + 1, below)
        yield Box(x, y - 1, until, y + 1)
        below = y
