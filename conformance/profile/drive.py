"""One worker's part of a load, in the event loop that calls it."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec

from conformance.profile.health import LoopMeter
from conformance.profile.log import ClientHealth, RequestLog
from conformance.profile.loops import ClosedLoop, Ledger, Loop, OpenLoop, OwnTickets, Tickets
from conformance.profile.percentiles import spread_of
from conformance.profile.pool import Pool
from conformance.profile.schedule import Share, check_shape
from conformance.profile.shape import Closed
from conformance.profile.wire import Clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from conformance.profile.shape import Bounds, Shape
    from conformance.profile.target import Target, Workload

PROGRESS_S = 0.25
"""How often progress is told."""
_ALONE = Share()
_HEALTH_NS = 1_000_000_000


class Progress(msgspec.Struct, frozen=True):
    """How far a load is."""

    sent: int
    done: int
    failed: int
    """Dropped ones too."""
    tokens: int
    """Events that brought tokens; of requests in flight, all events."""
    in_flight: int
    seconds: float
    """Since the load began, warm-up included."""


class WorkerLog(msgspec.Struct, frozen=True):
    """What one worker has to say when it is over."""

    requests: list[RequestLog]
    health: ClientHealth


async def drive(
    target: Target,
    workload: Workload,
    shape: Shape,
    bounds: Bounds,
    *,
    share: Share = _ALONE,
    tickets: Tickets | None = None,
    begin: Callable[[], Awaitable[int]] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> WorkerLog:
    """Run one worker's part of a load.

    The health is measured over the measured part: from its beginning until its last request was
    due; where that is less than a second, until a second or the end of its requests.

    Args:
        target: The endpoint.
        workload: What is asked.
        shape: How many at once, or how many a second.
        bounds: When it ends.
        share: What part of it is this worker's.
        tickets: The requests of the measured part, shared with other workers.
        begin: Called when the connections are open; returns the load's origin
            (``time.perf_counter_ns``). Without it the load begins at once.
        progress: Called about four times a second, and at the end.

    Raises:
        UsageError: the target, shape or bounds cannot be used.
    """
    check_shape(shape, bounds, share.workers)
    clock = Clock()
    own = OwnTickets(bounds.requests) if tickets is None else tickets
    with _errors_of_callbacks():
        pool = Pool(target, share.worker, clock)
        try:
            ledger = Ledger(pool, share.worker)
            loop: Loop
            if isinstance(shape, Closed):
                loop = ClosedLoop(ledger, workload, shape, bounds, share, own, clock)
            else:
                loop = OpenLoop(ledger, workload, shape, bounds, share, own, clock)
            await pool.open(loop.ahead)
            clock.origin_ns = perf_counter_ns() if begin is None else await begin()
            meter = LoopMeter(
                clock, loop.start, lambda: _is_settled(loop, clock.now()), lambda: pool.received
            )
            reporter = _Reporter(ledger, clock, progress)
            try:
                loop.begin()
                await loop.over.wait()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ledger.quiet.wait(), bounds.drain_s)
                pool.cut("drained", f"still in flight {bounds.drain_s:g} s after the last was sent")
            finally:
                meter.stop()
                reporter.stop()
            reporter.tell()
            return WorkerLog(ledger.logs, _health(share.worker, ledger, loop, meter))
        finally:
            await pool.close()


def _is_settled(loop: Loop, now: int) -> bool:
    """Say whether the worker's health was looked at for long enough."""
    loop.poll()
    if not loop.over.is_set():
        return False
    in_flight = loop.ledger.pool.in_flight
    return now - loop.start >= _HEALTH_NS or all(
        exchange.log.intended < loop.start for exchange in in_flight
    )


def _health(worker: int, ledger: Ledger, loop: Loop, meter: LoopMeter) -> ClientHealth:
    end = meter.end if meter.end is not None else meter.start
    return ClientHealth(
        worker=worker,
        cpu_s=meter.cpu_s,
        wall_s=(end - meter.start) / 1e9,
        loop_lag_ms=spread_of(meter.lags_ms),
        send_lag_ms=spread_of(
            (log.sent - log.intended) / 1e6
            for log in ledger.logs
            if log.sent is not None and log.intended >= loop.start
        ),
        connections=ledger.pool.opened,
        events=sum(
            bisect.bisect_right(log.events, end) - bisect.bisect_left(log.events, meter.start)
            for log in ledger.logs
        ),
        bytes=meter.bytes,
        is_uvloop=type(asyncio.get_running_loop()).__module__.startswith("uvloop"),
    )


class _Reporter:
    def __init__(
        self, ledger: Ledger, clock: Clock, progress: Callable[[Progress], None] | None
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._progress = progress
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(PROGRESS_S, self._tick)

    def tell(self) -> None:
        if self._progress is None:
            return
        ledger, in_flight = self._ledger, self._ledger.pool.in_flight
        self._progress(
            Progress(
                sent=ledger.sent,
                done=ledger.done,
                failed=ledger.failed,
                tokens=ledger.tokens + sum(exchange.event_count for exchange in in_flight),
                in_flight=len(in_flight),
                seconds=max(0, self._clock.now()) / 1e9,
            )
        )

    def stop(self) -> None:
        self._timer.cancel()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(PROGRESS_S, self._tick)
        self.tell()


@contextlib.contextmanager
def _errors_of_callbacks() -> Iterator[None]:
    """Raise here what callbacks of the loop raise: a workload's own error must not be a hang."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    found: list[BaseException] = []
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if not isinstance(error, BaseException):
            loop.default_exception_handler(context)
        elif isinstance(error, OSError) and "transport" in context:
            return  # of a connection, which is told that it is lost
        elif not found:
            found.append(error)
            task.cancel()

    loop.set_exception_handler(handle)
    try:
        yield
    except asyncio.CancelledError:
        if not found:
            raise
        task.uncancel()
        raise found[0] from None
    finally:
        loop.set_exception_handler(before)
