"""Seats and sessions at odds with the rules: agents that do several things at once, or too much."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Annotated

import msgspec
import pytest

from conformance.agents.builtin import BuiltinAgent
from conformance.agents.contract import Limits, ModelFaultError, TrialEndedError
from conformance.authoring import WAIT, Answer, Fault, tool
from conformance.authoring.answer import same_answer
from conformance.trial.chain import read_chain
from conformance.trial.life import life_problem
from conformance.trial.run import run_trial, transcript_path
from conformance.trial.sealed import read_events, read_played, replay
from tests.fakes.agents import FakeAgent, model_call
from tests.fakes.families import (
    Diary,
    DiaryWorld,
    Relay,
    Shifting,
    ShiftingWorld,
    Shop,
    ShopWorld,
    instance,
    token,
)
from tests.trial.test_seats import hand_in

FEW = Limits(wall_s=120.0, tool_calls=10)


class Tried:
    """A trial that ended, and what a re-grade makes of it."""

    def __init__(self, given, record, run):
        self.given, self.record = given, record
        self.told = read_events(transcript_path(run, "t1"), record.transcript_head)
        self.played = read_played(given, run, "t1", record.transcript_head)
        self.events = list(read_chain(transcript_path(run, "t1")))

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    @property
    def problem(self):
        again = replay(self.played)
        return again.difference or life_problem(self.told.events, self.given.seats, again.killed)


async def attempt(tmp_path, given, agent, limits=FEW):
    for name in ("transcripts", "states"):
        (tmp_path / name).mkdir(exist_ok=True)
    record = await run_trial(
        given, agent, trial="t1", run=tmp_path, limits=limits, redact=lambda line: line
    )
    return Tried(given, record, tmp_path)


async def tell_later(doors):
    await asyncio.sleep(0.05)
    await doors.call_tool("tell", {"text": "now"})


class TestCallsThatWait:
    async def test_one_that_waits_does_not_go_on_after_its_seat_s_answer(self, tmp_path):
        answered = asyncio.Event()

        async def answers_meanwhile(self, task, doors, private):
            if task.seat == "a":
                await answered.wait()
                await doors.call_tool("tell", {"text": "now"})
            else:
                waits = asyncio.create_task(doors.call_tool("hear", {}))
                await asyncio.sleep(0.01)
                await hand_in(doors, "x")
                answered.set()
                with pytest.raises(TrialEndedError):
                    await waits
            if task.seat == "a":
                await hand_in(doors, "x")

        tried = await attempt(tmp_path, instance(Relay()), FakeAgent(answers_meanwhile))
        assert tried.record.cause == "returned"
        assert [call["seat"] for call in tried.of("tool_call")] == ["a"]
        assert tried.problem is None

    async def test_nor_after_its_agent_returned(self, tmp_path):
        async def leaves_it(self, task, doors, private):
            if task.seat == "a":
                await tell_later(doors)
            else:
                self.kept.append(asyncio.create_task(doors.call_tool("hear", {})))
                await asyncio.sleep(0.01)

        it = FakeAgent(leaves_it)
        tried = await attempt(tmp_path, instance(Relay()), it)
        assert [call["seat"] for call in tried.of("tool_call")] == ["a"]
        assert isinstance(it.kept[0].exception(), TrialEndedError)

    async def test_two_of_one_seat_both_come_back(self, tmp_path):
        async def hears_twice(self, task, doors, private):
            if task.seat == "a":
                await tell_later(doors)
                await doors.call_tool("tell", {"text": "again"})
                return
            replies = await asyncio.gather(*(doors.call_tool("hear", {}) for _ in range(2)))
            self.kept += sorted(json.loads(reply.text)["heard"] for reply in replies)

        it = FakeAgent(hears_twice)
        tried = await attempt(tmp_path, instance(Relay()), it)
        assert it.kept == ["again", "now"]
        assert tried.record.cause == "returned"
        assert tried.problem is None

    async def test_a_seat_that_answered_keeps_nobody_waiting(self, tmp_path):
        heard = asyncio.Event()

        async def idles_after_its_answer(self, task, doors, private):
            if task.seat == "a":
                await hand_in(doors, "x")
                await heard.wait()  # for ever, if that waited for this
                return
            self.kept.append(json.loads((await doors.call_tool("hear", {})).text))
            heard.set()
            await hand_in(doors, "x")

        it = FakeAgent(idles_after_its_answer)
        tried = await attempt(tmp_path, instance(Relay()), it)
        assert it.kept[0] == {"heard": None}
        assert len(tried.of("tool_call")) == 1
        assert tried.record.cause == "returned"

    async def test_one_that_its_agent_gave_up_counts_as_waiting_no_more(self, tmp_path):
        gave_up = asyncio.Event()

        async def is_impatient(self, task, doors, private):
            if task.seat == "b":
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(doors.call_tool("hear", {}), 0.02)
                gave_up.set()
                await tell_later(doors)
                return
            await gave_up.wait()
            self.kept.append(json.loads((await doors.call_tool("hear", {})).text))

        it = FakeAgent(is_impatient)
        await attempt(tmp_path, instance(Relay()), it)
        assert it.kept == [{"heard": "now"}]

    @pytest.mark.parametrize("kind", ["malformed", "timeout_done", "rate_limited", "timeout_lost"])
    async def test_a_fault_meets_the_same_call_however_often_others_waited(self, tmp_path, kind):
        class Faulty(Relay):
            def faults(self, scenario):
                return (Fault("hear", 2, kind, 1),)

        async def talks(self, task, doors, private):
            if task.seat == "a":
                for _ in range(3):
                    await asyncio.sleep(0.02)
                    await doors.call_tool("price", {})  # a move, and nothing to hear
                for text in ("one", "two", "three"):
                    await doors.call_tool("tell", {"text": text})
            else:
                for _ in range(3):
                    self.kept.append(await doors.call_tool("hear", {}))

        it = FakeAgent(talks)
        tried = await attempt(tmp_path, instance(Faulty()), it, Limits(wall_s=120, tool_calls=30))
        assert [c["fault"] for c in tried.of("tool_call") if c.get("fault")] == [kind]
        assert [c.get("fault") for c in tried.of("tool_call") if c["name"] == "hear"][1] == kind
        assert tried.problem is None


class TestWhoIsToBlame:
    @pytest.mark.parametrize("hook", ["has_killed", "begin", "notices", "snapshot"])
    async def test_a_world_that_fails_in_a_hook_is_the_suite_s_fault(
        self, tmp_path, hook, monkeypatch
    ):
        def broken(self, *_):
            raise KeyError("own")

        given = instance(Diary())

        async def books(self, task, doors, private):
            if hook == "snapshot":
                monkeypatch.setattr(DiaryWorld, hook, broken)
            await doors.call_tool("book", {"item": "OAK"})

        if hook != "snapshot":
            monkeypatch.setattr(DiaryWorld, hook, broken)
        for name in ("transcripts", "states"):
            (tmp_path / name).mkdir()
        record = await run_trial(
            given,
            FakeAgent(books),
            trial="t1",
            run=tmp_path,
            limits=FEW,
            redact=lambda line: line,
        )
        assert (record.outcome, record.cause) == ("harness_fault", "suite_error")
        assert "KeyError: 'own'" in record.detail

    @pytest.mark.parametrize(("is_up", "cause"), [(False, "endpoint_down"), (True, "tool_calls")])
    async def test_an_endpoint_that_one_seat_lost_outranks_the_other_s_limit(
        self, tmp_path, is_up, cause
    ):
        async def one_is_down(self, task, doors, private):
            if task.seat == "a":
                raise ModelFaultError("server_error", "HTTP 503", status=503, retries=5)
            while True:
                await doors.call_tool("tell", {"text": "anybody?"})
                await asyncio.sleep(0)

        agent = FakeAgent(one_is_down, is_up=is_up)
        tried = await attempt(tmp_path, instance(Relay()), agent)
        assert tried.record.cause == cause


class TestLimits:
    async def test_a_model_call_under_way_at_the_end_is_metered_all_the_same(self, tmp_path):
        async def thinks_on(self, task, doors, private):
            doors.before_model_call()
            await asyncio.sleep(0.02 if task.seat == "a" else 0.05)
            doors.after_model_call(model_call(tokens=100))

        limits = Limits(wall_s=120, tokens=30)
        tried = await attempt(tmp_path, instance(Relay()), FakeAgent(thinks_on), limits)
        assert (tried.record.cause, tried.record.input_tokens) == ("tokens", 200)
        assert len(tried.of("limit")) == 1
        assert tried.problem is None


class TestWhatAnAgentIsGiven:
    async def test_new_tools_that_it_rewrites_change_no_rule(self, tmp_path):
        async def rewrites(self, task, doors, private):
            first = await doors.call_tool("reserve", {"slot": "A"})
            for spec in first.tools:
                spec.parameters.clear()
            self.kept.append(await doors.call_tool("reserve", {"number": "not one"}))

        it = FakeAgent(rewrites)
        await attempt(tmp_path, instance(Shifting()), it)
        assert it.kept[0].is_error
        assert ShiftingWorld.tool_specs()["price"].parameters

    async def test_agents_at_work_at_once_share_no_store(self, tmp_path):
        class Both(Relay):
            def sessions(self, scenario):
                return (("a", "b"), ("c", "d"))

            def instruction_at(self, scenario, seat, lang, wording):
                return f"You are {seat}."

        async def whispers(self, task, doors, private):
            self.kept.append((task.seat, task.store.text))
            task.store.text += task.seat
            await asyncio.sleep(0)

        it = FakeAgent(whispers)
        await attempt(tmp_path, instance(Both()), it)
        assert it.kept == [("a", ""), ("b", ""), ("c", "a"), ("d", "b")]

    async def test_a_note_in_the_suite_s_name_is_told_apart(self, tmp_path):
        async def claims(self, task, doors, private):
            doors.note("killed")
            await doors.call_tool("booked", {})

        tried = await attempt(tmp_path, instance(Diary()), FakeAgent(claims))
        kinds = [note["kind"] for note in tried.of("note")]
        assert kinds == ["session", "agent: killed"] * 2
        assert tried.problem is None


async def test_wait_stays_where_tools_drift(tmp_path):
    async def drifts(self, task, doors, private):
        first = await doors.call_tool("reserve", {"slot": "A"})
        self.kept.append([spec.name for spec in first.tools])
        self.kept.append(await doors.call_tool("wait", {"seconds": 3}))

    it = FakeAgent(drifts)
    given = instance(Shifting(), Fault("price", 1, "malformed"))
    assert WAIT in given.seats[0].tools
    tried = await attempt(tmp_path, given, it)
    assert it.kept[0] == ["reserve", "price", "wait", "submit_answer"]
    assert not it.kept[1].is_error
    assert tried.problem is None


class LuckyWorld(ShopWorld):
    throws = 0

    @tool("read", volatile=True)
    def throw(self, of: Annotated[int, msgspec.Meta(ge=2)] = 6) -> dict[str, int]:
        """Throw a die."""
        LuckyWorld.throws += 1
        return {"of": of, "shows": LuckyWorld.throws}


class Lucky(Shop):
    id = "lucky"
    kind = LuckyWorld


@pytest.mark.parametrize(
    "kind", ["malformed", "timeout_done", "timeout_lost", "rate_limited", "stale", "duplicate"]
)
async def test_a_volatile_tool_that_a_fault_meets_replays(tmp_path, kind):
    async def throws(self, task, doors, private):
        await doors.call_tool("put", {"item": "OAK"})
        for _ in range(4):
            await doors.call_tool("throw", {})
        await doors.call_tool("throw", {"of": 0})
        await doors.call_tool("look", {})

    given = instance(Lucky(), Fault("throw", 2, kind, 1), Fault("look", 1, "duplicate"))
    tried = await attempt(tmp_path, given, FakeAgent(throws))
    assert [c.fault for c in tried.played.calls if c.name == "throw"][1] == kind
    assert tried.played.calls[-1].fault == "duplicate"
    assert tried.problem is None


async def test_a_script_whose_seat_is_killed_early_lets_the_next_session_go_on(tmp_path):
    class TooMuch(Diary):
        def oracle(self, scenario, act):
            act.of("s1")("book", item="OAK")
            act.of("s1")("booked")  # never made: it was killed before
            act.of("s2")("booked")
            return Answer("done", None, {"token": token()})

    agent = BuiltinAgent("oracle", lambda _: None)
    tried = await attempt(tmp_path, instance(TooMuch()), agent)
    assert tried.record.cause == "returned"
    assert [call["seat"] for call in tried.of("tool_call")] == ["s1", "s2"]
    assert tried.problem is None


def test_a_number_and_its_text_are_one_answer_whoever_gave_which():
    number, text = (Answer("done", None, {"n": value}) for value in (25, "25"))
    assert same_answer(number, text)
    assert same_answer(text, number)
    assert not same_answer(text, Answer("done", None, {"n": 26}))


KINDS = ("timeout_lost", "timeout_done", "rate_limited", "malformed", "stale", "duplicate")


async def does_anything(self, task, doors, private):
    """Call, answer and think at random, several things at once, some given up half-way."""
    luck = random.Random(self.name + task.seat)
    seat = next(seat for seat in private.seats if seat.name == task.seat)
    given = {"text": "now", "word": "now", "item": "OAK", "slot": "A", "number": 1}

    async def one():
        chance = luck.random()
        await asyncio.sleep(luck.choice((0, 0, 0.001)))
        if chance < 0.1:
            doors.before_model_call()
            await asyncio.sleep(luck.choice((0, 0.002)))
            doors.after_model_call(model_call(tokens=luck.randint(0, 20)))
        elif chance < 0.2:
            await hand_in(doors, status=luck.choice(("done", "maybe")))
        else:
            spec = luck.choice(seat.tools)
            fits = {name: given.get(name, 2) for name in spec.parameters["properties"]}
            await asyncio.wait_for(doors.call_tool(spec.name, fits), luck.choice((0.002, None)))

    for _ in range(luck.randint(1, 15)):
        many = luck.randint(1, 3)
        await asyncio.gather(*(one() for _ in range(many)), return_exceptions=many > 1)


@pytest.mark.parametrize("family", [Relay, Diary, Shop, Shifting, Lucky])
async def test_whatever_agents_do_at_once_the_trial_replays_and_keeps_the_rules(tmp_path, family):
    for number in range(12):
        luck = random.Random(f"{family.__name__}{number}")
        tools = list(family.kind.tool_specs())
        faults = tuple(
            Fault(luck.choice(tools), luck.randint(1, 3), luck.choice(KINDS), luck.randint(1, 3))
            for _ in range(luck.randint(0, 4))
        )

        limits = Limits(120.0, luck.choice((2, 10)), luck.choice((30, 900)), luck.choice((3, 30)))
        agent = FakeAgent(does_anything, name=str(number))
        run = tmp_path / str(number)
        run.mkdir()
        tried = await attempt(run, instance(family(), *faults), agent, limits)
        assert tried.record.cause not in ("suite_error", "wall_time")
        assert tried.problem is None
