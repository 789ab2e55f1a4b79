"""The doors of one trial: every call through them is limited and written to the transcript."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.contract import Limits, ModelCall, ToolReply, TrialEndedError
from conformance.authoring import SUBMIT_TOOL, Answer, Call
from conformance.trial import events
from conformance.trial.plain import NotPlainError, legible, plain, short_name

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
        self.failure: str | None = None
        """What of the suite failed, where ``ended_by`` is ``suite_error``."""
        self.submissions = 0
        """Answers handed in, those that were not taken included."""
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
        """Call a tool or ``submit_answer``; a mistake comes back as an error result.

        Raises:
            TrialEndedError: a limit is crossed, the answer is taken, or the doors are shut.
        """
        self._still_open()
        if name == SUBMIT_TOOL:
            return self._submit_call(arguments, SUBMIT_TOOL)
        if self._door.answer is not None:
            raise TrialEndedError
        if self.tool_calls >= self._limits.tool_calls:
            self._end("tool_calls")
        self._take("tool_call")
        self.tool_calls += 1
        began = self.elapsed()
        try:
            call = self._door.call(short_name(name), _object(arguments))
            reply = _reply(call)
        except Exception as error:  # a world's tool failed by itself: the suite's own fault
            self.ended_by = "suite_error"
            self.failure = f"{short_name(name)}: {type(error).__name__}: {error}"
            raise TrialEndedError from error
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
        return reply

    def submit(self, answer: Answer, channel: str) -> ToolReply:
        """Take an answer that came by another way than ``submit_answer``.

        Raises:
            TrialEndedError: a limit is crossed, or the doors are shut.
        """
        self._still_open()
        return self._submit_call(msgspec.structs.asdict(answer), channel)

    def before_model_call(self) -> None:
        """Let one more model call through, or end the trial."""
        self._still_open()
        if self.model_calls >= self._limits.model_calls:
            self._end("model_calls")
        self._take("model_call")
        self.model_calls += 1

    def after_model_call(self, call: ModelCall) -> None:
        """Meter a model call and write it down.

        Raises:
            TrialEndedError: too many tokens, or the doors are shut.
        """
        if self.is_closed:
            raise TrialEndedError
        self.input_tokens += max(0, call.input_tokens or 0)
        self.output_tokens += max(0, call.output_tokens or 0)
        self.retries += call.retries
        self._transcript.write(events.ModelCall(t=self.elapsed(), call=call))
        if self.input_tokens + self.output_tokens > self._limits.tokens:
            self._end("tokens")

    def note(self, kind: str, **details: Any) -> None:
        """Write something else worth reading."""
        if not self.is_closed:
            said = legible(details)
            self._transcript.write(events.Note(t=self.elapsed(), kind=kind, details=said))

    def close(self) -> None:
        """Shut the doors: whatever comes later cannot count."""
        self.is_closed = True

    def _submit_call(self, arguments: Any, channel: str) -> ToolReply:
        if self.submissions >= max(1, self._limits.tool_calls):
            self._end("tool_calls")
        self.submissions += 1
        given = _object(arguments)
        complaint = self._door.submit_arguments(given)
        self._transcript.write(
            events.AnswerGiven(t=self.elapsed(), channel=channel, answer=given, refused=complaint)
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


def _object(arguments: Any) -> dict[str, Any]:
    """Return what the world is called with, and what is written down: one and the same object."""
    try:
        given = plain(arguments)
    except NotPlainError as error:
        return {"": f"not readable: {error}"}
    return given if isinstance(given, dict) else {"": given}
