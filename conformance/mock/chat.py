"""Chat completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.mock.conversation import BadRequestError, Conversation, Tool, Turn
from conformance.mock.reply import Frame, encode, model_of, objects, text_of
from conformance.mock.tokens import cached, count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.mock.reply import Reply

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "result",
    "function": "result",
}


def read(body: dict[str, Any]) -> Conversation:
    """Read a request; see ``reply.Dialect`` for this and the other functions."""
    messages = objects(body, "messages")
    if not messages:
        raise BadRequestError("messages: at least one is needed")
    if body.get("n") not in (None, 1):
        raise BadRequestError("n: a scripted model gives one choice")
    options = body.get("stream_options")
    return Conversation(
        model=model_of(body),
        turns=tuple(_turns(messages)),
        tools=tuple(_tools(body)),
        is_stream=body.get("stream") is True,
        input_tokens=count(messages, body.get("tools")),
        cached_tokens=cached(messages),
        has_reasoning=body.get("reasoning_effort") not in (None, "none"),
        has_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _turns(messages: list[dict[str, Any]]) -> Iterator[Turn]:
    names: dict[Any, str] = {}
    for number, message in enumerate(messages):
        kind: Any = _ROLES.get(str(message.get("role")))
        if kind is None:
            raise BadRequestError(f"messages[{number}].role: {message.get('role')!r} is none")
        for call in objects(message, "tool_calls"):
            function = call.get("function")
            if isinstance(function, dict):
                names[call.get("id")] = str(function.get("name"))
        name = names.get(message.get("tool_call_id")) or str(message.get("name") or "")
        yield Turn(kind, text_of(message.get("content")), name if kind == "result" else "")


def _tools(body: dict[str, Any]) -> Iterator[Tool]:
    for number, tool in enumerate(objects(body, "tools")):
        function = tool.get("function")
        if tool.get("type") != "function":
            continue  # a script has no use for the others
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise BadRequestError(f"tools[{number}].function.name: a name is needed")
        yield Tool(function["name"])


def whole(reply: Reply) -> dict[str, Any]:
    """Return a chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.move.tool is not None:
        function = {"name": reply.move.tool.name, "arguments": reply.text}
        call = {"id": reply.call_id, "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": _finish(reply),
    }
    return {**_head(reply, "chat.completion"), "choices": [choice], "usage": _usage(reply)}


def stream(reply: Reply) -> Iterator[Frame]:
    """Yield the chunks, each token one, and the usage where it is asked for."""
    tool = reply.move.tool
    if tool is None:
        yield _chunk(reply, {"role": "assistant", "content": ""})
        for token in reply.tokens:
            yield _chunk(reply, {"content": token}, is_token=True)
    else:
        yield _chunk(reply, {"role": "assistant", "content": None})
        function = {"name": tool.name, "arguments": ""}
        call = {"index": 0, "id": reply.call_id, "type": "function", "function": function}
        yield _chunk(reply, {"tool_calls": [call]}, is_token=True)
        for token in reply.tokens:
            part = {"index": 0, "function": {"arguments": token}}
            yield _chunk(reply, {"tool_calls": [part]}, is_token=True)
    yield _chunk(reply, {}, finish=_finish(reply))
    if reply.said.has_usage:
        last = {"choices": [], "usage": _usage(reply)}
        yield _frame({**_head(reply, "chat.completion.chunk"), **last})
    yield Frame(b"data: [DONE]\n\n")


def error(status: int, message: str) -> dict[str, Any]:
    """Return a failure in the shape of the OpenAI dialects."""
    kinds = {400: "invalid_request_error", 404: "invalid_request_error", 429: "rate_limit_exceeded"}
    kind = kinds.get(status, "server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def _chunk(
    reply: Reply, delta: dict[str, Any], *, finish: str | None = None, is_token: bool = False
) -> Frame:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = {**_head(reply, "chat.completion.chunk"), "choices": [choice]}
    if reply.said.has_usage:
        chunk["usage"] = None
    return _frame(chunk, is_token=is_token)


def _frame(chunk: dict[str, Any], *, is_token: bool = False) -> Frame:
    return Frame(b"data: %s\n\n" % encode(chunk), is_token)


def _head(reply: Reply, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": kind,
        "created": reply.created,
        "model": reply.model,
        "system_fingerprint": None,
    }


def _finish(reply: Reply) -> str:
    return "stop" if reply.move.tool is None else "tool_calls"


def _usage(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0},
    }
