"""The journal of a campaign: hash-chained, append-only; what a resume and an audit go by."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import msgspec

from conformance.campaign.entries import (
    FORMAT,
    Ended,
    JournalEntry,
    Opened,
    Population,
    Resumed,
    Stopped,
    Terms,
    TrialDone,
    TrialStarted,
)
from conformance.campaign.opening import checked_seed, draw_seed, opened_of, revealed_seed
from conformance.campaign.troubles import Troubles
from conformance.errors import ConformanceError, EvidenceInvalidError, UsageError
from conformance.trial.chain import ChainWriter, read_chain, repair_tail, unwritable
from conformance.trial.outcome import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from conformance.campaign.opening import GivenSeed
    from conformance.decision.streams import Draw
    from conformance.trial.run import TrialRecord

    Redact = Callable[[bytes], bytes]


class Journal:
    """A campaign's journal, open for writing, and what it says so far."""

    is_alone: ClassVar[bool] = True
    """No other process may have it open."""

    def __init__(
        self, run: Path, chain: ChainWriter, opened: Opened, seed: bytes, hold: int
    ) -> None:
        self.run = run
        self.seed = seed
        self.opened = opened
        self.done: dict[str, TrialRecord] = {}
        """The counting trial of each key."""
        self.cut: dict[str, list[TrialRecord]] = {}
        """The trials of each key that an outage or a stop cut short."""
        self.populations: dict[str, tuple[str, ...]] = {}
        self.is_complete = False
        """The campaign ended and has nothing left to run."""
        self.troubles = Troubles()
        self._chain = chain
        self._hold = hold

    def catch_up(self) -> None:
        """Take up what others wrote since; a journal of one process has no others."""

    def take(self, key: str) -> bool:  # noqa: ARG002
        """Say whether the trial of ``key`` is this process's to run."""
        return True

    def let_go(self, key: str) -> None:
        """Leave the trial of ``key`` to whoever needs it."""

    def spent_elsewhere(self, kind: str) -> int:  # noqa: ARG002
        """Return how many calls of a kind the trials of other processes made in this sitting."""
        return 0

    def population(self, step: str, clauses: tuple[str, ...]) -> None:
        """Write what the riders of ``step`` draw from, once."""
        if step not in self.populations:
            self.populations[step] = clauses
            self._chain.write(Population(time.time(), step, list(clauses)))

    def trial_started(self, trial: str, key: str, draw: Draw) -> None:
        """Write that a trial begins."""
        self._chain.write(TrialStarted(time.time(), trial, key, msgspec.to_builtins(draw)))

    def trial_done(self, key: str, record: TrialRecord) -> None:
        """Write how a trial ended, and keep it where it counts."""
        entry = TrialDone(time.time(), key, record)
        self._chain.write(entry)
        self._keep(entry)

    def resumed(self, entries: Iterable[JournalEntry]) -> None:
        """Write that the campaign goes on after these entries."""
        started: dict[str, str] = {}
        is_seed_known = False
        for old in entries:
            match old:
                case TrialStarted():
                    started[old.trial] = old.key
                case TrialDone():
                    started.pop(old.record.trial, None)
                case Resumed():
                    started.clear()
                case Ended():
                    is_seed_known = True
                case _:
                    pass
        entry = Resumed(time.time(), list(started), is_seed_known)
        self._chain.write(entry)
        self.troubles.take_up(entry)

    def stopped(self, reason: str) -> None:
        """Write that the campaign stops and can be resumed."""
        self._chain.write(Stopped(time.time(), reason))

    def ended(self, reason: str, *, are_twins_cut: bool = False) -> None:
        """Write that the campaign ended, and reveal the seed."""
        self._chain.write(Ended(time.time(), reason, self.seed.hex(), are_twins_cut))
        _seed_file(self.run).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file, and let others have it."""
        self._chain.close()
        os.close(self._hold)

    def take_up(self, entry: JournalEntry) -> None:
        """Take up an entry that is written."""
        match entry:
            case TrialDone():
                self._keep(entry)
            case Resumed():
                self.is_complete = False
                self.troubles.take_up(entry)
            case Ended():
                self.is_complete = entry.reason == "complete" and not entry.are_twins_cut
            case Population():
                self.populations[entry.step] = tuple(entry.clauses)
            case _:
                pass

    def _keep(self, entry: TrialDone) -> None:
        self.troubles.take_up(entry)
        treatment = TABLE[entry.record.cause]
        if treatment.counts:
            self.done[entry.key] = entry.record
        elif treatment.outcome == "cancelled":
            self.cut.setdefault(entry.key, []).append(entry.record)


J = TypeVar("J", bound=Journal)


def journal_path(run: Path) -> Path:
    """Return where the journal lies in a bundle's ``run`` folder."""
    return run / "journal.jsonl"


def shared_folder(run: Path) -> Path:
    """Return where processes that share a campaign keep what they tell each other; see shared."""
    return run / "shared"


def open_journal(run: Path, terms: Terms, seed_given: GivenSeed, redact: Redact) -> Journal:
    """Start a new journal in ``run``; the seed's SHA-256 is in it before anything else.

    Raises:
        StorageError: the folder cannot be written.
    """
    return begin_journal(Journal, run, terms, seed_given, redact)


def begin_journal(
    kind: type[J], run: Path, terms: Terms, seed_given: GivenSeed, redact: Redact
) -> J:
    """Start a new journal of a kind; see ``open_journal``."""
    seed = draw_seed(seed_given)
    try:
        for folder in ("transcripts", "states"):
            (run / folder).mkdir(parents=True, exist_ok=True)
        journal_path(run).unlink(missing_ok=True)  # at most a torn first line; see has_begun
        secret = os.open(_seed_file(run), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(secret, "w") as file:
            file.write(seed.hex())
    except OSError as error:
        raise unwritable(run, error) from error
    opened = Opened(
        time=time.time(),
        format=FORMAT,
        terms=_redacted(terms, redact),
        seed_sha256=hashlib.sha256(seed).hexdigest(),
        seed_source="os" if seed_given is None else "applicant",
    )
    chain = ChainWriter(journal_path(run), redact)
    journal = kind(run, chain, opened, seed, _hold(journal_path(run), is_alone=kind.is_alone))
    try:
        chain.write(opened)
    except ConformanceError:
        journal.close()
        raise
    return journal


def has_begun(run: Path) -> bool:
    """Say whether a campaign got as far as its terms; before them no trial can have run."""
    path = journal_path(run)
    return path.is_file() and b"\n" in path.read_bytes()


def is_beginning(run: Path) -> bool:
    """Say whether ``run`` holds nothing but what a campaign stopped before its terms left."""
    left = {
        path
        for path in run.rglob("*")
        if not path.is_dir() and shared_folder(run) not in path.parents
    }
    return left <= {journal_path(run), _seed_file(run)} and not has_begun(run)


def resume_journal(run: Path, terms: Terms, seed_given: GivenSeed, redact: Redact) -> Journal:
    """Go on with the journal in ``run`` where it stopped, on the same terms.

    A line torn by a crash is cut off. Trials in flight at the stop are lost and run again. Where
    the campaign is complete, nothing is written.

    Raises:
        UsageError: the terms differ, or another process runs it; the journal is as it was.
        EvidenceInvalidError: the journal is broken, or its seed is gone; it is as it was.
    """
    return take_up_journal(Journal, run, terms, seed_given, redact)


def take_up_journal(
    kind: type[J],
    run: Path,
    terms: Terms,
    seed_given: GivenSeed,
    redact: Redact,
    *,
    is_first: bool = True,
) -> J:
    """Go on with a journal of a kind; see ``resume_journal``.

    Where it is not the first process of a sitting that does, nothing is written: none was lost.
    """
    hold = _hold(journal_path(run), is_alone=kind.is_alone)
    try:
        return _taken_up(kind, run, terms, seed_given, redact, hold, is_first=is_first)
    except BaseException:
        os.close(hold)
        raise


def _taken_up(
    kind: type[J],
    run: Path,
    terms: Terms,
    seed_given: GivenSeed,
    redact: Redact,
    hold: int,
    *,
    is_first: bool,
) -> J:
    path = journal_path(run)
    entries = read_journal(run, is_torn=True)
    opened = opened_of(entries, path)
    _same_terms(opened.terms, _redacted(terms, redact), path)
    seed = _recover_seed(run, opened, entries)
    if seed_given is not None and draw_seed(seed_given) != seed:
        where = "--seed" if isinstance(seed_given, str) else "--seed-of"
        raise UsageError("another seed than the campaign's", where=where, mend="give the same one")
    try:
        head, count = repair_tail(path)
    except OSError as error:
        raise unwritable(path, error) from error
    chain = ChainWriter(path, redact, head=head, count=count)
    journal = kind(run, chain, opened, seed, hold)
    for entry in entries:
        journal.take_up(entry)
    if is_first and not journal.is_complete:
        journal.resumed(entries)
    return journal


def read_journal(run: Path, *, is_torn: bool = False) -> list[JournalEntry]:
    """Return the entries of a journal; with ``is_torn`` without a last line that was cut off.

    Raises:
        EvidenceInvalidError: it is missing, or a line of it is broken or changed.
    """
    path = journal_path(run)
    if not path.is_file():
        raise EvidenceInvalidError("is missing", where=str(path), mend="name a bundle's folder")
    entries: list[JournalEntry] = []
    for number, event in enumerate(read_chain(path, is_torn=is_torn), 1):
        try:
            entries.append(msgspec.convert(event, JournalEntry))
        except msgspec.ValidationError as error:
            raise EvidenceInvalidError(str(error), where=f"{path}:{number}") from error
    if not entries:
        raise EvidenceInvalidError("is empty", where=str(path))
    return entries


def _hold(path: Path, *, is_alone: bool) -> int:
    """Keep other processes from the journal until the file returned is closed, or this one ends.

    Where it is shared, only those that want it alone are kept from it.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        import fcntl
    except ImportError:  # no such locks on this platform
        return file
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise UsageError(
            "another process runs this campaign",
            where=str(path),
            mend="wait for its end, or stop it, then resume",
        ) from error
    return file


def _recover_seed(run: Path, opened: Opened, entries: list[JournalEntry]) -> bytes:
    revealed = revealed_seed(entries, journal_path(run))
    if revealed is not None:
        return revealed
    try:
        text = _seed_file(run).read_text()
    except (OSError, ValueError) as error:
        raise EvidenceInvalidError(
            "the campaign's seed is gone, so it cannot go on",
            where=str(_seed_file(run)),
            mend="start a new campaign in a new folder",
        ) from error
    return checked_seed(text, opened, journal_path(run))


def _same_terms(before: Terms, now: Terms, path: Path) -> None:
    for name in Terms.__struct_fields__:
        if (old := getattr(before, name)) != (new := getattr(now, name)):
            raise UsageError(
                f"{name} was {_short(old)} and now is {_short(new)}",
                where=f"--resume {path}",
                mend="resume with the same arguments, or start a new folder",
            )


def _redacted(terms: Terms, redact: Redact) -> Terms:
    """Return the terms as the journal has them, so that a resume compares like with like."""
    return msgspec.json.decode(redact(msgspec.json.encode(terms)), type=Terms)


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 100 else text[:99] + "…"  # noqa: PLR2004


def _seed_file(run: Path) -> Path:
    return run / "seed.key"
