"""The path of a clause's e-values: the same numbers as the decision's, drawn inside the picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.decision import Rule, judge
from conformance.report.evidence_path import FLOOR, evidence_path
from conformance.report.sources import read_evidence

BETTING = Rule("betting", 0.9, 0.97)
CLEAN = Rule("clean-run", 0.98, 0.999)


def places(line):
    return [tuple(map(float, pair.split(","))) for pair in line.points.split()]


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=80))
def test_it_ends_at_the_e_values_of_the_judgement(values):
    rise, fall = evidence_path(BETTING, values).lines
    judged = judge(BETTING, values)
    assert rise.log10[-1] == pytest.approx(judged.log10_e_pass)
    assert fall.log10[-1] == pytest.approx(judged.log10_e_fail)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_it_stays_inside_its_box_and_goes_forward(values):
    path = evidence_path(BETTING, values)
    left, top, right, bottom = path.box
    for line in path.lines:
        found = places(line)
        assert len(found) == len(values) + 1
        assert [x for x, _ in found] == sorted(x for x, _ in found)
        assert all(left <= x <= right and top <= y <= bottom for x, y in found)
    assert all(top <= limit.y <= bottom for limit in path.limits)


def test_it_begins_at_one_and_crosses_the_limit_where_the_clause_passed():
    path = evidence_path(BETTING, [1.0] * 39)
    rise, _ = path.lines
    one = next(mark.at for mark in path.up if mark.label == "1")
    assert places(rise)[0][1] == one
    limit = path.limits[0]
    assert limit.label == "1/α = 20"
    assert places(rise)[-1][1] <= limit.y < places(rise)[-2][1]
    assert "reached 20 at observation 39" in path.sentence.en
    assert "第 39 次观测达到 20" in path.sentence.zh
    assert "E⁻ (dashed) never reached 20" in path.sentence.en


def test_where_evidence_was_enough_before_a_verdict_could_fall_the_line_says_so():
    path = evidence_path(BETTING, [0.0] * 30)
    first = next(n for n, log in enumerate(path.lines[1].log10, 1) if log >= 1.30103)
    assert first < 30
    assert f"E⁻ (dashed) reached 20 at observation {first}." in path.sentence.en
    assert "No verdict falls before observation 30" in path.sentence.en
    assert path.least == places(path.lines[0])[30][0]


def test_two_limits_are_drawn_where_pass_and_fail_ask_for_different_ones():
    path = evidence_path(Rule("betting", 0.9, 0.97, alpha=0.01, alpha_fail=0.05), [1.0] * 5)
    assert [limit.label for limit in path.limits] == ["1/α = 100", "1/α⁻ = 20"]
    assert path.limits[0].y < path.limits[1].y


def test_a_path_that_falls_far_is_drawn_at_the_floor():
    rise, _ = evidence_path(BETTING, [0.0] * 60).lines
    assert rise.log10[-1] < FLOOR
    assert places(rise)[-1][1] == evidence_path(BETTING, [0.0] * 60).box[3]


def test_what_leaves_the_picture_is_said_to():
    told = "What lies beyond the frame is drawn along its edge."
    assert told in evidence_path(BETTING, [0.0] * 60).sentence.en
    assert told not in evidence_path(BETTING, [1.0] * 39).sentence.en


def test_a_clean_run_bets_on_a_fail_alone():
    path = evidence_path(CLEAN, [1.0] * 20)
    assert [line.name for line in path.lines] == ["fail"]
    assert "149 trials without a violation" in path.sentence.en
    assert path.least is None


def test_a_rule_that_does_not_bet_and_a_clause_without_observations_have_none():
    assert evidence_path(Rule("fixed", 0.8, 0.9), [1.0] * 10) is None
    assert evidence_path(BETTING, []) is None


def test_observations_past_the_horizon_are_not_drawn():
    short = Rule("betting", 0.9, 0.97, n_min=5, n_max=10)
    assert len(evidence_path(short, [1.0] * 12).lines[0].log10) == 10


def test_every_clause_of_a_bundle_ends_where_its_summary_says(oversteps):
    evidence = read_evidence(oversteps)
    drawn = 0
    for clause in evidence.summary.clauses:
        own = sorted(
            (o for o in evidence.observations if o.clause == clause.id), key=lambda o: o.index
        )
        path = evidence_path(clause.rule, [o.value or 0.0 for o in own])
        if path is None:
            continue
        drawn += 1
        ends = {line.name: line.log10[-1] for line in path.lines}
        told = {"pass": clause.judgement.log10_e_pass, "fail": clause.judgement.log10_e_fail}
        for name, end in ends.items():
            assert end == pytest.approx(told[name])
    assert drawn == 5
