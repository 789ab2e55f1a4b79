"""From the decision's result to ``summary.json``: nothing in it depends on time, host or order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.campaign.claim import parse_claim
from conformance.decision.ladder import EFFICIENCY
from conformance.decision.result import exit_code
from conformance.evidence.documents import (
    ClassSummary,
    ClauseSummary,
    EditionName,
    EfficiencySummary,
    FamilyTally,
    RequirementSummary,
    StepSummary,
    SummaryDocument,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.campaign.entries import Opened
    from conformance.campaign.observe import Observed
    from conformance.decision.result import ClauseResult, Result, StepResult
    from conformance.decision.spec import Course, Rule
    from conformance.edition import Edition
    from conformance.edition.document import Axes, Step
    from conformance.edition.document import Words as EditionWords

FORMAT = "summary/1"


def summarise(
    edition: Edition,
    course: Course,
    opened: Opened,
    seed: bytes,
    result: Result,
    observed: Sequence[Observed],
    *,
    is_cut_short: bool,
    family_of: Mapping[str, str],
) -> SummaryDocument:
    """Return the summary of a campaign.

    Args:
        edition: The edition that graded.
        course: The course that was climbed.
        opened: The journal's first entry: the terms.
        seed: The campaign's seed.
        result: What the course came to.
        observed: Every observation the decision was fed.
        is_cut_short: Whether a budget ended it.
        family_of: The family of each trial's key.
    """
    document, terms = edition.document, opened.terms
    plan = edition.plan(terms.plan)
    level = _held(document.agency, result.level)
    trust = _held(document.trust, result.trust)
    rules = {c.id: c.rule for step in (*course.levels, *course.trust) for c in step.clauses}
    by_clause: dict[str, list[Observed]] = {}
    for item in observed:
        by_clause.setdefault(item.clause, []).append(item)
    clauses = []
    for outcome in result.clauses:
        families = _tally(by_clause.get(outcome.clause, ()), family_of)
        clauses.append(summarise_clause(edition, rules[outcome.clause], outcome, families))
    return SummaryDocument(
        format=FORMAT,
        edition=edition_name(edition),
        plan=terms.plan,
        plan_title=words(plan.title),
        statement=words(plan.statement),
        is_grade=plan.grades,
        claim=terms.claim,
        langs=terms.langs,
        seed=seed.hex(),
        seed_source=opened.seed_source,
        ended="single" if terms.single is not None else "budget" if is_cut_short else "complete",
        exit_code=exit_code(result, parse_claim(terms.claim, edition)),
        level=level.id,
        level_title=words(level.title),
        trust=trust.id,
        trust_title=words(trust.title),
        efficiency=_efficiency(edition, result, len(by_clause.get(EFFICIENCY, ()))),
        next_level=next((step.step for step in result.levels if step.verdict != "pass"), None),
        limits=list(result.limits()),
        levels=_steps(document.agency, result.levels),
        grades=_steps(document.trust, result.grades),
        clauses=clauses,
        population=list(result.population),
        sealed=None if edition.sealed is None else edition_name(edition.sealed),
    )


def words(given: EditionWords) -> Words:
    """Return a text of the edition as the bundle writes it."""
    return Words(given.zh, given.en)


def edition_name(edition: Edition) -> EditionName:
    """Return which edition this is."""
    document = edition.document
    return EditionName(
        id=document.id,
        sha256=edition.digest,
        normative=document.normative,
        title=words(document.title),
        notice=words(document.notice),
    )


def _held(axis: Axes, held: str | None) -> Step:
    return next((step for step in axis.steps if step.id == held), axis.none)


def _steps(axis: Axes, results: Iterable[StepResult]) -> list[StepSummary]:
    titles = {step.id: step.title for step in axis.steps}
    return [
        StepSummary(
            id=step.step,
            title=words(titles[step.step]),
            verdict=step.verdict,
            reason=step.reason,
            limits=list(step.limits),
            blocked=list(step.blocked),
            rounds=step.rounds,
            requirements=[
                RequirementSummary(item.name, item.threshold, item.judgement)
                for item in step.requirements
            ],
        )
        for step in results
    ]


def summarise_clause(
    edition: Edition, rule: Rule, result: ClauseResult, families: list[FamilyTally]
) -> ClauseSummary:
    """Return the summary of a clause under its rule in the course."""
    clause = edition.clause(result.clause)
    return ClauseSummary(
        id=clause.id,
        axis=clause.axis,
        step=clause.step,
        dimension=clause.dimension,
        text=words(clause.text),
        rule=rule,
        source=clause.source,
        verdict=result.verdict,
        reason=result.reason,
        pending=clause.pending,
        judgement=result.judgement,
        families=families,
    )


def _efficiency(edition: Edition, result: Result, n: int) -> EfficiencySummary:
    kappas = {item.id: item.kappa for item in edition.document.efficiency.classes}
    found = result.efficiency
    return EfficiencySummary(
        held=found.held or edition.document.efficiency.none,
        is_marked=found.is_marked,
        reason=found.reason,
        n=n,
        classes=[
            ClassSummary(item.id, kappas[item.id], item.verdict, item.judgement)
            for item in found.classes
        ],
    )


def _tally(observed: Iterable[Observed], family_of: Mapping[str, str]) -> list[FamilyTally]:
    """Split a clause's observations over families, in the order of their names."""
    split: dict[str, list[float]] = {}
    for item in observed:
        split.setdefault(family_of[item.key], []).append(item.value or 0.0)
    return [FamilyTally(name, len(split[name]), sum(split[name])) for name in sorted(split)]
