"""Operating characteristics, exact: the bars of the design and the tables of the reference."""

import random

import pytest
from scipy.stats import binom

from conformance.decision import Rule, characteristics, clean_run_length, decide, fixed_plan
from conformance.decision.betting import interval, tally
from conformance.decision.characteristics import _bounds

LIMITS = (0.50, 0.60, 0.70, 0.80, 0.90, 0.95)


def betting(p0, **numbers):
    return Rule("betting", p0=p0, p1=(1 + p0) / 2, **numbers)


@pytest.mark.parametrize("n_max", [100, 300])
@pytest.mark.parametrize("n_min", [1, 30])
@pytest.mark.parametrize("p0", LIMITS)
def test_at_p0_a_pass_and_a_fail_are_each_an_error_of_five_percent_at_most(p0, n_min, n_max):
    found = characteristics(betting(p0, n_min=n_min, n_max=n_max), p0)
    assert 0.005 < found.p_pass <= 0.05
    assert 0.005 < found.p_fail <= 0.05


def test_the_error_stays_below_alpha_if_it_is_looked_for_after_every_one_of_a_thousand_trials():
    found = characteristics(betting(0.80, n_min=1, n_max=1000), 0.80)
    assert found.p_pass == pytest.approx(0.047, abs=0.006)
    assert found.p_fail == pytest.approx(0.036, abs=0.006)
    assert found.p_pass <= 0.05


def test_a_screening_errs_within_its_own_alpha():
    rule = betting(0.80, alpha=0.20, alpha_fail=0.20, n_min=20, n_max=40)
    assert 0.05 < characteristics(rule, 0.80).p_pass <= 0.20


def test_a_strong_agent_needs_at_most_half_the_trials_of_the_fixed_plan():
    rule = Rule("betting", p0=0.80, p1=0.90)
    fixed = fixed_plan(0.80, 0.90, 0.05, 0.05, 0.10).n
    assert fixed == 112
    assert characteristics(rule, 0.95).expected_n <= fixed / 2
    assert characteristics(rule, 0.95).p_pass > 0.9999


@pytest.mark.parametrize(
    ("p", "p_pass", "p_fail", "n"),
    [
        (0.60, 0.00, 1.00, 36),
        (0.70, 0.00, 0.92, 124),
        (0.75, 0.01, 0.37, 236),
        (0.78, 0.02, 0.09, 278),
        (0.80, 0.04, 0.04, 282),
        (0.85, 0.41, 0.00, 232),
        (0.90, 0.99, 0.00, 95),
        (0.95, 1.00, 0.00, 37),
        (1.00, 1.00, 0.00, 18),
    ],
)
def test_the_row_of_the_reference_that_was_simulated_without_n_min(p, p_pass, p_fail, n):
    found = characteristics(Rule("betting", p0=0.80, p1=0.90, n_min=1), p)
    assert found.p_pass == pytest.approx(p_pass, abs=0.015)
    assert found.p_fail == pytest.approx(p_fail, abs=0.015)
    assert found.expected_n == pytest.approx(n, abs=3)


def test_the_fixed_rule_has_the_risks_of_the_binomial():
    n, accept, reject = fixed_plan(0.80, 0.90, 0.05, 0.05, 0.10)
    for p in (0.75, 0.80, 0.90):
        found = characteristics(Rule("fixed", p0=0.80, p1=0.90), p)
        assert found.p_pass == pytest.approx(binom.sf(accept - 1, n, p), abs=1e-12)
        assert found.p_fail == pytest.approx(binom.cdf(reject, n, p), abs=1e-12)
        assert found.expected_n == pytest.approx(n)


@pytest.mark.parametrize("p0", [0.98, 0.99])
def test_a_clean_run_passes_with_p_to_the_n(p0):
    rule = Rule("clean-run", p0=p0, p1=0.9999)
    n = clean_run_length(p0, 0.05)
    for p in (p0, 0.999):
        assert characteristics(rule, p).p_pass == pytest.approx(p**n, abs=1e-12)
    assert characteristics(rule, p0).p_pass <= 0.05
    assert characteristics(rule, p0).p_fail <= 0.05


@pytest.mark.parametrize(
    ("rule", "p"),
    [
        (betting(0.80, n_max=100), 0.85),
        (Rule("clean-run", p0=0.90, p1=0.99), 0.95),
        (Rule("fixed", p0=0.60, p1=0.80), 0.75),
    ],
)
def test_the_exact_figures_are_those_of_a_simulation_of_the_rule(rule, p):
    rng = random.Random(7)
    runs = 600
    count = {"pass": 0, "fail": 0, "inconclusive": 0}
    total = 0
    for _ in range(runs):
        ys = []
        while (decision := decide(rule, ys)) is None:
            ys.append(float(rng.random() < p))
        count[decision.verdict] += 1
        total += len(ys)
    found = characteristics(rule, p)
    assert count["pass"] / runs == pytest.approx(found.p_pass, abs=0.06)
    assert count["fail"] / runs == pytest.approx(found.p_fail, abs=0.06)
    assert count["inconclusive"] / runs == pytest.approx(found.p_inconclusive, abs=0.06)
    assert total / runs == pytest.approx(found.expected_n, rel=0.06)


def stopping_states(rule, p):
    """Where a rule stops, and how likely: {(n, successes): probability}. Exact."""
    alive, stopped = {0: 1.0}, {}
    bounds = _bounds(rule)
    for n, (accept, reject) in enumerate(bounds, start=1):
        step = {}
        for x, chance in alive.items():
            step[x + 1] = step.get(x + 1, 0) + chance * p
            step[x] = step.get(x, 0) + chance * (1 - p)
        ended = n == len(bounds)
        stopped |= {(n, x): c for x, c in step.items() if ended or x >= accept or x <= reject}
        alive = {x: c for x, c in step.items() if (n, x) not in stopped}
    return stopped


@pytest.mark.parametrize("n_min", [1, 30])
def test_each_end_of_the_interval_covers_at_the_stopping_time(n_min):
    rule = Rule("betting", p0=0.80, p1=0.90, n_min=n_min)
    truths = (0.60, 0.70, 0.75, 0.78, 0.80, 0.82, 0.85, 0.90, 0.95, 0.99)
    ends = {}
    for p in truths:
        missed_below = missed_above = 0.0
        for (n, x), chance in stopping_states(rule, p).items():
            if (n, x) not in ends:
                ends[n, x] = interval(tally([1] * x + [0] * (n - x)), 0.80, 0.05, 0.05)
            lower, upper = ends[n, x]
            missed_below += chance * (lower > p)
            missed_above += chance * (upper < p)
        assert missed_below <= 0.05, p
        assert missed_above <= 0.05, p
