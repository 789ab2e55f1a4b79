"""What one canary trial shows of an agent: does it reach both doors, and how does it end."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.contract import Limits
from conformance.authoring import same_value
from conformance.trial import events
from conformance.trial.canary import canary_instance
from conformance.trial.outcome import Outcome
from conformance.trial.run import new_trial_id, run_trial, transcript_path
from conformance.trial.sealed import read_events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.agents.contract import Agent
    from conformance.authoring import Lang
    from conformance.trial.events import TranscriptEvent

PROBE_LIMITS = Limits(wall_s=120.0, model_calls=12, tool_calls=24, tokens=400_000)
_LONGEST = 300


class ModelSeen(msgspec.Struct, frozen=True):
    """What the model door saw of the agent's calls."""

    calls: int
    dialects: list[str]
    streams: bool
    requested: list[str]
    served: list[str]
    usage: list[str]
    """How its tokens came to be known: reported, injected, estimated."""
    stripped: list[str]
    """What the gateway took out of its requests."""
    failures: int


class ProbeReport(msgspec.Struct, frozen=True):
    """What a canary trial showed."""

    outcome: Outcome
    detail: str | None
    listed_tools: bool | None
    """None for an agent that is handed its tools."""
    tool_calls: int
    has_read: bool
    """It called the canary's tool right."""
    unknown_tools: list[str]
    """Tools it called that were not offered."""
    models: ModelSeen
    answered_by: str | None
    """The channel of the answer that was taken."""
    is_right: bool
    """The answer holds the code."""
    seconds: float
    notes: list[dict[str, Any]]
    """What else was written down on the way, the agent's own output with it."""

    @property
    def has_contact(self) -> bool:
        """Say whether the agent can be graded at all: it used a tool, and its answer arrived."""
        return self.has_read and self.answered_by is not None


async def probe_agent(
    agent: Agent,
    lang: Lang,
    redact: Callable[[bytes], bytes],
    limits: Limits = PROBE_LIMITS,
) -> ProbeReport:
    """Run one canary trial with an agent that is opened; nothing of it is kept."""
    instance = canary_instance(lang)
    with tempfile.TemporaryDirectory(prefix="conformance-probe-") as folder:
        run = Path(folder)
        for name in ("transcripts", "states"):
            (run / name).mkdir()
        trial = new_trial_id()
        record = await run_trial(
            instance, agent, trial=trial, run=run, limits=limits, redact=redact
        )
        path = transcript_path(run, trial)
        seen = await asyncio.to_thread(_read, path, record.transcript_head)
    calls = [event for event in seen if isinstance(event, events.ToolCall)]
    answers = [e for e in seen if isinstance(e, events.AnswerGiven) and e.refused is None]
    notes = [event for event in seen if isinstance(event, events.Note)]
    contact = next((note.details for note in notes if note.kind == "contact"), None)
    given = answers[0].answer.get("values") if answers else None
    code = instance.right_end.values["code"]
    return ProbeReport(
        outcome=record.outcome,
        detail=record.detail,
        listed_tools=None if contact is None else bool(contact["listings"]),
        tool_calls=len(calls),
        has_read=any(call.error is None and call.name == "read_code" for call in calls),
        unknown_tools=sorted({call.name for call in calls if call.error == "unknown_tool"}),
        models=_models(seen, notes),
        answered_by=answers[0].channel if answers else None,
        is_right=isinstance(given, dict) and same_value(given.get("code"), code),
        seconds=record.wall_s,
        notes=[{"kind": note.kind, **_short(note.details)} for note in notes],
    )


def _read(path: Path, head: str) -> Sequence[TranscriptEvent]:
    return read_events(path, head).events


def _models(seen: Sequence[TranscriptEvent], notes: Sequence[events.Note]) -> ModelSeen:
    calls = [event.call for event in seen if isinstance(event, events.ModelCall)]
    return ModelSeen(
        calls=len(calls),
        dialects=sorted({call.dialect for call in calls}),
        streams=any(call.is_stream for call in calls),
        requested=sorted({call.requested_model for call in calls}),
        served=sorted({call.served_model for call in calls if call.served_model}),
        usage=sorted({call.usage_source for call in calls}),
        stripped=sorted({kind for call in calls for kind in call.stripped}),
        failures=sum(note.kind == "model_failure" for note in notes),
    )


def _short(details: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[-_LONGEST:] if isinstance(value, str) else value
        for name, value in details.items()
    }
