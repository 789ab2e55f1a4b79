"""Putting a bundle among the submissions: clean, new, without secrets; whole or not at all."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.campaign.journal import read_journal
from conformance.errors import ConformanceError, EvidenceInvalidError, UsageError
from conformance.evidence import bundle
from conformance.evidence.documents import LockDocument, ManifestDocument
from conformance.evidence.registry import Refusal, check_submission, own_marks, refuse_bundle
from conformance.trial.redaction import redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from conformance.edition import Edition

LEAST_SECRET = 8
"""Characters; the value of a shorter variable would be found in ordinary text."""
_SECRET_NAMES = re.compile(r".*_(API_KEY|ACCESS_KEY|SECRET|SECRET_KEY|TOKEN|PASSWORD)")
_KEYS = re.compile(
    rb"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{20,}"
    rb"|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.)"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""Keys of services that people use, beside those that ``trial.redaction`` knows."""
SHOWN = 5


class Leak(NamedTuple):
    """A line that should not be published."""

    where: str
    what: str


def submit_bundle(
    folder: Path,
    reports: Path,
    slug_of: Callable[[Path], str],
    editions: Sequence[Edition],
    environment: Mapping[str, str] = os.environ,
) -> Path:
    """Check a bundle as the leaderboard will, and copy it into ``reports``; return the new folder.

    The files of the manifest are copied, and no rendering: the site renders its own report.

    Args:
        folder: The bundle.
        reports: The folder of submissions.
        slug_of: Gives the agent's file name of a clean bundle; the new folder begins with it.
        editions: What there is to grade with.
        environment: Variables whose secrets must not stand in the bundle.

    Raises:
        EvidenceInvalidError: the bundle does not re-grade clean, or was changed meanwhile.
        UsageError: there is no folder of submissions, or it is a bundle; the bundle is in it
            already, or holds a secret.
        ConformanceError: it cannot be copied.
    """
    if not reports.is_dir():
        raise UsageError(
            "there is no such folder", where=str(reports), mend="make it, or name the right one"
        )
    refuse_bundle(reports)
    checked = check_submission(folder, editions)
    if isinstance(checked, Refusal):
        raise EvidenceInvalidError("; ".join(checked.problems), where=str(folder))
    _refuse_repeat(checked.marks, folder, reports)
    found = list(leaks(folder, environment))
    if found:
        told = "; ".join(f"{leak.where}: {leak.what}" for leak in found[:SHOWN])
        raise UsageError(
            told + (f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""),
            where=str(folder),
            mend="revoke the key, keep it out of what the agent says, and certify again",
        )
    target = reports / submission_name(folder, slug_of(folder))
    partial = reports / f".{target.name}.{secrets.token_hex(4)}"
    try:
        _copy(folder, partial)
        problem = next(bundle.manifest_problems(partial), None)
        if problem is not None or bundle.bundle_id(partial) != checked.bundle:
            raise EvidenceInvalidError("was changed while it was copied", where=str(folder))
        partial.rename(target)
    except OSError as error:
        raise ConformanceError(
            f"cannot be copied: {error.strerror}",
            where=str(error.filename or target),
            mend="free space or mend the folder's rights, then run it again",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def submission_name(folder: Path, slug: str) -> str:
    """Return what a bundle's folder is called among submissions: agent, edition, date, id."""
    edition = bundle.read_document(folder, bundle.LOCK, LockDocument).edition.id
    edition = re.sub(r"[^A-Za-z0-9.]+", "-", edition).strip("-.")[:40] or "edition"
    day = datetime.fromtimestamp(read_journal(folder / bundle.RUN)[0].time, UTC)
    return f"{slug}-{edition}-{day:%Y-%m-%d}-{bundle.bundle_id(folder)[:8]}"


def leaks(folder: Path, environment: Mapping[str, str]) -> Iterator[Leak]:
    """Yield the lines of a bundle that hold keys, the values of secret variables or home folders.

    What is packed (in a PDF, say) is not seen.
    """
    values = {
        name: (value.encode(), json.dumps(value)[1:-1].encode())
        for name, value in sorted(environment.items())
        if _SECRET_NAMES.fullmatch(name) and len(value) >= LEAST_SECRET
    }
    redact = redactor(())
    listed = bundle.read_document(folder, bundle.MANIFEST, ManifestDocument).files
    for path in sorted(listed):
        for number, line in enumerate((folder / path).read_bytes().split(b"\n"), 1):
            where = f"{path}:{number}"
            for name, forms in values.items():
                if any(form in line for form in forms):
                    yield Leak(where, f"the value of {name}")
            if _KEYS.search(line) or _is_redacted(line, redact):
                yield Leak(where, "a key, credentials or a home folder")


def _is_redacted(line: bytes, redact: Callable[[bytes], bytes]) -> bool:
    """Say whether something in a line would have been redacted in a transcript."""
    try:
        return redact(line) != line
    except msgspec.DecodeError:
        return True  # something was found in a line that is no JSON


def _refuse_repeat(marks: frozenset[str], folder: Path, reports: Path) -> None:
    for other in sorted(reports.iterdir()):
        try:
            if other.is_dir() and not other.is_symlink() and marks & own_marks(other):
                raise UsageError(
                    f"is submitted already, as {other.name}",
                    where=str(folder),
                    mend="a campaign is submitted once; remove that folder to replace it",
                )
        except EvidenceInvalidError:
            continue  # the leaderboard names what is wrong with that one


def _copy(folder: Path, partial: Path) -> None:
    listed = bundle.read_document(folder, bundle.MANIFEST, ManifestDocument).files
    for path in (*listed, bundle.MANIFEST):
        target = partial / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, target, follow_symlinks=False)
