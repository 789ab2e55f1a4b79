"""The canary trial, and what ``conformance probe`` says of it."""

from __future__ import annotations

import json
from typing import get_args, get_type_hints

import msgspec
import pytest

from conformance.agents.agentfile import VALUES, template
from conformance.agents.builtin import BuiltinAgent
from conformance.agents.contract import AgentFailedError, ModelCall
from conformance.agents.preflight import Seen
from conformance.authoring import Answer
from conformance.cli import run
from conformance.report.probed import probe_lines
from conformance.trial.canary import canary_instance
from conformance.trial.probe import probe_agent


class _Agent:
    """An agent of which each test gives the work."""

    evidence_class = "observed"

    def __init__(self, work):
        self._work = work

    async def run(self, task, doors, private):
        del private
        await self._work(task, doors)

    async def canary(self):
        return True


async def _probed(work, lang="en"):
    return await probe_agent(_Agent(work), lang, lambda line: line)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_an_agent_that_does_as_it_is_told(lang):
    async def work(task, doors):
        reply = await doors.call_tool("read_code", {"place": "K7"})
        doors.before_model_call()
        doors.after_model_call(_call())
        code = json.loads(reply.text)["code"]
        await doors.call_tool("submit_answer", {"status": "done", "values": {"code": code}})

    report = await _probed(work, lang)
    assert (report.outcome, report.has_read, report.is_right) == ("completed", True, True)
    assert report.answered_by == "submit_answer"
    assert report.has_contact
    assert report.models.calls == 1
    assert report.models.served == ["m-0825"]
    assert report.models.usage == ["injected"]
    assert report.models.stripped == ["web_search"]


async def test_an_agent_that_guesses_the_code_is_not_right():
    async def work(task, doors):
        await doors.call_tool("read_code", {"place": "K7"})
        doors.submit(Answer("done", values={"code": "AAAA"}), "result")

    report = await _probed(work)
    assert report.has_contact
    assert report.answered_by == "result"
    assert not report.is_right


async def test_an_agent_that_never_calls_the_tool_right():
    async def work(task, doors):
        await doors.call_tool("env__read_code", {"place": "K7"})
        await doors.call_tool("read_code", {"place": "K8"})

    report = await _probed(work)
    assert report.unknown_tools == ["env__read_code"]
    assert not report.has_read
    assert report.answered_by is None
    assert not report.has_contact


async def test_an_agent_that_crashes_or_touches_nothing():
    async def crash(task, doors):
        raise AgentFailedError("exit 3: no module named x", "agent_error")

    async def nothing(task, doors):
        pass

    report = await _probed(crash)
    assert (report.outcome, report.detail) == ("agent_crash", "exit 3: no module named x")
    assert (await _probed(nothing)).outcome == "no_contact"


def test_each_canary_has_a_code_of_its_own():
    codes = {canary_instance("en").right_end.values["code"] for _ in range(20)}
    assert len(codes) == 20


async def test_the_oracle_solves_the_canary():
    agent = BuiltinAgent("oracle", lambda _: None)
    report = await probe_agent(agent, "zh", lambda line: line)
    assert report.is_right


def test_what_the_command_says(capsys):
    assert run(["probe", "--agent", "builtin:oracle"]) == 0
    said = capsys.readouterr().out
    assert "it can be graded" in said
    assert "evidence class: model-only" in said
    assert run(["probe", "--agent", "builtin:oracle", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["gradable"] is True
    assert document["canary"]["is_right"] is True


@pytest.mark.parametrize("kind", VALUES)
def test_a_file_to_fill_in_is_printed_and_no_agent_is_asked_for(kind, capsys):
    assert run(["probe", "--init", kind]) == 0
    assert capsys.readouterr().out == template(kind)


def test_a_file_of_no_kind_is_refused(capsys):
    assert run(["probe", "--init", "builtin"]) == 4
    assert "'--init': 'builtin' is not one of 'chat', " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"declared": {"streaming": True}}, ["streaming, but no call was streamed"]),
        ({"declared": {"suite_tools": False}}, ["no use of the suite's tools, but it called one"]),
        ({"declares_handles": False}, ["nothing of the suite's extension, which was sent"]),
        ({"declared": {"streaming": False}, "declares_handles": True}, []),
        ({}, []),
    ],
)
async def test_what_was_declared_and_is_seen_otherwise(described, said):
    async def work(task, doors):
        doors.after_model_call(_call())
        await doors.call_tool("read_code", {"place": "K7"})

    report = await _probed(work)
    lines = [line for line in probe_lines(described, report) if line.key == "declared"]
    assert [line.seen.en for line in lines] == said
    assert all(line.mend and not line.is_good for line in lines)


async def test_calls_that_were_streamed_though_none_was_declared():
    async def work(task, doors):
        doors.after_model_call(msgspec.structs.replace(_call(), is_stream=True))

    lines = probe_lines({"declared": {"streaming": False}}, await _probed(work))
    assert "no streaming, but calls were streamed" in [line.seen.en for line in lines]


def _call():
    return ModelCall(
        requested_model="m",
        served_model="m-0825",
        sent=[],
        received={},
        finish_reason="stop",
        input_tokens=3,
        output_tokens=2,
        usage_source="injected",
        latency_s=0.1,
        stripped=["web_search"],
    )


@pytest.mark.parametrize("result", get_args(get_type_hints(Seen)["result"]))
async def test_what_each_style_of_calls_came_to_is_said(result):
    async def work(task, doors):
        await doors.call_tool("read_code", {"place": "K7"})

    described = {"probe": [{"style": "native", "result": result, "detail": "said 'no'"}]}
    report = await _probed(work)
    (line,) = [line for line in probe_lines(described, report) if line.key == "endpoint"]
    assert line.seen.en.startswith("native: ")
    assert "said 'no'" in line.seen.zh
    assert line.is_good is (result in {"called", "text_call"})
    assert line.is_good or "--style" in line.mend.zh


HOSTILE = "\x1b]0;owned\x07\x1b[31m [bold]x[/] \u202e"


async def test_what_an_agent_and_its_endpoint_say_comes_to_the_terminal_inert():
    async def work(task, doors):
        doors.note("agent_output", text=f"{HOSTILE}\nsecond line")
        doors.after_model_call(msgspec.structs.replace(_call(), served_model=HOSTILE))
        await doors.call_tool(HOSTILE, {})
        raise AgentFailedError(HOSTILE, "agent_error")

    described = {"probe": [{"style": "native", "result": "no_call", "detail": HOSTILE}]}
    lines = list(probe_lines(described, await _probed(work)))
    assert {"end", "endpoint", "tools", "model", "output"} <= {line.key for line in lines}
    for line in lines:
        for text in (line.seen.zh, line.seen.en):
            assert not set("\x1b\x07\u202e") & set(text)
    (output,) = [line for line in lines if line.key == "output"]
    assert output.seen.en.endswith("\nsecond line")


async def test_an_agent_without_a_jail_is_said_to_reach_all():
    report = msgspec.structs.replace(await _probed(_nothing), listed_tools=False)
    described = {"sandbox": {"provider": "none", "held": False, "leaks": ["reads a file"]}}
    (line,) = [line for line in probe_lines(described, report) if line.key == "jail"]
    assert line.seen.en.startswith("NO SANDBOX")


async def _nothing(task, doors):
    pass
