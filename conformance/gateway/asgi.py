"""A few plain dealings with the server: bodies, replies, agents that leave."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from starlette.types import Receive, Scope, Send

MOST_BODY = 1 << 25
"""Bytes of a request, unpacked."""
MOST_AT_ONCE = 1 << 27
"""Bytes of all of a handle's requests that are at work."""
MOST_VALUES = 1 << 17
"""Values in the JSON of a request. Each costs far more than its bytes to look at, and all other
trials wait meanwhile; a prompt that any model takes has fewer."""
JSON: list[tuple[bytes, bytes]] = [(b"content-type", b"application/json")]
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class AgentGoneError(Exception):
    """The agent closed its connection."""


class BodyError(Exception):
    """A request's body cannot be taken."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Room:
    """What the requests of one handle that are at work hold in memory together."""

    def __init__(self) -> None:
        self._held = 0

    @contextlib.contextmanager
    def taken(self) -> Iterator[Callable[[int], None]]:
        """Let one request take bytes, by the function returned, until the block ends.

        The function raises ``BodyError`` where there is no more room.
        """
        own = 0

        def take(count: int) -> None:
            nonlocal own
            own += count
            self._held += count
            if own > MOST_BODY:
                raise BodyError(413, f"the request is larger than {MOST_BODY} bytes")
            if self._held > MOST_AT_ONCE:
                raise BodyError(429, f"the requests at work are larger than {MOST_AT_ONCE} bytes")

        try:
            yield take
        finally:
            self._held -= own


def headers(scope: Scope) -> dict[str, str]:
    """Return a request's headers, names in lower case."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def body(scope: Scope, receive: Receive, take: Callable[[int], None]) -> bytes:
    """Return a request's body, unpacked; ``take`` is told of its bytes as they come.

    Raises:
        AgentGoneError: it never came whole.
        BodyError: it is too large, or packed in an unknown way.
    """
    packed = await _packed(receive, take)
    data = _unpacked(packed, headers(scope))
    take(max(0, len(data) - len(packed)))
    if data.count(b",") > MOST_VALUES:
        raise BodyError(413, f"the request holds more than {MOST_VALUES} values")
    return data


async def _packed(receive: Receive, take: Callable[[int], None]) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise AgentGoneError
        parts.append(message.get("body", b""))
        take(len(parts[-1]))
        if not message.get("more_body"):
            return b"".join(parts)


def _unpacked(data: bytes, given: dict[str, str]) -> bytes:
    packed = given.get("content-encoding", "identity").strip().lower()
    if packed in ("", "identity"):
        return data
    if packed not in ("gzip", "deflate"):
        raise BodyError(415, f"a body packed as {packed} is not taken; send it as it is, or gzip")
    try:
        unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        data = unpacker.decompress(data, MOST_BODY)
    except zlib.error as error:
        raise BodyError(400, f"the body is not {packed}: {error}") from error
    if unpacker.unconsumed_tail:
        raise BodyError(413, f"the request is larger than {MOST_BODY} bytes")
    return data


async def reply(
    send: Send, status: int, data: bytes, named: Iterable[tuple[bytes, bytes]] = JSON
) -> None:
    """Send a whole reply."""
    with in_one_piece(send):
        await start(send, status, [*named, (b"content-length", b"%d" % len(data))])
        await send({"type": "http.response.body", "body": data})


async def start(send: Send, status: int, named: Iterable[tuple[bytes, bytes]]) -> None:
    """Begin a reply."""
    await send({"type": "http.response.start", "status": status, "headers": list(named)})


class _Held:
    """A transport that keeps what is written until it is let go."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        self._parts.append(data)

    def let_go(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()

    def close(self) -> None:
        self.let_go()
        self._transport.close()

    def is_closing(self) -> bool:
        return bool(self._transport.is_closing())


@contextlib.contextmanager
def in_one_piece(send: Send) -> Iterator[None]:
    """Have the server write a reply's head and what follows at once.

    By itself it writes them one after the other, and the agent's process is woken twice; that is
    a good part of all that the door adds to a call. Where the server is another, nothing changes.
    """
    cycle: Any = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        yield
        return
    held = cycle.transport = _Held(transport)
    try:
        yield
    finally:
        cycle.transport = transport
        held.let_go()


@contextlib.asynccontextmanager
async def attended(receive: Receive) -> AsyncIterator[None]:
    """Do something for as long as the agent waits for it; its body must have been read.

    Raises:
        AgentGoneError: the agent closed its connection, and what was done is cancelled.
    """
    own = asyncio.current_task()
    assert own is not None  # noqa: S101 - this is a coroutine
    is_gone = False

    async def watch() -> None:
        nonlocal is_gone
        while (await receive())["type"] != "http.disconnect":
            pass
        is_gone = True
        own.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError as error:
        if is_gone and own.uncancel() == 0:
            raise AgentGoneError from error
        raise
    finally:
        watcher.cancel()


async def cut(receive: Receive, send: Send) -> None:
    """Cut the connection, so that the agent cannot take what it got for all there is.

    ASGI has no word for this. The server's transport is asked where it is within reach; else an
    exception has the server close the connection.
    """
    transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionAbortedError("the endpoint broke off its reply")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
