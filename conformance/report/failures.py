"""What went wrong and what went right: the parts of the report that make an L0 useful."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from conformance.report.clauses import mark_of
from conformance.report.inert import inert_line
from conformance.report.sources import EFFICIENCY
from conformance.report.texts import say
from conformance.report.transcripts import reading_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.evidence.documents import Words
    from conformance.report.sources import Evidence, Trial

SHOWN_REQUIREMENTS = 8
TELLING = 3
COMMONEST = 2
_ENDING = "ending"
"""The knob by which families name the right end of an instance."""


class Broken(NamedTuple):
    """A requirement, and how often it was broken."""

    requirement: str
    observations: int
    trials: int
    share: float
    """Of all observations that fell short, in percent."""
    example: str
    trial: str


class Telling(NamedTuple):
    """A transcript worth reading."""

    trial: str
    text: Words
    mark: str


class Cell(NamedTuple):
    """A mean of observations; ``n`` 0 is none."""

    mean: float
    n: int


class Success(NamedTuple):
    """How often one family, or one right end of it, came out right."""

    family: str
    ending: str | None
    every: Cell
    zh: Cell
    en: Cell


def broken_requirements(evidence: Evidence) -> tuple[Broken, ...]:
    """Return the requirements, the one broken most often first."""
    observations: Counter[str] = Counter()
    trials: dict[str, dict[str, str]] = {}
    short = 0
    for line in evidence.observations:
        short += bool(line.findings)
        for finding in {f.requirement: f for f in line.findings}.values():
            observations[finding.requirement] += 1
            trials.setdefault(finding.requirement, {}).setdefault(line.trial, finding.message)
    order = {trial.id: place for place, trial in enumerate(reading_order(evidence))}
    found = []
    for name, count in sorted(observations.items(), key=lambda item: (-item[1], item[0])):
        first = min(trials[name], key=lambda trial: order.get(trial, len(order)))
        found.append(
            Broken(
                requirement=inert_line(name),
                observations=count,
                trials=len(trials[name]),
                share=round(100 * count / short, 1),
                example=inert_line(trials[name][first], 120),
                trial=first,
            )
        )
    return tuple(found)


def telling_trials(evidence: Evidence, clause: str) -> tuple[Telling, ...]:
    """Return the transcripts that tell most about a clause.

    Failing ones that broke the most frequent requirements, each another family or requirement
    where there is one; then one that succeeded, to compare with.
    """
    lines = {o.trial: o for o in evidence.observations if o.clause == clause}
    trials = [trial for trial in reading_order(evidence) if trial.id in lines]
    frequent = Counter(f.requirement for o in lines.values() for f in o.findings)
    seen: set[tuple[str, str]] = set()
    found: list[Telling] = []
    short = [trial for trial in trials if (lines[trial.id].value or 0.0) < 1]
    for trial in sorted(short, key=lambda t: -_frequency(lines[t.id].findings, frequent)):
        findings = lines[trial.id].findings
        main = max(findings, key=lambda f: frequent[f.requirement]).requirement if findings else ""
        if (trial.family, main) in seen or len(found) == TELLING:
            continue
        seen.add((trial.family, main))
        key = "telling_fail" if main else "telling_plain"
        text = say(f"back.{key}", family=trial.family, requirement=inert_line(main, 60))
        found.append(Telling(trial.id, text, mark_of(lines[trial.id].value)))
    good = next((trial for trial in trials if lines[trial.id].value == 1), None)
    if good is not None and found:
        text = say("back.telling_pass", family=good.family)
        found.append(Telling(good.id, text, "full"))
    return tuple(found)


def commonest(evidence: Evidence, clause: str) -> tuple[Broken, ...]:
    """Return the requirements that a clause's observations broke most often, two at most."""
    own = evidence._replace(
        observations=tuple(o for o in evidence.observations if o.clause == clause)
    )
    return broken_requirements(own)[:COMMONEST]


def count_short(evidence: Evidence, clause: str) -> int:
    """Return how many observations of a clause fell short of full marks."""
    return sum(o.clause == clause and (o.value or 0.0) < 1 for o in evidence.observations)


def successes(evidence: Evidence) -> tuple[Success, ...]:
    """Return the mean observation of the agency clauses, by family and by its right ends."""
    agency = {clause.id for clause in evidence.summary.clauses if clause.axis == "agency"}
    split: dict[tuple[str, str | None], list[tuple[str, float]]] = {}
    for trial in evidence.trials:
        ending = trial.knobs.get(_ENDING)
        for line in trial.observations:
            if line.clause not in agency or line.clause == EFFICIENCY:
                continue
            for place in {None, inert_line(str(ending)) if ending is not None else None}:
                pair = (trial.lang, line.value or 0.0)
                split.setdefault((trial.family, place), []).append(pair)
    ordered = sorted(split.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return tuple(
        Success(
            family,
            ending,
            _cell(value for _, value in pairs),
            _cell(value for lang, value in pairs if lang == "zh"),
            _cell(value for lang, value in pairs if lang == "en"),
        )
        for (family, ending), pairs in ordered
    )


def outcomes(trials: Sequence[Trial]) -> list[tuple[str, Words, int]]:
    """Return how many trials ended how, the most frequent first."""
    counted = Counter(trial.record.outcome for trial in trials)
    return [
        (outcome, say(f"outcome.{outcome}"), n)
        for outcome, n in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]


def _frequency(findings: Sequence[object], frequent: Counter[str]) -> int:
    return max((frequent[getattr(f, "requirement", "")] for f in findings), default=0)


def _cell(values: Iterable[float]) -> Cell:
    found = list(values)
    return Cell(sum(found) / len(found) if found else 0.0, len(found))
