"""The Responses dialect. Nothing is kept between calls: each request brings its conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.mock.chat import error
from conformance.mock.conversation import BadRequestError, Conversation, Tool, Turn
from conformance.mock.reply import model_of, named_frame, objects, text_of
from conformance.mock.tokens import cached, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.mock.reply import Frame, Reply

__all__ = ["error", "read", "stream", "whole"]

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_CALLS = ("function_call", "custom_tool_call")
_SEARCH = "tool_search"


def read(body: dict[str, Any]) -> Conversation:
    """Read a request; see ``reply.Dialect`` for this and the other functions."""
    if body.get("previous_response_id") is not None or body.get("conversation") is not None:
        raise BadRequestError("previous_response_id: a scripted model keeps no conversation")
    given = body.get("input")
    items = (
        [{"role": "user", "content": given}] if isinstance(given, str) else objects(body, "input")
    )
    if not items:
        raise BadRequestError("input: a text or at least one item is needed")
    prompt = body.get("instructions")
    thinking = body.get("reasoning")
    found = [
        tool for item in items if item.get("type") == "tool_search_output" for tool in _tools(item)
    ]
    return Conversation(
        model=model_of(body),
        turns=(Turn("system", prompt if isinstance(prompt, str) else ""), *_turns(items)),
        tools=(*_tools(body), *found),
        is_stream=body.get("stream") is True,
        input_tokens=count(prompt, items, body.get("tools")),
        cached_tokens=cached(items),
        has_reasoning=isinstance(thinking, dict) and thinking.get("effort") not in (None, "none"),
    )


def _turns(items: list[dict[str, Any]]) -> Iterator[Turn]:
    names: dict[Any, str] = {}
    for number, item in enumerate(items):
        kind = item.get("type") or "message"
        if kind == "message":
            role: Any = _ROLES.get(str(item.get("role")))
            if role is None:
                raise BadRequestError(f"input[{number}].role: {item.get('role')!r} is none")
            yield Turn(role, text_of(item.get("content")))
        elif kind in _CALLS:
            names[item.get("call_id")] = str(item.get("name"))
            yield Turn("assistant")
        elif kind.removesuffix("_output") in _CALLS:
            yield Turn("result", text_of(item.get("output")), names.get(item.get("call_id"), ""))
        elif kind == "tool_search_output":
            yield Turn("result", "", _SEARCH)


def _tools(holder: dict[str, Any], namespace: str | None = None) -> Iterator[Tool]:
    """Yield the tools of a request, of a group of tools, or of what a search has found."""
    for number, tool in enumerate(objects(holder, "tools")):
        kind, name = tool.get("type"), tool.get("name")
        if kind == _SEARCH:
            yield Tool(_SEARCH, is_hosted_search=True)
        elif kind in ("function", "namespace"):
            if not isinstance(name, str):
                raise BadRequestError(f"tools[{number}].name: a name is needed")
            if kind == "function":
                yield Tool(name, namespace)
            else:
                yield from _tools(tool, name)


def whole(reply: Reply) -> dict[str, Any]:
    """Return a response that is complete."""
    return _response(reply, "completed", [_item(reply, "completed")], _usage(reply))


def stream(reply: Reply) -> Iterator[Frame]:
    """Yield the events, numbered, each token one."""
    for number, (event, is_token) in enumerate(_events(reply)):
        yield named_frame({**event, "sequence_number": number}, is_token=is_token)


def _events(reply: Reply) -> Iterable[tuple[dict[str, Any], bool]]:
    begun = _response(reply, "in_progress", [], None)
    item = _item(reply, "completed")
    at = {"item_id": item["id"], "output_index": 0}
    yield {"type": "response.created", "response": begun}, False
    yield {"type": "response.in_progress", "response": begun}, False
    added = {"type": "response.output_item.added", "output_index": 0}
    # The name of a tool comes with its item, and is a token.
    is_call = reply.move.tool is not None
    yield {**added, "item": _item(reply, "in_progress")}, is_call
    if item["type"] == "message":
        at |= {"content_index": 0}
        empty = _part("")
        yield {"type": "response.content_part.added", **at, "part": empty}, False
        for token in reply.tokens:
            delta = {"type": "response.output_text.delta", **at, "delta": token, "logprobs": []}
            yield delta, True
        done = {"type": "response.output_text.done", **at, "text": reply.text, "logprobs": []}
        yield done, False
        yield {"type": "response.content_part.done", **at, "part": _part(reply.text)}, False
    elif item["type"] == "function_call":
        kind = "response.function_call_arguments"
        for token in reply.tokens:
            yield {"type": f"{kind}.delta", **at, "delta": token}, True
        yield {"type": f"{kind}.done", **at, "name": item["name"], "arguments": reply.text}, False
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}, False
    yield {"type": "response.completed", "response": whole(reply)}, False


def _response(
    reply: Reply, status: str, output: list[Any], usage: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "id": f"resp_{reply.id}",
        "object": "response",
        "created_at": reply.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": reply.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "store": False,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
    }


def _item(reply: Reply, status: str) -> dict[str, Any]:
    """Return the one item of a reply; one that is in progress has no content yet."""
    is_done = status == "completed"
    tool = reply.move.tool
    if tool is None:
        content = [_part(reply.text)] if is_done else []
        head = {"type": "message", "id": f"msg_{reply.id}", "status": status, "role": "assistant"}
        return {**head, "content": content}
    if tool.is_hosted_search:
        head = {"type": "tool_search_call", "id": f"tsc_{reply.id}", "status": status}
        given = dict(reply.move.arguments) if is_done else {}
        return {**head, "call_id": reply.call_id, "execution": "client", "arguments": given}
    head = {"type": "function_call", "id": f"fc_{reply.id}", "status": status, "name": tool.name}
    if tool.namespace is not None:
        head["namespace"] = tool.namespace
    return {**head, "call_id": reply.call_id, "arguments": reply.text if is_done else ""}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
