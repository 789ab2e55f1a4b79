"""Anthropic's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.gateway.dialects import common
from conformance.gateway.dialects.common import Heard, Request, Usage, count, one, text

if TYPE_CHECKING:
    from conformance.agents.contract import Dialect

HOSTED = ("mcp_servers", "container")
"""Members that have the provider do more than a model does."""
_OWN_TOOLS = ("bash_", "text_editor_", "memory_", "computer_", "tool_search_tool_")
"""Typed tools that the agent runs, by the beginning of their type; the last finds tools of its."""
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


class Messages:
    """Implements ``common.Speech``."""

    name: Dialect = "messages"
    path = "messages"

    def read(self, body: bytes, *, asks_usage: bool = True) -> Request:
        del asks_usage  # its streams always tell it
        request = Request(body, "system", "messages")
        request.strip_fields(*HOSTED)
        request.strip_tools(_is_own)
        request.strip_remote("text")
        request.plain_model()
        return request

    def whole(self, body: dict[str, Any]) -> Heard:
        if not isinstance(body.get("content"), list):
            is_error = "error" in body
            failure = common.told_failure(body) if is_error else common.bad_reply("no content")
            return Heard({}, failure=failure)
        reading = _Reading()
        reading.take({"type": "message_start", "message": body})
        reading.take({"type": "message_stop"})
        return reading.heard()

    def stream(self) -> _Reading:
        return _Reading()

    def error(self, status: int, message: str, code: str) -> bytes:
        del code
        kind = _ERRORS.get(status, "api_error")
        return common.encode({"type": "error", "error": {"type": kind, "message": message}})


class _Block:
    """One block of content at work."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.kind = text(told.get("type"))
        self.text = text(told.get("text") or told.get("thinking"))
        self.json = ""

    def add(self, delta: dict[str, Any]) -> None:
        self.text += text(delta.get("text") or delta.get("thinking"))
        self.json += text(delta.get("partial_json"))


class _Reading:
    """Puts a message together; implements ``common.Reading``."""

    def __init__(self) -> None:
        self.has_content = self.is_done = False
        self._blocks: dict[int, _Block] = {}
        self._usage: dict[str, Any] = {}
        self._model: str | None = None
        self._stop: str | None = None
        self._error: dict[str, Any] | None = None

    def take(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        index = count(event, "index") or 0
        delta = one(event.get("delta"))
        if kind == "message_start":
            self._begin(one(event.get("message")))
        elif kind == "content_block_start":
            self._open(index, event.get("content_block"))
        elif kind == "content_block_delta":
            if index in self._blocks:
                self._blocks[index].add(delta)
                self.has_content = True
        elif kind == "message_delta":
            self._count(event.get("usage"))
            self._end(delta)
        elif kind == "message_stop":
            self.is_done = True
        elif kind == "error":
            self._error = event

    def done(self) -> None:
        """Not an end of this dialect's streams."""

    def heard(self) -> Heard:
        failure = None
        if self._error is not None:
            failure = common.told_failure(self._error)
        elif not self.is_done and self._stop is None:
            failure = common.bad_reply("the stream has no end")
        content, reasoning, calls = [], [], []
        for block in self._blocks.values():
            if block.kind == "text":
                content.append(block.text)
            elif block.kind == "thinking":
                reasoning.append(block.text)
            elif block.kind.endswith("tool_use"):
                told = block.told
                given = block.json or told.get("input") or {}
                calls.append(common.tool_call(told.get("id"), told.get("name"), given))
        return Heard(
            message=common.message(content, calls, "\n".join(reasoning)),
            finish_reason=self._stop,
            served_model=self._model,
            usage=usage(self._usage),
            failure=failure,
        )

    def _begin(self, message: dict[str, Any]) -> None:
        self._model = common.served(message.get("model"))
        self._count(message.get("usage"))
        content = message.get("content")
        for index, block in enumerate(content if isinstance(content, list) else []):
            self._open(index, block)
        self._end(message)

    def _open(self, index: int, block: Any) -> None:
        if isinstance(block, dict):
            self._blocks[index] = _Block(block)
            self.has_content = self.has_content or block.get("type") == "tool_use"

    def _end(self, told: dict[str, Any]) -> None:
        self._stop = text(told.get("stop_reason")) or self._stop

    def _count(self, told: Any) -> None:
        # Counts in a message_delta are of the whole message so far, and replace the earlier.
        self._usage |= {name: n for name, n in one(told).items() if n is not None}


def usage(told: dict[str, Any]) -> Usage:
    """Read a usage object. What the cache gave, or took in, is no part of its ``input_tokens``."""
    fresh = count(told, "input_tokens")
    cached = count(told, "cache_read_input_tokens")
    kept = count(told, "cache_creation_input_tokens")
    return Usage(
        None if fresh is None else fresh + (cached or 0) + (kept or 0),
        count(told, "output_tokens"),
        cached,
        None,
    )


def _is_own(tool: dict[str, Any]) -> bool:
    kind = tool.get("type")
    return kind in (None, "custom") or str(kind).startswith(_OWN_TOOLS)
