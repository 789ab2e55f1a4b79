"""Answers of the paced endpoint on their way, and those that are over, as they are remembered."""

from __future__ import annotations

from array import array
from collections import deque
from typing import TYPE_CHECKING

from conformance.mock.truth import Truth, Written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.mock.pacing.connection import Connection

MOST_WRITES = 4_000_000
"""How many writes are remembered."""


class Answer:
    """An answer on its way: its writes, and when each was made."""

    __slots__ = (
        "arrived",
        "at",
        "blocked",
        "breaks_off",
        "connection",
        "data",
        "index",
        "input_tokens",
        "is_recorded",
        "kinds",
        "number",
        "offsets",
        "output_tokens",
        "reasoning_tokens",
        "request_id",
        "status",
    )

    def __init__(
        self,
        connection: Connection,
        arrived: int,
        number: int,
        data: Sequence[bytes],
        offsets: Sequence[int] = (0,),
        kinds: Sequence[str] = ("",),
    ) -> None:
        self.connection: Connection | None = connection
        """None: the answer is over, or its client has gone."""
        self.arrived = arrived
        self.number = number
        """Of all answers: of two that are due at the same time the older one is first."""
        self.data = data
        """What each write sends."""
        self.offsets = offsets
        """When each is due after the arrival, in nanoseconds."""
        self.kinds = kinds
        self.index = 0
        """Of the next write."""
        self.at: list[int] | array[int] = []
        self.blocked = 0
        self.breaks_off = False
        self.is_recorded = False
        self.request_id = ""
        self.status = 200
        self.input_tokens = self.output_tokens = self.reasoning_tokens = 0

    @property
    def due(self) -> int:
        """Return when the next write is due."""
        return self.arrived + self.offsets[self.index]

    @property
    def is_over(self) -> bool:
        """Say whether all writes were made."""
        return self.index == len(self.data)

    def written(self) -> Written:
        """Return what it was."""
        at = self.at.tolist() if isinstance(self.at, array) else self.at
        return Written(
            self.request_id,
            self.arrived,
            self.status,
            at,
            [self.arrived + offset for offset in self.offsets[: len(at)]],
            list(self.kinds[: len(at)]),
            self.input_tokens,
            self.output_tokens,
            self.reasoning_tokens,
            self.is_over and not self.breaks_off,
            self.blocked,
        )


class Record:
    """The answers that are over; the oldest are forgotten where there are too many writes."""

    def __init__(self, most_writes: int = MOST_WRITES) -> None:
        self._most = most_writes
        self._answers: deque[Answer] = deque()
        self._writes = 0
        self._forgotten = 0

    def add(self, answer: Answer) -> None:
        """Remember an answer that is over."""
        answer.connection = None
        if not answer.is_recorded:
            return
        answer.at = array("q", answer.at)
        self._answers.append(answer)
        self._writes += len(answer.at)
        while self._writes > self._most:
            self._writes -= len(self._answers.popleft().at)
            self._forgotten += 1

    def take(self) -> Truth:
        """Return what is remembered, and begin anew."""
        truth = Truth([answer.written() for answer in self._answers], self._forgotten)
        self._answers.clear()
        self._writes = self._forgotten = 0
        return truth
