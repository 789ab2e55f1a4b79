"""A profile as a terminal shows it: headline, validity, a row a load, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.report.profile_view import build_profile
from conformance.report.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console, RenderableType
    from rich.table import Table

    from conformance.profile.document import ProfileDocument
    from conformance.report.profile_chain import Step
    from conformance.report.profile_view import AgentsRow, Gate, PointRow, SolvedRow

_GOOD, _BAD, _DIM = "green", "red", "dim"


def print_profile(console: Console, document: ProfileDocument, lang: str) -> None:
    """Print a profile in ``zh`` or ``en``."""
    for part in profile_parts(document, lang):
        console.print(part, highlight=False)


def profile_parts(document: ProfileDocument, lang: str) -> Iterator[RenderableType]:
    """Yield what is printed, top to bottom."""
    from rich.text import Text

    view = build_profile(document)
    yield Text(view.line.in_lang(lang), "bold")
    yield Text(
        f"{'✓' if view.is_valid else '✕'} {view.validity.in_lang(lang)}",
        _GOOD if view.is_valid else _BAD,
    )
    for notice in view.notices:
        yield Text(notice.in_lang(lang), "yellow")
    for step in view.chain:
        yield _step(step, lang)
    if view.points:
        yield Text("")
        yield _points(view.points, lang)
    if view.agents:
        yield Text("")
        yield _agents(view.agents, lang)
    if view.solved:
        yield Text("")
        yield _solved(view.solved, lang)
    if view.gates:
        yield Text("\n" + _say("gates", lang), "bold")
        for gate in view.gates:
            yield _gate(gate, lang)
    yield Text(f"\n{view.objective.in_lang(lang)}\n{view.calibration_lead.in_lang(lang)}", _DIM)


def _step(step: Step, lang: str) -> RenderableType:
    """Return a step in a line: what is known, then what is not, once for each reason."""
    from rich.text import Text

    colon, comma = ("：", "、") if lang == "zh" else (": ", ", ")
    parts = []
    missing: dict[str, list[str]] = {}
    for item in step.figures:
        label = item.label.in_lang(lang)
        if item.value is not None:
            parts.append(Text.assemble((f"{label} ", _DIM), (item.value.in_lang(lang), "bold")))
        elif item.why is not None:
            missing.setdefault(item.why.in_lang(lang), []).append(label)
    for why, labels in missing.items():
        unknown = (f"{_say('unknown', lang)}{colon}{why}", "yellow")
        parts.append(Text.assemble((f"{comma.join(labels)} ", _DIM), unknown))
    return Text(step.title.in_lang(lang) + colon).append(Text(" · ").join(parts))


def _points(rows: Iterable[PointRow], lang: str) -> Table:
    names = ("load", "axis_tokens", "user", "goodput_short")
    latencies = ["TTFT p50", "p99", "TPOT p50", _say("gap", lang)]
    headings = [*(_say(name, lang) for name in names), *latencies, _say("j_token_short", lang)]
    table = _table([*headings, _say("verdict", lang)])
    for row in rows:
        _add(
            table,
            row,
            lang,
            row.load.in_lang(lang), row.tokens, row.user, row.goodput, row.ttft_p50,
            " ".join(filter(None, (row.ttft_p99, row.bound))), row.tpot_p50, row.gap_p99,
            row.j_token,
        )  # fmt: skip
    return table


def _agents(rows: Iterable[AgentsRow], lang: str) -> Table:
    names = ("agents_count", "good_share", "sustained", "verdict")
    table = _table([_say(name, lang) for name in names])
    for row in rows:
        held = _say("is_yes" if row.is_sustained else "is_no", lang)
        _add(table, row, lang, row.agents, row.good_share, held)
    return table


def _solved(rows: Iterable[SolvedRow], lang: str) -> Table:
    names = (
        "load",
        "trials",
        "solve_rate",
        "in_window",
        "per_hour",
        "j_solved",
        "money",
        "carbon",
        "verdict",
    )
    table = _table([_say(name, lang) for name in names])
    for row in rows:
        _add(
            table, row, lang,
            row.load, row.trials, row.rate, row.in_window, row.per_hour, row.joules, row.money,
            row.carbon,
        )  # fmt: skip
    return table


def _table(headings: list[str]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in headings[:-1]:
        table.add_column(heading, justify="right")
    table.add_column(headings[-1])
    return table


def _add(table: Table, row: PointRow | AgentsRow | SolvedRow, lang: str, *cells: str) -> None:
    """Add a row; one that is not valid is dimmed and ends with its codes."""
    from rich.text import Text

    sign, word = ("✓", "series_valid") if row.valid else ("✕", "series_invalid")
    verdict = Text(f"{sign} {_say(word, lang)}", _GOOD if row.valid else _BAD)
    verdict.append(f" {row.codes}" if row.codes else "")
    table.add_row(*(Text(cell, "" if row.valid else _DIM) for cell in cells), verdict)


def _gate(gate: Gate, lang: str) -> RenderableType:
    from rich.text import Text

    text = Text("✕ ", _BAD)
    text.append(gate.code, "bold")
    text.append(f" {gate.meaning.in_lang(lang)}\n")
    for place, value in gate.places:
        found = place if value is None else say("profile.gate_place", place=place, value=value)
        text.append(f"  {found.in_lang(lang)}\n", _DIM)
    if gate.mend is not None:
        text.append("  " + _say("gate_mend", lang, mend=gate.mend))
    return text


def _say(key: str, lang: str, **values: Any) -> str:
    return say(f"profile.{key}", **values).in_lang(lang)
