"""Another machine's clock, told in terms of our own.

Each round trip bounds the offset, for a message can only arrive after it was sent (Cristian 1989):
with ``offset = remote - local`` it lies in [answered - back, received - sent]. A round trip of a
moment ago bounds it too, by as much more as the clocks may have drifted since. All bounds hold, so
the offset lies in their intersection; half of its width is what it may be off by.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from conformance.errors import ConformanceError

DRIFT_PPM = 500.0
"""The fastest that two monotonic clocks part: crystals within 100 ppm each, and what a time daemon
may correct at once."""
KEPT = 32


class ClockError(ConformanceError):
    """Round trips that no steady clock gives: the other machine slept, or another one answers."""


class RoundTrip(NamedTuple):
    """A question and its answer, in nanoseconds of the clock of each side."""

    sent: int
    received: int
    """By the other side."""
    answered: int
    """By the other side."""
    back: int


class RemoteClock:
    """What is known of another machine's monotonic clock.

    Args:
        drift_ppm: The fastest that it parts from ours.
    """

    def __init__(self, drift_ppm: float = DRIFT_PPM) -> None:
        self._drift = drift_ppm / 1e6
        self._trips: deque[RoundTrip] = deque(maxlen=KEPT)

    def add(self, trip: RoundTrip) -> None:
        """Take a round trip into account.

        Raises:
            ClockError: it is impossible, or contradicts those before.
        """
        there, here = trip.answered - trip.received, trip.back - trip.sent
        if here < 0 or there < 0 or there > here * (1 + self._drift) + 1:
            raise ClockError("its clock answers before it was asked")
        self._trips.append(trip)
        self.to_local(trip.answered)

    def to_local(self, remote_ns: int) -> tuple[int, int]:
        """Return a moment of the other clock by ours, and by how much that may be off.

        Raises:
            ClockError: there was no round trip yet, or their bounds contradict one another.
        """
        if not self._trips:
            raise ClockError("its clock was not compared with ours yet")
        low = max(
            trip.answered - trip.back - self._drift * abs(remote_ns - trip.answered)
            for trip in self._trips
        )
        high = min(
            trip.received - trip.sent + self._drift * abs(remote_ns - trip.received)
            for trip in self._trips
        )
        if low > high + 1000:  # a microsecond: what floats of such numbers are good for
            raise ClockError("its clock jumped")
        return remote_ns - round((low + high) / 2), max(0, round((high - low) / 2)) + 1
