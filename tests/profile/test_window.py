"""The steady window follows the number in flight, not the clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.profile.shape import Closed, Open, Trace
from conformance.profile.window import steady_window
from tests.profile.logs import MS, Stream, closed_log, failed, log_of, request

FLAT = Stream(ttft=100.0, events=1)
"""An answer of 100 ms."""


def _window(log):
    window = steady_window(log)
    return window.start / MS, window.end / MS, window.in_flight, window.is_steady


def test_it_begins_when_the_last_slot_has_sent_and_ends_when_the_first_falls_out_for_good():
    slots = [[0, 100, 200, 300], [30, 130, 230], [60, 160, 260]]
    log = log_of(
        [request(at, FLAT) for slot in slots for at in slot],
        shape=Closed(3),
        measured=(0, 300),
    )

    # Three are in flight from 60 until the slot begun at 30 ends its last answer at 330.
    assert _window(log) == (60, 330, 3.0, True)


def test_it_does_not_begin_before_the_measured_part():
    log = closed_log(concurrency=4, rounds=10, stream=FLAT, measured=(260, 700))

    start, _, in_flight, _ = _window(log)

    assert (start, in_flight) == (260, 4.0)


def test_a_short_dip_stays_inside():
    log = log_of([request(at, FLAT) for at in (0, 110, 220)], shape=Closed(1), measured=(0, 220))

    start, end, in_flight, is_steady = _window(log)

    assert (start, end, is_steady) == (0, 320, True)
    assert in_flight == pytest.approx(300 / 320)


def test_nineteen_of_twenty_are_enough_and_eighteen_are_not():
    for count, is_steady in ((19, True), (18, False)):
        log = log_of([request(0, FLAT) for _ in range(count)], shape=Closed(20), measured=(0, 50))
        assert steady_window(log).is_steady is is_steady


def test_a_plateau_that_was_only_before_the_measured_part_does_not_count():
    requests = [request(0, FLAT), request(0, FLAT), request(200, FLAT)]
    log = log_of(requests, shape=Closed(2), measured=(150, 250))

    assert _window(log) == (150, 250, 0.5, False)


def test_failed_requests_hold_their_slot_and_dropped_ones_do_not():
    held = [request(0, FLAT), failed(0, after=100)]
    assert steady_window(log_of(held, shape=Closed(2), measured=(0, 50))).is_steady

    dropped = [request(0, FLAT), failed(0, error="dropped")]
    assert not steady_window(log_of(dropped, shape=Closed(2), measured=(0, 50))).is_steady


def test_a_request_without_an_end_is_in_flight_until_the_log_ends():
    log = log_of(
        [request(0, FLAT, ended=None), request(0, Stream(ttft=400.0, events=1))],
        shape=Closed(2),
        measured=(0, 100),
    )

    assert _window(log) == (0, 400, 2.0, True)


@pytest.mark.parametrize(
    "shape", [Open(rate=10.0), Trace(offsets_s=(0.0,)), Closed(8, thinks=True)]
)
def test_without_a_number_to_reach_it_is_the_measured_part(shape):
    log = log_of([request(at, FLAT) for at in (0, 50, 400)], shape=shape, measured=(0, 200))

    # 0-100 and 50-150, so a mean of one.
    assert _window(log) == (0, 200, 1.0, True)


def test_a_measured_part_of_one_moment_is_not_steady():
    log = log_of([request(5, FLAT)], shape=Open(rate=1.0), measured=(5, 5))

    window = steady_window(log)

    assert not window.is_steady
    assert window.seconds > 0


def test_an_empty_log_has_none():
    log = log_of([], shape=Closed(1), measured=(0, 10))

    assert _window(log) == (0, 10, 0.0, False)


def test_its_end_belongs_to_it_and_its_start_does_not():
    window = steady_window(log_of([], shape=Open(rate=1.0), measured=(0, 10)))

    assert [window.holds(at) for at in (0, 1, 10 * MS, 10 * MS + 1, None)] == [
        False, True, True, False, False,
    ]  # fmt: skip


@given(st.integers(1, 12), st.integers(3, 8), st.floats(20, 300))
def test_slots_that_never_rest_are_all_in_flight(concurrency, rounds, length):
    log = closed_log(concurrency, rounds, Stream(ttft=length, events=1))
    window = steady_window(log)

    assert window.is_steady
    # Sends are rounded to the nanosecond.
    assert window.in_flight == pytest.approx(concurrency, rel=1e-6)
