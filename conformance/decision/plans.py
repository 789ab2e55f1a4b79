"""The plans: how a campaign's purpose changes the rules of the edition's clauses."""

from __future__ import annotations

import msgspec

from conformance.decision.rules import fewest_to_pass
from conformance.decision.spec import Clause, Course, Rule, Step

NOT_IN_PLAN = "plan"


class Plan(msgspec.Struct, frozen=True):
    """What a plan changes; None leaves a clause its own number."""

    name: str
    alpha: float = 0.05
    """Replaces alpha and alpha_fail of every rule."""
    n_min: int | None = None
    n_max: int | None = None
    """An upper limit; a clause keeps its own where that is lower."""
    is_fixed: bool = False
    """Betting clauses take the exact plan, with beta split over the clauses of their step."""
    is_screening: bool = False
    """Clean runs and trust are left out."""


def rule_under_plan(rule: Rule, plan: Plan, siblings: int = 1) -> Rule:
    """Return the rule as ``plan`` has it.

    Args:
        rule: The edition's rule.
        plan: The plan.
        siblings: How many clauses must pass together. All must, so each is tested at the full
            alpha (intersection-union); only the chance to miss is split, beta / siblings.
    """
    n_max = min(rule.n_max, plan.n_max or rule.n_max)
    changed = msgspec.structs.replace(
        rule,
        alpha=plan.alpha,
        alpha_fail=plan.alpha,
        n_min=min(plan.n_min or rule.n_min, n_max),
        n_max=n_max,
    )
    if plan.is_fixed and rule.name == "betting":
        return msgspec.structs.replace(changed, name="fixed", beta=rule.beta / siblings)
    return changed


def under_plan(clause: Clause, plan: Plan, siblings: int = 1) -> Clause:
    """Return the clause under ``plan``; ``not_run`` (plan) where the plan could not pass it."""
    rule = rule_under_plan(clause.rule, plan, siblings)
    left_out = plan.is_screening and (rule.name == "clean-run" or fewest_to_pass(rule) is None)
    return msgspec.structs.replace(
        clause, rule=rule, not_run=clause.not_run or (NOT_IN_PLAN if left_out else None)
    )


def course_under_plan(course: Course, plan: Plan) -> Course:
    """Return the course under ``plan``; a screening leaves the trust axis out."""
    trust = tuple(_step_under_plan(step, plan) for step in course.trust)
    return msgspec.structs.replace(
        course,
        levels=tuple(_step_under_plan(step, plan) for step in course.levels),
        trust=tuple(map(_left_out, trust)) if plan.is_screening else trust,
        efficiency_rule=rule_under_plan(course.efficiency_rule, plan),
    )


def _step_under_plan(step: Step, plan: Plan) -> Step:
    siblings = sum(clause.inapplicable is None for clause in step.clauses)
    return Step(step.id, tuple(under_plan(clause, plan, siblings) for clause in step.clauses))


def _left_out(step: Step) -> Step:
    return Step(
        step.id,
        tuple(
            msgspec.structs.replace(clause, not_run=clause.not_run or NOT_IN_PLAN)
            for clause in step.clauses
        ),
    )
