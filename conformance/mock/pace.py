"""The time an answer takes: the one place where it is spent."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long each token of a reply takes."""

    ttft_s: float = 0.0
    """Before the first token."""
    itl_s: float = 0.0
    """Before each later one."""
    jitter_s: float = 0.0
    """Each token takes longer by a time drawn evenly from 0 to this."""
    stall_s: float = 0.0
    """One token takes longer by this."""
    stall_at: int = 1
    """Which one; the first is 0."""
    seed: int = 0
    """Of the jitter; the same seed gives the same delays."""

    def delay_s(self, token: int) -> float:
        """Return the seconds from the token before (the request, for token 0) to this one.

        The jitter is not in it.
        """
        stall_s = self.stall_s if token == self.stall_at else 0.0
        return (self.itl_s if token else self.ttft_s) + stall_s

    def delays_s(self) -> Iterator[float]:
        """Yield what each token takes, jitter included; endless."""
        draw = random.Random(self.seed)
        for token in itertools.count():
            jitter_s = draw.uniform(0, self.jitter_s) if self.jitter_s else 0.0
            yield self.delay_s(token) + jitter_s

    def of_reply(self, number: int) -> Self:
        """Return the pace of one reply: the same, with a jitter of its own."""
        return msgspec.structs.replace(self, seed=self.seed * 1_000_003 + number)


class Clock:
    """Waits for the tokens of one reply; each is due at its time, however late the last was."""

    def __init__(self, pace: Pace) -> None:
        self._delays = pace.delays_s()
        self._due = asyncio.get_running_loop().time()

    async def wait(self, tokens: int = 1) -> None:
        """Wait until this many more tokens are there."""
        self._due += sum(itertools.islice(self._delays, tokens))
        left = self._due - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)
