"""The model door as a server: paths, what the wire brings, the key, the end of a trial."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING

import anthropic
import openai
import pytest

from conformance.agents.contract import TrialEndedError
from tests.fakes.doors import FakeDoors, task
from tests.gateway.modelagents import PATHS, TEXT, Agent, agent_of, bare, post, user
from tests.gateway.upstreams import DIALECTS, KEY, Say, behind, spoken

if TYPE_CHECKING:
    from conformance.agents.contract import ModelCall

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
