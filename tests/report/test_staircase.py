"""The ladder as a picture: where its steps lie, and where the flag stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.evidence.documents import Words
from conformance.report.axes import Axis, Rung, graded_axes
from conformance.report.sources import read_evidence
from conformance.report.staircase import GROUND, ROW, WIDTH, staircase


def axis(*standings, held=None, title="a title", kind="agency"):
    """An axis whose rungs stand so; the one at place ``held`` is the result."""
    rungs = tuple(
        Rung(f"L{n}", Words(title, title), standing, Words("词", "word"), n - 1 == held, 2, 3)
        for n, standing in enumerate(standings, 1)
    )
    return Axis(kind, Words("轴", "axis"), "L1", None, None, rungs)


def test_each_step_lies_higher_and_begins_farther_in_than_the_one_below():
    steps = staircase(axis("held", "fail", "not_run")).steps
    assert [step.id for step in steps] == ["L3", "L2", "L1"]
    assert [step.y for step in steps] == sorted(step.y for step in steps)
    assert [step.x for step in steps] == sorted((step.x for step in steps), reverse=True)


def test_the_flag_stands_on_the_step_that_is_held():
    stairs = staircase(axis("held", "held", "fail", held=1))
    held = next(step for step in stairs.steps if step.id == "L2")
    assert stairs.flag[1] == held.y
    assert held.x < stairs.flag[0] < next(s for s in stairs.steps if s.id == "L3").x


def test_where_nothing_is_held_the_flag_stands_on_the_ground_before_the_first_step():
    stairs = staircase(axis("fail", "not_run"))
    assert stairs.flag[1] == stairs.height - GROUND
    assert stairs.flag[0] < stairs.steps[-1].x


def test_the_best_class_is_the_highest_step(oracle):
    efficiency = graded_axes(read_evidence(oracle).summary)[2]
    stairs = staircase(efficiency)
    assert [step.id for step in stairs.steps] == ["A", "B", "C", "D", "E"]
    assert stairs.flag[1] == stairs.steps[0].y
    assert {step.href for step in stairs.steps} == {"#efficiency"}


def test_a_step_says_how_many_of_its_clauses_passed_and_leads_to_them(liar):
    stairs = staircase(graded_axes(read_evidence(liar).summary)[0])
    assert (stairs.steps[-1].share, stairs.steps[-1].href) == ("0/3", "#step-L1")
    assert stairs.steps[0].share == ""


def test_a_title_that_does_not_fit_is_cut():
    step = staircase(axis("held", title="a title that goes on and on and on, and on, and on"))
    assert step.steps[0].title.en.endswith("…")
    assert staircase(axis("held", title="短")).steps[0].title.zh == "短"


def test_an_axis_without_steps_has_no_picture():
    assert staircase(axis()) is None


@given(st.integers(1, 40), st.text(max_size=200))
def test_any_ladder_stays_within_its_picture(count, title):
    stairs = staircase(axis(*["held"] * count, held=count - 1, title=title))
    assert stairs.width == WIDTH
    for step in stairs.steps:
        assert 0 < step.x < step.x + step.width == pytest.approx(WIDTH, abs=0.2)
        assert 0 < step.y <= stairs.height - GROUND - ROW
