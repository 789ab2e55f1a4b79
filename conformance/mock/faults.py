"""Calls of a scripted model that fail on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from conformance.mock.conversation import Conversation, Move


class Fail(msgspec.Struct, frozen=True):
    """Which calls fail, and how. Side calls (``Move.kind``) are never among them."""

    status: int | None = 429
    """The HTTP status; None: the reply breaks off half-way."""
    every: int = 0
    """Each call of this number fails; 0: the first of each conversation."""
    retry_after_s: int = 1
    """What a 429 or 503 says."""


class Faults:
    """Decides which calls fail.

    A request does not tell a retry from the first call of a like conversation. So of calls that
    are alike, in the same place, every other one fails.
    """

    def __init__(self, plan: Fail | None) -> None:
        self._plan = plan
        self._calls = 0
        self._failed: set[tuple[int | None, int]] = set()

    def next(self, said: Conversation, move: Move) -> Fail | None:
        """Say how this call fails; None: it does not."""
        plan = self._plan
        if plan is None or move.kind == "side":
            return None
        self._calls += 1
        if plan.every:
            return plan if self._calls % plan.every == 0 else None
        if not move.is_first:
            return None
        # Only what the user says: agents put the time, or a number, into their own prompt.
        told = tuple(turn.text for turn in said.turns if turn.kind == "user")
        key = (move.script, hash(told))
        if key in self._failed:
            self._failed.remove(key)
            return None
        self._failed.add(key)
        return plan
