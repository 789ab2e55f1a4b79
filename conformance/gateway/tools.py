"""The tools door: the world of a trial as an MCP server."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from conformance import __version__
from conformance.agents.contract import SuiteFailedError, TrialEndedError
from conformance.gateway.asgi import reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import mcp_types as mcp
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.types import Message, Receive, Scope, Send

    from conformance.gateway.handles import Handle

    Context = ServerRequestContext[Any, Any]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MOST_BODY = 2 * 1024 * 1024
"""Bytes of a request; what of a call is too large for a world is for the door to say."""
MOST_NOTES = 20
"""Breaches of protocol that are written down for one handle."""

_HANDLE = "conformance.handle"
_ARGUMENTS = "conformance.arguments"
_OVER = '{"error":"trial_over","message":"The work is over. No call is made any more."}'

# What an agent does wrong is for the transcript; without this it goes to the terminal as well.
logging.getLogger("mcp").addHandler(logging.NullHandler())


class ToolsDoor:
    """One MCP server for every handle of a worker; what it shows follows from the handle.

    Nothing is kept between requests, so a client may start a session a call, or none at all, and
    may speak any version of the protocol that the SDK serves.
    """

    def __init__(self) -> None:
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve until the block ends."""
        manager = _manager()
        is_ready, is_over = asyncio.Event(), asyncio.Event()

        async def serve() -> None:
            try:
                async with manager.run():
                    is_ready.set()
                    await is_over.wait()
            finally:
                is_ready.set()

        # A task of its own: who closes the gateway need not be the task that opened it.
        work = asyncio.create_task(serve())
        await is_ready.wait()
        self._manager = manager
        try:
            yield
        finally:
            self._manager = None
            is_over.set()
            await work

    async def __call__(self, handle: Handle, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request that came to a handle's ``/mcp``."""
        if scope["method"] != "POST":
            # No stream to listen to and no session to end: this is how the protocol says so.
            await reply(send, 405, b"", [(b"allow", b"POST")])
            return
        said = _Overheard(send)
        try:
            # The parser leaves the blanks behind a value, which are no part of it (RFC 9110, 5.5).
            headers = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
            await self._served({**scope, "headers": headers, _HANDLE: handle}, receive, said.send)
        except Exception as error:  # noqa: BLE001 - raised where the trial runs
            handle.error = handle.error or SuiteFailedError(f"the tools door failed: {error!r}")
            handle.over.set()
            if not said.status:
                await reply(send, 500, b"the tools door failed", [])
        else:
            _note_breach(handle, said)

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request as long as its client is there: a call that it gave up is taken back.

        Raises:
            ExceptionGroup: the SDK failed.
        """
        import anyio  # cancelled its way, for the SDK's clearing up is shielded from that alone

        assert self._manager is not None, "the tools door is not open"  # noqa: S101
        async with anyio.create_task_group() as here:
            has_all = False

            async def told() -> Message:
                nonlocal has_all
                if has_all:
                    await anyio.sleep_forever()
                message = await receive()
                if message["type"] != "http.request":
                    here.cancel_scope.cancel()
                    await anyio.sleep_forever()
                if not message.get("more_body", False):
                    has_all = True
                    here.start_soon(watch)
                return message

            async def watch() -> None:
                # All of the request is here: what comes next can only be that the client has gone.
                await receive()
                here.cancel_scope.cancel()

            await self._manager.handle_request(scope, told, send)
            here.cancel_scope.cancel()


def _manager() -> StreamableHTTPSessionManager:
    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings

    server: Server[Any] = Server(
        "world",
        version=__version__,
        # No tool of a world wants an argument in a header. Without this the SDK lists the tools
        # at each call to find that out.
        get_tool_input_schema=lambda _: None,
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
    )
    server.middleware.append(_keep_arguments)
    return StreamableHTTPSessionManager(
        server,
        json_response=True,
        stateless=True,
        max_request_body_size=MOST_BODY,
        security_settings=TransportSecuritySettings(
            allowed_hosts=[*LOOPBACK, *(f"{host}:*" for host in LOOPBACK)],
            allowed_origins=[f"http://{host}{port}" for host in LOOPBACK for port in ("", ":*")],
        ),
    )


async def _keep_arguments(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Keep a call's arguments from the SDK, which would refuse what is no object.

    Whether arguments fit is for the door to say, and to write down.
    """
    if ctx.method == "tools/call" and ctx.params is not None:
        params = dict(ctx.params)
        scope = ctx.request.scope  # type: ignore[union-attr]
        scope[_ARGUMENTS] = params.pop("arguments", None)
        ctx = replace(ctx, params=params)
    return await call_next(ctx)


async def _list_tools(
    context: Context, _: mcp.PaginatedRequestParams | None
) -> mcp.ListToolsResult:
    import mcp_types as mcp

    handle: Handle = context.request.scope[_HANDLE]  # type: ignore[union-attr]
    handle.tool_listings += 1
    tools = [
        mcp.Tool(name=spec.name, description=spec.description, input_schema=spec.parameters)
        for spec in handle.tools
    ]
    return mcp.ListToolsResult(tools=tools)


async def _call_tool(context: Context, params: mcp.CallToolRequestParams) -> mcp.CallToolResult:
    import mcp_types as mcp

    scope = context.request.scope  # type: ignore[union-attr]
    handle: Handle = scope[_HANDLE]
    arguments = scope[_ARGUMENTS]
    try:
        got = await handle.call_tool(params.name, {} if arguments is None else arguments)
        text, is_error = got.text, got.is_error
    except TrialEndedError:
        await handle.keep_silent()
        # As a result and not as an error of the protocol: an agent's loop passes it on and ends,
        # where many a client takes the other for a broken server and tries again.
        text, is_error = _OVER, True
    # One text block, for the clients that join or count them.
    value = msgspec.json.decode(text)
    return mcp.CallToolResult(
        content=[mcp.TextContent(text=text)],
        structured_content=value if isinstance(value, dict) else {"result": value},
        is_error=is_error,
    )


class _Error(msgspec.Struct):
    code: int
    message: str = ""
    data: Any = None


class _Envelope(msgspec.Struct):
    error: _Error | None = None


class _Overheard:
    """Passes an answer on, and keeps what it said."""

    def __init__(self, send: Send) -> None:
        self.status = 0
        self.body = b""
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body = message.get("body", b"")
        await self._send(message)

    def error(self) -> _Error | None:
        """Return the error that was answered: of the protocol, or else of HTTP."""
        try:
            error = msgspec.json.decode(self.body, type=_Envelope).error
        except msgspec.DecodeError:
            error = None
        if error is None and self.status >= 400:  # noqa: PLR2004
            return _Error(0, self.body.decode(errors="replace"))
        return error


def _note_breach(handle: Handle, said: _Overheard) -> None:
    """Write down that an agent broke the protocol; the first times only."""
    import mcp_types as mcp
    from mcp_types.methods import SPEC_CLIENT_METHODS

    error = said.error()
    if error is None or error.code == mcp.UNSUPPORTED_PROTOCOL_VERSION:
        return
    if error.code == mcp.METHOD_NOT_FOUND and error.data in SPEC_CLIENT_METHODS:
        return  # asked for something of the standard that is not offered: many clients try
    if handle.protocol_errors < MOST_NOTES:
        handle.note(
            "protocol_error", status=said.status, code=error.code, message=error.message[:200]
        )
    handle.protocol_errors += 1
