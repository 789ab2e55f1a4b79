"""A scripted endpoint in the test's own loop: it sends byte for byte what a test says.

A script is a list of ``Say``, one a request; the last one repeats. ``spoken`` makes one in any of
the three dialects.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.gateway import Gateway, Upstream
from tests.fakes.doors import FakeDoors, task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from conformance.agents.contract import TaskView
    from conformance.gateway import Handle
    from conformance.gateway.faults import Injection

KEY = "sk-real-upstream-key-0123456789"
DIALECTS = ("chat", "responses", "messages")


class Say(NamedTuple):
    """One HTTP reply."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    chunks: tuple[bytes, ...] | None = None
    """The body in parts, each a chunk of the transfer and a write of its own."""
    is_cut: bool = False
    """The connection is closed after the parts, without the end that chunks have."""
    hang: asyncio.Event | None = None
    """Waited for after the parts, before what is late and the end."""
    late: tuple[bytes, ...] = ()


class Got(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class Endpoint:
    """Serves a script on loopback."""

    def __init__(self, *script: Say | Callable[[Got], Say]) -> None:
        self.script = list(script)
        self.got: list[Got] = []
        self.at_once = 0
        """Replies at work now."""
        self._more = asyncio.Event()
        self.closed = asyncio.Event()
        """A client closed its connection while a reply was at work."""
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Endpoint]:
        works: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = asyncio.current_task()
            assert own is not None
            works.add(own)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._serve(reader, writer):
                    pass
            works.discard(own)
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=1 << 25)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)

    async def reaches(self, at_once: int) -> None:
        """Wait until so many replies are at work."""
        while self.at_once < at_once:
            self._more.clear()
            await self._more.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {n.lower(): v.strip() for n, _, v in (h.partition(":") for h in head[1:]) if n}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        got = Got(method, path, headers, raw)
        self.got.append(got)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        say = step if isinstance(step, Say) else step(got)
        self.at_once += 1
        self._more.set()
        try:
            await self._say(say, reader, writer)
        finally:
            self.at_once -= 1
        return not say.is_cut

    async def _say(
        self, say: Say, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if say.is_cut and say.chunks is None:
            return
        lines = [f"HTTP/1.1 {say.status} Told", *(f"{n}: {v}" for n, v in say.headers)]
        if say.chunks is None:
            await self._wait(say.hang, reader)
            lines.append(f"content-length: {len(say.body)}")
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + say.body)
            await writer.drain()
            return
        lines.append("transfer-encoding: chunked")
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        for part, hang in ((say.chunks, None), (say.late, say.hang)):
            await self._wait(hang, reader)
            for chunk in part:
                writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                await writer.drain()
                await asyncio.sleep(0)
        if not say.is_cut:
            writer.write(b"0\r\n\r\n")
            await writer.drain()

    async def _wait(self, hang: asyncio.Event | None, reader: asyncio.StreamReader) -> None:
        if hang is None:
            return
        gone = asyncio.ensure_future(reader.read(1))
        over = asyncio.ensure_future(hang.wait())
        await asyncio.wait({gone, over}, return_when=asyncio.FIRST_COMPLETED)
        is_gone = gone.done()
        for work in (gone, over):
            work.cancel()
        await asyncio.gather(gone, over, return_exceptions=True)
        if is_gone:
            self.closed.set()
            raise ConnectionResetError


@asynccontextmanager
async def behind(
    *script: Say | Callable[[Got], Say],
    doors: FakeDoors | None = None,
    view: TaskView | None = None,
    key: str = KEY,
    injections: Sequence[Injection] = (),
    timeout_s: float = 120.0,
) -> AsyncIterator[tuple[Gateway, Handle, Endpoint, Any]]:
    """Open a gateway before a scripted endpoint, with one handle; its doors are returned too."""
    endpoint = Endpoint(*script)
    doors = doors or FakeDoors()
    async with endpoint.serving():
        upstream = Upstream("m-1", endpoint.base_url, key, timeout_s, 60.0)
        gateway = Gateway(upstream, injections)
        await gateway.open()
        try:
            with gateway.handle(view or task(), doors) as handle:
                yield gateway, handle, endpoint, doors
        finally:
            await gateway.close()


class Counts(NamedTuple):
    """Tokens of one reply. ``read`` holds what came from the cache."""

    read: int = 100
    written: int = 10
    cached: int = 64
    reasoning: int = 3


COUNTS = Counts()


def usage(dialect: str, counts: Counts) -> dict[str, Any]:
    """Return a usage object."""
    read, written, cached, reasoning = counts
    if dialect == "chat":
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }
    if dialect == "responses":
        return {
            "input_tokens": read,
            "output_tokens": written,
            "total_tokens": read + written,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens_details": {"reasoning_tokens": reasoning},
        }
    made = cached // 2
    return {
        "input_tokens": read - cached,
        "cache_read_input_tokens": cached - made,
        "cache_creation_input_tokens": made,
        "output_tokens": written,
    }


def spoken(
    dialect: str,
    text: str = "Let me look. 看一看",
    *,
    is_stream: bool = False,
    counts: Counts = COUNTS,
    has_call: bool = True,
) -> Say:
    """Return a reply: a text and, with ``has_call``, a call of ``look``; a chunk an event."""
    if is_stream:
        events = _EVENTS[dialect](text, counts, has_call=has_call)
        headers = (("Content-Type", "text/event-stream; charset=utf-8"),)
        return Say(headers=headers, chunks=tuple(events))
    return Say(dumps(_WHOLE[dialect](text, counts, has_call=has_call)))


def dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


ARGUMENTS = '{"rack": "R1"}'


def _chat(text: str, counts: Counts, *, has_call: bool) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": ARGUMENTS}}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-1",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": text,
                    **({"tool_calls": [call]} if has_call else {}),
                },
                "finish_reason": "tool_calls" if has_call else "stop",
            }
        ],
        "usage": usage("chat", counts),
    }


def _responses(text: str, counts: Counts, *, has_call: bool) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    output: list[dict[str, Any]] = [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
    ]
    if has_call:
        output.append(
            {
                "type": "function_call",
                "id": "fc_1",
                "call_id": "c1",
                "name": "look",
                "arguments": ARGUMENTS,
                "status": "completed",
            }
        )
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "served-1",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage("responses", counts),
    }


def _messages(text: str, counts: Counts, *, has_call: bool) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": text}]
    if has_call:
        given = json.loads(ARGUMENTS)
        content.append({"type": "tool_use", "id": "c1", "name": "look", "input": given})
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "served-1",
        "content": content,
        "stop_reason": "tool_use" if has_call else "end_turn",
        "stop_sequence": None,
        "usage": usage("messages", counts),
    }


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def event(data: dict[str, Any], kind: str | None = None) -> bytes:
    """Return one event."""
    name = b"" if kind is None else b"event: %b\n" % kind.encode()
    return name + b"data: " + dumps(data) + b"\n\n"


def chat_events(
    text: str, counts: Counts, *, has_call: bool, asks_usage: bool = True
) -> list[bytes]:
    """Return a chat stream; ``asks_usage`` as the request's ``include_usage``."""
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1}
    base |= {"model": "served-1"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": half} for half in _halves(text)]
    if has_call:
        first, second = _halves(ARGUMENTS)
        named = {"name": "look", "arguments": ""}
        deltas.append({"tool_calls": [{"index": 0, "id": "c1", "function": named}]})
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": half}}]}
            for half in (first, second)
        ]
    none = {"usage": None} if asks_usage else {}
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    reason = "tool_calls" if has_call else "stop"
    choices.append({"index": 0, "delta": {}, "finish_reason": reason})
    events = [event({**base, "choices": [choice], **none}) for choice in choices]
    if asks_usage:
        events.append(event({**base, "choices": [], "usage": usage("chat", counts)}))
    return [*events, b"data: [DONE]\n\n"]


def _chat_events(text: str, counts: Counts, *, has_call: bool) -> list[bytes]:
    return chat_events(text, counts, has_call=has_call)


def _responses_events(text: str, counts: Counts, *, has_call: bool) -> list[bytes]:
    whole = _responses(text, counts, has_call=has_call)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    told: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for place, item in enumerate(whole["output"]):
        at = {"output_index": place, "item_id": item["id"]}
        empty = {**item, "status": "in_progress"}
        empty |= {"content": []} if item["type"] == "message" else {"arguments": ""}
        told.append({"type": "response.output_item.added", "output_index": place, "item": empty})
        if item["type"] == "message":
            part = {"type": "output_text", "text": "", "annotations": []}
            at["content_index"] = 0
            told.append({"type": "response.content_part.added", **at, "part": part})
            told += [
                {"type": "response.output_text.delta", **at, "delta": half, "logprobs": []}
                for half in _halves(text)
            ]
        else:
            told += [
                {"type": "response.function_call_arguments.delta", **at, "delta": half}
                for half in _halves(ARGUMENTS)
            ]
        told.append({"type": "response.output_item.done", "output_index": place, "item": item})
    told.append({"type": "response.completed", "response": whole})
    return [event({**t, "sequence_number": n}, t["type"]) for n, t in enumerate(told)]


def _messages_events(text: str, counts: Counts, *, has_call: bool) -> list[bytes]:
    whole = _messages(text, counts, has_call=has_call)
    told = usage("messages", counts)
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**told, "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for place, block in enumerate(whole["content"]):
        at = {"index": place}
        if block["type"] == "text":
            empty, parts = {**block, "text": ""}, _halves(text)
            deltas = [{"type": "text_delta", "text": part} for part in parts]
        else:
            empty, parts = {**block, "input": {}}, _halves(ARGUMENTS)
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        events.append({"type": "content_block_start", **at, "content_block": empty})
        events += [{"type": "content_block_delta", **at, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", **at})
    stop = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    end = {"output_tokens": told["output_tokens"]}
    events.append({"type": "message_delta", "delta": stop, "usage": end})
    events.append({"type": "message_stop"})
    return [event(e, e["type"]) for e in events]


_WHOLE: dict[str, Any] = {"chat": _chat, "responses": _responses, "messages": _messages}
_EVENTS: dict[str, Any] = {
    "chat": _chat_events,
    "responses": _responses_events,
    "messages": _messages_events,
}
