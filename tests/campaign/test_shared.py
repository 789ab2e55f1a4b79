"""A campaign that several processes run: shared trials, one journal, the same verdicts."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import time

import msgspec
import pytest

from conformance.campaign import shared
from conformance.campaign.entries import Ended, Resumed, Stopped, TrialDone, TrialStarted
from conformance.campaign.journal import shared_folder
from conformance.campaign.run import Settings
from conformance.campaign.shared import SharedCampaign, begin_session, end_session
from conformance.decision.ladder import EFFICIENCY
from conformance.decision.spec import Claim
from conformance.errors import AgentUnavailableError, EvidenceInvalidError, UsageError
from conformance.trial.chain import StorageError
from tests.campaign.campaigns import (
    bundle,
    campaign,
    counted,
    journal,
    level,
    of,
    problems,
    sealed,
    summary_bytes,
)
from tests.fakes.agents import FakeAgent, make, miniature, solve

PATIENT = "answers_after_a_random_while"
SETTINGS = {"seed": "a seed"}


def clauses(**settings):
    course = shared.plan_course(miniature(), "certify", Settings(**settings).claim)
    return [clause.id for step in (*course.levels, *course.trust) for clause in step.clauses]


def part(out, session, agent=PATIENT, **settings):
    agent = make(agent) if isinstance(agent, str) else agent
    settings = {**SETTINGS, **settings}
    return SharedCampaign(miniature(), agent, Settings(**settings), out, session=session)


async def run_parts(out, orders, agent=PATIENT, *, resume=False, **settings):
    """Settle clauses in each of several orders, at once; return the parts."""
    with begin_session(out, resume=resume) as session:
        parts = [part(out, session, agent, **settings) for _ in orders]

        async def go(mine, order):
            try:
                for clause in order:
                    await mine.settle(clause)
            finally:
                await mine.leave()

        await asyncio.gather(*(go(p, o) for p, o in zip(parts, orders, strict=True)))
        assert end_session(out, session, is_whole=True)
    return parts


def run(out, orders, agent=PATIENT, **more):
    return asyncio.run(run_parts(out, orders, agent, **more))


# -- the same grade ------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 2, 5])
def test_any_number_of_parts_in_any_order_comes_to_the_command_s_summary(tmp_path, width):
    alone = bundle(tmp_path / "alone", PATIENT)
    luck = random.Random(width)
    orders = [luck.sample([*clauses(), EFFICIENCY], len(clauses()) + 1) for _ in range(width)]
    run(tmp_path / "shared", orders)
    sealed(tmp_path / "shared", PATIENT)
    assert summary_bytes(tmp_path / "shared") == summary_bytes(alone)
    assert problems(tmp_path / "shared") == []


def test_each_trial_is_run_once_however_many_need_it(tmp_path):
    run(tmp_path / "c", [[EFFICIENCY]] * 4, claim=Claim(level="L1"))
    entries = journal(tmp_path / "c")
    assert set(counted([e for e in entries if isinstance(e, TrialDone)]).values()) == {1}
    assert len(of(tmp_path / "c", TrialStarted)) == len(of(tmp_path / "c", TrialDone))


def test_the_work_is_shared_out(tmp_path):
    agents = [make(PATIENT), make(PATIENT)]

    async def go():
        with begin_session(tmp_path / "c") as session:
            parts = [part(tmp_path / "c", session, agent, concurrency=1) for agent in agents]
            await asyncio.gather(*(p.settle(EFFICIENCY) for p in parts))
            for p in parts:
                await p.leave()

    asyncio.run(go())
    shares = [len(agent.trials) for agent in agents]
    assert min(shares) > 0.1 * sum(shares)  # how long each trial takes is drawn anew every time


def test_each_part_comes_to_the_same_verdict_on_a_clause(tmp_path):
    first, second = run(tmp_path / "c", [[*clauses(), EFFICIENCY], clauses()[::-1]])
    for clause in clauses():
        assert first.result(clause) == second.result(clause) is not None


def test_a_clause_is_settled_as_soon_as_its_rounds_are_over(tmp_path):
    async def go():
        with begin_session(tmp_path / "c") as session:
            mine = part(tmp_path / "c", session, "answers_right")
            first = clauses()[0]
            assert mine.result(first) is None
            await mine.settle(first)
            assert mine.result(first).verdict == "pass"
            assert mine.result(clauses()[-1]) is None
            assert mine.efficiency is None
            await mine.leave()

    asyncio.run(go())


def test_a_clause_above_a_failed_level_is_settled_without_a_trial(tmp_path):
    (mine,) = run(tmp_path / "c", [[clauses()[-1], EFFICIENCY]], "silent")
    assert mine.result(clauses()[-1]).verdict == "not_run"
    assert mine.efficiency.held is None


def test_language_twins_are_tried_where_they_are_asked_for(tmp_path):
    run(tmp_path / "c", [[EFFICIENCY]] * 2, "answers_right", twins=True, claim=Claim(level="L1"))
    sealed(tmp_path / "c")
    assert json.loads((tmp_path / "c/results/twins.json").read_bytes())["levels"]
    assert problems(tmp_path / "c") == []


# -- what is left --------------------------------------------------------------------------------


def test_nothing_of_the_sharing_is_left_in_the_bundle(tmp_path):
    run(tmp_path / "c", [[EFFICIENCY], [EFFICIENCY]], "answers_right")
    assert sorted(p.name for p in (tmp_path / "c/run").iterdir()) == [
        "journal.jsonl",
        "states",
        "transcripts",
    ]


def test_without_every_clause_there_is_no_end_and_the_command_can_go_on(tmp_path):
    async def go():
        with begin_session(tmp_path / "c") as session:
            mine = part(tmp_path / "c", session, "answers_right")
            await mine.settle(clauses()[0])
            await mine.leave()
            assert not end_session(tmp_path / "c", session, is_whole=False)

    asyncio.run(go())
    assert of(tmp_path / "c", Ended) == []
    assert len(of(tmp_path / "c", Stopped)) == 1
    done = len(of(tmp_path / "c", TrialDone))
    campaign(tmp_path / "c", "answers_right", resume=True)
    assert len(of(tmp_path / "c", Ended)) == 1
    alone = bundle(tmp_path / "alone", "answers_right")
    assert summary_bytes(sealed(tmp_path / "c")) == summary_bytes(alone)
    assert len(of(tmp_path / "c", TrialDone)) > done
    assert problems(tmp_path / "c") == []


def test_a_session_that_reached_no_end_has_nothing_to_seal(tmp_path):
    with begin_session(tmp_path / "c") as session:
        assert not end_session(tmp_path / "c", session, is_whole=True)
    assert not (tmp_path / "c").exists()


def test_a_session_goes_on_from_a_campaign_of_the_command(tmp_path):
    with contextlib.suppress(AgentUnavailableError):
        campaign(tmp_path / "c", _dies_after(5))
    # The fake's name is part of the terms: the same agent goes on.
    run(tmp_path / "c", [[EFFICIENCY], [EFFICIENCY]], _dies_after(10_000), resume=True)
    assert len(of(tmp_path / "c", Resumed)) == 1
    assert level(tmp_path / "c") == level(bundle(tmp_path / "alone", "answers_right"))


def _dies_after(count):
    async def dies(self, task, doors, private):
        if len(self.trials) > count:
            raise_down()
        await solve(doors, private)

    return FakeAgent(dies, name="dies", is_up=False)


def raise_down():
    from conformance.agents.contract import ModelFaultError

    raise ModelFaultError("server_error", "down", status=500, retries=0)


# -- budgets -------------------------------------------------------------------------------------


def test_calls_of_all_parts_count_against_one_budget(tmp_path):
    run(
        tmp_path / "c",
        [[EFFICIENCY], [EFFICIENCY]],
        "thinks_and_answers_right",
        max_calls=20,
        concurrency=1,
    )
    assert of(tmp_path / "c", Ended)[0].reason == "budget"
    spent = sum(entry.record.model_calls for entry in of(tmp_path / "c", TrialDone))
    assert 20 <= spent <= 22  # what is in flight elsewhere is not known yet
    sealed(tmp_path / "c", "thinks_and_answers_right")
    assert problems(tmp_path / "c") == []


def test_a_session_that_goes_on_has_a_budget_of_its_own(tmp_path):
    agent = "thinks_and_answers_right"

    async def begin():
        with begin_session(tmp_path / "c") as session:
            mine = part(tmp_path / "c", session, agent)
            await mine.settle(clauses()[0])
            await mine.leave()
            end_session(tmp_path / "c", session, is_whole=False)

    asyncio.run(begin())
    assert sum(entry.record.model_calls for entry in of(tmp_path / "c", TrialDone)) > 0
    with begin_session(tmp_path / "c", resume=True) as session:
        for journal_ in [_journal(tmp_path, session, agent) for _ in "ab"]:
            assert journal_.spent_elsewhere("model_call") == 0
            journal_.close()


def test_a_deadline_is_the_session_s(tmp_path):
    async def go():
        with begin_session(tmp_path / "c", max_time_s=0.0) as session:
            mine = part(tmp_path / "c", session, "answers_right")
            await mine.settle(clauses()[0])
            await mine.leave()
            assert mine.result(clauses()[0]).reason == "budget"
            assert end_session(tmp_path / "c", session, is_whole=True)

    asyncio.run(go())
    assert of(tmp_path / "c", Ended)[0].reason == "budget"


def test_what_one_part_s_budget_cut_off_counts_as_run_where_another_ran_it(tmp_path):
    async def go():
        with begin_session(tmp_path / "c") as session:
            mine, late = (part(tmp_path / "c", session, "answers_right") for _ in "ab")
            await mine.settle(EFFICIENCY)
            late._schedule.asked, late._schedule.is_cut_short = None, True
            await late.settle(EFFICIENCY)
            for each in (mine, late):
                await each.leave()
            assert end_session(tmp_path / "c", session, is_whole=True)

    asyncio.run(go())
    assert of(tmp_path / "c", Ended)[0].reason == "complete"


# -- processes that die --------------------------------------------------------------------------


def _die_holding_trials(out, session, ready):
    """Take a few trials and stop answering."""

    async def never(self, task, doors, private):
        if len(self.trials) >= 3:
            ready.set()
            await asyncio.sleep(600)
        await solve(doors, private)

    async def go():
        mine = part(out, session, FakeAgent(never, name="answers_right"))
        await mine.settle(EFFICIENCY)

    asyncio.run(go())


def test_the_trials_of_a_killed_process_are_run_by_the_others(tmp_path):
    out = tmp_path / "c"
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    with begin_session(out) as session:
        other = context.Process(target=_die_holding_trials, args=(out, session, ready))
        other.start()
        assert ready.wait(120)
        claims = list((shared_folder(out / "run") / "claims").iterdir())
        assert claims
        other.kill()
        other.join()

        async def go():
            mine = part(out, session, "answers_right")
            await mine.settle(EFFICIENCY)
            await mine.leave()

        asyncio.run(go())
        assert end_session(out, session, is_whole=True)
    assert summary_bytes(sealed(out)) == summary_bytes(bundle(tmp_path / "alone"))
    assert len(of(out, TrialStarted)) > len(of(out, TrialDone))
    assert problems(out) == []


def test_a_line_torn_by_a_kill_is_cut_off_by_the_next_writer(tmp_path):
    async def go():
        with begin_session(tmp_path / "c") as session:
            mine = part(tmp_path / "c", session, "answers_right")
            await mine.settle(clauses()[0])
            with (tmp_path / "c/run/journal.jsonl").open("ab") as file:
                file.write(b'{"seq":99,"type":"tri')
            await mine.settle(EFFICIENCY)
            await mine.leave()
            assert end_session(tmp_path / "c", session, is_whole=True)

    asyncio.run(go())
    sealed(tmp_path / "c")
    assert problems(tmp_path / "c") == []


def _journal(tmp_path, session, agent="answers_right"):
    return part(tmp_path / "c", session, agent)._journal


@pytest.mark.parametrize(
    "written",
    [
        b'{"garbage":1}\n',
        b"no JSON\n",
        b'{"seq":1,"type":"stopped","time":1.0,"reason":"x","prev":"%s"}\n' % (b"0" * 64),
    ],
)
def test_a_line_that_no_part_wrote_ends_the_campaign_in_one_line(tmp_path, written):
    out = tmp_path / "c"
    with begin_session(out) as session:
        held = _journal(tmp_path, session)
        path = out / "run/journal.jsonl"
        with path.open("ab") as file:
            file.write(written)
        with pytest.raises(EvidenceInvalidError, match="was changed while the campaign ran"):
            held.catch_up()
        held.close()


def test_a_journal_that_is_gone_ends_the_campaign_in_one_line(tmp_path):
    out = tmp_path / "c"
    with begin_session(out) as session:
        held = _journal(tmp_path, session)
        (out / "run/journal.jsonl").unlink()
        for look in (held.catch_up, lambda: held.take("0" * 64)):
            with pytest.raises(StorageError, match=r"journal.jsonl"):
                look()
        held.close()


def test_a_claim_is_one_process_s_until_it_is_let_go(tmp_path):
    with begin_session(tmp_path / "c") as session:
        first, second = _journal(tmp_path, session), _journal(tmp_path, session)
        assert first.take("k")
        assert not second.take("k")
        second.let_go("k")  # not its own
        assert not second.take("k")
        first.let_go("k")
        assert second.take("k")
        first.close(), second.close()


@pytest.mark.parametrize(("silent_s", "lapses"), [(10, False), (3600, True)])
def test_a_claim_from_another_host_lapses_when_nothing_is_heard_of_it(tmp_path, silent_s, lapses):
    with begin_session(tmp_path / "c") as session:
        first, second = _journal(tmp_path, session), _journal(tmp_path, session)
        assert first.take("k")
        path = shared_folder(tmp_path / "c/run") / "claims/k"
        second._own = msgspec.structs.replace(second._own, host="elsewhere")
        heard = time.time() - silent_s
        os.utime(path, (heard, heard))
        assert second.take("k") is lapses
        os.utime(path, (heard, heard))
        second.pulse() if lapses else first.pulse()
        assert time.time() - path.stat().st_mtime < 60
        first.close(), second.close()


def test_a_claim_lapses_at_once_where_its_process_is_gone_though_not_yet_buried(tmp_path):
    with begin_session(tmp_path / "c") as session:
        first, second = _journal(tmp_path, session), _journal(tmp_path, session)
        assert first.take("k")
        first.close()  # as the system does for a process that ends, a zombie included
        assert second.take("k")
        second.close()


def test_of_two_that_ran_a_trial_the_late_one_is_not_written(tmp_path):
    with begin_session(tmp_path / "c") as session:
        mine, other = (part(tmp_path / "c", session, "answers_right") for _ in "ab")

        async def go():
            await mine.settle(clauses()[0])
            await mine.leave()

        asyncio.run(go())
        done = of(tmp_path / "c", TrialDone)[0]
        other._journal.trial_done(done.key, done.record)
        asyncio.run(other.leave())
        assert len([e for e in of(tmp_path / "c", TrialDone) if e.key == done.key]) == 1


# -- refusals ------------------------------------------------------------------------------------


def test_two_sessions_in_one_folder_are_refused(tmp_path):
    with (
        begin_session(tmp_path / "c"),
        pytest.raises(UsageError, match="another process"),
        begin_session(tmp_path / "c", resume=True),
    ):
        pass


def test_the_command_is_kept_from_a_folder_that_a_session_runs(tmp_path):
    with begin_session(tmp_path / "c") as session:
        journal_ = _journal(tmp_path, session)
        with pytest.raises(UsageError, match="another process"):
            campaign(tmp_path / "c", "answers_right", resume=True)
        journal_.close()


def test_a_part_on_other_terms_is_refused(tmp_path):
    with begin_session(tmp_path / "c") as session:
        journal_ = _journal(tmp_path, session)
        with pytest.raises(UsageError, match="claim was"):
            part(tmp_path / "c", session, "answers_right", claim=Claim(level="L1"))
        with pytest.raises(UsageError, match="another seed"):
            part(tmp_path / "c", session, "answers_right", seed="another")
        journal_.close()


def test_a_folder_with_a_campaign_is_not_begun_again(tmp_path):
    campaign(tmp_path / "c", "answers_right")
    with pytest.raises(UsageError, match="exists"), begin_session(tmp_path / "c"):
        pass


def test_a_broken_journal_is_said_and_left_as_it_is(tmp_path):
    campaign(tmp_path / "c", "answers_right")
    path = tmp_path / "c/run/journal.jsonl"
    broken = path.read_bytes().replace(b'"trial"', b'"tribl"', 1)
    path.write_bytes(broken)
    with (
        begin_session(tmp_path / "c", resume=True) as session,
        pytest.raises(EvidenceInvalidError),
    ):
        part(tmp_path / "c", session, "answers_right")
    assert path.read_bytes() == broken


def test_an_endpoint_that_goes_down_stops_every_part(tmp_path):
    async def go():
        with begin_session(tmp_path / "c") as session:
            parts = [part(tmp_path / "c", session, make("endpoint_down")) for _ in "ab"]
            for mine in parts:
                with pytest.raises(AgentUnavailableError, match="endpoint is down"):
                    await mine.settle(clauses()[0])
                await mine.leave()
            assert not end_session(tmp_path / "c", session, is_whole=False, why="down")

    asyncio.run(go())
    assert of(tmp_path / "c", Stopped)[0].reason == "down"


def test_leaving_twice_does_nothing(tmp_path):
    async def go():
        with begin_session(tmp_path / "c") as session:
            mine = part(tmp_path / "c", session)
            await mine.leave()
            await mine.leave()

    asyncio.run(go())


def test_with_a_claim_the_ladder_ends_where_the_claim_does(tmp_path):
    run(tmp_path / "c", [[EFFICIENCY]] * 2, claim=Claim(level="L1"))
    assert level(tmp_path / "c") in {"L0", "L1"}
