"""The steady window: the part of a load in which so many requests were in flight as it says.

Closed loop: from the first moment, not before the measured part, at which at least 95 % of the
slots were in flight to the last moment at which they were; what comes after is the drain, and what
dips in between (a slot between an answer and its next send) stays in. Slots go on while measured
requests are waited for, so the window may end after the last measured send. Open loop, trace, and
a closed loop whose slots think between their requests: the measured part as it is.

In flight is a request from its actual send to its end, failed ones too; a dropped one never was.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from conformance.profile.shape import Closed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.profile.log import LoadLog, RequestLog

PLATEAU = 0.95
"""The share of the slots that must be in flight."""


class Window(NamedTuple):
    """A part of a load, in nanoseconds since the log's origin.

    An event belongs to it where start < time ≤ end.
    """

    start: int
    end: int
    in_flight: float
    """The mean number in flight."""
    is_steady: bool = True
    """False: the plateau was never reached, or the measured part was a moment; this is then the
    measured part, and no rates are taken from it."""

    @property
    def seconds(self) -> float:
        """Return its length."""
        return (self.end - self.start) / 1e9

    def holds(self, time: int | None) -> bool:
        """Say whether something happened in it."""
        return time is not None and self.start < time <= self.end


def steady_window(log: LoadLog) -> Window:
    """Return the steady window; where there is none the measured part, marked so."""
    header = log.header
    levels = list(_levels(log))
    start, end, is_steady = header.measured_from, header.measured_to, True
    if isinstance(header.shape, Closed) and not header.shape.thinks:
        plateau = [
            level
            for level in levels
            if level.in_flight >= PLATEAU * header.shape.concurrency and level.end > start
        ]
        if plateau:
            start, end = max(plateau[0].start, start), plateau[-1].end
        else:
            is_steady = False
    if end <= start:  # a measured part of one moment: a window has a length
        end, is_steady = start + 1, False
    area = sum(
        level.in_flight * max(0, min(level.end, end) - max(level.start, start)) for level in levels
    )
    return Window(start, end, area / (end - start), is_steady)


class _Level(NamedTuple):
    start: int
    end: int
    in_flight: int


def _levels(log: LoadLog) -> Iterator[_Level]:
    """Yield the number in flight, from change to change."""
    changes: dict[int, int] = defaultdict(int)
    for start, end in _spans(log):
        changes[start] += 1
        changes[end] -= 1
    count = 0
    since = 0
    for at in sorted(changes):
        if count:
            yield _Level(since, at, count)
        count += changes[at]
        since = at


def _spans(log: LoadLog) -> Iterator[tuple[int, int]]:
    """Yield from when to when each request was in flight; one without an end to the log's end."""
    over = max((_last_sign(request) for request in log.requests), default=0)
    for request in log.requests:
        if request.sent is not None:
            yield request.sent, over if request.ended is None else request.ended


def _last_sign(request: RequestLog) -> int:
    """Return the last moment at which anything of a request was seen."""
    times = (request.intended, request.sent, request.ended, *request.events[-1:])
    return max(time for time in times if time is not None)
