"""An ACP agent, run as a program: ``python acp_agent.py BEHAVIOUR``.

``LIBRARY`` behaviours stand on the protocol's library, the others on bare JSON, for the library
takes a second to load. It knows nothing of the suite but what it is told.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ANSWER = {"status": "done", "values": {"load": 25}}
LIBRARY = ("both", "stdio", "permission", "hangs")


def on_library(behaviour: str) -> Any:  # noqa: C901 - a class that waits for its import
    import acp
    from acp import schema

    class Toy(acp.Agent):
        def __init__(self) -> None:
            self.client: Any = None
            self.servers: list[Any] = []
            self.stop = asyncio.Event()

        def on_connect(self, conn: Any) -> None:
            self.client = conn

        async def initialize(self, protocol_version: int, **_: Any) -> schema.InitializeResponse:
            able = schema.McpCapabilities(http=behaviour != "stdio")
            return schema.InitializeResponse(
                protocol_version=protocol_version,
                agent_capabilities=schema.AgentCapabilities(mcp_capabilities=able),
                agent_info=schema.Implementation(name="toy", version="7.1"),
            )

        async def new_session(
            self, cwd: str, mcp_servers: Any = None, **_: Any
        ) -> schema.NewSessionResponse:
            assert cwd == os.environ["AGENT_WORK"]
            self.servers = mcp_servers
            return schema.NewSessionResponse(session_id="s1")

        async def prompt(self, session_id: str, prompt: Any, **_: Any) -> schema.PromptResponse:
            work = {"permission": self.ask_leave, "hangs": self.hang}.get(behaviour, self.use_both)
            return schema.PromptResponse(stop_reason=await work(session_id) or "end_turn")

        async def cancel(self, session_id: str, **_: Any) -> None:
            self.stop.set()

        async def say(self, session_id: str, text: str) -> None:
            await self.client.session_update(session_id, acp.update_agent_message_text(text))

        async def use_both(self, session_id: str) -> None:
            await self.say(session_id, "Let me look? ")
            await self.client.session_update(session_id, acp.start_tool_call("c1", "look"))
            await use_doors(self.servers)
            for piece in ('{"status":"done",', '"values":{"load":25}}'):
                await self.say(session_id, piece)

        async def ask_leave(self, session_id: str) -> None:
            kinds = ("allow_always", "allow_once", "reject_once", "reject_always")
            options = [schema.PermissionOption(option_id=k, name=k, kind=k) for k in kinds]
            given = []
            for kind in ("other", "execute", "read"):
                call = schema.ToolCallUpdate(tool_call_id="c1", title=f"do {kind}", kind=kind)
                reply = await self.client.request_permission(session_id, call, options)
                given.append(reply.outcome.option_id)
            reply = await self.client.request_permission(session_id, call, [])
            given.append(reply.outcome.outcome)
            try:
                await self.client.read_text_file(session_id, "/etc/passwd")
            except acp.RequestError as error:
                given.append(str(error.code))
            await self.say(session_id, json.dumps({**ANSWER, "reason": " ".join(given)}))

        async def hang(self, session_id: str) -> str:
            write("AGENT_WORK", "at_work", "")
            await self.stop.wait()
            note("cancelled")
            return "cancelled"

    return acp.run_agent(Toy())


async def use_doors(servers: Any) -> None:
    """Use the tools by what the session was given, and the model by the environment."""
    import httpx2
    import openai
    from acp.schema import HttpMcpServer
    from mcp import Client, StdioServerParameters, stdio_client
    from mcp.client.streamable_http import streamable_http_client

    (server,) = servers
    transport: Any
    if isinstance(server, HttpMcpServer):
        headers = {header.name: header.value for header in server.headers}
        client = httpx2.AsyncClient(headers=headers)
        transport = streamable_http_client(server.url, http_client=client)
    else:
        env = {item.name: item.value for item in server.env}
        transport = stdio_client(
            StdioServerParameters(command=server.command, args=server.args, env=env)
        )
    async with Client(transport) as tools:
        looked: Any = await tools.call_tool("look", {"rack": "R1"})
    async with openai.AsyncOpenAI(max_retries=0) as model:
        await model.chat.completions.create(
            model=os.environ["AGENT_MODEL"],
            messages=[{"role": "user", "content": looked.content[0].text}],
        )


class Bare:
    """Speaks to the pipe by itself; one behaviour a turn."""

    def __init__(self, behaviour: str) -> None:
        self.behaviour = behaviour
        self.turns = 0

    def serve(self) -> None:
        for line in sys.stdin:
            asked = json.loads(line)
            if "id" in asked and "method" in asked:
                reply = self.reply(asked["method"], asked["params"])
                send({"jsonrpc": "2.0", "id": asked["id"], **reply})

    def reply(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "initialize":
            if self.behaviour == "slow":
                time.sleep(60)
            return {"result": {"protocolVersion": 9 if self.behaviour == "version" else 1}}
        if method == "session/new":
            if self.behaviour == "login":
                return {"error": {"code": -32000, "message": "log in"}}
            return {"result": {} if self.behaviour == "nameless" else {"sessionId": "s1"}}
        self.turns += 1
        stopped = self.prompted(params["prompt"][0]["text"])
        if stopped == "error":
            return {"error": {"code": -32603, "message": "Internal error"}}
        return {"result": {"stopReason": stopped}}

    def prompted(self, text: str) -> str:
        match self.behaviour:
            case "answers" | "odd":
                say(json.dumps(ANSWER))
            case "file":
                write("AGENT_RESULT", "", json.dumps(ANSWER))
            case "nothing":
                say("I am done.")
            case "asks" if self.turns == 1:
                say("I need to know.\n\nWhich rack?")
            case "asks":
                say(json.dumps({**ANSWER, "reason": text[:40]}))
            case "nags":
                say(f"Turn {self.turns}: why?")
            case "deaf":
                write("AGENT_WORK", "at_work", "")
                time.sleep(60)
            case "crashes":
                note("Traceback\nboom")
                os._exit(3)
            case "raises":
                return "error"
            case _:
                say("Why not?")
                return self.behaviour
        return "end_turn"


def misbehave(behaviour: str) -> bool:
    """Do what comes before any protocol; say whether that is all."""
    out = sys.stdout
    match behaviour:
        case "stub":
            out.write("This program has moved.\n")
        case "garbage":
            out.write("garbage\n" * 200)
            out.flush()
            sys.stdin.read()
        case "flood":
            while True:
                out.write("x" * 65536)
        case "closes":
            os.close(1)
            sys.stdin.read()
        case "odd":
            # A banner, and messages that only look like some.
            for odd in ("hello", "[]", "7", '{"id":[1],"result":1}', '{"method":5}', '{"id":99}'):
                out.write(odd + "\n")
            for odd in ({"update": 7}, [], {"update": {"sessionUpdate": "agent_message_chunk"}}):
                send({"jsonrpc": "2.0", "method": "session/update", "params": odd})
            send({"jsonrpc": "2.0", "method": "session/news", "params": {}})
            send({"jsonrpc": "2.0", "id": 5, "method": "what/ever"})
            return False
        case _:
            return False
    return True


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    chunk = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
    send({"jsonrpc": "2.0", "method": "session/update", "params": {"update": chunk}})


def write(variable: str, name: str, text: str) -> None:
    Path(os.environ[variable], name).write_text(text, encoding="utf-8")


def note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main() -> None:
    behaviour = sys.argv[1]
    if behaviour in LIBRARY:
        asyncio.run(on_library(behaviour))
    elif not misbehave(behaviour):
        Bare(behaviour).serve()


if __name__ == "__main__":
    main()
