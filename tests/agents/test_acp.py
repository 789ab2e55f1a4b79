"""The ``acp:`` agent, against one on the protocol's library and against worse ones."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance import sandbox
from conformance.agents import acp as acp_module
from conformance.agents.acp import AcpTransport, is_question
from conformance.agents.contract import AgentFailedError, Store, TaskView
from conformance.agents.process import Setup
from conformance.agents.wording import wording
from conformance.authoring import ToolSpec
from conformance.errors import UsageError
from conformance.gateway import Gateway, Upstream
from conformance.sandbox.plain import Plain
from conformance.sandbox.probes import Probed
from conformance.sandbox.programs import ProgramLimits
from tests.fakes import acp_agent
from tests.fakes.doors import Called, FakeDoors, task
from tests.fakes.endpoint import MODEL, FakeEndpoint, says
from tests.fakes.outside import reached

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.agents.external import ExternalAgent
    from conformance.sandbox.programs import Door, Program
    from conformance.sandbox.started import Started

AGENT = Path(acp_agent.__file__)


class Held(Plain):
    """Runs programs as they are, and says of itself what a test wants it to."""

    def __init__(self, *, is_jail: bool = True, leaks: bool = False) -> None:
        self.is_jail = is_jail
        self.leaks = leaks
        self.agents: list[Program] = []
        """What was started as the agent: it has pipes."""
        self.pids: list[int] = []

    def self_test(self, door: Door) -> list[Probed]:
        return [Probed("reach out", held=not self.leaks, detail="")]

    async def launch(self, program: Program, door: Door) -> Started:
        started = await super().launch(program, door)
        assert started.root_pid is not None
        self.pids.append(started.root_pid)
        if program.has_pipes:
            self.agents.append(program)
        return started


@asynccontextmanager
async def opened(
    behaviour: str,
    launcher: Held | None = None,
    gateway: Gateway | None = None,
    command: str | None = None,
    setup: Setup | None = None,
) -> AsyncIterator[ExternalAgent]:
    launcher = launcher or Held()
    command = command or f"{sys.executable} {AGENT} {behaviour}"
    transport = AcpTransport(command, setup or Setup(AGENT.parent), launcher)
    try:
        async with reached(transport, gateway) as agent:
            yield agent
    finally:
        # Whatever came of it, nothing that was started goes on.
        for pid in launcher.pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


async def ran(
    behaviour: str,
    what: TaskView | None = None,
    doors: FakeDoors | None = None,
    launcher: Held | None = None,
) -> FakeDoors:
    """Run a task on an agent; what it failed at is raised."""
    doors = doors or FakeDoors()
    async with opened(behaviour, launcher) as agent:
        await agent.run(what or task(), doors, None)  # type: ignore[arg-type]
    return doors


async def failed(behaviour: str) -> AgentFailedError:
    with pytest.raises(AgentFailedError) as caught:
        await ran(behaviour)
    return caught.value


def details(doors: FakeDoors, kind: str) -> list[dict[str, Any]]:
    return [given for noted, given in doors.notes if noted == kind]


@pytest.mark.parametrize(("behaviour", "tools"), [("both", "http"), ("stdio", "stdio")])
async def test_both_doors_work_through_the_handles(behaviour: str, tools: str) -> None:
    doors = FakeDoors()
    with FakeEndpoint(says("25 percent")) as served:
        gateway = Gateway(Upstream(model=MODEL, base_url=served.base_url))
        async with opened(behaviour, gateway=gateway) as agent:
            await agent.run(task(), doors, None)  # type: ignore[arg-type]
            assert agent.evidence_class == "jailed"
    assert doors.called == [Called("look", {"rack": "R1"})]
    (call,) = doors.model_calls
    assert (call.input_tokens, call.output_tokens) == (100, 10)
    # What it said before its call of a tool is no part of its last word.
    assert doors.answer is not None
    assert doors.channel == "final message"
    (met,) = details(doors, "acp")
    assert met == {"name": "toy", "version": "7.1", "protocol": 1, "tools": tools}


@pytest.mark.parametrize("behaviour", ["both", "stdio"])
async def test_both_doors_work_from_inside_the_jail(behaviour: str, tmp_path: Path) -> None:
    jail = sandbox.launcher()
    if not jail.is_jail:
        pytest.skip("no jail works here")
    shutil.copy(AGENT, tmp_path)
    command = f"{sys.executable} {AGENT.name} {behaviour}"
    doors = FakeDoors()
    with FakeEndpoint(says("25 percent")) as served:
        gateway = Gateway(Upstream(model=MODEL, base_url=served.base_url))
        async with reached(AcpTransport(command, Setup(tmp_path), jail), gateway) as agent:
            await agent.run(task(), doors, None)  # type: ignore[arg-type]
            assert agent.evidence_class == "jailed"
    assert doors.called == [Called("look", {"rack": "R1"})]
    assert len(doors.model_calls) == 1
    assert doors.answer is not None


async def test_the_result_file_is_an_answer_too() -> None:
    doors = await ran("file")
    assert doors.channel == "result"


async def test_a_question_is_answered_in_the_next_prompt() -> None:
    doors = await ran("asks")
    assert doors.answer is not None
    assert doors.answer.reason == wording("en").nobody[:40]


async def test_a_question_goes_to_ask_user_where_the_world_has_it() -> None:
    spec = ToolSpec(
        "ask_user", "Ask.", {"type": "object", "properties": {"question": {"type": "string"}}}
    )
    plain = task()
    doors = await ran(
        "asks", TaskView("t1", plain.instruction, "en", (spec, *plain.tools), plain.limits)
    )
    assert doors.called == [Called("ask_user", {"question": "I need to know.\n\nWhich rack?"})]


async def test_a_turn_is_taken_for_a_question_twice_at_most() -> None:
    doors = await ran("nags")
    assert len(details(doors, "asks")) == 2
    (why,) = details(doors, "no_answer")
    assert why["text"] == "Turn 3: why?"


async def test_an_agent_that_ends_without_an_answer_is_not_asked_again() -> None:
    doors = await ran("nothing")
    assert doors.answer is None
    assert details(doors, "asks") == []


def test_a_question_is_one_by_its_last_paragraph() -> None:
    assert is_question("Which rack?")
    assert is_question("请问是哪个机架？")
    assert is_question("I looked.\n\nShall I go on? I can also stop.")
    assert not is_question("Did it work? Yes.\n\nAll is done.")
    assert not is_question('{"status": "done", "reason": "why?"}')
    assert not is_question("")


@pytest.mark.parametrize(
    ("launcher", "second"),
    [
        (Held(), "allow_once"),
        (Held(is_jail=False), "reject_once"),
        (Held(leaks=True), "reject_once"),
    ],
    ids=["held", "no jail", "leaks"],
)
async def test_permission_is_given_by_policy_and_counted_and_files_are_not_offered(
    launcher: Held, second: str
) -> None:
    doors = await ran("permission", launcher=launcher)
    assert doors.answer is not None
    assert doors.answer.reason == f"allow_once {second} allow_once cancelled -32601"
    assert [(noted["call_kind"], noted["allowed"]) for noted in details(doors, "permission")] == [
        ("other", True),
        ("execute", second == "allow_once"),
        ("read", True),
        ("read", True),
    ]


@pytest.mark.parametrize("reason", ["max_tokens", "max_turn_requests", "refusal"])
async def test_a_turn_that_was_stopped_is_the_last(reason: str) -> None:
    doors = await ran(reason)
    assert details(doors, "stopped") == [{"reason": reason, "text": "Why not?"}]
    assert details(doors, "asks") == []
    assert doors.answer is None


@pytest.mark.parametrize(
    ("behaviour", "cause", "words"),
    [
        ("crashes", "agent_error", "exit 3 during session/prompt: Traceback | boom"),
        ("raises", "agent_error", "session/prompt: -32603"),
        ("login", "agent_error", "session/new: -32000"),
        ("cancelled", "agent_error", "cancelled its own turn"),
        ("version", "protocol", "version 9 of ACP"),
        ("nameless", "protocol", "session/new: sessionId: Field required"),
        ("mysterious", "protocol", "session/prompt: stopReason"),
        ("garbage", "protocol", "lines that are no JSON-RPC message"),
        ("flood", "protocol", "a message of more than"),
        ("closes", "protocol", "closed its output during initialize"),
    ],
)
async def test_what_breaks_is_told_with_its_cause(
    behaviour: str, cause: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acp_module, "EXIT_S", 0.3)
    error = await failed(behaviour)
    assert words in str(error)
    assert error.cause == cause


async def test_what_is_said_has_a_bound_in_all() -> None:
    setup = Setup(AGENT.parent, limits=ProgramLimits(output_bytes=100_000))
    with pytest.raises(AgentFailedError, match="killed for its limit of output") as caught:
        async with opened("flood", setup=setup) as agent:
            await agent.run(task(), FakeDoors(), None)  # type: ignore[arg-type]
    assert caught.value.cause == "agent_error"


async def test_an_agent_that_is_never_ready_breaks_the_protocol(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(acp_module, "HANDSHAKE_S", 0.2)
    error = await failed("slow")
    assert "not ready" in str(error)
    assert error.cause == "protocol"


async def test_a_program_that_prints_a_notice_and_ends_has_done_nothing() -> None:
    doors = await ran("stub")
    assert doors.answer is None
    assert details(doors, "no_answer") == []


async def test_odd_messages_are_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    doors = await ran("odd")
    assert doors.answer is not None
    assert caplog.records == []


async def test_a_program_that_cannot_be_started_has_failed(tmp_path: Path) -> None:
    program = tmp_path / "agent"
    program.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(AgentFailedError, match="cannot be started"):
        async with opened("", command=str(program)) as agent:
            await agent.run(task(), FakeDoors(), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("behaviour", ["hangs", "deaf"])
async def test_an_agent_that_hangs_is_asked_to_stop_and_then_ended(
    behaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.agents.external.LAST_WORDS_S", 0.01)
    # Only the deaf one lets it run out; the other stops as soon as it gets to it.
    cancel_s = 0.5 if behaviour == "deaf" else 60.0
    monkeypatch.setattr("conformance.agents.external.CANCEL_S", cancel_s)
    doors = FakeDoors()
    launcher = Held()
    async with opened(behaviour, launcher) as agent:
        running = asyncio.create_task(agent.run(task(), doors, None))  # type: ignore[arg-type]
        await _at_work(launcher)
        (handle,) = agent.gateway.handles
        await handle.call_tool("submit_answer", acp_agent.ANSWER)
        await running
    assert doors.answer is not None
    said = [noted["text"] for noted in details(doors, "agent_output")]
    assert said == (["cancelled\n"] if behaviour == "hangs" else [])


async def test_a_trial_that_ends_ends_the_program() -> None:
    launcher = Held()
    async with opened("deaf", launcher) as agent:
        running = asyncio.create_task(agent.run(task(), FakeDoors(), None))  # type: ignore[arg-type]
        await _at_work(launcher)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not launcher.agents[0].work.exists()


async def test_a_killed_session_is_ended_without_asking_and_told_in_the_next() -> None:
    plain = task()
    store = Store()
    lasting = TaskView("t1", plain.instruction, "en", plain.tools, plain.limits, "s1", store)
    launcher = Held()
    doors = FakeDoors()
    async with opened("hangs", launcher) as agent:
        running = asyncio.create_task(agent.run(lasting, doors, None))  # type: ignore[arg-type]
        await _at_work(launcher)
        (handle,) = agent.gateway.handles
        doors.was_killed = True  # type: ignore[misc]
        handle.has_ended = True
        handle.over.set()
        with contextlib.suppress(Exception):
            await running
        with agent.gateway.handle(lasting, doors) as handle:
            session = await agent.transport.start(lasting, handle)
            await session.close(at_once=False)
    store.clear()
    assert {"code": -signal.SIGKILL, "killed_for": None} in details(doors, "exit_before")


async def _at_work(launcher: Held) -> None:
    async with asyncio.timeout(120):
        while not (launcher.agents and (launcher.agents[0].work / "at_work").exists()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def test_what_is_missing_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError):
        AcpTransport("agent 'open", Setup(AGENT.parent))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"agent-grading\[acp\]"):
        AcpTransport("agent", Setup(AGENT.parent))


async def test_the_command_is_described() -> None:
    async with opened("answers") as agent:
        described = agent.transport.describe()
    assert described["kind"] == "acp"
    assert described["command"].endswith("answers")
    assert described["sandbox"]["held"] is True
