"""The chat agent where a task has sessions, several agents, or tools that change half-way."""

from __future__ import annotations

from typing import Any

from conformance.agents.contract import Limits
from conformance.trial.run import run_trial
from conformance.trial.sealed import read_played, replay_difference
from tests.agents.test_chat import agent_on
from tests.fakes.endpoint import call, calls, says, styled, submits
from tests.fakes.families import Diary, Relay, Shifting, Shop, instance, token


async def tried(tmp_path, family, *script, **options):
    """Run a trial against a script; return what was played and the requests it made."""
    for name in ("transcripts", "states"):
        (tmp_path / name).mkdir()
    given = instance(family)
    async with agent_on(*script, **options) as (agent, served):
        record = await run_trial(
            given, agent, trial="t1", run=tmp_path, limits=Limits(), redact=lambda line: line
        )
        requests = served.requests[1:]
    seen = read_played(given, tmp_path, "t1", record.transcript_head)
    assert replay_difference(seen) is None
    return seen, requests


def names(request: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in request["tools"]]


async def test_notes_carry_over_to_the_next_session_and_nothing_else_does(tmp_path):
    seen, requests = await tried(
        tmp_path,
        Diary(),
        calls(call("notes", {"action": "write", "text": "the item is OAK"})),
        calls(call("book", {"item": "OAK"})),  # killed here
        calls(call("notes", {"action": "read"})),
        submits(token=token()),
    )
    assert seen.final["done"] == ["OAK"]
    assert seen.answer.values == {"token": token()}
    assert [c.name for c in seen.calls] == ["book"]  # notes are no tool of the world
    assert names(requests[0])[0] == "notes"
    second = requests[2]
    assert [m["role"] for m in second["messages"]] == ["system", "user"]
    assert "OAK" not in str(second["messages"])
    assert "several sessions" in second["messages"][1]["content"]
    assert requests[3]["messages"][-1]["content"] == '{"notes":"the item is OAK"}'


async def test_bad_notes_come_back_as_a_tool_error(tmp_path):
    _, requests = await tried(
        tmp_path,
        Diary(),
        calls(call("notes", {"text": "no action"})),
        submits(status="done"),
        submits(status="done"),
    )
    assert "invalid_arguments" in requests[1]["messages"][-1]["content"]


async def test_a_task_of_one_session_offers_no_notes(tmp_path):
    _, requests = await tried(tmp_path, Shop(), submits(token="x"))
    assert "notes" not in names(requests[0])
    assert "sessions" not in requests[0]["messages"][1]["content"]


async def test_tools_that_change_are_offered_from_the_next_request_on(tmp_path):
    seen, requests = await tried(
        tmp_path,
        Shifting(),
        calls(call("reserve", {"slot": "A"})),
        calls(call("reserve", {"number": 2})),
        submits(token=token()),
    )
    assert names(requests[0]) == ["reserve", "submit_answer"]
    assert names(requests[1]) == ["reserve", "price", "submit_answer"]
    properties = requests[1]["tools"][0]["function"]["parameters"]["properties"]
    assert list(properties) == ["number"]
    assert "tools_changed" in requests[1]["messages"][-1]["content"]
    assert seen.final["done"] == ["A", "2"]


async def test_they_change_in_the_structured_style_too(tmp_path):
    seen, requests = await tried(
        tmp_path,
        Shifting(),
        styled("reserve", {"slot": "A"}),
        styled("reserve", {"number": 2}),
        styled("submit_answer", {"status": "done", "values": {"token": token()}}),
        style="structured",
    )
    assert "'slot'" in str(requests[0]["response_format"])
    assert "'slot'" not in str(requests[1]["response_format"])
    assert "'number': {" in str(requests[1]["response_format"])
    assert seen.final["done"] == ["A", "2"]


async def test_each_seat_has_a_conversation_of_its_own(tmp_path):
    def replies(request: dict[str, Any]) -> Any:
        said = request["messages"][1]["content"].split(".")[0]
        return says(f"I was told: {said}")

    _, requests = await tried(tmp_path, Relay(), replies)
    told = {r["messages"][1]["content"].split("\n")[0] for r in requests}
    assert told == {"You are a.", "You are b."}
    assert all("You are a" not in str(r) or "You are b" not in str(r) for r in requests)
