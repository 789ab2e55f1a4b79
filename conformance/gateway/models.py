"""The model door: calls go to the one endpoint behind it, metered, in three dialects."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from conformance.agents.faults import status_failure
from conformance.agents.modelclient import public_url
from conformance.gateway import asgi
from conformance.gateway.dialects import BY_PATH, CHAT, MESSAGES, UnreadableError
from conformance.gateway.dialects.common import decode, encode, openai_error
from conformance.gateway.exchange import Exchange
from conformance.gateway.talk import Talk
from conformance.gateway.upstream import Line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from starlette.types import Receive, Scope, Send

    from conformance.agents.contract import Dialect
    from conformance.gateway.faults import Injection
    from conformance.gateway.handles import Handle
    from conformance.gateway.upstream import Upstream

COUNTING = "messages/count_tokens"
"""Asked by some agents before a call. It is none itself."""
_NO_MODEL = "there is no model behind this gateway: the agent was to bring its own"
_CANARY = {"messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 1}
_LONGEST_PATH = 80
_LISTING = re.compile(r"models(/(?!\.+(/|$))[\w.:@+-]{1,200}){0,4}", re.ASCII)
"""The list of models, or one of them. The endpoint's key opens more than models: no path leads out
(``..``), and there are no characters that mean something in an address."""


class ModelsDoor:
    """Forwards to ``upstream``; None: there is no model, and each call is told so.

    Args:
        upstream: The endpoint.
        injections: Faults to make, for each handle anew.
    """

    def __init__(self, upstream: Upstream | None, injections: Sequence[Injection] = ()) -> None:
        self.upstream = upstream
        self.injections = tuple(injections)
        self.served: set[str] = set()
        """Names of the models that answered."""
        self.dialects: set[Dialect] = set()
        """In which they were spoken to."""
        self.asks_usage = True
        """Ask for the usage of streams; not any more once the endpoint refused that."""
        self._line: Line | None = None
        link = None if upstream is None else upstream.link
        self._far = link.to(upstream.base_url) if upstream and link else None
        self._talks: WeakKeyDictionary[Handle, Talk] = WeakKeyDictionary()

    @property
    def line(self) -> Line:
        """Return the connections to the endpoint."""
        assert self._line is not None, "the gateway is not open"  # noqa: S101
        return self._line

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold connections to the endpoint until the block ends."""
        if self.upstream is None:
            yield
            return
        if self._far is not None:
            await asyncio.to_thread(self._far.start)
        try:
            self._line = Line(self.upstream, None if self._far is None else self._far.base_url)
            try:
                yield
            finally:
                line, self._line = self._line, None
                await line.close()
        finally:
            if self._far is not None:
                await asyncio.to_thread(self._far.close)

    async def canary(self) -> bool:
        """Say whether the endpoint answers, now; True where there is none."""
        if self.upstream is None:
            return True
        body = encode({"model": self.upstream.model, **_CANARY})
        status = await self._status(CHAT.path, body)
        if status in (404, 405, 501):  # it may speak another dialect only
            status = await self._status("models", None)
        return status is not None

    def describe(self) -> dict[str, Any]:
        """Return the endpoint's public address, the model, and which models it served."""
        if self.upstream is None:
            return {}
        return {
            "model": self.upstream.model,
            "endpoint": public_url(self.upstream.base_url),
            "served_models": sorted(self.served),
            "dialects": sorted(self.dialects),
            "sampling": "agent's own",
            **(self._far.describe() if self._far else {}),
        }

    async def __call__(
        self, handle: Handle, path: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one HTTP request; ``path`` is what follows the handle's, ``/v1/…``."""
        name = path.strip("/")
        while name == "v1" or name.startswith("v1/"):  # some clients add it to a base that has it
            name = name.removeprefix("v1").strip("/")
        talk = self._talks.get(handle)
        if talk is None:
            talk = self._talks[handle] = Talk(handle)
        method = scope["method"]
        speech = BY_PATH.get(name) if method == "POST" else None
        is_counting = method == "POST" and name == COUNTING
        is_listing = method == "GET" and _LISTING.fullmatch(name) is not None
        if not name and method in ("GET", "HEAD"):
            # Some clients look whether there is anybody before they call.
            await asgi.reply(send, 200, b'{"status":"ok"}')
        elif speech is None and not is_counting and not is_listing:
            what = f"{method} /{name}"[:_LONGEST_PATH]
            talk.note_once("unknown_model_path", what, path=what)
            error = MESSAGES.error if name.startswith("messages") else openai_error
            await asgi.reply(send, 404, error(404, f"there is no {what} here", "not_found"))
        elif self.upstream is None:
            talk.note_once("no_model", "", why="a model call, but no model is behind the gateway")
            speech = speech or (MESSAGES if is_counting else CHAT)
            await asgi.reply(send, 404, speech.error(404, _NO_MODEL, "model_not_found"))
        elif speech is not None:
            await Exchange(self, handle, talk, speech, scope, receive, send).run()
        else:
            with talk.room.taken() as take:
                await self._pass_on(name, scope, receive, send, take if is_counting else None)

    async def _pass_on(
        self,
        name: str,
        scope: Scope,
        receive: Receive,
        send: Send,
        take: Callable[[int], None] | None,
    ) -> None:
        """Forward a request that is no model call: a list of models, or a count of tokens.

        Only the latter has a body; ``take`` is told of its bytes.
        """
        line = self.line
        speech = CHAT if take is None else MESSAGES
        body: bytes | None = None
        try:
            if take is not None:
                body = speech.read(await asgi.body(scope, receive, take)).body()
            async with (
                asgi.attended(receive),
                line.ask(name, body, asgi.headers(scope), is_messages=take is not None) as response,
            ):
                status, headers = response.status, line.headers(response)
                data = line.clean(await response.read())
        except asgi.AgentGoneError:
            return
        except (asgi.BodyError, UnreadableError) as error:
            status, headers = getattr(error, "status", 400), asgi.JSON
            data = speech.error(status, str(error), "invalid_request")
        except Exception as error:
            failure = line.failure(error)
            if failure is None:
                raise
            status, headers = 502, asgi.JSON
            data = speech.error(status, "the endpoint cannot be reached", failure[0])
        await asgi.reply(send, status, data, headers)

    async def _status(self, path: str, body: bytes | None) -> int | None:
        """Return what status the endpoint answers with; None where that is no answer."""
        line = self.line
        try:
            async with line.ask(path, body, {}) as response:
                data = line.clean(await response.read())
                status, headers = response.status, response.headers
        except Exception as error:
            if line.failure(error) is None:
                raise
            return None
        if status < 300:  # noqa: PLR2004 - HTTP's classes
            return status
        try:
            told = decode(data)
        except UnreadableError:
            told = data.decode("utf-8", "replace")
        failure = status_failure(status, told, headers, lambda: 0.0)
        # A request that is refused was still answered.
        return status if failure.kind in ("refused_request", "context_overflow") else None
