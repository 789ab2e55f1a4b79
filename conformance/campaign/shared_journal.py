"""A journal that several processes write, and how they share out its trials.

Each entry is appended under a lock, after what the others wrote was read. Who wants a trial claims
its key in a file; a claim lapses when its process is gone or no longer says that it lives.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import socket
import time
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from conformance.campaign.entries import JournalEntry, Opened, Resumed, TrialDone
from conformance.campaign.journal import Journal, journal_path, shared_folder
from conformance.errors import EvidenceInvalidError, UsageError
from conformance.trial.chain import repair_tail, unwritable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from conformance.decision.streams import Draw
    from conformance.trial.run import TrialRecord

LAPSE_S = 60.0
"""How long a claim outlasts the last sign of life of a process on another host, or one that hangs.
Of a process of this host it is seen at once that it is gone."""


class Claim(msgspec.Struct, frozen=True):
    """Who runs a trial now."""

    host: str
    token: str
    """Names one journal opened by one process."""


class _Link(msgspec.Struct, frozen=True):
    seq: int
    prev: str


class SharedJournal(Journal):
    """A journal that several processes write."""

    is_alone: ClassVar[bool] = False

    def __init__(self, run: Path, *opened: Any) -> None:
        super().__init__(run, *opened)
        self._own = Claim(socket.gethostname(), secrets.token_hex(8))
        self._life = contextlib.ExitStack()
        self._life.enter_context(locked(run, _life_of(self._own)))
        self._claimed: set[str] = set()
        self._read = journal_path(run).stat().st_size
        self._spent = {"model_call": 0, "tool_call": 0}

    def catch_up(self) -> None:
        """Take up the entries that others wrote since the last look."""
        self._take_up_new()

    def take(self, key: str) -> bool:
        """Claim the trial of ``key``; False where it is done or somebody runs it."""
        with self._turn():
            if key in self.done:
                return False
            path = self._claim_path(key)
            if self._is_alive(path):
                return False
            write_private(path, msgspec.json.encode(self._own))
            self._claimed.add(key)
            return True

    def let_go(self, key: str) -> None:
        """Take the claim of ``key`` back, where it is still this process's."""
        self._claimed.discard(key)
        with self._turn():
            path = self._claim_path(key)
            if _read_claim(path) == self._own:
                path.unlink(missing_ok=True)

    def pulse(self) -> None:
        """Say that the claims of this process are alive."""
        for key in list(self._claimed):
            with contextlib.suppress(OSError):
                os.utime(self._claim_path(key))

    def spent_elsewhere(self, kind: str) -> int:
        """Return how many calls of a kind the others' trials of this sitting made, once ended."""
        return self._spent[kind]

    def population(self, step: str, clauses: tuple[str, ...]) -> None:
        """Write what the riders of ``step`` draw from, unless somebody did."""
        with self._turn():
            super().population(step, clauses)

    def trial_started(self, trial: str, key: str, draw: Draw) -> None:
        """Write that a trial begins."""
        with self._turn():
            super().trial_started(trial, key, draw)

    def trial_done(self, key: str, record: TrialRecord) -> None:
        """Write how a trial ended.

        A key has one trial that counts: of a process that was held to be dead, came back and is
        late, nothing is written; its trial is one that a crash took.
        """
        with self._turn():
            if key not in self.done:
                super().trial_done(key, record)

    def resumed(self, entries: Iterable[JournalEntry]) -> None:
        """Write that the campaign goes on after these entries: a sitting with its own budget."""
        super().resumed(entries)
        self._spent = dict.fromkeys(self._spent, 0)

    def stopped(self, reason: str) -> None:
        """Write that the campaign stops and can be resumed."""
        with self._turn():
            super().stopped(reason)

    def ended(self, reason: str, *, are_twins_cut: bool = False) -> None:
        """Write that the campaign ended, and reveal the seed."""
        with self._turn():
            super().ended(reason, are_twins_cut=are_twins_cut)

    def take_up(self, entry: JournalEntry) -> None:
        """Take up an entry that is written, of another process or of an earlier sitting."""
        super().take_up(entry)
        match entry:
            case Opened() | Resumed():
                self._spent = dict.fromkeys(self._spent, 0)
            case TrialDone():
                self._spent["model_call"] += entry.record.model_calls
                self._spent["tool_call"] += entry.record.tool_calls
            case _:
                pass

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Have the journal to oneself, and its end at hand."""
        with locked(self.run):
            _cut_torn_line(journal_path(self.run))
            self._take_up_new()
            yield

    def _take_up_new(self) -> None:
        """Read the whole lines beyond those read; one without its end is for the next look.

        Raises:
            EvidenceInvalidError: there is a line that no process of the campaign wrote there.
            StorageError: it cannot be read.
        """
        path = journal_path(self.run)
        try:
            with path.open("rb") as file:
                file.seek(self._read)
                fresh = file.read()
        except OSError as error:
            raise unwritable(path, error) from error
        for line in fresh.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            self._read += len(line)
            try:
                link = msgspec.json.decode(line, type=_Link)
                if link.seq < self._chain.count:
                    continue  # this process wrote it
                entry = msgspec.json.decode(line, type=JournalEntry)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise _foreign(path) from error
            if (link.seq, link.prev) != (self._chain.count, self._chain.head):
                raise _foreign(path)
            self.take_up(entry)
            self._chain.head = hashlib.sha256(line[:-1]).hexdigest()
            self._chain.count += 1

    def close(self) -> None:
        """Close the file; the claims of this process lapse."""
        super().close()
        self._life.close()

    def _is_alive(self, path: Path) -> bool:
        """Say whether there is a claim, and its process still has it."""
        claim = _read_claim(path)
        if claim is None:
            return False
        if claim.host == self._own.host and not _is_locked(self.run, _life_of(claim)):
            return False
        try:
            return time.time() - path.stat().st_mtime < LAPSE_S
        except FileNotFoundError:
            return False

    def _claim_path(self, key: str) -> Path:
        return shared_folder(self.run) / "claims" / key


@contextlib.contextmanager
def locked(run: Path, name: str = "turn", *, is_patient: bool = True) -> Iterator[None]:
    """Hold one of the locks of a shared run folder; they fall with the process that holds them.

    Raises:
        UsageError: somebody else holds it and ``is_patient`` is not set; or there are no locks.
    """
    try:
        import fcntl
    except ImportError:
        raise UsageError(
            "this platform has no file locks that processes could share a campaign by",
            where=str(run),
            mend="use conformance certify",
        ) from None
    path = shared_folder(run) / name
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if is_patient else fcntl.LOCK_NB))
    except OSError as error:
        os.close(file)
        raise UsageError(
            "another process runs this campaign",
            where=str(run.parent),
            mend="wait for its end, or name another folder",
        ) from error
    try:
        yield
    finally:
        os.close(file)


def _cut_torn_line(path: Path) -> None:
    """Cut off what a process that was killed while it wrote left of a line."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            if file.tell() == 0:
                return
            file.seek(-1, os.SEEK_END)
            if file.read(1) == b"\n":
                return
    except OSError as error:
        raise unwritable(path, error) from error
    repair_tail(path)


def _foreign(path: Path) -> EvidenceInvalidError:
    return EvidenceInvalidError(
        "was changed while the campaign ran",
        where=str(path),
        mend="start a new campaign, in a folder that nothing else writes to",
    )


def _is_locked(run: Path, name: str) -> bool:
    try:
        with locked(run, name, is_patient=False):
            return False
    except UsageError:
        return True


def _life_of(claim: Claim) -> str:
    """Return the lock that a process holds as long as it lives, even where it is not yet buried."""
    return f"alive-{claim.token}"


def _read_claim(path: Path) -> Claim | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Claim)
    except (OSError, msgspec.DecodeError):
        return None


def write_private(path: Path, content: bytes) -> None:
    """Write a file that the processes tell each other something by.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise unwritable(path, error) from error
