"""The life of a trial: doors opened, agent run, doors shut, state sealed, transcript ended."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import secrets
import time
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.contract import (
    AgentFailedError,
    Limits,
    ModelFaultError,
    Store,
    SuiteFailedError,
    TaskView,
    TrialEndedError,
)
from conformance.authoring import canonical
from conformance.edition.instances import offered_tools
from conformance.trial import events
from conformance.trial.chain import ChainWriter, StorageError, unwritable
from conformance.trial.doors import TrialDoors, handed_out
from conformance.trial.outcome import FAULT_CAUSES, LIMITS, TABLE, Cause, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from conformance.agents.contract import Agent
    from conformance.authoring import Instance, Seat
    from conformance.trial.doors import SeatDoors


GRACE_S = 5.0
"""How long an agent that is stopped may take to let go."""
CANARY_S = 120.0
"""How long an endpoint may take to answer the canary."""
LONGEST_DETAIL = 2000


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
    # The agents of one session have no store in common: what they share, they share in the world.
    has_sessions = len({seat.session for seat in instance.seats}) > 1
    stores = [Store() if has_sessions else None for _ in instance.seats]
    try:
        door = instance.door()
        limits = widened(limits, instance)
        doors = TrialDoors(instance, door, transcript, limits, spend)
        transcript.write(start_event(instance, trial, limits))
        tasks = [_task(instance, seat, trial, limits) for seat in instance.seats]
        cause, detail = await _play(agent, tasks, doors, instance, stores)
        try:
            state = redact(canonical(door.finish()))
        except (TypeError, ValueError, RecursionError) as error:
            state, cause, detail = b"null", "suite_error", f"the state is not JSON: {error}"
        except Exception as error:  # noqa: BLE001 - content may fail in any way
            state, cause = b"null", "suite_error"
            detail = f"the end of the world: {type(error).__name__}: {error}"
        _write_state(state_path(run, trial), state)
        record = TrialRecord(
            trial=trial,
            outcome=TABLE[cause].outcome,
            cause=cause,
            detail=None if detail is None else detail[:LONGEST_DETAIL],
            transcript_head="",
            wall_s=doors.elapsed(),
            model_calls=doors.model_calls,
            tool_calls=doors.tool_calls,
            input_tokens=doors.input_tokens,
            output_tokens=doors.output_tokens,
            retries=doors.retries,
        )
        transcript.write(end_event(record, hashlib.sha256(state).hexdigest()))
    finally:
        transcript.close()
        for store in filter(None, stores):
            store.clear()
    return msgspec.structs.replace(record, transcript_head=transcript.head)


def end_event(record: TrialRecord, state_sha256: str) -> events.End:
    """Return the last event of the transcript of a trial that ended as ``record`` says."""
    return events.End(
        t=record.wall_s,
        outcome=record.outcome,
        cause=record.cause,
        detail=record.detail,
        state_sha256=state_sha256,
        model_calls=record.model_calls,
        tool_calls=record.tool_calls,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        retries=record.retries,
    )


def start_event(instance: Instance[Any], trial: str, limits: Limits) -> events.Start:
    """Return the first event of a transcript; all but the trial's id follows from the instance."""
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
        tools=[tool.name for tool in instance.seats[0].tools],
        forbidden=sorted(instance.forbidden),
        limits=limits,
        seats=[
            events.SeatStart(
                seat.name, seat.session, seat.instruction, [t.name for t in seat.tools]
            )
            for seat in instance.seats
        ]
        if len(instance.seats) > 1
        else [],
    )


def widened(limits: Limits, instance: Instance[Any]) -> Limits:
    """Return the limits of a trial: those for one agent, times the agents at work at once."""
    sessions = [seat.session for seat in instance.seats]
    width = max(sessions.count(session) for session in sessions)
    return msgspec.structs.replace(
        limits,
        model_calls=limits.model_calls * width,
        tool_calls=limits.tool_calls * width,
        tokens=limits.tokens * width,
    )


def _task(instance: Instance[Any], seat: Seat, trial: str, limits: Limits) -> TaskView:
    tools = handed_out(offered_tools(instance, seat))
    return TaskView(trial, seat.instruction, instance.lang, tools, limits, seat.name)


async def _play(
    agent: Agent,
    tasks: Sequence[TaskView],
    doors: TrialDoors,
    private: Instance[Any],
    stores: Sequence[Store | None],
) -> tuple[Cause, str | None]:
    """Let the agent work, session after session, and shut the doors behind it.

    Returns:
        What ended the trial, and how. A session that one seat ends badly is the last.
    """
    deadline = time.monotonic() + tasks[0].limits.wall_s
    sessions = [list(group) for _, group in itertools.groupby(private.seats, lambda s: s.session)]
    by_seat = {task.seat: task for task in tasks}
    ended: tuple[Cause, str | None] = ("silent", None)
    for seats in sessions:
        try:
            opened = doors.at(seats)
        except TrialEndedError:
            ended = doors.ended_by or "suite_error", doors.failure
            break
        works = [
            asyncio.create_task(
                _contained(agent, msgspec.structs.replace(by_seat[name], store=store), at, private)
            )
            for (name, at), store in zip(opened.items(), stores, strict=False)
        ]
        try:
            left = max(0.0, deadline - time.monotonic())
            _, late = await asyncio.wait(works, timeout=left)
            if late:
                doors.close()
                await _cancel(late)
        except asyncio.CancelledError:
            # The campaign is stopping; this trial ends in order and is run again on a resume.
            doors.close()
            await _cancel(works)
            return "interrupted", None
        errors = [work.result() for work in works if work not in late]
        is_limited = bool(late) or doors.ended_by in LIMITS
        outage = await _outage(errors, agent) if len(works) > 1 and is_limited else None
        if outage is not None:
            ended = outage
        elif doors.ended_by is not None:
            ended = doors.ended_by, doors.failure
        elif late:
            ended = "wall_time", None
        else:
            ended = await _judge_all(errors, agent, doors)
        if ended[0] not in ("returned", "silent"):
            break
    doors.close()
    return ended


async def _contained(
    agent: Agent, task: TaskView, doors: SeatDoors, private: Instance[Any]
) -> BaseException | None:
    """Return what the agent's code raised, if anything; also ``SystemExit``."""
    own = asyncio.current_task()
    try:
        await agent.run(task, doors, private)
    except KeyboardInterrupt:
        raise
    except TrialEndedError as error:
        # Killed by the world, or done: an agent that lets this pass did nothing wrong.
        return None if doors.was_killed or doors.has_answered else error
    except BaseException as error:  # noqa: BLE001 - whatever an agent raises ends as a record
        if own is not None and own.cancelling() and isinstance(error, asyncio.CancelledError):
            return None
        return None if doors.was_killed else error
    finally:
        doors.close()  # at once: what the agent left running may not go on
    return None


async def _cancel(works: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel agents; one that will not go is left behind shut doors."""
    stopped = set(works)
    for work in stopped:
        work.cancel()
    await asyncio.wait(stopped, timeout=GRACE_S)


async def _outage(
    errors: Iterable[BaseException | None], agent: Agent
) -> tuple[Cause, str | None] | None:
    """Return that one of several agents lost its endpoint: what the others ran into then is idle.

    A limit of those who were left alone is not held against the team.
    """
    faults = [error for error in errors if isinstance(error, ModelFaultError)]
    for fault in faults[:1]:
        if await _judge_fault(fault, agent) == "endpoint_down":
            return "endpoint_down", f"{fault.kind}: {fault}"
    return None


async def _judge_all(
    errors: Sequence[BaseException | None], agent: Agent, doors: TrialDoors
) -> tuple[Cause, str | None]:
    """Judge a session by the first of its seats that ended badly, or by none."""
    found = [await _judge(error, agent, doors) for error in errors]
    return next((item for item in found if item[0] not in ("returned", "silent")), found[0])


async def _judge(
    error: BaseException | None, agent: Agent, doors: TrialDoors
) -> tuple[Cause, str | None]:
    if isinstance(error, StorageError):
        raise error
    if isinstance(error, ModelFaultError):
        return await _judge_fault(error, agent), f"{error.kind}: {error}"
    if isinstance(error, AgentFailedError):
        return error.cause, str(error)
    if isinstance(error, SuiteFailedError):
        return "suite_error", str(error)
    if error is None:
        return ("returned" if _touched(doors) else "silent"), None
    # The model-only agents run on the suite's own code: what fails there is the suite's fault.
    own = agent.evidence_class == "model-only"
    return ("suite_error" if own else "agent_error"), f"{type(error).__name__}: {error}"


def _touched(doors: TrialDoors) -> bool:
    return bool(doors.model_calls or doors.tool_calls or doors.submissions)


async def _judge_fault(fault: ModelFaultError, agent: Agent) -> Cause:
    """Tell an endpoint that is down from one that fails on this trial: ask it a canary."""
    settled = FAULT_CAUSES.get(fault.kind)
    if settled is not None:
        return settled
    try:
        async with asyncio.timeout(CANARY_S):
            is_up = await agent.canary()
    except Exception:  # noqa: BLE001 - a canary that fails in any way is no answer
        is_up = False
    return "endpoint_failed" if is_up else "endpoint_down"


def _write_state(path: Path, state: bytes) -> None:
    try:
        path.write_bytes(state)
    except OSError as error:
        raise unwritable(path, error) from error
