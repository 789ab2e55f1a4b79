"""The window in which a bundle's trials kept their endpoint busy, from its sealed files alone."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.errors import EvidenceInvalidError
from conformance.profile.solved import NS, Span, TimedTrial, TimedWindow, busy_span

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.campaign.entries import JournalEntry
    from conformance.edition import Edition
    from conformance.trial.run import TrialRecord


class Clocks(NamedTuple):
    """One moment by two clocks."""

    unix_ns: int
    monotonic_ns: int

    @classmethod
    def now(cls) -> Clocks:
        """Read both, one right after the other."""
        return cls(time.time_ns(), time.perf_counter_ns())

    @property
    def offset_ns(self) -> int:
        """Return what the wall clock is ahead by."""
        return self.unix_ns - self.monotonic_ns


class LiveWindow(msgspec.Struct, frozen=True):
    """The trials of a bundle, and the window in which they kept the endpoint busy."""

    folder: str
    window: TimedWindow
    """Its times are the journal's: the wall clock's."""
    monotonic: Span | None = None
    """When the trials were at full number, by the clock of the power log; None: the clocks were
    not read, or never so many trials were in flight."""


def window_of_bundle(folder: Path, edition: Edition, concurrency: int | None = None) -> LiveWindow:
    """Return the window of a sealed bundle, from its files alone; trials are graded again.

    Without a ``concurrency`` it is the most trials that were in flight at once. Of a campaign that
    was stopped and resumed, the sitting with the most trials is taken. In a campaign that grades,
    the decision rules choose by what came out how many trials there are, so the interval of the
    solve rate is not exact; in a bundle of ``run_live`` they do not.

    Raises:
        EvidenceInvalidError: it is no bundle of this edition, is broken, or has no trials.
    """
    return LiveWindow(str(folder), _window(folder, edition, concurrency))


def clocked(live: LiveWindow, before: Clocks, after: Clocks) -> LiveWindow:
    """Return the window by the monotonic clock too, from readings around the trials."""
    step_s = (after.offset_ns - before.offset_ns) / NS
    window = msgspec.structs.replace(live.window, clock_step_s=step_s)
    span = busy_span(window.trials, window.concurrency)
    if span is None:
        return msgspec.structs.replace(live, window=window)
    offset = before.offset_ns
    at = Span(span.start_ns - offset, span.end_ns - offset)
    return msgspec.structs.replace(live, window=window, monotonic=at)


class _Life(NamedTuple):
    """When a trial was at work, by the wall clock in seconds, and what came of it."""

    key: str
    record: TrialRecord
    began: float
    ended: float


def _lives(entries: Sequence[JournalEntry]) -> list[_Life]:
    """Return the trials that ended, of the sitting that has the most of them."""
    from conformance.campaign.entries import Resumed, TrialDone, TrialStarted

    sittings: list[list[_Life]] = [[]]
    began: dict[str, float] = {}
    for entry in entries:
        match entry:
            case TrialStarted():
                began[entry.trial] = entry.time
            case TrialDone():
                trial = entry.record.trial
                sittings[-1].append(_Life(entry.key, entry.record, began[trial], entry.time))
            case Resumed():
                sittings.append([])
            case _:
                pass
    return max(sittings, key=len)


def _window(folder: Path, edition: Edition, concurrency: int | None) -> TimedWindow:
    """Return the trials of a sealed bundle, graded."""
    from conformance.campaign.journal import read_journal
    from conformance.campaign.observe import Draws, Observer
    from conformance.evidence import bundle
    from conformance.evidence.story import read_story
    from conformance.trial.outcome import TABLE

    story = read_story(folder, edition)
    lives = _lives(read_journal(folder / bundle.RUN))
    if not lives:
        raise EvidenceInvalidError("holds no trials", where=str(folder), mend="name another bundle")
    draws = Draws(story.course, story.seed, tuple(story.opened.terms.langs))
    observer = Observer(edition, draws, folder / bundle.RUN)
    solved = edition.grader("solved")
    is_metered = any(life.record.model_calls for life in lives)

    def timed(life: _Life) -> TimedTrial:
        record, counts = life.record, TABLE[life.record.cause].counts
        # Some agents' calls were seen and told no usage.
        is_told = is_metered and (record.output_tokens > 0 or not record.model_calls)
        return TimedTrial(
            began_ns=round(life.began * NS),
            ended_ns=round(life.ended * NS),
            counts=counts,
            is_solved=counts and solved(observer.played(story.draws[life.key], record)).value == 1,
            input_tokens=record.input_tokens if is_told else None,
            output_tokens=record.output_tokens if is_told else None,
        )

    trials = tuple(timed(life) for life in lives)
    return TimedWindow(
        concurrency=concurrency or _most_in_flight(lives),
        trials=trials,
        bundle=bundle.bundle_id(folder),
    )


def _most_in_flight(lives: Sequence[_Life]) -> int:
    changes = sorted([(life.began, 1) for life in lives] + [(life.ended, -1) for life in lives])
    return max(itertools.accumulate(change for _, change in changes))
