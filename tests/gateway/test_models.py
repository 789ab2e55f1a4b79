"""The model door with the real clients as agents: what is forwarded, metered and recorded."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.modelagents import PATHS, TEXT, agent_of, bare, post, user
from tests.gateway.upstreams import (
    ARGUMENTS,
    DIALECTS,
    KEY,
    Counts,
    Got,
    Say,
    behind,
    chat_events,
    spoken,
)

if TYPE_CHECKING:
    from conformance.agents.contract import ModelCall


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_call_is_forwarded_and_recorded(dialect: str, *, is_stream: bool) -> None:
    say = spoken(dialect, TEXT, is_stream=is_stream)
    async with (
        behind(say) as (gateway, handle, endpoint, doors),
        agent_of(gateway, handle, dialect) as agent,
    ):
        text, calls, told = await agent.say([user("Rack?")], is_stream=is_stream)
        describes = gateway.describe()
    assert text == TEXT
    assert [json.loads(call) for call in calls] == [{"rack": "R1"}]
    assert (told is None) == (dialect == "chat" and is_stream)
    (got,) = endpoint.got
    assert got.path == f"/v1/{PATHS[dialect]}"
    assert got.headers["authorization"] == f"Bearer {KEY}"
    assert got.headers.get("x-api-key") == (KEY if dialect == "messages" else None)
    assert handle.token not in str(got)
    (call,) = doors.model_calls
    assert call.dialect == dialect
    assert (call.requested_model, call.served_model) == ("m-1", "served-1")
    assert call.sent == [user("Rack?")]
    assert call.known == 0
    assert call.received == {
        "role": "assistant",
        "content": TEXT,
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {
                    "name": "look",
                    "arguments": call_arguments(dialect, is_stream=is_stream),
                },
            }
        ],
    }
    assert call.is_stream == is_stream
    assert (call.first_token_s is not None) == is_stream
    assert (call.first_token_s or 0.0) <= call.latency_s
    assert call.tools == 1
    assert (call.retries, call.stripped) == (0, [])
    injected = dialect == "chat" and is_stream
    assert call.usage_source == ("injected" if injected else "reported")
    reason = {"chat": "tool_calls", "responses": "completed", "messages": "tool_use"}
    assert call.finish_reason == reason[dialect]
    assert doors.notes == []
    assert describes == {
        "model": "m-1",
        "endpoint": endpoint.base_url,
        "served_models": ["served-1"],
        "dialects": [dialect],
        "sampling": "agent's own",
    }


def call_arguments(dialect: str, *, is_stream: bool) -> str:
    # An object in Anthropic's whole replies, text everywhere else.
    compact = dialect == "messages" and not is_stream
    return ARGUMENTS.replace(" ", "") if compact else ARGUMENTS


COUNTS = st.builds(
    lambda cached, fresh, written, reasoning: Counts(
        cached + fresh, written + reasoning, cached, reasoning
    ),
    *[st.integers(0, 2_000_000)] * 4,
)


@settings(max_examples=4, deadline=None)
@given(counts=st.lists(COUNTS, min_size=6, max_size=6))
def test_metered_tokens_are_the_upstreams_own_to_the_token(counts: list[Counts]) -> None:
    """Every dialect, whole and in a stream, with the agent's own client in between."""
    kinds = [(dialect, is_stream) for dialect in DIALECTS for is_stream in (False, True)]
    script = [
        spoken(dialect, is_stream=is_stream, counts=count)
        for (dialect, is_stream), count in zip(kinds, counts, strict=True)
    ]

    async def work() -> list[ModelCall]:
        async with behind(*script) as (gateway, handle, _, doors):
            for dialect, is_stream in kinds:
                async with agent_of(gateway, handle, dialect) as agent:
                    await agent.say([user()], is_stream=is_stream)
            return doors.model_calls

    calls = asyncio.run(work())
    for call, (dialect, _), count in zip(calls, kinds, counts, strict=True):
        read = (call.input_tokens, call.output_tokens)
        assert read == (count.read, count.written)
        if dialect == "messages":  # half of the cached was taken in, not read
            assert call.cached_tokens == count.cached - count.cached // 2
        else:
            assert (call.cached_tokens, call.reasoning_tokens) == (count.cached, count.reasoning)


async def test_the_usage_is_asked_for_and_taken_out_again() -> None:
    def answer(got: Got) -> Say:
        asked = (got.body.get("stream_options") or {}).get("include_usage") is True
        events = chat_events(TEXT, Counts(), has_call=True, asks_usage=asked)
        return Say(headers=(("content-type", "text/event-stream"),), chunks=tuple(events))

    body = bare("chat", is_stream=True)
    unasked = b"".join(chat_events(TEXT, Counts(), has_call=True, asks_usage=False))
    asked = b"".join(chat_events(TEXT, Counts(), has_call=True, asks_usage=True))
    async with behind(answer) as (gateway, handle, endpoint, doors):
        _, _, first = await post(gateway, handle, "/v1/chat/completions", body)
        options = {"include_obfuscation": False}
        _, _, second = await post(
            gateway, handle, "/v1/chat/completions", {**body, "stream_options": options}
        )
        options = {"include_usage": True}
        _, _, third = await post(
            gateway, handle, "/v1/chat/completions", {**body, "stream_options": options}
        )
    assert first == second == unasked
    assert third == asked
    assert endpoint.got[0].body == {**body, "stream_options": {"include_usage": True}}
    assert endpoint.got[1].body["stream_options"] == {
        "include_obfuscation": False,
        "include_usage": True,
    }
    assert [call.usage_source for call in doors.model_calls] == ["injected", "injected", "reported"]
    assert {call.input_tokens for call in doors.model_calls} == {100}


async def test_an_endpoint_that_will_not_tell_the_usage_is_not_asked_again() -> None:
    def answer(got: Got) -> Say:
        if "stream_options" in got.body:
            error = {"error": {"message": "Unknown field: stream_options"}}
            return Say(json.dumps(error).encode(), 400)
        events = chat_events("ok", Counts(), has_call=False, asks_usage=False)
        return Say(headers=(("content-type", "text/event-stream"),), chunks=tuple(events))

    body = bare("chat", is_stream=True)
    async with behind(answer) as (gateway, handle, endpoint, doors):
        first = await post(gateway, handle, "/v1/chat/completions", body)
        second = await post(gateway, handle, "/v1/chat/completions", body)
    assert first[0] == second[0] == 200
    assert len(endpoint.got) == 3
    size = len(endpoint.got[-1].raw)
    for call in doors.model_calls:
        assert (call.usage_source, call.retries) == ("estimated", 0)
        assert call.input_tokens == size // 4
        assert call.output_tokens


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_bytes_of_a_request_and_of_a_reply_pass_unchanged(dialect: str) -> None:
    key = "input" if dialect == "responses" else "messages"
    message = '{"role":"user","content":"\\u4f60\\ud83d"}'
    sent = f'{{ "model" : "m-1","x":1e2, "tools":[ {{"name":"a"}} ], "{key}":[{message}] }}'
    back = spoken(dialect).body.replace(b":", b" : ")
    for say in (Say(back), spoken(dialect, is_stream=True)):
        async with behind(say) as (gateway, handle, endpoint, doors):
            status, headers, got = await post(
                gateway, handle, f"/v1/{PATHS[dialect]}", sent.encode()
            )
        assert status == 200
        assert endpoint.got[0].raw == sent.encode()
        assert got == (b"".join(say.chunks) if say.chunks else back)
        # Half a character that some program cut is no reason to fail.
        assert doors.model_calls[0].sent == [user("你\ufffd")]
        assert "content-type" in headers


async def test_only_what_is_new_is_recorded() -> None:
    async with (
        behind(spoken("chat")) as (gateway, handle, _, doors),
        agent_of(gateway, handle, "chat") as agent,
    ):
        history = [{"role": "system", "content": "s"}, user("a")]
        await agent.say(history)
        side = [user("a title, please")]
        await agent.say(side)
        more = [*history, {"role": "assistant", "content": "b"}, user("c")]
        await agent.say(more)
        await agent.say(more)
    assert [(call.known, call.sent) for call in doors.model_calls] == [
        (0, history),
        (0, side),
        (2, more[2:]),
        (4, []),
    ]


@pytest.mark.parametrize(
    ("dialect", "name"), [("responses", "instructions"), ("messages", "system")]
)
async def test_instructions_beside_the_messages_are_the_first_of_them(
    dialect: str, name: str
) -> None:
    system = {"role": "system", "content": "Be brief."}
    async with (
        behind(spoken(dialect)) as (gateway, handle, _, doors),
        agent_of(gateway, handle, dialect) as agent,
    ):
        await agent.say([user("a")], **{name: "Be brief."})
        await agent.say([user("a"), user("b")], **{name: "Be brief."})
        await agent.say([user("a"), user("b")], **{name: "Be long."})
    assert [(call.known, call.sent) for call in doors.model_calls] == [
        (0, [system, user("a")]),
        (2, [user("b")]),
        (2, [{"role": "system", "content": "Be long."}]),
    ]


async def test_marks_for_the_cache_make_no_message_new() -> None:
    def block(*, is_marked: bool) -> dict[str, Any]:
        mark = {"cache_control": {"type": "ephemeral"}} if is_marked else {}
        return {"role": "user", "content": [{"type": "text", "text": "a", **mark}]}

    async with (
        behind(spoken("messages")) as (gateway, handle, _, doors),
        agent_of(gateway, handle, "messages") as agent,
    ):
        await agent.say([block(is_marked=True)])
        await agent.say([block(is_marked=False), user("b")])
    assert [call.known for call in doors.model_calls] == [0, 1]


async def test_a_text_alone_is_an_input_of_responses() -> None:
    async with behind(spoken("responses")) as (gateway, handle, _, doors):
        await post(gateway, handle, "/v1/responses", {"model": "m-1", "input": "Hello"})
    assert doors.model_calls[0].sent == [user("Hello")]
