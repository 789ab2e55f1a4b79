"""The model door where the endpoint fails, the agent leaves, or the suite makes a fault."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import openai
import pytest

from conformance.agents.contract import Limits, ModelFaultError
from conformance.gateway import exchange
from conformance.gateway.faults import Injection
from tests.fakes.doors import FakeDoors, task
from tests.gateway.modelagents import PATHS, Agent, agent_of, bare, post, user
from tests.gateway.upstreams import COUNTS, DIALECTS, Say, behind, chat_events, event, spoken

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.gateway import Gateway, Handle

SSE = (("content-type", "text/event-stream"),)
BUSY = Say(b'{"error":{"message":"busy","code":"rate_limit_exceeded"}}', 429)


def stream(*chunks: bytes, is_cut: bool = False, hang: asyncio.Event | None = None) -> Say:
    return Say(headers=SSE, chunks=chunks, is_cut=is_cut, hang=hang)


async def ask(gateway: Gateway, handle: Handle, dialect: str = "chat", **kind: bool):
    return await post(gateway, handle, f"/v1/{PATHS[dialect]}", bare(dialect, **kind))


async def test_failures_are_the_next_calls_retries() -> None:
    script = [BUSY, Say(b"oops", 503), Say(is_cut=True), spoken("chat"), spoken("chat")]
    doors = FakeDoors(model_calls=2)
    async with behind(*script, doors=doors) as (gateway, handle, _, _):
        seen = [(await ask(gateway, handle))[0] for _ in range(3)]
        fault = handle.fault
        seen += [(await ask(gateway, handle))[0] for _ in range(2)]
        assert seen == [429, 503, 502, 200, 200]
        assert fault is not None
        assert (fault.kind, fault.status, fault.retries) == ("connection", None, 2)
        assert handle.fault is None
    first, second = doors.model_calls
    assert (first.retries, first.retried_status) == (3, ["429", "503", "connection"])
    assert (second.retries, second.retried_status) == (0, [])
    assert doors.noted == ["model_failure"] * 3
    assert [(d["failure"], d["status"], d["injected"]) for _, d in doors.notes] == [
        ("rate_limited", 429, False),
        ("server_error", 503, False),
        ("connection", None, False),
    ]


@pytest.mark.parametrize(
    ("say", "kind", "status"),
    [
        (Say(b'{"error":{"message":"maximum context length is 8"}}', 400), "context_overflow", 400),
        (Say(b'{"error":{"message":"bad schema"}}', 400), "refused_request", 400),
        (Say(b'{"error":{"message":"no"}}', 403), "unauthorised", 403),
        (Say(b'{"error":{"message":"down","code":502}}'), "server_error", 200),
        (Say(b'{"error":{"message":"down"}}'), "server_error", 200),
        (Say(b"<html>"), "bad_reply", 200),
        (Say(b'{"choices":[]}'), "bad_reply", 200),
        (Say(b"[1]"), "bad_reply", 200),
    ],
)
async def test_what_a_failure_is_taken_for(say: Say, kind: str, status: int) -> None:
    async with behind(say) as (gateway, handle, _, doors):
        got, _, body = await ask(gateway, handle)
        assert (got, body) == (status, say.body)
        assert handle.fault is not None
        assert handle.fault.kind == kind
    assert doors.model_calls == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, "server_error"),
        ({"type": "rate_limit_error", "message": "slow down"}, "rate_limited"),
        ({"type": "invalid_request_error", "message": "prompt is too long"}, "context_overflow"),
    ],
)
async def test_an_error_within_a_stream(dialect: str, error: dict[str, str], kind: str) -> None:
    begin = (spoken(dialect, is_stream=True).chunks or ())[:3]
    failed = event({"type": "error", "error": error}, "error")
    async with behind(stream(*begin, failed)) as (gateway, handle, _, doors):
        status, _, body = await ask(gateway, handle, dialect, is_stream=True)
        assert handle.fault is not None
        assert handle.fault.kind == kind
    assert (status, body.endswith(failed)) == (200, True)
    assert doors.model_calls == []


async def test_a_response_that_failed() -> None:
    response = {"id": "r", "output": [], "status": "failed"}
    response["error"] = {"code": "server_error", "message": "it broke"}
    failed = event({"type": "response.failed", "response": response}, "response.failed")
    async with behind(Say(json.dumps(response).encode()), stream(failed)) as (g, handle, _, doors):
        for is_stream in (False, True):
            await ask(g, handle, "responses", is_stream=is_stream)
            assert handle.fault is not None
            assert "it broke" in str(handle.fault)
            handle.fault = None
    assert doors.model_calls == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_stream_that_is_broken_off_is_broken_off_for_the_agent_too(
    dialect: str, caplog: pytest.LogCaptureFixture
) -> None:
    chunks = (spoken(dialect, is_stream=True).chunks or ())[:4]
    async with behind(stream(*chunks, is_cut=True), spoken(dialect)) as (gateway, handle, _, doors):
        with pytest.raises(aiohttp.ClientPayloadError):
            await ask(gateway, handle, dialect, is_stream=True)
        assert handle.fault is not None
        assert handle.fault.kind == "connection"
        await ask(gateway, handle, dialect)
    (call,) = doors.model_calls
    assert call.retried_status == ["connection"]
    assert caplog.records == []  # the server is not surprised


async def test_a_stream_that_just_ends_is_no_reply() -> None:
    chunks = chat_events("Half", COUNTS, has_call=False)[:2]
    async with behind(stream(*chunks)) as (gateway, handle, _, doors):
        await ask(gateway, handle, is_stream=True)
        assert handle.fault is not None
        assert handle.fault.kind == "bad_reply"
    assert doors.model_calls == []


async def test_a_stream_without_its_mark_of_the_end() -> None:
    chunks = chat_events("All", COUNTS, has_call=False)[:-1]
    async with behind(stream(*chunks)) as (gateway, handle, _, doors):
        await ask(gateway, handle, is_stream=True)
        assert handle.fault is None
    assert doors.model_calls[0].received["content"] == "All"


async def test_a_whole_reply_where_a_stream_was_asked_for() -> None:
    async with behind(spoken("chat")) as (gateway, handle, _, doors):
        _, _, body = await ask(gateway, handle, is_stream=True)
    assert body == spoken("chat").body
    assert (doors.model_calls[0].is_stream, doors.model_calls[0].input_tokens) == (False, 100)


async def test_an_endpoint_that_hangs() -> None:
    never = asyncio.Event()
    say = Say(b"{}", hang=never)
    async with behind(say, timeout_s=0.1) as (gateway, handle, _, doors):
        status, _, _ = await ask(gateway, handle)
        assert handle.fault is not None
        assert (status, handle.fault.kind) == (504, "timeout")
    assert doors.model_calls == []


async def test_nobody_at_the_endpoint() -> None:
    async with behind(Say(is_cut=True)) as (gateway, handle, endpoint, doors):
        # The port is the endpoint's, which hangs up; none is simply closed without a race.
        status, _, body = await ask(gateway, handle, "messages")
    assert (status, json.loads(body)["type"]) == (502, "error")
    assert endpoint.got
    assert doors.notes[0][1]["failure"] == "connection"


async def test_an_agent_that_fails_on_and_on_is_stopped_and_the_endpoint_blamed() -> None:
    view = msgspec.structs.replace(task(), limits=Limits(model_calls=2))
    doors = FakeDoors(model_calls=2)
    async with behind(Say(b"", 500), doors=doors, view=view) as (gateway, handle, endpoint, _):
        statuses = [(await ask(gateway, handle))[0] for _ in range(5)]
        assert statuses == [500, 500, 500, 403, 403]
        assert handle.over.is_set()
        # Not a limit of the agent's: what is raised is the endpoint's failure.
        assert not handle.has_ended
        assert isinstance(handle.fault, ModelFaultError)
    assert len(endpoint.got) == 3


async def test_failures_between_successes_stop_nobody() -> None:
    view = msgspec.structs.replace(task(), limits=Limits(model_calls=2))
    script = [BUSY, BUSY, spoken("chat")] * 2 + [BUSY, BUSY, BUSY]
    async with behind(*script, view=view) as (gateway, handle, _, _):
        statuses = [(await ask(gateway, handle))[0] for _ in range(9)]
        assert statuses == [429, 429, 200] * 2 + [429] * 3
        assert not handle.over.is_set()


# Agents that leave


async def leave(
    gateway: Gateway,
    handle: Handle,
    body: dict[str, Any],
    *,
    after: bytes,
    path: str = "/v1/chat/completions",
    look: Callable[[], int] = int,
) -> int:
    """Ask, and close the connection once ``after`` has come; return what ``look`` said then."""
    told = gateway.addresses(handle)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    data = json.dumps(body).encode()
    root = told.anthropic_base_url.partition(str(gateway.port))[2]
    writer.write(
        f"POST {root}{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer "
        f"{told.api_key}\r\ncontent-length: {len(data)}\r\n\r\n".encode()
        + data
    )
    await reader.readuntil(after)
    seen = look()
    writer.close()
    await writer.wait_closed()
    return seen


async def until(doors: FakeDoors, calls: int) -> None:
    async with asyncio.timeout(120):
        while len(doors.model_calls) < calls:  # noqa: ASYNC110 - they are plain lists
            await asyncio.sleep(0.005)


async def test_an_agent_that_leaves_a_stream_pays_for_what_was_made() -> None:
    never = asyncio.Event()
    chunks = chat_events("A long word.", COUNTS, has_call=False)[:3]
    async with behind(stream(*chunks, hang=never)) as (gateway, handle, endpoint, doors):
        await leave(gateway, handle, bare("chat", is_stream=True), after=b"word.")
        await asyncio.wait_for(endpoint.closed.wait(), 120)
        await until(doors, 1)
        assert handle.fault is None
    (call,) = doors.model_calls
    assert call.received["content"] == "A long word."
    assert (call.usage_source, call.is_stream, call.finish_reason) == ("estimated", True, None)
    assert call.input_tokens
    assert call.output_tokens
    assert doors.noted == ["model_call_left"]


@pytest.mark.parametrize("is_patient", [False, True])
async def test_an_agent_that_leaves_before_anything_came(
    monkeypatch: pytest.MonkeyPatch, *, is_patient: bool
) -> None:
    monkeypatch.setattr(exchange, "PATIENT_S", 0.0 if is_patient else 3600.0)
    never = asyncio.Event()
    async with behind(Say(b"{}", hang=never)) as (gateway, handle, endpoint, doors):
        work = asyncio.create_task(ask(gateway, handle))
        await endpoint.reaches(1)
        work.cancel()
        await asyncio.wait_for(endpoint.closed.wait(), 120)
        await until(doors, 1)
        # One that waited long enough is judged by the endpoint.
        assert (handle.fault is not None) == is_patient
    assert doors.model_calls[0].received["content"] is None


async def test_leaving_at_the_last_word_is_no_fault() -> None:
    never = asyncio.Event()
    chunks = chat_events("All of it.", COUNTS, has_call=False)
    async with behind(stream(*chunks, hang=never)) as (gateway, handle, endpoint, doors):
        await leave(gateway, handle, bare("chat", is_stream=True), after=b"[DONE]")
        await asyncio.wait_for(endpoint.closed.wait(), 120)
    (call,) = doors.model_calls
    assert (call.input_tokens, doors.notes) == (100, [])


async def test_nothing_of_a_stream_goes_out_after_the_end() -> None:
    gate = asyncio.Event()
    chunks = chat_events("Word.", COUNTS, has_call=False)
    say = stream(*chunks[:3], hang=gate)._replace(late=tuple(chunks[3:]))
    async with behind(say) as (gateway, handle, endpoint, doors):
        work = asyncio.create_task(ask(gateway, handle, is_stream=True))
        await endpoint.reaches(1)
        gateway.handles.revoke(handle)
        gate.set()
        (got,) = await asyncio.gather(work, return_exceptions=True)
        # Refused, where it had not come in before; cut off else.
        assert isinstance(got, aiohttp.ClientError)
    assert doors.model_calls == []


async def test_a_stream_is_metered_before_its_last_word_goes_out() -> None:
    never = asyncio.Event()
    for dialect in DIALECTS:
        chunks = spoken(dialect, is_stream=True).chunks or ()
        last = chunks[-1].strip()
        async with behind(stream(*chunks, hang=never)) as (gateway, handle, _, doors):
            body = bare(dialect, is_stream=True)
            path = f"/v1/{PATHS[dialect]}"
            metered = await leave(
                gateway,
                handle,
                body,
                after=last,
                path=path,
                look=lambda d=doors: len(d.model_calls),
            )
            assert metered == 1
            assert doors.model_calls[0].input_tokens == 100


async def test_an_endpoint_that_hangs_up_after_the_last_word() -> None:
    chunks = chat_events("All.", COUNTS, has_call=False)
    async with behind(stream(*chunks, is_cut=True)) as (gateway, handle, _, doors):
        status, _, body = await ask(gateway, handle, is_stream=True)
    assert (status, body.endswith(b"[DONE]\n\n")) == (200, True)
    assert (len(doors.model_calls), doors.notes, handle.fault) == (1, [], None)


async def test_no_task_and_no_connection_is_left() -> None:
    never = asyncio.Event()
    before = asyncio.all_tasks()
    script = [spoken("chat"), BUSY, stream(b"data: {}\n\n", is_cut=True), Say(b"", hang=never)]
    async with behind(*script) as (gateway, handle, endpoint, _):
        await ask(gateway, handle)
        await ask(gateway, handle)
        with pytest.raises(aiohttp.ClientPayloadError):
            await ask(gateway, handle, is_stream=True)
        work = asyncio.create_task(ask(gateway, handle))
        await endpoint.reaches(1)
        work.cancel()
        await asyncio.wait_for(endpoint.closed.wait(), 120)
    await asyncio.gather(work, return_exceptions=True)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before


async def test_a_handle_is_let_go_with_all_that_the_door_kept_of_it() -> None:
    async with behind(spoken("chat")) as (gateway, handle, _, _):
        with gateway.handle(task(), FakeDoors()) as other:
            await ask(gateway, other)
            gone = weakref.ref(other)
            del other
        gc.collect()
        assert gone() is None
        assert handle is not None


# Faults that the suite makes


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_client_recovers_from_an_injected_429(dialect: str) -> None:
    plan = [Injection(retry_after_s=0.01)]
    async with behind(spoken(dialect), injections=plan) as (gateway, handle, endpoint, doors):
        agent = Agent(gateway, handle, dialect, retries=2)
        text, _, _ = await agent.say([user()])
        await agent.close()
        assert text
        assert handle.fault is None
        # For every handle anew.
        with gateway.handle(task(), doors) as other:
            status, headers, body = await ask(gateway, other, dialect)
        assert (status, headers["retry-after"]) == (429, "0.01")
        assert b"inject" not in body
    assert len(endpoint.got) == 1
    (call,) = doors.model_calls
    assert (call.retries, call.retried_status) == (1, ["429"])
    assert doors.notes[0] == (
        "model_failure",
        {
            "status": 429,
            "failure": "rate_limited",
            "injected": True,
            "message": "HTTP 429: injected by the suite",
        },
    )


async def test_injected_faults_never_count_against_the_endpoint() -> None:
    plan = [Injection(status=503, on=(1, 2)), Injection(kind="disconnect", on=(3,))]
    doors = FakeDoors(model_calls=1)
    async with behind(spoken("chat"), doors=doors, injections=plan) as (gateway, handle, _, _):
        assert [(await ask(gateway, handle))[0] for _ in range(2)] == [503, 503]
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await ask(gateway, handle)
        assert handle.fault is None
        assert (await ask(gateway, handle))[0] == 200
    assert doors.model_calls[0].retried_status == ["503", "503", "connection"]
    assert all(details["injected"] for _, details in doors.notes)


async def test_an_injected_delay() -> None:
    plan = [Injection(kind="slow", delay_s=0.02), Injection(kind="slow", on=(2,), delay_s=3600)]
    async with behind(spoken("chat"), injections=plan) as (gateway, handle, endpoint, doors):
        async with agent_of(gateway, handle, "chat") as agent:
            await agent.say([user()])
            with pytest.raises(openai.APITimeoutError):
                await agent.say([user()], timeout=0.1)
            async with asyncio.timeout(120):
                while len(doors.notes) < 2:  # noqa: ASYNC110 - it is a plain list
                    await asyncio.sleep(0.005)
        assert handle.fault is None
    assert doors.notes[0] == ("model_delayed", {"seconds": 0.02, "injected": True})
    assert doors.notes[1][1]["failure"] == "timeout"
    assert len(endpoint.got) == 1
