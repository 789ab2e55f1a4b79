"""Graded trials in a window of time: solved tasks an hour, joules, money and gCO2 each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.profile.document import DeviceEnergy, Energy, Inputs, SolvedPoint
from conformance.profile.gate_table import GATES
from conformance.profile.solved import (
    NS,
    Span,
    TimedTrial,
    TimedWindow,
    busy_span,
    price_basis,
    solved_point,
)
from conformance.profile.solved_gates import SOLVED_GATES


def trial(began: float, ended: float, *, solved: bool = True, **fields: Any) -> TimedTrial:
    made: dict[str, Any] = {"counts": True, "is_solved": solved} | fields
    return TimedTrial(round(began * NS), round(ended * NS), **made)


def steady(concurrency: int = 2, rounds: int = 10, solved: int | None = None) -> list[TimedTrial]:
    """Make slots that try one after the other, 10 s each; so many of all are solved."""
    solved = concurrency * rounds if solved is None else solved
    return [
        trial(10.0 * turn, 10.0 * (turn + 1), solved=turn * concurrency + slot < solved,
              input_tokens=1000, output_tokens=100)
        for turn in range(rounds)
        for slot in range(concurrency)
    ]  # fmt: skip


def energy(window_s: float = 100.0, **changes: Any) -> Energy:
    made: dict[str, Any] = {
        "window_s": window_s,
        "joules": 36_000.0,
        "idle_joules": 6_000.0,
        "uncertainty_j": 10.0,
        "average_w": 360.0,
        "devices": [],
        "valid": True,
        "reasons": [],
    }
    return Energy(**(made | changes))


def point(
    trials: list[TimedTrial],
    concurrency: int = 2,
    used: Energy | None = None,
    inputs: Inputs | None = None,
    **window: Any,
) -> SolvedPoint:
    made = TimedWindow(concurrency, tuple(trials), bundle="b" * 64, **window)
    return solved_point(made, used, inputs or Inputs())


def codes(found: SolvedPoint) -> list[str]:
    return [reason.code for reason in found.reasons]


def test_solved_tasks_an_hour_are_those_that_ended_inside_over_its_time() -> None:
    found = point(steady(solved=15))
    assert (found.trials, found.solved, found.window_trials, found.window_solved) == (20, 15) * 2
    assert found.window_s == 100.0
    assert found.solved_per_hour == pytest.approx(15 / 100 * 3600)
    assert found.solve_rate == 0.75
    assert (found.valid, found.reasons) == (True, [])
    assert found.bundle == "b" * 64


def test_the_solve_rate_has_clopper_and_pearsons_interval() -> None:
    found = point(steady(solved=15))
    # binom.test(15, 20) of R gives the same ends.
    assert found.solve_rate_low == pytest.approx(0.5089541, abs=1e-7)
    assert found.solve_rate_high == pytest.approx(0.9134285, abs=1e-7)


def test_the_window_ends_when_fewer_are_in_flight_for_good() -> None:
    trials = [*steady(2, 10), trial(100.0, 160.0, solved=False)]
    assert busy_span(trials, 2) == Span(0, 100 * NS)
    late = [*trials, trial(130.0, 150.0)]
    assert busy_span(late, 2) == Span(0, 150 * NS)
    assert busy_span(trials, 3) is None


def test_what_ends_after_the_window_is_in_the_solve_rate_and_in_no_rate_by_time() -> None:
    # A long trial that fails: left out of the rate, it would make the agent look better.
    trials = [*steady(2, 10), trial(95.0, 300.0, solved=False)]
    found = point(trials)
    assert found.window_s == 100.0
    assert (found.trials, found.solved) == (21, 20)
    assert (found.window_trials, found.window_solved) == (20, 20)
    assert found.solve_rate == pytest.approx(20 / 21)
    assert found.solved_per_hour == pytest.approx(720.0)


def test_trials_one_by_one_are_all_in_the_window() -> None:
    found = point(steady(1, 12), 1)
    assert (found.window_s, found.window_trials, found.valid) == (120.0, 12, True)


def test_where_one_ends_as_the_next_begins_they_were_not_at_work_at_once() -> None:
    assert busy_span(steady(1, 3), 2) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1), st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_a_window_begins_with_the_first_trial_and_holds_full_number_at_its_end(
    lives: list[tuple[int, int]], concurrency: int
) -> None:
    trials = [trial(began, began + length + 1) for began, length in lives]
    span = busy_span(trials, concurrency)

    def in_flight(at: float) -> int:
        return sum(each.began_ns <= at < each.ended_ns for each in trials)

    changes = sorted({each.ended_ns for each in trials})
    if span is None:
        assert all(in_flight(at - 1) < concurrency for at in changes)
        return
    assert span.start_ns == min(each.began_ns for each in trials)
    assert in_flight(span.end_ns - 1) >= concurrency
    assert all(in_flight(at - 1) < concurrency for at in changes if at > span.end_ns)


def test_joules_a_solved_task_hold_the_failed_ones_too() -> None:
    found = point(steady(solved=15), used=energy())
    assert found.j_per_solved_task == pytest.approx(36_000 / 15)
    assert found.j_per_solved_task_above_idle == pytest.approx(30_000 / 15)
    assert found.energy == energy()


def test_with_nothing_solved_nothing_is_said_of_a_solved_task() -> None:
    found = point(
        steady(solved=0), used=energy(), inputs=Inputs(price_per_hour=3.6, carbon_g_per_kwh=500.0)
    )
    assert found.solved_per_hour == 0.0
    assert found.solve_rate == 0.0
    assert found.solve_rate_high == pytest.approx(0.1684, abs=1e-4)
    assert found.j_per_solved_task is None
    assert found.j_per_solved_task_above_idle is None
    assert found.money_per_solved_task is None
    assert found.gco2_per_solved_task is None


def test_fast_and_wrong_is_worth_nothing() -> None:
    fast_and_wrong = [trial(n / 100, (n + 1) / 100, solved=False) for n in range(1000)]
    slow_and_right = steady(1, 12)
    assert point(fast_and_wrong, 1).solved_per_hour == 0.0
    assert (point(slow_and_right, 1).solved_per_hour or 0.0) == 360.0


@pytest.mark.parametrize(
    "used",
    [
        None,
        energy(valid=False),
        energy(joules=None, idle_joules=None),
        energy(window_s=102.0),
    ],
    ids=["none", "not valid", "unknown", "of another window"],
)
def test_energy_that_is_not_to_be_trusted_gives_no_figure(used: Energy | None) -> None:
    inputs = Inputs(carbon_g_per_kwh=500.0, price_per_kwh=0.2)
    found = point(steady(), used=used, inputs=inputs)
    assert found.j_per_solved_task is None
    assert found.gco2_per_solved_task is None
    assert found.money_per_solved_task is None
    assert found.solved_per_hour == 720.0


def test_energy_of_another_span_of_time_is_named() -> None:
    assert codes(point(steady(), used=energy(window_s=100.9))) == []
    assert codes(point(steady(), used=energy(window_s=101.1))) == ["power-window"]


def test_without_the_idle_draw_only_the_figure_above_it_is_missing() -> None:
    found = point(steady(), used=energy(idle_joules=None))
    assert found.j_per_solved_task == 1800.0
    assert found.j_per_solved_task_above_idle is None


def test_pue_is_in_carbon_and_money_and_not_in_joules() -> None:
    inputs = Inputs(pue=1.5, carbon_g_per_kwh=500.0, price_per_kwh=0.2)
    found = point(steady(), used=energy(), inputs=inputs)
    kwh = 36_000 / 3.6e6
    assert found.j_per_solved_task == 1800.0
    assert found.gco2_per_solved_task == pytest.approx(kwh * 1.5 * 500 / 20)
    assert found.money_per_solved_task == pytest.approx(kwh * 1.5 * 0.2 / 20)


def test_without_a_pue_it_is_1() -> None:
    found = point(steady(), used=energy(), inputs=Inputs(carbon_g_per_kwh=500.0))
    assert found.gco2_per_solved_task == pytest.approx(36_000 / 3.6e6 * 500 / 20)


def test_without_a_carbon_factor_or_a_price_there_is_no_figure() -> None:
    found = point(steady(), used=energy())
    assert found.gco2_per_solved_task is None
    assert found.money_per_solved_task is None


def test_the_price_of_an_hour_is_that_of_the_windows_time() -> None:
    found = point(steady(), inputs=Inputs(price_per_hour=36.0))
    assert found.money_per_solved_task == pytest.approx(36.0 * 100 / 3600 / 20)


def test_the_prices_of_tokens_are_paid_for_failed_trials_too() -> None:
    inputs = Inputs(price_per_million_input=2.0, price_per_million_output=8.0)
    found = point(steady(solved=10), inputs=inputs)
    assert found.output_tokens == 2000
    assert found.money_per_solved_task == pytest.approx((20_000 * 2 + 2_000 * 8) / 1e6 / 10)


@pytest.mark.parametrize(
    ("inputs", "changes"),
    [
        (Inputs(price_per_million_output=8.0), {}),
        (Inputs(price_per_million_input=2.0), {}),
        (
            Inputs(price_per_million_input=2.0, price_per_million_output=8.0),
            {"input_tokens": None},
        ),
        (
            Inputs(price_per_million_input=2.0, price_per_million_output=8.0),
            {"output_tokens": None},
        ),
    ],
)
def test_a_price_or_a_count_that_is_not_known_is_not_taken_for_0(
    inputs: Inputs, changes: dict[str, Any]
) -> None:
    trials = steady()
    trials[3] = msgspec.structs.replace(trials[3], **changes)
    assert point(trials, inputs=inputs).money_per_solved_task is None


def test_tokens_that_one_trial_does_not_tell_make_the_sum_unknown() -> None:
    trials = steady()
    trials[3] = msgspec.structs.replace(trials[3], output_tokens=None)
    assert point(trials).output_tokens is None


@pytest.mark.parametrize(
    ("inputs", "basis"),
    [
        (Inputs(), None),
        (Inputs(price_per_hour=0.0), "hour"),
        (Inputs(price_per_kwh=1.0, pue=1.2, carbon_g_per_kwh=1.0), "kwh"),
        (Inputs(price_per_million_input=1.0), "tokens"),
        (Inputs(price_per_million_output=1.0, price_per_million_input=1.0), "tokens"),
    ],
)
def test_money_is_reckoned_by_the_one_kind_of_price_there_is(
    inputs: Inputs, basis: str | None
) -> None:
    assert price_basis(inputs) == basis


@pytest.mark.parametrize(
    "inputs",
    [
        Inputs(price_per_hour=1.0, price_per_kwh=1.0),
        Inputs(price_per_hour=1.0, price_per_million_output=1.0),
        Inputs(price_per_kwh=1.0, price_per_million_input=1.0),
    ],
)
def test_two_kinds_of_price_would_pay_twice(inputs: Inputs) -> None:
    with pytest.raises(UsageError, match="twice"):
        point(steady(), inputs=inputs)


def test_too_few_trials_inside_make_no_headline() -> None:
    assert codes(point(steady(1, 10), 1)) == []
    (reason,) = point(steady(1, 9), 1).reasons
    assert (reason.code, reason.measured, reason.limit) == ("too-few-trials", 9, 10)
    assert codes(point(steady(4, 5), 4)) == []
    (reason,) = point(steady(4, 4), 4).reasons
    assert (reason.code, reason.measured, reason.limit) == ("too-few-trials", 16, 20)
    assert not point(steady(4, 4), 4).valid


def test_a_concurrency_that_was_never_reached_gives_no_window() -> None:
    found = point(steady(2), 3, used=energy())
    assert codes(found) == ["no-steady-window"]
    assert (found.window_s, found.solved_per_hour, found.j_per_solved_task) == (0.0, None, None)
    assert found.solve_rate == 1.0


def test_slots_that_stood_idle_are_named() -> None:
    # The second slot pauses for 30 of 100 s.
    trials = [each for each in steady(2, 10) if each.began_ns > 0 or each.ended_ns > 0]
    idle = [t for n, t in enumerate(trials) if not (n % 2 and 20 * NS <= t.began_ns < 50 * NS)]
    (reason,) = point(idle).reasons
    assert (reason.code, reason.measured) == ("concurrency-not-held", 0.85)


def test_trials_that_count_for_nothing_take_their_time_and_are_named() -> None:
    trials = steady(2, 10)
    trials[5] = msgspec.structs.replace(trials[5], counts=False, is_solved=False)
    found = point(trials)
    assert (found.trials, found.window_trials, found.solved_per_hour) == (19, 19, 19 * 36.0)
    assert found.valid
    trials[6] = msgspec.structs.replace(trials[6], counts=False, is_solved=False)
    (reason,) = point(trials).reasons
    assert (reason.code, reason.measured) == ("trials-uncounted", pytest.approx(0.1))


def test_a_suite_that_filled_its_own_core_is_named() -> None:
    assert codes(point(steady(), cpu_share=0.79)) == []
    assert codes(point(steady(), cpu_share=0.81)) == ["client-cpu"]


def test_a_clock_that_was_set_meanwhile_is_named() -> None:
    assert codes(point(steady(), clock_step_s=-0.04)) == []
    assert codes(point(steady(), clock_step_s=-0.06)) == ["clock-stepped"]


def test_no_trial_at_all_is_no_rate() -> None:
    found = point([])
    assert (found.solve_rate, found.solve_rate_low, found.solved_per_hour) == (None, None, None)
    assert not found.valid


def test_the_window_by_the_clock_of_the_power_log_is_kept_beside() -> None:
    window = TimedWindow(2, tuple(steady()), bundle="b")
    found = solved_point(window, None, Inputs(), monotonic=Span(5, 9))
    assert (found.start_ns, found.end_ns) == (5, 9)


def test_every_code_has_a_gate_in_both_languages() -> None:
    own = {"no-steady-window", "too-few-trials", "concurrency-not-held", "trials-uncounted",
           "client-cpu", "clock-stepped", "power-window"}  # fmt: skip
    assert own <= GATES.keys() | SOLVED_GATES.keys()
    for gate in SOLVED_GATES.values():
        assert gate.meaning.keys() == gate.mend.keys() == {"zh", "en"}


def test_a_device_that_is_not_trusted_leaves_the_figure_empty_with_its_reason() -> None:
    device = DeviceEnergy("d", None, "sampling", None, None, 0, None, None, 0.0)
    used = energy(joules=None, idle_joules=None, devices=[device], valid=False)
    found = point(steady(), used=used)
    assert found.j_per_solved_task is None
    assert found.energy is used
