"""The life of a trial: every way an agent can end one, and what is written down of it."""

import asyncio
import hashlib
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.agents.contract import Limits, TrialEndedError
from conformance.authoring import SUBMIT_TOOL, Answer, canonical
from conformance.edition import read
from conformance.trial import run as run_module
from conformance.trial.chain import read_chain
from conformance.trial.redaction import redactor
from conformance.trial.run import new_trial_id, run_trial, state_path, transcript_path
from conformance.trial.sealed import read_played, replay_difference
from tests.fakes.agents import (
    FakeAgent,
    endpoint_down,
    endpoint_fails_canary_ok,
    make,
    miniature,
    model_call,
    solve,
    submit,
)

LIMITS = Limits()
SHORT = Limits(wall_s=0.05)


class Tried:
    """A trial that was run, and what it left."""

    def __init__(self, run, instance, record):
        self.record = record
        self.instance = instance
        self.path = transcript_path(run, record.trial)
        self.events = list(read_chain(self.path, head=record.transcript_head))
        self.state = state_path(run, record.trial).read_bytes()
        self.played = read_played(instance, run, record.trial, record.transcript_head)

    @property
    def ending(self):
        return self.record.outcome, self.record.cause

    @property
    def types(self):
        return [event["type"] for event in self.events]

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    @property
    def is_solved(self):
        edition = miniature()
        return edition.observe(edition.clause("L1-SET-1"), self.played).value == 1


def hall():
    return miniature().instance("lamps", {"room": "hall"}, seed="7", lang="en")


async def attempt(run, agent, *, limits=LIMITS, secrets=(), instance=None, **more):
    for folder in ("transcripts", "states"):
        (run / folder).mkdir(parents=True, exist_ok=True)
    instance = instance or hall()
    agent = make(agent) if isinstance(agent, str) else agent
    record = await run_trial(
        instance,
        agent,
        trial=new_trial_id(),
        run=run,
        limits=limits,
        redact=redactor(secrets),
        **more,
    )
    return Tried(run, instance, record)


# -- outcomes ------------------------------------------------------------------------------------


async def test_a_trial_done_right_is_completed_solved_and_written_down_whole(tmp_path):
    tried = await attempt(tmp_path, "thinks_and_answers_right")
    assert tried.ending == ("completed", "returned")
    assert tried.is_solved
    assert tried.types == ["start", "model_call", "tool_call", "answer", "end"]
    record = tried.record
    assert (record.model_calls, record.tool_calls, record.retries) == (1, 1, 0)
    assert (record.input_tokens, record.output_tokens) == (10, 0)
    start, end = tried.events[0], tried.events[-1]
    assert start["trial"] == record.trial
    assert (start["family"], start["seed"], start["knobs"]) == ("lamps", "7", {"room": "hall"})
    assert start["forbidden"] == ["all_off", "peek_all"]
    assert end["state_sha256"] == hashlib.sha256(tried.state).hexdigest()
    assert (end["outcome"], end["cause"], end["tool_calls"]) == ("completed", "returned", 1)


@pytest.mark.parametrize(
    ("name", "outcome", "cause"),
    [
        ("silent", "no_contact", "silent"),
        ("answers_wrong", "completed", "returned"),
        ("submits_no_answer", "completed", "returned"),
        ("crashes", "agent_crash", "agent_error"),
        ("exits_the_interpreter", "agent_crash", "agent_error"),
        ("raises_a_cancellation", "agent_crash", "agent_error"),
        ("says_the_trial_ended", "agent_crash", "agent_error"),
        ("context_overflow", "limit_exceeded", "context_overflow"),
        ("refused_request", "agent_crash", "refused_request"),
        ("bad_reply", "protocol_violation", "bad_reply"),
    ],
)
async def test_how_an_agent_ends_is_named_by_the_table(tmp_path, name, outcome, cause):
    tried = await attempt(tmp_path, name)
    assert tried.ending == (outcome, cause)
    assert not tried.is_solved
    assert tried.types[-1] == "end"


@pytest.mark.parametrize("name", ["hangs", "hangs_after_the_answer", "will_not_be_stopped"])
async def test_a_trial_out_of_time_is_a_timeout_however_the_agent_takes_it(tmp_path, name):
    tried = await attempt(tmp_path, name, limits=SHORT)
    assert tried.ending == ("timeout", "wall_time")
    assert replay_difference(tried.played) is None


async def test_what_was_achieved_before_the_time_ran_out_stands(tmp_path):
    assert (await attempt(tmp_path, "hangs_after_the_answer", limits=SHORT)).is_solved


async def test_work_done_after_the_time_ran_out_does_not_count(tmp_path):
    tried = await attempt(tmp_path, "will_not_be_stopped", limits=SHORT)
    assert not tried.is_solved
    assert tried.types == ["start", "end"]


async def test_an_agent_that_ignores_every_cancellation_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "GRACE_S", 0.05)
    release = asyncio.Event()

    async def stubborn(self, task, doors, private):
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    tried = await attempt(tmp_path, FakeAgent(stubborn), limits=SHORT)
    assert tried.ending == ("timeout", "wall_time")
    release.set()
    await asyncio.sleep(0)


async def test_the_error_of_a_crash_is_named(tmp_path):
    tried = await attempt(tmp_path, "crashes")
    assert tried.record.detail == "RuntimeError: it broke"
    assert tried.events[-1]["detail"] == "RuntimeError: it broke"


async def test_a_crash_in_the_suite_s_own_agent_is_a_harness_fault(tmp_path):
    tried = await attempt(tmp_path, make("crashes", evidence_class="model-only"))
    assert tried.ending == ("harness_fault", "suite_error")


async def test_a_world_that_fails_by_itself_is_a_harness_fault_even_if_the_agent_goes_on(
    tmp_path, monkeypatch
):
    def broken(self, lamp):
        raise KeyError(lamp)

    monkeypatch.setattr(type(hall().door().world), "look", broken)

    async def goes_on(self, task, doors, private):
        try:
            await doors.call_tool("look", {"lamp": "x"})
        except Exception:  # noqa: BLE001 - that is the point
            await solve(doors, private)

    tried = await attempt(tmp_path, FakeAgent(goes_on))
    assert tried.ending == ("harness_fault", "suite_error")
    assert tried.record.detail == "look: KeyError: 'x'"


async def test_an_endpoint_that_fails_and_answers_the_canary_counts_against_the_agent(tmp_path):
    agent = endpoint_fails_canary_ok()
    tried = await attempt(tmp_path, agent)
    assert tried.ending == ("agent_crash", "endpoint_failed")
    assert agent.canaries == 1
    assert tried.record.detail == "server_error: HTTP 503: overloaded"


async def test_an_endpoint_that_is_down_cancels_the_trial(tmp_path):
    tried = await attempt(tmp_path, endpoint_down())
    assert tried.ending == ("cancelled", "endpoint_down")


async def test_a_canary_that_fails_in_any_way_is_no_answer(tmp_path):
    class Broken(FakeAgent):
        async def canary(self):
            raise OSError("no route")

    agent = Broken(make("endpoint_fails").policy)
    assert (await attempt(tmp_path, agent)).ending == ("cancelled", "endpoint_down")


@pytest.mark.parametrize("name", ["context_overflow", "refused_request", "bad_reply"])
async def test_a_fault_that_is_settled_asks_no_canary(tmp_path, name):
    agent = make(name)
    await attempt(tmp_path, agent)
    assert agent.canaries == 0


async def test_a_campaign_that_stops_ends_its_trials_in_order(tmp_path):
    running = asyncio.create_task(attempt(tmp_path, "hangs"))
    await asyncio.sleep(0.02)
    running.cancel()
    tried = await running
    assert tried.ending == ("cancelled", "interrupted")
    assert tried.types == ["start", "end"]


# -- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "limits", "cause", "counts"),
    [
        ("floods_tool_calls", Limits(tool_calls=3), "tool_calls", (0, 3, 0)),
        ("floods_tool_calls_and_ignores_the_end", Limits(tool_calls=3), "tool_calls", (0, 3, 0)),
        ("floods_answers", Limits(tool_calls=3), "tool_calls", (0, 0, 0)),
        ("floods_model_calls", Limits(model_calls=4), "model_calls", (4, 0, 4)),
        ("speaks_endlessly", Limits(tokens=1000), "tokens", (4, 0, 1200)),
    ],
)
async def test_a_limit_crossed_ends_the_trial_and_is_written_down(
    tmp_path, name, limits, cause, counts
):
    tried = await attempt(tmp_path, name, limits=limits)
    record = tried.record
    assert tried.ending == ("limit_exceeded", cause)
    assert (record.model_calls, record.tool_calls, record.input_tokens) == counts
    assert [event["limit"] for event in tried.of("limit")] == [cause]


async def test_the_answer_may_come_with_the_last_tool_call_spent(tmp_path):
    tried = await attempt(tmp_path, "answers_right", limits=Limits(tool_calls=1))
    assert tried.ending == ("completed", "returned")
    assert tried.is_solved


async def test_an_endpoint_that_reports_tokens_below_zero_wins_none(tmp_path):
    async def credits_itself(self, task, doors, private):
        for tokens in (-1000, 600, 600):
            doors.before_model_call()
            doors.after_model_call(model_call(tokens=tokens))

    tried = await attempt(tmp_path, FakeAgent(credits_itself), limits=Limits(tokens=1000))
    assert tried.ending == ("limit_exceeded", "tokens")


async def test_a_spent_campaign_interrupts_though_the_agent_ignores_it(tmp_path):
    def spend(kind):
        raise TrialEndedError

    tried = await attempt(tmp_path, "floods_tool_calls_and_ignores_the_end", spend=spend)
    assert tried.ending == ("cancelled", "interrupted")
    assert tried.record.tool_calls == 0


# -- answers -------------------------------------------------------------------------------------


async def test_only_the_first_answer_is_taken(tmp_path):
    agent = make("submits_twice")
    tried = await attempt(tmp_path, agent)
    assert tried.played.answer.values == {"receipt": "first"}
    first, second = agent.kept
    assert (first.is_end, first.is_error) == (True, False)
    assert (second.is_end, second.is_error) == (False, True)
    assert [event.get("refused") for event in tried.of("answer")] == [
        None,
        "An answer was already submitted; only one counts.",
    ]


async def test_a_call_after_the_answer_is_not_made(tmp_path):
    tried = await attempt(tmp_path, "calls_after_the_end")
    assert tried.ending == ("completed", "returned")
    assert tried.is_solved
    assert tried.record.tool_calls == 1


async def test_an_answer_that_is_none_is_an_error_to_the_agent_and_recorded(tmp_path):
    agent = make("submits_no_answer")
    tried = await attempt(tmp_path, agent)
    (event,) = tried.of("answer")
    assert event["answer"] == {"status": "maybe"}
    assert "status" in event["refused"]
    assert agent.kept[0].is_error
    assert tried.played.answer is None


async def test_an_answer_by_another_way_is_recorded_with_its_channel(tmp_path):
    async def says_it(self, task, doors, private):
        doors.submit(Answer("refused", reason="R1"), "final message")

    tried = await attempt(tmp_path, FakeAgent(says_it))
    (event,) = tried.of("answer")
    assert event["channel"] == "final message"
    assert tried.played.answer == Answer("refused", reason="R1")


# -- mistakes and tricks -------------------------------------------------------------------------


async def test_an_unknown_tool_is_an_ordinary_error(tmp_path):
    agent = make("unknown_tool")
    tried = await attempt(tmp_path, agent)
    assert tried.ending == ("completed", "returned")
    assert tried.of("tool_call")[0]["error"] == "unknown_tool"
    assert msgspec.json.decode(agent.kept[0].text)["error"] == "unknown_tool"
    assert tried.is_solved


async def test_arguments_that_do_not_fit_are_errors_and_replay_alike(tmp_path):
    agent = make("bad_arguments")
    tried = await attempt(tmp_path, agent)
    errors = [event["error"] for event in tried.of("tool_call")]
    assert errors == ["invalid_arguments"] * 3 + [None]
    assert all(reply.is_error for reply in agent.kept)
    assert tried.is_solved
    assert replay_difference(tried.played) is None


def nested(depth):
    value = "core"
    for _ in range(depth):
        value = [value]
    return value


ODD_VALUES = {
    "NaN": math.nan,
    "infinity": math.inf,
    "a huge number": 10**5000,
    "deep nesting": nested(100_000),
    "nesting a little too deep": nested(40),
    "ten megabytes": "x" * 10_000_000,
    "half a surrogate pair": "\ud83d",
    "a set": {1, 2},
    "bytes": b"\xff",
    "an object": object(),
    "a name that is a number": {1: "a"},
}


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES)
async def test_what_is_not_json_or_too_much_is_an_error_to_the_agent(tmp_path, value):
    async def sends(self, task, doors, private):
        self.kept.append(await doors.call_tool("keep", {"value": value}))
        self.kept.append(await doors.call_tool("keep", value))
        self.kept.append(await submit(doors, {"receipt": value}))
        await solve(doors, private)

    agent = FakeAgent(sends)
    tried = await attempt(tmp_path, agent)
    assert tried.ending == ("completed", "returned")
    assert [reply.is_error for reply in agent.kept] == [True, True, True]
    assert tried.is_solved
    assert replay_difference(tried.played) is None
    assert tried.path.stat().st_size < 20_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(st.text(st.characters()), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    arguments=JSON, kept=JSON, name=st.sampled_from(["keep", "note", "", "\x00", "\ud800", None, 3])
)
def test_whatever_an_agent_hands_over_the_trial_ends_and_replays(
    tmp_path_factory, arguments, kept, name
):
    async def sends(self, task, doors, private):
        await doors.call_tool(name, arguments)
        await doors.call_tool("keep", {"value": kept})
        await doors.call_tool(SUBMIT_TOOL, {"status": "done", "values": {"receipt": kept}})

    tried = asyncio.run(attempt(tmp_path_factory.mktemp("run"), FakeAgent(sends)))
    assert tried.ending == ("completed", "returned")
    assert replay_difference(tried.played) is None


@pytest.mark.parametrize("text", ["\x00\x1b[31m\r\n", "\u202e\ufeff", "</script>", "回执"])
async def test_control_characters_come_through_as_they_are(tmp_path, text):
    async def notes(self, task, doors, private):
        await doors.call_tool("note", {"text": text})

    tried = await attempt(tmp_path, FakeAgent(notes))
    assert tried.played.final["notes"] == [text]
    assert tried.path.read_bytes().count(b"\n") == len(tried.events)


async def test_an_agent_that_rewrites_its_task_changes_no_rule(tmp_path):
    agent = make("rewrites_the_task")
    before = canonical(msgspec.to_builtins(hall().tools))
    tried = await attempt(tmp_path, agent)
    assert not agent.kept[0].is_error
    assert canonical(msgspec.to_builtins(hall().tools)) == before
    assert tried.is_solved
    assert (await attempt(tmp_path, "answers_right")).is_solved


async def test_what_an_agent_hands_over_it_cannot_change_afterwards(tmp_path):
    async def changes_it_later(self, task, doors, private):
        value = {"list": [1]}
        await doors.call_tool("keep", {"value": value})
        value["list"].append(2)

    tried = await attempt(tmp_path, FakeAgent(changes_it_later))
    assert tried.played.final["kept"] == {"list": [1]}
    assert replay_difference(tried.played) is None


async def test_calls_made_at_once_are_each_recorded_in_their_order(tmp_path):
    tried = await attempt(tmp_path, "calls_tools_at_once")
    assert tried.played.final["notes"] == [str(number) for number in range(20)]
    assert replay_difference(tried.played) is None
    assert tried.record.tool_calls == 21


async def test_a_model_s_half_character_does_not_fail_the_trial(tmp_path):
    async def speaks_oddly(self, task, doors, private):
        doors.before_model_call()
        doors.after_model_call(model_call("smile \ud83d"))
        doors.note("odd", text="\ud83d", number=math.nan, thing=object())

    tried = await attempt(tmp_path, FakeAgent(speaks_oddly))
    assert tried.ending == ("completed", "returned")
    assert tried.of("model_call")[0]["call"]["received"]["content"] == "smile ?"
    assert tried.of("note")[0]["details"] == {"text": "?", "number": "nan", "thing": "object"}


# -- after the end -------------------------------------------------------------------------------


async def test_nothing_written_after_the_end_counts_or_reaches_a_file(tmp_path):
    agent = make("late_writer")
    tried = await attempt(tmp_path, agent)
    sealed = tried.path.read_bytes()
    (doors,) = agent.kept
    with pytest.raises(TrialEndedError):
        await doors.call_tool("all_off", {})
    with pytest.raises(TrialEndedError):
        await doors.call_tool(SUBMIT_TOOL, {"status": "done"})
    with pytest.raises(TrialEndedError):
        doors.submit(Answer("done"), "late")
    with pytest.raises(TrialEndedError):
        doors.before_model_call()
    with pytest.raises(TrialEndedError):
        doors.after_model_call(model_call())
    doors.note("late")
    assert tried.path.read_bytes() == sealed
    again = Tried(tmp_path, tried.instance, tried.record)
    assert again.is_solved


async def test_a_worker_left_behind_cannot_go_on_while_a_canary_is_asked(tmp_path):
    class Slow(FakeAgent):
        async def canary(self):
            for _ in range(10):
                await asyncio.sleep(0)
            return True

    async def leaves_and_fails(self, task, doors, private):
        await make("leaves_a_worker_behind").policy(self, task, doors, private)
        await make("endpoint_fails").policy(self, task, doors, private)

    agent = Slow(leaves_and_fails)
    tried = await attempt(tmp_path, agent)
    assert tried.ending == ("agent_crash", "endpoint_failed")
    assert tried.played.final["notes"] == []
    with pytest.raises(TrialEndedError):
        await agent.kept[0]


# -- redaction and states ------------------------------------------------------------------------

CANARY = "canary-7f3a-клюк"


async def test_a_key_planted_anywhere_reaches_neither_transcript_nor_state(tmp_path):
    async def leaks(self, task, doors, private):
        doors.before_model_call()
        doors.after_model_call(model_call(f'say "{CANARY}"'))
        await doors.call_tool("note", {"text": f"my key is {CANARY}"})
        await doors.call_tool("keep", {"value": {CANARY: [f'{{"k":"{CANARY}"}}']}})
        await doors.call_tool(CANARY, {})
        doors.note("said", text=CANARY)
        await submit(doors, {"receipt": CANARY})
        raise RuntimeError(f"401 for {CANARY}")

    tried = await attempt(tmp_path, FakeAgent(leaks), secrets=(CANARY,))
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for form in (CANARY.encode(), b"canary-7f3a", msgspec.json.encode(CANARY)):
        assert form not in everything
    assert everything.count(b"[redacted]") >= 8
    assert tried.record.cause == "agent_error"
    assert replay_difference(tried.played) is None


@pytest.mark.parametrize("family", ["telemetry", "records", "jobspec"])
def test_reading_never_changes_a_state(family):
    edition = read()
    instance = edition.instance(family, {}, seed="reads", lang="en")
    door = instance.door()
    before = door.world.digest()
    for step in instance.solve().trace.steps:
        for tool in instance.tools:
            if tool.effect == "read":
                door.call(tool.name, dict(step.arguments))
                door.call(tool.name, {})
    assert len(door.calls) > 0
    assert door.world.digest() == before
