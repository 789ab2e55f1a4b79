"""The ``a2a:`` agent: a server that speaks A2A, 1.0 or 0.3.

Its handles stand in the metadata of each message, under ``EXTENSION``; the message's text is the
task and nothing else. ``docs/agents/a2a.md`` tells vendors of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.a2a_reading import reading
from conformance.agents.contract import AgentFailedError, EvidenceClass, ModelFaultError
from conformance.agents.external import CANCEL_S, Said
from conformance.agents.http_contract import (
    CONNECT_S,
    PAUSES_S,
    POLL_GROWTH,
    POLL_S,
    SLOWEST_POLL_S,
    endpoint,
    handles,
    public,
)
from conformance.errors import AgentUnavailableError, UsageError

if TYPE_CHECKING:
    import httpx
    from a2a.client import Client
    from a2a.client.client import ClientCallContext
    from a2a.types.a2a_pb2 import AgentCard, Message, StreamResponse, Task

    from conformance.agents.contract import TaskView
    from conformance.agents.http_contract import Handles
    from conformance.gateway import Gateway, Handle

EXTENSION = "urn:agent-grading:handles:1"
"""The extension that an agent declares, and the key of its handles in a message's metadata."""
CARD_PATH = "/.well-known/agent-card.json"
BEGIN_S = 5.0
"""How long a task may still show the question of the turn before."""
_LONGEST = 200


class A2aTransport:
    """Implements ``agents.external.Transport`` for an A2A server.

    Args:
        url: The agent's address, to which the card's well-known path is added; or the card's.
        key_env: The name of the variable with its bearer token, or None where it wants none.
        uses_tools: False where the agent says that it does not use the suite's tools.

    Raises:
        UsageError: it is no address, or the SDK is not installed.
    """

    def __init__(self, url: str, *, key_env: str | None = None, uses_tools: bool = True) -> None:
        self.evidence_class: EvidenceClass = "observed" if uses_tools else "reported"
        self._at = endpoint(url.removesuffix(CARD_PATH), key_env, "a2a")
        self._gateway: Gateway | None = None
        self._http: httpx.AsyncClient | None = None
        self._client: Client | None = None
        self._card: dict[str, Any] = {}
        _require_sdk()

    async def open(self, gateway: Gateway) -> None:
        """Fetch the agent's card, and choose how to talk to it."""
        from a2a.client import ClientConfig, ClientFactory
        from a2a.utils.constants import TransportProtocol

        from conformance.agents.a2a_wire import client_for

        self._gateway = gateway
        self._http = client_for(self._at.headers)
        try:
            card = await self._fetched()
            # One that does not stream is asked to return at once: it is cancelled by its task's
            # id, which a reply that comes with the end would tell too late.
            config = ClientConfig(
                httpx_client=self._http,
                polling=not card.capabilities.streaming,
                supported_protocol_bindings=[
                    TransportProtocol.JSONRPC,
                    TransportProtocol.HTTP_JSON,
                ],
            )
            self._client = ClientFactory(config).create(card)
        except Exception as error:
            await self.close()
            raise AgentUnavailableError(
                f"no A2A agent that can be talked to: {error or type(error).__name__}",
                where=public(self._at.url),
                mend=f"serve {CARD_PATH} with an interface for JSONRPC or HTTP+JSON",
            ) from error
        self._card = _described(card)

    async def start(self, task: TaskView, handle: Handle) -> A2aSession:
        """Return a session; the agent hears of it with the first message."""
        assert self._client is not None, "not open"  # noqa: S101
        assert self._gateway is not None, "not open"  # noqa: S101
        return A2aSession(self._client, handles(task, handle, self._gateway), handle)

    async def canary(self) -> bool:
        """Say whether the agent still gives its card."""
        try:
            await self._fetched()
        except Exception:  # noqa: BLE001 - whatever is wrong with it, there is no card
            return False
        return True

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._http = self._http, None
        if client is not None:
            await client.aclose()

    def describe(self) -> dict[str, Any]:
        """Return the kind, the address and what the card says."""
        return {"kind": "a2a", "agent_url": public(self._at.url), **self._card}

    async def _fetched(self) -> AgentCard:
        from a2a.client import A2ACardResolver

        assert self._http is not None, "not open"  # noqa: S101
        async with asyncio.timeout(CONNECT_S):
            return await A2ACardResolver(self._http, self._at.url).get_agent_card()


class A2aSession:
    """Implements ``agents.external.Session``: one context, one task or several in turn."""

    def __init__(self, client: Client, given: Handles, handle: Handle) -> None:
        from a2a.types.a2a_pb2 import Task

        self._client = client
        self._given: dict[str, Any] = msgspec.to_builtins(given)
        self._handle = handle
        self._task: Task = Task()
        """The task as far as it was told; without an id until it is."""
        self._message: Message | None = None
        """What the agent answered with in place of a task."""
        self._context_id = ""
        self._asked = b""
        """The status in which it asked last: while it is still that, the agent did not begin."""
        self._is_at_work = False

    async def send(self, text: str) -> Said:
        """Send a message, and wait until the task wants something or is over."""
        from conformance.agents.a2a_wire import judged

        self._message = None
        self._is_at_work = True
        try:
            await self._sent(text)
            await self._settled()
            said = self._said()
        except AgentFailedError:
            raise
        except Exception as error:
            raise judged(error) from error
        self._is_at_work = False
        return said

    async def cancel(self) -> None:
        """Ask once for the task's end by ``CancelTask``."""
        from a2a.types.a2a_pb2 import CancelTaskRequest

        if not self._is_at_work or not self._task.id:
            return
        self._is_at_work = False
        # Whatever comes of it: it is the trial's end, not the agent's word.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CANCEL_S):
                task = await self._client.cancel_task(
                    CancelTaskRequest(id=self._task.id), context=_context()
                )
                self._handle.note("cancelled", state=reading(task).state)

    async def close(self, *, at_once: bool) -> None:
        """Leave the agent alone; with ``at_once`` it is not told, as a killed one is not."""
        if not at_once:
            await self.cancel()

    def _request(self, text: str) -> Message:
        from a2a.types.a2a_pb2 import Message, Part, Role

        asks_on = reading(self._task).is_asking
        message = Message(
            message_id=uuid.uuid4().hex,
            context_id=self._context_id,
            task_id=self._task.id if asks_on else "",
            role=Role.ROLE_USER,
            parts=[Part(text=text)],
            extensions=[EXTENSION],
        )
        message.metadata.update({EXTENSION: self._given})
        return message

    async def _sent(self, text: str) -> None:
        """Send a message, again where the agent surely did not get it, and read what comes."""
        from a2a.types.a2a_pb2 import SendMessageRequest

        from conformance.agents.a2a_wire import is_untaken

        request = SendMessageRequest(message=self._request(text))
        for pause_s in (*PAUSES_S, None):
            try:
                events = self._client.send_message(request, context=_context())
                async with contextlib.aclosing(events):  # type: ignore[type-var]
                    async for event in events:
                        if self._took(event):
                            return
            except Exception as error:
                if pause_s is not None and is_untaken(error):
                    await asyncio.sleep(pause_s)
                    continue
                if not self._task.id or not _is_network(error):
                    raise
                # The stream broke; the task may go on: it is asked for.
                self._handle.note("stream_broken", why=str(error)[:_LONGEST])
            return

    def _took(self, event: StreamResponse) -> bool:
        """Add what the agent told to the task; say whether that is its last word of the turn."""
        from a2a.server.tasks.task_manager import append_artifact_to_task

        match event.WhichOneof("payload"):
            case "task":
                # With a reply that streams, this may be the task as it was before the turn.
                self._task.CopyFrom(event.task)
                self._context_id = event.task.context_id or self._context_id
                return reading(self._task).is_over
            case "message":
                self._message = event.message
                self._context_id = event.message.context_id or self._context_id
                return True
            case "status_update":
                update = event.status_update
                self._task.id = self._task.id or update.task_id
                self._context_id = update.context_id or self._context_id
                self._task.status.CopyFrom(update.status)
                seen = reading(self._task)
                return seen.is_over or seen.is_asking
            case "artifact_update":
                self._task.id = self._task.id or event.artifact_update.task_id
                append_artifact_to_task(self._task, event.artifact_update)
        return False

    async def _settled(self) -> None:
        """Ask for the task until it wants something or is over."""
        from a2a.types.a2a_pb2 import GetTaskRequest

        if self._message is not None:
            return
        if not self._task.id:
            raise AgentFailedError("it gave back neither a task nor a message", "protocol")
        pause_s, left = POLL_S, len(PAUSES_S)
        latest = time.monotonic() + BEGIN_S
        while not self._is_settled(latest):
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * POLL_GROWTH, SLOWEST_POLL_S)
            try:
                task = await self._client.get_task(
                    GetTaskRequest(id=self._task.id), context=_context()
                )
            except Exception as error:
                left -= 1
                if left < 0 or not _is_network(error):
                    raise
                continue
            left = len(PAUSES_S)
            self._task.CopyFrom(task)

    def _is_settled(self, latest: float) -> bool:
        """Say whether the turn is over; a question as before is a new one from ``latest`` on."""
        seen = reading(self._task)
        is_new = self._task.status.SerializeToString(deterministic=True) != self._asked
        return seen.is_over or (seen.is_asking and (is_new or time.monotonic() > latest))

    def _said(self) -> Said:
        """Return what the turn came to.

        Raises:
            AgentFailedError: the task failed, or wants what nobody can give.
        """
        seen = reading(self._message if self._message is not None else self._task)
        if seen.state != "completed":
            self._handle.note("task_state", state=seen.state, text=seen.text[: 10 * _LONGEST])
        if seen.is_asking:
            self._asked = self._task.status.SerializeToString(deterministic=True)
            return Said("asks", seen.text)
        match seen.state:
            case "completed" | "rejected":
                # An agent may refuse a task as a whole; its words may be the answer that says so.
                return Said("final", seen.text, seen.answer)
            case "auth_required":
                raise AgentFailedError("its task wants a login, which nobody can give", "protocol")
        raise AgentFailedError(f"its task ended as {seen.state}: {seen.text}", "agent_error")


def _context() -> ClientCallContext:
    """Return what each call carries: the extension, as a header. The SDK adds to it: a new one."""
    from a2a.client.client import ClientCallContext
    from a2a.extensions.common import HTTP_EXTENSION_HEADER

    return ClientCallContext(service_parameters={HTTP_EXTENSION_HEADER: EXTENSION})


def _is_network(error: Exception) -> bool:
    from conformance.agents.a2a_wire import judged

    return isinstance(judged(error), ModelFaultError)


def _described(card: AgentCard) -> dict[str, Any]:
    """Return what the report says of a card."""
    from a2a.extensions.common import find_extension_by_uri

    return {
        "name": card.name[:_LONGEST],
        "version": card.version[:_LONGEST],
        "protocols": sorted(
            {
                f"{i.protocol_binding} {i.protocol_version}"[:_LONGEST]
                for i in card.supported_interfaces
            }
        ),
        "streaming": card.capabilities.streaming,
        "declares_handles": find_extension_by_uri(card, EXTENSION) is not None,
    }


def _require_sdk() -> None:
    import importlib.util

    if importlib.util.find_spec("a2a") is None:
        raise UsageError(
            "a2a: needs the A2A SDK", where="--agent", mend="pip install 'agent-grading[a2a]'"
        )
