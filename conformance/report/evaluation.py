"""The technical evaluation as a terminal shows it: a row for each item, then what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.evidence.bundle import bundle_id
from conformance.evidence.evaluation import mode_of, pending_items
from conformance.report.inert import inert_line
from conformance.report.numbers import UNKNOWN
from conformance.report.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from conformance.evidence.documents import EvaluationDocument, EvaluationEntry
    from conformance.evidence.reviewing import Change

_COLUMNS = ("item", "text", "state", "reviewer", "date", "evidence")
_STYLES = {"pass": "green", "fail": "red", "pending": "yellow"}


def evaluation_parts(
    folder: Path, document: EvaluationDocument, change: Change | None, lang: str
) -> Iterator[RenderableType]:
    """Yield what is printed, top to bottom.

    Args:
        folder: The bundle.
        document: Its technical evaluation.
        change: What was just recorded or withdrawn, or None.
        lang: ``zh`` or ``en``.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(_say(f"evaluation.{name}", lang), overflow="fold")
    for item in document.items:
        table.add_row(*_row(item, lang))
    yield table
    mode = mode_of(document).in_lang(lang)
    yield Text("\n" + _say("evaluation.mode", lang, mode=mode), "bold")
    pending = pending_items(document)
    if pending:
        yield Text(_say("evaluation.pending", lang, n=len(pending), total=len(document.items)))
    yield Text(_say("evaluation.unaltered", lang), "dim")
    yield Text(_say("evaluation.bundle", lang, id=bundle_id(folder)), no_wrap=True, overflow="fold")
    if change is not None:
        before = _say("evaluation.before", lang, id=change.before)
        yield Text(before, no_wrap=True, overflow="fold")


def state_of(item: EvaluationEntry) -> str:
    """Return the state of an item: ``pass``, ``fail`` or ``pending``."""
    return "pending" if item.judged is None else item.judged.verdict


def _row(item: EvaluationEntry, lang: str) -> Iterator[RenderableType]:
    from rich.text import Text

    state, judged = state_of(item), item.judged
    yield Text(inert_line(item.id))
    yield Text(inert_line(item.text.in_lang(lang)))
    yield Text(_say(f"evaluation.states.{state}", lang), _STYLES[state])
    if judged is None:
        yield Text(UNKNOWN, "dim")
        yield Text(UNKNOWN, "dim")
        wanted = inert_line(item.wanted.in_lang(lang))
        yield Text(_say("evaluation.wanted", lang, text=wanted), "dim")
        return
    yield Text(
        _say("evaluation.by", lang, name=inert_line(judged.reviewer), role=inert_line(judged.role))
    )
    yield Text(inert_line(judged.date))
    told = f"{inert_line(judged.file)}  {judged.sha256[:12]}"
    yield Text(told + ("" if judged.remark is None else f"\n{inert_line(judged.remark, 2000)}"))


def _say(key: str, lang: str, **values: Any) -> str:
    return say(key, **values).in_lang(lang)
