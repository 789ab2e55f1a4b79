"""A campaign that several processes run together, as the workers of pytest-xdist do.

They share one run folder and one journal. Each process climbs the same ladder on the same trials,
so each comes to the same verdicts. See docs/design/plugin.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import time
from typing import TYPE_CHECKING

import msgspec

from conformance.campaign.entries import Opened
from conformance.campaign.journal import (
    begin_journal,
    has_begun,
    read_journal,
    shared_folder,
    take_up_journal,
)
from conformance.campaign.run import check_folder, schedule_of, terms_of
from conformance.campaign.shared_journal import SharedJournal, locked, write_private
from conformance.decision.ladder import EFFICIENCY, Stop, drive
from conformance.edition.course import plan_course
from conformance.trial.chain import unwritable
from conformance.trial.redaction import redactor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.agents.contract import Agent
    from conformance.campaign.entries import Terms
    from conformance.campaign.journal import Redact
    from conformance.campaign.observe import Observed
    from conformance.campaign.opening import GivenSeed
    from conformance.campaign.progress import Progress
    from conformance.campaign.run import Settings
    from conformance.decision.ladder import Reply, Round
    from conformance.decision.result import ClauseResult, EfficiencyResult, Result
    from conformance.edition import Edition

PULSE_S = 2.0
"""How often a process says that it lives."""
_UNDECIDED = "undecided so far"


class Session(msgspec.Struct, frozen=True):
    """What every process of a session is told by the one that began it."""

    token: str
    deadline: float | None = None
    """Seconds since the epoch at which the budget of time ends."""


class SharedCampaign:
    """One process's part in a campaign. Its methods belong to one event loop, one at a time.

    Args:
        edition: What grades.
        agent: The agent under test, opened.
        settings: On which terms; the same in every process.
        out: The bundle's folder; ``begin_session`` has been there.
        session: What ``begin_session`` returned.
        progress: Told of every trial and round of this process.

    Raises:
        UsageError: the folder holds a campaign on other terms.
        EvidenceInvalidError: its journal is broken.
        StorageError: it cannot be written.
    """

    def __init__(
        self,
        edition: Edition,
        agent: Agent,
        settings: Settings,
        out: Path,
        *,
        session: Session,
        progress: Progress | None = None,
    ) -> None:
        self._course = plan_course(
            edition,
            settings.plan,
            settings.claim,
            denied=settings.denied,
            lacking=settings.lacking,
        )
        terms = terms_of(edition, agent, settings)
        self._session = session
        self._journal = _join(
            out / "run", terms, settings.seed, redactor(settings.secrets), session
        )
        left = None if session.deadline is None else max(0.0, session.deadline - time.time())
        here = msgspec.structs.replace(settings, max_time_s=left)
        self._schedule = schedule_of(
            edition, self._course, agent, here, self._journal, terms, progress
        )
        self._settled: dict[str, ClauseResult] = {}
        self._looked_at: tuple[str, tuple[str, ...]] | None = None
        self._efficiency: EfficiencyResult | None = None
        self._heart: asyncio.Task[None] | None = None
        self._has_left = False

    async def settle(self, clause: str) -> None:
        """Run what is needed until a clause is settled; of ``EFFICIENCY``, the whole campaign.

        Trials of other clauses are run as the rounds ask for them. What other processes run is
        waited for.

        Raises:
            AgentUnavailableError: the endpoint went down, or the suite failed too often.
            StorageError: the evidence cannot be written.
        """
        if self._heart is None:
            self._heart = asyncio.create_task(self._beat())
        while self._schedule.asked is not None and not self._is_settled(clause):
            await self._schedule.advance()
        if self._schedule.asked is None and self._efficiency is None:
            await self._finish()

    def result(self, clause: str) -> ClauseResult | None:
        """Return what a clause came to, or None where that is not settled."""
        self._is_settled(clause)
        return self._settled.get(clause)

    def observed(self, clause: str) -> list[Observed]:
        """Return the observations of a clause so far, in order."""
        return [item for item in self._schedule.observed if item.clause == clause]

    @property
    def efficiency(self) -> EfficiencyResult | None:
        """The efficiency class, once the whole campaign ran."""
        return self._efficiency

    async def leave(self) -> None:
        """Cancel the trials in flight and leave them to the others; a second time does nothing."""
        if self._has_left:
            return
        self._has_left = True
        await self._schedule.cancel_all()
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.gather(self._heart, return_exceptions=True)
        self._journal.close()

    def _is_settled(self, clause: str) -> bool:
        asked = self._schedule.asked
        if clause in self._settled:
            return True
        if asked is not None and (clause in asked.clauses or clause == EFFICIENCY):
            return False
        # What is settled changes only where the ladder goes on to other clauses.
        looked = None if asked is None else (asked.step, asked.clauses)
        if looked is None or looked != self._looked_at:
            self._looked_at = looked
            for result in self._so_far().clauses:
                if result.reason != _UNDECIDED:
                    self._settled[result.clause] = result
        return clause in self._settled

    def _so_far(self) -> Result:
        """Return what the ladder comes to if nothing more is observed."""
        replies = iter(self._schedule.replies)

        def reply(_: Round) -> Reply:
            return next(replies, Stop(_UNDECIDED))

        return drive(self._course, reply)

    async def _finish(self) -> None:
        """Run the twins, and leave word of how the campaign came to its end."""
        await self._schedule.run_twins()
        self._efficiency = self._so_far().efficiency
        word = _End(
            "budget" if self._schedule.is_cut_short else "complete", self._schedule.are_twins_cut
        )
        run = self._journal.run
        with locked(run):
            before = _read_end(run, self._session)
            # What one process's budget cut off may be there all the same, run by another.
            if before is None or word.lacks < before.lacks:
                write_private(_end_path(run, self._session), msgspec.json.encode(word))

    async def _beat(self) -> None:
        while True:
            self._journal.pulse()
            await asyncio.sleep(PULSE_S)


class _End(msgspec.Struct, frozen=True):
    reason: str
    are_twins_cut: bool

    @property
    def lacks(self) -> tuple[bool, bool]:
        """What a budget cut off: of the ladder, of the twins."""
        return self.reason == "budget", self.are_twins_cut


@contextlib.contextmanager
def begin_session(
    out: Path, *, resume: bool = False, max_time_s: float | None = None
) -> Iterator[Session]:
    """Begin what several processes do together in a folder; no other session can meanwhile.

    Raises:
        UsageError: the folder cannot be used, or another session is at work in it.
        StorageError: it cannot be written.
    """
    check_folder(out, resume=resume)
    run = out / "run"
    deadline = None if max_time_s is None else time.time() + max_time_s
    session = Session(secrets.token_hex(8), deadline)
    try:
        (shared_folder(run) / "claims").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(run, error) from error
    with locked(run, "session", is_patient=False):
        for left in (shared_folder(run) / "claims").iterdir():
            left.unlink(missing_ok=True)  # of a session that was killed
        yield session


def end_session(out: Path, session: Session, *, is_whole: bool, why: str = "") -> bool:
    """End the campaign, once every process has left; say whether there is something to seal.

    Where every clause was run (``is_whole``) and a process came to the end of the ladder, the seed
    is revealed. Else the journal says that it stopped, and why; it can be resumed.

    Raises:
        StorageError: the journal cannot be written.
    """
    run = out / "run"
    if not has_begun(run):
        shutil.rmtree(shared_folder(run), ignore_errors=True)
        for folder in (run, out):
            with contextlib.suppress(OSError):
                folder.rmdir()  # nothing is left of what never began
        return False
    word = _read_end(run, session)
    opened = read_journal(run, is_torn=True)[0]
    assert isinstance(opened, Opened)  # noqa: S101 - whoever joined has checked it
    with locked(run):
        journal = take_up_journal(
            SharedJournal, run, opened.terms, None, lambda line: line, is_first=False
        )
    try:
        if journal.is_complete:
            pass  # in an earlier session; nothing was left to run in this one
        elif is_whole and word is not None:
            journal.ended(word.reason, are_twins_cut=word.are_twins_cut)
        else:
            journal.stopped(why or "not every clause was run")
    finally:
        journal.close()
    shutil.rmtree(shared_folder(run), ignore_errors=True)
    return is_whole and word is not None


def _join(
    run: Path, terms: Terms, seed: GivenSeed, redact: Redact, session: Session
) -> SharedJournal:
    """Open the journal for one process; the first of the session begins it, or resumes it."""
    mark = shared_folder(run) / f"joined-{session.token}"
    with locked(run):
        is_first = not mark.exists()
        if has_begun(run):
            journal = take_up_journal(SharedJournal, run, terms, seed, redact, is_first=is_first)
        else:
            journal = begin_journal(SharedJournal, run, terms, seed, redact)
        write_private(mark, b"")
    return journal


def _read_end(run: Path, session: Session) -> _End | None:
    """Return how the campaign came to its end; None where no process brought it there."""
    try:
        return msgspec.json.decode(_end_path(run, session).read_bytes(), type=_End)
    except (OSError, msgspec.DecodeError):  # a process may have been killed while it wrote
        return None


def _end_path(run: Path, session: Session) -> Path:
    return shared_folder(run) / f"ended-{session.token}"
