"""Charts as static SVG, made by altair and vl-convert; every label reads in both languages."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from conformance.report.inert import inert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.evidence.documents import ClauseSummary

INK, FAINT, RULE = "#1d2733", "#5b6773", "#d9dfe5"
COLOURS = {"pass": "#17693b", "fail": "#b3261e", "inconclusive": "#8a5a00"}
"""The colours of the verdicts; the style sheet has the same."""
SHAPES = {"pass": "circle", "fail": "square", "inconclusive": "diamond"}
_FONT = "system-ui, sans-serif"
_ARIA = re.compile(r' (?:aria-[a-z]+|role)="[^"]*"')
_NOT_XML = re.compile("[\ufffe\uffff]")
"""What XML has no place for beside what ``inert`` shows."""
WIDTH = 560
ROW = 24
BIN = 0.25


def interval_chart(clauses: Sequence[ClauseSummary]) -> str | None:
    """Return estimate, interval and limit of each clause that was tried; None where none was."""
    rows = [
        {
            "clause": clause.id,
            "verdict": clause.verdict,
            "lower": max(0.0, clause.judgement.lower),
            "upper": min(1.0, clause.judgement.upper),
            "mean": clause.judgement.mean,
            "p0": clause.rule.p0,
        }
        for clause in clauses
        if clause.judgement is not None and clause.judgement.mean is not None
    ]
    if not rows:
        return None
    import altair as alt

    verdicts = list(COLOURS)
    colour = alt.Color(
        "verdict:N",
        legend=None,
        scale=alt.Scale(domain=verdicts, range=[COLOURS[v] for v in verdicts]),
    )
    shape = alt.Shape(
        "verdict:N",
        legend=None,
        scale=alt.Scale(domain=verdicts, range=[SHAPES[v] for v in verdicts]),
    )
    base = alt.Chart({"values": rows}).encode(
        y=alt.Y(
            "clause:N",
            sort=None,
            title=None,
            axis=alt.Axis(domain=False, ticks=False, labelPadding=12),
        )
    )
    axis = alt.Axis(format="%", values=[i / 10 for i in range(11)], title=None)
    across = alt.X("lower:Q", scale=alt.Scale(domain=[0, 1]), axis=axis)
    layers = (
        base.mark_rule(strokeWidth=3, opacity=0.55).encode(x=across, x2="upper:Q", color=colour)
        + base.mark_tick(thickness=2, size=16, color=INK).encode(x="p0:Q")
        + base.mark_point(filled=True, size=70, opacity=1).encode(
            x="mean:Q", color=colour, shape=shape
        )
    )
    return static_svg(layers.properties(width=WIDTH, height=alt.Step(ROW)))


def ratio_chart(ratios: Sequence[float], kappas: Sequence[tuple[str, float]]) -> str | None:
    """Return how often which ratio of tool calls to the oracle's came; None without any."""
    if not ratios:
        return None
    import altair as alt

    most = max(*(kappa for _, kappa in kappas), 3.0) + 0.5 if kappas else 4.0
    # Bins closed on the right: what is just within a κ stands to the left of its line.
    counts = Counter(math.ceil(round(min(value, most) / BIN, 6)) for value in ratios)
    rows = [
        {"from": (place - 0.9) * BIN, "to": (place - 0.1) * BIN, "trials": count, "none": 0}
        for place, count in sorted(counts.items())
    ]
    marks = [{"id": name, "kappa": kappa} for name, kappa in kappas]
    across = alt.Scale(domain=[0, most], nice=False)
    bars = (
        alt.Chart({"values": rows})
        .mark_rect(color="#3d6486")
        .encode(
            x=alt.X(
                "from:Q",
                scale=across,
                title=None,
                axis=alt.Axis(values=[i / 2 for i in range(int(most * 2) + 1)], format=".1f"),
            ),
            x2="to:Q",
            y=alt.Y(
                "none:Q",
                title=None,
                scale=alt.Scale(zero=True),
                axis=alt.Axis(tickMinStep=1, tickCount=4),
            ),
            y2="trials:Q",
        )
    )
    rules = (
        alt.Chart({"values": marks})
        .mark_rule(color=INK, strokeDash=[4, 3])
        .encode(x=alt.X("kappa:Q", scale=across))
    )
    names = (
        alt.Chart({"values": marks})
        .mark_text(baseline="bottom", color=INK, fontWeight="bold")
        .encode(x=alt.X("kappa:Q", scale=across), y=alt.value(-3), text="id:N")
    )
    return static_svg((bars + rules + names).properties(width=WIDTH, height=120))


def static_svg(chart: Any) -> str:
    """Render a chart; what it says to a screen reader stands in its caption instead."""
    import vl_convert

    styled = (
        chart.configure(font=_FONT, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            labelFontSize=12,
            gridColor=RULE,
            domainColor=FAINT,
            tickColor=FAINT,
            titleColor=INK,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=14,
        )
        .configure_legend(labelColor=INK, labelFontSize=12, symbolSize=360, columnPadding=18)
    )
    svg: str = vl_convert.vegalite_to_svg(_legal(styled.to_dict()))
    return _ARIA.sub("", svg).replace("<svg ", '<svg aria-hidden="true" ', 1)


def _legal(value: Any) -> Any:
    """Return a chart with every text inert: the renderer ends the process at one that is no XML."""
    if isinstance(value, str):
        return _NOT_XML.sub("\ufffd", inert(value))
    if isinstance(value, dict):
        return {key: _legal(item) for key, item in value.items()}
    return [_legal(item) for item in value] if isinstance(value, list) else value
