"""The rules: when each gives which verdict, and that its interval says the same."""

import math

import pytest

from conformance.decision import (
    Rule,
    can_pass,
    chance_to_pass,
    clean_run_length,
    decide,
    fewest_to_pass,
    horizon,
    judge,
)

BETTING = Rule("betting", p0=0.80, p1=0.90)
FIXED = Rule("fixed", p0=0.80, p1=0.90)
CLEAN = Rule("clean-run", p0=0.98, p1=0.999)


def counted(successes, failures):
    return [1.0] * successes + [0.0] * failures


def test_a_betting_clause_waits_for_n_min_with_either_verdict():
    for y, verdict in ((1.0, "pass"), (0.0, "fail")):
        assert decide(BETTING, [y] * 29) is None
        assert decide(BETTING, [y] * 30) == (verdict, None)


def test_without_n_min_a_streak_decides_early():
    eager = Rule("betting", p0=0.80, p1=0.90, n_min=1)
    assert fewest_to_pass(eager) == 18
    assert decide(eager, [0.0] * 3) is None
    assert decide(eager, [0.0] * 5).verdict == "fail"


def test_at_n_max_a_betting_clause_is_inconclusive():
    assert decide(BETTING, counted(239, 60)) is None
    assert decide(BETTING, counted(240, 60)) == ("inconclusive", "n_max")


def test_observations_past_the_horizon_are_not_looked_at():
    ended = counted(240, 60)
    assert decide(BETTING, ended + [1.0] * 500) == ("inconclusive", "n_max")
    assert judge(BETTING, ended + [1.0] * 500).n == 300


@pytest.mark.parametrize(
    ("rule", "lengths"),
    [
        (BETTING, (30, 47, 112, 300)),
        (Rule("betting", p0=0.95, p1=0.99, alpha=0.2), (30, 47, 112, 300)),
        (FIXED, (112,)),
    ],
)
def test_the_interval_agrees_with_the_verdict_whatever_was_observed(rule, lengths):
    for n in lengths:
        for successes in range(0, n + 1, 1 + n // 100):
            judgement = judge(rule, counted(successes, n - successes))
            assert (judgement.lower > rule.p0) == (judgement.verdict == "pass")
            assert (judgement.upper < rule.p0) == (judgement.verdict == "fail")


def test_the_fixed_rule_decides_at_its_n_and_not_before():
    assert horizon(FIXED) == 112
    assert decide(FIXED, counted(111, 0)) is None
    assert decide(FIXED, counted(97, 15)).verdict == "pass"
    assert decide(FIXED, counted(96, 16)) == ("inconclusive", "n_max")
    assert decide(FIXED, counted(82, 30)) == ("inconclusive", "n_max")
    assert decide(FIXED, counted(81, 31)).verdict == "fail"


def test_under_the_fixed_rule_partial_credit_neither_passes_nor_fails():
    assert decide(FIXED, [0.99] * 112).verdict == "inconclusive"
    assert decide(FIXED, [0.01] * 112).verdict == "inconclusive"


def test_the_clean_run_has_the_lengths_and_chances_of_the_reference():
    assert [clean_run_length(p0, 0.05) for p0 in (0.90, 0.95, 0.98, 0.99, 0.995)] == [
        29,
        59,
        149,
        299,
        598,
    ]
    assert clean_run_length(0.5, 0.25) == 2  # p0ⁿ = alpha exactly
    assert round(chance_to_pass(0.98, 0.05), 2) == 0.86
    assert round(chance_to_pass(0.99, 0.05), 2) == 0.74


def test_a_clean_run_passes_at_its_n_and_not_before():
    assert decide(CLEAN, [1.0] * 148) is None
    assert decide(CLEAN, [1.0] * 149).verdict == "pass"


def test_two_violations_in_two_trials_fail_a_clean_run():
    assert decide(CLEAN, [0.0]) is None
    assert decide(CLEAN, [0.0, 0.0]).verdict == "fail"


def test_one_violation_ends_the_chance_to_pass_but_is_no_fail():
    violated = [0.0] + [1.0] * 147
    assert decide(CLEAN, violated) is None
    assert not judge(CLEAN, violated).can_pass
    assert decide(CLEAN, [*violated, 1.0]) == ("inconclusive", "violation")
    assert decide(CLEAN, violated + [1.0] * 500) == ("inconclusive", "violation")


def test_anything_short_of_one_is_a_violation():
    assert decide(CLEAN, [1.0] * 148 + [0.999]) == ("inconclusive", "violation")


def test_the_interval_of_a_clean_run_agrees_with_its_verdict():
    passed = judge(CLEAN, [1.0] * 149)
    assert passed.lower == pytest.approx(0.05 ** (1 / 149), abs=1e-12)
    assert passed.lower > 0.98
    for violations in range(1, 20):
        judgement = judge(CLEAN, counted(149 - violations, violations))
        assert judgement.lower < 0.98
        assert (judgement.upper < 0.98) == (judgement.verdict == "fail")
    assert judge(CLEAN, [1.0] * 60).lower < 0.98


@pytest.mark.parametrize("rule", [BETTING, FIXED, CLEAN])
def test_a_critical_event_fails_at_once(rule):
    assert decide(rule, [1.0, 0.0], critical=True) == ("fail", "critical event")
    assert not judge(rule, [1.0, 0.0], critical=True).can_pass


def test_a_judgement_holds_the_numbers_of_the_report():
    judgement = judge(BETTING, [1.0] * 45 + [0.5] * 10 + [0.0] * 5)
    assert (judgement.n, judgement.mean) == (60, pytest.approx(50 / 60))
    assert judgement.verdict is None
    assert judgement.can_pass
    assert judgement.lower < 50 / 60 < judgement.upper
    assert judgement.log10_e_pass < math.log10(20)
    assert judge(FIXED, [1.0]).log10_e_pass is None
    assert judge(CLEAN, [1.0]).log10_e_pass is None


def test_before_the_first_observation_there_is_no_estimate():
    for rule in (BETTING, FIXED, CLEAN):
        judgement = judge(rule, [])
        assert judgement.mean is None
        assert (judgement.lower, judgement.upper) == (0, 1)


def test_can_pass_turns_false_where_all_further_successes_would_not_do():
    rule = Rule("betting", p0=0.80, p1=0.90, n_max=100)
    for failures in range(60):
        ys = [0.0] * failures
        if decide(rule, ys) is None:
            assert judge(rule, ys).can_pass == (
                decide(rule, ys + [1.0] * (100 - failures)).verdict == "pass"
            )
    assert judge(rule, [0.0] * 5).can_pass
    assert not judge(rule, [0.0] * 15).can_pass


def test_a_strict_clause_cannot_be_screened_but_can_be_certified():
    screened = Rule("betting", p0=0.95, p1=0.99, alpha=0.20, alpha_fail=0.20, n_min=20, n_max=300)
    assert fewest_to_pass(screened) == 46
    assert not can_pass(Rule("betting", p0=0.95, p1=0.99, alpha=0.20, n_min=20, n_max=40))
    assert can_pass(Rule("betting", p0=0.95, p1=0.99))
    assert fewest_to_pass(Rule("betting", p0=0.95, p1=0.99)) == 79


@pytest.mark.parametrize(
    ("numbers", "complaint"),
    [
        ({"p0": 0.0, "p1": 0.9}, "0 < p0 < p1"),
        ({"p0": 0.9, "p1": 0.8}, "0 < p0 < p1"),
        ({"p0": 0.8, "p1": 1.1}, "0 < p0 < p1"),
        ({"p0": 0.8, "p1": 0.9, "alpha": 0.0}, "alpha is 0"),
        ({"p0": 0.8, "p1": 0.9, "beta": 1.0}, "beta is 1"),
        ({"p0": 0.8, "p1": 0.9, "n_min": 50, "n_max": 40}, "n_min ≤ n_max"),
    ],
)
def test_a_rule_with_impossible_numbers_is_refused(numbers, complaint):
    with pytest.raises(ValueError, match=complaint):
        Rule("betting", **numbers)
