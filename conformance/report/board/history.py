"""How an agent's results changed over its submissions, as data: level, solve rate, tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.report.board.axes import Axis, Tick, log_axis, rank_axis, share_axis
from conformance.report.board.rows import Row, board_name
from conformance.report.board.tables import board_key
from conformance.report.numbers import moment
from conformance.report.texts import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.evidence.documents import Words

LEFT, TOP, RIGHT, BOTTOM = 46, 12, 306, 150
_FEWEST = 2
_DAY = 86_400.0
_ROOM = 0.06


class Mark(NamedTuple):
    """One submission, in pixels."""

    x: float
    y: float
    row: Row
    text: str
    """The figure, as the table has it."""


class Panel(NamedTuple):
    """One figure over time; a path joins the results of one model."""

    id: str
    title: Words
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    paths: tuple[str, ...]
    marks: tuple[Mark, ...]


class Series(NamedTuple):
    """The panels of one edition and plan."""

    title: Words
    panels: tuple[Panel, ...]


def build_history(rows: Sequence[Row]) -> tuple[Series, ...]:
    """Return the drawings of each edition and plan with two submissions or more."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.entry.ended, row.entry.id)):
        groups.setdefault(board_key(row.entry), []).append(row)
    return tuple(_series(group) for group in groups.values() if len(group) >= _FEWEST)


def _series(rows: Sequence[Row]) -> Series:
    levels = rank_axis({row.entry.level_rank: row.level for row in rows}, BOTTOM, TOP)
    panels = [
        _panel("level", levels, rows, lambda r: float(r.entry.level_rank), lambda r: r.level),
        _panel("solved", share_axis(BOTTOM, TOP), rows, lambda r: r.share, lambda r: r.solved),
    ]
    known = [t for row in rows if (t := row.entry.tokens_per_solved) is not None]
    if known:
        panels.append(
            _panel(
                "tokens",
                log_axis(known, BOTTOM, TOP),
                rows,
                lambda row: row.entry.tokens_per_solved,
                lambda row: row.tokens,
            )
        )
    key = "history_audited" if all(r.entry.standing == "audited" for r in rows) else "history_note"
    return Series(say(f"board.{key}", board=board_name(rows[0].entry)), tuple(panels))


def _panel(
    name: str,
    upwards: Axis,
    rows: Sequence[Row],
    value: Callable[[Row], float | None],
    text: Callable[[Row], str],
) -> Panel:
    across = _time_axis([row.entry.ended for row in rows])
    marks = [
        Mark(across.place(row.entry.ended), upwards.place(y), row, text(row))
        for row in rows
        if (y := value(row)) is not None
    ]
    models = dict.fromkeys(mark.row.entry.model for mark in marks)
    paths = [
        "M" + "L".join(f"{m.x} {m.y}" for m in marks if m.row.entry.model == model)
        for model in models
    ]
    return Panel(
        id=name,
        title=say(f"board.{name}"),
        x_ticks=across.ticks,
        y_ticks=upwards.ticks,
        paths=tuple(path for path in paths if "L" in path),
        marks=tuple(marks),
    )


def _time_axis(times: Sequence[float]) -> Axis:
    """Return an axis over the times, a day or more, the first and last day named."""
    first, last = min(times), max(times)
    middle, half = (first + last) / 2, max(last - first, _DAY) / 2
    axis = Axis(LEFT, RIGHT, middle - half * (1 + _ROOM), middle + half * (1 + _ROOM), is_log=False)
    days = [moment(time).split()[0] for time in (first, last)]
    if days[0] == days[1]:
        return axis._replace(ticks=(Tick(axis.place(middle), days[0]),))
    return axis._replace(ticks=(Tick(axis.place(first), days[0]), Tick(axis.place(last), days[1])))
