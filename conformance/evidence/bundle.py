"""The bundle's layout and manifest: what lies where, and that it is what was sealed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from conformance.errors import EvidenceInvalidError
from conformance.evidence.documents import ManifestDocument, ManifestEntry
from conformance.trial.chain import unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

FORMAT = "manifest/1"
MANIFEST = "manifest.json"
CLAIM = "claim.json"
ICS = "ics.json"
SYSTEM = "system.json"
LOCK = "suite.lock.json"
RUN = "run"
OBSERVATIONS = "results/observations.jsonl"
SUMMARY = "results/summary.json"
TWINS = "results/twins.json"
SINGLE = "results/single.json"
PROFILE = "profile/profile.json"
EVALUATION = "evaluation.json"
EVALUATED = "evaluation"
"""The folder of the evidence that reviewers handed in."""
DERIVED = (OBSERVATIONS, SUMMARY, TWINS, SINGLE)
"""What a re-grade makes anew from the evidence."""
REPORT = "report.html"

RENDERINGS = ("report.html", "report.pdf", "report.md", "report.json", "junit.xml")
"""Made from the bundle, never read back; outside the manifest."""

_SCHEMAS = {
    CLAIM: "claim",
    ICS: "ics",
    SYSTEM: "system",
    LOCK: "suite.lock",
    "run/journal.jsonl": "journal",
    OBSERVATIONS: "observations",
    SUMMARY: "summary",
    TWINS: "twins",
    SINGLE: "single",
    PROFILE: "profile",
    EVALUATION: "evaluation",
}


def schema_of(path: str) -> str | None:
    """Return the name of the schema a file of the bundle is under; states are the world's own."""
    if path.startswith("run/transcripts/"):
        return "transcript"
    return _SCHEMAS.get(path)


def write_document(folder: Path, path: str, document: Any) -> None:
    """Write a document whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(folder / path, document_bytes(document))


def document_bytes(document: Any) -> bytes:
    """Return a document as RFC 8785 canonical JSON, one line."""
    import rfc8785

    return rfc8785.dumps(msgspec.to_builtins(document)) + b"\n"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, path)  # noqa: PTH105 - atomic on every platform
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def read_document(folder: Path, path: str, kind: type[T]) -> T:
    """Read a document of the bundle.

    Raises:
        EvidenceInvalidError: it is missing or is not such a document.
    """
    try:
        content = (folder / path).read_bytes()
    except OSError as error:
        raise EvidenceInvalidError(
            "is missing", where=str(folder / path), mend="name a complete bundle"
        ) from error
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceInvalidError(str(error), where=f"{folder / path}:1") from error


def write_manifest(folder: Path) -> str:
    """Write the manifest over every file there is; return the bundle's id.

    Raises:
        StorageError: it cannot be written.
    """
    write_document(folder, MANIFEST, _manifest(folder))
    return bundle_id(folder)


def changed_manifest(folder: Path, changes: Mapping[str, bytes | None]) -> ManifestDocument:
    """Return the manifest with some files changed, added, or gone (None); nothing is written.

    Raises:
        EvidenceInvalidError: there is no manifest to go by.
    """
    files = dict(read_document(folder, MANIFEST, ManifestDocument).files)
    for path, content in changes.items():
        if content is None:
            files.pop(path, None)
        else:
            files[path] = _entry(path, content)
    return ManifestDocument(FORMAT, files)


def bundle_id(folder: Path) -> str:
    """Return the bundle's id: the SHA-256 of its manifest."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def manifest_problems(folder: Path) -> Iterator[EvidenceInvalidError]:
    """Yield what is missing, changed, or not in the manifest.

    Raises:
        EvidenceInvalidError: there is no manifest to go by.
    """
    listed = read_document(folder, MANIFEST, ManifestDocument).files
    there = set(_files(folder))
    for path in sorted(there - listed.keys()):
        yield EvidenceInvalidError("is not in the manifest", where=str(folder / path))
    for path, entry in sorted(listed.items()):
        if path not in there:
            yield EvidenceInvalidError("is missing", where=str(folder / path))
        elif _entry_of(folder, path).sha256 != entry.sha256:
            yield EvidenceInvalidError("was changed after it was sealed", where=str(folder / path))
    if (
        there == listed.keys()
        and all(listed[path].sha256 == _entry_of(folder, path).sha256 for path in there)
        and (folder / MANIFEST).read_bytes() != document_bytes(_manifest(folder))
    ):
        yield EvidenceInvalidError(
            "does not say what the files are", where=f"{folder / MANIFEST}:1"
        )


def is_sealed(folder: Path) -> bool:
    """Say whether there is a manifest, and every file is as it says."""
    try:
        return next(manifest_problems(folder), None) is None
    except EvidenceInvalidError:
        return False


def _manifest(folder: Path) -> ManifestDocument:
    return ManifestDocument(FORMAT, {path: _entry_of(folder, path) for path in _files(folder)})


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST and name not in RENDERINGS:
            yield name


def _entry_of(folder: Path, path: str) -> ManifestEntry:
    return _entry(path, (folder / path).read_bytes())


def _entry(path: str, content: bytes) -> ManifestEntry:
    return ManifestEntry(
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        media_type=_media_type(path),
        schema=schema_of(path),
    )


def _media_type(path: str) -> str:
    if path.startswith(f"{EVALUATED}/"):
        return "application/octet-stream"  # a reviewer's file: its name proves nothing
    return "application/jsonl" if path.endswith(".jsonl") else "application/json"
