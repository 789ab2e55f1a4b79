"""From an edition, a plan and a claim to the course that the decision climbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.decision import spec
from conformance.decision.plans import Plan, course_under_plan

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.decision.spec import Claim, Course
    from conformance.edition import Edition
    from conformance.edition.document import Axes, ClauseDoc, PlanDoc, RuleDoc


def plan_course(
    edition: Edition,
    plan: str,
    claim: Claim,
    *,
    denied: Collection[str] = (),
    lacking: Collection[str] = (),
) -> Course:
    """Return the course of a campaign.

    Args:
        edition: The edition.
        plan: The name of one of its plans.
        claim: What the applicant claims.
        denied: The ICS lines the applicant denies; a mandatory clause that needs one is not run.
        lacking: What the machine does not have (``sandbox``); a clause whose families need it is
            not run.

    Raises:
        EditionError: there is no such plan.
    """
    document, plan_doc = edition.document, edition.plan(plan)
    course = spec.Course(
        levels=_steps(edition, document.agency, plan_doc, denied, lacking),
        trust=_steps(edition, document.trust, plan_doc, denied, lacking),
        efficiency=tuple(
            spec.EfficiencyClass(item.id, item.kappa) for item in document.efficiency.classes
        ),
        efficiency_rule=clause_rule(document.efficiency.rule, plan_doc),
        level_rule=document.agency.rule,
        claim=claim,
    )
    return course_under_plan(course, decision_plan(plan, plan_doc))


def decision_plan(name: str, plan: PlanDoc) -> Plan:
    """Return a plan as the decision sees it."""
    return Plan(
        name,
        alpha=plan.alpha,
        n_min=plan.n_min,
        n_max=plan.n_max,
        is_fixed=plan.rule == "fixed",
        is_screening=not plan.clean_run,
    )


def _steps(
    edition: Edition,
    axis: Axes,
    plan: PlanDoc,
    denied: Collection[str],
    lacking: Collection[str],
) -> tuple[spec.Step, ...]:
    return tuple(
        spec.Step(
            step.id,
            tuple(
                _clause(edition, clause, plan, denied, lacking)
                for clause in edition.clauses
                if clause.step == step.id
            ),
        )
        for step in axis.steps
    )


def _clause(
    edition: Edition,
    clause: ClauseDoc,
    plan: PlanDoc,
    denied: Collection[str],
    lacking: Collection[str],
) -> spec.Clause:
    is_denied = clause.ics is not None and clause.ics in denied
    sources = edition.sources(clause)
    needed = {need for source in sources for need in edition.family(source.family).needs}
    missing = sorted(needed & set(lacking))
    not_run = (
        "pending"
        if clause.pending is not None
        else "sealed"
        if clause.sealed and not sources
        else missing[0]
        if missing
        else f"ICS {clause.ics}"
        if is_denied and not clause.optional
        else None
    )
    return spec.Clause(
        id=clause.id,
        step=clause.step,
        dimension=clause.dimension,
        rule=clause_rule(clause.rule, plan),
        sources=sources,
        rider=clause.rider,
        weight=clause.weight,
        repeats=clause.repeats,
        not_run=not_run,
        inapplicable=clause.ics if is_denied and clause.optional else None,
    )


def clause_rule(rule: RuleDoc, plan: PlanDoc) -> spec.Rule:
    """Return an edition's rule, with the numbers it leaves to the plan."""
    return spec.Rule(
        rule.name, rule.p0, rule.p1, beta=plan.beta, n_min=1, n_max=rule.n_max or plan.n_max
    )
