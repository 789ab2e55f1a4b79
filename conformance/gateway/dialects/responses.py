"""OpenAI's Responses.

State on the provider's side: a request may go on from a response that its own handle got before
(``previous_response_id``, ``item_reference``), since all of that went through the door; other
state (conversations, stored prompts, responses of other trials) would bring in what no transcript
has, so it is taken out, or refused by the door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.gateway.dialects import common
from conformance.gateway.dialects.common import Heard, Request, Usage, count, dicts, one, text

if TYPE_CHECKING:
    from conformance.agents.contract import Dialect
    from conformance.agents.faults import Failure

STATE = ("conversation", "prompt", "background")
"""Members that leave work or messages with the provider."""
OWN_TOOLS = (None, "function", "custom", "local_shell", "apply_patch", "tool_search")
"""Run by the agent. ``namespace`` holds some of them."""
_ENDS = {
    "response.completed": None,
    "response.incomplete": None,
    "response.failed": "the response failed",
    "response.cancelled": "the response was cancelled",
}


class Responses:
    """Implements ``common.Speech``."""

    name: Dialect = "responses"
    path = "responses"

    def read(self, body: bytes, *, asks_usage: bool = True) -> Request:
        del asks_usage  # its streams always tell it
        request = Request(body, "instructions", "input")
        request.strip_fields(*STATE)
        request.strip_tools(_is_own)
        request.strip_remote("input_text")
        request.plain_model()
        return request

    def whole(self, body: dict[str, Any]) -> Heard:
        if not isinstance(body.get("output"), list):
            is_error = bool(body.get("error"))
            why = common.told_failure(body) if is_error else common.bad_reply("no output")
            return Heard({}, failure=why)
        has_failed = body.get("status") in ("failed", "cancelled")
        return _heard(body, body["output"], common.told_failure(body) if has_failed else None)

    def stream(self) -> _Reading:
        return _Reading()

    def error(self, status: int, message: str, code: str) -> bytes:
        return common.openai_error(status, message, code)


class _Reading:
    """Puts a response together; implements ``common.Reading``."""

    def __init__(self) -> None:
        self.has_content = self.is_done = False
        self._response: dict[str, Any] = {}
        self._items: list[Any] = []
        """Items that are complete."""
        self._begun: list[str] = []
        """Text of the item at work, for a stream that is broken off in it."""
        self._end: str | None = None
        self._error: dict[str, Any] | None = None

    def take(self, event: dict[str, Any]) -> None:
        kind = text(event.get("type"))
        self._response = one(event.get("response")) or self._response
        if kind in _ENDS:
            self._end = kind
            self.is_done = True
        elif kind == "error" or (not kind and event.get("error")):
            self._error = event
        elif kind == "response.output_item.done":
            self._items.append(event.get("item"))
            self._begun.clear()
            self.has_content = True
        elif isinstance(event.get("delta"), str):
            self.has_content = True
            if kind == "response.output_text.delta":
                self._begun.append(event["delta"])

    def done(self) -> None:
        """Not an end of this dialect's streams."""

    def heard(self) -> Heard:
        failure = None
        if self._error is not None:
            failure = common.told_failure(self._error)
        elif self._end is None:
            failure = common.bad_reply("the stream has no end")
        elif _ENDS[self._end] is not None:
            failure = common.told_failure(self._response)
        output = self._response.get("output")
        if not isinstance(output, list) or not output:
            # Broken off, or from a server that leaves the items out at the end.
            output = list(self._items)
            if self._begun:
                part = {"type": "output_text", "text": "".join(self._begun)}
                output.append({"type": "message", "content": [part]})
        return _heard(self._response, output, failure)


def _heard(response: dict[str, Any], output: list[Any], failure: Failure | None) -> Heard:
    content: list[str] = []
    refusal: list[str] = []
    reasoning: list[str] = []
    calls: list[dict[str, Any]] = []
    items = dicts(output)
    for item in items:
        kind = text(item.get("type"))
        parts = dicts(item.get("content"))
        if kind == "message":
            content.append(text(parts))
            refusal += [text(part.get("refusal")) for part in parts]
        elif kind == "reasoning":
            reasoning.append(text([*parts, *dicts(item.get("summary"))]))
        elif kind == "function_call":
            name = ".".join(str(item[n]) for n in ("namespace", "name") if item.get(n))
            calls.append(common.tool_call(item.get("call_id"), name, item.get("arguments", "")))
        elif kind == "custom_tool_call":
            given = item.get("input", "")
            calls.append(common.tool_call(item.get("call_id"), item.get("name"), given))
        elif kind.endswith("_call"):
            # The agent's own kinds of tools (a local shell), and whatever is new.
            calls.append(common.tool_call(item.get("call_id") or item.get("id"), kind, item))
    reason = text(one(response.get("incomplete_details")).get("reason"))
    return Heard(
        message=common.message(content, calls, "\n".join(reasoning), "".join(refusal)),
        finish_reason=reason or text(response.get("status")) or None,
        served_model=common.served(response.get("model")),
        usage=usage(response.get("usage")),
        ids=tuple(
            str(thing["id"]) for thing in (response, *items) if isinstance(thing.get("id"), str)
        ),
        failure=failure,
    )


def usage(told: Any) -> Usage:
    """Read a usage object."""
    return Usage(
        count(told, "input_tokens"),
        count(told, "output_tokens"),
        count(one(told).get("input_tokens_details"), "cached_tokens"),
        count(one(told).get("output_tokens_details"), "reasoning_tokens"),
    )


def referred(request: Request) -> set[str]:
    """Return the ids by which a request refers to what the provider is to have kept."""
    ids: list[Any] = [request.get("previous_response_id")]
    for raw in request.items():
        if b"item_reference" in bytes(raw) or b"\\u" in bytes(raw):
            item = one(common.decode(raw))
            if item.get("type") == "item_reference":
                ids.append(item.get("id"))
    return {str(known) for known in ids if known is not None}


def _is_own(tool: dict[str, Any]) -> bool:
    kind = tool.get("type")
    if kind == "shell":  # the agent's own, unless in a container of the provider's
        return one(tool.get("environment")).get("type") == "local"
    return kind in OWN_TOOLS
