"""What all agents from outside have in common: turns, the end, whose fault it is."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from conformance.agents import external
from conformance.agents.contract import (
    AgentFailedError,
    Limits,
    ModelFaultError,
    Store,
    TrialEndedError,
)
from conformance.agents.external import ExternalAgent, Said
from conformance.authoring import ToolSpec
from conformance.gateway import Gateway
from conformance.trial.canary import canary_instance
from conformance.trial.chain import StorageError
from conformance.trial.run import new_trial_id, run_trial
from tests.fakes.doors import FakeDoors, task

RIGHT = {"status": "done", "values": {"load": 25}}


class Scripted:
    """A transport whose sessions do what a test says; it keeps what happened."""

    evidence_class = "observed"

    def __init__(self, send, *, start=None):
        self._send = send
        self._start = start
        self.handles = []
        self.turns = []
        self.ended = []

    async def open(self, gateway):
        self.gateway = gateway

    async def start(self, task, handle):
        self.handles.append(handle)
        if self._start is not None:
            raise self._start
        return self

    async def send(self, text):
        self.turns.append(text)
        return await self._send(text, self.handles[-1])

    async def cancel(self):
        self.ended.append("cancel")

    async def canary(self):
        return True

    async def close(self, *, at_once=None):
        if at_once is not None:
            self.ended.append("kill" if at_once else "close")
            self.was_revoked = self.handles[-1].is_revoked

    def describe(self):
        return {"kind": "scripted"}


@pytest.fixture
def _quick(monkeypatch):
    """For agents that never end; another one may be slow on a busy machine."""
    monkeypatch.setattr(external, "LAST_WORDS_S", 0.05)
    monkeypatch.setattr(external, "CANCEL_S", 0.05)


async def ran(send, doors=None, given=None, **options):
    """Let a scripted agent work; return its transport, its doors and what came of it."""
    transport = Scripted(send, **options)
    doors = doors or FakeDoors()
    agent = ExternalAgent(transport, Gateway())
    error = None
    try:
        await agent.run(given or task(), doors, None)
    except (Exception, TrialEndedError) as caught:  # noqa: BLE001
        error = caught
    assert transport.ended == [] or transport.was_revoked is False
    assert transport.handles[-1].is_revoked
    assert len(agent.gateway.handles) == 0
    return transport, doors, error


async def test_the_answer_by_the_tool():
    async def send(text, handle):
        assert "What is the load" in text
        assert "submit_answer" in text
        await handle.call_tool("look", {"rack": "R1"})
        await handle.call_tool("submit_answer", RIGHT)
        return Said("final", "done")

    transport, doors, error = await ran(send)
    assert error is None
    assert doors.channel == "submit_answer"
    assert transport.ended == ["close"]
    assert doors.noted == ["contact"]


@pytest.mark.parametrize(
    ("said", "channel"),
    [
        (Said("final", answer=RIGHT), "result"),
        (Said("final", json.dumps(RIGHT)), "final message"),
        (Said("final", f"```json\n{json.dumps(RIGHT)}\n```"), "final message"),
        (Said("final", f"The answer is {json.dumps(RIGHT)}"), None),
        (Said("final", "25"), None),
        (Said("final", answer={"status": "won"}), None),
        (Said("final", answer=[RIGHT]), None),
        (Said("final"), None),
    ],
)
async def test_the_answer_as_a_result_or_a_last_message(said, channel):
    async def send(text, handle):
        return said

    _, doors, error = await ran(send)
    assert error is None
    assert doors.channel == channel
    has_said_something = said.text or said.answer is not None
    assert ("no_answer" in doors.noted) == (channel is None and bool(has_said_something))


async def test_a_second_answer_is_not_looked_at():
    async def send(text, handle):
        await handle.call_tool("submit_answer", RIGHT)
        return Said("final", answer={"status": "refused"})

    _, doors, _ = await ran(send)
    assert doors.answer.status == "done"


@pytest.mark.usefixtures("_quick")
async def test_an_agent_that_goes_on_after_its_answer_is_asked_to_stop():
    async def send(text, handle):
        await handle.call_tool("submit_answer", RIGHT)
        await asyncio.sleep(3600)

    transport, _, error = await ran(send)
    assert error is None
    assert transport.ended == ["cancel", "close"]


async def test_a_limit_ends_it():
    async def send(text, handle):
        while True:
            handle.before_model_call()

    transport, _, error = await ran(send, FakeDoors(model_calls=3))
    assert isinstance(error, TrialEndedError)
    assert transport.ended[-1] == "close"


async def test_an_agent_that_the_world_kills_is_not_asked():
    doors = FakeDoors()

    async def killed(name, arguments):
        doors.was_killed = True
        raise TrialEndedError

    doors.call_tool = killed

    async def send(text, handle):
        try:
            await handle.call_tool("look", {})
        except TrialEndedError:
            await asyncio.sleep(3600)

    transport, _, error = await ran(send, doors)
    assert isinstance(error, TrialEndedError)
    assert transport.ended == ["kill"]


async def test_cancelling_the_trial_ends_the_agent():
    began = asyncio.Event()

    async def send(text, handle):
        began.set()
        await asyncio.sleep(3600)

    transport = Scripted(send)
    work = asyncio.create_task(ExternalAgent(transport, Gateway()).run(task(), FakeDoors(), None))
    await began.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert transport.ended == ["close"]
    assert transport.handles[-1].is_revoked


async def test_a_question_where_nobody_can_be_asked():
    async def send(text, handle):
        return Said("asks", "Which rack?") if "rack R1" in text else Said("final", answer=RIGHT)

    transport, doors, _ = await ran(send)
    assert "Nobody can be asked" in transport.turns[1]
    assert ("asks", {"text": "Which rack?"}) in doors.notes
    assert doors.channel == "result"


async def test_a_question_goes_to_the_tool_where_somebody_can_be_asked():
    spec = ToolSpec(
        "ask_user",
        "Ask.",
        {"type": "object", "properties": {"question": {"type": "string"}}},
    )
    given = task()
    given = msgspec.structs.replace(given, tools=(spec, *given.tools))

    async def send(text, handle):
        return Said("asks", "which_line") if "rack R1" in text else Said("final", answer=RIGHT)

    transport, doors, _ = await ran(send, given=given)
    assert doors.called[0] == ("ask_user", {"question": "which_line"})
    assert transport.turns[1].startswith("{")


async def test_an_agent_that_only_ever_asks_comes_to_an_end(monkeypatch):
    monkeypatch.setattr(external, "MOST_TURNS", 4)

    async def send(text, handle):
        return Said("asks", "Are you there?")

    transport, doors, error = await ran(send)
    assert error is None
    assert len(transport.turns) == 4
    assert "stuck" in doors.noted


async def test_a_crash_is_the_agents_own_and_one_after_the_answer_is_none():
    async def crash(text, handle):
        raise AgentFailedError("exit 3", "agent_error")

    async def late(text, handle):
        await handle.call_tool("submit_answer", RIGHT)
        raise AgentFailedError("exit 3", "agent_error")

    assert isinstance((await ran(crash))[2], AgentFailedError)
    _, doors, error = await ran(late)
    assert error is None
    assert "failed_after_answer" in doors.noted


async def test_an_agent_that_fails_on_a_failing_endpoint_is_judged_by_the_endpoint():
    async def send(text, handle):
        handle.fault = ModelFaultError("server_error", "HTTP 500", status=500, retries=2)
        raise AgentFailedError("exit 1: InternalServerError", "agent_error")

    assert isinstance((await ran(send))[2], ModelFaultError)


async def test_what_the_suite_fails_at_is_not_the_agents():
    doors = FakeDoors()

    async def full(name, arguments):
        raise StorageError("the disk is full")

    doors.call_tool = full

    async def send(text, handle):
        with pytest.raises(TrialEndedError):
            await handle.call_tool("look", {})
        raise AgentFailedError("it got no reply", "agent_error")

    assert isinstance((await ran(send, doors))[2], StorageError)


async def test_how_a_real_trial_ends_each_time(tmp_path):
    """The causes come out of the trial's own table."""
    for name in ("transcripts", "states"):
        (tmp_path / name).mkdir()

    async def outcome(send, *, wall_s=120.0, **options):
        agent = ExternalAgent(Scripted(send, **options), Gateway())
        record = await run_trial(
            canary_instance("en"),
            agent,
            trial=new_trial_id(),
            run=tmp_path,
            limits=Limits(wall_s=wall_s, model_calls=2),
            redact=lambda line: line,
        )
        return record.outcome, record.cause

    async def nothing(text, handle):
        return Said("final")

    async def crash(text, handle):
        raise AgentFailedError("exit 3", "agent_error")

    async def garbage(text, handle):
        raise AgentFailedError("no JSON", "protocol")

    async def bug(text, handle):
        raise KeyError("ours")

    async def hang(text, handle):
        await asyncio.sleep(3600)

    async def greedy(text, handle):
        while True:
            handle.before_model_call()

    assert await outcome(nothing) == ("no_contact", "silent")
    assert await outcome(crash) == ("agent_crash", "agent_error")
    assert await outcome(garbage) == ("protocol_violation", "protocol")
    assert await outcome(bug) == ("harness_fault", "suite_error")
    assert await outcome(hang, wall_s=0.2) == ("timeout", "wall_time")
    assert await outcome(greedy) == ("limit_exceeded", "model_calls")
    failed = AgentFailedError("cannot be started", "agent_error")
    assert await outcome(nothing, start=failed) == ("agent_crash", "agent_error")
    assert await outcome(nothing, start=OSError("ours")) == ("harness_fault", "suite_error")


async def test_notes_are_offered_where_a_task_has_sessions():
    store = Store()
    given = msgspec.structs.replace(task(), store=store)

    async def send(text, handle):
        assert handle.tools[0].name == "notes"
        await handle.call_tool("notes", {"action": "write", "text": "R1 is 25"})
        reply = await handle.call_tool("notes", {"action": "read"})
        assert "R1 is 25" in reply.text
        return Said("final", answer=RIGHT)

    transport, doors, error = await ran(send, given=given)
    assert error is None
    assert doors.called == []
    assert "several sessions" in transport.turns[0]
    assert store.text == "R1 is 25"
