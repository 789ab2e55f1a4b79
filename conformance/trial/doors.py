"""The doors of one trial: every call through them is limited and written to the transcript."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.contract import Limits, ModelCall, ToolReply, TrialEndedError
from conformance.authoring import SUBMIT_TOOL, Answer, Call
from conformance.trial import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Door
    from conformance.trial.chain import ChainWriter
    from conformance.trial.outcome import Cause

_encode = msgspec.json.Encoder().encode


class TrialDoors:
    """Implements ``agents.contract.Doors`` for one trial."""

    def __init__(
        self, door: Door, transcript: ChainWriter, limits: Limits, spend: Callable[[str], None]
    ) -> None:
        self.ended_by: Cause | None = None
        self.model_calls = 0
        self.tool_calls = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.retries = 0
        self.is_closed = False
        self._door = door
        self._transcript = transcript
        self._limits = limits
        self._spend = spend
        self._start = time.monotonic()

    @property
    def answer(self) -> Answer | None:
        """The answer taken so far."""
        return self._door.answer

    def elapsed(self) -> float:
        """Return the seconds since the trial began."""
        return round(time.monotonic() - self._start, 6)

    async def call_tool(self, name: str, arguments: Any) -> ToolReply:
        """Call a tool or ``submit_answer``; a mistake comes back as an error result."""
        self._still_open()
        if name == SUBMIT_TOOL:
            return self._submit_call(arguments)
        if self.tool_calls >= self._limits.tool_calls:
            self._end("tool_calls")
        self._take("tool_call")
        self.tool_calls += 1
        began = self.elapsed()
        call = self._door.call(name, arguments)
        self._transcript.write(
            events.ToolCall(
                t=self.elapsed(),
                name=call.name,
                arguments=call.arguments,
                result=call.result,
                error=call.error,
                effect=call.effect,
                duration_s=round(self.elapsed() - began, 6),
            )
        )
        return _reply(call)

    def submit(self, answer: Answer, channel: str) -> ToolReply:
        """Take an answer that came by another way than ``submit_answer``."""
        return self._submit_call(msgspec.to_builtins(answer), channel)

    def before_model_call(self) -> None:
        """Let one more model call through, or end the trial."""
        self._still_open()
        if self.model_calls >= self._limits.model_calls:
            self._end("model_calls")
        self._take("model_call")
        self.model_calls += 1

    def after_model_call(self, call: ModelCall) -> None:
        """Meter a model call and write it down."""
        self.input_tokens += call.input_tokens or 0
        self.output_tokens += call.output_tokens or 0
        self.retries += call.retries
        self._transcript.write(events.ModelCall(t=self.elapsed(), call=call))
        if self.input_tokens + self.output_tokens > self._limits.tokens:
            self._end("tokens")

    def note(self, kind: str, **details: Any) -> None:
        """Write something else worth reading."""
        if not self.is_closed:
            self._transcript.write(events.Note(t=self.elapsed(), kind=kind, details=details))

    def close(self) -> None:
        """Shut the doors: whatever comes later cannot count."""
        self.is_closed = True

    def _submit_call(self, arguments: Any, channel: str = SUBMIT_TOOL) -> ToolReply:
        complaint = self._door.submit_arguments(arguments)
        answer = arguments if isinstance(arguments, dict) else {"": arguments}
        self._transcript.write(
            events.AnswerGiven(t=self.elapsed(), channel=channel, answer=answer, refused=complaint)
        )
        if complaint is not None:
            body = {"error": "invalid_answer", "message": complaint}
            return ToolReply(_encode(body).decode(), is_error=True, is_end=False)
        return ToolReply('{"accepted":true}', is_error=False, is_end=True)

    def _still_open(self) -> None:
        if self.is_closed or self.ended_by is not None:
            raise TrialEndedError

    def _take(self, kind: str) -> None:
        try:
            self._spend(kind)
        except TrialEndedError:
            self.ended_by = "interrupted"
            raise

    def _end(self, cause: Cause) -> None:
        self.ended_by = cause
        self._transcript.write(events.LimitHit(t=self.elapsed(), limit=cause))
        raise TrialEndedError


def _reply(call: Call) -> ToolReply:
    if call.error is None:
        return ToolReply(_encode(call.result).decode(), is_error=False, is_end=False)
    body = {"error": call.error, "message": call.result}
    return ToolReply(_encode(body).decode(), is_error=True, is_end=False)
