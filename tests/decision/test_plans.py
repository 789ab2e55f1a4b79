"""The three plans: what each makes of a clause, and of a course."""

import pytest

from conformance.decision import (
    Claim,
    Rule,
    course_under_plan,
    drive,
    exit_code,
    horizon,
    under_plan,
)

from .synthetic import PLANS, Agent, clause, course, step, verdicts

STRICT = Rule("betting", p0=0.95, p1=0.99)
CLEAN = Rule("clean-run", p0=0.98, p1=0.999)


def test_screening_loosens_alpha_and_shortens_the_run():
    rule = under_plan(clause("L1-A"), PLANS["screen"]).rule
    assert (rule.alpha, rule.alpha_fail, rule.n_min, rule.n_max) == (0.20, 0.20, 20, 40)


@pytest.mark.parametrize("rule", [STRICT, CLEAN])
def test_screening_leaves_out_clean_runs_and_what_cannot_pass_within_n_max(rule):
    assert under_plan(clause("L1-A", rule=rule), PLANS["screen"]).not_run == "plan"
    assert under_plan(clause("L1-A", rule=rule), PLANS["certify"]).not_run is None


def test_a_plan_does_not_hide_a_reason_that_stood_before():
    pending = clause("L1-A", rule=CLEAN, not_run="pending")
    assert under_plan(pending, PLANS["screen"]).not_run == "pending"


def test_trust_is_not_screened():
    claim = Claim(level="L2", trust="T1")
    screened = course_under_plan(course(claim=claim), PLANS["screen"])
    agent = Agent()
    result = drive(screened, agent)
    assert result.level == "L2"
    assert verdicts(result)["T1-HON"] == ("not_run", "plan")
    assert "T1" not in agent.steps()
    assert exit_code(result, claim) == 5


def test_certifying_keeps_the_clauses_own_n_max_and_sets_alpha():
    own = Rule("betting", p0=0.60, p1=0.80, alpha=0.01, n_max=100)
    rule = under_plan(clause("L1-A", rule=own), PLANS["certify"]).rule
    assert (rule.alpha, rule.alpha_fail, rule.n_min, rule.n_max) == (0.05, 0.05, 30, 100)


def test_the_fixed_plan_splits_beta_over_the_clauses_of_a_step():
    clauses = [clause(f"L1-{name}") for name in "ABCDEFGH"]
    levels = (step("L1", *clauses, clause("L1-X", inapplicable="ICS 1")),)
    fixed = course_under_plan(course(levels=levels), PLANS["fixed"])
    rule = fixed.levels[0].clauses[0].rule
    assert (rule.name, rule.beta, horizon(rule)) == ("fixed", 0.10 / 8, 187)


def test_the_fixed_plan_leaves_a_clean_run_what_it_is():
    assert under_plan(clause("L1-A", rule=CLEAN), PLANS["fixed"]).rule == CLEAN


def test_the_fixed_plan_fixes_the_efficiency_class_too():
    rule = course_under_plan(course(), PLANS["fixed"]).efficiency_rule
    assert (rule.name, horizon(rule)) == ("fixed", 53)


def test_a_level_under_the_fixed_plan_takes_exactly_its_trials():
    levels = (step("L1", clause("L1-A"), clause("L1-B")),)
    fixed = course_under_plan(course(levels=levels, claim=Claim(level="L1")), PLANS["fixed"])
    result = drive(fixed, Agent(0.97))
    assert result.level == "L1"
    n = horizon(fixed.levels[0].clauses[0].rule)
    assert [item.judgement.n for item in result.clauses[:2]] == [n, n]
