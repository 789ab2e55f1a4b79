"""Where the seats of a session wait for one another, and why they cannot wait for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Turnstile:
    """Where seats wait for one another; never all of them at once."""

    def __init__(self, seats: Iterable[str] = ()) -> None:
        self._working = set(seats)
        self._waiting: dict[str, list[asyncio.Future[bool]]] = {}
        """The calls of each seat that wait: an agent may make several at once."""

    async def wait(self, seat: str) -> bool:
        """Wait for another seat's move; return False where nobody is left who could make one."""
        if self._working <= {seat, *self._waiting}:
            # All the others wait too: this one goes on with nothing, and so do they.
            self._release(hope=False)
            return False
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(seat, []).append(future)
        try:
            return await future
        finally:
            self._forget(seat, future)

    def moved(self) -> None:
        """Let those who wait look again."""
        self._release(hope=True)

    def leave(self, seat: str) -> None:
        """A seat can do nothing more; if all who are left wait, they wait for nothing."""
        self._working.discard(seat)
        self._release(hope=not self._working <= self._waiting.keys())

    def open(self) -> None:
        """Let everybody through."""
        self._release(hope=False)

    def _release(self, *, hope: bool) -> None:
        # Whom this lets go waits no longer, though it has not come round to going on yet.
        released, self._waiting = self._waiting, {}
        for futures in released.values():
            for future in futures:
                if not future.done():
                    future.set_result(hope)

    def _forget(self, seat: str, future: asyncio.Future[bool]) -> None:
        """Take back a call that its agent gave up."""
        if future in (mine := self._waiting.get(seat, [])):
            mine.remove(future)
            if not mine:
                del self._waiting[seat]
