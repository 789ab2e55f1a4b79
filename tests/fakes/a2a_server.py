"""An A2A agent on the SDK's own server, on loopback; what it does is a function of the test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

import uvicorn
from a2a.helpers.proto_helpers import new_data_part, new_task, new_text_part
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandlerV2
from a2a.server.routes.agent_card_routes import create_agent_card_routes
from a2a.server.routes.jsonrpc_routes import create_jsonrpc_routes
from a2a.server.routes.rest_routes import create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentExtension,
    AgentInterface,
    TaskState,
)
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette
from starlette.middleware import Middleware

from conformance.agents.a2a import EXTENSION

if TYPE_CHECKING:
    from a2a.server.agent_execution import RequestContext
    from a2a.server.events.event_queue_v2 import EventQueue
    from a2a.types.a2a_pb2 import Message

Binding = Literal["JSONRPC", "HTTP+JSON"]


class Turn:
    """One message that came, and the means to answer it."""

    def __init__(self, context: RequestContext, queue: EventQueue) -> None:
        assert context.message is not None
        self.text = context.get_user_input()
        self.handles = _handles(context.message)
        self.extensions = list(context.message.extensions)
        self.context_id = context.context_id
        self.task_id = context.task_id
        self.is_first = context.current_task is None
        self.queue = queue
        self.updater = TaskUpdater(queue, context.task_id, context.context_id)

    async def begin(self) -> None:
        """Become a task at work."""
        if self.is_first:
            await self.queue.enqueue_event(
                new_task(self.task_id, self.context_id, TaskState.TASK_STATE_SUBMITTED)
            )
        await self.updater.start_work()

    async def say(self, state: str, text: str | None = None, data: Any = None) -> None:
        """Set the task's state, with a message."""
        parts = [] if text is None else [new_text_part(text)]
        parts += [] if data is None else [new_data_part(data)]
        message = self.updater.new_agent_message(parts) if parts else None
        await self.updater.update_status(getattr(TaskState, f"TASK_STATE_{state}"), message)

    async def artifact(self, data: Any = None, text: str | None = None, **more: Any) -> None:
        parts = [] if data is None else [new_data_part(data)]
        parts += [] if text is None else [new_text_part(text)]
        await self.updater.add_artifact(parts, **more)


Behaviour = Callable[[Turn], Awaitable[None]]


class Executor(AgentExecutor):
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.turns: list[Turn] = []
        self.cancelled: list[str] = []
        self.at_work = asyncio.Event()

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        turn = Turn(context, event_queue)
        self.turns.append(turn)
        self.at_work.set()
        await self.behaviour(turn)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        self.cancelled.append(context.task_id or "")
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


@contextlib.asynccontextmanager
async def serving(
    behaviour: Behaviour,
    *,
    version: str = "1.0",
    binding: Binding = "JSONRPC",
    is_streaming: bool = True,
    declares: bool = True,
    wrap: Callable[[Any], Any] | None = None,
) -> AsyncIterator[tuple[str, Executor]]:
    """Serve an agent; give its address and what is seen of it."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        extensions = [AgentExtension(uri=EXTENSION)] if declares else []
        card = AgentCard(
            name="toy",
            description="A toy.",
            version="7.1",
            supported_interfaces=[
                AgentInterface(
                    url=f"{url}/rpc" if binding == "JSONRPC" else url,
                    protocol_binding=binding,
                    protocol_version=version,
                )
            ],
            capabilities=AgentCapabilities(streaming=is_streaming, extensions=extensions),
            default_input_modes=["text"],
            default_output_modes=["text"],
        )
        executor = Executor(behaviour)
        handler = DefaultRequestHandlerV2(executor, InMemoryTaskStore(), card)
        is_old = version.startswith("0.")
        routes = create_agent_card_routes(card)
        routes += (
            create_jsonrpc_routes(handler, "/rpc", enable_v0_3_compat=is_old)
            if binding == "JSONRPC"
            else create_rest_routes(handler, enable_v0_3_compat=is_old)
        )
        app = Starlette(routes=routes, middleware=[Middleware(wrap)] if wrap else [])
        async with running(app, sock):
            try:
                yield url, executor
            finally:
                await handler.aclose()


@contextlib.asynccontextmanager
async def running(app: Any, sock: socket.socket) -> AsyncIterator[None]:
    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Any:
            yield

    config = uvicorn.Config(
        app, log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = Server(config)
    work = asyncio.create_task(server.serve([sock]))
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await work


def _handles(message: Message) -> dict[str, Any]:
    metadata: dict[str, Any] = MessageToDict(message.metadata)
    found: dict[str, Any] = metadata[EXTENSION]
    return found
