"""The rules by which a trial lives, held against a transcript: who may do what, when, how often.

A transcript that the suite wrote keeps them all. One that was put together otherwise may be right
in every result and still tell of what no trial allows: a call by a seat that was killed, a call
moved into another session, more calls than the limits let through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.trial import events
from conformance.trial.outcome import LIMITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from conformance.authoring import Seat


def life_problem(
    told: Sequence[events.TranscriptEvent], seats: Sequence[Seat], killed: Collection[int]
) -> str | None:
    """Say what no trial allows in a transcript, and in which line, or None.

    Args:
        told: Every event, each known to be in the form of its kind.
        seats: The instance's, in the order of their sessions.
        killed: The numbers of the calls after which the world killed their seat, 1 the first.
    """
    life = _Life(seats, killed)
    for line, event in enumerate(told, 1):
        wrong = life.take(event)
        if wrong is not None:
            return f"line {line}: {wrong}"
    return _miscounted(told, len(seats))


class _Life:
    """What may come next in a trial; each method says what is wrong with one more event."""

    def __init__(self, seats: Sequence[Seat], killed: Collection[int]) -> None:
        self._killed = killed
        self._coming = [seat for seat in seats if seat.name]
        self._at_work: set[str] = {seat.name for seat in seats if not seat.name}
        self._session = 0
        self._calls = 0
        self._dying: str | None = None
        self._is_limited = False

    def take(self, event: events.TranscriptEvent) -> str | None:
        if isinstance(event, events.Note) and event.kind in ("session", "killed"):
            return self._begin(event) if event.kind == "session" else self._kill(event)
        if self._dying is not None:
            return f"{self._dying!r} was killed by the call before, and goes on"
        match event:
            case events.ToolCall() | events.AnswerGiven() | events.ModelCall() | events.Note():
                return self._act(event)
            case events.LimitHit():
                wrong = "a second limit" if self._is_limited else None
                self._is_limited = True
                return wrong
            case _:
                return None

    def _begin(self, note: events.Note) -> str | None:
        if not self._coming or self._coming[0].name != note.seat:
            return f"a session of {note.seat!r} begins out of turn"
        seat = self._coming.pop(0)
        if note.details != {"number": seat.session} or self._dying or self._is_limited:
            return f"a session of {note.seat!r} begins as none does"
        if seat.session != self._session:
            self._at_work.clear()
            self._session = seat.session
        self._at_work.add(seat.name)
        return None

    def _kill(self, note: events.Note) -> str | None:
        if note.seat != self._dying or note.details:
            return f"{note.seat!r} is killed, but not by the world"
        self._at_work.discard(note.seat)
        self._dying = None
        return None

    def _act(
        self, event: events.ToolCall | events.AnswerGiven | events.ModelCall | events.Note
    ) -> str | None:
        if self._coming and self._coming[0].session == self._session:
            return f"comes before {self._coming[0].name!r} is there"
        if event.seat not in self._at_work:
            return f"is of {event.seat!r}, who is not at work"
        if isinstance(event, events.ToolCall | events.AnswerGiven) and self._is_limited:
            return "comes after the limit"
        if isinstance(event, events.ToolCall):
            self._calls += 1
            self._dying = event.seat if self._calls in self._killed else None
        return None


def _miscounted(  # noqa: PLR0911 - a rule each
    told: Sequence[events.TranscriptEvent], seats: int
) -> str | None:
    """Say which count, time or limit the end of a trial gets wrong."""
    start, end = told[0], told[-1]
    if not isinstance(start, events.Start) or not isinstance(end, events.End):
        return "has no beginning or no end"
    if not all(0 <= event.t <= end.t for event in told):
        return "has a time before the beginning or after the end"
    metered = [event.call for event in told if isinstance(event, events.ModelCall)]
    called = sum(isinstance(event, events.ToolCall) for event in told)
    answered = sum(isinstance(event, events.AnswerGiven) for event in told)
    limits = [event.limit for event in told if isinstance(event, events.LimitHit)]
    if not len(metered) <= end.model_calls <= start.limits.model_calls:
        return f"{len(metered)} model calls are not {end.model_calls} within the limit"
    if not called <= end.tool_calls <= start.limits.tool_calls:
        return f"{called} tool calls are not {end.tool_calls} within the limit"
    if answered > max(seats, start.limits.tool_calls):
        return f"{answered} answers are more than the limit"
    tokens = (_sum(c.input_tokens for c in metered), _sum(c.output_tokens for c in metered))
    retries = sum(call.retries for call in metered)
    if (*tokens, retries) != (end.input_tokens, end.output_tokens, end.retries):
        return "the tokens and retries are not the sums of those of its calls"
    if limits != [cause for cause in LIMITS if cause == end.cause]:
        return f"the limit that was hit is not what ended it, {end.cause}"
    if sum(tokens) > start.limits.tokens and not limits:
        return "more tokens than the limit, and no end for it"
    has_touched = bool(end.model_calls or end.tool_calls or answered)
    if has_touched == (end.cause == "silent") and end.cause in ("silent", "returned"):
        return f"{end.cause} is not how it ended"
    return None


def _sum(counts: Iterable[int | None]) -> int:
    return sum(max(0, count or 0) for count in counts)
