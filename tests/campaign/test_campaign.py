"""A campaign from its seed to its end: commitment, order, budgets, faults, resume."""

import asyncio
import errno
import hashlib
import os
import random
from pathlib import Path

import msgspec
import pytest

from conformance.agents.contract import Limits
from conformance.campaign.entries import (
    Ended,
    Opened,
    Population,
    Resumed,
    Stopped,
    TrialDone,
    TrialStarted,
)
from conformance.campaign.journal import journal_path
from conformance.campaign.observe import Draws
from conformance.campaign.progress import Silent
from conformance.campaign.run import Settings, run_campaign
from conformance.decision.spec import Claim
from conformance.decision.streams import draw_rider, index_seed
from conformance.edition.course import plan_course
from conformance.errors import (
    AgentUnavailableError,
    ConformanceError,
    EvidenceInvalidError,
    UsageError,
)
from conformance.trial import chain
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
    summary,
    summary_bytes,
)
from tests.fakes.agents import FakeAgent, endpoint_down, make, miniature, solve

PATIENT = "answers_after_a_random_while"


# -- the seed ------------------------------------------------------------------------------------


def test_the_seed_is_committed_before_the_first_trial_and_revealed_at_the_end(tmp_path):
    campaign(tmp_path / "c", seed=None)
    entries = journal(tmp_path / "c")
    opened, ended = entries[0], entries[-1]
    assert isinstance(opened, Opened)
    assert isinstance(ended, Ended)
    seed = bytes.fromhex(ended.seed)
    assert len(seed) * 8 == 256
    assert hashlib.sha256(seed).hexdigest() == opened.seed_sha256
    assert opened.seed_source == "os"
    starts = [n for n, entry in enumerate(entries) if isinstance(entry, TrialStarted)]
    assert starts[0] >= 1
    first_revealed = journal_path(tmp_path / "c/run").read_bytes().index(ended.seed.encode())
    assert first_revealed > journal_path(tmp_path / "c/run").read_bytes().rindex(b"trial_started")


def test_two_campaigns_of_the_operating_system_s_seed_differ(tmp_path):
    seeds = set()
    for name in "ab":
        campaign(tmp_path / name, "silent", seed=None)
        seeds.add(of(tmp_path / name, Ended)[0].seed)
    assert len(seeds) == 2


def test_a_seed_of_any_text_is_its_sha_256_and_is_named_the_applicant_s(tmp_path):
    out = bundle(tmp_path / "c", seed="any text, 任意文本")
    assert summary(out)["seed"] == hashlib.sha256("any text, 任意文本".encode()).hexdigest()
    assert summary(out)["seed_source"] == "applicant"


def test_the_seed_is_in_no_file_that_is_left(tmp_path):
    campaign(tmp_path / "c", seed=None)
    assert not (tmp_path / "c/run/seed.key").exists()


def test_the_seed_of_a_campaign_that_runs_is_for_its_owner_only(tmp_path):
    campaign(tmp_path / "c", max_calls=1, seed=None)  # a budget ends in order
    with pytest.raises(AgentUnavailableError):
        campaign(tmp_path / "d", endpoint_down(), seed=None)
    assert (tmp_path / "d/run/seed.key").stat().st_mode & 0o777 == 0o600


def test_what_each_clause_draws_follows_from_the_seed(tmp_path):
    campaign(tmp_path / "c")
    seed = hashlib.sha256(b"a seed").digest()
    starts = of(tmp_path / "c", TrialStarted)
    assert {entry.draw["seed"] for entry in starts} >= {index_seed(seed, i) for i in range(1, 9)}
    assert {entry.draw["lang"] for entry in starts} == {"zh", "en"}


def test_a_campaign_in_one_language_draws_in_no_other(tmp_path):
    campaign(tmp_path / "c", langs=("zh",))
    assert {entry.draw["lang"] for entry in of(tmp_path / "c", TrialStarted)} == {"zh"}


# -- what comes out does not depend on how it was run ---------------------------------------------


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return summary_bytes(bundle(tmp_path_factory.mktemp("one") / "c", PATIENT, concurrency=1))


@pytest.mark.parametrize("attempt", range(3))
def test_the_summary_is_the_same_with_sixteen_trials_at_once_in_any_order(
    tmp_path, reference, attempt
):
    out = bundle(tmp_path / "c", PATIENT, concurrency=16)
    assert summary_bytes(out) == reference
    assert problems(out) == []


def test_the_summary_is_the_same_after_interrupts_and_resumes(tmp_path, reference):
    out, sittings, luck = tmp_path / "c", 0, random.Random(5)
    while not stopped_after(out, luck.randint(1, 9), resume=sittings > 0):
        sittings += 1
    assert sittings > 2
    assert summary_bytes(sealed(out, PATIENT)) == reference
    assert set(counted(of(out, TrialDone)).values()) == {1}
    assert any(entry.record.cause == "interrupted" for entry in of(out, TrialDone))
    assert problems(out) == []


def stopped_after(out, trials, *, resume):
    """Run a sitting that the user stops after so many trials; say whether it ended before."""

    class Stops(Silent):
        left = trials

        def trial(self, draw, record):
            self.left -= 1
            if self.left == 0:
                running.cancel()

    async def sit():
        nonlocal running
        settings = Settings(seed="a seed", concurrency=4)
        running = asyncio.create_task(
            run_campaign(miniature(), make(PATIENT), settings, out, resume=resume, progress=Stops())
        )
        return (await asyncio.gather(running, return_exceptions=True))[0]

    running = None
    return not isinstance(asyncio.run(sit()), asyncio.CancelledError)


def test_the_summary_is_the_same_after_budgets(tmp_path, reference):
    out = tmp_path / "c"
    agent = FakeAgent(make(PATIENT).policy, name=PATIENT, unit="builtin")
    alone = summary_bytes(bundle(tmp_path / "alone", agent))
    assert msgspec.json.decode(alone) == msgspec.json.decode(reference)
    campaign(out, agent, max_calls=12)
    while of(out, Ended)[-1].reason == "budget":
        campaign(out, agent, max_calls=12, resume=True)
    assert len(of(out, Ended)) > 2
    assert summary_bytes(sealed(out, agent)) == reference


def test_another_seed_gives_another_campaign(tmp_path, reference):
    assert summary_bytes(bundle(tmp_path / "c", PATIENT, seed="another")) != reference


def test_surplus_trials_stand_in_the_run_and_nowhere_else(tmp_path):
    out = bundle(tmp_path / "c", "answers_right", concurrency=16)
    trials = {entry.record.trial for entry in of(out, TrialDone)}
    lines = (out / "results/observations.jsonl").read_bytes().splitlines()
    used = {msgspec.json.decode(line)["trial"] for line in lines}
    surplus = trials - used
    assert used < trials
    for trial in surplus:
        assert (out / f"run/transcripts/{trial}.jsonl").is_file()
        assert trial.encode() not in summary_bytes(out)
    assert problems(out) == []


def test_one_trial_serves_every_clause_that_draws_it(tmp_path):
    out = bundle(tmp_path / "c", concurrency=1)
    lines = [
        msgspec.json.decode(line)
        for line in (out / "results/observations.jsonl").read_bytes().splitlines()
    ]
    assert len({line["trial"] for line in lines}) < len(lines)
    assert {line["key"]: line["trial"] for line in lines}.keys() == {
        entry.key for entry in of(out, TrialDone)
    }
    assert set(counted(of(out, TrialDone)).values()) == {1}


# -- riders --------------------------------------------------------------------------------------


def test_what_riders_draw_from_stands_in_the_journal_before_their_first_trial(tmp_path):
    out = tmp_path / "c"
    campaign(out, concurrency=1)
    entries = journal(out)
    (place,) = [
        n for n, entry in enumerate(entries) if isinstance(entry, Population) and entry.step == "T1"
    ]
    assert entries[place].clauses == ["L1-SET-1", "L1-TWO-1", "L2-SET-1"]
    rider_trials = {
        n
        for n, entry in enumerate(entries)
        if isinstance(entry, TrialStarted) and entry.key in new_keys_of_riders(out)
    }
    assert rider_trials
    assert min(rider_trials) > place


def new_keys_of_riders(out):
    """Return the keys that the riders draw and no clause of a level was observed on."""
    lines = observations(out if (out / "results").exists() else sealed(out))
    levels = {line["key"] for line in lines if line["clause"].startswith("L")}
    return {line["key"] for line in lines if line["clause"].startswith("T")} - levels


def observations(out):
    return [
        msgspec.json.decode(line)
        for line in (out / "results/observations.jsonl").read_bytes().splitlines()
    ]


def test_riders_observe_the_clause_that_the_seed_names_at_each_index(tmp_path):
    out = bundle(tmp_path / "c")
    seed = hashlib.sha256(b"a seed").digest()
    draws = Draws(plan_course(miniature(), "certify", Claim()), seed, ("zh", "en"))
    population = ("L1-SET-1", "L1-TWO-1", "L2-SET-1")
    seen = [line for line in observations(out) if line["clause"] == "T1-HON-1"]
    assert [line["index"] for line in seen] == list(range(1, len(seen) + 1))
    for line in seen:
        ridden = draw_rider(seed, line["index"], population)
        assert line["key"] == draws.of(ridden, line["index"], ()).key


LEVEL_ONE = ["L1-SET-1", "L1-TWO-1"]


@pytest.mark.parametrize(
    ("claim", "agent", "population"),
    [
        (Claim(level="L1", trust="T1"), "answers_right", LEVEL_ONE),
        (Claim(level="L2", trust="T1"), "answers_wrong", [*LEVEL_ONE, "L2-SET-1"]),
        (Claim(trust="T1"), "answers_right", [*LEVEL_ONE, "L2-SET-1"]),
        (Claim(trust="T1"), "answers_wrong", LEVEL_ONE),
    ],
)
def test_riders_draw_from_the_clauses_up_to_the_level_claimed_or_else_held(
    tmp_path, claim, agent, population
):
    campaign(tmp_path / "c", agent, claim=claim)
    found = {entry.step: entry.clauses for entry in of(tmp_path / "c", Population)}
    assert found["T1"] == population


# -- budgets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("most", [1, 7, 20])
def test_max_calls_is_never_exceeded_and_ends_in_order(tmp_path, most, concurrency):
    out = bundle(
        tmp_path / "c", "thinks_and_answers_right", max_calls=most, concurrency=concurrency
    )
    calls = sum(entry.record.model_calls for entry in of(out, TrialDone))
    assert calls == most
    assert of(out, Ended)[-1].reason == "budget"
    found = summary(out)
    assert found["ended"] == "budget"
    assert problems(out) == []


def test_undecided_clauses_of_a_spent_budget_are_inconclusive_and_named_so(tmp_path):
    out = bundle(tmp_path / "c", "thinks_and_answers_right", max_calls=3, concurrency=1)
    verdicts = {c["id"]: (c["verdict"], c["reason"]) for c in summary(out)["clauses"]}
    assert verdicts["L1-SET-1"] == ("inconclusive", "budget")
    assert verdicts["L1-TWO-1"] == ("inconclusive", "budget")
    assert verdicts["L2-SET-1"] == ("not_run", "budget")
    assert summary(out)["level"] == "L0"
    assert summary(out)["exit_code"] == 0


def test_a_claim_that_a_budget_left_open_is_not_held(tmp_path):
    out = bundle(
        tmp_path / "c",
        "thinks_and_answers_right",
        max_calls=3,
        concurrency=1,
        claim=Claim(level="L1"),
    )
    assert summary(out)["exit_code"] == 1


def test_max_time_ends_in_order_and_can_be_resumed(tmp_path):
    out, agent = tmp_path / "c", make("hangs")
    campaign(out, agent, max_time_s=0.1)
    ended = of(out, Ended)[-1]
    assert ended.reason == "budget"
    assert {entry.record.cause for entry in of(out, TrialDone)} <= {"interrupted"}
    assert summary(sealed(out, agent))["ended"] == "budget"
    agent.policy = make("answers_right").policy
    assert campaign(out, agent, resume=True) is False
    assert summary(sealed(out, agent))["level"] == "L2"
    assert problems(out) == []


# -- the endpoint, and the suite's own faults ----------------------------------------------------


def test_an_endpoint_that_goes_down_pauses_and_the_repeat_has_the_same_seed(tmp_path):
    out, agent = tmp_path / "c", make("answers_right")

    async def fails_at_the_third(self, task, doors, private):
        if len(self.trials) >= 3:
            await make("endpoint_fails").policy(self, task, doors, private)
        await solve(doors, private)

    agent.policy, agent.is_up = fails_at_the_third, False
    with pytest.raises(AgentUnavailableError) as caught:
        campaign(out, agent, concurrency=1)
    assert caught.value.exit_code == 6
    assert "--resume" in str(caught.value)
    assert isinstance(journal(out)[-1], Stopped)
    agent.policy = make("answers_right").policy
    campaign(out, agent, resume=True)
    (cancelled,) = [e for e in of(out, TrialDone) if e.record.cause == "endpoint_down"]
    (repeat,) = [
        e
        for e in of(out, TrialDone)
        if e.key == cancelled.key and e.record.trial != cancelled.record.trial
    ]
    assert repeat.record.cause == "returned"
    draws = [e.draw for e in of(out, TrialStarted) if e.key == cancelled.key]
    assert draws[0] == draws[1]
    assert summary_bytes(sealed(out)) == summary_bytes(bundle(tmp_path / "plain"))
    assert problems(out) == []


def faulty(times):
    """Return an agent in whose first trials the suite itself fails."""

    async def fails_first(self, task, doors, private):
        if len(self.trials) <= times:
            raise RuntimeError("the suite's own")
        await solve(doors, private)

    return FakeAgent(fails_first, name="answers_right", evidence_class="model-only")


def test_a_trial_the_suite_failed_is_repeated_and_listed(tmp_path):
    out, agent = tmp_path / "c", faulty(3)
    campaign(out, agent, concurrency=1)
    faults = [e for e in of(out, TrialDone) if e.record.outcome == "harness_fault"]
    assert len(faults) == 3
    assert faults[0].key in counted(of(out, TrialDone))
    assert problems(sealed(out, agent)) == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_campaign_with_more_than_three_faults_is_void(tmp_path, concurrency):
    with pytest.raises(AgentUnavailableError, match="void") as caught:
        campaign(tmp_path / "c", faulty(4), concurrency=concurrency)
    assert caught.value.exit_code == 6


def test_faults_add_up_over_the_sittings_and_a_void_campaign_stays_void(tmp_path):
    out = tmp_path / "c"
    with pytest.raises(AgentUnavailableError, match="void"):
        campaign(out, faulty(4))
    before = len(of(out, TrialStarted))
    with pytest.raises(AgentUnavailableError, match="void"):
        campaign(out, faulty(0), resume=True)
    assert len(of(out, TrialStarted)) == before


def goes_down(out, *, resume):
    """Run a sitting in which the endpoint is down; return what the user is told."""
    agent = make("answers_right")
    agent.policy, agent.is_up = make("endpoint_down").policy, False
    with pytest.raises(AgentUnavailableError) as caught:
        campaign(out, agent, resume=resume)
    return str(caught.value)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_endpoint_may_go_down_three_times(tmp_path, concurrency):
    out = tmp_path / "c"
    for number in (1, 2, 3):
        told = goes_down(out, resume=number > 1)
        assert f"outage {number} of 3" in told
    campaign(out, make("answers_right"), resume=True)
    assert problems(sealed(out)) == []


def test_an_endpoint_that_goes_down_a_fourth_time_voids_the_campaign_for_good(tmp_path):
    out = tmp_path / "c"
    for number in range(3):
        goes_down(out, resume=number > 0)
    assert "4 outages of the endpoint, of 3 that are allowed" in goes_down(out, resume=True)
    before = len(of(out, TrialStarted))
    with pytest.raises(AgentUnavailableError, match="4 outages"):
        campaign(out, make("answers_right"), resume=True)
    assert len(of(out, TrialStarted)) == before


def test_a_bundle_of_a_runner_that_allows_itself_more_outages_is_refused(tmp_path, monkeypatch):
    out = tmp_path / "c"
    with monkeypatch.context() as lenient:
        lenient.setattr("conformance.campaign.troubles.MOST_OUTAGES", 4)
        for number in range(4):
            goes_down(out, resume=number > 0)
        campaign(out, make("answers_right"), resume=True)
        sealed(out)
    assert "is void: 4 outages of the endpoint" in " ".join(map(str, problems(out)))


# -- resume --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"claim": Claim(level="L1")}, 'claim was "" and now is "L1"'),
        ({"langs": ("en",)}, 'langs was ["zh","en"] and now is ["en"]'),
        ({"limits": Limits(tool_calls=3)}, "limits was "),
        ({"denied": ("network",)}, "denied was "),
        ({"seed": "another"}, "another seed"),
        ({"agent": make("answers_wrong")}, "agent was "),
        ({"agent": make("answers_right", evidence_class="jailed")}, "agent was "),
    ],
)
def test_a_resume_on_other_terms_is_refused_and_says_which(tmp_path, changed, named):
    out = tmp_path / "c"
    campaign(out, unit_of_tools(), max_calls=2)
    before = journal_path(out / "run").read_bytes()
    with pytest.raises(UsageError) as caught:
        campaign(out, **{"agent": unit_of_tools(), **changed}, resume=True)
    assert named in str(caught.value)
    assert caught.value.exit_code == 4
    assert journal_path(out / "run").read_bytes() == before


def unit_of_tools():
    return make("answers_right", unit="builtin")


def test_a_refused_resume_leaves_even_a_torn_line_as_it_is(tmp_path):
    out = tmp_path / "c"
    campaign(out, unit_of_tools(), max_calls=2)
    path = journal_path(out / "run")
    path.write_bytes(path.read_bytes()[:-7])
    before = path.read_bytes()
    with pytest.raises(UsageError):
        campaign(out, make("answers_wrong", unit="builtin"), resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("change", ["concurrency", "max_time_s", "secrets"])
def test_what_is_not_on_the_certificate_may_change_at_a_resume(tmp_path, change):
    out = tmp_path / "c"
    assert campaign(out, unit_of_tools(), max_calls=2) is True
    more = {"concurrency": 7, "max_time_s": 100.0, "secrets": ("abcdefgh",)}
    campaign(out, unit_of_tools(), resume=True, **{change: more[change]})
    assert level(out) == "L2"


def test_an_agent_s_terms_with_a_home_path_can_be_resumed(tmp_path):
    out, agent = tmp_path / "c", make("answers_right", unit="builtin")
    agent.name = "/home/alice/agent"
    campaign(out, agent, max_calls=2)
    assert b"alice" not in journal_path(out / "run").read_bytes()
    campaign(out, agent, resume=True)
    assert level(out) == "L2"


def test_a_resume_whose_journal_changed_is_refused_with_the_line(tmp_path):
    out = tmp_path / "c"
    campaign(out, unit_of_tools(), max_calls=2)
    path = journal_path(out / "run")
    path.write_bytes(path.read_bytes().replace(b'"wall_s":', b'"wall_s":1', 1))
    with pytest.raises(EvidenceInvalidError, match=r"journal\.jsonl:\d+: was changed"):
        campaign(out, unit_of_tools(), resume=True)


def test_a_campaign_that_runs_cannot_be_resumed_beside_itself(tmp_path):
    out = tmp_path / "c"

    async def resumes_itself(self, task, doors, private):
        self.kept.append(journal_path(out / "run").read_bytes())
        with pytest.raises(UsageError, match="another process runs this campaign"):
            await run_campaign(miniature(), self, Settings(seed="a seed"), out, resume=True)
        self.kept.append(journal_path(out / "run").read_bytes())
        await solve(doors, private)

    agent = FakeAgent(resumes_itself, name="resumes_itself")
    campaign(out, agent, concurrency=1)
    assert agent.kept[0] == agent.kept[1]
    assert problems(sealed(out, agent)) == []


def test_a_resume_without_its_seed_says_so(tmp_path):
    out = tmp_path / "c"
    with pytest.raises(AgentUnavailableError):
        campaign(out, endpoint_down())
    (out / "run/seed.key").unlink()
    with pytest.raises(EvidenceInvalidError, match="seed is gone"):
        campaign(out, endpoint_down(), resume=True)


def test_a_resume_with_another_seed_than_committed_is_refused(tmp_path):
    out = tmp_path / "c"
    with pytest.raises(AgentUnavailableError):
        campaign(out, endpoint_down(), seed=None)
    (out / "run/seed.key").write_text("00" * 32)
    with pytest.raises(EvidenceInvalidError, match="not the seed that was committed"):
        campaign(out, endpoint_down(), seed=None, resume=True)


def test_a_campaign_that_goes_on_after_its_budget_says_the_seed_was_known(tmp_path):
    out, agent = tmp_path / "c", make("thinks_and_answers_right")
    campaign(out, agent, max_calls=3, concurrency=1)
    campaign(out, agent, resume=True)
    (resumed,) = of(out, Resumed)
    assert resumed.is_seed_known
    assert problems(sealed(out, agent)) == []


def test_a_complete_campaign_that_is_resumed_stays_as_it_is(tmp_path):
    out = bundle(tmp_path / "c", concurrency=1)
    before = everything(out)
    assert campaign(out, resume=True) is False
    assert everything(out) == before


# -- the folder ----------------------------------------------------------------------------------


def everything(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("content", ["a campaign", "something else"])
def test_a_folder_that_exists_is_refused_untouched(tmp_path, content):
    out = tmp_path / "c"
    if content == "a campaign":
        campaign(out, unit_of_tools(), max_calls=2)
    else:
        out.mkdir()
        (out / "thesis.txt").write_text("precious")
    before = everything(out)
    with pytest.raises(UsageError, match="the folder exists") as caught:
        campaign(out)
    assert "--resume" in str(caught.value)
    assert everything(out) == before


def test_a_resume_in_a_folder_of_something_else_is_refused_untouched(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="holds no journal"):
        campaign(tmp_path, resume=True)
    assert everything(tmp_path) == {"thesis.txt": b"precious"}


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "c").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        campaign(tmp_path / "c")


@pytest.mark.parametrize("resume", [True, False])
def test_an_empty_folder_is_as_good_as_none(tmp_path, resume):
    campaign(tmp_path, resume=resume)
    assert level(tmp_path) == "L2"


@pytest.mark.parametrize("journal_start", [None, b"", b'{"seq":0,"type":"opened","time'])
def test_a_campaign_killed_before_its_terms_starts_anew_on_a_resume(tmp_path, journal_start):
    for folder in ("run/transcripts", "run/states"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "run/seed.key").write_text("0123")
    if journal_start is not None:
        (tmp_path / "run/journal.jsonl").write_bytes(journal_start)
    campaign(tmp_path, resume=True)
    assert level(tmp_path) == "L2"
    assert problems(sealed(tmp_path)) == []


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConformanceError) as caught:
        campaign(tmp_path / "file" / "c")
    assert isinstance(caught.value, StorageError)
    assert caught.value.exit_code == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_one_clear_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="Permission denied"):
        campaign(tmp_path / "c")


@pytest.mark.parametrize("which", ["journal", "transcript", "state"])
def test_a_disk_that_fills_up_stops_with_one_error_and_resumes(tmp_path, monkeypatch, which):
    out = tmp_path / "c"
    real_write, real_bytes = os.write, type(out).write_bytes
    room = {"left": 40}

    def is_full(name):
        room["left"] -= which in name
        return room["left"] < 0

    def write(file, data):
        if is_full(str(Path(f"/proc/self/fd/{file}").readlink())):
            if len(data) > 20 and room["left"] == -1:
                return real_write(file, bytes(data[:20]))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(file, data)

    def write_bytes(path, data):
        if is_full(str(path)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_bytes(path, data)

    room["left"] = 4 if which == "state" else 40
    monkeypatch.setattr(chain.os, "write", write)
    monkeypatch.setattr(type(out), "write_bytes", write_bytes)
    with pytest.raises(StorageError, match="No space left") as caught:
        campaign(out, concurrency=4)
    assert caught.value.exit_code == 3
    monkeypatch.undo()
    campaign(out, resume=True)
    assert summary_bytes(sealed(out)) == summary_bytes(bundle(tmp_path / "plain"))
    assert problems(out) == []


# -- secrets -------------------------------------------------------------------------------------


def test_a_key_in_an_error_reaches_no_file_of_the_bundle(tmp_path):
    key = "canary-0f9e8d7c"

    async def tells(self, task, doors, private):
        await doors.call_tool("note", {"text": key})
        await solve(doors, private)
        raise RuntimeError(f"401 for {key}")

    agent = FakeAgent(tells, name="tells")
    out = bundle(tmp_path / "c", agent, secrets=(key,))
    assert {e.record.cause for e in of(out, TrialDone)} == {"agent_error"}
    for path in out.rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes(), path
    assert problems(out) == []


def test_a_campaign_in_which_nothing_can_run_ends_at_once_and_says_so(tmp_path, monkeypatch):
    from conformance.campaign import run as campaigns
    from conformance.evidence import story

    def denied(*arguments, **options):
        course = plan_course(*arguments, **options)
        return msgspec.structs.replace(
            course,
            levels=tuple(
                msgspec.structs.replace(
                    step,
                    clauses=tuple(
                        msgspec.structs.replace(clause, not_run="pending")
                        for clause in step.clauses
                    ),
                )
                for step in course.levels
            ),
        )

    monkeypatch.setattr(campaigns, "plan_course", denied)
    monkeypatch.setattr(story, "plan_course", denied)
    out = bundle(tmp_path / "c")
    assert summary(out)["level"] == "L0"
    assert summary(out)["exit_code"] == 5
    assert of(out, TrialStarted) == []
