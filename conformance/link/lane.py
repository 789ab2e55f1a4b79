"""One direction of a connection over a ``Link``: what is on its way, in order, until it is due."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Literal

from conformance.link.model import (
    GIVE_UP_S,
    SEGMENT_BYTES,
    DirectionSeen,
    Link,
    LinkSeen,
    Path,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

MOST_UNDERWAY = 1 << 20
"""Bytes of one direction of a connection that are on their way; more are not read, as by a TCP
window. At 600 ms there and back that is 28 Mbit/s."""
_LATE_PER_S = 10_000
"""Lateness is counted in steps of 0.1 ms."""


def reset(transport: asyncio.Transport) -> None:
    """Break a connection so that the other side sees it (RST); an ``abort`` ends it in order."""
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Tally:
    """What one direction of the link did."""

    def __init__(self) -> None:
        self.bytes = self.segments = self.lost = self.retransmissions = self.held = 0
        self.held_s_max = self.delay_s = self.delay_s_max = 0.0

    def seen(self) -> DirectionSeen:
        """Return it."""
        return DirectionSeen(
            bytes=self.bytes,
            segments=self.segments,
            lost=self.lost,
            retransmissions=self.retransmissions,
            held=self.held,
            held_s_max=round(self.held_s_max, 6),
            delay_ms_mean=round(1000 * self.delay_s / self.segments, 3) if self.segments else None,
            delay_ms_max=round(1000 * self.delay_s_max, 3),
        )


class Traffic:
    """What is on a link, and what it did: all connections together.

    Args:
        link: Its conditions.
        clock: Seconds of a clock that only goes forward; for tests.
    """

    def __init__(self, link: Link, clock: Callable[[], float] = time.monotonic) -> None:
        self.link = link
        self._clock = clock
        self._began = clock()
        self.up, self.down = Tally(), Tally()
        self.late: Counter[int] = Counter()
        self.failed: Counter[str] = Counter()
        self.connections = self.broken = 0
        self.up_path, self.down_path = Path(link, link.up_bit_s), Path(link, link.down_bit_s)

    def now(self) -> float:
        """Return the seconds since the link began."""
        return self._clock() - self._began

    def seen(self) -> LinkSeen:
        """Return what it did so far."""
        now = self.now()
        outages, dark_s = self.link.dark(now)
        return LinkSeen(
            seconds=round(now, 3),
            connections=self.connections,
            broken=self.broken,
            failed=dict(self.failed),
            up=self.up.seen(),
            down=self.down.seen(),
            outages=outages,
            dark_s=round(dark_s, 3),
            late_ms_p50=self._late(0.5),
            late_ms_p99=self._late(0.99),
            late_ms_max=self._late(1.0),
        )

    def _late(self, share: float) -> float | None:
        left = share * self.late.total()
        for step in sorted(self.late):
            left -= self.late[step]
            if left <= 0:
                return 1000 * step / _LATE_PER_S
        return None


class Lane:
    """One direction of one connection: segments on their way, in order."""

    def __init__(self, traffic: Traffic, path: Path, tally: Tally, draws: Random) -> None:
        self.reader: asyncio.Transport | None = None
        self.writer: asyncio.Transport | None = None
        """None until the endpoint is reached: what is due waits."""
        self.is_over = False
        """Its end has arrived, or there is nobody any more to arrive at."""
        self.has_end = False
        self.draws = draws
        self.on_over: Callable[[], None] = lambda: None
        self._traffic, self._path, self._tally = traffic, path, tally
        self._underway: deque[tuple[float, bytes | Literal["end", "broken"]]] = deque()
        self._bytes = 0
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_full = False
        self._ready = 0.0
        """Since when the receiver takes what is due."""

    def push(self, data: bytes) -> None:
        """Send what was read."""
        if self.is_over or not data:
            return
        now, tally = self._traffic.now(), self._tally
        for start in range(0, len(data), SEGMENT_BYTES):
            segment = data[start : start + SEGMENT_BYTES]
            carried = self._path.carry(now, len(segment), self.draws)
            # TCP hands on in order: what follows a lost segment waits for it.
            self._last = max(self._last, carried.arrives)
            if self._last - now > GIVE_UP_S:
                self._traffic.broken += 1
                self._add(now + GIVE_UP_S, "broken")
                return
            tally.segments += 1
            tally.lost += carried.losses > 0
            tally.retransmissions += carried.losses
            tally.held += carried.held_s > 0
            tally.held_s_max = max(tally.held_s_max, carried.held_s)
            tally.delay_s += self._last - now
            tally.delay_s_max = max(tally.delay_s_max, self._last - now)
            self._add(self._last, segment)
        tally.bytes += len(data)
        self._bytes += len(data)
        if self._bytes > MOST_UNDERWAY and self.reader is not None:
            self.reader.pause_reading()

    def end(self, how: Literal["end", "broken"] = "end") -> None:
        """Send word that no more comes, or that the connection broke."""
        if self.is_over or (self.has_end and how == "end"):
            return
        self.has_end = True
        arrives = self._path.open(self._traffic.now(), self.draws)
        self._last = max(self._last, arrives)
        self._add(self._last, how)

    def drop(self) -> None:
        """Forget what is on its way: nobody is there any more."""
        self._underway.clear()
        self._over()

    def reach(self, writer: asyncio.Transport) -> None:
        """Take the endpoint's end, and hand on what is due."""
        self.writer = writer
        self.hold(is_full=False)

    def hold(self, *, is_full: bool) -> None:
        """Stop while the receiver takes no more, or go on."""
        self._is_full = is_full
        self._ready = self._traffic.now()
        self.deliver()

    def deliver(self) -> None:
        """Hand on what has arrived, and wait for the next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        writer, underway = self.writer, self._underway
        if writer is None or self.is_over or self._is_full:
            return
        now, late = self._traffic.now(), self._traffic.late
        arrived: list[bytes] = []
        end: str | None = None
        while underway and underway[0][0] <= now and end is None:
            due, what = underway.popleft()
            late[int((now - max(due, self._ready)) * _LATE_PER_S)] += 1
            if isinstance(what, bytes):
                arrived.append(what)
            else:
                end = what
        if arrived:
            data = b"".join(arrived)
            was_paused = self._bytes > MOST_UNDERWAY
            self._bytes -= len(data)
            writer.write(data)
            if was_paused and self._bytes <= MOST_UNDERWAY and self.reader is not None:
                self.reader.resume_reading()
        if end is not None:
            self._deliver_end(writer, end)
        elif underway and not self._is_full:
            self._wait(underway[0][0] - now)

    def _deliver_end(self, writer: asyncio.Transport, how: str) -> None:
        if how == "broken":
            reset(writer)
        elif not writer.can_write_eof() or self.reader is None or self.reader.is_closing():
            writer.close()
        else:
            writer.write_eof()
        self._over()

    def _add(self, due: float, what: bytes | Literal["end", "broken"]) -> None:
        self._underway.append((due, what))
        if self._timer is None:
            self._wait(due - self._traffic.now())

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(max(0.0, seconds), self.deliver)

    def _over(self) -> None:
        self.is_over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.on_over()
