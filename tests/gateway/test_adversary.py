"""Agents that mean harm, at both doors: what they try, and that it comes to nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from conformance.agents.contract import Limits, Store, TrialEndedError
from tests.fakes.doors import FakeDoors, task
from tests.gateway.modelagents import bare, post
from tests.gateway.upstreams import Got, Say, behind, spoken
from tests.gateway.world import CannedDoors, at_the_doors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conformance.agents.contract import ToolReply
    from conformance.gateway import Gateway, Handle

ANSWER_S = 120.0


async def raw(gateway: Gateway, data: bytes) -> bytes:
    """Send bytes; return the first line of the answer, empty where the connection is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(ANSWER_S):
            return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def becomes(expected: int, answer: Callable[[], Awaitable[int]]) -> None:
    """Ask again until the answer is ``expected``."""
    async with asyncio.timeout(ANSWER_S):
        while await answer() != expected:  # noqa: ASYNC110 - what is waited for is the server's
            await asyncio.sleep(0)


def head(handle: Handle, path: str = "/v1", *more: str, method: str = "GET") -> bytes:
    lines = [f"{method} /e/{handle.id}{path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"Authorization: Bearer {handle.token}", *more]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def status(line: bytes) -> int:
    return int(line.split()[1]) if line else 0


# What the endpoint's key opens beside models


@pytest.mark.parametrize(
    "path",
    [
        "models/../files",
        "models/..%2ffiles",
        "models/%2e%2e/chat/completions",
        "models/a/../../responses/resp_1",
        "models//files",
        "models/x%3Flimit=9",
        "models/x%0d%0aX-Evil:%201",
        "models/a%20b",
        "models/%00",
        "models/%ff",
    ],
)
async def test_no_path_leads_past_the_models(path: str) -> None:
    async with behind(Say(b"{}")) as (gateway, handle, endpoint, _):
        assert status(await raw(gateway, head(handle, f"/v1/{path}"))) == 404
    assert endpoint.got == []


@pytest.mark.parametrize("path", ["models", "models/m-1", "models/org/name-1.5:free@2+x"])
async def test_models_can_still_be_asked_for(path: str) -> None:
    async with behind(Say(b"{}")) as (gateway, handle, endpoint, _):
        assert status(await raw(gateway, head(handle, f"/v1/{path}"))) == 200
    assert endpoint.got[0].path == f"/v1/{path}"


async def test_a_refusal_made_on_purpose_does_not_end_the_asking_for_usage() -> None:
    def reply(got: Got) -> Say:
        if "stream_options" in json.dumps(got.body["messages"]):
            return Say(b'{"error": {"message": "\'stream_options\' is no role"}}', 400)
        assert got.body["stream_options"] == {"include_usage": True}
        return spoken("chat", is_stream=True)

    async with behind(reply) as (gateway, handle, _, doors):
        odd = {**bare("chat"), "stream": True, "messages": [{"role": "stream_options"}]}
        assert (await post(gateway, handle, "/v1/chat/completions", odd))[0] == 400
        fair = {**bare("chat"), "stream": True}
        assert (await post(gateway, handle, "/v1/chat/completions", fair))[0] == 200
        (call,) = doors.model_calls
    assert call.usage_source == "injected"


# Too much of everything


async def test_a_head_without_end_is_cut_off() -> None:
    async with behind(spoken("chat")) as (gateway, handle, _, _):
        much = b"a" * (1 << 22)
        chunked = head(handle, "/v1", "Transfer-Encoding: chunked", method="POST")
        for begin in (b"GET /", head(handle)[:-2] + b"X: ", chunked + b"0\r\nX: "):
            assert status(await raw(gateway, begin + much)) in (0, 400, 404)
            # However it was answered, nothing of it is kept.
            assert status(await raw(gateway, head(handle))) == 200


async def test_a_request_of_very_many_values_is_not_looked_at() -> None:
    async with behind(spoken("chat")) as (gateway, handle, endpoint, _):
        body = b'{"model":"m","messages":[' + b",".join([b"1"] * 200_000) + b"]}"
        assert (await post(gateway, handle, "/v1/chat/completions", body))[0] == 413
    assert endpoint.got == []


async def test_uploads_at_once_have_no_more_room_than_there_is(monkeypatch) -> None:
    monkeypatch.setattr("conformance.gateway.asgi.MOST_AT_ONCE", 100_000)
    path = "/v1/chat/completions"
    async with behind(spoken("chat")) as (gateway, handle, _, _):
        begun = head(handle, path, "Content-Length: 90000", method="POST") + b"x" * 60_000

        async def another() -> int:
            return status(await raw(gateway, begun + b"x" * 30_000))

        async def a_fair_one() -> int:
            return (await post(gateway, handle, path, bare("chat")))[0]

        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(begun)
        # Until what was sent is there, another one still finds room.
        await becomes(429, another)
        writer.close()
        await becomes(200, a_fair_one)


async def test_what_is_unpacked_takes_room_too(monkeypatch) -> None:
    monkeypatch.setattr("conformance.gateway.asgi.MOST_AT_ONCE", 100_000)
    async with behind(spoken("chat")) as (gateway, handle, endpoint, _):
        packed = gzip.compress(b'{"a":"' + b"x" * 200_000 + b'"}')
        more = ("Content-Encoding: gzip", f"Content-Length: {len(packed)}")
        request = head(handle, "/v1/chat/completions", *more, method="POST") + packed
        assert status(await raw(gateway, request)) == 429
    assert endpoint.got == []


async def test_a_jail_has_so_many_connections_and_leaves_others_theirs(monkeypatch) -> None:
    monkeypatch.setattr("conformance.gateway.guard.MOST_OF_A_JAIL", 3)
    async with behind(spoken("chat")) as (gateway, handle, _, _):
        open_ = [await asyncio.open_unix_connection(gateway.socket_path) for _ in range(4)]
        async with asyncio.timeout(ANSWER_S):
            assert await open_[3][0].read() == b""
        open_[0][1].write(head(handle))
        assert status(await open_[0][0].readline()) == 200
        assert status(await raw(gateway, head(handle))) == 200
        for _, writer in open_:
            writer.close()


async def test_the_listener_has_so_many_connections(monkeypatch) -> None:
    monkeypatch.setattr("conformance.gateway.guard.MOST", 3)
    async with behind(spoken("chat")) as (gateway, handle, _, _):
        open_ = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(3)]
        assert await raw(gateway, head(handle)) == b""
        open_[0][1].close()

        async def once_more() -> int:
            return status(await raw(gateway, head(handle)))

        await becomes(200, once_more)
        for _, writer in open_:
            writer.close()


async def test_foreign_tokens_do_not_flood_the_transcript() -> None:
    async with behind(spoken("chat")) as (gateway, handle, _, doors):
        other = head(handle).replace(handle.id.encode(), b"z" * len(handle.id))
        for _ in range(30):
            assert status(await raw(gateway, other)) == 404
    assert doors.noted == ["foreign_handle"] * 20


async def test_notes_do_not_flood_the_transcript() -> None:
    limits = Limits(tool_calls=5)
    view = msgspec.structs.replace(task(), store=Store(), limits=limits)
    doors = FakeDoors()
    async with behind(spoken("chat"), doors=doors, view=view) as (_, handle, _, _):
        for number in range(8):
            text = {"action": "write", "text": str(number)}
            reply = await handle.call_tool("notes", text)
        assert (reply.is_error, "too_many_calls" in reply.text) == (True, True)
        # It is an answer, and no end: the work itself goes on.
        assert not (await handle.call_tool("look", {"rack": "R1"})).is_error
    assert doors.noted == ["notes"] * 5
    assert view.store is not None
    assert view.store.text == "4"


class KillingDoors(CannedDoors):
    """Kills the agent at its first call."""

    async def call_tool(self, name: str, arguments: Any) -> ToolReply:
        del name, arguments
        self.was_killed = True
        raise TrialEndedError


@pytest.mark.parametrize("door", ["/mcp", "/v1/chat/completions"])
async def test_a_killed_agent_hears_nothing_before_its_end(door: str) -> None:
    async with behind(spoken("chat"), doors=KillingDoors()) as (gateway, handle, _, _):
        with pytest.raises(TrialEndedError):
            await handle.call_tool("look", {})
        body = json.dumps({**bare("chat"), **call(name="look")}).encode()
        more = ("Content-Type: application/json", "Accept: application/json, text/event-stream")
        request = head(handle, door, *more, f"Content-Length: {len(body)}", method="POST")
        answer = asyncio.create_task(raw(gateway, request + body))
        # Another request, begun later and answered, has overtaken it.
        for _ in range(20):
            assert status(await raw(gateway, head(handle))) == 200
        assert not answer.done()
        gateway.handles.revoke(handle)
        assert status(await answer) in (200, 403)


# Tricks of the wire


UPGRADE = (
    b"GET /e/{id}/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TWO_LENGTHS = (
    b"POST /e/{id}/v1/chat/completions HTTP/1.1\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /e/{id}/v1 HTTP/1.1\r\n\r\n"
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400),
        (b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /e/\x00 HTTP/1.1\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET //e/{id}/v1 HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n", 404),
        (b"GET /e/x/../{id}/v1 HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n", 404),
        (b"GET /e/{id}%2fv1/x HTTP/1.1\r\nHost: x\r\n\r\n", 401),
        (b"GET /e/{id}/v1?api_key={token} HTTP/1.1\r\nHost: x\r\n\r\n", 401),
        (b"GET /e/{id}/../handles HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n", 404),
        (UPGRADE, 405),
        (TWO_LENGTHS, 400),
    ],
    ids=lambda value: "" if isinstance(value, int) else value[:24].decode("latin-1"),
)
async def test_tricks_of_the_wire(data: bytes, expected: int) -> None:
    async with behind(spoken("chat")) as (gateway, handle, endpoint, _):
        data = data.replace(b"{id}", handle.id.encode())
        data = data.replace(b"{token}", handle.token.encode())
        assert status(await raw(gateway, data)) == expected
        assert status(await raw(gateway, head(handle))) == 200
    assert endpoint.got == []


def call(**params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


DEEP = "[" * 100_000 + "]" * 100_000
HALF_DEEP = '{"a":' * 500 + "1" + "}" * 500


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        json.dumps(call(name="look", arguments=0)).replace(
            '"arguments": 0', f'"arguments": {DEEP}'
        ),
        json.dumps(call(name="look", _meta=0)).replace('"_meta": 0', f'"_meta": {HALF_DEEP}'),
        json.dumps(call(name="look", arguments=0)).replace("0}", f"{HALF_DEEP}}}"),
        json.dumps(call(name="\ud800", arguments={"\ud800": "\ud800"})),
        json.dumps({**call(name="look"), "id": "\ud800"}),
        json.dumps({**call(name="look"), "method": "\ud800"}),
        json.dumps(call(name="n" * 1_000_000)),
        json.dumps({**call(name="look"), "id": "i" * 1_000_000}),
        json.dumps({**call(name="look"), "id": 10**400}),
        json.dumps(call(name=["look"], arguments=float("nan"))),
        json.dumps([call(name="look")] * 3),
        json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}),
        "",
    ],
    ids=map(str, range(14)),
)
async def test_no_body_makes_the_tools_door_fail(body: str) -> None:
    async with at_the_doors(CannedDoors({"look": {"a": 1}})) as (gateway, handle):
        data = body.encode("utf-8", "surrogatepass")
        more = ("Content-Type: application/json", "Accept: application/json, text/event-stream")
        length = f"Content-Length: {len(data)}"
        request = head(handle, "/mcp", *more, length, method="POST") + data
        assert 200 <= status(await raw(gateway, request)) < 500
        # Were it the suite's fault, the trial would not count, and be run again.
        assert handle.error is None
        assert not handle.over.is_set()
