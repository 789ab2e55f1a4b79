"""The time a scripted model takes: the one place where it is spent."""

from __future__ import annotations

import asyncio

import msgspec


class Pace(msgspec.Struct, frozen=True):
    """How long each token of a reply takes."""

    ttft_s: float = 0.0
    """Before the first token."""
    itl_s: float = 0.0
    """Before each later one."""

    def delay_s(self, token: int) -> float:
        """Return the seconds from the token before (the request, for token 0) to this one."""
        return self.itl_s if token else self.ttft_s


class Clock:
    """Waits for the tokens of one reply; each is due at its time, however late the last was."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._token = 0
        self._due = asyncio.get_running_loop().time()

    async def wait(self, tokens: int = 1) -> None:
        """Wait until this many more tokens are there."""
        for token in range(self._token, self._token + tokens):
            self._due += self._pace.delay_s(token)
        self._token += tokens
        left = self._due - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)
