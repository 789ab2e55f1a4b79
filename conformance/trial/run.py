"""The life of a trial: doors opened, agent run, doors shut, state sealed, transcript ended."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.contract import Limits, ModelFaultError, TaskView, TrialEndedError
from conformance.authoring import canonical
from conformance.edition.instances import offered_tools
from conformance.trial import events
from conformance.trial.chain import ChainWriter, StorageError, unwritable
from conformance.trial.doors import TrialDoors
from conformance.trial.outcome import FAULT_CAUSES, TABLE, Cause, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.agents.contract import Agent
    from conformance.authoring import Instance


class TrialRecord(msgspec.Struct, frozen=True):
    """What a campaign keeps of a trial; the rest is in its transcript and its state."""

    trial: str
    outcome: Outcome
    cause: Cause
    detail: str | None
    transcript_head: str
    """SHA-256 of the transcript's last line, which holds the state's SHA-256."""
    wall_s: float
    model_calls: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    retries: int


def new_trial_id() -> str:
    """Return a random trial id; it names nothing."""
    return secrets.token_hex(8)


def transcript_path(run: Path, trial: str) -> Path:
    """Return where a trial's transcript lies in a bundle's ``run`` folder."""
    return run / "transcripts" / f"{trial}.jsonl"


def state_path(run: Path, trial: str) -> Path:
    """Return where a trial's sealed final state lies in a bundle's ``run`` folder."""
    return run / "states" / f"{trial}.json"


async def run_trial(
    instance: Instance[Any],
    agent: Agent,
    *,
    trial: str,
    run: Path,
    limits: Limits,
    redact: Callable[[bytes], bytes],
    spend: Callable[[str], None] = lambda _: None,
) -> TrialRecord:
    """Run one agent on one instance and seal what came of it.

    Never raises for anything the agent or its endpoint does; that is in the record.

    Args:
        instance: What is tried.
        agent: The agent under test, opened.
        trial: The trial's random id.
        run: The bundle's ``run`` folder; ``transcripts`` and ``states`` exist in it.
        limits: What the trial may use.
        redact: Takes secrets out of each line of the transcript.
        spend: Told of each ``model_call`` and ``tool_call`` before it is made; raises
            ``TrialEndedError`` where the campaign has none left.

    Raises:
        StorageError: the evidence cannot be written.
    """
    transcript = ChainWriter(transcript_path(run, trial), redact)
    door = instance.door()
    doors = TrialDoors(door, transcript, limits, spend)
    transcript.write(_start(instance, trial, limits))
    task = TaskView(trial, instance.instruction, instance.lang, offered_tools(instance), limits)
    detail: str | None = None
    try:
        async with asyncio.timeout(limits.wall_s) as clock:
            await agent.run(task, doors, instance)
        cause: Cause = "returned" if _touched(doors) else "silent"
    except TrialEndedError:
        cause = doors.ended_by or "suite_error"
    except ModelFaultError as fault:
        cause, detail = await _judge_fault(fault, agent), f"{fault.kind}: {fault}"
    except asyncio.CancelledError:
        # The campaign is stopping; this trial ends in order and is run again on a resume.
        cause = "interrupted"
    except StorageError:
        transcript.close()
        raise
    except Exception as error:  # noqa: BLE001 - whatever an agent's code does must end as a record
        # The model-only agents run on the suite's own code: what fails there is the suite's fault.
        own = agent.evidence_class == "model-only"
        cause = "wall_time" if clock.expired() else "suite_error" if own else "agent_error"
        detail = f"{type(error).__name__}: {error}"
    doors.close()
    state = canonical(door.world.snapshot())
    _write_state(state_path(run, trial), state)
    transcript.write(
        events.End(
            t=doors.elapsed(),
            outcome=TABLE[cause].outcome,
            cause=cause,
            detail=detail,
            state_sha256=hashlib.sha256(state).hexdigest(),
            model_calls=doors.model_calls,
            tool_calls=doors.tool_calls,
            input_tokens=doors.input_tokens,
            output_tokens=doors.output_tokens,
            retries=doors.retries,
        )
    )
    transcript.close()
    return TrialRecord(
        trial=trial,
        outcome=TABLE[cause].outcome,
        cause=cause,
        detail=detail,
        transcript_head=transcript.head,
        wall_s=doors.elapsed(),
        model_calls=doors.model_calls,
        tool_calls=doors.tool_calls,
        input_tokens=doors.input_tokens,
        output_tokens=doors.output_tokens,
        retries=doors.retries,
    )


def _start(instance: Instance[Any], trial: str, limits: Limits) -> events.Start:
    return events.Start(
        t=0.0,
        format=events.FORMAT,
        trial=trial,
        family=instance.family.id,
        version=instance.family.version,
        knobs=instance.knobs,
        seed=instance.seed,
        lang=instance.lang,
        wording=instance.wording,
        instruction=instance.instruction,
        tools=[tool.name for tool in instance.tools],
        forbidden=sorted(instance.forbidden),
        limits=limits,
    )


def _touched(doors: TrialDoors) -> bool:
    return bool(doors.model_calls or doors.tool_calls or doors.answer is not None)


async def _judge_fault(fault: ModelFaultError, agent: Agent) -> Cause:
    """Tell an endpoint that is down from one that fails on this trial: ask it a canary."""
    settled = FAULT_CAUSES.get(fault.kind)
    if settled is not None:
        return settled
    return "endpoint_failed" if await agent.canary() else "endpoint_down"


def _write_state(path: Path, state: bytes) -> None:
    try:
        path.write_bytes(state)
    except OSError as error:
        raise unwritable(path, error) from error
