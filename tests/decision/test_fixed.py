"""The exact plan and its interval, against the reference's table and scipy."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from conformance.decision.betting import tally
from conformance.decision.fixed import exact_interval, fixed_plan, successes

TABLE = [
    (0.50, 0.70, 0.10, 53, 33, 20, 0.0492, 0.914),
    (0.60, 0.75, 0.10, 85, 59, 43, 0.0468, 0.904),
    (0.80, 0.85, 0.10, 501, 416, 385, 0.0482, 0.901),
    (0.80, 0.90, 0.10, 112, 97, 81, 0.0467, 0.908),
    (0.80, 0.95, 0.10, 44, 40, 30, 0.0440, 0.933),
    (0.90, 0.97, 0.10, 103, 98, 86, 0.0479, 0.910),
    (0.95, 0.99, 0.10, 153, 150, 140, 0.0494, 0.932),
    (0.99, 0.999, 0.10, 473, 472, 463, 0.0498, 0.918),
    (0.80, 0.90, 0.10 / 3, 153, 131, 113, 0.0467, 0.969),
    (0.80, 0.90, 0.10 / 5, 170, 145, 126, 0.0478, 0.981),
    (0.80, 0.90, 0.10 / 8, 187, 159, 139, 0.0483, 0.988),
    (0.80, 0.90, 0.10 / 12, 198, 168, 148, 0.0495, 0.992),
]


@pytest.mark.parametrize(("p0", "p1", "beta", "n", "c", "d", "risk", "power"), TABLE)
def test_the_plan_is_the_row_of_the_reference(p0, p1, beta, n, c, d, risk, power):
    assert fixed_plan(p0, p1, 0.05, 0.05, beta) == (n, c, d)
    assert binom.sf(c - 1, n, p0) == pytest.approx(risk, abs=5e-5)
    assert binom.sf(c - 1, n, p1) == pytest.approx(power, abs=1e-3)
    assert binom.cdf(d, n, p0) <= 0.05 < binom.cdf(d + 1, n, p0)


@pytest.mark.parametrize(("p0", "p1", "beta", "n"), [row[:4] for row in TABLE if row[3] < 200])
def test_no_shorter_plan_would_do(p0, p1, beta, n):
    for shorter in range(1, n):
        below = np.arange(-1, shorter + 1)  # the pass mark less one
        allowed = binom.sf(below, shorter, p0) <= 0.05
        assert (binom.sf(below[allowed], shorter, p1) < 1 - beta).all()


def test_a_plan_that_can_fail_nobody_says_so():
    assert fixed_plan(0.01, 0.9, 0.05, 0.05, 0.1).reject == -1


def test_p1_too_near_p0_is_refused():
    with pytest.raises(ValueError, match="no plan up to"):
        fixed_plan(0.8, 0.8001, 0.05, 0.05, 0.1)


def test_fractions_are_floored_for_a_pass_and_ceiled_for_a_fail():
    assert successes(tally([1, 1, 0.99, 0.01, 0])) == (2, 4)


@pytest.mark.parametrize("x", [0, 1, 80, 97, 111, 112])
def test_the_interval_is_clopper_and_pearsons(x):
    both = binomtest(x, 112).proportion_ci(0.90, method="exact")
    assert exact_interval(112, x, x, 0.05, 0.05) == pytest.approx((both.low, both.high), abs=1e-12)


def test_missing_trials_count_against_both_ends():
    whole = exact_interval(112, 60, 60, 0.05, 0.05)
    cut = exact_interval(112, 50, 60, 0.05, 0.05)
    assert cut.lower < whole.lower
    assert cut.upper == whole.upper
