"""What the first process of a jail tells, and before it bubblewrap: a JSON object a line."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 64 * 1024
LAST_S = 2.0
_SIGNALLED = 128


class Report(asyncio.Protocol):
    """Reads the report of one start; see ``jail_init``.

    What was told once stays: a program may get at the pipe and add to it, but not before the
    first process has told its number and start.

    Args:
        found: Called with the number of the first process, where bubblewrap tells it.
    """

    def __init__(self, found: Callable[[int], None] | None = None) -> None:
        self.facts: dict[str, Any] = {}
        self._found = found
        self._left = MOST_BYTES
        self._line = b""
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the pipe."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read whole lines; nothing any more where somebody floods it."""
        self._left -= len(data)
        if self._left < 0 and self._transport is not None:
            self._transport.close()
            return
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._take(line)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end."""
        del exc
        self._begun.set()
        self._over.set()

    async def begun(self, seconds: float) -> OSError | None:
        """Wait until the program has started; return why it has not, where it cannot.

        Raises:
            TimeoutError: nothing was told in time.
            EOFError: nothing will be told.
        """
        async with asyncio.timeout(seconds):
            await self._begun.wait()
        if "failed" in self.facts:
            number, name = self.facts["failed"]
            return OSError(number, os.strerror(number), name)
        if "started" not in self.facts:
            raise EOFError
        return None

    async def is_over(self) -> None:
        """Wait for the rest, which is there once the first process has ended."""
        try:
            async with asyncio.timeout(LAST_S):
                await self._over.wait()
        except TimeoutError:  # there was no first process
            self._begun.set()

    def exit_code(self, code: int) -> int:
        """Return the program's code, given that of what it ran in."""
        told = self.facts.get("exit")
        if isinstance(told, int):
            return told
        return _SIGNALLED - code if code > _SIGNALLED else code

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(told, dict):
            return
        self.facts = told | self.facts
        if "child-pid" in told and self._found is not None:
            found, self._found = self._found, None
            found(told["child-pid"])
        if {"started", "failed"} & told.keys():
            self._begun.set()
