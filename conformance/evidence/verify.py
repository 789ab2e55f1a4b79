"""An auditor's look at a bundle: is it what was sealed, does it come to the same grade again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import rfc8785

import conformance
from conformance.campaign.journal import Ended, Opened, TrialDone, TrialStarted, read_journal
from conformance.campaign.observe import instance_of
from conformance.decision.streams import Draw
from conformance.errors import EvidenceInvalidError, UsageError
from conformance.evidence import bundle
from conformance.evidence.documents import LockDocument, ObservationLine, SummaryDocument
from conformance.evidence.seal import Graded, grade_folder
from conformance.schemas import first_error
from conformance.trial.chain import read_chain
from conformance.trial.outcome import TABLE
from conformance.trial.run import transcript_path
from conformance.trial.sealed import read_played, replay_difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.edition import Edition

SHOWN = 20
"""Differences named one by one; the rest is counted."""


class Audit(msgspec.Struct, frozen=True):
    """What a re-grade found."""

    bundle: str
    """The bundle's id."""
    graded: Graded | None
    """The re-grade, or None where the evidence did not allow one."""
    observations: int
    replayed: int
    problems: list[str]
    """Empty where every byte and every observation is reproduced."""


def audit_bundle(
    folder: Path, edition: Edition, progress: Callable[[str, int], None] = lambda _, __: None
) -> Audit:
    """Verify and re-grade a bundle offline; believe nothing in it that can be computed.

    Args:
        folder: The bundle.
        edition: The edition to grade with; it must be the bundle's.
        progress: Told the stage, and one more thing done in it.

    Raises:
        EvidenceInvalidError: there is no bundle in the folder.
        UsageError: it was made by another version of the suite.
    """
    _same_suite(folder)
    problems = [str(problem) for problem in _broken(folder)]
    if problems:
        return Audit(bundle.bundle_id(folder), None, 0, 0, problems)
    try:
        graded = grade_folder(folder, edition, lambda _: progress("re-grade", 1))
        problems += _differences(folder, graded)
        replayed, differing = _replay(folder, edition, lambda: progress("replay", 1))
    except EvidenceInvalidError as error:
        return Audit(bundle.bundle_id(folder), None, 0, 0, [str(error)])
    problems += differing
    count = len(graded.observations)
    return Audit(bundle.bundle_id(folder), graded, count, replayed, problems)


def _same_suite(folder: Path) -> None:
    lock = bundle.read_document(folder, bundle.LOCK, LockDocument)
    if lock.suite != conformance.__version__:
        raise UsageError(
            f"was made by version {lock.suite} of the suite, this is {conformance.__version__}",
            where=str(folder / bundle.LOCK),
            mend=f"install agent-grading=={lock.suite} to re-grade it",
        )


def _broken(folder: Path) -> Iterator[EvidenceInvalidError]:
    """Yield what is wrong with the files themselves; in a chain, down to the line."""
    for problem in bundle.manifest_problems(folder):
        path = folder / problem.where.removeprefix(f"{folder}/")
        yield _in_chain(path) or problem
    yield from _seed_problems(folder)
    for name in (bundle.CLAIM, bundle.ICS, bundle.SYSTEM, bundle.LOCK, bundle.SUMMARY):
        schema = bundle.schema_of(name)
        document = bundle.read_document(folder, name, dict)
        error = first_error(schema, document) if schema is not None else None
        if error is not None:
            place = "/".join(map(str, error.path))
            yield EvidenceInvalidError(error.message, where=f"{folder / name}:1: {place}")


def _in_chain(path: Path) -> EvidenceInvalidError | None:
    """Return the line at which a changed chain breaks, or None where it is no chain."""
    if path.suffix != ".jsonl" or not path.is_file():
        return None
    try:
        for _ in read_chain(path, head=_head_of(path)):
            pass
    except EvidenceInvalidError as error:
        return error
    return None


def _head_of(path: Path) -> str | None:
    """Return the head the journal has for a transcript, or None for another file."""
    run = path.parent.parent
    if path.parent.name != "transcripts":
        return None
    try:
        entries = read_journal(run)
    except EvidenceInvalidError:
        return None
    heads = (
        entry.record.transcript_head
        for entry in entries
        if isinstance(entry, TrialDone) and entry.record.trial == path.stem
    )
    return next(heads, None)


def _seed_problems(folder: Path) -> Iterator[EvidenceInvalidError]:
    """Yield where the seed revealed at the end is not the one committed before the first trial."""
    import hashlib

    try:
        entries = read_journal(folder / bundle.RUN)
    except EvidenceInvalidError as error:
        yield error
        return
    opened = entries[0]
    for entry in entries:
        if isinstance(entry, Ended) and isinstance(opened, Opened):
            found = hashlib.sha256(bytes.fromhex(entry.seed)).hexdigest()
            if found != opened.seed_sha256:
                yield EvidenceInvalidError(
                    "the seed revealed is not the one committed",
                    where=str(folder / bundle.RUN / "journal.jsonl"),
                )


def _differences(folder: Path, graded: Graded) -> list[str]:
    """Return where the re-grade and the bundle's own results differ."""
    path = folder / bundle.OBSERVATIONS
    found: list[str] = []
    recorded: list[ObservationLine] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            recorded.append(msgspec.json.decode(line, type=ObservationLine))
        except msgspec.DecodeError as error:
            return [f"{path}:{number}: {error}"]
    for number, (old, new) in enumerate(zip(recorded, graded.observations, strict=False), 1):
        if old != new:
            found.append(
                f"{path}:{number}: {old.clause} {old.index} was {old.value}, "
                f"the re-grade gives {new.clause} {new.index} {new.value}"
            )
    if len(recorded) != len(graded.observations):
        found.append(
            f"{path}: {len(recorded)} observations, the re-grade needs {len(graded.observations)}"
        )
    summary = rfc8785.dumps(msgspec.to_builtins(graded.summary)) + b"\n"
    if summary != (folder / bundle.SUMMARY).read_bytes():
        old_summary = bundle.read_document(folder, bundle.SUMMARY, SummaryDocument)
        names = [
            name
            for name in SummaryDocument.__struct_fields__
            if getattr(old_summary, name) != getattr(graded.summary, name)
        ]
        found.append(f"{folder / bundle.SUMMARY}: the re-grade differs in {', '.join(names)}")
    return found[:SHOWN] + ([f"… and {len(found) - SHOWN} more"] if len(found) > SHOWN else [])


def _replay(folder: Path, edition: Edition, progress: Callable[[], None]) -> tuple[int, list[str]]:
    """Make every recorded call again on a fresh world; return how many trials, and what differs."""
    run = folder / bundle.RUN
    draws: dict[str, Draw] = {}
    replayed, found = 0, []
    for entry in read_journal(run):
        if isinstance(entry, TrialStarted):
            draws[entry.key] = msgspec.convert(entry.draw, Draw)
        elif isinstance(entry, TrialDone) and TABLE[entry.record.cause].counts:
            drawn, record = draws[entry.key], entry.record
            where = str(transcript_path(run, record.trial))
            if drawn.key != entry.key:
                found.append(f"{where}: the draw is not that of its key")
                continue
            instance = instance_of(edition, drawn)
            played = read_played(instance, run, record.trial, record.transcript_head)
            difference = replay_difference(played)
            if difference is not None:
                found.append(f"{where}: {difference}")
            replayed += 1
            progress()
    return replayed, found
