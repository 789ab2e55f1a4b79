"""Quantiles by nearest rank, MLPerf's bound, and the interval of a rate."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.profile.log import Spread
from conformance.profile.percentiles import (
    early_stopping_bound,
    percentiles_of,
    quantile,
    rate_interval,
    spread_of,
)

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("n", "share", "rank"),
    [
        *((1, 0.5, 1), (2, 0.5, 1), (3, 0.5, 2), (7, 0.0, 1), (7, 1.0, 7)),
        *((10, 0.9, 9), (11, 0.9, 10), (30, 0.9, 27)),
        # 0.55 * 20 and 0.07 * 100 are a little more than 11 and 7 in floating point.
        *((20, 0.55, 11), (100, 0.07, 7)),
        *((100, 0.99, 99), (101, 0.99, 100), (1000, 0.99, 990)),
    ],
)
def test_the_quantile_is_the_value_at_the_nearest_rank(n, share, rank):
    assert quantile(list(range(1, n + 1)), share) == rank


@given(VALUES, st.integers(0, 1000))
def test_the_quantile_is_the_smallest_seen_value_with_that_share_at_or_below(values, permille):
    share = Fraction(permille, 1000)
    found = quantile(sorted(values), float(share))

    fit = [v for v in values if sum(w <= v for w in values) >= share * len(values)]
    assert found == min(fit)


def test_no_values_have_no_quantile():
    nothing = percentiles_of([])

    assert nothing.n == 0
    assert {nothing.mean, nothing.p50, nothing.p90, nothing.p99, nothing.max} == {None}
    assert quantile([], 0.5) is None
    assert spread_of([]).n == 0


def test_percentiles_need_no_order():
    values = [float(value) for value in range(1, 101)]
    random.Random(1).shuffle(values)

    found = percentiles_of(values)

    assert (found.n, found.mean, found.p50, found.p90, found.p99, found.max) == (
        100, 50.5, 50.0, 90.0, 99.0, 100.0,
    )  # fmt: skip
    assert spread_of(values) == Spread(100, 50.0, 99.0, 100.0)


@pytest.mark.parametrize(("share", "least"), [(0.99, 662), (0.9, 64)])
def test_the_bound_begins_where_mlperf_says(share, least):
    assert early_stopping_bound(list(range(least - 1)), share) is None
    assert early_stopping_bound(list(range(least)), share) == least - 1
    assert all(early_stopping_bound(list(range(n)), share) is None for n in range(40))


@pytest.mark.parametrize(
    ("n", "discarded_above"),
    [(2048, 172), (2145, 181)],  # as published LoadGen summaries state for p90
)
def test_the_bound_discards_as_many_values_as_published_results(n, discarded_above):
    assert early_stopping_bound(list(range(1, n + 1)), 0.9) == n - discarded_above


@given(st.integers(662, 4000))
def test_the_bound_is_never_below_the_percentile(n):
    values = list(range(n))
    bound = early_stopping_bound(values, 0.99)

    assert bound is not None
    assert bound >= (quantile(values, 0.99) or math.inf)


def test_the_bound_holds_the_true_quantile_as_often_as_it_says():
    random_values = random.Random(7)
    held = 0
    for _ in range(400):
        values = sorted(random_values.random() for _ in range(700))
        bound = early_stopping_bound(values, 0.99)
        assert bound is not None
        held += bound >= 0.99

    assert held >= 390  # 99 % of 400 is 396; below 390 has a chance of 0.2 %


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.3084971),  # 1 - 0.025 ** (1 / 10)
        (10, 10, 0.6915029, 1.0),
        (5, 10, 0.1870860, 0.8129140),
        (90, 100, 0.8237774, 0.9509953),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_of_a_rate_is_that_of_clopper_and_pearson(successes, n, low, high):
    assert rate_interval(successes, n) == pytest.approx((low, high), abs=1e-6)


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.5, 0.99))
def test_the_interval_holds_the_rate_and_mirrors(successes, failures, confidence):
    n = successes + failures
    low, high = rate_interval(successes, n, confidence)

    assert 0 <= low <= (successes / n if n else 0.5) <= high <= 1
    assert rate_interval(failures, n, confidence) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(ValueError, match="successes"):
        rate_interval(successes, n)
