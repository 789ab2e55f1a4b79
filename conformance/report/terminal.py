"""The result as a terminal shows it at the end of a campaign: a screenful, then the paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.evidence import bundle
from conformance.evidence.documents import ClaimDocument, SummaryDocument
from conformance.report.inert import inert_line
from conformance.report.numbers import decimal, ends, limit, seconds
from conformance.report.profile_words import certificate_line
from conformance.report.sentences import holdback, lead, reason_words
from conformance.report.sources import read_profile
from conformance.report.texts import aside, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console, RenderableType

    from conformance.evidence.documents import ClauseSummary

_STYLES = {"pass": "green", "fail": "red", "inconclusive": "yellow"}
_SIGNS = {"pass": "✓", "fail": "✕", "inconclusive": "◆", "inapplicable": "–", "not_run": "○"}
_BAR = 20
_NAMED_LIMITS = 4


def print_result(
    console: Console, folder: Path, lang: str, *, seconds: float | None = None
) -> None:
    """Print the result of a sealed bundle.

    Raises:
        EvidenceInvalidError: the bundle has no readable summary.
    """
    summary = bundle.read_document(folder, bundle.SUMMARY, SummaryDocument)
    for part in result_parts(summary, lang, folder, duration_s=seconds):
        console.print(part, highlight=False)


def result_lines(
    summary: SummaryDocument, lang: str, folder: Path | None = None, *, width: int = 100
) -> list[str]:
    """Return the same as plain lines."""
    import io

    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=width, no_color=True, force_terminal=False, emoji=False)
    for part in result_parts(summary, lang, folder):
        console.print(part, highlight=False)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def result_parts(
    summary: SummaryDocument, lang: str, folder: Path | None, *, duration_s: float | None = None
) -> Iterator[RenderableType]:
    """Yield what is printed, top to bottom.

    Args:
        summary: The result.
        lang: ``zh`` or ``en``.
        folder: The bundle's folder, whose mode is named, and whose paths come last, after its
            throughput profile's line if it holds one; None leaves them out.
        duration_s: How long it took, in seconds, if that is to be said.
    """
    from rich.text import Text

    yield _headline(summary, lang)
    stamps = [summary.statement]
    if summary.seed_source != "os":
        stamps.append(say("result.seed_applicant"))
    gap = "" if lang == "zh" else " "
    yield Text(gap.join([words.in_lang(lang) for words in stamps]), "dim")
    yield Text(summary.edition.notice.in_lang(lang), "dim")
    if folder is not None and (folder / bundle.CLAIM).is_file():
        mode = bundle.read_document(folder, bundle.CLAIM, ClaimDocument).mode
        yield Text(_say("evaluation.mode", lang, mode=inert_line(mode.in_lang(lang))), "dim")
    yield _table(summary, lang)
    yield from _held_back(summary, lang)
    if folder is not None:
        profile = read_profile(folder)
        if profile is not None:
            yield Text("\n" + certificate_line(profile).in_lang(lang))
        report = folder / bundle.REPORT
        took = "" if duration_s is None else f"  ({seconds(duration_s)})"
        named = _say("terminal.bundle", lang, path=folder) + took
        yield Text("\n" + named, no_wrap=True, overflow="fold")
        if report.is_file():
            named = _say("terminal.report", lang, path=report)
            yield Text(named, no_wrap=True, overflow="fold")


def _headline(summary: SummaryDocument, lang: str) -> RenderableType:
    from rich.text import Text

    text = Text("\n")
    held = {
        "agency": (summary.level, summary.level_title),
        "trust": (summary.trust, summary.trust_title),
        "efficiency": (summary.efficiency.held, None),
    }
    for axis, (result, title) in held.items():
        text.append(f"{_say(f'axis.{axis}', lang)} ")
        text.append(result, "bold")
        text.append(f" {title.in_lang(lang)}" if title is not None else "")
        text.append("   ")
    sentences = lead(summary)[1:] if summary.ended == "budget" else []
    if sentences:
        text.append("\n" + sentences[-1].in_lang(lang))
    return text


def _table(summary: SummaryDocument, lang: str) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    tried = [clause for clause in summary.clauses if clause.judgement is not None]
    rest = len(summary.clauses) - len(tried)
    note = Text(_say("terminal.not_run", lang, n=rest), "dim") if rest else None
    if not tried:
        return Text(_say("terminal.nothing_tried", lang))
    table = Table(box=None, pad_edge=False, caption=note, caption_justify="left")
    for key in ("clause", "verdict", "n", "estimate", "interval", "limit"):
        right = key in ("n", "estimate", "limit")
        heading = _say(f"terminal.{key}", lang)
        table.add_column(heading, justify="right" if right else "left", no_wrap=key != "verdict")
    table.add_column("0" + " " * (_BAR - 2) + "1", no_wrap=True)
    for clause in tried:
        table.add_row(*_row(clause, lang))
    return table


def _row(clause: ClauseSummary, lang: str) -> Iterator[RenderableType]:
    from rich.text import Text

    judgement = clause.judgement
    if judgement is None:
        return
    word = f"{_SIGNS[clause.verdict]} {_say(f'verdict.{clause.verdict}', lang)}"
    reason = reason_words(clause.reason, clause.pending)
    if reason is not None:
        word += aside(reason).in_lang(lang)
    lower, upper = ends(judgement, clause.rule.p0)
    style = _STYLES.get(clause.verdict, "")
    yield Text(clause.id)
    yield Text(word, style)
    yield Text(str(judgement.n))
    yield Text(decimal(judgement.mean), "bold")
    yield Text(f"[{lower}, {upper}]")
    yield Text(limit(clause.rule.p0))
    yield Text(_bar(judgement.lower, judgement.upper, judgement.mean, clause.rule.p0), style)


def _bar(lower: float, upper: float, mean: float | None, p0: float) -> str:
    """Draw interval, limit and estimate; the estimate hides what lies under it."""

    def place(value: float) -> int:
        return min(_BAR - 1, max(0, int(value * _BAR)))

    cells = [" "] * _BAR
    for at in range(place(lower), place(upper) + 1):
        cells[at] = "─"
    cells[place(p0)] = "│" if cells[place(p0)] == " " else "┼"
    if mean is not None:
        cells[place(mean)] = "●"
    return "".join(cells)


def _held_back(summary: SummaryDocument, lang: str) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    back = holdback(summary)
    yield Text("\n" + back.heading.in_lang(lang), "bold")
    if back.lead is not None:
        yield Text(back.lead.in_lang(lang))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    for item in back.limits[:_NAMED_LIMITS]:
        table.add_row(Text(item.name), Text(item.sentence.in_lang(lang)))
    if back.limits:
        yield table
    if len(back.limits) > _NAMED_LIMITS:
        yield Text(", ".join(item.name for item in back.limits[_NAMED_LIMITS:]))


def _say(key: str, lang: str, **values: Any) -> str:
    return say(key, **values).in_lang(lang)
