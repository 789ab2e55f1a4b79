"""Small tool loops on the vendors' own clients, one a dialect: what an agent does at least."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import anthropic
import openai

MODEL = "any-model"
MOST = 40
OK = '{"ok":true}'


class Played(NamedTuple):
    """What a loop saw."""

    calls: list[tuple[str, Any]]
    """Name and arguments of each tool call."""
    ids: list[str]
    usage: list[tuple[int, int, int]]
    """Tokens in, cached and out of each model call, as the client was told."""
    deltas: list[int]
    """How many pieces each streamed reply came in."""
    text: str


def _begin() -> Played:
    return Played([], [], [], [], "")


def client_of(dialect: str, mock: Any) -> Any:
    """Return the vendor's client of a dialect."""
    module: Any = anthropic if dialect == "messages" else openai
    # Without certificates, which take longer to load than the tests take.
    given = {"api_key": "sk-any", "http_client": module.DefaultAsyncHttpxClient(verify=False)}
    if dialect == "messages":
        return anthropic.AsyncAnthropic(base_url=mock.anthropic_base_url, **given)
    return openai.AsyncOpenAI(base_url=mock.base_url, **given)


async def play(
    dialect: str, mock: Any, instruction: str, tools: tuple[str, ...], *, stream: bool, **more: Any
) -> Played:
    """Play one conversation with a client of its own; see ``converse``."""
    async with client_of(dialect, mock) as client:
        return await converse(dialect, client, instruction, tools, stream=stream, **more)


async def converse(
    dialect: str,
    client: Any,
    instruction: str,
    tools: tuple[str, ...],
    *,
    stream: bool,
    **more: Any,
) -> Played:
    """Talk to a model until it calls no tool any more; each tool answers ``OK``."""
    loop = {"chat": _chat, "responses": _responses, "messages": _messages}[dialect]
    return await loop(client, instruction, tools, stream=stream, **more)


async def _chat(client, instruction, tools, *, stream, **more) -> Played:
    seen = _begin()
    said: list[Any] = [
        {"role": "system", "content": "You are careful."},
        {"role": "user", "content": instruction},
    ]
    kit: Any = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
        for name in tools
    ]
    for _ in range(MOST):
        given = {"model": MODEL, "messages": said, **({"tools": kit} if kit else {})}
        if stream:
            message, usage = await _chat_streamed(client, seen, {**given, **more})
        else:
            done = await client.chat.completions.create(**given, **more)
            message, usage = done.choices[0].message.model_dump(exclude_none=True), done.usage
        cached = usage.prompt_tokens_details.cached_tokens
        seen.usage.append((usage.prompt_tokens, cached, usage.completion_tokens))
        said.append(message)
        calls = message.get("tool_calls") or []
        if not calls:
            return seen._replace(text=message["content"])
        for call in calls:
            seen.ids.append(call["id"])
            function = call["function"]
            seen.calls.append((function["name"], json.loads(function["arguments"])))
            said.append({"role": "tool", "tool_call_id": call["id"], "content": OK})
    raise AssertionError("it never ends")


async def _chat_streamed(client, seen, given) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    usage, pieces = None, 0
    options = {"include_usage": True}
    async for chunk in await client.chat.completions.create(
        **given, stream=True, stream_options=options
    ):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            message["content"] += choice.delta.content or ""
            pieces += bool(choice.delta.content)
            for part in choice.delta.tool_calls or []:
                calls = message.setdefault("tool_calls", [])
                if part.id:
                    named = {"name": part.function.name, "arguments": ""}
                    calls.append({"id": part.id, "type": "function", "function": named})
                calls[part.index]["function"]["arguments"] += part.function.arguments
                pieces += bool(part.function.arguments)
    seen.deltas.append(pieces)
    return message, usage


async def _responses(client, instruction, tools, *, stream, **more) -> Played:
    seen = _begin()
    items: list[Any] = [{"role": "user", "content": instruction}]
    kit: Any = [
        {"type": "function", "name": name, "parameters": {"type": "object"}, "strict": False}
        for name in tools
    ]
    for _ in range(MOST):
        given = {"model": MODEL, "input": items, "tools": kit, "instructions": "Be good."}
        if stream:
            pieces = 0
            async with client.responses.stream(**given, **more) as events:
                async for event in events:
                    pieces += event.type.endswith(".delta")
                done = await events.get_final_response()
            seen.deltas.append(pieces)
        else:
            done = await client.responses.create(**given, **more)
        usage = done.usage
        cached = usage.input_tokens_details.cached_tokens
        seen.usage.append((usage.input_tokens, cached, usage.output_tokens))
        calls = [item for item in done.output if item.type == "function_call"]
        if not calls:
            return seen._replace(text=done.output_text)
        for call in calls:
            seen.ids.append(call.call_id)
            seen.calls.append((call.name, json.loads(call.arguments)))
            items.append(
                {
                    "type": "function_call",
                    "call_id": call.call_id,
                    "name": call.name,
                    "arguments": call.arguments,
                }
            )
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": OK})
    raise AssertionError("it never ends")


async def _messages(client, instruction, tools, *, stream, **more) -> Played:
    seen = _begin()
    said: list[Any] = [{"role": "user", "content": instruction}]
    kit: Any = [{"name": name, "input_schema": {"type": "object"}} for name in tools]
    for _ in range(MOST):
        given = {"model": MODEL, "max_tokens": 1000, "messages": said, "tools": kit}
        if stream:
            pieces = 0
            async with client.messages.stream(**given, **more) as events:
                async for event in events:
                    pieces += event.type == "content_block_delta"
                done = await events.get_final_message()
            seen.deltas.append(pieces)
        else:
            done = await client.messages.create(**given, **more)
        usage = done.usage
        cached = usage.cache_read_input_tokens
        seen.usage.append((usage.input_tokens + cached, cached, usage.output_tokens))
        said.append({"role": "assistant", "content": [b.model_dump() for b in done.content]})
        calls = [block for block in done.content if block.type == "tool_use"]
        assert done.stop_reason == ("tool_use" if calls else "end_turn")
        if not calls:
            return seen._replace(text=done.content[0].text)
        results = []
        for call in calls:
            seen.ids.append(call.id)
            seen.calls.append((call.name, call.input))
            results.append({"type": "tool_result", "tool_use_id": call.id, "content": OK})
        said.append({"role": "user", "content": results})
    raise AssertionError("it never ends")
