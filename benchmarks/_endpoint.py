"""A scripted OpenAI-compatible endpoint on loopback, in a process of its own.

It knows, for each instruction, the assistant messages that solve it, and sends the next one: as
many assistant messages are in the request, so many were sent before.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from typing import Any, Self

REPLY_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "


class Endpoint:
    """The endpoint, for as long as the ``with``."""

    def __init__(self, scripts: dict[str, list[dict[str, Any]]], delay_s: float = 0.0) -> None:
        self._scripts = scripts
        self._delay_s = delay_s
        self.base_url = ""

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(self._scripts, self._delay_s, theirs), daemon=True
        )
        self._process.start()
        self.base_url = f"http://127.0.0.1:{ours.recv()}/v1"
        return self

    def __exit__(self, *details: object) -> None:
        self._process.terminate()
        self._process.join()


def call(name: str, arguments: dict[str, Any], number: int) -> dict[str, Any]:
    """Return an assistant message that calls one tool."""
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    tool_call = {"id": f"call_{number}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [tool_call]}


def _serve(scripts: dict[str, list[dict[str, Any]]], delay_s: float, pipe: Any) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode().lower().split("\r\n")
                length = next(
                    (int(x.split(":")[1]) for x in lines if x.startswith("content-length:")), 0
                )
                body = json.loads(await reader.readexactly(length)) if length else {}
                if delay_s:
                    await asyncio.sleep(delay_s)
                content = json.dumps(_reply(scripts, body)).encode()
                writer.write(REPLY_HEAD + str(len(content)).encode() + b"\r\n\r\n" + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=1 << 24)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def _reply(scripts: dict[str, list[dict[str, Any]]], body: dict[str, Any]) -> dict[str, Any]:
    messages = body.get("messages", [])
    asked = next((m["content"] for m in messages if m["role"] == "user"), "")
    script = scripts.get(asked)
    if script is None:  # the preflight probe's canary call
        tools = body.get("tools") or [{"function": {"name": "none"}}]
        function = tools[0]["function"]
        names = function.get("parameters", {}).get("properties", {})
        message = call(function["name"], dict.fromkeys(names, "K7"), 0)
    else:
        message = script[sum(m["role"] == "assistant" for m in messages)]
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 30, "total_tokens": 1030},
    }
