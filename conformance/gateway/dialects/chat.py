"""Chat completions, as OpenAI and most others have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.gateway.dialects import common
from conformance.gateway.dialects.common import Heard, Request, Usage, count, dicts, one, text

if TYPE_CHECKING:
    from conformance.agents.contract import Dialect

HOSTED = (
    "web_search_options",  # OpenAI
    "enable_search",  # DashScope
    "search_options",
    "search_parameters",  # xAI
    "plugins",  # OpenRouter
    "web_search",  # Qianfan
    "enable_enhancement",  # Hunyuan
)
"""Members that have the provider search, or more, beside the model."""
_OWN_TOOLS = (None, "function", "custom")
_ASK = "stream_options"
_USAGE = "include_usage"


class Chat:
    """Implements ``common.Speech``."""

    name: Dialect = "chat"
    path = "chat/completions"

    def read(self, body: bytes, *, asks_usage: bool = True) -> Request:
        request = Request(body, "", "messages")
        request.strip_fields(*HOSTED)
        request.strip_tools(lambda tool: tool.get("type") in _OWN_TOOLS)
        request.strip_remote("text")
        request.plain_model()
        if asks_usage and request.get("stream") is True:
            options = one(request.get(_ASK))
            if options.get(_USAGE) is not True:
                request.put(_ASK, {**options, _USAGE: True})
                request.is_usage_injected = True
        return request

    def whole(self, body: dict[str, Any]) -> Heard:
        first = next(iter(dicts(body.get("choices"))), {})
        told = first.get("message")
        if not isinstance(told, dict):
            is_error = "error" in body
            failure = common.told_failure(body) if is_error else common.bad_reply("no message")
            return Heard({}, failure=failure)
        reading = _Reading()
        reading.add(told, is_delta=False)
        return Heard(
            message=reading.message(),
            finish_reason=text(first.get("finish_reason")) or None,
            served_model=common.served(body.get("model")),
            usage=usage(body.get("usage")),
        )

    def stream(self) -> _Reading:
        return _Reading()

    def error(self, status: int, message: str, code: str) -> bytes:
        return common.openai_error(status, message, code)


class _Reading:
    """Puts a message together; implements ``common.Reading``."""

    def __init__(self) -> None:
        self.has_content = self.is_done = False
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, list[str]] = {}
        """Id, name and arguments, by the index of a call."""
        self._finish: str | None = None
        self._model: str | None = None
        self._usage = Usage()
        self._error: dict[str, Any] | None = None

    def take(self, event: dict[str, Any]) -> None:
        if event.get("error"):
            self._error = event
        self._model = common.served(event.get("model")) or self._model
        if isinstance(event.get("usage"), dict):
            self._usage = usage(event["usage"])
        for choice in dicts(event.get("choices")):
            # Where several choices were asked for, the first is the one that is recorded.
            if choice.get("index", 0) in (0, None):
                self._finish = text(choice.get("finish_reason")) or self._finish
                self.add(one(choice.get("delta")), is_delta=True)

    def done(self) -> None:
        self.is_done = True

    def add(self, told: dict[str, Any], *, is_delta: bool) -> None:
        """Add a part of the message, or all of it."""
        self._content.append(text(told.get("content")))
        self._reasoning.append(text(told.get("reasoning_content") or told.get("reasoning")))
        self._refusal.append(text(told.get("refusal")))
        calls = dicts(told.get("tool_calls"))
        if isinstance(told.get("function_call"), dict):  # as it was before there were tools
            calls = [{"index": 0, "function": told["function_call"]}]
        for place, call in enumerate(calls):
            self._add_call(call, call.get("index") if is_delta else place)
        if self._content[-1] or self._reasoning[-1] or self._refusal[-1] or calls:
            self.has_content = True

    def _add_call(self, call: dict[str, Any], index: Any) -> None:
        if not isinstance(index, int):
            # Some servers leave the index out: an id begins a new call.
            index = len(self._calls) - (not call.get("id") and bool(self._calls))
        told = one(call.get("function") or call.get("custom"))
        made = self._calls.setdefault(index, ["", "", ""])
        made[0] = text(call.get("id")) or made[0]
        made[1] += text(told.get("name"))
        given = told.get("arguments", told.get("input"))
        made[2] += given if isinstance(given, str) else _encoded(given)

    def message(self) -> dict[str, Any]:
        """Return the message so far."""
        return common.message(
            self._content,
            [common.tool_call(*made) for made in self._calls.values()],
            "".join(self._reasoning),
            "".join(self._refusal),
        )

    def heard(self) -> Heard:
        failure = None
        if self._error is not None:
            failure = common.told_failure(self._error)
        elif not self.is_done and self._finish is None:
            failure = common.bad_reply("the stream has no end")
        return Heard(self.message(), self._finish, self._model, self._usage, (), failure)


def usage(told: Any) -> Usage:
    """Read a usage object."""
    cached = count(one(told).get("prompt_tokens_details"), "cached_tokens")
    return Usage(
        count(told, "prompt_tokens"),
        count(told, "completion_tokens"),
        count(told, "prompt_cache_hit_tokens") if cached is None else cached,  # DeepSeek
        count(one(told).get("completion_tokens_details"), "reasoning_tokens"),
    )


def _encoded(arguments: Any) -> str:
    return "" if arguments is None else common.encode(arguments).decode()
