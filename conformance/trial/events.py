"""The events of a transcript (``schemas/transcript.schema.json``), one a line."""

from __future__ import annotations

from typing import Any

import msgspec

from conformance.agents.contract import Limits
from conformance.agents.contract import ModelCall as MeteredCall

FORMAT = "transcript/1"


class Event(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """What all events have; ``seq`` and ``prev`` are put around them by the chain."""

    t: float
    """Seconds since the trial began."""


class SeatStart(msgspec.Struct, frozen=True):
    """What is sent to one of several agents, or in one of several sessions."""

    seat: str
    session: int
    instruction: str
    tools: list[str]


class Start(Event, frozen=True, tag="start"):
    """What is tried, and what was sent to the agent."""

    format: str
    trial: str
    family: str
    version: int
    knobs: dict[str, Any]
    seed: str
    lang: str
    wording: int
    instruction: str
    tools: list[str]
    forbidden: list[str]
    limits: Limits
    seats: list[SeatStart] = []
    """Where there is more than one; the instruction and the tools above are the first's."""


class ModelCall(Event, frozen=True, tag="model_call"):
    """One call of the model behind the agent."""

    call: MeteredCall
    seat: str = ""


class ToolCall(Event, frozen=True, tag="tool_call"):
    """One call of the world's tools."""

    name: str
    arguments: dict[str, Any]
    result: Any
    error: str | None
    effect: str
    duration_s: float
    seat: str = ""
    fault: str | None = None
    """The fault that the instance put at the door of this call."""
    notices: list[Any] = []
    """What the world told the agent beside the result."""


class AnswerGiven(Event, frozen=True, tag="answer"):
    """The agent handed in an answer; ``refused`` says why it was not taken, if so."""

    channel: str
    answer: dict[str, Any]
    refused: str | None = None
    seat: str = ""


class Note(Event, frozen=True, tag="note"):
    """Anything else worth reading."""

    kind: str
    details: dict[str, Any]
    seat: str = ""


class LimitHit(Event, frozen=True, tag="limit"):
    """A limit was crossed; the trial ends."""

    limit: str


class End(Event, frozen=True, tag="end"):
    """How the trial ended; the last event."""

    outcome: str
    cause: str
    detail: str | None
    state_sha256: str
    model_calls: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    retries: int


TranscriptEvent = Start | ModelCall | ToolCall | AnswerGiven | Note | LimitHit | End
"""Any line of a transcript."""
