"""From a bundle to an entry: every figure from the evidence; a bundle's own word for nothing."""

import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.agents.contract import Limits
from conformance.campaign.claim import parse_claim
from conformance.campaign.entries import Ended, Opened, TrialDone
from conformance.campaign.journal import read_journal
from conformance.errors import AgentUnavailableError
from conformance.evidence import bundle as layout
from conformance.evidence.documents import Words
from conformance.evidence.registry import Mounts, Refusal, Registry, Submission, read_registry
from conformance.report.board import submitted
from conformance.report.board.entries import in_order
from conformance.report.board.submitted import agent_slug, build_board, build_entry, slug_of
from tests.campaign.campaigns import bundle
from tests.evidence.forge import Forger
from tests.fakes.agents import (
    MINIATURE,
    FakeAgent,
    endpoint_fails,
    miniature,
    model_call,
    solve,
)
from tests.report.board.made_entries import calibrator, entry


class Named(FakeAgent):
    """A fake with whatever description."""

    def __init__(self, policy, **described):
        super().__init__(policy, name="named", evidence_class="model-only")
        self.described = described

    def describe(self):
        return {"kind": "chat", **self.described}


async def thinks(self, task, doors, private):
    """Ten tokens a trial; right where the instance's seed is even."""
    doors.before_model_call()
    doors.after_model_call(model_call())
    if private.seed.endswith(tuple("02468ace")):
        await solve(doors, private)


async def does_not_tell(self, task, doors, private):
    """As many tokens, but of the first trial nobody knows."""
    doors.before_model_call()
    call = model_call()
    if len(self.trials) == 1:
        call = msgspec.structs.replace(call, usage_source="none", input_tokens=None)
    doors.after_model_call(call)
    await solve(doors, private)


async def solve_it(self, task, doors, private):
    await solve(doors, private)


def made(folder, agent, **more):
    claim = parse_claim("L1", miniature())
    return bundle(folder, agent, claim=claim, concurrency=1, **more)


@pytest.fixture(scope="module")
def thinking(tmp_path_factory):
    agent = Named(thinks, model="m-1", vendor="Acme", name="Thinker", standing="audited")
    return made(tmp_path_factory.mktemp("thinking") / "b", agent, seed="four")


@pytest.fixture(scope="module")
def found(thinking):
    return build_entry(thinking)


# -- figures -------------------------------------------------------------------------------------


def test_an_entry_says_who_what_and_under_which_edition(found, thinking):
    assert (found.agent, found.vendor, found.model, found.kind) == (
        "chat:Thinker",
        "Acme",
        "m-1",
        "chat",
    )
    assert found.id == layout.bundle_id(thinking)
    assert (found.edition, found.edition_sha256) == ("miniature", miniature().digest)
    assert (found.plan, found.is_grade, found.langs) == ("certify", True, ("zh", "en"))
    assert (found.seed_source, found.ended_by) == ("applicant", "complete")
    assert (found.evidence_class, found.folder) == ("model-only", "b")
    assert not found.is_calibrator


def test_times_are_the_journals(found, thinking):
    entries = read_journal(thinking / "run")
    assert isinstance(entries[0], Opened)
    assert isinstance(entries[-1], Ended)
    assert (found.began, found.ended) == (entries[0].time, entries[-1].time)


def test_what_a_solved_task_takes_includes_the_trials_that_failed(found, thinking):
    records = [e.record for e in read_journal(thinking / "run") if isinstance(e, TrialDone)]
    assert 0 < found.solved < found.trials == len(records)
    assert found.tokens_per_solved == 10 * found.trials / found.solved
    assert found.seconds_per_solved == pytest.approx(
        sum(record.wall_s for record in records) / found.solved
    )
    assert not found.tokens_estimated


def test_clauses_have_the_numbers_of_the_summary(found, thinking):
    summary = msgspec.json.decode((thinking / "results/summary.json").read_bytes())
    for row, clause in zip(found.clauses, summary["clauses"], strict=True):
        judged = clause["judgement"]
        assert (row.id, row.verdict, row.p0) == (
            clause["id"],
            clause["verdict"],
            clause["rule"]["p0"],
        )
        if judged is not None:
            assert (row.n, row.estimate) == (judged["n"], judged["mean"])
            assert (row.lower, row.upper) == (judged["lower"], judged["upper"])
    assert any(row.estimate is None and row.n == 0 for row in found.clauses)


def test_a_level_that_is_not_held_has_rank_0_and_what_is_near_it_is_told(found):
    assert (found.level, found.level_rank, found.trust_rank) == ("L0", 0, 0)
    lowers = [row.lower for row in found.clauses if row.id.startswith("L1-") and row.n]
    assert found.next_lower == min(lowers) > 0


def test_levels_and_grades_are_numbered_from_the_lowest(tmp_path):
    folder = bundle(tmp_path / "b", "answers_right")
    best = build_entry(folder)
    assert (best.level, best.level_rank, best.trust, best.trust_rank) == ("L2", 2, "T1", 1)
    assert best.next_lower == 0.0
    lines = [json.loads(line) for line in (folder / layout.OBSERVATIONS).read_bytes().splitlines()]
    seen = {line["trial"] for line in lines if line["clause"].startswith("L")}
    assert best.trials == best.solved == len(seen)


def test_nothing_solved_and_nothing_metered_are_unknown_and_not_zero(tmp_path):
    wrong = build_entry(made(tmp_path / "w", "answers_wrong"))
    assert (wrong.solved, wrong.seconds_per_solved) == (0, None)
    right = build_entry(made(tmp_path / "r", "answers_right"))
    assert right.solved > 0
    assert (right.tokens_per_solved, right.cost_per_solved, right.joules_per_solved) == (None,) * 3
    assert (right.currency, right.profile, right.hardware) == (None, None, None)


def test_tokens_of_one_call_that_nobody_knows_make_the_figure_unknown(tmp_path):
    assert build_entry(made(tmp_path / "b", Named(does_not_tell))).tokens_per_solved is None


def test_a_campaign_that_ended_on_its_budget_says_so(found, tmp_path):
    cut = build_entry(made(tmp_path / "b", Named(thinks), max_calls=4, seed="four"))
    assert cut.ended_by == "budget"
    assert 0 < cut.trials < found.trials


def test_a_version_and_what_bears_on_a_comparison_are_told(found, tmp_path):
    assert (found.version, found.remarks) == ("", ())
    agent = Named(solve_it, name="S", version="2.1\x1b")
    out = made(tmp_path / "c", agent, limits=Limits(tool_calls=7))
    told = build_entry(out)
    assert told.version == "2.1⟨ESC⟩"
    assert told.remarks == (
        Words(zh="单次试验限额：工具调用 7 次。", en="Limits a trial: 7 tool calls."),
    )


def test_trials_that_were_run_again_are_told(tmp_path):
    out, agent = tmp_path / "c", Named(endpoint_fails, name="S")
    agent.is_up = False
    with pytest.raises(AgentUnavailableError):
        made(out, agent)
    agent.policy = solve_it
    told = build_entry(made(out, agent, resume=True))
    assert [words.en.partition(" did")[0] for words in told.remarks] == ["1 trial"]


def test_language_gaps_are_taken_over(tmp_path):
    (gap,) = build_entry(made(tmp_path / "b", "answers_right", twins=True)).gap
    assert gap.step == "L1"
    assert gap.zh_solved == gap.en_solved == gap.pairs > 0


# -- standing ------------------------------------------------------------------------------------


def test_an_agent_that_calls_itself_audited_is_self_declared(found):
    assert found.standing == "self-declared"
    assert found.claimed_standing == "audited"


def test_a_board_has_the_clean_and_names_the_refused_inert(thinking, tmp_path):
    shutil.copytree(thinking, tmp_path / "clean")

    def audited(claim):
        claim["declaration"] = {"zh": "经审核", "en": "audited"}

    shutil.copytree(thinking, tmp_path / "a\u202eb")
    Forger(tmp_path / "a\u202eb").edit_document("claim.json", audited)
    board = build_board(read_registry(tmp_path, Mounts((MINIATURE,))))
    assert [item.folder for item in board.entries] == ["clean"]
    assert [item.standing for item in board.entries] == ["self-declared"]
    assert [item.folder for item in board.refused] == ["a⟨U+202E⟩b"]
    assert "claim.json:1" in board.refused[0].problems[0]


def test_problems_of_a_refused_folder_are_inert_and_short():
    refusal = Refusal(Path("evil\x1b[31m"), ("\x00" + "x" * 1_000_000,))
    (refused,) = build_board(Registry((), (refusal,))).refused
    assert refused.folder == "evil⟨ESC⟩[31m"
    assert refused.problems[0].startswith("⟨NUL⟩xxx")
    assert len(refused.problems[0]) < 400


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seconds_per_solved": float("inf")}, "has a figure that is none"),
        ({"next_lower": float("nan")}, "has a figure that is none"),
    ],
)
def test_figures_that_are_none_are_refused_and_the_others_go_on(monkeypatch, changes, said):
    made_up = {"bad": entry("bad", **changes), "good": entry("good")}
    monkeypatch.setattr(submitted, "build_entry", lambda folder: made_up[folder.name])
    clean = tuple(Submission(Path(name), "", frozenset()) for name in ("bad", "good"))
    board = build_board(Registry(clean, ()))
    assert board.entries == (made_up["good"],)
    (refused,) = board.refused
    assert refused.folder == "bad"
    assert refused.problems[0].startswith(f"cannot be shown: {said}")


def test_a_trial_of_endless_seconds_is_refused(tmp_path, thinking):
    forged = Path(shutil.copytree(thinking, tmp_path / "b"))
    forger = Forger(forged)
    for trial in forger.trials():
        forger.edit_record(trial, wall_s=1e308)
    (refused,) = build_board(Registry((Submission(forged, "", frozenset()),), ())).refused
    assert "has a time that is none" in refused.problems[0]


def test_a_builtin_is_a_calibrator(tmp_path):
    agent = FakeAgent(solver, name="oracle", unit="builtin")
    assert build_entry(made(tmp_path / "b", agent)).is_calibrator


async def solver(self, task, doors, private):
    await solve(doors, private)


def test_hostile_names_are_inert(tmp_path):
    evil = "<script>\x1b[31m\u202e" + "n" * 10_000
    agent = Named(solver, name=evil, vendor=evil, model={"not": "text"})
    hostile = build_entry(made(tmp_path / "b", agent))
    assert hostile.agent.startswith("chat:<script>⟨ESC⟩[31m⟨U+202E⟩nnn")
    assert hostile.vendor is not None
    assert len(hostile.agent) < 200
    assert len(hostile.vendor) < 200
    assert hostile.model is None
    assert re.fullmatch(r"[a-z0-9_-]+", hostile.slug)


# -- slugs ---------------------------------------------------------------------------------------


def test_a_plain_name_is_its_own_slug(thinking):
    assert agent_slug({"kind": "builtin", "name": "oracle-L1".lower()}) == "builtin-oracle-l1"
    assert agent_slug({"kind": "chat", "model": "m-1"}) == "chat-m-1"
    assert slug_of(thinking).startswith("chat-thinker-acme_")


def test_one_agent_keeps_its_slug_over_versions_and_models():
    first = {"kind": "chat", "name": "A", "model": "m-1", "version": "1", "vendor": "V"}
    assert agent_slug(first) == agent_slug({**first, "model": "m-2", "version": "2"})
    assert agent_slug(first) != agent_slug({**first, "vendor": "W"})


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "chat", "name": "a", "vendor": "b"},
        {"kind": "chat-a", "name": "b"},
        {"kind": "chat", "name": "A-b"},
        {"kind": "chat", "name": "a-b", "vendor": "v"},
        {"kind": "chat", "name": "a_b"},
    ],
)
def test_another_agent_has_another_slug(other):
    assert agent_slug({"kind": "chat", "name": "a-b"}) == "chat-a-b"
    assert agent_slug(other) != "chat-a-b"


def test_no_agent_can_take_the_slug_of_another():
    slug = agent_slug({"kind": "chat", "name": "Oracle"})
    kind, _, name = slug.partition("-")
    assert agent_slug({"kind": kind, "name": name}) != slug


AGENTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["chat", "builtin", "http", "CHAT", "chat-a"])},
    optional={
        "name": st.one_of(st.text(), st.sampled_from(["a", "A", "a-b", "a_b", "..", "con", ""])),
        "vendor": st.one_of(st.none(), st.text(), st.sampled_from(["b", "B"])),
        "url": st.text(),
    },
)


@given(AGENTS, AGENTS)
def test_slugs_are_safe_file_names_and_tell_agents_apart(one, other):
    slugs = agent_slug(one), agent_slug(other)
    for slug in slugs:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,79}", slug)

    def identity(agent):
        name = next((agent[k] for k in ("name", "url") if agent.get(k)), None)
        return agent["kind"], name, agent.get("vendor") or None

    assert (slugs[0] == slugs[1]) == (identity(one) == identity(other))


# -- order ---------------------------------------------------------------------------------------


def test_level_goes_before_trust_and_trust_before_all_else():
    low = entry("low", level=1, trust=2, next_lower=0.9, tokens_per_solved=1.0)
    high = entry("high", level=2, trust=0, next_lower=0.5, tokens_per_solved=None)
    trusted = entry("trusted", level=2, trust=1, next_lower=0.0, tokens_per_solved=9e9)
    assert in_order([low, high, trusted]) == (trusted, high, low)


def test_equals_are_in_the_order_of_the_level_above_then_of_tokens_then_of_time():
    near = entry("near", next_lower=0.7, tokens_per_solved=None)
    cheap = entry("cheap", next_lower=0.2, tokens_per_solved=10.0, at=5)
    dear = entry("dear", next_lower=0.2, tokens_per_solved=20.0)
    early = entry("early", next_lower=0.2, tokens_per_solved=None, at=1)
    late = entry("late", next_lower=0.2, tokens_per_solved=None, at=2)
    assert in_order([late, dear, early, near, cheap]) == (near, cheap, dear, early, late)


def test_calibrators_come_last_and_editions_and_plans_are_kept_apart():
    oracle = calibrator("oracle", 3, trust=2)
    weak = entry("weak", level=0)
    assert in_order([oracle, weak]) == (weak, oracle)
    other = entry("other", level=3, edition="a-different-one")
    screened = entry("screened", level=3, plan="screen")
    assert in_order([screened, oracle, weak, other]) == (other, weak, oracle, screened)
