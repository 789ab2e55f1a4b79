"""The vendors' own clients play scripts to their end, in every dialect, streamed and not."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import anthropic
import httpx
import openai
import pytest

from conformance.mock import Fail, MockModel, Pace, Script, ToolStep
from conformance.mock.pace import Clock
from tests.mock.loops import client_of, converse, play

DIALECTS = ("chat", "responses", "messages")
WAYS = [(dialect, stream) for dialect in DIALECTS for stream in (False, True)]
ways = pytest.mark.parametrize(("dialect", "stream"), WAYS)

TASK = "请先查看 A1，\n  再提交代码。"
SCRIPT = Script(
    (
        ToolStep("look", {"place": "机房 A1", "deep": True, "tags": ["温度", "é", "🙂"]}),
        ToolStep("submit_answer", {"status": "done", "reason": None, "values": {"代码": "甲-7"}}),
    ),
    "工作已完成，代码为 “甲-7” 🙂。",
    "查看 A1， 再提交",
)
TOOLS = ("look", "submit_answer")
CALLS = [(step.tool, step.arguments) for step in SCRIPT.steps]


@pytest.fixture(autouse=True)
def retry_soon(monkeypatch):
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.01)


@ways
async def test_a_script_is_played_to_its_end(dialect, stream):
    async with MockModel([Script(match="other"), SCRIPT]) as mock:
        seen = await play(dialect, mock, TASK, TOOLS, stream=stream)
    assert seen.calls == CALLS
    assert seen.text == SCRIPT.closing
    assert len(set(seen.ids)) == 2
    assert [(c.kind, c.script, c.step, c.tool) for c in mock.calls] == [
        ("call", 1, 0, "look"),
        ("call", 1, 1, "submit_answer"),
        ("closing", 1, 2, None),
    ]
    assert {(c.dialect, c.is_stream, c.status, c.is_whole) for c in mock.calls} == {
        (dialect, stream, 200, True)
    }
    assert {c.requested_model for c in mock.calls} == {"any-model"}


@ways
async def test_the_client_is_told_what_the_model_counted(dialect, stream):
    async with MockModel([SCRIPT]) as mock:
        seen = await play(dialect, mock, TASK * 60, TOOLS, stream=stream)
    counted = [(c.input_tokens, c.cached_tokens, c.output_tokens) for c in mock.calls]
    assert seen.usage == counted
    assert all(given > 0 and out > 0 for given, _, out in counted)
    inputs = [given for given, _, _ in counted]
    assert inputs == sorted(set(inputs))  # a conversation grows
    if dialect == "messages":  # which caches only what it is told to
        assert [kept for _, kept, _ in counted] == [0, 0, 0]
    else:
        assert counted[-1][1] > 0


async def test_messages_caches_what_it_is_told_to():
    async with MockModel([SCRIPT]) as mock:
        system = [{"type": "text", "text": "Hm.", "cache_control": {"type": "ephemeral"}}]
        seen = await play("messages", mock, TASK * 60, TOOLS, stream=True, system=system)
    assert seen.usage == [(c.input_tokens, c.cached_tokens, c.output_tokens) for c in mock.calls]
    assert seen.usage[-1][1] > 0


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_reply_comes_in_pieces_one_a_token(dialect):
    async with MockModel([SCRIPT]) as mock:
        seen = await play(dialect, mock, TASK, TOOLS, stream=True)
    names = [c.tool is not None for c in mock.calls]
    assert seen.deltas == [c.output_tokens - n for c, n in zip(mock.calls, names, strict=True)]
    assert min(seen.deltas) > 5


@ways
async def test_reasoning_is_counted_where_it_is_asked_for(dialect, stream):
    ask = {
        "chat": {"reasoning_effort": "low"},
        "responses": {"reasoning": {"effort": "low"}},
        "messages": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048},
    }[dialect]
    if dialect == "messages":
        ask.pop("max_tokens")
    async with MockModel([SCRIPT]) as mock:
        plain = await play(dialect, mock, TASK, TOOLS, stream=stream)
        mock.calls.clear()
        seen = await play(dialect, mock, TASK, TOOLS, stream=stream, **ask)
    extra = {c.reasoning_tokens for c in mock.calls}
    assert len(extra) == 1
    reasoning = extra.pop()
    assert reasoning > 0
    assert [out for *_, out in seen.usage] == [out + reasoning for *_, out in plain.usage]


@ways
async def test_a_retry_after_a_429_gets_the_same_step(dialect, stream):
    async with MockModel([SCRIPT], fail=Fail(429, retry_after_s=0)) as mock:
        for _ in range(2):  # the next conversation of the same text fails once again
            mock.calls.clear()
            seen = await play(dialect, mock, TASK, TOOLS, stream=stream)
            assert seen.calls == CALLS
            assert [(c.status, c.step) for c in mock.calls] == [
                (429, 0),
                (200, 0),
                (200, 1),
                (200, 2),
            ]
            failed = mock.calls[0]
            assert (failed.input_tokens, failed.output_tokens) == (0, 0)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_twenty_conversations_at_once(dialect):
    def script(number: int) -> Script:
        steps = tuple(ToolStep("look", {"at": number, "turn": turn}) for turn in range(number % 5))
        return Script(steps, f"closed {number}", f"task <{number}>")

    async def one(number: int) -> None:
        task = f"Do task <{number}> now."
        seen = await converse(dialect, client, task, TOOLS, stream=number % 2 == 0)
        assert seen.text == f"closed {number}"
        assert seen.calls == [(s.tool, s.arguments) for s in scripts[number].steps]
        ids.extend(seen.ids)

    scripts = [script(number) for number in range(20)]
    ids: list[str] = []
    async with MockModel(scripts) as mock, client_of(dialect, mock) as client:
        await asyncio.gather(*(one(number) for number in range(20)))
    assert len(set(ids)) == len(ids) == sum(len(s.steps) for s in scripts)
    assert len(mock.calls) == len(ids) + 20


async def test_every_nth_call_can_fail():
    async with MockModel([SCRIPT], fail=Fail(500, every=2)) as mock:
        seen = await play("chat", mock, TASK, TOOLS, stream=False)
    assert seen.text == SCRIPT.closing
    assert [c.status for c in mock.calls] == [200, 500, 200, 500, 200]


@ways
async def test_a_reply_can_break_off(dialect, stream):
    path = {"chat": "chat/completions", "responses": "responses", "messages": "messages"}[dialect]
    said = [{"role": "user", "content": TASK}]
    body = {"model": "m", "stream": stream, "max_tokens": 9, "messages": said, "input": said}
    async with MockModel([SCRIPT], fail=Fail(None)) as mock, httpx.AsyncClient() as client:
        async with client.stream("POST", f"{mock.base_url}/{path}", json=body) as reply:
            assert reply.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                await reply.aread()
        again = await client.post(f"{mock.base_url}/{path}", json=body)
        assert again.status_code == 200
    assert [c.is_whole for c in mock.calls] == [False, True]


async def test_usage_ends_a_chat_stream_only_where_it_is_asked_for():
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": TASK}]}
    async with MockModel([Script()]) as mock, httpx.AsyncClient() as client:
        where = f"{mock.base_url}/chat/completions"
        plain = (await client.post(where, json=body)).text
        asked = (
            await client.post(where, json=body | {"stream_options": {"include_usage": True}})
        ).text
    assert "usage" not in plain
    chunks = [json.loads(line[6:]) for line in asked.split("\n\n") if line.startswith("data: {")]
    assert [chunk["usage"] is None for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    assert chunks[-1]["choices"] == []
    assert asked.endswith("data: [DONE]\n\n")


BAD = [
    b"{",
    b"[]",
    b"\xff\xfe",
    b"{}",
    b'{"model": "m"}',
    b'{"model": "m", "max_tokens": 5, "messages": [], "input": []}',
    b'{"model": "m", "max_tokens": 5, "messages": "hi", "input": 7}',
    b'{"model": "m", "max_tokens": 5, "messages": [{"role": "x"}], "input": [{"role": "x"}]}',
    b'{"max_tokens": 5, "messages": [{"role": "user", "content": "a"}], "input": "a"}',
    b'{"model": "m", "max_tokens": 5, "messages": [{"role": "user"}], "input": "a", "tools": 7}',
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
async def test_a_malformed_request_gets_an_error_of_its_dialect(body):
    async with MockModel([SCRIPT]) as mock, httpx.AsyncClient(base_url=mock.base_url) as client:
        for path in ("chat/completions", "responses"):
            reply = await client.post(path, content=body)
            assert reply.status_code == 400
            error = reply.json()["error"]
            assert error["type"] == "invalid_request_error"
            assert error["message"]
        reply = await client.post("messages", content=body)
        assert reply.status_code == 400
        assert reply.json()["type"] == "error"
        assert reply.json()["error"]["type"] == "invalid_request_error"
    assert [(c.status, c.kind) for c in mock.calls] == [(400, "invalid")] * 3


async def test_clients_raise_their_own_errors():
    async with MockModel([SCRIPT], fail=Fail(429, every=1)) as mock:
        openai_client = openai.AsyncOpenAI(base_url=mock.base_url, api_key="k", max_retries=0)
        root = mock.anthropic_base_url
        anthropic_client = anthropic.AsyncAnthropic(base_url=root, api_key="k", max_retries=0)
        said = [{"role": "user", "content": TASK}]
        async with openai_client as one, anthropic_client as other:
            with pytest.raises(openai.RateLimitError) as caught:
                await one.chat.completions.create(model="m", messages=said)
            assert caught.value.response.headers["retry-after"] == "1"
            with pytest.raises(openai.BadRequestError, match="keeps no conversation"):
                await one.responses.create(model="m", input="a", previous_response_id="resp_1")
            with pytest.raises(anthropic.RateLimitError):
                await other.messages.create(model="m", max_tokens=5, messages=said)
            with pytest.raises(openai.NotFoundError):
                await one.embeddings.create(model="m", input="a")


async def test_models_are_listed_in_both_shapes():
    async with MockModel(model="m-1") as mock:
        async with openai.AsyncOpenAI(base_url=mock.base_url, api_key="k") as client:
            assert [model.id async for model in client.models.list()] == ["m-1"]
            assert (await client.models.retrieve("m-1")).id == "m-1"
            with pytest.raises(openai.NotFoundError):
                await client.models.retrieve("m-2")
        root = mock.anthropic_base_url
        async with anthropic.AsyncAnthropic(base_url=root, api_key="k") as client:
            assert [model.id async for model in client.models.list()] == ["m-1"]
            said = [{"role": "user", "content": TASK}]
            counted = await client.messages.count_tokens(model="m", messages=said)
            await client.messages.create(model="m", max_tokens=5, messages=said)
            assert counted.input_tokens == mock.calls[0].input_tokens
        async with httpx.AsyncClient() as client:
            assert (await client.head(f"{root}/v1/")).status_code == 200
            assert (await client.get(f"{root}/v1/nothing")).status_code == 404


@ways
async def test_time_is_spent_on_each_token(dialect, stream, monkeypatch):
    spent: list[int] = []

    class Recorder:
        def __init__(self, pace: Pace) -> None:
            spent.append(0)

        async def wait(self, tokens: int = 1) -> None:
            spent[-1] += tokens

    monkeypatch.setattr("conformance.mock.server.Clock", Recorder)
    async with MockModel([SCRIPT]) as mock:
        await play(dialect, mock, TASK, TOOLS, stream=stream)
    assert spent == [call.output_tokens for call in mock.calls]


async def test_each_token_is_due_at_its_time(monkeypatch):
    now, slept = [50.0], []

    class Asyncio:
        @staticmethod
        def get_running_loop() -> Any:
            return SimpleNamespace(time=lambda: now[0])

        @staticmethod
        async def sleep(seconds: float) -> None:
            slept.append(round(seconds, 6))
            now[0] += seconds

    monkeypatch.setattr("conformance.mock.pace.asyncio", Asyncio)
    clock = Clock(Pace(ttft_s=1.0, itl_s=0.1))
    await clock.wait()
    now[0] += 0.04  # sending took so long: the next token is not later for it
    await clock.wait()
    await clock.wait(3)
    now[0] += 9
    await clock.wait()
    assert slept == [1.0, 0.06, 0.3]


async def test_the_port_is_free_again_and_a_taken_one_is_told():
    async with MockModel() as first:
        with pytest.raises(Exception, match="cannot listen"):
            await MockModel(port=first.port).start()
    async with MockModel(port=first.port) as second:
        assert second.port == first.port
