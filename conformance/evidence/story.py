"""What a journal tells of a campaign, held to the rules by which campaigns run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.authoring import LANGS
from conformance.campaign.claim import parse_claim
from conformance.campaign.entries import Ended, Opened, Population, Resumed, TrialDone, TrialStarted
from conformance.campaign.journal import journal_path, read_journal
from conformance.campaign.opening import committed_seed, opened_of
from conformance.campaign.troubles import Troubles
from conformance.decision.streams import Draw
from conformance.edition.course import plan_course
from conformance.errors import ConformanceError, EvidenceInvalidError
from conformance.evidence import bundle
from conformance.trial.outcome import TABLE

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.campaign.entries import JournalEntry
    from conformance.decision.ladder import Round
    from conformance.decision.spec import Course
    from conformance.edition import Edition
    from conformance.trial.run import TrialRecord


class Told(NamedTuple):
    """One trial that ended, and the line of the journal that says so."""

    line: int
    key: str
    record: TrialRecord


class Story(NamedTuple):
    """A campaign as its journal has it."""

    path: Path
    opened: Opened
    ended: Ended
    course: Course
    seed: bytes
    trials: tuple[Told, ...]
    """Every trial that ended, those that do not count included."""
    draws: dict[str, Draw]
    """What was drawn, by key."""
    populations: dict[str, tuple[str, ...]]

    @property
    def done(self) -> dict[str, TrialRecord]:
        """The counting trial of each key."""
        return {told.key: told.record for told in self.trials if TABLE[told.record.cause].counts}

    @property
    def cut(self) -> dict[str, list[TrialRecord]]:
        """The trials of each key that an outage or a stop cut short."""
        found: dict[str, list[TrialRecord]] = {}
        for told in self.trials:
            if told.record.outcome == "cancelled":
                found.setdefault(told.key, []).append(told.record)
        return found

    def check_population(self, asked: Round) -> None:
        """Hold what riders draw from to what was written down before their first trial.

        Raises:
            EvidenceInvalidError: it is another one, or none.
        """
        if asked.population and self.populations.get(asked.step) != asked.population:
            raise EvidenceInvalidError(
                f"what the riders of {asked.step} draw from is not what follows from the terms",
                where=str(self.path),
            )


def read_story(folder: Path, edition: Edition) -> Story:
    """Read the journal of a campaign that ended.

    Raises:
        EvidenceInvalidError: it is broken, unfinished, another edition's, or tells what no
            campaign does: a trial that counts twice, or ended unstarted, or under another key.
    """
    entries = read_journal(folder / bundle.RUN)
    path = journal_path(folder / bundle.RUN)
    opened, ended = opened_of(entries, path), entries[-1]
    if not isinstance(ended, Ended):
        raise EvidenceInvalidError(
            "the campaign did not end", where=f"{path}:{len(entries)}", mend="go on with --resume"
        )
    terms = opened.terms
    if terms.edition_sha256 != edition.digest:
        raise EvidenceInvalidError(
            f"was made with edition {terms.edition} {terms.edition_sha256[:12]}, "
            f"this is {edition.id} {edition.digest[:12]}",
            where=f"{path}:1",
            mend="name that edition's folder with --edition",
        )
    mounted = None if edition.sealed is None else edition.sealed.digest
    if terms.sealed_sha256 != mounted:
        had, has = ((name or "none")[:12] for name in (terms.sealed_sha256, mounted))
        raise EvidenceInvalidError(
            f"was made with sealed edition {had}, this is {has}",
            where=f"{path}:1",
            mend="name that edition's folder with --sealed, or leave it out if it had none",
        )
    if not terms.langs or not set(terms.langs) <= set(LANGS):
        raise EvidenceInvalidError(f"has no such languages: {terms.langs}", where=f"{path}:1")
    try:
        claim = parse_claim(terms.claim, edition)
        course = plan_course(edition, terms.plan, claim, denied=terms.denied, lacking=terms.lacking)
    except ConformanceError as error:
        raise EvidenceInvalidError(
            f"has terms that are none: {error.what}", where=f"{path}:1"
        ) from error
    trials, draws = _trials(entries, path)
    return Story(
        path=path,
        opened=opened,
        ended=ended,
        course=course,
        seed=_seed(entries, opened, path),
        trials=trials,
        draws=draws,
        populations={e.step: tuple(e.clauses) for e in entries if isinstance(e, Population)},
    )


def _seed(entries: list[JournalEntry], opened: Opened, path: Path) -> bytes:
    seed = b""
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, Ended):
            revealed = committed_seed(entry.seed, opened)
            if revealed is None:
                raise EvidenceInvalidError(
                    "the seed revealed is not the one committed", where=f"{path}:{number}"
                )
            seed = revealed
    return seed


def _trials(entries: list[JournalEntry], path: Path) -> tuple[tuple[Told, ...], dict[str, Draw]]:
    """Return the trials that ended and what was drawn, each held to the life of a trial."""
    lives, troubles = _Lives(), Troubles()
    for number, entry in enumerate(entries, 1):
        troubles.take_up(entry)
        wrong = None
        match entry:
            case TrialStarted():
                wrong = lives.start(entry)
            case TrialDone():
                wrong = lives.end(entry, number)
            case Resumed():
                lives.running.clear()
            case Opened() if number > 1:
                wrong = "the campaign opens a second time"
            case _:
                pass
        if wrong is not None:
            raise EvidenceInvalidError(wrong, where=f"{path}:{number}")
    if why := troubles.why_void(len(lives.counted)):
        raise EvidenceInvalidError(f"is void: {why}", where=str(path))
    return tuple(lives.told), lives.draws


class _Lives:
    """The trials of a journal read so far; each method says what is wrong with one more entry."""

    def __init__(self) -> None:
        self.running: dict[str, str] = {}
        self.draws: dict[str, Draw] = {}
        self.told: list[Told] = []
        self.counted: set[str] = set()
        self._seen: set[str] = set()

    def start(self, entry: TrialStarted) -> str | None:
        drawn = _draw(entry)
        if drawn is None:
            return "the draw is not that of its key"
        if entry.trial in self._seen:
            return f"trial {entry.trial} starts a second time"
        self.draws[entry.key] = drawn
        self.running[entry.trial] = entry.key
        self._seen.add(entry.trial)
        return None

    def end(self, entry: TrialDone, line: int) -> str | None:
        record, treatment = entry.record, TABLE[entry.record.cause]
        if self.running.pop(record.trial, None) != entry.key:
            return f"trial {record.trial} ends, but was not running under this key"
        if entry.key in self.counted:
            return f"trial {record.trial} is of a key that has its trial"
        if record.outcome != treatment.outcome:
            return f"{record.cause} is {treatment.outcome}, not {record.outcome}"
        if treatment.counts:
            self.counted.add(entry.key)
        self.told.append(Told(line, entry.key, record))
        return None


def _draw(entry: TrialStarted) -> Draw | None:
    try:
        drawn = msgspec.convert(entry.draw, Draw)
    except msgspec.ValidationError:
        return None
    return drawn if drawn.key == entry.key and msgspec.to_builtins(drawn) == entry.draw else None
