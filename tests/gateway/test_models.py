"""The model door with the real clients as agents, in all three dialects."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import anthropic
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.agents.contract import TrialEndedError
from tests.fakes.doors import FakeDoors, task
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
    from collections.abc import AsyncIterator

    from conformance.agents.contract import ModelCall
    from conformance.gateway import Gateway, Handle

TEXT = "Let me look. 看一看"
PATHS = {"chat": "chat/completions", "responses": "responses", "messages": "messages"}
TOOL = {
    "chat": {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}},
    "responses": {"type": "function", "name": "look", "parameters": {}, "strict": False},
    "messages": {"name": "look", "input_schema": {"type": "object"}},
}


class Agent:
    """The official client of a dialect, with the addresses of a handle."""

    def __init__(self, gateway: Gateway, handle: Handle, dialect: str, retries: int = 0) -> None:
        told = gateway.addresses(handle)
        self.dialect = dialect
        self.openai = openai.AsyncOpenAI(
            api_key=told.api_key,
            base_url=told.openai_base_url,
            max_retries=retries,
            # Loading the certificates that loopback has no use for takes longer than a test.
            http_client=openai.DefaultAsyncHttpxClient(verify=False),
        )
        self.anthropic = anthropic.AsyncAnthropic(
            api_key=told.api_key,
            base_url=told.anthropic_base_url,
            max_retries=retries,
            http_client=anthropic.DefaultAsyncHttpxClient(verify=False),
        )

    async def close(self) -> None:
        await self.openai.close()
        await self.anthropic.close()

    async def say(self, messages: list[dict[str, Any]], *, is_stream: bool = False, **more: Any):
        """Make one call; return the text, the arguments of its calls and the usage it tells."""
        more = {"model": "m-1", "tools": [TOOL[self.dialect]], **more}
        if self.dialect == "messages":
            more = {"max_tokens": 100, "messages": messages, **more}
            if not is_stream:
                return read_messages(await self.anthropic.messages.create(**more))
            async with self.anthropic.messages.stream(**more) as stream:
                return read_messages(await stream.get_final_message())
        if self.dialect == "responses":
            more["input"] = messages
            if not is_stream:
                return read_response(await self.openai.responses.create(**more))
            async with self.openai.responses.stream(**more) as stream:
                return read_response(await stream.get_final_response())
        more["messages"] = messages
        if not is_stream:
            reply = await self.openai.chat.completions.create(**more)
            message = reply.choices[0].message
            calls = [call.function.arguments for call in message.tool_calls or []]
            return message.content, calls, reply.usage
        text, arguments, usage = "", "", None
        async for chunk in await self.openai.chat.completions.create(stream=True, **more):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                for call in choice.delta.tool_calls or []:
                    arguments += call.function.arguments or ""
        return text, [arguments] if arguments else [], usage


def read_messages(reply: Any) -> tuple[str, list[str], Any]:
    text = "".join(block.text for block in reply.content if block.type == "text")
    calls = [json.dumps(block.input) for block in reply.content if block.type == "tool_use"]
    return text, calls, reply.usage


def read_response(reply: Any) -> tuple[str, list[str], Any]:
    calls = [item.arguments for item in reply.output if item.type == "function_call"]
    return reply.output_text, calls, reply.usage


@contextlib.asynccontextmanager
async def agent_of(gateway: Gateway, handle: Handle, dialect: str) -> AsyncIterator[Agent]:
    agent = Agent(gateway, handle, dialect)
    try:
        yield agent
    finally:
        await agent.close()


async def post(
    gateway: Gateway,
    handle: Handle,
    path: str,
    body: bytes | dict[str, Any],
    *,
    method: str = "POST",
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """Send a plain request with the handle's key."""
    told = gateway.addresses(handle)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"authorization": f"Bearer {told.api_key}", "content-type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, f"{told.anthropic_base_url}{path}", data=io.BytesIO(data), headers=named
        ) as reply,
    ):
        return reply.status, {n.lower(): v for n, v in reply.headers.items()}, await reply.read()


def user(text: str = "Hi") -> dict[str, Any]:
    return {"role": "user", "content": text}


def bare(dialect: str, *, is_stream: bool = False, text: str = "Hi") -> dict[str, Any]:
    """Return a request's body."""
    key = "input" if dialect == "responses" else "messages"
    body: dict[str, Any] = {"model": "m-1", key: [user(text)]}
    return body | ({"stream": True} if is_stream else {})


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
    sent = f'{{ "model" : "m-1","x":1e2, "{key}":[{{"role":"user","content":"\\u4f60\\ud83d"}}] }}'
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


# Paths


@pytest.mark.parametrize(
    "path", ["/chat/completions", "/v1/v1/chat/completions", "//v1/chat/completions/"]
)
async def test_paths_with_and_without_their_version(path: str) -> None:
    async with behind(spoken("chat")) as (gateway, handle, endpoint, _):
        status, _, _ = await post(gateway, handle, path, bare("chat"))
    assert status == 200
    assert endpoint.got[0].path == "/v1/chat/completions"


async def test_harmless_probes_are_answered_and_others_are_not_there() -> None:
    async with behind(Say()) as (gateway, handle, endpoint, doors):
        for method, path in (("GET", "/v1/"), ("HEAD", "/v1"), ("GET", "/")):
            assert (await post(gateway, handle, path, b"", method=method))[0] == 200
        for _ in range(2):
            status, _, body = await post(gateway, handle, "/v1/embeddings", {})
            assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")
        status, _, body = await post(gateway, handle, "/v1/messages/batches", {})
        told = json.loads(body)
        assert (status, told["type"], told["error"]["type"]) == (404, "error", "not_found_error")
        assert (await post(gateway, handle, "/v1/responses/r1", b"", method="GET"))[0] == 404
    assert endpoint.got == []
    assert doors.notes == [
        ("unknown_model_path", {"path": "POST /embeddings"}),
        ("unknown_model_path", {"path": "POST /messages/batches"}),
        ("unknown_model_path", {"path": "GET /responses/r1"}),
    ]


async def test_strange_paths_do_not_flood_the_transcript() -> None:
    async with behind(Say()) as (gateway, handle, _, doors):
        for number in range(40):
            await post(gateway, handle, f"/v1/x{number}", {})
    assert len(doors.notes) == 20


async def test_models_are_listed_and_tokens_counted_without_a_model_call() -> None:
    listed = Say(b'{"data":[{"id":"m-1"}]}')
    counted = Say(b'{"input_tokens":7}')
    async with behind(listed, counted) as (gateway, handle, endpoint, doors):
        agent = Agent(gateway, handle, "messages")
        models = await agent.openai.models.list()
        tokens = await agent.anthropic.messages.count_tokens(model="m-1", messages=[user()])
        await agent.close()
    assert [model.id for model in models.data] == ["m-1"]
    assert tokens.input_tokens == 7
    assert [got.path for got in endpoint.got] == ["/v1/models", "/v1/messages/count_tokens"]
    assert endpoint.got[1].headers["x-api-key"] == KEY
    assert (doors.model_calls, doors.notes) == ([], [])


async def test_the_beta_mark_of_some_clients_goes_on() -> None:
    async with behind(spoken("messages")) as (gateway, handle, endpoint, _):
        await post(
            gateway,
            handle,
            "/v1/messages?beta=true&key=x",
            bare("messages"),
            anthropic_beta="b1",
            anthropic_version="2023-06-01",
            cookie="a=b",
        )
    got = endpoint.got[0]
    assert got.path == "/v1/messages?beta=true"
    assert (got.headers["anthropic-beta"], got.headers["anthropic-version"]) == ("b1", "2023-06-01")
    assert "cookie" not in got.headers


# What the wire brings


async def test_packed_replies_and_requests() -> None:
    plain = spoken("chat").body
    packed = Say(
        gzip.compress(plain),
        headers=(("content-type", "application/json"), ("content-encoding", "gzip")),
    )
    events = b"".join(spoken("chat", is_stream=True).chunks or ())
    stream = Say(
        headers=(("content-type", "text/event-stream"), ("content-encoding", "gzip")),
        chunks=(gzip.compress(events),),
    )
    body = json.dumps(bare("chat")).encode()
    async with behind(packed, stream) as (gateway, handle, endpoint, doors):
        status, headers, got = await post(
            gateway, handle, "/v1/chat/completions", gzip.compress(body), content_encoding="gzip"
        )
        assert (status, got) == (200, plain)
        assert "content-encoding" not in headers
        asks = {**bare("chat", is_stream=True), "stream_options": {"include_usage": True}}
        _, headers, got = await post(gateway, handle, "/v1/chat/completions", asks)
        assert got == events
        for data, how, wanted in ((b"x", "gzip", 400), (b"x", "zstd", 415)):
            status, _, _ = await post(
                gateway, handle, "/v1/chat/completions", data, content_encoding=how
            )
            assert status == wanted
    assert endpoint.got[0].raw == body
    assert endpoint.got[0].headers["accept-encoding"] == "identity"
    assert "content-encoding" not in endpoint.got[0].headers
    assert [call.input_tokens for call in doors.model_calls] == [100, 100]


async def test_only_some_headers_come_back_and_redirects_are_not_followed() -> None:
    headers = (
        ("content-type", "application/json"),
        ("Retry-After", "7"),
        ("X-RateLimit-Remaining-Requests", "3"),
        ("Set-Cookie", "a=b"),
        ("OpenAI-Organization", "acme"),
        ("Connection", "X-Hop"),
        ("X-Hop", "1"),
    )
    busy = Say(b'{"error":{"message":"busy"}}', 429, headers)
    moved = Say(b"", 307, (("location", "http://127.0.0.1:9/v1"),))
    async with behind(busy, moved) as (gateway, handle, endpoint, doors):
        status, told, _ = await post(gateway, handle, "/v1/chat/completions", bare("chat"))
        assert status == 429
        assert (told["retry-after"], told["x-ratelimit-remaining-requests"]) == ("7", "3")
        assert not {"set-cookie", "openai-organization", "x-hop"} & set(told)
        status, told, _ = await post(gateway, handle, "/v1/chat/completions", bare("chat"))
        assert (status, told.get("location")) == (502, None)
    assert len(endpoint.got) == 2
    assert [details["failure"] for _, details in doors.notes] == ["rate_limited", "bad_reply"]


async def test_bodies_of_ten_megabytes() -> None:
    text = "x" * 10_000_000
    async with behind(spoken("chat", text)) as (gateway, handle, endpoint, doors):
        status, _, body = await post(
            gateway, handle, "/v1/chat/completions", bare("chat", text=text)
        )
    assert (status, body) == (200, spoken("chat", text).body)
    assert endpoint.got[0].body == bare("chat", text=text)
    assert doors.model_calls[0].received["content"] == text


async def test_a_body_that_is_too_large_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.gateway.asgi.MOST_BODY", 1000)
    big = json.dumps(bare("messages", text="x" * 2000)).encode()
    async with behind(spoken("messages")) as (gateway, handle, endpoint, _):
        for data, packed in ((big, "identity"), (gzip.compress(big), "gzip")):
            status, _, body = await post(
                gateway, handle, "/v1/messages", data, content_encoding=packed
            )
            assert (status, json.loads(body)["error"]["type"]) == (413, "request_too_large")
    assert endpoint.got == []


async def test_a_hundred_streams_at_once() -> None:
    gate = asyncio.Event()
    say = spoken("chat", is_stream=True)._replace(hang=gate)
    doors = FakeDoors(model_calls=100)
    async with (
        behind(say, doors=doors) as (gateway, handle, endpoint, _),
        agent_of(gateway, handle, "chat") as agent,
    ):
        works = [asyncio.create_task(agent.say([user(str(n))], is_stream=True)) for n in range(100)]
        await endpoint.reaches(100)
        gate.set()
        texts = [(await work)[0] for work in works]
        assert texts == [TEXT] * 100
    assert len(doors.model_calls) == 100
    assert {call.input_tokens for call in doors.model_calls} == {100}
    assert {call.sent[0]["content"] for call in doors.model_calls} == {str(n) for n in range(100)}


# The key, the canary, no model


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_key_stays_here(dialect: str) -> None:
    wrong = Say(json.dumps({"error": {"message": f"bad key {KEY}"}}).encode(), 401)
    whole = spoken(dialect, f"it is {KEY}")
    chunks = spoken(dialect, f"it is {KEY}{KEY}", is_stream=True, has_call=False).chunks or ()
    joined = b"".join(chunks)
    parts = tuple(joined[n : n + 7] for n in range(0, len(joined), 7))
    stream = Say(headers=(("content-type", "text/event-stream"),), chunks=parts)
    async with behind(wrong, whole, stream) as (gateway, handle, _, doors):
        seen = [
            await post(gateway, handle, f"/v1/{PATHS[dialect]}", bare(dialect, is_stream=s))
            for s in (False, False, True)
        ]
    assert [status for status, _, _ in seen] == [401, 200, 200]
    assert b"[key]" in seen[0][2]
    assert KEY not in str((seen, doors.notes, doors.model_calls[0]))
    assert doors.notes[0][1]["failure"] == "unauthorised"


async def test_a_stand_in_for_a_key_is_an_ordinary_word() -> None:
    say = spoken("chat", "none of these is a key: EMPTY, none")
    async with behind(say, key="none") as (gateway, handle, endpoint, _):
        _, _, body = await post(gateway, handle, "/v1/chat/completions", bare("chat"))
    assert body == say.body
    assert endpoint.got[0].headers["authorization"] == "Bearer none"


async def test_without_a_key_none_is_sent() -> None:
    async with behind(spoken("messages"), key="") as (gateway, handle, endpoint, _):
        await post(gateway, handle, "/v1/messages", bare("messages"), x_api_key=handle.token)
    assert not {"authorization", "x-api-key"} & set(endpoint.got[0].headers)


@pytest.mark.parametrize(
    ("script", "is_up"),
    [
        ([spoken("chat")], True),
        ([Say(b'{"error":"bad"}', 400)], True),
        ([Say(b'{"error":"down"}', 503)], False),
        ([Say(b'{"error":"who?"}', 401)], False),
        ([Say(is_cut=True)], False),
        ([Say(b"", 404), Say(b'{"data":[]}')], True),
        ([Say(b"", 404), Say(b"", 500)], False),
    ],
)
async def test_the_canary(script: list[Say], *, is_up: bool) -> None:
    async with behind(*script) as (gateway, _, endpoint, _):
        assert await gateway.canary() is is_up
    assert endpoint.got[0].body["max_tokens"] == 1


async def test_no_model_behind_the_door() -> None:
    from conformance.gateway import Gateway

    gateway, doors = Gateway(), FakeDoors()
    await gateway.open()
    try:
        with gateway.handle(task(), doors) as handle:
            for dialect in DIALECTS:
                status, _, body = await post(
                    gateway, handle, f"/v1/{PATHS[dialect]}", bare(dialect)
                )
                assert status == 404
                assert b"no model behind this gateway" in body
            assert await gateway.canary()
            assert gateway.describe() == {}
    finally:
        await gateway.close()
    assert [kind for kind, _ in doors.notes] == ["no_model"]


# The end of a trial


class Ending(FakeDoors):
    """Has no model calls left after a call is metered."""

    def after_model_call(self, call: ModelCall) -> None:
        super().after_model_call(call)
        raise TrialEndedError


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_after_the_end_nothing_is_forwarded_and_nobody_tries_again(dialect: str) -> None:
    errors = anthropic if dialect == "messages" else openai
    async with behind(spoken(dialect), doors=FakeDoors(model_calls=0)) as (gateway, handle, e, _):
        agent = Agent(gateway, handle, dialect, retries=3)
        with pytest.raises(errors.PermissionDeniedError, match="trial is over"):
            await agent.say([user()])
        await agent.close()
    assert handle.has_ended
    assert handle.model_requests == 1
    assert e.got == []


@pytest.mark.parametrize("is_stream", [False, True])
async def test_the_reply_that_is_one_too_many(*, is_stream: bool) -> None:
    say = spoken("chat", is_stream=is_stream)
    async with behind(say, doors=Ending()) as (gateway, handle, endpoint, doors):
        body = bare("chat", is_stream=is_stream)
        status, _, _ = await post(gateway, handle, "/v1/chat/completions", body)
        # A stream has gone out already when its tokens are known.
        assert status == (200 if is_stream else 403)
        assert (await post(gateway, handle, "/v1/chat/completions", body))[0] == 403
    assert handle.has_ended
    assert len(endpoint.got) == len(doors.model_calls) == 1


async def test_requests_that_cannot_be_read_are_turned_down() -> None:
    async with behind(spoken("chat")) as (gateway, handle, endpoint, doors):
        for data in (b"", b"[]", b'{"messages":', b"\xff", b'{"messages":[{"a":"\xff"}]}'):
            status, _, body = await post(gateway, handle, "/v1/chat/completions", data)
            assert (status, json.loads(body)["error"]["code"]) == (400, "invalid_json")
        deep = b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        assert (await post(gateway, handle, "/v1/chat/completions", deep))[0] == 400
    assert endpoint.got == []
    assert {kind for kind, _ in doors.notes} == {"model_request_refused"}
    assert handle.fault is None
