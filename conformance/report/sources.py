"""What the report reads of a bundle: its documents, its journal, its transcripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.campaign.entries import Ended, Opened, Resumed, TrialDone, TrialStarted
from conformance.campaign.journal import journal_path, read_journal
from conformance.campaign.opening import opened_of
from conformance.errors import EvidenceInvalidError
from conformance.evidence import bundle
from conformance.evidence.documents import (
    ClaimDocument,
    IcsDocument,
    LockDocument,
    ObservationLine,
    SingleDocument,
    SummaryDocument,
    SystemDocument,
    TwinsDocument,
)
from conformance.profile.document import FORMAT, ProfileDocument
from conformance.trial.chain import read_chain
from conformance.trial.outcome import TABLE
from conformance.trial.run import transcript_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from conformance.campaign.entries import JournalEntry
    from conformance.trial.run import TrialRecord


class Trial(NamedTuple):
    """A trial of the campaign that ended, whether it counts or was run again."""

    number: int
    """In the order of the journal, from 1."""
    key: str
    family: str
    lang: str
    knobs: dict[str, Any]
    record: TrialRecord
    observations: tuple[ObservationLine, ...]
    """What the clauses were given of it."""

    @property
    def id(self) -> str:
        """The trial's random id."""
        return self.record.trial

    @property
    def counts(self) -> bool:
        """Say whether it gives observations."""
        return TABLE[self.record.cause].counts

    @property
    def lowest(self) -> float | None:
        """The least it was worth to a clause; None where no clause observed it."""
        values = [o.value or 0.0 for o in self.observations if o.clause != EFFICIENCY]
        return min(values) if values else None


EFFICIENCY = "efficiency"
_MOST_S = 32_503_680_000.0
"""The year 3000, in seconds since the epoch."""
_MOST_RATIO = 1e9
PROFILE = "profile/profile.json"
"""Where a bundle holds a throughput profile."""


class Evidence(NamedTuple):
    """A bundle, read."""

    folder: Path
    summary: SummaryDocument
    claim: ClaimDocument
    ics: IcsDocument
    system: SystemDocument
    lock: LockDocument
    bundle_id: str | None
    opened: Opened
    ended_at: float
    resumes: tuple[Resumed, ...]
    trials: tuple[Trial, ...]
    observations: tuple[ObservationLine, ...]
    twins: TwinsDocument
    single: SingleDocument | None
    profile: ProfileDocument | None

    @property
    def by_id(self) -> dict[str, Trial]:
        """The trials by their ids."""
        return {trial.id: trial for trial in self.trials}


def read_evidence(folder: Path) -> Evidence:
    """Read a sealed bundle.

    Raises:
        EvidenceInvalidError: a file is missing or broken.
    """
    entries = read_journal(folder / bundle.RUN)
    opened = opened_of(entries, journal_path(folder / bundle.RUN))
    observations = tuple(_read_observations(folder))
    seen: dict[str, list[ObservationLine]] = {}
    for line in observations:
        seen.setdefault(line.trial, []).append(line)
    draws = {e.trial: e.draw for e in entries if isinstance(e, TrialStarted)}
    done = [e for e in entries if isinstance(e, TrialDone) and e.record.trial in draws]
    trials = tuple(
        Trial(
            number=number,
            key=entry.key,
            family=str(draws[entry.record.trial].get("family", "")),
            lang=str(draws[entry.record.trial].get("lang", "")),
            knobs=draws[entry.record.trial].get("knobs") or {},
            record=entry.record,
            observations=tuple(seen.get(entry.record.trial, ())),
        )
        for number, entry in enumerate(done, 1)
    )
    _check_times(folder, entries)
    ends = [entry.time for entry in entries if isinstance(entry, Ended)]
    return Evidence(
        folder=folder,
        summary=bundle.read_document(folder, bundle.SUMMARY, SummaryDocument),
        claim=bundle.read_document(folder, bundle.CLAIM, ClaimDocument),
        ics=bundle.read_document(folder, bundle.ICS, IcsDocument),
        system=bundle.read_document(folder, bundle.SYSTEM, SystemDocument),
        lock=bundle.read_document(folder, bundle.LOCK, LockDocument),
        bundle_id=bundle.bundle_id(folder) if (folder / bundle.MANIFEST).is_file() else None,
        opened=opened,
        ended_at=ends[-1] if ends else entries[-1].time,
        resumes=tuple(entry for entry in entries if isinstance(entry, Resumed)),
        trials=trials,
        observations=observations,
        twins=bundle.read_document(folder, bundle.TWINS, TwinsDocument),
        single=bundle.read_document(folder, bundle.SINGLE, SingleDocument)
        if (folder / bundle.SINGLE).is_file()
        else None,
        profile=read_profile(folder),
    )


def _check_times(folder: Path, entries: Iterable[JournalEntry]) -> None:
    """Refuse times that no calendar and no sum can hold.

    Raises:
        EvidenceInvalidError: with the line.
    """
    for number, entry in enumerate(entries, 1):
        took = entry.record.wall_s if isinstance(entry, TrialDone) else 0.0
        if not (0 <= entry.time < _MOST_S and 0 <= took < _MOST_S):
            where = f"{folder / bundle.RUN / 'journal.jsonl'}:{number}"
            raise EvidenceInvalidError("has a time that is none", where=where)


def read_profile(folder: Path) -> ProfileDocument | None:
    """Return the throughput profile of a bundle; None where it holds none.

    Raises:
        EvidenceInvalidError: it is broken.
    """
    if not (folder / PROFILE).is_file():
        return None
    document = bundle.read_document(folder, PROFILE, ProfileDocument)
    if document.format != FORMAT:
        where = str(folder / PROFILE)
        raise EvidenceInvalidError(f"is of format {document.format!r}", where=where)
    return document


def read_transcript(folder: Path, trial: Trial) -> list[dict[str, Any]] | None:
    """Return the events of a trial, checked against the journal; None where it is not there.

    Raises:
        EvidenceInvalidError: with the file and the line where it is broken.
    """
    path = transcript_path(folder / bundle.RUN, trial.id)
    if not path.is_file():
        return None
    return list(read_chain(path, head=trial.record.transcript_head))


def _read_observations(folder: Path) -> Iterator[ObservationLine]:
    path = folder / bundle.OBSERVATIONS
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceInvalidError(
            "is missing", where=str(path), mend="name a complete bundle"
        ) from error
    decode = msgspec.json.Decoder(ObservationLine).decode
    for number, content_line in enumerate(content.splitlines(), 1):
        try:
            line = decode(content_line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EvidenceInvalidError(str(error), where=f"{path}:{number}") from error
        if line.value is not None and not 0 <= line.value <= _most(line.clause):
            raise EvidenceInvalidError(f"is worth {line.value:g}", where=f"{path}:{number}")
        yield line


def _most(clause: str) -> float:
    """Return the greatest value of an observation; efficiency is a ratio of calls."""
    return _MOST_RATIO if clause == EFFICIENCY else 1.0
