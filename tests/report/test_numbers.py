"""Numbers as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.decision.rules import Judgement
from conformance.report.numbers import (
    e_value,
    ends,
    limit,
    percent,
    percent_ends,
    seconds,
)


def judgement(lower, upper):
    return Judgement("pass", None, 30, 0.9, lower, upper, 0.0, 0.0, can_pass=True)


def test_an_interval_is_rounded_outwards():
    assert ends(judgement(0.9016, 0.9951), 0.8) == ("0.901", "0.996")


def test_an_end_is_never_rounded_on_to_its_limit():
    assert ends(judgement(0.98009, 1.0), 0.98) == ("0.98009", "1.000")
    assert ends(judgement(0.5, 0.89996), 0.9)[1] == "0.89996"


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9, 0.98]))
def test_what_is_printed_stands_where_the_numbers_stand(a, b, p0):
    lower, upper = sorted((a, b))
    shown = ends(judgement(lower, upper), p0)
    if abs(lower - p0) > 1e-5:
        assert (float(shown[0]) > p0) == (lower > p0)
    if abs(upper - p0) > 1e-5:
        assert (float(shown[1]) < p0) == (upper < p0)
    assert float(shown[0]) <= lower + 1e-6
    assert float(shown[1]) >= upper - 1e-6


def test_percent_has_a_place_only_where_it_says_something():
    assert [percent(value) for value in (0, 1, 0.227, 0.9)] == ["0%", "100%", "22.7%", "90%"]
    assert percent_ends(judgement(0.98009, 1.0), 0.98) == ("98.009%", "100%")


def test_e_values_are_plain_or_with_a_power_of_ten():
    assert e_value(math.log10(21.3)) == "21.3"
    assert e_value(22.6) == "4.0×10²²"
    assert e_value(-3.0) == "1.0×10⁻³"
    assert e_value(None) == "–"


def test_limits_have_two_places_or_more():
    assert [limit(0.9), limit(0.98), limit(0.985)] == ["0.90", "0.98", "0.985"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0004, "< 1 ms"), (0.25, "250 ms"), (5.04, "5.0 s"), (61, "1 min 01 s")],
)
def test_durations_have_the_unit_that_fits(value, shown):
    assert seconds(value) == shown
