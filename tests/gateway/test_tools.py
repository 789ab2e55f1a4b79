from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from mcp import Client

from conformance.agents.contract import Store, SuiteFailedError, ToolReply
from conformance.gateway import Gateway
from conformance.gateway.tools import MOST_BODY, MOST_NOTES
from tests.gateway.world import LOOK, CannedDoors, at_the_doors, offering, plain_tool, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_types import CallToolResult

ERAS = ["legacy", "auto"]
"""How the SDK's client talks: with a handshake (2025-11-25), and without (2026-07-28)."""
HANDSHAKES = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    return block.text


def request(method: str, params: dict[str, Any], version: str = MODERN) -> dict[str, Any]:
    """Return what ``aiohttp`` is told to send a request of one version of the protocol."""
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": version}
    if version == MODERN:
        params = {**params, "_meta": META}
        headers["Mcp-Method"] = method
        if "name" in params:
            headers["Mcp-Name"] = params["name"]
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return {"json": message, "headers": headers}


async def ask(
    url: str, method: str, params: dict[str, Any], version: str = MODERN
) -> dict[str, Any]:
    """Send one request and return its result."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, **request(method, params, version)) as response,
    ):
        answer = await response.json()
    assert answer["id"] == 7
    return answer["result"]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is bound to come."""
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("mode", ERAS)
async def test_a_client_sees_the_tools_of_its_task_and_calls_them(mode: str) -> None:
    doors = CannedDoors()
    async with at_the_doors(doors) as (gateway, handle):
        async with Client(gateway.addresses(handle).mcp_url, mode=mode) as client:
            tools = (await client.list_tools()).tools
            result = await client.call_tool("look", {"rack": "R1"})
        assert [tool.name for tool in tools] == ["look", "submit_answer"]
        assert tools[0].description == LOOK.description
        assert tools[0].input_schema == LOOK.parameters
        assert tools[0].output_schema is None
        assert handle.tool_listings == 1
        assert text_of(result) == '{"load":25}'
        assert result.structured_content == {"load": 25}
        assert not result.is_error
        assert doors.called == [("look", {"rack": "R1"})]
        assert doors.notes == []


@pytest.mark.parametrize("version", HANDSHAKES)
async def test_every_handshake_era_is_served_without_a_session(version: str) -> None:
    async with at_the_doors() as (gateway, handle):
        url = gateway.addresses(handle).mcp_url
        asked = {
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        agreed = await ask(url, "initialize", asked, version)
        listed = await ask(url, "tools/list", {}, version)
        result = await ask(
            url, "tools/call", {"name": "look", "arguments": {"rack": "R1"}}, version
        )
        assert agreed["protocolVersion"] == version
        assert agreed["capabilities"] == {"tools": {"listChanged": False}}
        assert [tool["name"] for tool in listed["tools"]] == ["look", "submit_answer"]
        assert result["content"] == [{"type": "text", "text": '{"load":25}'}]
        assert result["structuredContent"] == {"load": 25}


async def test_a_list_may_not_be_kept_because_a_call_may_change_it() -> None:
    async with at_the_doors() as (gateway, handle):
        listed = await ask(gateway.addresses(handle).mcp_url, "tools/list", {})
        assert (listed["ttlMs"], listed["cacheScope"]) == (0, "private")


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
@pytest.mark.parametrize("given", [[1, "a"], '{"rack": "R1"}', 5, True, {}, {"rack": None}])
async def test_arguments_of_any_kind_reach_the_door(version: str, given: Any) -> None:
    doors = CannedDoors()
    async with at_the_doors(doors) as (gateway, handle):
        call = {"name": "look", "arguments": given}
        result = await ask(gateway.addresses(handle).mcp_url, "tools/call", call, version)
        assert doors.called == [("look", given)]
        assert result["isError"]
        assert json.loads(result["content"][0]["text"])["error"] == "invalid_arguments"
        assert doors.notes == []


@pytest.mark.parametrize("call", [{"name": "submit"}, {"name": "submit", "arguments": None}])
async def test_no_arguments_are_an_empty_object(call: dict[str, Any]) -> None:
    doors = CannedDoors({"submit": {}})
    async with at_the_doors(doors) as (gateway, handle):
        for version in ("2025-06-18", MODERN):
            await ask(gateway.addresses(handle).mcp_url, "tools/call", call, version)
    assert doors.called == [("submit", {})] * 2


@pytest.mark.parametrize("mode", ERAS)
async def test_a_tool_that_is_not_offered_is_the_doors_to_answer(mode: str) -> None:
    doors = CannedDoors()
    async with (
        at_the_doors(doors) as (gateway, handle),
        Client(gateway.addresses(handle).mcp_url, mode=mode) as client,
    ):
        result = await client.call_tool("查看 it", {})
    assert result.is_error
    assert json.loads(text_of(result))["error"] == "unknown_tool"
    assert doors.called == [("查看 it", {})]


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    ("value", "structured"),
    [
        ({"a": None, "b": [None, {"c": None}]}, {"a": None, "b": [None, {"c": None}]}),
        ({"城市": "西安", "n": 2**63}, {"城市": "西安", "n": 2**63}),
        ([1, None], {"result": [1, None]}),
        ("text", {"result": "text"}),
        (None, {"result": None}),
    ],
)
async def test_a_result_is_one_block_and_the_same_as_an_object(
    mode: str, value: Any, structured: Any
) -> None:
    doors = CannedDoors({"look": value})
    async with (
        at_the_doors(doors) as (gateway, handle),
        Client(gateway.addresses(handle).mcp_url, mode=mode) as client,
    ):
        result = await client.call_tool("look", {"rack": "R1"})
    assert json.loads(text_of(result)) == value
    assert result.structured_content == structured


async def test_what_a_call_changes_is_listed_from_then_on() -> None:
    doors = CannedDoors({"look": {}})
    doors.new_tools = (plain_tool("peek"),)
    async with at_the_doors(doors) as (gateway, handle):
        url = gateway.addresses(handle).mcp_url
        await ask(url, "tools/call", {"name": "look", "arguments": {}})
        listed = await ask(url, "tools/list", {})
    assert [tool["name"] for tool in listed["tools"]] == ["peek"]


async def test_a_schema_is_shown_as_it_is() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"a": {"enum": [None, 1], "default": None}},
        "additionalProperties": False,
    }
    async with at_the_doors(view=offering(plain_tool("t", schema))) as (gateway, handle):
        for version in (*HANDSHAKES, MODERN):
            listed = await ask(gateway.addresses(handle).mcp_url, "tools/list", {}, version)
            assert listed["tools"][0]["inputSchema"] == schema


async def test_notes_are_offered_and_kept_where_a_task_has_sessions() -> None:
    import msgspec

    view = msgspec.structs.replace(task(), store=Store())
    async with at_the_doors(view=view) as (gateway, handle):
        url = gateway.addresses(handle).mcp_url
        await ask(
            url, "tools/call", {"name": "notes", "arguments": {"action": "write", "text": "x"}}
        )
        result = await ask(url, "tools/call", {"name": "notes", "arguments": {"action": "read"}})
    assert result["structuredContent"] == {"notes": "x"}
    assert view.store is not None
    assert view.store.text == "x"


@pytest.mark.parametrize("version", ["2025-06-18", MODERN])
async def test_after_the_end_a_call_says_so_and_touches_nothing(version: str) -> None:
    doors = CannedDoors()
    async with at_the_doors(doors) as (gateway, handle):
        doors.is_over = True
        call = {"name": "look", "arguments": {"rack": "R1"}}
        for _ in range(2):
            result = await ask(gateway.addresses(handle).mcp_url, "tools/call", call, version)
            assert result["isError"]
            assert result["structuredContent"]["error"] == "trial_over"
        assert doors.called == []
        assert handle.has_ended
        assert handle.over.is_set()


async def test_a_failure_behind_the_door_is_the_suites_and_ends_the_work() -> None:
    class Broken(CannedDoors):
        async def call_tool(self, name: str, arguments: Any) -> ToolReply:
            raise RuntimeError("of the world's")

    async with at_the_doors(Broken()) as (gateway, handle):
        call = {"name": "look", "arguments": {}}
        result = await ask(gateway.addresses(handle).mcp_url, "tools/call", call)
        assert result["structuredContent"]["error"] == "trial_over"
        assert str(handle.error) == "of the world's"


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
async def test_a_failure_of_the_server_itself_is_the_suites(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("of the server's")

    async with at_the_doors() as (gateway, handle):
        monkeypatch.setattr(gateway.tools._manager, "handle_request", broken)
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                gateway.addresses(handle).mcp_url, **request("tools/list", {}, version)
            ) as response,
        ):
            assert response.status == 500
        assert isinstance(handle.error, SuiteFailedError)
        assert handle.over.is_set()


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
async def test_a_call_whose_client_goes_while_it_waits_is_taken_back(
    version: str, caplog: pytest.LogCaptureFixture
) -> None:
    doors = CannedDoors()
    doors.gate = asyncio.Event()
    async with at_the_doors(doors) as (gateway, handle):
        before = asyncio.all_tasks()
        call = request("tools/call", {"name": "look", "arguments": {"rack": "R1"}}, version)
        async with aiohttp.ClientSession() as session:
            asked = asyncio.create_task(session.post(gateway.addresses(handle).mcp_url, **call))
            await until(lambda: doors.waiting == 1)
            asked.cancel()
            await until(lambda: doors.waiting == 0)
        await until(lambda: asyncio.all_tasks() - {asked} <= before)
        assert doors.given_up == 1
        assert doors.called == []
        assert handle.error is None
        doors.gate.set()
        result = await ask(
            gateway.addresses(handle).mcp_url,
            "tools/call",
            {"name": "look", "arguments": {"rack": "R1"}},
            version,
        )
        assert result["structuredContent"] == {"load": 25}
    assert _loud(caplog) == []


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
async def test_a_client_that_goes_in_the_middle_of_its_request_is_let_go(
    version: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with at_the_doors() as (gateway, handle):
        before = asyncio.all_tasks()
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        head = (
            f"POST /e/{handle.id}/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
            f"MCP-Protocol-Version: {version}\r\nContent-Type: application/json\r\n"
            "Content-Length: 100\r\n\r\n{"
        )
        writer.write(head.encode())
        await writer.drain()
        await until(lambda: len(asyncio.all_tasks()) > len(before))
        writer.close()
        await until(lambda: asyncio.all_tasks() <= before)
        assert handle.error is None
    assert _loud(caplog) == []


def _raw(body: bytes, version: str = MODERN, **headers: str) -> dict[str, Any]:
    """Return what ``aiohttp`` is told to send just so."""
    given = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
        "Content-Type": "application/json",
        "Mcp-Method": "tools/list",
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"data": body, "headers": {**given, **named}}


def _list_body(params: Any) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}
    ).encode()


LIST = _list_body({"_meta": META})
CALL_WITHOUT_NAME = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}'
BREACHES = {
    "no JSON": (_raw(b"{nonsense"), 400, -32700),
    "no JSON, legacy": (_raw(b"{nonsense", "2025-11-25"), 400, -32700),
    "nothing": (_raw(b""), 400, -32700),
    "too deep": (_raw(b"[" * 100_000), 400, -32700),
    "too deep, legacy": (_raw(b"[" * 100_000, "2025-11-25"), 400, -32700),
    "no UTF-8": (_raw(b'{"a": "\xff\xfe"}'), 400, -32700),
    "a batch": (_raw(b"[" + LIST + b"]"), 400, -32600),
    "a batch, legacy": (_raw(b"[" + LIST + b"]", "2025-03-26"), 400, -32602),
    "no method": (_raw(b'{"jsonrpc": "2.0", "id": 1}'), 400, -32600),
    "no version": (_raw(b'{"id": 1, "method": "tools/list"}'), 400, -32600),
    "no envelope": (_raw(_list_body({})), 400, -32602),
    "another method in the header": (_raw(LIST, Mcp_Method="ping"), 400, -32020),
    "no name": (_raw(CALL_WITHOUT_NAME, "2025-06-18"), 200, -32602),
    "an unknown method": (
        _raw(b'{"jsonrpc":"2.0","id":1,"method":"world/solve"}', "2025-06-18"),
        200,
        -32601,
    ),
    "a form": (_raw(LIST, Content_Type="application/x-www-form-urlencoded"), 400, 0),
    "an answer that can be no JSON": (_raw(LIST, Accept="text/html"), 406, 0),
    "another host": (_raw(LIST, Host="world.example:80"), 421, 0),
    "a page of another host": (_raw(LIST, Origin="http://world.example"), 403, 0),
    "a huge body": (_raw(b" " * (MOST_BODY + 1)), 413, 0),
}


@pytest.mark.parametrize(("sent", "status", "code"), BREACHES.values(), ids=BREACHES.keys())
async def test_a_breach_of_the_protocol_is_answered_and_written_down(
    sent: dict[str, Any], status: int, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    doors = CannedDoors()
    sent = {**sent, "data": io.BytesIO(sent["data"])}  # bytes so many are not taken in silence
    async with at_the_doors(doors) as (gateway, handle):
        async with (
            aiohttp.ClientSession() as session,
            session.post(gateway.addresses(handle).mcp_url, **sent) as response,
        ):
            assert response.status == status
            if code:
                assert (await response.json())["error"]["code"] == code
        ((kind, noted),) = doors.notes
        assert kind == "protocol_error"
        assert (noted["status"], noted["code"]) == (status, code)
        assert handle.protocol_errors == 1
        assert handle.error is None
        assert handle.tool_listings == 0
        assert doors.called == []
    assert _loud(caplog) == []


async def test_breaches_are_written_down_a_few_times_only_and_shortly() -> None:
    doors = CannedDoors()
    sent = _raw(json.dumps({"jsonrpc": "2.0", "id": 1, "x": "y" * 5000}).encode(), "2025-06-18")
    async with at_the_doors(doors) as (gateway, handle):
        async with aiohttp.ClientSession() as session:
            for _ in range(MOST_NOTES + 5):
                async with session.post(gateway.addresses(handle).mcp_url, **sent) as response:
                    assert response.status == 400
        assert len(doors.notes) == MOST_NOTES
        assert handle.protocol_errors == MOST_NOTES + 5
        assert all(len(str(noted)) < 400 for noted in doors.notes)


async def test_what_clients_rightly_try_is_no_breach() -> None:
    doors = CannedDoors()
    async with at_the_doors(doors) as (gateway, handle):
        url = gateway.addresses(handle).mcp_url
        stale = _raw(LIST.replace(MODERN.encode(), b"2099-01-01"), "2099-01-01")
        async with aiohttp.ClientSession() as session:
            for method in ("GET", "DELETE"):
                async with session.request(method, url) as response:
                    assert (response.status, response.headers["Allow"]) == (405, "POST")
            async with session.post(url, **stale) as response:
                assert (await response.json())["error"]["data"]["supported"] == [MODERN]
            for version, status in ((MODERN, 404), ("2025-11-25", 200)):
                for method in ("prompts/list", "resources/list"):
                    async with session.post(url, **request(method, {}, version)) as response:
                        assert response.status == status
                        assert (await response.json())["error"]["code"] == -32601
            async with session.post(url, **request("ping", {}, "2025-11-25")) as response:
                assert (await response.json())["result"] == {}
        assert doors.notes == []


async def test_blanks_around_a_headers_value_are_no_part_of_it() -> None:
    async with at_the_doors() as (gateway, handle):
        body = json.dumps(request("tools/list", {})["json"])
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        head = (
            f"POST /e/{handle.id}/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
            f"MCP-Protocol-Version:  {MODERN} \t\r\nMcp-Method: tools/list  \r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body.encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_the_door_is_open_on_the_unix_socket_for_loopbacks_name() -> None:
    async with (
        at_the_doors() as (gateway, handle),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(gateway.socket_path))) as session,
        session.post(gateway.addresses(handle).mcp_url, **request("tools/list", {})) as response,
    ):
        assert len((await response.json())["result"]["tools"]) == 2


@pytest.mark.parametrize("mode", ERAS)
async def test_many_sessions_at_once_see_their_own_worlds_and_leave_nothing(
    mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = Gateway()
    await gateway.open()
    before = asyncio.all_tasks()

    async def session(number: int) -> None:
        doors = CannedDoors({"look": {"number": number}})
        with gateway.handle(task(), doors) as handle:
            url = gateway.addresses(handle).mcp_url
            async with Client(url, mode=mode) as client:
                for _ in range(3):
                    result = await client.call_tool("look", {"rack": str(number)})
                    assert result.structured_content == {"number": number}
        assert doors.called == [("look", {"rack": str(number)})] * 3

    await asyncio.gather(*(session(number) for number in range(12)))
    await until(lambda: asyncio.all_tasks() <= before)
    assert len(gateway.handles) == 0
    await gateway.close()
    assert _loud(caplog) == []


async def test_the_gateway_may_be_closed_by_another_task_than_opened_it() -> None:
    gateway = Gateway()
    await asyncio.create_task(gateway.open())
    with gateway.handle(task(), CannedDoors()) as handle:
        await ask(gateway.addresses(handle).mcp_url, "tools/list", {})
    await asyncio.create_task(gateway.close())
    assert asyncio.all_tasks() == {asyncio.current_task()}


def _loud(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as a failure of ours; warnings of the SDK's reach no terminal."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.ERROR or record.exc_info
    ]
