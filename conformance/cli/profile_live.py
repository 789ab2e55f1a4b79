"""Live mode: real trials at a concurrency, graded as any others, and the window they were in.

The bundle says all of it: ``evidence.window`` reads the window from the sealed files, so that a
stranger can compute solved tasks an hour without believing anyone.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from typing import TYPE_CHECKING

import msgspec

from conformance.errors import AgentUnavailableError, UsageError
from conformance.evidence.window import Clocks, clocked, window_of_bundle
from conformance.profile.solved import NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conformance.agents.contract import Agent
    from conformance.campaign.journal import Journal
    from conformance.campaign.observe import Draws
    from conformance.campaign.progress import Progress
    from conformance.campaign.run import Settings
    from conformance.decision.spec import Clause, Course
    from conformance.decision.streams import Draw
    from conformance.edition import Edition
    from conformance.evidence.window import LiveWindow
    from conformance.trial.run import TrialRecord

ENOUGH = "the sample is complete"


def run_live(
    edition: Edition,
    make_agent: Callable[[], Agent],
    settings: Settings,
    concurrencies: Sequence[int],
    out: Path,
    *,
    trials: int | None = None,
    progress: Progress | None = None,
) -> list[LiveWindow]:
    """Run real trials at each concurrency, one bundle each under ``out``, and seal them.

    The sample is fixed beforehand, not by the decision rules, which stop by outcomes: one seed
    serves all concurrencies, so each tries the same instances in the same order (the clauses of
    the levels in reach of the claim by turns), and how far it comes depends on time alone. Trials
    that began are waited for. Solve rates thus compare the same tasks, none left out for being
    long. Afterwards the ladder is climbed over the trials that are there, as a campaign that ran
    out of its budget: the bundle is one like any other.

    Args:
        edition: What is tried.
        make_agent: Makes a new agent for each concurrency.
        settings: The campaign's; ``max_time_s`` is how long new trials are begun at each
            concurrency. ``concurrency``, ``twins`` and ``max_calls`` are not used. Without a seed
            one is drawn for all.
        concurrencies: How many trials at once, each in its turn.
        out: A folder that is not there, or is empty.
        trials: So many begun at each concurrency, or fewer where time ends sooner; the same many
            at each make the samples the same.
        progress: Told of every trial.

    Raises:
        UsageError: neither time nor a number of trials ends it, or a level has nothing to try.
        AgentUnavailableError: the endpoint went down, or the suite failed too often.
        StorageError: the evidence cannot be written.
        asyncio.CancelledError, KeyboardInterrupt: stopped by the user.
    """
    if trials is None and settings.max_time_s is None:
        raise UsageError(
            "needs an end", where="live trials", mend="say how long, or how many trials"
        )
    settings = msgspec.structs.replace(
        settings, seed=settings.seed or secrets.token_hex(16), twins=False, max_calls=None
    )
    found = []
    for concurrency in concurrencies:
        folder = _free(out / f"trials-{concurrency}")
        own = msgspec.structs.replace(settings, concurrency=concurrency)
        found.append(asyncio.run(_live(edition, make_agent(), own, folder, trials, progress)))
    return found


async def _live(
    edition: Edition,
    agent: Agent,
    settings: Settings,
    folder: Path,
    trials: int | None,
    progress: Progress | None,
) -> LiveWindow:
    from conformance.campaign.run import run_campaign
    from conformance.evidence.seal import seal

    await agent.open()
    try:
        before, cpu_s = Clocks.now(), time.thread_time()
        await _try_sample(edition, agent, settings, folder, trials, progress)
        after, cpu_s = Clocks.now(), time.thread_time() - cpu_s
        # No time is left, so no trial begins: the ladder climbs as far as there are trials.
        spent = msgspec.structs.replace(settings, max_time_s=0.0)
        await run_campaign(edition, agent, spent, folder, resume=True)
        described = agent.describe()
    finally:
        await agent.close()
    seal(folder, edition, described, agent.evidence_class)
    live = window_of_bundle(folder, edition, settings.concurrency)
    took_s = (after.monotonic_ns - before.monotonic_ns) / NS
    window = msgspec.structs.replace(live.window, cpu_share=cpu_s / took_s)
    return clocked(msgspec.structs.replace(live, window=window), before, after)


async def _try_sample(
    edition: Edition,
    agent: Agent,
    settings: Settings,
    folder: Path,
    trials: int | None,
    progress: Progress | None,
) -> None:
    """Try the sample and leave a campaign that stopped."""
    from conformance.campaign.journal import open_journal
    from conformance.campaign.observe import Draws
    from conformance.campaign.progress import Silent
    from conformance.campaign.run import terms_of
    from conformance.edition.course import plan_course
    from conformance.trial.redaction import redactor

    course = plan_course(
        edition, settings.plan, settings.claim, denied=settings.denied, lacking=settings.lacking
    )
    clauses = _clauses(course)
    terms = terms_of(edition, agent, settings)
    journal = open_journal(folder / "run", terms, settings.seed, redactor(settings.secrets))
    every = _sample(clauses, Draws(course, journal.seed, settings.langs))
    draws = itertools.islice(every, trials)
    ends = None if settings.max_time_s is None else time.monotonic() + settings.max_time_s
    live = _Live(edition, agent, settings, journal, progress or Silent())
    try:
        async with asyncio.TaskGroup() as slots:
            for _ in range(settings.concurrency):
                slots.create_task(live.slot(draws, ends))
    except asyncio.CancelledError:
        journal.stopped("interrupted")
        raise
    except ExceptionGroup as group:
        journal.stopped(str(group.exceptions[0]))
        raise group.exceptions[0] from None
    else:
        journal.stopped(ENOUGH)
    finally:
        journal.close()


def _clauses(course: Course) -> list[Clause]:
    """Return the clauses that draw trials, of the levels in reach.

    Raises:
        UsageError: there are none.
    """
    found = [
        clause for level in course.levels_in_reach for clause in level.runnable if not clause.rider
    ]
    if not found:
        raise UsageError("there is nothing to try", where="--claim", mend="claim another level")
    return found


def _sample(clauses: Sequence[Clause], draws: Draws) -> Iterator[Draw]:
    """Yield what is tried: index by index, a draw of each clause; equal draws share a trial.

    It ends where the rules end: what lies beyond no clause draws, and an audit would not know it.
    """
    from conformance.decision.rules import horizon

    seen: set[str] = set()
    for index in range(1, max(horizon(clause.rule) for clause in clauses) + 1):
        for clause in clauses:
            drawn = draws.of(clause.id, index, ())
            if drawn.key not in seen:
                seen.add(drawn.key)
                yield drawn


class _Live:
    """Trials of one sample, several at once; each is repeated until it counts."""

    def __init__(
        self,
        edition: Edition,
        agent: Agent,
        settings: Settings,
        journal: Journal,
        progress: Progress,
    ) -> None:
        from conformance.trial.redaction import redactor

        self._edition = edition
        self._agent = agent
        self._limits = settings.limits
        self._redact = redactor(settings.secrets)
        self._journal = journal
        self._progress = progress

    async def slot(self, draws: Iterator[Draw], ends: float | None) -> None:
        """Try one draw after the other until there is none, or time is up."""
        for drawn in draws:
            is_stopped = await self._trial(drawn)
            if is_stopped or (ends is not None and time.monotonic() >= ends):
                return

    async def _trial(self, drawn: Draw) -> bool:
        """Run the trial of a draw until it counts; say whether the user stopped it."""
        from conformance.campaign.observe import instance_of
        from conformance.trial.outcome import TABLE
        from conformance.trial.run import new_trial_id, run_trial

        for attempt in itertools.count(1):
            trial = new_trial_id()
            self._journal.trial_started(trial, drawn.key, drawn)
            record = await run_trial(
                instance_of(self._edition, drawn),
                self._agent,
                trial=trial,
                run=self._journal.run,
                limits=self._limits,
                redact=self._redact,
            )
            self._journal.trial_done(drawn.key, record)
            self._progress.trial(drawn, record)
            if record.cause == "interrupted":
                return True
            if TABLE[record.cause].counts:
                break
            self._check(record, attempt)
        return False

    def _check(self, record: TrialRecord, attempt: int) -> None:
        """Hold that a trial that does not count may be run again.

        Raises:
            AgentUnavailableError: it may not.
        """
        from conformance.trial.outcome import fault_limit

        if record.cause == "endpoint_down":
            raise AgentUnavailableError(
                f"the endpoint is down ({record.detail})",
                where=f"trial {record.trial}",
                mend="bring it back, and measure again",
            )
        faults = self._journal.troubles.faults
        if attempt > fault_limit(0) or faults > fault_limit(len(self._journal.done)):
            raise AgentUnavailableError(
                f"{faults} faults of the suite itself, the last: {record.detail}",
                where=f"trial {record.trial}",
                mend="these trials are void; report the transcript of that one",
            )


def _free(folder: Path) -> Path:
    """Return a folder that is not there yet, by this name or one like it."""
    numbers = itertools.count(2)
    found = folder
    while found.exists():
        found = folder.with_name(f"{folder.name}-{next(numbers)}")
    return found
