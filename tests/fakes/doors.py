"""In-memory doors, for an agent that is tried without a trial."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from conformance.agents.contract import (
    Limits,
    ModelCall,
    TaskView,
    ToolReply,
    TrialEndedError,
)
from conformance.authoring import Answer, Lang, ToolSpec, submit_spec
from conformance.authoring.answer import read_answer
from conformance.authoring.tools import argument_errors

LOOK = ToolSpec(
    name="look",
    description="Look a rack's load up.",
    parameters={
        "type": "object",
        "properties": {"rack": {"type": "string", "description": "Name of the rack"}},
        "required": ["rack"],
        "additionalProperties": False,
    },
)


class Called(NamedTuple):
    name: str
    arguments: Any


class FakeDoors:
    """Takes every call, answers ``{"load": 25}``, keeps what happened."""

    was_killed = False

    def __init__(self, *, model_calls: int = 20) -> None:
        self.called: list[Called] = []
        self.model_calls: list[ModelCall] = []
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.answer: Answer | None = None
        self.channel: str | None = None
        self._left = model_calls

    @property
    def has_answered(self) -> bool:
        return self.answer is not None

    @property
    def noted(self) -> list[str]:
        return [kind for kind, _ in self.notes]

    async def call_tool(self, name: str, arguments: Any) -> ToolReply:
        self.called.append(Called(name, arguments))
        if name == "submit_answer":
            answer = read_answer(arguments)
            if isinstance(answer, str):
                return _error("invalid_answer", answer)
            return self.submit(answer, "submit_answer")
        if name != LOOK.name:
            return _error("unknown_tool", f"There is no tool {name!r}.")
        complaint = argument_errors(LOOK, arguments)
        if complaint is not None:
            return _error("invalid_arguments", complaint)
        return ToolReply('{"load":25}', is_error=False, is_end=False)

    def submit(self, answer: Answer, channel: str) -> ToolReply:
        self.answer, self.channel = answer, channel
        return ToolReply('{"accepted":true}', is_error=False, is_end=True)

    def before_model_call(self) -> None:
        if self._left == 0:
            raise TrialEndedError
        self._left -= 1

    def after_model_call(self, call: ModelCall) -> None:
        self.model_calls.append(call)

    def note(self, kind: str, **details: Any) -> None:
        self.notes.append((kind, details))


def task(instruction: str = "What is the load of rack R1?", lang: Lang = "en") -> TaskView:
    """Return a task with one tool and ``submit_answer``."""
    return TaskView(
        trial_id="t1",
        instruction=instruction,
        lang=lang,
        tools=(LOOK, submit_spec({"load": "the load in percent"})),
        limits=Limits(),
    )


def _error(code: str, text: str) -> ToolReply:
    body = json.dumps({"error": code, "message": text}, ensure_ascii=False)
    return ToolReply(body, is_error=True, is_end=False)
