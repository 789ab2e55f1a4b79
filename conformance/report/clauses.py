"""The clause table as data: one group a level or grade, one row a clause."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.report.evidence_path import EvidencePath, evidence_path
from conformance.report.inert import inert_line
from conformance.report.numbers import decimal, e_value, ends, limit, plain
from conformance.report.sentences import reason_words, step_reason
from conformance.report.texts import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.evidence.documents import (
        ClauseSummary,
        ObservationLine,
        StepSummary,
        SummaryDocument,
        Words,
    )
    from conformance.report.sources import Evidence, Trial


class Numbers(NamedTuple):
    """What the table prints of a judgement, and the bar it draws; places are in percent."""

    n: int
    estimate: str
    lower: str
    upper: str
    e_pass: str
    e_fail: str
    bar_from: float
    bar_to: float
    dot: float | None


class Dot(NamedTuple):
    """One observation; it opens its trial."""

    trial: str
    mark: str
    """``full``, ``part`` or ``zero``."""
    title: str


class Share(NamedTuple):
    """How a family did on a clause."""

    family: str
    total: str
    n: int


class Row(NamedTuple):
    """One clause."""

    id: str
    text: Words
    verdict: str
    reason: Words | None
    limit: str
    limit_at: float
    numbers: Numbers | None
    shares: tuple[Share, ...]
    rule: Words
    source: str
    dots: tuple[Dot, ...]
    """In stream order."""
    path: EvidencePath | None
    """Of its e-values; None where its rule does not bet, or nothing was observed."""
    is_limiting: bool


class Group(NamedTuple):
    """A level or a trust grade with its clauses; those not run are folded."""

    id: str
    axis: str
    title: Words
    standing: str
    """``held`` or a verdict."""
    reason: Words | None
    tried: tuple[Row, ...]
    folded: tuple[Row, ...]


def clause_groups(evidence: Evidence) -> tuple[Group, ...]:
    """Return all clauses, by step, in the edition's order."""
    summary = evidence.summary
    seen: dict[str, list[ObservationLine]] = {}
    for line in evidence.observations:
        seen.setdefault(line.clause, []).append(line)
    for lines in seen.values():
        lines.sort(key=lambda line: line.index)
    trials = evidence.by_id
    rows = {
        clause.id: _row(clause, seen.get(clause.id, []), trials, clause.id in summary.limits)
        for clause in summary.clauses
    }
    groups = []
    for axis, steps in (("agency", summary.levels), ("trust", summary.grades)):
        for step in steps:
            own = [rows[clause.id] for clause in summary.clauses if clause.step == step.id]
            groups.append(
                Group(
                    id=step.id,
                    axis=axis,
                    title=step.title,
                    standing=standing(step, summary, axis),
                    reason=step_reason(step),
                    tried=tuple(row for row in own if row.numbers is not None),
                    folded=tuple(row for row in own if row.numbers is None),
                )
            )
    return tuple(groups)


def standing(step: StepSummary, summary: SummaryDocument, axis: str) -> str:
    """Return ``held``, or the step's verdict; a step is held only up to the one granted."""
    steps, last = (
        (summary.levels, summary.level) if axis == "agency" else (summary.grades, summary.trust)
    )
    ids = [item.id for item in steps]
    if last in ids and ids.index(step.id) <= ids.index(last):
        return "held"
    return step.verdict


def mark_of(value: float | None) -> str:
    """Return how an observation is drawn."""
    return "full" if value == 1 else "part" if value else "zero"


def _row(
    clause: ClauseSummary,
    observed: list[ObservationLine],
    trials: Mapping[str, Trial],
    is_limiting: bool,  # noqa: FBT001
) -> Row:
    rule = clause.rule
    key = {"clean-run": "clean"}.get(rule.name, rule.name)
    return Row(
        id=clause.id,
        text=clause.text,
        verdict=clause.verdict,
        reason=reason_words(clause.reason, clause.pending),
        limit=limit(rule.p0),
        limit_at=rule.p0 * 100,
        numbers=_numbers(clause),
        shares=tuple(Share(f.family, plain(f.total), f.n) for f in clause.families),
        rule=say(
            f"clauses.rule_{key}",
            p0=plain(rule.p0),
            p1=plain(rule.p1),
            alpha=plain(rule.alpha),
            beta=plain(rule.beta),
            least=rule.n_min,
            most=rule.n_max,
        ),
        source=clause.source,
        dots=tuple(_dot(line, trials.get(line.trial)) for line in observed),
        path=evidence_path(rule, [line.value or 0.0 for line in observed]),
        is_limiting=is_limiting,
    )


def _numbers(clause: ClauseSummary) -> Numbers | None:
    judgement = clause.judgement
    if judgement is None:
        return None
    lower, upper = ends(judgement, clause.rule.p0)
    return Numbers(
        n=judgement.n,
        estimate=decimal(judgement.mean),
        lower=lower,
        upper=upper,
        e_pass=e_value(judgement.log10_e_pass),
        e_fail=e_value(judgement.log10_e_fail),
        bar_from=round(max(0.0, judgement.lower) * 100, 2),
        bar_to=round(min(1.0, judgement.upper) * 100, 2),
        dot=None if judgement.mean is None else round(judgement.mean * 100, 2),
    )


def _dot(line: ObservationLine, trial: Trial | None) -> Dot:
    where = "" if trial is None else f" · {trial.family} · {trial.lang}"
    broken = ", ".join(inert_line(f.requirement, 60) for f in line.findings[:3])
    value = plain(line.value or 0.0)
    title = f"{line.index}{where} · {value}" + (f" · {broken}" if broken else "")
    return Dot(line.trial, mark_of(line.value), title)
