"""The ``acp:`` agent: a program that speaks the Agent Client Protocol on its pipes.

It is started anew for each session, as a ``command:`` is, with the same environment; its task is
the first prompt. ``docs/agents/acp.md`` tells vendors of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import shlex
from typing import TYPE_CHECKING, Any

from conformance.agents.acp_wire import Client, Lines
from conformance.agents.contract import AgentFailedError
from conformance.agents.environment import RESULT, SERVER
from conformance.agents.exits import how, last_lines, read_result
from conformance.agents.external import CANCEL_S, Said
from conformance.agents.process import ProcessSession, ProcessTransport
from conformance.agents.textcalls import bare_text
from conformance.authoring.answer import read_answer_text
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acp.connection import Connection
    from acp.schema import HttpMcpServer, InitializeResponse, McpServerStdio, PromptResponse

    from conformance.agents.contract import TaskView
    from conformance.agents.process import Setup
    from conformance.gateway import Addresses, Gateway, Handle
    from conformance.sandbox.programs import Exit, Launcher

HANDSHAKE_S = 120.0
"""How long an agent may take to be ready for its first prompt: some are large."""
MOST_QUESTIONS = 2
"""How often the end of a turn is taken for a question; the protocol has no sign for one."""
EXIT_S = 5.0
"""How long a program may take to end once its output has."""
_NOT_UNDERSTOOD = (-32700, -32600, -32601, -32602)
"""JSON-RPC codes of one that cannot read what is asked of it; others are its own failures."""
_LAST_LINES = 3
_LONGEST_NOTE = 2000


class AcpTransport(ProcessTransport):
    """Implements ``agents.external.Transport`` for ``acp:COMMAND``.

    Raises:
        UsageError: as for ``command:``, or the ACP library is not installed.
    """

    kind = "acp"

    def __init__(self, value: str, setup: Setup, launcher: Launcher | None = None) -> None:
        super().__init__(value, setup, launcher)
        if importlib.util.find_spec("acp") is None:
            raise UsageError(
                "acp: needs the ACP library",
                where="--agent",
                mend="pip install 'agent-grading[acp]'",
            )

    async def open(self, gateway: Gateway) -> None:
        """Find the program, try the jail, and load the library, which takes a second."""
        await super().open(gateway)
        await asyncio.to_thread(importlib.import_module, "acp.schema")

    def _session(self, task: TaskView, handle: Handle) -> AcpSession:
        return AcpSession(self, task, handle)


class AcpSession(ProcessSession):
    """One start of a program, and one ACP session in it; a turn is a prompt."""

    def __init__(self, transport: ProcessTransport, task: TaskView, handle: Handle) -> None:
        super().__init__(transport, task, handle)
        self._client = Client(handle, is_held=transport.holds)
        self._lines: Lines | None = None
        self._connection: Connection | None = None
        self._id = ""
        self._questions = 0
        self._is_at_work = False
        self._is_cancelled = False

    async def send(self, text: str) -> Said:
        """Prompt the agent, and wait for the end of its turn."""
        from acp.meta import AGENT_METHODS
        from acp.schema import PromptRequest, PromptResponse, TextContentBlock

        if self._connection is None:
            try:
                async with asyncio.timeout(HANDSHAKE_S):
                    is_there = await self._begin(text)
            except TimeoutError:
                raise AgentFailedError(
                    f"it was not ready for a prompt within {HANDSHAKE_S:.0f} s", "protocol"
                ) from None
            if not is_there:
                return Said("final")
        self._client.begin()
        self._is_at_work = True
        prompt = PromptRequest(
            session_id=self._id, prompt=[TextContentBlock(type="text", text=text)]
        )
        said = await self._asked(AGENT_METHODS["session_prompt"], prompt, PromptResponse)
        self._is_at_work = False
        return await self._ended(said)

    async def cancel(self) -> None:
        """Ask once for the end of the turn by ``session/cancel``."""
        if not self._is_at_work or self._connection is None:
            return
        self._is_at_work, self._is_cancelled = False, True
        with contextlib.suppress(ConnectionError):
            await self._connection.send_notification("session/cancel", {"sessionId": self._id})

    async def close(self, *, at_once: bool) -> None:
        """End the program with all that it started."""
        try:
            if not at_once:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CANCEL_S):
                        await self.cancel()
        finally:
            await super().close(at_once=at_once)
            if self._connection is not None:
                await self._connection.close()

    async def _begin(self, text: str) -> bool:
        """Start the program and open a session; False where it ended at once, saying nothing."""
        from acp import PROTOCOL_VERSION
        from acp.connection import Connection
        from acp.meta import AGENT_METHODS
        from acp.schema import (
            ClientCapabilities,
            Implementation,
            InitializeRequest,
            InitializeResponse,
            NewSessionRequest,
            NewSessionResponse,
        )

        from conformance import __version__

        at = self._transport.gateway.addresses(self._handle)
        program = self._transport.program(text, self._task, at, self._work)
        running = await self._started(program._replace(has_pipes=True))
        self._lines = Lines(running.stdin, running.stdout)
        self._connection = Connection(self._client, self._lines)
        hello = InitializeRequest(
            protocol_version=PROTOCOL_VERSION,
            client_capabilities=ClientCapabilities(),
            client_info=Implementation(name="conformance", version=__version__),
        )
        try:
            agent = await self._asked(AGENT_METHODS["initialize"], hello, InitializeResponse)
        except AgentFailedError:
            # A program that only prints a notice and ends well did nothing; it broke nothing.
            if not self._lines.has_spoken and await self._has_ended_well():
                return False
            raise
        self._introduced(agent)
        if agent.protocol_version != PROTOCOL_VERSION:
            raise AgentFailedError(
                f"it speaks version {agent.protocol_version} of ACP; this is {PROTOCOL_VERSION}",
                "protocol",
            )
        opening = NewSessionRequest(
            cwd=str(self._work), mcp_servers=[_server(agent, at, program.env)]
        )
        opened = await self._asked(AGENT_METHODS["session_new"], opening, NewSessionResponse)
        self._id = opened.session_id
        return True

    async def _asked(self, method: str, request: Any, kind: type[Any]) -> Any:
        """Send a request; return its result, an object of ``kind``.

        Raises:
            AgentFailedError: it answered with an error or with something else, or it is gone.
        """
        from acp.exceptions import RequestError
        from pydantic import ValidationError

        assert self._connection is not None  # noqa: S101
        params = request.model_dump(mode="json", by_alias=True, exclude_none=True)
        try:
            return kind.model_validate(await self._connection.send_request(method, params))
        except RequestError as error:
            text = f"{method}: {error.code} {error}"
            cannot = error.code in _NOT_UNDERSTOOD
            raise AgentFailedError(text, "protocol" if cannot else "agent_error") from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise AgentFailedError(f"{method}: {where}: {first['msg']}", "protocol") from error
        except ConnectionError as error:
            raise await self._gone(method) from error

    async def _gone(self, method: str) -> AgentFailedError:
        """Return what happened to an agent of which nothing more is read."""
        assert self._lines is not None  # noqa: S101
        if self._lines.complaint:
            return AgentFailedError(f"it wrote {self._lines.complaint}", "protocol")
        exit_ = await self._exit()
        if exit_ is None:
            return AgentFailedError(f"it closed its output during {method}", "protocol")
        last = last_lines(exit_.said, _LAST_LINES)
        return AgentFailedError(f"{how(exit_)} during {method}: {last}".rstrip(": "), "agent_error")

    async def _exit(self) -> Exit | None:
        """Return how the program ended; None where it goes on, with its output closed."""
        running = await self._launched()
        assert running is not None  # noqa: S101
        try:
            async with asyncio.timeout(EXIT_S):
                return await running.wait()
        except TimeoutError:
            return None

    async def _has_ended_well(self) -> bool:
        exit_ = await self._exit()
        return exit_ is not None and exit_.code == 0 and exit_.killed_for is None

    def _introduced(self, agent: InitializeResponse) -> None:
        info = agent.agent_info
        self._handle.note(
            "acp",
            name=None if info is None else info.name[:200],
            version=None if info is None else info.version[:200],
            protocol=agent.protocol_version,
            tools="http" if _takes_http(agent) else "stdio",
        )

    async def _ended(self, said: PromptResponse) -> Said:
        """Return what the end of a turn means."""
        text = self._client.text
        if said.stop_reason == "cancelled" and not self._is_cancelled:
            raise AgentFailedError("it cancelled its own turn", "agent_error")
        if said.stop_reason != "end_turn":
            self._handle.note("stopped", reason=said.stop_reason, text=text[:_LONGEST_NOTE])
            return Said("final", text)
        answer, complaint = await asyncio.to_thread(read_result, self._work / RESULT)
        if complaint is not None:
            self._handle.note("no_result", why=complaint)
        is_open = answer is None and not self._handle.doors.has_answered
        if is_open and self._questions < MOST_QUESTIONS and is_question(text):
            self._questions += 1
            return Said("asks", text)
        return Said("final", text, answer)


def is_question(text: str) -> bool:
    """Say whether a turn ended in a question: its last paragraph has a question mark.

    The protocol has no sign for it. A closing sentence must not be taken for a question: in a
    world with somebody to ask, a needless one counts against the agent.
    """
    if read_answer_text(bare_text(text)) is not None:
        return False
    last = text.strip().rpartition("\n\n")[2]
    return "?" in last or "？" in last


def _takes_http(agent: InitializeResponse) -> bool:
    able = agent.agent_capabilities
    return bool(able and able.mcp_capabilities and able.mcp_capabilities.http)


def _server(
    agent: InitializeResponse, at: Addresses, told: Mapping[str, str]
) -> HttpMcpServer | McpServerStdio:
    """Return the tools door as the agent can reach it: all agents can over stdio."""
    from acp.schema import EnvVariable, HttpHeader, HttpMcpServer, McpServerStdio

    if _takes_http(agent):
        headers = [HttpHeader(name=name, value=value) for name, value in at.mcp_headers.items()]
        return HttpMcpServer(type="http", name=SERVER, url=at.mcp_url, headers=headers)
    command, *arguments = shlex.split(told["AGENT_MCP_STDIO"])
    names = ("AGENT_MCP_URL", "AGENT_MCP_TOKEN")
    env = [EnvVariable(name=name, value=told[name]) for name in names]
    return McpServerStdio(name=SERVER, command=command, args=arguments, env=env)
