"""Faults that the suite makes at the model door, to see what an agent does about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Injection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault, for every handle anew. It is recorded as the suite's, never as the endpoint's."""

    kind: Literal["status", "disconnect", "slow"] = "status"
    """An error without asking the endpoint; a connection cut before the reply; a late reply."""
    on: tuple[int, ...] = (1,)
    """Which requests of a handle, from 1; those that fail count too."""
    status: int = 429
    retry_after_s: float | None = None
    """What a ``status`` asks the agent to wait, in a ``retry-after`` header."""
    delay_s: float = 0.0
    """How much later the fault, or a ``slow`` reply, comes."""


def injected(plan: Iterable[Injection], number: int) -> Injection | None:
    """Return the fault that a handle's request ``number`` meets, if any."""
    return next((fault for fault in plan if number in fault.on), None)


def words(status: int) -> tuple[str, str]:
    """Return the message and the code of an injected error; an agent is not told that it is one."""
    if status == 429:  # noqa: PLR2004 - HTTP's too many requests
        return "Rate limit reached, please try again later.", "rate_limit_exceeded"
    return "The server had an error, or is overloaded. Please try again later.", "server_error"
