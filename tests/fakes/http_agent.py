"""An ``http:`` agent on loopback whose turns are scripted, and the work that a real one does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

Turn = dict[str, Any] | web.StreamResponse
Behaviour = Turn | Callable[[dict[str, Any]], Turn | Awaitable[Turn]]
"""What a ``POST`` gets: a reply, or a function of the task that gives one."""

ANSWER = {"status": "done", "values": {"load": 25}}


class HttpAgent:
    """Serves a script, one behaviour a ``POST``, the last one again and again.

    ``polls`` is the same for ``GET /poll``.
    """

    def __init__(
        self, *script: Behaviour, polls: list[Behaviour] | None = None, status: int = 200
    ) -> None:
        self.script = list(script)
        self.polls = polls or []
        self.status = status
        """What a ``GET`` of the agent's address gets."""
        self.tasks: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.polled = 0
        self.stopped: list[str] = []
        """The sessions that were asked to stop."""
        self.at_work = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/agent"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/agent", self._looked_at)
        app.router.add_post("/agent", self._posted)
        app.router.add_get("/poll", self._polled)
        app.router.add_delete("/agent/{session}", self._deleted)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _looked_at(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        return web.Response(status=self.status)

    async def _posted(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        task = await request.json()
        self.tasks.append(task)
        self.at_work.set()
        return await _done(_next(self.script, len(self.tasks)), task)

    async def _polled(self, request: web.Request) -> web.StreamResponse:
        self.polled += 1
        return await _done(_next(self.polls, self.polled), {})

    async def _deleted(self, request: web.Request) -> web.StreamResponse:
        self.stopped.append(request.match_info["session"])
        return web.Response(status=204)


def _next(script: list[Behaviour], count: int) -> Behaviour:
    return script[min(count, len(script)) - 1]


async def _done(behaviour: Behaviour, task: dict[str, Any]) -> web.StreamResponse:
    said: Any = behaviour(task) if callable(behaviour) else behaviour
    if inspect.isawaitable(said):
        said = await said
    return web.json_response(said) if isinstance(said, dict) else said


async def hang(_: dict[str, Any]) -> Turn:
    await asyncio.sleep(60)
    return {"status": "final"}


async def work(handles: dict[str, Any]) -> dict[str, Any]:
    """Use both doors as an agent does: list and call a tool, then ask the model."""
    import httpx2
    import openai
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    at, model = handles["tools"], handles["model"]
    async with httpx2.AsyncClient(headers=at["headers"]) as http:
        transport = streamable_http_client(at["mcp_url"], http_client=http)
        async with Client(transport) as tools:
            offered = [tool.name for tool in (await tools.list_tools()).tools]
            looked = await tools.call_tool("look", {"rack": "R1"})
    async with openai.AsyncOpenAI(
        base_url=model["openai_base_url"], api_key=model["api_key"], max_retries=0
    ) as client:
        said = await client.chat.completions.create(
            model=model["name"],
            messages=[{"role": "user", "content": f"{offered} {looked.content[0].text}"}],
        )
    assert said.choices[0].message.content == "25 percent"
    return ANSWER
