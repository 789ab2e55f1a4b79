"""A gateway at work on a world of canned results, for tests of its doors."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.contract import TaskView, ToolReply, TrialEndedError
from conformance.authoring import ToolSpec
from conformance.gateway import Gateway, Handle
from tests.fakes.doors import LOOK, Called, FakeDoors, task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


class CannedDoors(FakeDoors):
    """Answers tools by name with a JSON value, beside what ``FakeDoors`` does."""

    def __init__(self, canned: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.canned = dict(canned or {})
        self.errors: set[str] = set()
        """Tools whose result is an error result."""
        self.new_tools: tuple[ToolSpec, ...] | None = None
        """What the next reply says is offered from now on."""
        self.is_over = False
        """No call gets through any more."""
        self.gate: asyncio.Event | None = None
        """Calls wait for it, as for another seat's move."""
        self.waiting = 0
        self.given_up = 0
        """Calls that were cancelled while they waited."""

    async def call_tool(self, name: str, arguments: Any) -> ToolReply:
        if self.is_over:
            raise TrialEndedError
        if self.gate is not None:
            await self._wait(self.gate)
        if name in self.canned:
            self.called.append(Called(name, arguments))
            text = json.dumps(self.canned[name], ensure_ascii=False)
            reply = ToolReply(text, is_error=name in self.errors, is_end=False)
        else:
            reply = await super().call_tool(name, arguments)
        return reply._replace(tools=self.new_tools)

    async def _wait(self, gate: asyncio.Event) -> None:
        self.waiting += 1
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        finally:
            self.waiting -= 1


def offering(*tools: ToolSpec) -> TaskView:
    """Return a task with these tools and no others."""
    return msgspec.structs.replace(task(), tools=tools)


def plain_tool(name: str, parameters: dict[str, Any] | None = None) -> ToolSpec:
    """Return a tool that takes nothing, or what ``parameters`` says."""
    nothing = {"type": "object", "properties": {}, "additionalProperties": False}
    return ToolSpec(name=name, description=f"The tool {name}.", parameters=parameters or nothing)


@asynccontextmanager
async def at_the_doors(
    doors: FakeDoors | None = None, view: TaskView | None = None
) -> AsyncIterator[tuple[Gateway, Handle]]:
    """Open a gateway that has no model behind it, with one handle."""
    gateway = Gateway()
    await gateway.open()
    try:
        with gateway.handle(view or task(), doors or CannedDoors()) as handle:
            yield gateway, handle
    finally:
        await gateway.close()


__all__ = ["LOOK", "CannedDoors", "at_the_doors", "offering", "plain_tool", "task"]
