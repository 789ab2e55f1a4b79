"""What passes between the suite and an agent beside the tools: its questions, its last word."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from conformance.agents.notes import instruction_of
from conformance.agents.textcalls import bare_text
from conformance.agents.wording import wording
from conformance.authoring.answer import read_answer, read_answer_text

if TYPE_CHECKING:
    from conformance.agents.contract import TaskView
    from conformance.agents.external import Said
    from conformance.gateway import Handle

ASK = "ask_user"
"""The tool of a world in which somebody can be asked."""
_LONGEST = 2000


def first_turn(task: TaskView) -> str:
    """Return what an agent with a loop of its own is told first: all of its task."""
    return f"{instruction_of(task)}\n\n{wording(task.lang).outside}"


def taken(said: Said, handle: Handle) -> None:
    """Hand in the answer that an agent gave as its last word, if it is one as a whole.

    Prose is never searched for an answer.
    """
    if said.answer is not None:
        given = said.answer
        channel = "result"
        answer = read_answer(given) if isinstance(given, dict) else "it is no JSON object"
    else:
        answer = read_answer_text(bare_text(said.text)) or ""
        channel = "final message"
    if isinstance(answer, str):
        if answer or said.text:
            handle.note("no_answer", why=answer or "prose", text=said.text[:_LONGEST])
        return
    handle.submit(answer, channel)


async def next_turn(said: Said, task: TaskView, handle: Handle) -> str:
    """Answer what an agent asked in the way its protocol has for that.

    Where somebody can be asked in the world, the question goes to that tool, and what it gives
    comes back: the protocol's way and the tool's way lead to the same. Else nobody answers.
    """
    handle.note("asks", text=said.text[:_LONGEST])
    spec = next((tool for tool in handle.tools if tool.name == ASK), None)
    if spec is None:
        return wording(task.lang).nobody
    given = said.text.strip()
    arguments: Any = {next(iter(spec.parameters["properties"])): given}
    if given.startswith("{"):
        with contextlib.suppress(ValueError, RecursionError):
            arguments = json.loads(given)
    return (await handle.call_tool(ASK, arguments)).text
