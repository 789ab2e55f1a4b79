"""The doors of one trial: every call through them is limited and written to the transcript."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.contract import Limits, ModelCall, ToolReply, TrialEndedError
from conformance.authoring import SUBMIT_TOOL, Answer, Call, NothingYet, ToolSpec
from conformance.edition.instances import offered_now
from conformance.trial import events
from conformance.trial.plain import NotPlainError, legible, plain, short_name
from conformance.trial.turnstile import Turnstile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.authoring import Door, Instance, Seat
    from conformance.trial.chain import ChainWriter
    from conformance.trial.outcome import Cause

OWN_NOTES = ("session", "killed")
"""Kinds of notes that are the suite's word; an agent's own of that name are told apart."""

_encode = msgspec.json.Encoder().encode
_SPECS = msgspec.json.Decoder(tuple[ToolSpec, ...])


def handed_out(tools: Iterable[ToolSpec]) -> tuple[ToolSpec, ...]:
    """Return tools for an agent: what it does to them does not reach the world's."""
    return _SPECS.decode(_encode(tuple(tools)))


class TrialDoors:
    """The meter and the limits of one trial, and the door to its world; a seat's are ``at``."""

    def __init__(
        self,
        instance: Instance[Any],
        door: Door,
        transcript: ChainWriter,
        limits: Limits,
        spend: Callable[[str], None],
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
        self._instance = instance
        self._door = door
        self._transcript = transcript
        self._limits = limits
        self._spend = spend
        self._start = time.monotonic()
        self._turn = Turnstile()

    @property
    def answer(self) -> Answer | None:
        """The trial's answer so far."""
        return self._door.answer

    def at(self, seats: Iterable[Seat]) -> dict[str, SeatDoors]:
        """Open the doors of a session's seats, and let the session begin.

        Raises:
            TrialEndedError: the world failed at it.
        """
        opened = {seat.name: SeatDoors(self, seat) for seat in seats}
        self._turn = Turnstile(opened)
        for name, seat in opened.items():
            try:
                self._door.enter(seat.seat.session)
            except Exception as error:
                raise self._failed("begin", error) from error
            if name:
                self.note(name, "session", {"number": seat.seat.session})
        return opened

    def left(self, seat: str) -> None:
        """Take note that a seat can make no more calls: others may have waited for it."""
        self._turn.leave(seat)

    def has_answered(self, seat: str) -> bool:
        """Say whether a seat's answer is taken."""
        return seat in self._door.answers

    def elapsed(self) -> float:
        """Return the seconds since the trial began."""
        return round(time.monotonic() - self._start, 6)

    def close(self) -> None:
        """Shut the doors: whatever comes later cannot count."""
        self.is_closed = True
        self._turn.open()

    async def call_tool(self, at: SeatDoors, name: str, arguments: Any) -> ToolReply:
        """Call a tool from a seat that is still open; see ``SeatDoors.call_tool``."""
        seat = at.name
        if self.tool_calls >= self._limits.tool_calls:
            self.end("tool_calls")
        self._take("tool_call")
        self.tool_calls += 1
        began = self.elapsed()
        before = self._door.offered[seat]
        try:
            call = await self._called(at, short_name(name), _object(arguments))
            reply = _reply(call)
            if self._door.offered[seat] is not before:
                reply = reply._replace(tools=self._tools(seat))
        except TrialEndedError:
            raise
        except Exception as error:
            raise self._failed(short_name(name), error) from error
        self._transcript.write(
            events.ToolCall(
                t=self.elapsed(),
                name=call.name,
                arguments=call.arguments,
                result=call.result,
                error=call.error,
                effect=call.effect,
                duration_s=round(self.elapsed() - began, 6),
                seat=call.seat,
                fault=call.fault,
                notices=call.notices,
            )
        )
        return reply

    def submit(self, seat: str, arguments: Any, channel: str) -> ToolReply:
        """Take a seat's answer, or say why it is none."""
        if self.submissions >= max(len(self._door.seats), self._limits.tool_calls):
            self.end("tool_calls")
        self.submissions += 1
        given = _object(arguments)
        complaint = self._door.submit_arguments(given, seat)
        self._transcript.write(
            events.AnswerGiven(
                t=self.elapsed(), channel=channel, answer=given, refused=complaint, seat=seat
            )
        )
        if complaint is not None:
            body = {"error": "invalid_answer", "message": complaint}
            return ToolReply(_encode(body).decode(), is_error=True, is_end=False)
        self.left(seat)
        return ToolReply('{"accepted":true}', is_error=False, is_end=True)

    def was_killed(self, seat: str) -> bool:
        """Say whether the world kills the agent at a seat now; asked after each of its calls.

        Raises:
            TrialEndedError: the world failed at it.
        """
        world = self._door.world
        world.seat = seat
        try:
            is_killed = bool(world.has_killed())
        except Exception as error:
            raise self._failed("has_killed", error) from error
        if is_killed:
            self.left(seat)
            self.note(seat, "killed", {})
        return is_killed

    def before_model_call(self) -> None:
        """Let one more model call through, or end the trial."""
        self.still_open()
        if self.model_calls >= self._limits.model_calls:
            self.end("model_calls")
        self._take("model_call")
        self.model_calls += 1

    def after_model_call(self, seat: str, call: ModelCall) -> None:
        """Meter a model call and write it down; one that another seat's end overtook too.

        Raises:
            TrialEndedError: too many tokens, the trial is over, or the doors are shut.
        """
        if self.is_closed:
            raise TrialEndedError
        self.input_tokens += max(0, call.input_tokens or 0)
        self.output_tokens += max(0, call.output_tokens or 0)
        self.retries += call.retries
        self._transcript.write(events.ModelCall(t=self.elapsed(), call=call, seat=seat))
        self.still_open()
        if self.input_tokens + self.output_tokens > self._limits.tokens:
            self.end("tokens")

    def note(self, seat: str, kind: str, details: dict[str, Any]) -> None:
        """Write something else worth reading."""
        if not self.is_closed:
            said = legible(details)
            self._transcript.write(events.Note(self.elapsed(), kind, said, seat))

    def still_open(self) -> None:
        """Raise ``TrialEndedError`` where the trial is over."""
        if self.is_closed or self.ended_by is not None:
            raise TrialEndedError

    def end(self, cause: Cause) -> None:
        """End the trial for a limit."""
        self.ended_by = cause
        self._transcript.write(events.LimitHit(t=self.elapsed(), limit=cause))
        self._turn.open()
        raise TrialEndedError

    async def _called(self, at: SeatDoors, name: str, arguments: dict[str, Any]) -> Call:
        """Make a call; where it has to wait for another seat, wait while there is one."""
        try:
            call = self._door.call_unless_waiting(name, arguments, at.name)
        except NothingYet:
            call = await self._waited(at, name, arguments)
        self._turn.moved()
        return call

    async def _waited(self, at: SeatDoors, name: str, arguments: dict[str, Any]) -> Call:
        """Make a call once it has what it waits for, or nobody is left who could bring it."""
        while await self._turn.wait(at.name):
            at.still_at_work()  # much may have happened to this seat meanwhile
            with contextlib.suppress(NothingYet):
                return self._door.call_unless_waiting(name, arguments, at.name)
        at.still_at_work()
        return self._door.call(name, arguments, at.name)

    def _tools(self, seat: str) -> tuple[ToolSpec, ...]:
        now = self._door.offered[seat].values()
        return handed_out(offered_now(self._instance, self._door.seats[seat], now))

    def _failed(self, where: str, error: Exception) -> TrialEndedError:
        """End the trial for what content failed at by itself: the suite's own fault."""
        self.ended_by = "suite_error"
        self.failure = f"{where}: {type(error).__name__}: {error}"
        self._turn.open()
        return TrialEndedError()

    def _take(self, kind: str) -> None:
        try:
            self._spend(kind)
        except TrialEndedError:
            self.ended_by = "interrupted"
            self._turn.open()
            raise


class SeatDoors:
    """Implements ``agents.contract.Doors`` for the agent at one seat of a trial."""

    def __init__(self, trial: TrialDoors, seat: Seat) -> None:
        self.seat = seat
        self.name = seat.name
        self.was_killed = False
        """The world killed this agent: a session's end, no mistake of anybody's."""
        self.is_closed = False
        self._trial = trial

    @property
    def has_answered(self) -> bool:
        """Say whether this seat's answer is taken."""
        return self._trial.has_answered(self.name)

    async def call_tool(self, name: str, arguments: Any) -> ToolReply:
        """Call a tool or ``submit_answer``; a mistake comes back as an error result.

        Raises:
            TrialEndedError: a limit is crossed, the answer is taken, the agent is killed here, or
                the doors are shut.
        """
        if name == SUBMIT_TOOL:
            self._still_open()
            return self._trial.submit(self.name, arguments, SUBMIT_TOOL)
        self.still_at_work()
        reply = await self._trial.call_tool(self, name, arguments)
        if self._trial.was_killed(self.name):
            self.was_killed = self.is_closed = True
            raise TrialEndedError
        return reply

    def submit(self, answer: Answer, channel: str) -> ToolReply:
        """Take an answer that came by another way than ``submit_answer``.

        Raises:
            TrialEndedError: a limit is crossed, or the doors are shut.
        """
        self._still_open()
        return self._trial.submit(self.name, msgspec.structs.asdict(answer), channel)

    def before_model_call(self) -> None:
        """Let one more model call through, or end the trial."""
        self._still_open()
        self._trial.before_model_call()

    def after_model_call(self, call: ModelCall) -> None:
        """Meter a model call and write it down.

        Raises:
            TrialEndedError: too many tokens, the trial is over, or the doors are shut.
        """
        if self.is_closed:
            raise TrialEndedError
        self._trial.after_model_call(self.name, call)

    def note(self, kind: str, **details: Any) -> None:
        """Write something else worth reading."""
        if not self.is_closed:
            own = f"agent: {kind}" if kind in OWN_NOTES else kind
            self._trial.note(self.name, own, details)

    def close(self) -> None:
        """Shut this seat's doors: what its agent left running may not go on."""
        self.is_closed = True
        self._trial.left(self.name)

    def still_at_work(self) -> None:
        """Raise ``TrialEndedError`` where this seat can make no more calls."""
        self._still_open()
        if self.has_answered:
            raise TrialEndedError

    def _still_open(self) -> None:
        if self.is_closed:
            raise TrialEndedError
        self._trial.still_open()


def _reply(call: Call) -> ToolReply:
    is_error = call.error is not None
    body = {"error": call.error, "message": call.result} if is_error else call.result
    if call.notices:
        body = {**(body if is_error else {"result": body}), "notices": call.notices}
    return ToolReply(_encode(body).decode(), is_error=is_error, is_end=False)


def _object(arguments: Any) -> dict[str, Any]:
    """Return what the world is called with, and what is written down: one and the same object."""
    try:
        given = plain(arguments)
    except NotPlainError as error:
        return {"": f"not readable: {error}"}
    return given if isinstance(given, dict) else {"": given}
