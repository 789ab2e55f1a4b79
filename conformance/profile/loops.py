"""Closed and open loops: which request is to be sent when, in one worker.

What is due is sent when its time has come, and at once where the event loop is late: nothing is
skipped. ``intended`` is always the time at which it was due.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Protocol, TypeVar

from conformance.profile.log import TOKENS, RequestLog
from conformance.profile.schedule import arrivals, measured_from, measured_until
from conformance.profile.shape import Closed, Open

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.profile.pool import Pool
    from conformance.profile.schedule import Share
    from conformance.profile.shape import Bounds, Shape, Trace
    from conformance.profile.target import Step, Workload
    from conformance.profile.wire import Clock

PAUSE_S = 0.05, 1.0
"""How long a slot of a closed loop waits after a failed request, doubled with each that follows;
and at most. Without it a server that is gone would be asked thousands of times a second."""
MOST_TIMES = 10
"""How much longer than ``duration_s`` a closed loop may go on."""
PUT_OFF_NS = 100_000_000
"""By how much its end is put off at a time."""
_OPEN_AHEAD = 64
_AT_A_TURN = 64
"""So many late arrivals are sent before answers are read again."""

_T = TypeVar("_T")


class Tickets(Protocol):
    """The requests of the measured part that may still be sent, by all workers together."""

    def take(self) -> bool:
        """Take one; False: there is none left."""
        ...

    def are_gone(self) -> bool:
        """Say whether there is none left."""
        ...


class OwnTickets:
    """Of a worker that is alone."""

    def __init__(self, count: int | None) -> None:
        self._left = count

    def take(self) -> bool:
        """Take one."""
        if self._left is None:
            return True
        if self._left == 0:
            return False
        self._left -= 1
        return True

    def are_gone(self) -> bool:
        """Say whether there is none left."""
        return self._left == 0


class Ledger:
    """All requests of a worker, and what became of them so far."""

    def __init__(self, pool: Pool, worker: int) -> None:
        self.logs: list[RequestLog] = []
        self.pool = pool
        self.sent = 0
        self.done = 0
        self.failed = 0
        self.tokens = 0
        self.quiet = asyncio.Event()
        """Nothing is in flight."""
        self.quiet.set()
        self._worker = worker

    def ask(self, step: Step, intended: int, then: Callable[[RequestLog], None]) -> None:
        """Send a request; ``then`` is called at its end, whatever that is."""
        log = self._log(step, intended)
        self.sent += 1
        self.quiet.clear()
        self.pool.send(log, step.body, then)

    def drop(self, step: Step, intended: int, now: int) -> None:
        """Write down a request that is not sent, because too many are in flight."""
        log = self._log(step, intended)
        log.error, log.ended = "dropped", now
        self.failed += 1

    def count(self, log: RequestLog) -> None:
        """Count a request that is over."""
        if log.error is None:
            self.done += 1
        else:
            self.failed += 1
        self.tokens += sum(log.kinds.count(kind) for kind in TOKENS)
        if not self.pool.in_flight:
            self.quiet.set()

    def _log(self, step: Step, intended: int) -> RequestLog:
        log = RequestLog(
            number=len(self.logs),
            intended=intended,
            worker=self._worker,
            asked_tokens=step.asked_tokens,
            session=step.session,
            turn=step.turn,
        )
        self.logs.append(log)
        return log


class Loop:
    """What both kinds of loops have in common.

    Args:
        ledger: Sends the requests.
        shape: How many at once, or how many a second.
        bounds: When it ends.
        tickets: The requests of the measured part.
        clock: What time it is.
    """

    def __init__(
        self, ledger: Ledger, shape: Shape, bounds: Bounds, tickets: Tickets, clock: Clock
    ) -> None:
        self.over = asyncio.Event()
        """Nothing more will be sent."""
        self.start = measured_from(shape, bounds)
        self.until = measured_until(shape, bounds)
        self.ledger = ledger
        self.tickets = tickets
        self.clock = clock
        self._loop = asyncio.get_running_loop()

    @property
    def ahead(self) -> int:
        """Return how many connections are to be opened before the beginning."""
        raise NotImplementedError

    def begin(self) -> None:
        """Begin; the clock's origin is now, or a little later."""
        raise NotImplementedError

    def poll(self) -> None:
        """Look whether other workers have taken the last ticket."""
        if self.tickets.are_gone():
            self.over.set()

    def fail(self, error: Exception) -> None:
        """End the load with an error of the workload's own; a transport would swallow some."""
        told = {"message": "the workload could not go on", "exception": error}
        self._loop.call_exception_handler(told)

    def at(self, due: int, call: Callable[[int], None]) -> None:
        """Call with ``due`` when that time has come, never before."""
        if (early := due - self.clock.now()) > 0:
            # Timers are rounded to milliseconds by some loops, and may come too early.
            self._loop.call_later(early / 1e9, self.at, due, call)
        else:
            call(due)


class ClosedLoop(Loop):
    """Slots with one request at a time each."""

    def __init__(
        self,
        ledger: Ledger,
        workload: Workload,
        shape: Closed,
        bounds: Bounds,
        share: Share,
        tickets: Tickets,
        clock: Clock,
    ) -> None:
        super().__init__(ledger, shape, bounds, tickets, clock)
        mine = [index for index in range(shape.concurrency) if share.is_mine(index)]
        gap_ns = shape.stagger_s * 1e9 / shape.concurrency
        self._slots = [_Slot(self, workload.steps(index), round(index * gap_ns)) for index in mine]
        self._busy = len(mine)
        self._least_done = share.part(bounds.least_done)
        self.done = 0
        """Of the measured part."""

    @property
    def ahead(self) -> int:
        """Return one a slot."""
        return len(self._slots)

    def begin(self) -> None:
        """Let the slots begin, one after the other."""
        for slot in self._slots:
            self.at(slot.first_at, slot.go_on)
        if self.until is not None:
            latest = self.start + MOST_TIMES * (self.until - self.start)
            self._end_at(self.until, latest)

    def _end_at(self, until: int, latest: int) -> None:
        """End at a time, or later where too few are done; no slot may see that end before."""
        self.until = until

        def look(_: int) -> None:
            if self.done < self._least_done and until < latest:
                self._end_at(until + PUT_OFF_NS, latest)
            else:
                self.at(until, lambda _: self.over.set())

        self.at(max(until - PUT_OFF_NS, self.start), look)

    def admits(self, due: int) -> bool:
        """Say whether a request that is due now is still part of the load."""
        if self.over.is_set():
            return False
        if self.until is not None and due >= self.until:
            return False
        if due < self.start:
            return True
        is_admitted = self.tickets.take()
        self.poll()
        return is_admitted

    def leave(self) -> None:
        """Count a slot whose work is done."""
        self._busy -= 1
        if not self._busy:
            self.over.set()


class OpenLoop(Loop):
    """Arrivals by a schedule, whatever becomes of the earlier ones; no step's wait is waited."""

    def __init__(
        self,
        ledger: Ledger,
        workload: Workload,
        shape: Open | Trace,
        bounds: Bounds,
        share: Share,
        tickets: Tickets,
        clock: Clock,
    ) -> None:
        super().__init__(ledger, shape, bounds, tickets, clock)
        self._limit = share.part(shape.in_flight)
        expected = shape.rate if isinstance(shape, Open) else len(shape.offsets_s)
        self._ahead = min(share.part(shape.in_flight), share.part(round(expected)), _OPEN_AHEAD)
        self._coming = (
            (arrival, step)
            for arrival in arrivals(shape, bounds)
            if share.is_mine(arrival.slot)
            for step in itertools.islice(workload.steps(arrival.slot), 1)
        )
        self._next = next(self._coming, None)

    @property
    def ahead(self) -> int:
        """Return about what a second needs, within limits."""
        return self._ahead

    def begin(self) -> None:
        """Wait for the first arrival."""
        self._wait()

    def poll(self) -> None:
        """Do nothing: how many arrivals are measured is part of the schedule."""

    def _wait(self) -> None:
        if self._next is None:
            self.over.set()
        else:
            self.at(self._next[0].at, self._send_due)

    def _send_due(self, due: int) -> None:
        now = max(due, self.clock.now())
        for _ in range(_AT_A_TURN):
            if self._next is None or self._next[0].at > now:
                break
            arrival, step = self._next
            if len(self.ledger.pool.in_flight) < self._limit:
                self.ledger.ask(step, arrival.at, self.ledger.count)
            else:
                self.ledger.drop(step, arrival.at, now)
            self._next = _next(self._coming, self)
        self._loop.call_soon(self._wait)


class _Slot:
    """Its next step is made while the present one is answered: not when it is due."""

    __slots__ = ("_failures", "_loop", "_next", "_steps", "first_at")

    def __init__(self, loop: ClosedLoop, steps: Iterator[Step], first_at: int) -> None:
        self.first_at = first_at
        self._loop = loop
        self._steps = steps
        self._next = next(steps, None)
        self._failures = 0

    def go_on(self, free_at: int) -> None:
        """Wait as the next step says, then send it."""
        if self._next is None:
            self._loop.leave()
        else:
            self._loop.at(free_at + round(self._next.wait_s * 1e9), self._send)

    def _send(self, due: int) -> None:
        if self._next is not None and self._loop.admits(due):
            self._loop.ledger.ask(self._next, due, self._take_end)
            self._next = _next(self._steps, self._loop)

    def _take_end(self, log: RequestLog) -> None:
        self._loop.ledger.count(log)
        self._loop.done += log.error is None and log.intended >= self._loop.start
        self._failures = self._failures + 1 if log.error else 0
        pause_s = min(PAUSE_S[0] * 2.0 ** min(self._failures - 1, 16), PAUSE_S[1])
        ended = log.ended if log.ended is not None else self._loop.clock.now()
        self.go_on(ended + (round(pause_s * 1e9) if self._failures else 0))


def _next(steps: Iterator[_T], loop: Loop) -> _T | None:
    try:
        return next(steps, None)
    except Exception as error:  # noqa: BLE001 - whatever a workload raises ends the load
        loop.fail(error)
        return None
