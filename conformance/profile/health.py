"""What a worker sees of itself: how late its loop runs, and what of a core it takes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.wire import Clock

TICK_NS = 5_000_000
"""Between two looks at the loop's lag."""


class LoopMeter:
    """Measures the event loop and the process from a time until it is stopped.

    Its ticks stand on a fixed grid: a loop that hangs for 100 ms is late at 20 of them, not at one,
    so that the quantiles are those of a moment taken at random.

    Args:
        clock: What time it is.
        start: When to begin.
        is_over: Asked at each tick; True ends it.
        received: Tells the bytes that came in so far.
    """

    def __init__(
        self,
        clock: Clock,
        start: int,
        is_over: Callable[[], bool],
        received: Callable[[], int],
    ) -> None:
        self.lags_ms: list[float] = []
        self.start = start
        self.end: int | None = None
        """When it was stopped; None: it did not even begin."""
        self.cpu_s = 0.0
        self.bytes = 0
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._is_over = is_over
        self._received = received
        self._due = start
        self._is_running = False
        self._timer = self._arm()

    def stop(self) -> None:
        """End it, if it still runs."""
        self._timer.cancel()
        if self._is_running:
            self._is_running = False
            self.end = self._clock.now()
            self.cpu_s = time.process_time() - self.cpu_s
            self.bytes = self._received() - self.bytes

    def _arm(self) -> asyncio.TimerHandle:
        return self._loop.call_later(max(0, self._due - self._clock.now()) / 1e9, self._tick)

    def _tick(self) -> None:
        now = self._clock.now()
        if now >= self._due and not self._is_running:
            self._is_running = True
            self.start = now
            self.cpu_s = time.process_time()
            self.bytes = self._received()
        while self._due <= now:
            self.lags_ms.append((now - self._due) / 1e6)
            self._due += TICK_NS
        if self._is_running and self._is_over():
            self.stop()
        else:
            self._timer = self._arm()
