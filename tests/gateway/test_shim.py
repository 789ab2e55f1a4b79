"""The shim, as agents use it: a program of its own, by the SDK's client and from a shell."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from aiohttp import web
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from conformance.gateway import shim
from tests.gateway.world import CannedDoors, at_the_doors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from conformance.gateway import Gateway, Handle

SHIM = str(Path(shim.__file__))
ERAS = ["legacy", "auto"]
LOOK = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
LOOK["params"] = {"name": "look", "arguments": {"rack": "R1"}}


def environment(gateway: Gateway, handle: Handle) -> dict[str, str]:
    url = gateway.addresses(handle).mcp_url
    return {"AGENT_MCP_URL": url, "AGENT_MCP_TOKEN": handle.token}


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@asynccontextmanager
async def started(*words: str, env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the shim with nothing of ours around: no package, no other variable."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", SHIM, *words, env=env, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/"
    )
    try:
        async with asyncio.timeout(120):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run(*words: str, env: dict[str, str], given: str = "") -> Ran:
    async with started(*words, env=env) as process:
        out, err = await process.communicate(given.encode())
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


def lines(*messages: Any) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


@asynccontextmanager
async def serving(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[dict[str, str]]:
    """Serve another door than ours at ``AGENT_MCP_URL``."""
    app = web.Application()
    app.router.add_post("/mcp", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield {"AGENT_MCP_URL": f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"}
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("mode", ERAS)
async def test_a_client_on_standard_io_has_the_same_tools(mode: str) -> None:
    doors = CannedDoors({"城市": {"名": "西安", "n": None}})
    async with at_the_doors(doors) as (gateway, handle):
        server = StdioServerParameters(
            command=sys.executable, args=["-I", SHIM], env=environment(gateway, handle)
        )
        async with Client(stdio_client(server), mode=mode) as client:
            version = client.session.protocol_version
            tools = (await client.list_tools()).tools
            result = await client.call_tool("look", {"rack": "R1"})
            wrong = await client.call_tool("look", {})
            foreign = await client.call_tool("城市", {})
            many = await asyncio.gather(
                *(client.call_tool("look", {"rack": f"R{i}"}) for i in range(20))
            )
    assert version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
    assert [tool.name for tool in tools] == ["look", "submit_answer"]
    assert [block.text for block in result.content] == ['{"load":25}']
    assert result.structured_content == {"load": 25}
    assert wrong.is_error
    assert foreign.structured_content == {"名": "西安", "n": None}
    assert all(reply.structured_content == {"load": 25} for reply in many)
    assert len(doors.called) == 23
    assert doors.notes == []


async def test_calls_go_side_by_side_and_one_may_be_given_up() -> None:
    doors = CannedDoors()
    doors.gate = asyncio.Event()
    async with (
        at_the_doors(doors) as (gateway, handle),
        started(env=environment(gateway, handle)) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(lines({**LOOK, "id": "a"}, {**LOOK, "id": "b"}).encode())
        while doors.waiting < 2:  # noqa: ASYNC110 - bounded by ``started``
            await asyncio.sleep(0.005)
        cancel = {"method": "notifications/cancelled", "params": {"requestId": "a"}}
        process.stdin.write(lines({"jsonrpc": "2.0", **cancel}).encode())
        while doors.given_up < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        doors.gate.set()
        answer = json.loads(await process.stdout.readline())
        process.stdin.close()
        assert await process.stdout.read() == b""
        assert await process.wait() == 0
    assert answer["id"] == "b"
    assert answer["result"]["structuredContent"] == {"load": 25}
    assert len(doors.called) == 1


async def test_what_was_asked_before_the_end_of_input_is_answered() -> None:
    async with at_the_doors() as (gateway, handle):
        ran = await run(env=environment(gateway, handle), given=lines(LOOK, {**LOOK, "id": 2}))
    answers = [json.loads(line) for line in ran.out.splitlines()]
    assert sorted(answer["id"] for answer in answers) == [1, 2]
    assert ran.code == 0
    assert ran.err == ""


async def test_mistakes_on_standard_input_are_answered_each_to_its_own() -> None:
    doors = CannedDoors()
    async with at_the_doors(doors) as (gateway, handle):
        ran = await run(
            env=environment(gateway, handle),
            given="{nonsense\n\n5\n" + lines({"jsonrpc": "2.0", "id": 3, "method": 5}, [LOOK]),
        )
    codes = {str(a["id"]): a["error"]["code"] for a in map(json.loads, ran.out.splitlines())}
    assert set(codes) == {"None", "3"}
    assert len(ran.out.splitlines()) == 4
    assert ran.code == 0
    assert ran.err == ""
    assert doors.called == []


async def test_after_the_end_each_request_is_refused_in_the_words_of_the_door() -> None:
    async with at_the_doors() as (gateway, handle):
        env = environment(gateway, handle)
        gateway.handles.revoke(handle)
        ran = await run(env=env, given=lines(LOOK, {"jsonrpc": "2.0", "method": "notifications/x"}))
        called = await run("call", "look", env=env)
    (answer,) = map(json.loads, ran.out.splitlines())
    assert answer["id"] == 1
    assert "404" in answer["error"]["message"]
    assert called.code == 2
    assert "404" in called.err


async def test_a_door_that_is_not_there_is_said_so() -> None:
    env = {"AGENT_MCP_URL": "http://127.0.0.1:9/mcp"}
    ran = await run(env=env, given=lines(LOOK))
    assert json.loads(ran.out)["error"]["code"] == shim.CONNECTION_ERROR
    for words in (["tools"], ["call", "look", "{}"]):
        assert (await run(*words, env=env)).code == 2


async def test_the_tools_and_a_call_from_a_shell() -> None:
    doors = CannedDoors({"城市": {"名": "西安"}})
    async with at_the_doors(doors) as (gateway, handle):
        env = environment(gateway, handle)
        listed = await run("tools", env=env)
        good = await run("call", "look", '{"rack": "R1"}', env=env)
        wrong = await run("call", "look", env=env)
        broken = await run("call", "look", "{rack: R1}", env=env)
        foreign = await run("call", "城市", env={**env, "LC_ALL": "C"})
    assert [tool["name"] for tool in json.loads(listed.out)] == ["look", "submit_answer"]
    assert good == (0, '{"load":25}\n', "")
    assert (wrong.code, json.loads(wrong.out)["error"]) == (1, "invalid_arguments")
    assert (broken.code, json.loads(broken.out)["error"]) == (1, "invalid_arguments")
    assert json.loads(foreign.out) == {"名": "西安"}
    assert [called.arguments for called in doors.called] == [{"rack": "R1"}, {}, "{rack: R1}", {}]


@pytest.mark.parametrize("words", [["call"], ["call", "a", "b", "c"], ["help"], ["tools", "x"]])
async def test_a_wrong_use_is_told_the_right_one(words: list[str]) -> None:
    ran = await run(*words, env={"AGENT_MCP_URL": "http://127.0.0.1:9/mcp"})
    assert ran.code == 2
    assert "call NAME" in ran.err


async def test_without_a_door_it_says_what_is_missing() -> None:
    ran = await run(env={})
    assert ran == (2, "", "AGENT_MCP_URL is not set\n")


async def test_a_stream_is_passed_on_message_by_message_and_the_handshake_is_kept() -> None:
    seen: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        message = await request.json()
        seen.append({name.lower(): value for name, value in request.headers.items()})
        if "id" not in message:
            return web.Response(status=202)
        if message["method"] == "initialize":
            result = {"protocolVersion": "2025-06-18"}
            return web.json_response(
                {"jsonrpc": "2.0", "id": message["id"], "result": result},
                headers={"Mcp-Session-Id": "s1"},
            )
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        notice = {"jsonrpc": "2.0", "method": "notifications/progress"}
        done = {"jsonrpc": "2.0", "id": message["id"], "result": {"城": 1}}
        for sent in (notice, done):
            text = json.dumps(sent, indent=1).replace("\n", "\r\ndata: ")
            await stream.write(f": a comment\r\nevent: message\r\ndata: {text}\r\n\r\n".encode())
        return stream

    asked = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
    ]
    async with serving(answer) as env:
        ran = await run(env={**env, "AGENT_MCP_TOKEN": "t1"}, given=lines(*asked))
    answers = [json.loads(line) for line in ran.out.splitlines()]
    assert answers[1] == {"jsonrpc": "2.0", "method": "notifications/progress"}
    assert answers[2] == {"jsonrpc": "2.0", "id": 1, "result": {"城": 1}}
    assert "mcp-protocol-version" not in seen[0]
    for headers in seen[1:]:
        assert headers["mcp-protocol-version"] == "2025-06-18"
        assert headers["mcp-session-id"] == "s1"
    assert all(headers["authorization"] == "Bearer t1" for headers in seen)


async def test_a_call_is_never_sent_twice() -> None:
    """A connection that breaks under a call says nothing of whether the call was made."""
    made = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal made
        await request.read()
        made += 1
        if made == 1:
            return web.json_response({"jsonrpc": "2.0", "id": 1, "result": {}})
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(answer) as env, started(env=env) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(lines(LOOK).encode())
            line = await process.stdout.readline()
    assert json.loads(line)["error"]["code"] == shim.CONNECTION_ERROR
    assert made == 2


def test_it_needs_nothing_but_an_old_python() -> None:
    import ast

    tree = ast.parse(Path(SHIM).read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names)
    assert "conformance" not in imported


OLD = next(
    (
        path
        for path in (os.environ.get("PYTHON38", ""), "/usr/bin/python3.8")
        if Path(path).is_file()
    ),
    None,
)


@pytest.mark.skipif(OLD is None, reason="no Python 3.8 here (PYTHON38)")
async def test_it_runs_on_python_3_8() -> None:
    assert OLD is not None
    async with at_the_doors() as (gateway, handle):
        env = environment(gateway, handle)
        process = await asyncio.create_subprocess_exec(
            OLD, "-I", SHIM, "call", "look", '{"rack": "R1"}', env=env, stdout=-1
        )
        out, _ = await process.communicate()
    assert out == b'{"load":25}\n'
