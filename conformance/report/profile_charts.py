"""The curves of a profile as static SVG, a file a language; a line joins valid points alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.evidence import bundle
from conformance.report.charts import INK, static_svg
from conformance.report.inert import inert_line
from conformance.report.profile_words import figure
from conformance.report.texts import LANGS, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from conformance.profile.document import Point, ProfileDocument

CURVES = "curves"
NAMES = ("throughput", "latency", "energy")
WIDTH, HEIGHT = 380, 260
"""Two stand side by side, and one fits on a phone."""
_PANEL = 170
_BLUE, _TEAL, _RUST, _OCHRE, _PURPLE = "#173f66", "#2b7a78", "#b3472a", "#a87400", "#6a4c93"
_DASH = {_BLUE: [1, 0], _TEAL: [7, 3], _RUST: [3, 2], _OCHRE: [1, 0], _PURPLE: [7, 3]}
_HOLLOW, _FULL = "hollow", "full"
_LEAST = 1e-9


class Series(NamedTuple):
    """One line of a chart."""

    name: str
    colour: str


class Dot(NamedTuple):
    """One value at one load."""

    x: float
    y: float
    series: str
    segment: str
    """Dots of one segment are joined; an invalid dot is alone in its own."""
    is_valid: bool
    label: str


Curves = dict[str, dict[str, str]]
"""SVG by name, then language; there is none of a chart that has nothing to draw."""


def draw_curves(document: ProfileDocument) -> Curves:
    """Draw all charts of a profile; each takes a good part of a second."""
    drawn: Curves = {}
    for name in NAMES:
        found = {lang: curve(document, name, lang) for lang in LANGS}
        drawn[name] = {lang: svg for lang, svg in found.items() if svg is not None}
    return drawn


def write_curves(curves: Curves, folder: Path) -> list[Path]:
    """Write ``curves/NAME-LANG.svg`` below a folder; return what was written.

    A chart that has nothing to draw is not written, and an older one of its name is taken away.

    Raises:
        StorageError: a file cannot be written.
    """
    written = []
    for name in NAMES:
        for lang in LANGS:
            path = folder / CURVES / f"{name}-{lang}.svg"
            svg = curves[name].get(lang)
            if svg is None:
                path.unlink(missing_ok=True)
                continue
            bundle.write_whole(path, svg.encode("utf-8"))
            written.append(path)
    return written


def curve(document: ProfileDocument, name: str, lang: str) -> str | None:
    """Return a chart in a language; None where there is no figure to draw."""
    charts = {"throughput": _throughput, "latency": _latency, "energy": _energy}
    points = sorted(shown_points(document.points), key=lambda point: point.concurrency)
    chart = charts[name](points, lang)
    return None if chart is None else static_svg(chart)


def shown_points(points: Iterable[Point]) -> list[Point]:
    """Return one point a load: of several measurements the last valid one, else the last."""
    found: dict[tuple[str, float], Point] = {}
    for point in points:
        load = (point.loop, point.concurrency if point.rate is None else point.rate)
        if load not in found or point.valid or not found[load].valid:
            found[load] = point
    return list(found.values())


def throughput_dots(points: Sequence[Point]) -> list[Dot]:
    """Return throughput against per-user speed; a segment joins neighbours on the Pareto front."""
    known = [
        (point, point.user_tokens_per_s.p50, point.output_tokens_per_s)
        for point in points
        if point.user_tokens_per_s.p50 is not None and point.output_tokens_per_s is not None
    ]
    valid = [(x, y) for point, x, y in known if point.valid]
    front = {(x, y) for x, y in valid if not any(_beats(other, (x, y)) for other in valid)}
    return list(
        _dots(((p, x or 0.0, y or 0.0) for p, x, y in known), "tokens", lambda at: at in front)
    )


def load_dots(points: Sequence[Point], series: str, of: Any) -> list[Dot]:
    """Return a figure against load; a segment ends at an invalid point or an unknown figure."""
    found = [(point, point.concurrency, of(point)) for point in points]
    return list(_dots(found, series, lambda _: True))


def _dots(
    found: Iterable[tuple[Point, float, float | None]], series: str, joins: Any
) -> Iterator[Dot]:
    segment = 0
    for number, (point, x, y) in enumerate(found):
        if y is None or x < _LEAST or y < _LEAST:
            segment = number + 1
            continue
        is_joined = point.valid and joins((x, y))
        name = f"{series}.{segment}" if is_joined else f"{series}.alone.{number}"
        segment = segment if is_joined else number + 1
        yield Dot(x, y, series, name, point.valid, _label(point))


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] >= other[0] and one[1] >= other[1]


def _label(point: Point) -> str:
    """Return a load's name; of an invalid one with the code of its first reason."""
    load = f"{figure(point.rate)}/s" if point.rate is not None else figure(point.concurrency)
    if point.valid:
        return load
    return f"{load} ✕ {inert_line(point.reasons[0].code, 24) if point.reasons else '?'}"


def _throughput(points: Sequence[Point], lang: str) -> Any:
    dots = throughput_dots(points)
    if not dots:
        return None
    import altair as alt

    series = [Series("tokens", _BLUE)]
    x = alt.X(
        "x:Q",
        title=_say("axis_user", lang),
        scale=alt.Scale(domain=[0, max(dot.x for dot in dots) * 1.15], nice=True),
    )
    y = alt.Y(
        "y:Q",
        title=_say("axis_tokens", lang),
        scale=alt.Scale(domain=[0, max(dot.y for dot in dots) * 1.1], nice=True),
    )
    names = (
        alt.Chart({"values": _rows(dots)})
        .mark_text(align="left", dx=9, dy=-6, color=INK, fontSize=12)
        .encode(x=x, y=y, text="label:N")
    )
    layers = _layers(dots, series, x, y, legend=False) + names
    return layers.properties(width=WIDTH, height=HEIGHT)


def _latency(points: Sequence[Point], lang: str) -> Any:
    upper = [
        (Series("TTFT p50", _BLUE), lambda p: p.ttft_ms.p50),
        (Series("TTFT p90", _TEAL), lambda p: p.ttft_ms.p90),
        (Series("TTFT p99", _RUST), lambda p: p.ttft_ms.p99),
    ]
    lower = [
        (Series("TPOT p50", _OCHRE), lambda p: p.tpot_ms.p50),
        (Series(_say("series_gap", lang), _PURPLE), lambda p: p.chunk_gap_ms.p99),
    ]
    panels = [_panel(points, lines, lang, "axis_ms") for lines in (upper, lower)]
    return _stacked([panel for panel in panels if panel is not None])


def _energy(points: Sequence[Point], lang: str) -> Any:
    lines = [
        (
            Series(_say("series_with_idle", lang), _BLUE),
            lambda p: p.per_token and p.per_token.j_per_output_token,
        ),
        (
            Series(_say("series_above_idle", lang), _TEAL),
            lambda p: p.per_token and p.per_token.j_per_output_token_above_idle,
        ),
    ]
    return _panel(points, lines, lang, "axis_joules", height=HEIGHT - 60)


def _panel(points: Sequence[Point], lines: Any, lang: str, title: str, height: int = _PANEL) -> Any:
    dots = [dot for series, of in lines for dot in load_dots(points, series.name, of)]
    if not dots:
        return None
    import altair as alt

    loads = sorted({dot.x for dot in dots})
    x = alt.X(
        "x:Q",
        title=_say("axis_load", lang),
        scale=alt.Scale(type="log", domain=[loads[0] / 1.6, loads[-1] * 1.6], nice=False),
        axis=alt.Axis(values=_spaced(loads), format="~g", grid=False),
    )
    low, high = min(dot.y for dot in dots), max(dot.y for dot in dots)
    y = alt.Y(
        "y:Q",
        title=_say(title, lang),
        scale=alt.Scale(type="log", domain=[low / 1.3, high * 1.5], nice=False),
        axis=alt.Axis(values=_ticks(low / 1.3, high * 1.5), format=",~g"),
    )
    chart = _layers(dots, [series for series, _ in lines], x, y, legend=True)
    wrong = {dot.x: dot.label for dot in dots if not dot.is_valid}
    if wrong:
        rows = [{"x": at, "label": label} for at, label in wrong.items()]
        chart += (
            alt.Chart({"values": rows})
            .mark_text(angle=270, align="right", baseline="bottom", dx=-4, dy=-7, color=_RUST)
            .encode(x=x, y=alt.value(0), text="label:N")
        )
    return chart.properties(width=WIDTH, height=height)


def _layers(dots: Sequence[Dot], series: Sequence[Series], x: Any, y: Any, *, legend: bool) -> Any:
    import altair as alt

    names = [item.name for item in series]
    colours = [item.colour for item in series]
    key = alt.Legend(title=None, orient="top", symbolType="stroke") if legend else None
    colour = alt.Color("series:N", scale=alt.Scale(domain=names, range=colours), legend=key)
    dash = alt.StrokeDash(
        "series:N",
        scale=alt.Scale(domain=names, range=[_DASH[item] for item in colours]),
        legend=key,
    )
    base = alt.Chart({"values": _rows(dots)})
    line = base.transform_filter("datum.mark === 'full'").mark_line(strokeWidth=2)
    full = base.transform_filter("datum.mark === 'full'").mark_point(filled=True, size=55)
    hollow = base.transform_filter("datum.mark === 'hollow'").mark_point(
        filled=False, size=60, strokeWidth=1.8, fill="white"
    )
    return (
        line.encode(x=x, y=y, color=colour, strokeDash=dash, detail="segment:N")
        + full.encode(x=x, y=y, color=colour, opacity=alt.value(1))
        + hollow.encode(x=x, y=y, color=colour, opacity=alt.value(1))
    )


def _stacked(panels: Sequence[Any]) -> Any:
    if not panels:
        return None
    import altair as alt

    return alt.vconcat(*panels, spacing=22).resolve_scale(
        color="independent", strokeDash="independent"
    )


def _rows(dots: Sequence[Dot]) -> list[dict[str, Any]]:
    return [
        {
            "x": dot.x,
            "y": dot.y,
            "series": dot.series,
            "segment": dot.segment,
            "mark": _FULL if dot.is_valid else _HOLLOW,
            "label": dot.label,
        }
        for dot in dots
    ]


def _spaced(loads: Sequence[float]) -> list[float]:
    """Leave out loads whose labels would touch on a logarithmic axis."""
    kept: list[float] = []
    for load in loads:
        if not kept or load >= kept[-1] * 1.18:
            kept.append(load)
    return kept


def _ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 of each decade within the range; 1 alone where it is wide."""
    import math

    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(decades) <= 4 else (1,)  # noqa: PLR2004 - more would crowd the axis
    found = [step * 10.0**decade for decade in decades for step in steps]
    return [value for value in found if low <= value <= high]


def _say(key: str, lang: str) -> str:
    return say(f"profile.{key}").in_lang(lang)
