"""An agent that is reached from outside: it works by itself and comes to the gateway's doors.

What all such kinds have in common is here: a handle for each seat, turns, the end by protocol and
then by force, and what came of it. A kind is a ``Transport``.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from conformance.agents.contract import (
    AgentFailedError,
    EvidenceClass,
    ModelFaultError,
    SuiteFailedError,
    TrialEndedError,
)
from conformance.agents.turns import first_turn, next_turn, taken

if TYPE_CHECKING:
    from conformance.agents.contract import Doors, TaskView
    from conformance.authoring import Instance
    from conformance.gateway import Gateway, Handle
    from conformance.gateway.upstream import Upstream

LAST_WORDS_S = 30.0
"""How long an agent may go on once its answer is taken: most say a closing sentence."""
CANCEL_S = 2.0
"""How long it may take to stop when it is asked to by its protocol."""
MOST_TURNS = 40


class Said(NamedTuple):
    """What an agent gave back at the end of a turn."""

    kind: Literal["final", "asks"]
    text: str = ""
    answer: Any = None
    """What it returned as its answer, as it is; None where it returned none."""


class Session(Protocol):
    """One agent at work at one seat."""

    async def send(self, text: str) -> Said:
        """Give the agent its next turn (the first is the task) and wait for the end of it.

        Raises:
            AgentFailedError: it crashed, or did not keep to its protocol.
            ModelFaultError: it cannot be reached any more (``connection``, ``timeout``).
        """
        ...

    async def cancel(self) -> None:
        """Ask it to stop, by its protocol where that has a way; quick, and never raises."""
        ...

    async def close(self, *, at_once: bool) -> None:
        """End whatever is left of it; with ``at_once`` there is no asking (SIGKILL)."""
        ...


class Transport(Protocol):
    """One way to reach agents. One object serves a whole campaign."""

    @property
    def evidence_class(self) -> EvidenceClass:
        """Return what the way of reaching it allows, once opened; it does not change later."""
        ...

    async def open(self, gateway: Gateway) -> None:
        """Get ready before the first trial.

        Raises:
            AgentUnavailableError: it cannot be reached.
        """
        ...

    async def start(self, task: TaskView, handle: Handle) -> Session:
        """Start, or reach, the agent for one seat; nothing is sent yet.

        Raises:
            AgentFailedError, ModelFaultError: as ``Session.send``.
        """
        ...

    async def canary(self) -> bool:
        """Say whether it answers at all, now. Cheap."""
        ...

    async def close(self) -> None:
        """Let go of connections and processes."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return the kind and how it is reached, for the report."""
        ...


class ExternalAgent:
    """Implements ``agents.contract.Agent`` for every kind that comes to the gateway."""

    def __init__(self, transport: Transport, gateway: Gateway) -> None:
        self.transport = transport
        self.gateway = gateway

    @property
    def evidence_class(self) -> EvidenceClass:
        """Return what the evidence of its trials is worth."""
        return self.transport.evidence_class

    @property
    def endpoint(self) -> Upstream | None:
        """The endpoint behind the model door; None where it brings its own model."""
        return self.gateway.upstream

    async def open(self) -> None:
        """Start the gateway, and get the transport ready."""
        await self.gateway.open()
        try:
            await self.transport.open(self.gateway)
        except BaseException:
            await self.gateway.close()
            raise

    async def run(self, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        """Let the agent work on one task until it is done or the trial is over."""
        del private
        with self.gateway.handle(task, doors) as handle:
            error = await self._attended(task, handle)
            handle.note("contact", listings=handle.tool_listings, models=handle.model_requests)
        if handle.error is not None:
            raise handle.error
        if handle.has_ended:
            raise TrialEndedError
        if error is None and handle.fault is None:
            return
        if doors.has_answered:
            if error is not None:
                doors.note("failed_after_answer", error=str(error))
            return
        if await self._has_broken_off(error, handle):
            why = error or handle.fault
            raise AgentFailedError(f"its server broke off its work: {why}", "agent_error")
        # An agent that fails on an endpoint that failed is judged by the endpoint.
        raise handle.fault or error or RuntimeError

    async def canary(self) -> bool:
        """Say whether the agent, and the endpoint behind the model door, answer now."""
        return await self.transport.canary() and await self.gateway.canary()

    async def close(self) -> None:
        """Let go of the agent, then of the gateway."""
        try:
            await self.transport.close()
        finally:
            await self.gateway.close()

    def describe(self) -> dict[str, Any]:
        """Return how the agent is reached and what model it was given."""
        return {**self.transport.describe(), **self.gateway.describe()}

    async def _has_broken_off(self, error: Exception | None, handle: Handle) -> bool:
        """Say whether it was the agent's own server that failed, after its work had begun.

        That counts. Else who sees a trial go badly need only be down for a moment, to look at the
        same world a second time.
        """
        if not handle.has_begun:
            return False
        if handle.fault is None:
            return isinstance(error, ModelFaultError)
        return not await self.transport.canary()

    async def _attended(self, task: TaskView, handle: Handle) -> Exception | None:
        """Work through one session; return what the agent failed at, if anything."""
        try:
            session = await self.transport.start(task, handle)
        except (AgentFailedError, ModelFaultError) as error:
            return error
        except Exception as error:
            raise SuiteFailedError(f"start: {type(error).__name__}: {error}") from error
        work = asyncio.create_task(_talk(session, task, handle))
        over = asyncio.create_task(handle.over.wait())
        try:
            await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not handle.has_ended:
                await asyncio.wait({work}, timeout=LAST_WORDS_S)
            if not work.done() and not handle.doors.was_killed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CANCEL_S):
                        await session.cancel()
                await asyncio.wait({work}, timeout=CANCEL_S)
        finally:
            for task_ in (work, over):
                task_.cancel()
            # Before the handle is revoked and the world is sealed: nothing of it goes on.
            await session.close(at_once=handle.doors.was_killed)
            await asyncio.wait({work, over})
        error_ = None if work.cancelled() else work.exception()
        if error_ is None or isinstance(error_, AgentFailedError | ModelFaultError):
            return error_
        if isinstance(error_, TrialEndedError):
            return None
        raise SuiteFailedError(f"{type(error_).__name__}: {error_}") from error_


async def _talk(session: Session, task: TaskView, handle: Handle) -> None:
    """Give the agent its turns, until one is its last."""
    text = first_turn(task)
    for _ in range(MOST_TURNS):
        said = await session.send(text)
        if said.kind == "final":
            if not handle.doors.has_answered:
                taken(said, handle)
            return
        text = await next_turn(said, task, handle)
    handle.note("stuck", turns=MOST_TURNS)
