"""A scripted OpenAI-compatible endpoint on loopback: the vocabulary of the agent's tests.

A script is a list of steps, one a chat request; the last one repeats. A step is a ``Say`` (what
the model replies) or a function of the request's body that returns one.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Self

MODEL = "fake-1"
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 10,
    "total_tokens": 110,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


class Say(NamedTuple):
    """One HTTP reply."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    is_dropped: bool = False
    """The connection is closed without a reply."""


Step = Say | Callable[[dict[str, Any]], Say]


class FakeEndpoint:
    """Serves a script from a thread of its own, as a context manager.

    Args:
        script: What each chat request gets, in order.
        key: The key that is asked for; None takes any.
        models: What ``/v1/models`` lists.
    """

    def __init__(
        self, *script: Step, key: str | None = None, models: tuple[str, ...] = (MODEL,)
    ) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        """The body of each chat request."""
        self.times: list[float] = []
        self.port = 0
        self._key = key
        self._models = models
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._stop: asyncio.Event | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(120)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(120)

    def _serve(self) -> None:
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        open_writers: set[asyncio.StreamWriter] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_writers.add(writer)
            try:
                await self._converse(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                open_writers.discard(writer)
                writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for writer in list(open_writers):
            writer.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request, *lines = head.split("\r\n")
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            said = self._reply(request.split(" ")[1], headers, body)
            if said.delay_s:
                await asyncio.sleep(said.delay_s)
            if said.is_dropped:
                return
            extra = "".join(f"{name}: {value}\r\n" for name, value in said.headers)
            writer.write(
                f"HTTP/1.1 {said.status} X\r\ncontent-type: application/json\r\n{extra}"
                f"content-length: {len(said.body)}\r\n\r\n".encode()
                + said.body
            )
            await writer.drain()

    def _reply(self, path: str, headers: dict[str, str], body: bytes) -> Say:
        if self._key is not None and headers.get("authorization") != f"Bearer {self._key}":
            given = headers.get("authorization", "").removeprefix("Bearer ")
            return error(401, f"Incorrect API key provided: {given}", code="invalid_api_key")
        if path.startswith("/v1/models"):
            listed = [{"id": name, "object": "model"} for name in self._models]
            return Say(json.dumps({"object": "list", "data": listed}).encode())
        if not path.startswith("/v1/chat/completions"):
            return error(404, "Not Found")
        asked = json.loads(body)
        self.requests.append(asked)
        self.times.append(time.monotonic())
        if asked["model"] not in self._models:
            return error(404, f"The model `{asked['model']}` does not exist", "model_not_found")
        step = self.script[min(len(self.requests), len(self.script)) - 1]
        return step if isinstance(step, Say) else step(asked)


def message(finish: str = "stop", usage: dict[str, Any] | None = USAGE, **fields: Any) -> Say:
    """Reply with an assistant's message of these fields."""
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "system_fingerprint": "fp-1",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **fields}}
        ],
    }
    if usage is not None:
        body["usage"] = usage
    return Say(json.dumps(body).encode())


def call(name: str, arguments: Any, call_id: str = "c1") -> dict[str, Any]:
    """Return one native tool call; arguments that are a string stay as they are."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def calls(*wanted: dict[str, Any], finish: str = "tool_calls", **fields: Any) -> Say:
    """Reply with native tool calls."""
    return message(finish, content=None, tool_calls=list(wanted), **fields)


def says(text: str, finish: str = "stop", **fields: Any) -> Say:
    """Reply with text."""
    return message(finish, content=text, **fields)


def styled(tool: str, arguments: Any) -> Say:
    """Reply with a call in the structured style."""
    return says(json.dumps({"tool": tool, "arguments": arguments}))


def submits(**values: Any) -> Say:
    """Reply with a native ``submit_answer`` of status done."""
    return calls(call("submit_answer", {"status": "done", "values": values}))


def error(status: int, text: str, code: str | None = None, **headers: str) -> Say:
    """Reply with an error in the OpenAI form; ``retry_after`` becomes ``retry-after``."""
    body = {"error": {"message": text, "type": "invalid_request_error", "code": code}}
    extra = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Say(json.dumps(body).encode(), status, extra)


def hangs(seconds: float = 30.0) -> Say:
    """Reply far too late."""
    return Say(b"{}", delay_s=seconds)


def garbage(text: str = "<html>hello</html>") -> Say:
    """Reply with a good status and a body that is no chat completion."""
    return Say(text.encode())


drops = Say(b"", is_dropped=True)
"""Close the connection without a reply."""

canary_called = calls(call("report_code", {"code": "K7"}))
"""What a native endpoint says to the probe."""


def native_only(asked: dict[str, Any]) -> Say:
    """Call the probe's tool where the request has ``tools``, else talk."""
    return canary_called if "tools" in asked else says("Hello!")


def structured_only(asked: dict[str, Any]) -> Say:
    """Obey a ``json_schema`` and ignore ``tools``, as the embedded endpoint does."""
    if "response_format" in asked:
        return styled("report_code", {"code": "K7"})
    return says("I would report the code K7.")


def no_tools_here(asked: dict[str, Any]) -> Say:
    """Refuse requests with ``tools``, as a server does that was started without a parser."""
    if "tools" in asked:
        return error(400, '"auto" tool choice requires --enable-auto-tool-choice')
    return structured_only(asked)


def text_form(asked: dict[str, Any]) -> Say:
    """Leave the call in the text and ignore schemas."""
    return says('<tool_call>\n{"name": "report_code", "arguments": {"code": "K7"}}\n</tool_call>')
