"""Faults at the tool door: drawn with the instance, recorded with the call, never the suite's own.

An instance's faults say which call of which tool goes wrong, and how. A caller that reads the
reply can always recover; one that repeats a write without looking makes it twice.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from conformance.authoring.tools import ToolSpec

FaultKind = Literal[
    "timeout_lost",  # not carried out, and no reply
    "timeout_done",  # carried out, and no reply: the same error as the one before
    "rate_limited",  # 429 with Retry-After; the tool refuses until that time has passed
    "malformed",  # carried out; the reply is cut off in the middle
    "stale",  # a read that shows the state as it was before the last write; marked with its age
    "duplicate",  # carried out; what is delivered is the reply to the call before, again
]

TIMEOUT = "timeout"
RATE_LIMITED = "rate_limited"
WAIT_TOOL = "wait"
AGE = "cache_age_s"
"""The mark of a stale read: how old the reply is, in seconds of the logical clock."""
DELIVERY = "redelivery_of"
"""The mark of a duplicate: the name of the tool whose reply this is."""


class Fault(NamedTuple):
    """One call that goes wrong."""

    tool: str
    nth: int
    """Which call of the tool by anybody, 1 the first; calls with unfit arguments do not count."""
    kind: FaultKind
    seconds: int = 0
    """``rate_limited``: the Retry-After, in seconds of the logical clock."""


WAIT = ToolSpec(
    name=WAIT_TOOL,
    description="Let some seconds pass; every other call takes one second.",
    parameters={
        "type": "object",
        "properties": {"seconds": {"type": "integer", "minimum": 1, "maximum": 3600}},
        "required": ["seconds"],
        "additionalProperties": False,
    },
)
"""Offered by the door itself wherever an instance has faults."""


def timeout_message() -> str:
    """Return what a caller is told where no reply came."""
    return "No reply within 30 seconds. The call may or may not have been carried out."


def rate_message(seconds: int) -> str:
    """Return what a caller is told where calls come too fast."""
    return f"429 Too Many Requests. Retry-After: {seconds}"


def cut_off(text: str) -> str:
    """Return the first half of a reply, as a broken connection leaves it."""
    return text[: max(1, len(text) // 2)]


def marked(result: Any, mark: str, value: Any) -> Any:
    """Return a reply with a mark on it, as a header would be."""
    body = result if isinstance(result, dict) else {"result": result}
    return {**body, mark: value}
