"""An agent that somebody starts by hand: both doors are shown and waited at.

What ``conformance serve task`` runs, for who writes an adapter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.agents.external import Said
from conformance.agents.turns import first_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.agents.contract import (
        Doors,
        EvidenceClass,
        ModelCall,
        TaskView,
        ToolReply,
    )
    from conformance.authoring import Answer
    from conformance.gateway import Addresses, Gateway, Handle


class ServedTransport:
    """Shows a seat's two doors, and waits until the answer is taken.

    Args:
        show: Given the task and its addresses, once for each seat and session.
        tell: Given a line for each call that comes.
    """

    evidence_class: EvidenceClass = "observed"

    def __init__(
        self, show: Callable[[TaskView, str, Addresses], None], tell: Callable[[str], None]
    ) -> None:
        self._show = show
        self._tell = tell
        self._gateway: Gateway | None = None

    async def open(self, gateway: Gateway) -> None:
        """Nothing to start."""
        self._gateway = gateway

    async def start(self, task: TaskView, handle: Handle) -> _Waiting:
        """Show the doors of a seat."""
        assert self._gateway is not None, "open() comes first"  # noqa: S101
        handle.doors = _LoudDoors(handle.doors, self._tell)
        self._show(task, first_turn(task), self._gateway.addresses(handle))
        return _Waiting(handle)

    async def canary(self) -> bool:
        """There is nothing to be down."""
        return True

    async def close(self) -> None:
        """Nothing to end."""

    def describe(self) -> dict[str, Any]:
        """Return the kind."""
        return {"kind": "served"}


class _Waiting:
    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def send(self, text: str) -> Said:
        del text
        await self._handle.over.wait()
        return Said("final")

    async def cancel(self) -> None:
        """Whoever works there sees the doors shut."""

    async def close(self, *, at_once: bool) -> None:
        """Nothing of ours runs there."""


class _LoudDoors:
    """Doors that tell of every call."""

    def __init__(self, doors: Doors, tell: Callable[[str], None]) -> None:
        self._doors = doors
        self._tell = tell

    @property
    def was_killed(self) -> bool:
        return self._doors.was_killed

    @property
    def has_answered(self) -> bool:
        return self._doors.has_answered

    async def call_tool(self, name: str, arguments: Any) -> ToolReply:
        reply = await self._doors.call_tool(name, arguments)
        mark = "✗" if reply.is_error else "·"
        self._tell(f"{mark} {name} {arguments} → {reply.text[:400]}")
        return reply

    def submit(self, answer: Answer, channel: str) -> ToolReply:
        reply = self._doors.submit(answer, channel)
        self._tell(f"· answer by {channel} → {reply.text[:400]}")
        return reply

    def before_model_call(self) -> None:
        self._doors.before_model_call()

    def after_model_call(self, call: ModelCall) -> None:
        self._tell(
            f"· model {call.requested_model} ({call.dialect}): {call.input_tokens} tokens in, "
            f"{call.output_tokens} out, {call.latency_s:.2f} s"
        )
        self._doors.after_model_call(call)

    def note(self, kind: str, **details: Any) -> None:
        self._doors.note(kind, **details)
        self._tell(f"· {kind} {details}")
