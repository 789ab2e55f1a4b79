"""The betting process: its value, its interval, and the guarantee that both rest on."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from conformance.decision.betting import interval, paths, tally, wealth

scores = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1))
streams = st.lists(scores, min_size=0, max_size=60)
means = st.floats(0.02, 0.98)
levels = st.sampled_from([0.01, 0.05, 0.2])


def reference(ys, p0):
    """E⁺ and E⁻ as the reference writes them, by plain products."""

    def lam(q):
        return (q - p0) / (p0 * (1 - p0))

    rises = [min(lam(p0 + u * (1 - p0)), 0.999 / p0) for u in (0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1)]
    falls = [
        max(lam(p0 * (1 - v)), -0.999 / (1 - p0))
        for v in (0.0375, 0.075, 0.125, 0.1875, 0.25, 0.375, 0.5625)
    ]
    return tuple(
        np.mean([np.prod([1 + bet * (y - p0) for y in ys]) for bet in bets])
        for bets in (rises, falls)
    )


@pytest.mark.parametrize("p0", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("ys", [[1] * 17, [0] * 9, [1, 1, 0, 1, 0.5, 0.25, 1, 1]])
def test_the_wealth_is_the_formula_of_the_reference(ys, p0):
    rise, fall = wealth(tally(ys), p0)
    assert (math.exp(rise), math.exp(fall)) == pytest.approx(reference(ys, p0), rel=1e-9)


@given(streams, means)
@settings(max_examples=150, deadline=None)
def test_paths_give_the_wealth_of_every_prefix(ys, p0):
    rises, falls = paths(np.array([ys]).reshape(1, len(ys)), p0)
    for n in range(1, len(ys) + 1):
        assert (rises[0, n - 1], falls[0, n - 1]) == pytest.approx(
            wealth(tally(ys[:n]), p0), rel=1e-9, abs=1e-9
        )


@given(st.data(), streams, means)
@settings(max_examples=100, deadline=None)
def test_the_order_of_observations_does_not_matter(data, ys, p0):
    assert wealth(tally(data.draw(st.permutations(ys))), p0) == wealth(tally(ys), p0)


@pytest.mark.parametrize("n", [1, 10, 60])
@pytest.mark.parametrize("p0", [0.5, 0.8, 0.95])
def test_the_expected_wealth_is_one_at_p0_and_no_more_on_the_side_it_bets_against(n, p0):
    successes = np.arange(n + 1)
    both = np.exp([wealth(tally([1] * x + [0] * (n - x)), p0) for x in successes])
    at = {p: binom.pmf(successes, n, p) @ both for p in (p0 - 0.04, p0, p0 + 0.04)}
    assert at[p0] == pytest.approx([1, 1], rel=1e-9)
    assert at[p0 - 0.04][0] < 1 < at[p0 + 0.04][0]
    assert at[p0 + 0.04][1] < 1 < at[p0 - 0.04][1]


@given(streams, st.lists(means, min_size=2, max_size=6))
@settings(max_examples=150, deadline=None)
def test_the_wealth_against_a_higher_mean_is_never_more(ys, at):
    found = [wealth(tally(ys), mean) for mean in sorted(at)]
    for low, high in itertools.pairwise(found):
        assert high.rise <= low.rise + 1e-9
        assert high.fall >= low.fall - 1e-9


@given(streams, means, levels, levels)
@settings(max_examples=400, deadline=None)
def test_an_end_is_beyond_p0_exactly_where_the_wealth_rejects_p0(ys, p0, alpha, alpha_fail):
    counts = tally(ys)
    rise, fall = wealth(counts, p0)
    lower, upper = interval(counts, p0, alpha, alpha_fail)
    assert (lower > p0) == (rise >= -math.log(alpha))
    assert (upper < p0) == (fall >= -math.log(alpha_fail))
    assert 0 <= lower <= upper <= 1


@given(streams, means, st.integers(-4, 4))
@settings(max_examples=300, deadline=None)
def test_agreement_holds_at_the_very_boundary(ys, p0, ulps):
    """At levels within rounding of those at which the wealth just rejects p0."""
    counts = tally(ys)
    rise, fall = wealth(counts, p0)
    at = [math.exp(-log) * (1 + ulps * 2**-52) for log in (rise, fall)]
    alpha, alpha_fail = (level if 0 < level < 1 else 0.05 for level in at)
    lower, upper = interval(counts, p0, alpha, alpha_fail)
    assert (lower > p0) == (rise >= -math.log(alpha))
    assert (upper < p0) == (fall >= -math.log(alpha_fail))


@given(streams, means, means)
@settings(max_examples=150, deadline=None)
def test_the_interval_does_not_depend_on_where_the_search_starts(ys, one, other):
    counts = tally(ys)
    assert interval(counts, one, 0.05, 0.05) == pytest.approx(
        interval(counts, other, 0.05, 0.05), abs=1e-12
    )


def test_the_ends_lie_where_the_wealth_crosses_its_limit():
    counts = tally([1] * 90 + [0] * 10)
    lower, upper = interval(counts, 0.8, 0.05, 0.05)
    assert wealth(counts, lower - 1e-9).rise > math.log(20) > wealth(counts, lower + 1e-9).rise
    assert wealth(counts, upper - 1e-9).fall < math.log(20) < wealth(counts, upper + 1e-9).fall
    assert (lower, upper) == pytest.approx((0.7938, 0.9656), abs=1e-4)


def test_without_observations_the_interval_is_everything():
    assert interval(tally([]), 0.8, 0.05, 0.05) == (0, 1)


def test_only_failures_leave_the_lower_end_at_zero_and_only_successes_the_upper_at_one():
    assert interval(tally([0] * 40), 0.8, 0.05, 0.05).lower == 0
    assert interval(tally([1] * 40), 0.8, 0.05, 0.05).upper == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1e-9, 1 + 1e-9])
def test_an_observation_outside_the_unit_interval_is_refused(bad):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        tally([1.0, bad])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        paths([[1.0, bad]], 0.8)
