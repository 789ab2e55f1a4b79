"""The schedule: runs the trials that the ladder asks for, a bounded number at once."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING

import msgspec

from conformance.agents.contract import TrialEndedError
from conformance.campaign.observe import Draws, Observer, instance_of
from conformance.campaign.troubles import MOST_OUTAGES
from conformance.campaign.twins import pairs
from conformance.decision.ladder import Stop, climb
from conformance.decision.rules import horizon
from conformance.errors import AgentUnavailableError
from conformance.trial.outcome import TABLE, fault_limit
from conformance.trial.run import new_trial_id, run_trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.agents.contract import Agent, Limits
    from conformance.campaign.journal import Journal
    from conformance.campaign.observe import Observed
    from conformance.campaign.progress import Progress
    from conformance.decision.ladder import Reply, Round
    from conformance.decision.spec import Course
    from conformance.decision.streams import Draw
    from conformance.edition import Edition
    from conformance.trial.run import TrialRecord


GLANCE_S = 0.05
"""How often the trials of other processes are looked at, where one of them is waited for."""


class Budget:
    """What the whole campaign may still spend."""

    def __init__(
        self,
        max_time_s: float | None,
        max_calls: int | None,
        unit: str,
        elsewhere: Callable[[str], int] = lambda _: 0,
    ) -> None:
        self.calls = 0
        self.is_spent = False
        self._unit = unit
        self._elsewhere = elsewhere
        self._max_calls = max_calls
        self._deadline = None if max_time_s is None else time.monotonic() + max_time_s

    def spend(self, kind: str) -> None:
        """Take one call out of the budget.

        Raises:
            TrialEndedError: nothing is left.
        """
        if kind != self._unit:
            return
        spent = self.calls + self._elsewhere(kind)
        if self._max_calls is not None and spent >= self._max_calls:
            self.is_spent = True
            raise TrialEndedError
        self.calls += 1

    def seconds_left(self) -> float | None:
        """Return the seconds until the deadline, or None where there is none."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())


class _BudgetEndedError(Exception):
    """Time or calls are used up: the campaign ends in order, undecided clauses inconclusive."""


class Schedule:
    """Runs one campaign. A trial is started once for each key, whoever asks for it first."""

    def __init__(
        self,
        edition: Edition,
        course: Course,
        agent: Agent,
        journal: Journal,
        *,
        langs: tuple[str, ...],
        limits: Limits,
        concurrency: int,
        budget: Budget,
        redact: Callable[[bytes], bytes],
        progress: Progress,
        twins: bool = False,
    ) -> None:
        self.are_twins_cut = False
        """The budget ended among the language twins."""
        self.is_cut_short = False
        """The budget ended on the ladder."""
        self.replies: list[Reply] = []
        """What the rounds so far observed."""
        self._edition = edition
        self._course = course
        self._agent = agent
        self._journal = journal
        self._limits = limits
        self._concurrency = concurrency
        self._budget = budget
        self._redact = redact
        self._progress = progress
        self._has_twins = twins
        self._draws = Draws(course, journal.seed, langs)
        self._observer = Observer(edition, self._draws, journal.run)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._rounds = climb(course)
        self.asked: Round | None = next(self._rounds, None)
        """The round that comes next; None when the ladder is done."""

    @property
    def observed(self) -> list[Observed]:
        """Every observation the ladder was fed so far, in its order."""
        return self._observer.used

    async def run(self) -> bool:
        """Climb the course to its end; say whether a budget cut it short.

        What it came to is graded from what it leaves; nothing of it is handed on.

        Raises:
            AgentUnavailableError: the endpoint went down, or the suite failed too often.
            StorageError: the evidence cannot be written.
        """
        self._check_troubles("those of the sittings before")
        try:
            while self.asked is not None:
                await self.advance()
            await self.run_twins()
            return self.is_cut_short
        finally:
            await self.cancel_all()

    async def advance(self) -> None:
        """Have the next round's trials run and observed.

        Raises:
            AgentUnavailableError: the endpoint went down, or the suite failed too often.
            StorageError: the evidence cannot be written.
        """
        assert self.asked is not None, "the ladder is done"  # noqa: S101
        reply: Reply
        try:
            await self._fetch(self.asked)
            reply = self._observer.observe(self.asked, self._journal.done, self._journal.cut)
            self._progress.round(self.asked, reply)
        except _BudgetEndedError:
            self.is_cut_short, reply = True, Stop()
        self.replies.append(reply)
        try:
            self.asked = self._rounds.send(reply)
        except StopIteration:
            self.asked = None

    async def run_twins(self) -> None:
        """Try what the levels observed in the other language too, as far as the budget goes."""
        if not self._has_twins or self.is_cut_short:
            return
        found = pairs(self._course, self._draws, self._observer.used)
        self._progress.twins(len(found))
        # A budget that ends here leaves every verdict as it is.
        try:
            await self._fetch_all([pair.twin for pair in found])
        except _BudgetEndedError:
            self.are_twins_cut = True

    async def _fetch(self, asked: Round) -> None:
        """Have every trial of the round done; start trials of later rounds with idle slots."""
        if asked.population:
            self._journal.population(asked.step, asked.population)
        await self._fetch_all(list(self._draws.of_round(asked)), lambda: self._look_ahead(asked))

    async def _fetch_all(
        self, draws: list[Draw], meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        while wanted := [draw for draw in draws if self._start(draw)]:
            meanwhile()
            await self._wait(is_all_here=all(draw.key in self._tasks for draw in wanted))
            self._reap()
            self._journal.catch_up()

    async def _wait(self, *, is_all_here: bool) -> None:
        """Wait for a trial of this process to end, or until it is time to look at the others'."""
        left = self._budget.seconds_left()
        is_full = len(self._tasks) >= self._concurrency
        patience = left if is_all_here or is_full else min(GLANCE_S, left or GLANCE_S)
        if self._tasks:
            await asyncio.wait(
                self._tasks.values(), timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
        else:
            await asyncio.sleep(patience or 0)

    def _start(self, draw: Draw) -> bool:
        """Start the trial of a draw where a slot is idle; say whether it is still wanted."""
        key = draw.key
        if key in self._journal.done:
            return False
        if self._budget.is_spent or self._budget.seconds_left() == 0:
            raise _BudgetEndedError
        if (
            key not in self._tasks
            and len(self._tasks) < self._concurrency
            and self._journal.take(key)
        ):
            self._tasks[key] = asyncio.create_task(self._trial(key, draw))
        return True

    def _reap(self) -> None:
        """Let go of the trials that are done; raise what stopped one."""
        for key in [key for key, task in self._tasks.items() if task.done()]:
            self._tasks.pop(key).result()

    def _look_ahead(self, asked: Round) -> None:
        """Fill idle slots with later rounds' trials; what the ladder does not need is surplus."""
        last = max(horizon(self._draws.rule(clause)) for clause in asked.clauses)
        for index in range(asked.index + 1, min(last, asked.index + self._concurrency) + 1):
            for draw in self._draws.of_round(msgspec.structs.replace(asked, index=index)):
                if len(self._tasks) >= self._concurrency:
                    return
                self._start(draw)

    async def _trial(self, key: str, draw: Draw) -> None:
        """Run the trial of a draw until it counts; repeats have the same seed and are listed."""
        try:
            for attempt in itertools.count(1):
                trial = new_trial_id()
                self._journal.trial_started(trial, key, draw)
                record = await run_trial(
                    instance_of(self._edition, draw),
                    self._agent,
                    trial=trial,
                    run=self._journal.run,
                    limits=self._limits,
                    redact=self._redact,
                    spend=self._budget.spend,
                )
                self._journal.trial_done(key, record)
                self._progress.trial(draw, record)
                if TABLE[record.cause].counts:
                    break
                self._after_uncounted(record, attempt)
        finally:
            self._journal.let_go(key)

    def _after_uncounted(self, record: TrialRecord, attempt: int) -> None:
        """Decide whether a trial that does not count may be run again at once."""
        if record.cause == "interrupted":
            raise _BudgetEndedError
        if record.cause == "endpoint_down":
            self._check_troubles(str(record.detail), record.trial)
            raise AgentUnavailableError(
                f"the endpoint is down ({record.detail})",
                where=f"trial {record.trial}",
                mend="bring it back, then run the same command with --resume "
                f"(outage {self._journal.troubles.outages} of {MOST_OUTAGES} that are allowed)",
            )
        self._check_troubles(str(record.detail), record.trial)
        if attempt > fault_limit(0):
            raise _void(
                f"{attempt} faults of the suite on one draw", str(record.detail), record.trial
            )

    def _check_troubles(self, detail: str, trial: str = "") -> None:
        if why := self._journal.troubles.why_void(len(self._journal.done)):
            raise _void(why, detail, trial)

    async def cancel_all(self) -> None:
        """Cancel the trials in flight."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


def _void(what: str, detail: str, trial: str) -> AgentUnavailableError:
    return AgentUnavailableError(
        f"{what}, the last: {detail}",
        where=f"trial {trial}" if trial else "",
        mend="the campaign is void; start anew, and report that trial if it was not the endpoint",
    )
