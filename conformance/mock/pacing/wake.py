"""Waiting for sockets and for a time, to well below a millisecond.

The timeout of ``epoll`` is in whole milliseconds. On Linux a timer is waited for beside the
sockets; elsewhere what is left of the last millisecond is waited for by asking again.
"""

from __future__ import annotations

import os
import select
import selectors
import sys
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

SPIN_NS = 20_000
"""A time as near as this is not worth a sleep: setting a timer and waking take as long."""


class Ready(NamedTuple):
    """A descriptor that can be used."""

    fd: int
    is_readable: bool
    """It has bytes, or its other end is gone."""
    is_writable: bool


class Waiter(Protocol):
    """Waits for descriptors and a time."""

    def watch(self, fd: int, *, write: bool = False) -> None:
        """Watch a descriptor: that it can be read, and if asked that it can be written."""
        ...

    def change(self, fd: int, *, write: bool) -> None:
        """Ask of a watched descriptor whether it can be written, or no longer."""
        ...

    def forget(self, fd: int) -> None:
        """Watch a descriptor no longer."""
        ...

    def wait(self, due_ns: int | None) -> list[Ready]:
        """Return what is ready, at once or as soon as something is.

        Args:
            due_ns: Return at this time of ``time.perf_counter_ns`` at the latest, and not
                noticeably later; None: there is no such time.
        """
        ...

    def close(self) -> None:
        """Give back what the system lent."""
        ...


def waiter() -> Waiter:
    """Return the best that this system has."""
    if sys.platform == "linux":
        try:
            return _Epoll(_timer())
        except (OSError, AttributeError):
            return _Portable()
    return _Portable()


class _Timer(NamedTuple):
    fd: int
    set: Callable[[int], None]
    """Takes a time of ``time.perf_counter_ns``; the descriptor is readable from then on."""


def _timer() -> _Timer:
    """Make a timer.

    Raises:
        OSError: the system refuses; also AttributeError, where its library has none.
    """
    if sys.version_info >= (3, 13):
        fd = os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)

        def set_time(due_ns: int) -> None:
            os.timerfd_settime_ns(fd, flags=os.TFD_TIMER_ABSTIME, initial=due_ns)

        return _Timer(fd, set_time)
    return _timer_of_libc()


def _timer_of_libc() -> _Timer:
    import ctypes

    class Timespec(ctypes.Structure):
        _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    class Setting(ctypes.Structure):
        _fields_ = (("interval", Timespec), ("value", Timespec))

    libc = ctypes.CDLL(None, use_errno=True)
    # TFD_NONBLOCK and TFD_CLOEXEC have the values of O_NONBLOCK and O_CLOEXEC on every Linux.
    fd = libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    setting = Setting()
    value, where, settime = setting.value, ctypes.byref(setting), libc.timerfd_settime
    absolute = 1  # TFD_TIMER_ABSTIME

    def set_time(due_ns: int) -> None:
        value.seconds, value.nanoseconds = divmod(due_ns, 1_000_000_000)
        if settime(fd, absolute, where, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    return _Timer(fd, set_time)


class _Epoll:
    """``epoll`` with a timer among its descriptors."""

    def __init__(self, timer: _Timer) -> None:
        self._timer = timer
        self._armed: int | None = None
        self._epoll = select.epoll()
        # Edge-triggered: reported once when it fires, and never needs to be read.
        self._epoll.register(timer.fd, select.EPOLLIN | select.EPOLLET)

    def watch(self, fd: int, *, write: bool = False) -> None:
        self._epoll.register(fd, _mask(write=write))

    def change(self, fd: int, *, write: bool) -> None:
        self._epoll.modify(fd, _mask(write=write))

    def forget(self, fd: int) -> None:
        self._epoll.unregister(fd)

    def wait(self, due_ns: int | None) -> list[Ready]:
        timeout = -1
        if due_ns is not None and due_ns - time.perf_counter_ns() < SPIN_NS:
            timeout = 0
        elif due_ns is not None and due_ns != self._armed:
            self._timer.set(due_ns)
            self._armed = due_ns
        return [
            Ready(fd, bool(mask & ~select.EPOLLOUT), bool(mask & select.EPOLLOUT))
            for fd, mask in self._epoll.poll(timeout, 1024)
            if fd != self._timer.fd
        ]

    def close(self) -> None:
        self._epoll.close()
        os.close(self._timer.fd)


def _mask(*, write: bool) -> int:
    return select.EPOLLIN | (select.EPOLLOUT if write else 0)


class _Portable:
    """What every system has."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, *, write: bool = False) -> None:
        self._selector.register(fd, self._events(write=write))

    def change(self, fd: int, *, write: bool) -> None:
        self._selector.modify(fd, self._events(write=write))

    def forget(self, fd: int) -> None:
        self._selector.unregister(fd)

    def wait(self, due_ns: int | None) -> list[Ready]:
        while True:
            left_ns = None if due_ns is None else due_ns - time.perf_counter_ns()
            timeout = None if left_ns is None else _whole_ms(left_ns) / 1000
            ready = [
                Ready(
                    key.fd,
                    bool(events & selectors.EVENT_READ),
                    bool(events & selectors.EVENT_WRITE),
                )
                for key, events in self._selector.select(timeout)
            ]
            if ready or left_ns is None or left_ns <= 0:
                return ready

    def close(self) -> None:
        self._selector.close()

    @staticmethod
    def _events(*, write: bool) -> int:
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if write else 0)


def _whole_ms(left_ns: int) -> float:
    """Return a timeout that a selector rounds up to no more than the whole milliseconds left."""
    return max(0.0, left_ns // 1_000_000 - 0.5)
