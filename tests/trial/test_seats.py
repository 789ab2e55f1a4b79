"""Trials of several seats, sessions, faults and drifting tools, through the doors and back."""

from __future__ import annotations

import asyncio
import json

import pytest

from conformance.agents.builtin import BuiltinAgent
from conformance.agents.contract import Limits, TrialEndedError
from conformance.authoring import SUBMIT_TOOL, Answer, Fault
from conformance.trial.chain import read_chain
from conformance.trial.run import run_trial, state_path, transcript_path
from conformance.trial.sealed import read_played, replay_difference
from tests.fakes.agents import FakeAgent
from tests.fakes.families import Diary, Relay, Shifting, Shop, instance, token

LIMITS = Limits(wall_s=120.0, tool_calls=6)


async def tried(tmp_path, given, agent):
    for name in ("transcripts", "states"):
        (tmp_path / name).mkdir(exist_ok=True)
    return await run_trial(
        given, agent, trial="t1", run=tmp_path, limits=LIMITS, redact=lambda line: line
    )


def played(tmp_path, given, record):
    return read_played(given, tmp_path, "t1", record.transcript_head)


def events(tmp_path, kind):
    return [e for e in read_chain(transcript_path(tmp_path, "t1")) if e["type"] == kind]


def agent(policy, **more):
    return FakeAgent(policy, **more)


async def hand_in(doors, given="", status="done"):
    return await doors.call_tool(SUBMIT_TOOL, {"status": status, "values": {"token": given}})


@pytest.mark.parametrize("family", [Relay, Diary, Shop, Shifting])
async def test_the_oracle_plays_all_its_parts_live_and_the_trial_replays(tmp_path, family):
    given = instance(family())
    record = await tried(tmp_path, given, BuiltinAgent("oracle", lambda _: None))
    assert record.cause == "returned"
    seen = played(tmp_path, given, record)
    assert seen.answer.values == {"token": token()}
    assert [(c.name, c.seat) for c in seen.calls] == [(c.name, c.seat) for c in given.solve().calls]
    assert replay_difference(seen) is None


class TestSeveralAgents:
    async def test_each_sees_its_own_instruction_and_none_waits_in_vain(self, tmp_path):
        async def talks(self, task, doors, private):
            self.kept.append((task.seat, task.instruction.splitlines()[0]))
            if task.seat == "b":
                heard = json.loads((await doors.call_tool("hear", {})).text)["heard"]
                reply = await doors.call_tool("finish", {"word": heard})
                given = json.loads(reply.text)["token"]
                await doors.call_tool("tell", {"text": given})
            else:
                await asyncio.sleep(0.05)  # b waits for this
                await doors.call_tool("tell", {"text": "now"})
                given = json.loads((await doors.call_tool("hear", {})).text)["heard"]
            await hand_in(doors, given)

        it = agent(talks)
        record = await tried(tmp_path, instance(Relay()), it)
        assert sorted(it.kept) == [("a", "You are a."), ("b", "You are b.")]
        seen = played(tmp_path, instance(Relay()), record)
        assert seen.answer == Answer("done", None, {"token": token()})
        assert replay_difference(seen) is None

    async def test_two_that_wait_for_each_other_both_go_on_with_nothing(self, tmp_path):
        async def waits(self, task, doors, private):
            self.kept.append(json.loads((await doors.call_tool("hear", {})).text))
            await hand_in(doors, "x")

        it = agent(waits)
        record = await tried(tmp_path, instance(Relay()), it)
        assert record.cause == "returned"
        assert record.wall_s < LIMITS.wall_s
        assert it.kept == [{"heard": None}] * 2
        assert replay_difference(played(tmp_path, instance(Relay()), record)) is None

    async def test_one_that_leaves_lets_the_other_go_on(self, tmp_path):
        async def one_leaves(self, task, doors, private):
            if task.seat == "a":
                await asyncio.sleep(0.05)
                await hand_in(doors, "x")
                return
            self.kept.append(json.loads((await doors.call_tool("hear", {})).text))

        it = agent(one_leaves)
        record = await tried(tmp_path, instance(Relay()), it)
        assert it.kept == [{"heard": None}]
        assert played(tmp_path, instance(Relay()), record).answer is None

    async def test_a_seat_that_crashes_is_the_trials_end(self, tmp_path):
        async def one_crashes(self, task, doors, private):
            if task.seat == "b":
                raise RuntimeError("b is out")
            await doors.call_tool("hear", {})

        record = await tried(tmp_path, instance(Relay()), agent(one_crashes))
        assert (record.cause, record.detail) == ("agent_error", "RuntimeError: b is out")

    async def test_limits_are_those_of_one_agent_times_the_agents_at_once(self, tmp_path):
        async def chatters(self, task, doors, private):
            for _ in range(20):
                await doors.call_tool("tell", {"text": "…"})
                await asyncio.sleep(0)

        record = await tried(tmp_path, instance(Relay()), agent(chatters))
        assert (record.cause, record.tool_calls) == ("tool_calls", 12)

    async def test_after_its_answer_a_seat_can_do_nothing_more(self, tmp_path):
        async def goes_on(self, task, doors, private):
            await hand_in(doors, "x")
            try:
                await doors.call_tool("tell", {"text": "late"})
            except TrialEndedError:
                self.kept.append(task.seat)
                raise

        it = agent(goes_on)
        record = await tried(tmp_path, instance(Relay()), it)
        assert record.cause == "returned"
        assert sorted(it.kept) == ["a", "b"]


class TestSessions:
    async def test_an_agent_killed_in_the_first_has_only_its_store_in_the_second(self, tmp_path):
        async def remembers(self, task, doors, private):
            self.kept.append((task.seat, task.store.text))
            if task.seat == "s1":
                task.store.text = "item OAK"
                await doors.call_tool("book", {"item": "OAK"})
                self.kept.append("never reached")
            items = json.loads((await doors.call_tool("booked", {})).text)["items"]
            await hand_in(doors, token() if items == ["OAK"] else "")

        it = agent(remembers)
        record = await tried(tmp_path, instance(Diary()), it)
        assert it.kept == [("s1", ""), ("s2", "item OAK")]
        assert record.cause == "returned"
        assert [n["kind"] for n in events(tmp_path, "note")] == ["session", "killed", "session"]
        seen = played(tmp_path, instance(Diary()), record)
        assert seen.final["done"] == ["OAK"]
        assert seen.answer.values == {"token": token()}

    async def test_a_swallowed_end_does_not_let_a_killed_agent_go_on(self, tmp_path):
        async def will_not_go(self, task, doors, private):
            if task.seat == "s2":
                return
            for _ in range(3):
                try:
                    await doors.call_tool("book", {"item": "OAK"})
                except TrialEndedError:
                    self.kept.append("shut")

        it = agent(will_not_go)
        await tried(tmp_path, instance(Diary()), it)
        assert it.kept == ["shut"] * 3
        assert len(events(tmp_path, "tool_call")) == 1

    async def test_what_the_first_session_says_is_not_sent_to_the_second(self, tmp_path):
        async def reads(self, task, doors, private):
            self.kept.append(task.instruction)

        it = agent(reads)
        await tried(tmp_path, instance(Diary()), it)
        first, second = it.kept
        assert "OAK" in first
        assert "OAK" not in second
        (start,) = events(tmp_path, "start")
        assert [seat["instruction"] for seat in start["seats"]] == it.kept

    async def test_one_session_has_no_store(self, tmp_path):
        async def looks(self, task, doors, private):
            self.kept.append(task.store)

        it = agent(looks)
        await tried(tmp_path, instance(Shop()), it)
        assert it.kept == [None]

    async def test_a_crash_in_a_session_is_the_last(self, tmp_path):
        async def crashes(self, task, doors, private):
            self.kept.append(task.seat)
            raise RuntimeError("out")

        it = agent(crashes)
        record = await tried(tmp_path, instance(Diary()), it)
        assert (it.kept, record.cause) == (["s1"], "agent_error")
        state = json.loads(state_path(tmp_path, "t1").read_bytes())
        assert state["session"] == 1  # every session has begun at the end


async def test_a_fault_is_in_the_transcript_and_is_never_the_suites(tmp_path):
    async def tries_once(self, task, doors, private):
        self.kept.append(await doors.call_tool("put", {"item": "OAK"}))
        await hand_in(doors, "x")

    given = instance(Shop(), Fault("put", 1, "timeout_done"))
    it = agent(tries_once)
    record = await tried(tmp_path, given, it)
    assert (record.outcome, record.cause) == ("completed", "returned")
    assert it.kept[0].is_error
    (call,) = events(tmp_path, "tool_call")
    assert (call["error"], call["fault"]) == ("timeout", "timeout_done")
    assert replay_difference(played(tmp_path, given, record)) is None


async def test_new_tools_and_notices_come_with_the_reply(tmp_path):
    async def shifts(self, task, doors, private):
        self.kept.append(await doors.call_tool("reserve", {"slot": "A"}))
        self.kept.append(await doors.call_tool("price", {}))

    it = agent(shifts)
    await tried(tmp_path, instance(Shifting()), it)
    first, second = it.kept
    assert [spec.name for spec in first.tools] == ["reserve", "price", "submit_answer"]
    body = json.loads(first.text)
    assert body["result"] == {"token": token()}
    assert body["notices"][0]["tools_changed"]["removed"] == ["reserve"]
    assert (second.tools, json.loads(second.text)) == (None, {"price": 1})


async def test_a_forged_seat_fault_or_notice_does_not_replay(tmp_path):
    import msgspec

    given = instance(Shop())
    record = await tried(tmp_path, given, BuiltinAgent("oracle", lambda _: None))
    seen = played(tmp_path, given, record)
    for change in ({"seat": "ghost"}, {"fault": "malformed"}, {"notices": [1]}):
        calls = tuple(msgspec.structs.replace(call, **change) for call in seen.calls)
        assert replay_difference(seen.__class__(given, seen.initial, seen.final, calls, None))
