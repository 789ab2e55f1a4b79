"""The technical evaluation, the part no machine sees: what a bundle says of it, and its rules.

Reviewers find; nothing here alters what the machine measured. Names are not signatures: who a
reviewer is rests on the word of whoever publishes the bundle, until an attestation says more.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from conformance.errors import EvidenceInvalidError
from conformance.evidence import bundle
from conformance.evidence.documents import (
    ClaimDocument,
    EvaluationDocument,
    EvaluationEntry,
    Words,
)
from conformance.evidence.summary import words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.edition import Edition
    from conformance.evidence.documents import EvaluationVerdict

FORMAT = "evaluation/1"
TESTED = Words(zh="智能体检测", en="agent testing only")
EVALUATED = Words(zh="智能体检测+技术评价", en="agent testing plus technical evaluation")

MOST_BYTES = 50 * 1024 * 1024
"""Of one file of evidence."""
MOST_NAME = 200
"""Bytes of a file's name in UTF-8: every file system takes as many."""
MOST_TEXT = {"reviewer": 200, "role": 200, "remark": 2000}
"""Characters."""

_RESERVED = frozenset('/\\:*?"<>|')
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
# A day is that of the reviewer's own clock: somewhere it is still yesterday, or tomorrow already.
_LATEST_ZONE, _EARLIEST_ZONE = timedelta(hours=14), timedelta(hours=-12)


def pending_evaluation(edition: Edition) -> EvaluationDocument | None:
    """Return the edition's items with nothing found yet; None where the edition has none."""
    items = [
        EvaluationEntry(id=item.id, text=words(item.text), wanted=words(item.evidence), judged=None)
        for item in edition.document.evaluation
    ]
    return EvaluationDocument(FORMAT, items, []) if items else None


def read_evaluation(folder: Path) -> EvaluationDocument | None:
    """Return the technical evaluation of a bundle; None where the bundle has no such document.

    Raises:
        EvidenceInvalidError: it is broken.
    """
    if not (folder / bundle.EVALUATION).is_file():
        return None
    return bundle.read_document(folder, bundle.EVALUATION, EvaluationDocument)


def is_evaluated(document: EvaluationDocument | None) -> bool:
    """Say whether every item has a verdict, whichever it is."""
    return document is not None and bool(document.items) and not pending_items(document)


def pending_items(document: EvaluationDocument) -> list[str]:
    """Return the ids of the items that have no verdict."""
    return [item.id for item in document.items if item.judged is None]


def failed_items(document: EvaluationDocument) -> list[str]:
    """Return the ids of the items that failed."""
    return [item.id for item in document.items if item.judged and item.judged.verdict == "fail"]


def mode_of(document: EvaluationDocument | None) -> Words:
    """Return the mode of the certification: it changes when all items are in, and names those
    that failed.
    """
    if document is None or not is_evaluated(document):
        return TESTED
    failed = failed_items(document)
    if not failed:
        return EVALUATED
    return Words(
        zh=f"{EVALUATED.zh}（未通过：{'、'.join(failed)}）",
        en=f"{EVALUATED.en} (failed: {', '.join(failed)})",
    )


def evidence_path(item: str, name: str) -> str:
    """Return where a bundle holds the evidence of an item."""
    return f"{bundle.EVALUATED}/{item}/{name}"


def name_problem(name: str) -> str | None:
    """Return why a file of evidence cannot have this name in a bundle, or None if it can."""
    if not name.isprintable():
        return "has invisible or control characters in its name"
    if not name or _RESERVED & set(name):
        return f"has one of {' '.join(sorted(_RESERVED))} in its name, or none"
    if name.startswith((".", " ")) or name.endswith((".", " ")):
        return "begins or ends with a point or a space"
    if len(name.encode()) > MOST_NAME:
        return f"has a name of more than {MOST_NAME} bytes"
    return None


def text_problem(name: str, value: str) -> str | None:
    """Return why a reviewer, a role or a remark cannot be written so, or None if it can."""
    if not value.strip():
        return "is empty"
    if not value.isprintable():
        return "has a line break, or invisible or control characters"
    return f"has more than {MOST_TEXT[name]} characters" if len(value) > MOST_TEXT[name] else None


def day_problem(day: str, ended_at: float, now: float) -> str | None:
    """Return why a review cannot have been on this day, or None if it can.

    Args:
        day: As ``2026-11-23``, by the reviewer's clock.
        ended_at: When the campaign ended, seconds since the epoch.
        now: The present, seconds since the epoch.
    """
    try:
        given = date.fromisoformat(day) if _DAY.fullmatch(day) else None
    except ValueError:
        given = None
    if given is None:
        return "is no day"
    first = (datetime.fromtimestamp(ended_at, UTC) + _EARLIEST_ZONE).date()
    if given < first:
        return f"is before the campaign ended, {first}"
    if given > (datetime.fromtimestamp(now, UTC) + _LATEST_ZONE).date():
        return "is in the future"
    return None


def evaluation_problems(
    folder: Path, edition: Edition, ended_at: float, now: float
) -> Iterator[str]:
    """Yield where the evaluation is not the edition's, not whole, or cannot have been so.

    Args:
        folder: The bundle; its manifest was checked.
        edition: The edition that graded it.
        ended_at: When the campaign ended, seconds since the epoch.
        now: The present, seconds since the epoch.

    Raises:
        EvidenceInvalidError: ``evaluation.json`` is broken.
    """
    document = read_evaluation(folder)
    named = set() if document is None else {i.judged.file for i in document.items if i.judged}
    root = folder / bundle.EVALUATED
    for path in (root, *sorted(root.rglob("*"))):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or (path.is_file() and name not in named):
            yield f"{path}: is not the evidence of any item"
    if document is None:
        return
    where = f"{folder / bundle.EVALUATION}:1"
    asked = pending_evaluation(edition)
    if _unjudged(document).items != ([] if asked is None else asked.items):
        yield f"{where}: has other items than edition {edition.id}"
        return
    if document.format != FORMAT:
        yield f"{where}: is of format {document.format!r}"
    for item in document.items:
        if item.judged is not None:
            for problem in _verdict_problems(folder, item.id, item.judged, ended_at, now):
                yield f"{where}: {item.id}: {problem}"
    yield from (f"{where}: {problem}" for problem in _id_problems(folder, document))


def _verdict_problems(
    folder: Path, item: str, judged: EvaluationVerdict, ended_at: float, now: float
) -> Iterator[str]:
    for name in ("reviewer", "role", "remark"):
        value = getattr(judged, name)
        problem = None if value is None else text_problem(name, value)
        if problem is not None:
            yield f"{name} {problem}"
    problem = day_problem(judged.date, ended_at, now)
    if problem is not None:
        yield f"date {problem}"
    name = judged.file.rpartition("/")[2]
    problem = name_problem(name)
    if problem is not None:
        yield f"its evidence {problem}"
    elif judged.file != evidence_path(item, name):
        yield "its evidence is not in the folder of the item"
    elif not (folder / judged.file).is_file():
        yield "its evidence is missing"
    else:
        content = (folder / judged.file).read_bytes()
        if (judged.sha256, judged.size) != (hashlib.sha256(content).hexdigest(), len(content)):
            yield "its evidence is not what was reviewed"


def _id_problems(folder: Path, document: EvaluationDocument) -> Iterator[str]:
    """Yield what is wrong with the ids the bundle is said to have had.

    The first can be computed: it is the id of this bundle without anything that was found.
    """
    previous = document.previous
    if len(set(previous)) != len(previous) or not all(map(_ID.fullmatch, previous)):
        yield "previous has what is no id, or one twice"
    elif previous and previous[0] not in _ids_as_sealed(folder, document):
        yield "previous does not begin with the id of the bundle as it was sealed"
    elif not previous and _unjudged(document) != document:
        yield "previous does not have the id of the bundle as it was sealed"


def _ids_as_sealed(folder: Path, document: EvaluationDocument) -> Iterator[str]:
    """Yield the ids the bundle may have had: as sealed now, and before there was this document."""
    claim = bundle.read_document(folder, bundle.CLAIM, ClaimDocument)
    changes: dict[str, bytes | None] = {i.judged.file: None for i in document.items if i.judged}
    changes[bundle.CLAIM] = bundle.document_bytes(msgspec.structs.replace(claim, mode=TESTED))
    for evaluation in (bundle.document_bytes(_unjudged(document)), None):
        manifest = bundle.changed_manifest(folder, {**changes, bundle.EVALUATION: evaluation})
        yield hashlib.sha256(bundle.document_bytes(manifest)).hexdigest()


def _unjudged(document: EvaluationDocument) -> EvaluationDocument:
    items = [msgspec.structs.replace(item, judged=None) for item in document.items]
    return msgspec.structs.replace(document, items=items, previous=[])


def ended_at(folder: Path) -> float:
    """Return when the campaign of a bundle ended, seconds since the epoch.

    Raises:
        EvidenceInvalidError: its journal is broken, or says of no end.
    """
    from conformance.campaign.entries import Ended
    from conformance.campaign.journal import read_journal

    last = read_journal(folder / bundle.RUN)[-1]
    if not isinstance(last, Ended):
        raise EvidenceInvalidError(
            "the campaign did not end", where=str(folder / bundle.RUN), mend="go on with --resume"
        )
    return last.time
