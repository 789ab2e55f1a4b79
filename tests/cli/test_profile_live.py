"""Live mode: real graded trials at a concurrency, and their window read back by a stranger."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from conformance.agents.chat import ChatAgent
from conformance.campaign.entries import Opened, Resumed, Stopped, TrialDone, TrialStarted
from conformance.campaign.journal import read_journal
from conformance.campaign.run import Settings
from conformance.cli.profile_live import run_live
from conformance.decision.spec import Claim
from conformance.errors import AgentUnavailableError, EvidenceInvalidError, UsageError
from conformance.evidence.verify import audit_bundle
from conformance.evidence.window import Clocks, LiveWindow, clocked, window_of_bundle
from conformance.profile.document import Inputs
from conformance.profile.recorded import read_recorded
from conformance.profile.solved import NS, Span, busy_span, solved_point
from tests.campaign.campaigns import bundle, campaign
from tests.fakes import endpoint as fake
from tests.fakes.agents import FakeAgent, make, miniature, solve, submit
from tests.fakes.endpoint import FakeEndpoint, call, calls, submits

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.agents.contract import Agent, Doors, TaskView
    from conformance.authoring import Instance

SETTINGS = Settings(seed="a text", claim=Claim(level="L1"))


def live(
    out: Path, agent: str = "answers_right", at: tuple[int, ...] = (2,), **more: Any
) -> list[LiveWindow]:
    more.setdefault("trials", 12)
    settings = more.pop("settings", SETTINGS)
    return run_live(miniature(), lambda: make(agent), settings, at, out, **more)


def keys(window: LiveWindow) -> list[str]:
    """Return what was tried, in the order of the beginnings."""
    from pathlib import Path

    entries = read_journal(Path(window.folder) / "run")
    return [entry.key for entry in entries if isinstance(entry, TrialStarted)]


def test_an_agent_that_is_right_solves_all_and_one_that_is_wrong_none(tmp_path: Path) -> None:
    (right,) = live(tmp_path / "right")
    (wrong,) = live(tmp_path / "wrong", "answers_wrong")
    good = solved_point(right.window, None, Inputs(price_per_hour=1.0))
    assert (good.trials, good.solved, good.solve_rate) == (12, 12, 1.0)
    assert (good.solved_per_hour or 0) > 0
    assert good.money_per_solved_task is not None
    bad = solved_point(wrong.window, None, Inputs(price_per_hour=1.0))
    assert (bad.trials, bad.solved, bad.solve_rate) == (12, 0, 0.0)
    # It was as fast, and that bought it nothing.
    assert bad.solved_per_hour == 0.0
    assert (bad.j_per_solved_task, bad.money_per_solved_task) == (None, None)


def test_each_concurrency_tries_the_same_instances_whatever_comes_out(tmp_path: Path) -> None:
    one, four = live(tmp_path / "a", at=(1, 4))
    (wrong,) = live(tmp_path / "b", "answers_wrong", at=(3,))
    assert keys(one) == keys(four) == keys(wrong)
    assert len(set(keys(one))) == 12
    assert (one.window.concurrency, four.window.concurrency) == (1, 4)
    assert one.window.bundle != four.window.bundle


def test_without_a_seed_one_is_drawn_for_all_concurrencies(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SETTINGS, seed=None)
    one, two = live(tmp_path / "a", at=(1, 2), settings=settings)
    (other,) = live(tmp_path / "b", at=(1,), settings=settings)
    assert keys(one) == keys(two)
    assert keys(one) != keys(other)


def test_the_sample_takes_the_clauses_of_the_levels_in_reach_by_turns(tmp_path: Path) -> None:
    (low,) = live(tmp_path / "low")
    (all_levels,) = live(
        tmp_path / "all", settings=msgspec.structs.replace(SETTINGS, claim=Claim())
    )
    assert set(keys(low)[:2]) < set(keys(all_levels))
    assert keys(low) != keys(all_levels)


def test_what_is_left_is_a_bundle_that_an_auditor_confirms(tmp_path: Path) -> None:
    for claim, trials in (("L1", 12), ("L2", 3), ("L1", 300), (None, 100)):
        settings = msgspec.structs.replace(SETTINGS, claim=Claim(level=claim))
        (found,) = live(tmp_path / f"{claim}-{trials}", trials=trials, settings=settings)
        audit = audit_bundle(tmp_path / f"{claim}-{trials}" / "trials-2", miniature())
        assert audit.problems == []
        assert audit.bundle == found.window.bundle
        assert audit.replayed == len(found.window.trials)


def test_a_stranger_reads_the_same_window_from_the_bundle_alone(tmp_path: Path) -> None:
    (found,) = live(tmp_path / "a", "answers_after_a_random_while", trials=24)
    again = window_of_bundle(tmp_path / "a" / "trials-2", miniature())
    assert again.window.trials == found.window.trials
    assert again.window.concurrency == 2
    assert again.window.bundle == found.window.bundle
    assert again.monotonic is None
    ours, theirs = (solved_point(w.window, None, Inputs()) for w in (found, again))
    assert ours.solved_per_hour == theirs.solved_per_hour
    assert 0 < ours.solved < ours.trials == 24


def test_times_are_the_journals_and_by_the_power_logs_clock_too(tmp_path: Path) -> None:
    before = Clocks.now()
    (found,) = live(tmp_path / "a")
    after = Clocks.now()
    entries = read_journal(tmp_path / "a" / "trials-2" / "run")
    done = {e.record.trial: e.time for e in entries if isinstance(e, TrialDone)}
    assert sorted(round(at * NS) for at in done.values()) == sorted(
        trial.ended_ns for trial in found.window.trials
    )
    span = busy_span(found.window.trials, 2)
    assert span is not None
    assert found.monotonic is not None
    assert found.monotonic.seconds == pytest.approx(span.seconds, abs=1e-6)
    assert before.monotonic_ns <= found.monotonic.start_ns
    assert found.monotonic.end_ns <= after.monotonic_ns
    assert found.window.cpu_share is not None
    assert 0 < found.window.cpu_share <= 1.5


def test_a_wall_clock_that_is_set_meanwhile_is_told(tmp_path: Path) -> None:
    (found,) = live(tmp_path / "a")
    span = busy_span(found.window.trials, 2)
    assert span is not None
    before = Clocks(unix_ns=span.start_ns - 5, monotonic_ns=100)
    step = clocked(
        found, before, Clocks(span.end_ns + 7 + 2 * NS, 100 + span.end_ns - before[0] + 7)
    )
    assert step.window.clock_step_s == pytest.approx(2.0)
    assert step.monotonic == Span(105, 105 + span.end_ns - span.start_ns)


def test_time_ends_the_beginning_of_trials_and_none_is_cut(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SETTINGS, max_time_s=0.05)
    (found,) = live(tmp_path / "a", "answers_slowly", at=(3,), trials=None, settings=settings)
    trials = found.window.trials
    assert len(trials) >= 3
    assert all(trial.counts and trial.is_solved for trial in trials)
    begun = [trial.began_ns for trial in trials]
    assert (max(begun) - min(begun)) / NS < 5.0


def test_a_sample_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs an end"):
        live(tmp_path / "a", trials=None)
    assert not (tmp_path / "a").exists()


def test_a_second_run_in_the_same_folder_has_folders_of_its_own(tmp_path: Path) -> None:
    live(tmp_path / "a")
    (again,) = live(tmp_path / "a")
    assert again.folder == str(tmp_path / "a" / "trials-2-2")


def test_an_endpoint_that_goes_down_ends_it_with_the_evidence_kept(tmp_path: Path) -> None:
    with pytest.raises(AgentUnavailableError, match="the endpoint is down"):
        live(tmp_path / "a", "endpoint_down")
    entries = read_journal(tmp_path / "a" / "trials-2" / "run")
    assert isinstance(entries[-1], Stopped)
    assert "down" in entries[-1].reason


def test_a_stop_by_the_user_leaves_a_journal_that_says_so(tmp_path: Path) -> None:
    async def interrupts(agent: Any, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        if len(agent.trials) > 4:
            (whole,) = (t for t in asyncio.all_tasks() if t.get_coro().__name__ == "_live")
            whole.cancel()
            await asyncio.sleep(5)
        await solve(doors, private)

    agent = FakeAgent(interrupts)
    with pytest.raises(asyncio.CancelledError):
        run_live(miniature(), lambda: agent, SETTINGS, [2], tmp_path / "a", trials=12)
    entries = read_journal(tmp_path / "a" / "trials-2" / "run")
    assert isinstance(entries[-1], Stopped)
    assert entries[-1].reason == "interrupted"
    begun = [entry for entry in entries if isinstance(entry, TrialStarted)]
    assert len(begun) == len(agent.trials) < 12


def test_a_trial_that_the_suite_fails_is_repeated_and_counts_for_nothing(tmp_path: Path) -> None:
    agent = FakeAgent(fails_once, evidence_class="model-only")
    (found,) = run_live(miniature(), lambda: agent, SETTINGS, [2], tmp_path / "a", trials=12)
    assert [trial.counts for trial in found.window.trials].count(False) == 1
    point = solved_point(found.window, None, Inputs())
    assert (point.trials, point.solved) == (12, 12)
    assert len(set(keys(found))) == 12
    assert len(keys(found)) == 13


async def fails_once(agent: Any, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
    if not agent.kept:
        agent.kept.append(task.trial_id)
        raise ValueError("the suite's own")
    await solve(doors, private)


def test_a_suite_that_fails_too_often_is_told(tmp_path: Path) -> None:
    async def fails(agent: Any, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        raise ValueError("the suite's own")

    agent = FakeAgent(fails, evidence_class="model-only")
    with pytest.raises(AgentUnavailableError, match="faults of the suite"):
        run_live(miniature(), lambda: agent, SETTINGS, [2], tmp_path / "a", trials=12)


def test_the_bundle_of_a_campaign_has_a_window_too(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "b", "answers_after_a_random_while", concurrency=3)
    found = window_of_bundle(folder, miniature())
    counted = [trial for trial in found.window.trials if trial.counts]
    assert found.window.concurrency == 3
    assert 0 < sum(trial.is_solved for trial in counted) < len(counted)
    # The same trials are solved as the graders of its clauses saw.
    lines = (folder / "results" / "observations.jsonl").read_text().splitlines()
    seen = {
        one["trial"]: one["value"] for one in map(json.loads, lines) if one["clause"][:2] == "L1"
    }
    entries = read_journal(folder / "run")
    trials = [e.record.trial for e in entries if isinstance(e, TrialDone)]
    solved = {
        trial: timed.is_solved
        for trial, timed in zip(trials, found.window.trials, strict=True)
        if trial in seen
    }
    assert solved == {trial: value == 1 for trial, value in seen.items()}


def test_of_a_campaign_that_was_resumed_the_longer_sitting_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    with pytest.raises(AgentUnavailableError):
        campaign(folder, FakeAgent(down_after_three, is_up=False, name="same"), concurrency=1)
    agent = FakeAgent(right, name="same")
    campaign(folder, agent, resume=True, concurrency=1)
    from tests.campaign.campaigns import sealed

    sealed(folder, agent)
    entries = read_journal(folder / "run")
    resumed = next(entry for entry in entries if isinstance(entry, Resumed))
    found = window_of_bundle(folder, miniature())
    assert min(trial.began_ns for trial in found.window.trials) > resumed.time * NS
    done = [e for e in entries if isinstance(e, TrialDone) and e.time > resumed.time]
    assert len(found.window.trials) == len(done)


async def right(agent: Any, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
    await solve(doors, private)


async def down_after_three(agent: Any, task: TaskView, doors: Doors, private: Any) -> None:
    from tests.fakes.agents import endpoint_fails

    if len(agent.trials) > 3:
        await endpoint_fails(agent, task, doors, private)
    await solve(doors, private)


def test_a_folder_without_a_campaign_has_no_window(tmp_path: Path) -> None:
    with pytest.raises(EvidenceInvalidError):
        window_of_bundle(tmp_path, miniature())


@pytest.mark.parametrize(
    ("tokens", "told"), [(7, 7), (0, None)], ids=["told", "an endpoint that tells no usage"]
)
def test_tokens_are_those_that_were_metered(tmp_path: Path, tokens: int, told: int | None) -> None:
    async def asks(agent: Any, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        from tests.fakes.agents import model_call

        doors.before_model_call()
        made = msgspec.structs.replace(model_call(tokens=50), output_tokens=tokens)
        doors.after_model_call(made)
        await submit(doors, {"receipt": "made up"})

    agent = FakeAgent(asks)
    (found,) = run_live(miniature(), lambda: agent, SETTINGS, [1], tmp_path / "a", trials=3)
    assert [trial.output_tokens for trial in found.window.trials] == [told] * 3


def test_an_agent_without_a_model_has_no_tokens(tmp_path: Path) -> None:
    (found,) = live(tmp_path / "a")
    assert {trial.input_tokens for trial in found.window.trials} == {None}


def test_a_model_behind_an_endpoint_is_tried_live_and_can_be_replayed(tmp_path: Path) -> None:
    def step(asked: dict[str, Any]) -> fake.Say:
        if "report_code" in json.dumps(asked.get("tools", [])):
            return fake.canary_called
        if asked["messages"][-1]["role"] == "tool":
            return submits(receipt="made up")
        return calls(call("look", {"lamp": "hall/amber"}))

    with FakeEndpoint(step) as served:

        def agent() -> Agent:
            return ChatAgent(fake.MODEL, served.base_url, key_env="NO_SUCH_KEY", style="native")

        (found,) = run_live(miniature(), agent, SETTINGS, [2], tmp_path / "a", trials=10)
    point = solved_point(found.window, None, Inputs())
    assert (point.trials, point.solved, point.solved_per_hour) == (10, 0, 0.0)
    assert point.output_tokens == 20 * (point.window_trials or 0)
    recorded = read_recorded(tmp_path / "a" / "trials-2")
    assert recorded.bundle == found.window.bundle
    assert [len(session.turns) for session in recorded.sessions] == [2] * 10
    asked = [
        json.loads(json.dumps(request["messages"]))[1]["content"]
        for request in served.requests
        if request["messages"][-1]["role"] != "tool"
    ]
    replayed = [session.turns[0].messages[1].content for session in recorded.sessions]
    assert sorted(replayed) == sorted(asked[-10:])


def test_the_seed_stands_in_the_terms_as_one_that_was_given(tmp_path: Path) -> None:
    live(tmp_path / "a")
    opened = read_journal(tmp_path / "a" / "trials-2" / "run")[0]
    assert isinstance(opened, Opened)
    assert opened.seed_source == "applicant"
