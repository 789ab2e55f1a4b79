"""The scripted model's endpoint on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

import msgspec
from aiohttp import web

from conformance.agents.contract import Dialect as DialectName
from conformance.errors import UsageError
from conformance.mock import chat, messages, responses
from conformance.mock.conversation import BadRequestError, next_move
from conformance.mock.faults import Fail, Faults
from conformance.mock.pace import Clock, Pace
from conformance.mock.reply import encode, reply_to
from conformance.mock.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from conformance.mock.reply import Dialect, Reply

HOST = "127.0.0.1"
MODEL = "scripted-1"
MOST_CALLS = 100_000
"""How many calls are remembered."""
_LONGEST_BODY = 64 * 2**20
_KEEP_ALIVE_S = 600
_END_S = 1.0
_JSON = {"Content-Type": "application/json"}
_SSE = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
_DIALECTS: dict[DialectName, tuple[str, Dialect]] = {
    "chat": ("/chat/completions", chat),
    "responses": ("/responses", responses),
    "messages": ("/messages", messages),
}


class MockCall(msgspec.Struct):
    """One call of the model, as it counted it; a test holds the gateway's meter against it."""

    dialect: DialectName
    status: int
    """As sent; 200 for one that broke off later."""
    kind: str
    """``call``, ``search``, ``closing``, ``lost`` or ``side`` (see ``Move``), or ``invalid``."""
    requested_model: str = ""
    is_stream: bool = False
    script: int | None = None
    step: int | None = None
    tool: str | None = None
    """The tool that was called, by the name the agent gave it."""
    input_tokens: int = 0
    """All of the request, cached ones included; 0 where the call failed."""
    cached_tokens: int = 0
    output_tokens: int = 0
    """All of the reply, reasoning included; 0 where the call failed."""
    reasoning_tokens: int = 0
    is_whole: bool = True
    """The reply was sent to its end."""


class MockModel:
    """Plays scripts for as long as the ``async with``; many conversations at once.

    Args:
        scripts: What it plays; with none it answers every conversation with a closing text.
        model: The name it is served under; any other is answered too.
        pace: How long it takes.
        fail: Which calls fail on purpose.
        port: The port on loopback; 0 takes a free one.
        on_call: Told of each call when it is over.
    """

    def __init__(
        self,
        scripts: Script | Sequence[Script] = (),
        *,
        model: str = MODEL,
        pace: Pace | None = None,
        fail: Fail | None = None,
        port: int = 0,
        on_call: Callable[[MockCall], None] | None = None,
    ) -> None:
        given = (scripts,) if isinstance(scripts, Script) else tuple(scripts)
        self.scripts = given or (Script(),)
        self.model = model
        self.port = port
        self.calls: list[MockCall] = []
        """Every call, failed ones too, in the order of their replies' beginnings."""
        self._pace = pace or Pace()
        self._paced = 0
        self._faults = Faults(fail)
        self._on_call = on_call
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """The address for an OpenAI client, once started."""
        return f"{self.anthropic_base_url}/v1"

    @property
    def anthropic_base_url(self) -> str:
        """The address for an Anthropic client, once started."""
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            UsageError: the port is not free.
        """
        app = web.Application(client_max_size=_LONGEST_BODY)
        app.add_routes(self._routes())
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=_KEEP_ALIVE_S,
            shutdown_timeout=_END_S,
        )
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, HOST, self.port, backlog=4096).start()
        except OSError as error:
            await self.end()
            raise UsageError(
                f"cannot listen ({error.strerror})",
                where=f"{HOST}:{self.port}",
                mend="take another port; 0 is any free one",
            ) from None
        self.port = self._runner.addresses[0][1]

    async def end(self) -> None:
        """Stop listening."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.end()

    def _routes(self) -> Iterator[web.RouteDef]:
        for root in ("/v1", ""):  # some clients leave the version out
            for name, (path, _) in _DIALECTS.items():
                yield web.post(f"{root}{path}", self._handler(name))
            yield web.post(f"{root}/messages/count_tokens", self._count)
            yield web.get(f"{root}/models", self._models)
            yield web.get(f"{root}/models/{{name:.+}}", self._model)
            yield web.get(f"{root}/", _nothing)
        yield web.get("/v1", _nothing)
        yield web.route("*", "/{path:.*}", _unknown)

    def _handler(self, name: DialectName) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._answer(request, name)

        return handle

    async def _answer(self, request: web.Request, name: DialectName) -> web.StreamResponse:
        dialect = _DIALECTS[name][1]
        try:
            body = await _body(request)
            said = dialect.read(body)
        except BadRequestError as error:
            return self._failure(dialect, MockCall(name, 400, "invalid"), str(error))
        move = next_move(self.scripts, said)
        call = MockCall(
            name,
            200,
            move.kind,
            requested_model=said.model,
            is_stream=said.is_stream,
            script=move.script,
            step=move.step,
        )
        fail = self._faults.next(said, move)
        if fail is not None and fail.status is not None:
            call.status = fail.status
            return self._failure(dialect, call, "failed on purpose", fail.retry_after_s)
        reply = reply_to(said, move, self.model)
        call.tool = None if move.tool is None else move.tool.label
        call.input_tokens, call.cached_tokens = reply.usage.input, reply.usage.cached
        call.output_tokens, call.reasoning_tokens = reply.usage.output, reply.usage.reasoning
        call.is_whole = fail is None
        # Before the reply: a client that has read all of it finds it here.
        self._remember(call)
        send = _send_stream if said.is_stream else _send_whole
        self._paced += 1
        pace = self._pace.of_reply(self._paced)
        try:
            return await send(request, dialect, reply, Clock(pace), is_broken=fail is not None)
        except BaseException:
            call.is_whole = False
            raise
        finally:
            if self._on_call is not None:
                self._on_call(call)

    def _failure(
        self, dialect: Dialect, call: MockCall, message: str, retry_after_s: int = 0
    ) -> web.Response:
        self._remember(call)
        if self._on_call is not None:
            self._on_call(call)
        headers = {"Retry-After": str(retry_after_s)} if call.status in (429, 503, 529) else {}
        return _json(dialect.error(call.status, message), call.status, headers)

    def _remember(self, call: MockCall) -> None:
        self.calls.append(call)
        del self.calls[:-MOST_CALLS]

    async def _count(self, request: web.Request) -> web.Response:
        try:
            said = messages.read_unbounded(await _body(request))
        except BadRequestError as error:
            return _json(messages.error(400, str(error)), 400)
        return _json({"input_tokens": said.input_tokens})

    async def _models(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        if "type" in entry:
            ends = {"first_id": self.model, "last_id": self.model}
            return _json({"data": [entry], "has_more": False, **ends})
        return _json({"object": "list", "data": [entry]})

    async def _model(self, request: web.Request) -> web.Response:
        if request.match_info["name"] != self.model:
            return _json(_dialect_of(request).error(404, f"the only model is {self.model}"), 404)
        return _json(self._entry(request))

    def _entry(self, request: web.Request) -> dict[str, Any]:
        if _dialect_of(request) is messages:
            made = {"display_name": self.model, "created_at": "2026-01-01T00:00:00Z"}
            return {"type": "model", "id": self.model, **made}
        return {"id": self.model, "object": "model", "created": 0, "owned_by": "conformance"}


async def _send_whole(
    request: web.Request, dialect: Dialect, reply: Reply, clock: Clock, *, is_broken: bool
) -> web.StreamResponse:
    await clock.wait(reply.spoken)
    body = encode(dialect.whole(reply))
    if not is_broken:
        return web.Response(body=body, headers=_JSON)
    response = web.StreamResponse(headers={**_JSON, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    _hang_up(request)
    return response


async def _send_stream(
    request: web.Request, dialect: Dialect, reply: Reply, clock: Clock, *, is_broken: bool
) -> web.StreamResponse:
    response = web.StreamResponse(headers=_SSE)
    await response.prepare(request)
    frames = list(dialect.stream(reply))
    for frame in frames[: len(frames) // 2] if is_broken else frames:
        if frame.is_token:
            await clock.wait()
        await response.write(frame.data)
    if is_broken:
        _hang_up(request)
    else:
        await response.write_eof()
    return response


def _hang_up(request: web.Request) -> None:
    """End the connection in the middle of a reply."""
    if request.transport is not None:
        request.transport.close()


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(f"the body is not JSON: {error}") from None
    except web.HTTPRequestEntityTooLarge as error:
        raise BadRequestError(str(error.text)) from None
    if not isinstance(body, dict):
        raise BadRequestError("the body is no JSON object")
    return body


def _dialect_of(request: web.Request) -> Dialect:
    """Return a dialect by its headers, where the path does not tell."""
    return messages if "anthropic-version" in request.headers else chat


async def _nothing(_: web.Request) -> web.Response:
    return _json({})


async def _unknown(request: web.Request) -> web.Response:
    message = f"there is no {request.method} {request.path}"
    return _json(_dialect_of(request).error(404, message), 404)


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=encode(body), status=status, headers={**_JSON, **(headers or {})})


async def serve(mock: MockModel, announce: Callable[[MockModel], None]) -> None:
    """Serve until cancelled; ``announce`` is called once it listens."""
    async with mock:
        announce(mock)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
