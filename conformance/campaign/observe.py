"""From a round of the ladder to its draws, and from their trials to observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from conformance.authoring import Finding
from conformance.decision.ladder import EFFICIENCY, Observation, Round
from conformance.decision.streams import Draw, draw, draw_rider
from conformance.errors import EvidenceInvalidError
from conformance.trial.sealed import read_played

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from conformance.authoring import Instance, Lang, Played
    from conformance.decision.spec import Clause, Course, Rule
    from conformance.edition import Edition
    from conformance.trial.run import TrialRecord


KEPT = 64
"""Trials held in memory at once; the rest is on disk."""


class Draws:
    """What each clause draws at each index: a pure function of course, seed and languages."""

    def __init__(self, course: Course, seed: bytes, langs: tuple[str, ...]) -> None:
        self._course = course
        self._seed = seed
        self._langs = langs
        self._clauses = {
            clause.id: clause for step in (*course.levels, *course.trust) for clause in step.clauses
        }

    def rule(self, clause: str) -> Rule:
        """Return a clause's rule; the efficiency class has one too."""
        if clause == EFFICIENCY:
            return self._course.efficiency_rule
        return self._clauses[clause].rule

    def of(self, clause: str, index: int, population: tuple[str, ...]) -> Draw:
        """Return a clause's draw at an index; a rider's is that of a clause it rides on."""
        if clause == EFFICIENCY or self._clauses[clause].rider:
            ridden = draw_rider(self._seed, index, population)
            return draw(self._clauses[ridden], self._seed, index, self._langs)
        return draw(self._clauses[clause], self._seed, index, self._langs)

    def trials(self, clause: str, index: int, population: tuple[str, ...]) -> tuple[Draw, ...]:
        """Return what a clause's observation at an index takes: a draw, and its repeats."""
        first = self.of(clause, index, population)
        repeats = 1 if clause == EFFICIENCY else self._clauses[clause].repeats
        return first, *(msgspec.structs.replace(first, repeat=n) for n in range(1, repeats))

    def of_round(self, asked: Round) -> Iterator[Draw]:
        """Yield every draw that the observations of a round take."""
        for clause in asked.clauses:
            yield from self.trials(clause, asked.index, asked.population)

    def clause(self, clause: str) -> Clause:
        """Return a clause of the course."""
        return self._clauses[clause]


class Observed(msgspec.Struct, frozen=True):
    """One observation as evidence: what it is of, and why it came out so."""

    clause: str
    index: int
    key: str
    trial: str
    value: float | None
    findings: tuple[Finding, ...]


class Observer:
    """Grades sealed trials; never in the loop with an agent, and the same live and offline."""

    def __init__(self, edition: Edition, draws: Draws, run: Path) -> None:
        self.used: list[Observed] = []
        """Every observation the ladder was fed, in its order."""
        self._edition = edition
        self._draws = draws
        self._run = run
        self._played: dict[str, Played[Any]] = {}

    def observe(
        self,
        asked: Round,
        done: Mapping[str, TrialRecord],
        cut: Mapping[str, Sequence[TrialRecord]],
    ) -> dict[str, Observation]:
        """Return exactly the observations a round asks for.

        Args:
            asked: The round.
            done: The counting trial of each key.
            cut: The trials of each key that an outage or a stop cut short.

        Raises:
            EvidenceInvalidError: a trial is missing or broken.
        """
        reply: dict[str, Observation] = {}
        for clause in asked.clauses:
            observed = self._observe(clause, asked, done, cut)
            self.used.append(observed)
            reply[clause] = Observation(
                observed.value, critical=any(finding.critical for finding in observed.findings)
            )
        return reply

    def _observe(
        self,
        clause: str,
        asked: Round,
        done: Mapping[str, TrialRecord],
        cut: Mapping[str, Sequence[TrialRecord]],
    ) -> Observed:
        """Return one observation; of several trials of an instance it is the least.

        What was critical in any of them is in it, those included that were cut short and run again:
        an agent whose endpoint goes down after a critical event is not given another chance.
        """
        found = []
        for drawn in self._draws.trials(clause, asked.index, asked.population):
            record = done.get(drawn.key)
            if record is None:
                raise EvidenceInvalidError(
                    f"there is no trial for observation {asked.index} of {clause}",
                    where=str(self._run / "journal.jsonl"),
                    mend="the campaign is not complete; go on with --resume",
                )
            found.append(self._grade(clause, asked.index, drawn, record))
            again = [self._grade(clause, asked.index, drawn, one) for one in cut.get(drawn.key, ())]
            found += [item for item in again if any(f.critical for f in item.findings)]
        least = min(found, key=lambda item: 1.0 if item.value is None else item.value)
        critical = [f for item in found if item is not least for f in item.findings if f.critical]
        return msgspec.structs.replace(least, findings=(*least.findings, *critical))

    def played(self, drawn: Draw, record: TrialRecord) -> Played[Any]:
        """Return a trial as graders read it; the last few are kept for the clauses that share."""
        if record.trial not in self._played:
            if len(self._played) >= KEPT:
                del self._played[next(iter(self._played))]
            self._played[record.trial] = read_played(
                instance_of(self._edition, drawn), self._run, record.trial, record.transcript_head
            )
        return self._played[record.trial]

    def _grade(self, clause: str, index: int, drawn: Draw, record: TrialRecord) -> Observed:
        played = self.played(drawn, record)
        if clause == EFFICIENCY:
            value = self._edition.cost_ratio(played)
            return Observed(clause, index, drawn.key, record.trial, value, ())
        score = self._edition.observe(self._edition.clause(clause), played)
        return Observed(clause, index, drawn.key, record.trial, score.value, score.findings)


def instance_of(edition: Edition, drawn: Draw) -> Instance[Any]:
    """Generate the instance of a draw."""
    return edition.instance(
        drawn.family,
        drawn.knobs,
        seed=drawn.seed,
        lang=cast("Lang", drawn.lang),
        wording=drawn.wording,
    )
