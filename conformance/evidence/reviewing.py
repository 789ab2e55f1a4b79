"""Recording what a reviewer found in a bundle, whole or not at all; the manifest is sealed anew."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from conformance.errors import EvidenceInvalidError, UsageError
from conformance.evidence import bundle
from conformance.evidence.documents import (
    ClaimDocument,
    EvaluationDocument,
    EvaluationVerdict,
    LockDocument,
)
from conformance.evidence.evaluation import (
    MOST_BYTES,
    day_problem,
    ended_at,
    evaluation_problems,
    evidence_path,
    mode_of,
    name_problem,
    pending_evaluation,
    read_evaluation,
    text_problem,
)
from conformance.trial.chain import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.edition import Edition
    from conformance.evidence.documents import EvaluationEntry


class Review(msgspec.Struct, frozen=True):
    """What a reviewer found on one item."""

    item: str
    verdict: Literal["pass", "fail"]
    evidence: Path
    """The file it rests on; a copy goes into the bundle."""
    reviewer: str
    role: str
    date: str
    """The day of the review, as ``2026-11-23``."""
    remark: str | None = None


class Change(msgspec.Struct, frozen=True):
    """What became of a bundle."""

    before: str
    """The bundle's id until now."""
    after: str
    """The bundle's id from now on."""
    document: EvaluationDocument


def show_evaluation(folder: Path, edition: Edition, now: float) -> EvaluationDocument:
    """Return the evaluation of a bundle that holds together; all pending where it has none yet.

    Args:
        folder: The bundle.
        edition: The edition that graded it.
        now: The present, seconds since the epoch.

    Raises:
        EvidenceInvalidError: the bundle is broken, or was changed after it was sealed.
        UsageError: it is another edition's, or the edition has no items.
    """
    for problem in bundle.manifest_problems(folder):
        raise problem
    lock = bundle.read_document(folder, bundle.LOCK, LockDocument)
    if lock.edition.sha256 != edition.digest:
        raise UsageError(
            f"was made with edition {lock.edition.id} {lock.edition.sha256[:12]}, "
            f"this is {edition.id} {edition.digest[:12]}",
            where=str(folder),
            mend="name that edition's folder with --edition",
        )
    for told in evaluation_problems(folder, edition, ended_at(folder), now):
        raise EvidenceInvalidError(told)
    document = read_evaluation(folder) or pending_evaluation(edition)
    if document is None:
        raise UsageError(
            f"edition {edition.id} has no items of technical evaluation", where=str(folder)
        )
    claim = bundle.read_document(folder, bundle.CLAIM, ClaimDocument)
    if claim.mode != mode_of(document):
        raise EvidenceInvalidError(
            "mode is not what the evaluation makes it", where=f"{folder / bundle.CLAIM}:1"
        )
    return document


def record_review(folder: Path, edition: Edition, review: Review, now: float) -> Change:
    """Write what a reviewer found into a bundle and seal it again.

    Args:
        folder: The bundle.
        edition: The edition that graded it.
        review: What was found.
        now: The present, seconds since the epoch.

    Raises:
        EvidenceInvalidError: the bundle is broken, or was changed after it was sealed.
        UsageError: the review or its evidence cannot be taken; nothing was written.
        StorageError: it cannot be written; the bundle is as it was.
    """
    with _held(folder):
        document = show_evaluation(folder, edition, now)
        entry = _entry_of(document, review.item)
        if entry.judged is not None:
            raise UsageError(
                f"{entry.id} has a verdict: {entry.judged.verdict}, {entry.judged.date}",
                where="--item",
                mend=f"take it back first: --item {entry.id} --withdraw",
            )
        _check_words(review, ended_at(folder), now)
        content = _read_evidence(review.evidence)
        path = evidence_path(entry.id, review.evidence.name)
        judged = EvaluationVerdict(
            verdict=review.verdict,
            reviewer=review.reviewer,
            role=review.role,
            date=review.date,
            file=path,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            remark=review.remark,
        )
        return _write(folder, document, entry, judged, {path: content})


def withdraw_review(folder: Path, edition: Edition, item: str, now: float) -> Change:
    """Take back what was found on an item, its evidence too, and seal the bundle again.

    Raises:
        EvidenceInvalidError: the bundle is broken, or was changed after it was sealed.
        UsageError: there is no such item, or nothing was found on it; nothing was written.
        StorageError: it cannot be written; the bundle is as it was.
    """
    with _held(folder):
        document = show_evaluation(folder, edition, now)
        entry = _entry_of(document, item)
        if entry.judged is None:
            raise UsageError(f"{item} has no verdict to withdraw", where="--withdraw")
        return _write(folder, document, entry, None, {entry.judged.file: None})


def _entry_of(document: EvaluationDocument, item: str) -> EvaluationEntry:
    for entry in document.items:
        if entry.id == item:
            return entry
    known = ", ".join(entry.id for entry in document.items)
    raise UsageError(f"there is no item {item!r}", where="--item", mend=f"the items: {known}")


def _check_words(review: Review, ended: float, now: float) -> None:
    found = {
        "--reviewer": text_problem("reviewer", review.reviewer),
        "--role": text_problem("role", review.role),
        "--remark": None if review.remark is None else text_problem("remark", review.remark),
        "--date": day_problem(review.date, ended, now),
    }
    mends = {"--date": "write the day of the review, as 2026-11-23"}
    for option, problem in found.items():
        if problem is not None:
            mend = mends.get(option, "write it in plain characters on one line")
            raise UsageError(problem, where=option, mend=mend)


def _read_evidence(path: Path) -> bytes:
    """Read the file itself, never what a link points to.

    Raises:
        UsageError: it is missing, no regular file, empty, too large, or named so that no bundle
            can hold it.
    """
    where = f"--evidence {path}"
    problem = name_problem(path.name)
    if problem is not None:
        # The name may be what must not be printed.
        raise UsageError(f"the file {problem}", where="--evidence", mend="rename the file")
    if path.is_symlink():
        raise UsageError("is a link", where=where, mend="name the file itself")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError("is no file", where=where, mend="name one file; pack a folder first")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}", where=where, mend="name a file"
        ) from error
    if not content:
        raise UsageError("is empty", where=where, mend="name the file the verdict rests on")
    if len(content) > MOST_BYTES:
        raise UsageError(
            f"is larger than {MOST_BYTES >> 20} MB",
            where=where,
            mend="hand in an extract, and keep the whole by its digest",
        )
    return content


def _write(
    folder: Path,
    document: EvaluationDocument,
    entry: EvaluationEntry,
    judged: EvaluationVerdict | None,
    evidence: Mapping[str, bytes | None],
) -> Change:
    before = bundle.bundle_id(folder)
    document = msgspec.structs.replace(
        document,
        items=[
            msgspec.structs.replace(item, judged=judged) if item.id == entry.id else item
            for item in document.items
        ],
        previous=[*document.previous, before],
    )
    claim = bundle.read_document(folder, bundle.CLAIM, ClaimDocument)
    claim = msgspec.structs.replace(claim, mode=mode_of(document))
    changes = {
        **evidence,
        bundle.EVALUATION: bundle.document_bytes(document),
        bundle.CLAIM: bundle.document_bytes(claim),
    }
    manifest = bundle.document_bytes(bundle.changed_manifest(folder, changes))
    _replace(folder, {**changes, bundle.MANIFEST: manifest})
    return Change(before, bundle.bundle_id(folder), document)


def _replace(folder: Path, changes: Mapping[str, bytes | None]) -> None:
    """Change some files of a folder, all or none; what can fail for want of space comes first.

    Raises:
        StorageError: nothing was changed.
    """
    whole = folder.resolve()
    done: list[tuple[Path, Path]] = []
    try:
        # Beside the bundle: what a crash leaves there is no file of the bundle.
        with tempfile.TemporaryDirectory(prefix=f".{whole.name}.", dir=whole.parent) as stage:
            try:
                for path, new, old in _staged(whole, Path(stage), changes):
                    done.append((path, old))
                    if new is None:
                        path.unlink()
                    else:
                        path.parent.mkdir(parents=True, exist_ok=True)
                        os.replace(new, path)  # noqa: PTH105 - atomic on every platform
            except BaseException:
                for path, old in reversed(done):
                    _restore(path, old)
                raise
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}",
            where=str(folder),
            mend="free space or mend the folder's rights",
        ) from error
    finally:
        for name in changes:
            _prune((whole / name).parent, whole)


def _staged(
    folder: Path, stage: Path, changes: Mapping[str, bytes | None]
) -> list[tuple[Path, Path | None, Path]]:
    """Write the new files into the stage, and copies of the old ones; return who is who."""
    staged = []
    for number, (path, content) in enumerate((folder / name, c) for name, c in changes.items()):
        new, old = stage / f"{number}.new", stage / f"{number}.old"
        if path.exists():
            shutil.copy2(path, old)
        if content is not None:
            new.write_bytes(content)
        staged.append((path, None if content is None else new, old))
    return staged


def _restore(path: Path, old: Path) -> None:
    if old.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(old, path)  # noqa: PTH105 - atomic on every platform
    else:
        path.unlink(missing_ok=True)


def _prune(folder: Path, root: Path) -> None:
    """Remove a folder that became empty, and those above it."""
    while folder != root:
        with contextlib.suppress(OSError):
            folder.rmdir()
        folder = folder.parent


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep a second reviewer's command out until the first one's is done.

    Raises:
        UsageError: another one is at it.
    """
    try:
        import fcntl
    except ImportError:  # no such locks on this platform
        yield
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise UsageError(
            "another evaluation of this bundle is being written",
            where=str(folder),
            mend="wait for its end, then repeat the command",
        ) from error
    try:
        yield
    finally:
        os.close(file)
