"""Pairs by betting: what is called worse is worse, whenever either of two campaigns stopped."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.decision import Rule, decide
from conformance.decision.betting import RISES, paths
from conformance.decision.paired import compare_pairs, share_alpha

ALPHA = 0.025
differences = st.lists(st.sampled_from([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0]), max_size=120)


def test_the_evidence_is_the_mean_of_the_bets_on_b_against_a():
    found = compare_pairs([-1.0, 0.5, -1.0], ALPHA)
    worse = sum((1 + u) * (1 - u / 2) * (1 + u) for u in RISES) / len(RISES)
    better = sum((1 - u) * (1 + u / 2) * (1 - u) for u in RISES) / len(RISES)
    assert math.isclose(10**found.log10_e_worse, worse)
    assert math.isclose(10**found.log10_e_better, better)
    assert (found.n, found.mean) == (3, -0.5)


def test_a_drop_seen_often_enough_is_worse_and_a_rise_is_better():
    assert compare_pairs([-1.0] * 6, ALPHA).finding == "no evidence"
    assert compare_pairs([-1.0] * 9, ALPHA).finding == "worse"
    assert compare_pairs([1.0] * 9, ALPHA).finding == "better"


def test_without_a_pair_nothing_is_known():
    found = compare_pairs([], ALPHA)
    assert (found.n, found.mean, found.lower, found.upper) == (0, None, -1.0, 1.0)
    assert (found.log10_e_worse, found.log10_e_better, found.finding) == (0, 0, "no evidence")


def test_pairs_of_several_streams_have_no_one_mean_and_so_no_interval():
    found = compare_pairs([-1.0] * 9, ALPHA, is_one_stream=False)
    assert (found.lower, found.upper, found.finding) == (None, None, "worse")


@given(differences)
def test_an_end_of_the_interval_leaves_zero_exactly_where_there_is_a_finding(ds):
    found = compare_pairs(ds, ALPHA)
    assert (found.upper < 0) == (found.finding == "worse")
    assert (found.lower > 0) == (found.finding == "better")
    assert -1 <= found.lower <= found.upper <= 1


@given(differences)
def test_a_against_b_is_the_mirror_of_b_against_a(ds):
    found, other = (compare_pairs([sign * d for d in ds], ALPHA) for sign in (1, -1))
    assert math.isclose(found.log10_e_worse, other.log10_e_better, abs_tol=1e-9)
    assert math.isclose(found.lower, -other.upper, abs_tol=1e-9)
    mirror = {"worse": "better", "better": "worse", "no evidence": "no evidence"}
    assert other.finding == mirror[found.finding]


@given(differences, st.integers(0, 200))
def test_what_came_out_the_same_neither_adds_evidence_nor_takes_any(ds, same):
    found, more = compare_pairs(ds, ALPHA), compare_pairs([*ds, *[0.0] * same], ALPHA)
    assert math.isclose(found.log10_e_worse, more.log10_e_worse, abs_tol=1e-9)
    assert found.finding == more.finding


@pytest.mark.parametrize("none", [1.5, -1.01, math.nan])
def test_a_difference_of_no_two_observations_is_refused(none):
    with pytest.raises(ValueError, match="an observation is a number in"):
        compare_pairs([0.0, none], ALPHA)


def test_half_of_the_error_is_for_all_pairs_and_the_rest_is_shared():
    assert share_alpha(0.05, 10) == (0.025, 0.0025)
    assert share_alpha(0.05, 0) == (0.025, 0.025)


# -- how often it errs ---------------------------------------------------------------------------


def same_ability(kind, size, rng):
    """Return the differences of two agents of whom neither is worse in the mean."""
    easy = rng.random(size)  # each instance's own chance, the same for both
    if kind == "instances of all difficulties":
        return (rng.random(size) < easy).astype(float) - (rng.random(size) < easy)
    if kind == "strong agents":
        return (rng.random(size) < 0.95).astype(float) - (rng.random(size) < 0.95)
    if kind == "each better at other instances":
        return np.where(easy < 0.5, 1.0, -1.0) * (rng.random(size) < 0.4)
    if kind == "rare great losses, many small gains":
        return np.where(easy < 0.1, -0.9, 0.1)
    if kind == "partial credit":
        return rng.beta(2, 1, size) - rng.beta(2, 1, size)
    return rng.choice([-1.0, 1.0], size)


KINDS = [
    "instances of all difficulties",
    "strong agents",
    "each better at other instances",
    "rare great losses, many small gains",
    "partial credit",
    "coins",
]


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_stops_when_it_looks_worst_errs_with_probability_alpha_at_most(kind):
    """The stop is the adversary's: the trial at which the evidence is greatest."""
    ds = same_ability(kind, (2000, 200), np.random.default_rng(6))
    worse, better = (paths((1 + sign * ds) / 2, 0.5)[0] for sign in (-1, 1))
    for alpha in (0.05, 0.025):
        assert (worse >= -math.log(alpha)).any(axis=1).mean() <= alpha
        assert (better >= -math.log(alpha)).any(axis=1).mean() <= alpha
    for run in range(10):  # these paths are what the shipped test returns
        found = compare_pairs(ds[run, :40].tolist(), ALPHA)
        assert math.isclose(found.log10_e_worse, worse[run, 39] / math.log(10), abs_tol=1e-9)


@pytest.mark.parametrize("mean", [-0.3, 0.0, 0.2])
def test_each_end_covers_the_mean_whenever_one_stops(mean):
    """An end misses the mean exactly where the wealth against it ever was enough."""
    rng = np.random.default_rng(7)
    ds = np.where(rng.random((1000, 200)) < (1 + mean) / 2, 1.0, -1.0)
    ds = np.where(rng.random(ds.shape) < 0.5, ds, mean)
    for sign in (1, -1):
        missed = paths((1 + sign * ds) / 2, (1 + sign * mean) / 2)[0] >= -math.log(ALPHA)
        assert missed.any(axis=1).mean() <= ALPHA
    for run in range(5):
        found = compare_pairs(ds[run].tolist(), ALPHA)
        low = paths((1 + ds[run : run + 1]) / 2, (1 + mean) / 2)[0][0, -1]
        assert (found.lower > mean) == (low >= -math.log(ALPHA))


RULE = Rule("betting", p0=0.80, p1=0.90, n_min=30, n_max=200)


def stops_of(ys):
    """Return after how many observations each campaign's own rule stops."""
    rises, falls = paths(ys, RULE.p0)
    ended = (rises >= -math.log(RULE.alpha)) | (falls >= -math.log(RULE.alpha_fail))
    ended[:, : RULE.n_min - 1] = False
    ended[:, -1] = True
    return ended.argmax(axis=1) + 1


def test_two_campaigns_that_stop_by_their_own_rules_and_why_their_estimates_are_not_compared():
    """Both solve 85 %, of two seeds. The last line: what comparing the estimates would do."""
    rng = np.random.default_rng(8)
    runs = np.arange(1500)
    a, b = ((rng.random((1500, RULE.n_max)) < 0.85).astype(float) for _ in range(2))
    n_a, n_b = stops_of(a), stops_of(b)
    for run in range(5):
        assert decide(RULE, a[run, : n_a[run] - 1].tolist()) is None
        assert decide(RULE, a[run, : n_a[run]].tolist()) is not None
    worse = paths((1 + a - b) / 2, 0.5)[0][runs, np.minimum(n_a, n_b) - 1]
    assert (worse >= -math.log(0.05)).mean() <= 0.05
    p_a, p_b = a.cumsum(axis=1)[runs, n_a - 1] / n_a, b.cumsum(axis=1)[runs, n_b - 1] / n_b
    error = np.sqrt(p_a * (1 - p_a) / n_a + p_b * (1 - p_b) / n_b)
    assert (p_b < p_a - 1.645 * error).mean() > 0.10


# -- what it finds -------------------------------------------------------------------------------


def power(p_a, p_b, n, shared, alpha=ALPHA, runs=1000):
    """Return how often a drop is found; ``shared`` of the instances are luck to neither."""
    rng = np.random.default_rng(9)
    a, b = rng.random((runs, n)), rng.random((runs, n))
    b = np.where(rng.random((runs, n)) < shared, a, b)
    ds = (b < p_b).astype(float) - (a < p_a)
    return float((paths((1 - ds) / 2, 0.5)[0][:, -1] >= -math.log(alpha)).mean())


@pytest.mark.parametrize(
    ("n", "shared", "at_least", "at_most"),
    [(100, 1.0, 0.84, 0.92), (150, 0.5, 0.62, 0.72), (300, 0.5, 0.95, 1.0), (300, 0.0, 0.82, 0.89)],
)
def test_a_drop_of_a_tenth_is_found_as_often_as_the_design_page_says(n, shared, at_least, at_most):
    assert at_least <= power(0.95, 0.85, n, shared) <= at_most
