"""The technical evaluation as the page shows it: each item, its state, who found what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from conformance.evidence.documents import Words
from conformance.evidence.evaluation import (
    evidence_path,
    failed_items,
    mode_of,
    name_problem,
    pending_items,
    read_evaluation,
)
from conformance.report.inert import inert_line
from conformance.report.texts import flowing, say

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.evidence.documents import EvaluationEntry


class ReviewedItem(NamedTuple):
    """One item."""

    id: str
    text: Words
    wanted: Words
    state: str
    """``pass``, ``fail`` or ``pending``."""
    by: Words | None
    date: str
    file: str
    href: str | None
    """The evidence, relative to the bundle; None where its path is not of the usual kind."""
    sha256: str
    remark: str


class Reviewed(NamedTuple):
    """The section."""

    items: tuple[ReviewedItem, ...]
    mode: Words
    sentence: Words
    """How far it has come."""
    done: int
    """Items that have a verdict."""
    is_failed: bool

    @property
    def is_complete(self) -> bool:
        """Say whether every item has a verdict."""
        return self.done == len(self.items)


def reviewed(folder: Path) -> Reviewed | None:
    """Return the technical evaluation of a bundle; None where the bundle has none.

    Raises:
        EvidenceInvalidError: the document is broken.
    """
    document = read_evaluation(folder)
    if document is None:
        return None
    pending, failed = pending_items(document), failed_items(document)
    if pending:
        sentence = say("evaluation.pending", n=len(pending), total=len(document.items))
    else:
        sentence = say("evaluation.complete", failed=len(failed), total=len(document.items))
    return Reviewed(
        items=tuple(map(_item, document.items)),
        mode=_inert(mode_of(document)),
        sentence=flowing([sentence, say("evaluation.unaltered")]),
        done=len(document.items) - len(pending),
        is_failed=bool(failed),
    )


def _item(entry: EvaluationEntry) -> ReviewedItem:
    judged = entry.judged
    if judged is None:
        return ReviewedItem(
            inert_line(entry.id), _inert(entry.text), _inert(entry.wanted), "pending",
            None, "", "", None, "", "",
        )  # fmt: skip
    return ReviewedItem(
        id=inert_line(entry.id),
        text=_inert(entry.text),
        wanted=_inert(entry.wanted),
        state=judged.verdict,
        by=say("evaluation.by", name=inert_line(judged.reviewer), role=inert_line(judged.role)),
        date=inert_line(judged.date, 40),
        file=inert_line(judged.file),
        href=_href(entry.id, judged.file),
        sha256=inert_line(judged.sha256, 64),
        remark=inert_line(judged.remark or "", 2000),
    )


def _href(item: str, file: str) -> str | None:
    """Return a link to the evidence, only where it leads into the bundle."""
    name = file.rpartition("/")[2]
    is_plain = name_problem(name) is None and name_problem(item) is None
    return quote(file) if is_plain and file == evidence_path(item, name) else None


def _inert(words: Words) -> Words:
    return Words(inert_line(words.zh), inert_line(words.en))
