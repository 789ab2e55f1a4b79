"""Anthropic messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.mock.conversation import BadRequestError, Conversation, Tool, Turn
from conformance.mock.reply import encode, model_of, named_frame, objects, text_of
from conformance.mock.tokens import cached, count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.mock.reply import Frame, Reply

_ERRORS = {
    400: "invalid_request_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def read(body: dict[str, Any]) -> Conversation:
    """Read a request; see ``reply.Dialect`` for this and the other functions."""
    most = body.get("max_tokens")
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise BadRequestError("max_tokens: a number of one or more is needed")
    return read_unbounded(body)


def read_unbounded(body: dict[str, Any]) -> Conversation:
    """Read a request whose tokens are only counted."""
    messages = objects(body, "messages")
    if not messages:
        raise BadRequestError("messages: at least one is needed")
    prompt = body.get("system")
    thinking = body.get("thinking")
    # This dialect caches only what it is told to.
    is_cached = b'"cache_control":' in encode([prompt, messages, body.get("tools")])
    return Conversation(
        model=model_of(body),
        turns=(Turn("system", text_of(prompt)), *_turns(messages)),
        tools=tuple(_tools(body)),
        is_stream=body.get("stream") is True,
        input_tokens=count(prompt, messages, body.get("tools")),
        cached_tokens=cached(messages) if is_cached else 0,
        has_reasoning=isinstance(thinking, dict)
        and thinking.get("type") in ("enabled", "adaptive"),
    )


def _turns(messages: list[dict[str, Any]]) -> Iterator[Turn]:
    names: dict[Any, str] = {}
    for number, message in enumerate(messages):
        role: Any = message.get("role")
        if role not in ("user", "assistant", "system"):
            raise BadRequestError(f"messages.{number}.role: {role!r} is none")
        content = message.get("content")
        blocks = objects(message, "content") if isinstance(content, list) else []
        for block in blocks:
            if block.get("type") == "tool_use":
                names[block.get("id")] = str(block.get("name"))
            elif block.get("type") == "tool_result":
                tool = names.get(block.get("tool_use_id"), "")
                yield Turn("result", text_of(block.get("content")), tool)
        said = text_of(content)
        if said or role == "assistant":
            yield Turn(role, said)


def _tools(body: dict[str, Any]) -> Iterator[Tool]:
    for number, tool in enumerate(objects(body, "tools")):
        if tool.get("type") not in (None, "custom"):
            continue  # hosted by the endpoint: a script has no use for it
        if not isinstance(tool.get("name"), str):
            raise BadRequestError(f"tools.{number}.name: a name is needed")
        yield Tool(tool["name"])


def whole(reply: Reply) -> dict[str, Any]:
    """Return a message."""
    tool = reply.move.tool
    if tool is None:
        block: dict[str, Any] = {"type": "text", "text": reply.text}
    else:
        block = {**_tool_use(reply, tool), "input": dict(reply.move.arguments)}
    usage = _usage(reply, reply.usage.output)
    return {**_head(reply), "content": [block], "stop_reason": _stop(reply), "usage": usage}


def stream(reply: Reply) -> Iterator[Frame]:
    """Yield the events, each token one."""
    tool = reply.move.tool
    # Nothing is said yet: the tokens of the reply are told at its end.
    start = {**_head(reply), "content": [], "stop_reason": None, "usage": _usage(reply, 0)}
    yield named_frame({"type": "message_start", "message": start})
    yield named_frame({"type": "ping"})
    block = (
        {"type": "text", "text": ""} if tool is None else {**_tool_use(reply, tool), "input": {}}
    )
    begun = {"type": "content_block_start", "index": 0, "content_block": block}
    yield named_frame(begun, is_token=tool is not None)
    for token in reply.tokens:
        delta = (
            {"type": "text_delta", "text": token}
            if tool is None
            else {"type": "input_json_delta", "partial_json": token}
        )
        event = {"type": "content_block_delta", "index": 0, "delta": delta}
        yield named_frame(event, is_token=True)
    yield named_frame({"type": "content_block_stop", "index": 0})
    end = {"stop_reason": _stop(reply), "stop_sequence": None}
    usage = _usage(reply, reply.usage.output)
    yield named_frame({"type": "message_delta", "delta": end, "usage": usage})
    yield named_frame({"type": "message_stop"})


def error(status: int, message: str) -> dict[str, Any]:
    """Return a failure in this dialect's shape."""
    kind = _ERRORS.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def _head(reply: Reply) -> dict[str, Any]:
    return {
        "id": f"msg_{reply.id}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "stop_sequence": None,
    }


def _tool_use(reply: Reply, tool: Tool) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{reply.id[:24]}", "name": tool.name}


def _stop(reply: Reply) -> str:
    return "end_turn" if reply.move.tool is None else "tool_use"


def _usage(reply: Reply, output: int) -> dict[str, Any]:
    """Return the usage; in this dialect, cached tokens are not among the input's."""
    usage = reply.usage
    told: dict[str, Any] = {
        "input_tokens": usage.input - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": output,
    }
    if reply.said.has_reasoning:
        told |= {"output_tokens_details": {"thinking_tokens": usage.reasoning if output else 0}}
    return told
