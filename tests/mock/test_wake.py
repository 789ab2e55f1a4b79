"""Waiting for sockets and for a time: never too early, whatever the system offers."""

import contextlib
import math
import socket
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.mock.pacing import wake

MS = 1_000_000
WAITERS = [wake.waiter, wake._Portable]
if sys.platform == "linux":
    WAITERS.append(lambda: wake._Epoll(wake._timer_of_libc()))


@pytest.fixture(params=WAITERS, ids=["best", "portable", "libc"][: len(WAITERS)])
def waiter(request):
    with contextlib.closing(request.param()) as made:
        yield made


@pytest.fixture
def pair():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_it_returns_when_the_time_has_come_and_not_before(waiter):
    for left_ms in (0, 0.01, 0.4, 1.7, 12.3):
        due = time.perf_counter_ns() + round(left_ms * MS)
        waits = 0
        # A wait may end just before, when the time is so near that it is not slept for.
        while time.perf_counter_ns() < due:
            assert waiter.wait(due) == []
            waits += 1
        assert waits < 10_000


def test_a_time_that_was_set_and_passed_wakes_nobody_later(waiter, pair):
    one, other = pair
    waiter.watch(one.fileno())
    due = time.perf_counter_ns() + 3 * MS
    while time.perf_counter_ns() < due:
        waiter.wait(due)
    sender = threading.Timer(0.05, other.send, [b"x"])
    began = time.perf_counter_ns()
    sender.start()
    assert waiter.wait(None) == [(one.fileno(), True, False)]
    assert time.perf_counter_ns() - began > 20 * MS
    sender.join()


def test_an_earlier_time_may_follow_a_later_one(waiter):
    now = time.perf_counter_ns()
    waiter.wait(now + 1000)
    far = now + 60_000 * MS
    near = time.perf_counter_ns() + 5 * MS
    sender = socket.socketpair()
    with sender[0], sender[1]:
        waiter.watch(sender[0].fileno())
        sender[1].send(b"x")
        assert waiter.wait(far) == [(sender[0].fileno(), True, False)]
        waiter.forget(sender[0].fileno())
    assert waiter.wait(near) == []
    assert near - wake.SPIN_NS <= time.perf_counter_ns() < far


def test_it_tells_what_can_be_read_and_what_can_be_written(waiter, pair):
    one, other = pair
    waiter.watch(one.fileno(), write=True)
    assert waiter.wait(0) == [(one.fileno(), False, True)]
    other.send(b"x")
    assert waiter.wait(0) == [(one.fileno(), True, True)]
    waiter.change(one.fileno(), write=False)
    assert waiter.wait(0) == [(one.fileno(), True, False)]
    one.recv(9)
    assert waiter.wait(0) == []
    other.close()
    assert waiter.wait(None) == [(one.fileno(), True, False)]
    waiter.forget(one.fileno())
    assert waiter.wait(0) == []


@given(st.integers(-(10**9), 10**12))
def test_no_selector_can_round_a_timeout_up_beyond_the_time(left_ns):
    timeout = wake._whole_ms(left_ns) / 1000
    rounded_up = math.ceil(timeout * 1e3)  # as the selector of epoll does
    assert 0 <= rounded_up * MS <= max(left_ns, 0)
    assert timeout * 1000 * MS > left_ns - 2 * MS


def test_a_system_without_timers_is_served_too(monkeypatch):
    def refuse():
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(wake, "_timer", refuse)
    with contextlib.closing(wake.waiter()) as made:
        assert isinstance(made, wake._Portable)
