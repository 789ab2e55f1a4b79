"""The ``notes`` tool: the suite's store for an agent that has no place of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.contract import ToolReply
from conformance.agents.wording import wording
from conformance.authoring.tools import INVALID_ARGUMENTS, ToolSpec, argument_errors

if TYPE_CHECKING:
    from conformance.agents.contract import Doors, Store, TaskView

MOST_NOTES = 8000
"""Characters of notes that are kept."""
NOTES = ToolSpec(
    name="notes",
    description="Your own notes, kept from session to session. write replaces all of them.",
    parameters={
        "type": "object",
        "properties": {"action": {"enum": ["read", "write"]}, "text": {"type": "string"}},
        "required": ["action"],
        "additionalProperties": False,
    },
)
"""Offered where a task has sessions. It is no tool of the world: its calls are notes of the
transcript, and count for no limit but the agent's own."""

_encode = msgspec.json.Encoder().encode


def use_notes(store: Store, arguments: Any, doors: Doors) -> ToolReply:
    """Read or replace the agent's own notes."""
    complaint = argument_errors(NOTES, arguments)
    if complaint is not None:
        body = _encode({"error": INVALID_ARGUMENTS, "message": complaint}).decode()
        return ToolReply(body, is_error=True, is_end=False)
    if arguments["action"] == "write":
        store.text = str(arguments.get("text", ""))[:MOST_NOTES]
    doors.note("notes", action=arguments["action"], text=store.text)
    return ToolReply(_encode({"notes": store.text}).decode(), is_error=False, is_end=False)


def instruction_of(task: TaskView) -> str:
    """Return what an agent is told: with a sentence on its notes, where a task has sessions."""
    if task.store is None:
        return task.instruction
    return f"{task.instruction}\n\n{wording(task.lang).notes}"
