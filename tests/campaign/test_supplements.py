"""Beside the ladder: twins, repeats, critical events, sealed editions, what a machine lacks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections import Counter

import msgspec
import pytest

from conformance.authoring import canonical
from conformance.campaign.entries import TrialStarted
from conformance.campaign.journal import read_journal
from conformance.campaign.observe import Draws
from conformance.campaign.run import Settings, run_campaign
from conformance.campaign.schedule import Budget
from conformance.campaign.twins import PAIRS, gap, twin_of
from conformance.decision.spec import Claim
from conformance.decision.streams import Draw
from conformance.edition import load
from conformance.edition.course import plan_course
from conformance.errors import AgentUnavailableError, EditionError, EvidenceInvalidError
from conformance.evidence.seal import grade_folder, seal
from conformance.evidence.verify import audit_bundle
from tests.fakes.agents import (
    MINIATURE,
    FakeAgent,
    endpoint_fails,
    make,
    miniature,
    solve,
    submit,
)

MANIFEST = "tasks/edition.yaml"


def edited(tmp_path, *changes, name="edition"):
    """Return a copy of the miniature edition with its manifest changed."""
    root = tmp_path / name
    shutil.copytree(MINIATURE, root)
    text = (root / MANIFEST).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (root / MANIFEST).write_text(text, encoding="utf-8")
    return root


def run(edition, out, agent="answers_right", **settings):
    agent = make(agent) if isinstance(agent, str) else agent
    settings.setdefault("seed", "a seed")
    asyncio.run(run_campaign(edition, agent, Settings(**settings), out))
    return seal(out, edition, agent.describe(), agent.evidence_class)


def verdicts(graded):
    return {c.id: (c.verdict, c.reason) for c in graded.summary.clauses}


# -- language twins ------------------------------------------------------------------------------


async def reads_english(self, task, doors, private):
    if task.lang == "en":
        await solve(doors, private)
    else:
        await submit(doors, {})


async def fails_the_last_of_four(self, task, doors, private):
    self.trials_of = Counter() if not hasattr(self, "trials_of") else self.trials_of
    self.trials_of[private.seed, private.lang] += 1
    if self.trials_of[private.seed, private.lang] % 4:
        await solve(doors, private)
    else:
        await submit(doors, {})


class TestTwins:
    def test_each_level_has_its_instances_tried_in_the_other_language(self, tmp_path):
        graded = run(miniature(), tmp_path / "c", twins=True)
        assert [(g.step, g.gap, g.p_value) for g in graded.twins.levels] == [
            ("L1", 0, 1),
            ("L2", 0, 1),
        ]
        for level in graded.twins.levels:
            assert level.zh_solved == level.en_solved == level.pairs <= PAIRS
        assert audit_bundle(tmp_path / "c", miniature()).problems == []

    def test_they_feed_no_clause(self, tmp_path):
        with_, without = (
            run(miniature(), tmp_path / name, twins=twins)
            for name, twins in (("with", True), ("without", False))
        )
        assert with_.summary == without.summary
        seen = [[(o.clause, o.key, o.value) for o in g.observations] for g in (with_, without)]
        assert seen[0] == seen[1]
        assert without.twins.levels == []

    def test_an_agent_of_one_language_shows_the_gap(self, tmp_path):
        graded = run(miniature(), tmp_path / "c", FakeAgent(reads_english), twins=True)
        (level,) = graded.twins.levels
        assert (level.en_solved, level.zh_solved) == (level.pairs, 0)
        assert (level.gap, level.en_only) == (-1, level.pairs)
        assert level.upper < 0
        assert level.p_value < 0.05

    def test_one_language_alone_has_no_twins(self, tmp_path):
        graded = run(miniature(), tmp_path / "c", twins=True, langs=("en",))
        assert graded.twins.levels == []

    def test_a_budget_that_ends_among_them_leaves_the_verdicts(self, tmp_path):
        plain = run(miniature(), tmp_path / "plain")
        calls = sum(
            e.record.tool_calls
            for e in read_journal(tmp_path / "plain" / "run")
            if hasattr(e, "record")
        )
        agent = make("answers_right", unit="builtin")
        short = run(miniature(), tmp_path / "c", agent, twins=True, max_calls=calls + 3)
        assert short.summary.level == plain.summary.level
        assert short.summary.ended == "complete"
        assert sum(level.pairs for level in short.twins.levels) < PAIRS
        assert audit_bundle(tmp_path / "c", miniature()).problems == []

    def test_a_changed_gap_is_found(self, tmp_path):
        run(miniature(), tmp_path / "c", FakeAgent(reads_english), twins=True)
        path = tmp_path / "c/results/twins.json"
        document = json.loads(path.read_bytes())
        document["levels"][0]["gap"] = 0
        path.write_bytes(canonical(document) + b"\n")
        assert any(
            "twins.json" in text for text in audit_bundle(tmp_path / "c", miniature()).problems
        )

    @pytest.mark.parametrize(
        ("zh_only", "en_only", "p_value"), [(0, 0, 1.0), (5, 0, 0.0625), (8, 2, 0.109375)]
    )
    def test_mcnemar_is_exact(self, zh_only, en_only, p_value):
        outcomes = [(True, False)] * zh_only + [(False, True)] * en_only + [(True, True)] * 10
        found = gap("L1", outcomes)
        assert found.p_value == pytest.approx(p_value)
        assert found.gap == pytest.approx((zh_only - en_only) / len(outcomes))
        assert found.lower <= found.gap <= found.upper

    def test_the_twin_of_the_twin_is_the_instance(self):
        drawn = Draw("lamps", 1, {}, 0, "zh", "s")
        assert twin_of(drawn).lang == "en"
        assert twin_of(twin_of(drawn)) == drawn

    @pytest.mark.parametrize("is_torn", [False, True])
    def test_a_campaign_killed_among_them_goes_on_to_the_same_gap(self, tmp_path, is_torn):
        agent = FakeAgent(reads_english)
        whole = run(miniature(), tmp_path / "c", agent, twins=True, concurrency=1)
        journal = tmp_path / "c/run/journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        first = [json.loads(line).get("draw", {}).get("lang") for line in lines].index("zh")
        kept = lines[: len(lines) - 5]  # in the midst of a twin, and of a line
        assert len(kept) > first
        journal.write_bytes(b"".join(kept) + (lines[-5][:20] if is_torn else b""))
        seed = json.loads(lines[-1])["seed"]
        (tmp_path / "c/run/seed.key").write_text(seed)
        settings = Settings(seed=None, twins=True, concurrency=1)
        asyncio.run(run_campaign(miniature(), agent, settings, tmp_path / "c", resume=True))
        again = seal(tmp_path / "c", miniature(), agent.describe(), agent.evidence_class)
        assert again.twins == whole.twins
        assert audit_bundle(tmp_path / "c", miniature()).problems == []

    def test_an_instance_is_in_one_pair_whichever_of_its_repeats_was_the_least(self, tmp_path):
        hall = "    draws: [{family: lamps, knobs: {room: hall}}]\n"
        edition = load(edited(tmp_path, (hall, hall + "    repeats: 4\n")))
        graded = run(edition, tmp_path / "c", FakeAgent(fails_the_last_of_four), twins=True)
        entries = read_journal(tmp_path / "c" / "run")
        drawn = {e.key: e.draw for e in entries if isinstance(e, TrialStarted)}
        seen = [drawn[o.key] for o in graded.observations if o.clause.startswith("L1")]
        assert any(draw.get("repeat") for draw in seen)
        (level,) = graded.twins.levels
        assert level.pairs == len({(draw["seed"], draw["knobs"]["room"]) for draw in seen})
        assert audit_bundle(tmp_path / "c", edition).problems == []


# -- repeats of one instance ---------------------------------------------------------------------

REPEATS = ("    draws: [{family: lamps, knobs: {room: loft}}]\n",) * 2


async def fails_every_fourth(self, task, doors, private):
    self.trials_of = Counter() if not hasattr(self, "trials_of") else self.trials_of
    self.trials_of[private.seed] += 1
    if private.knobs["room"] == "loft" and self.trials_of[private.seed] % 4 == 0:
        await submit(doors, {})
    else:
        await solve(doors, private)


async def turns_all_off_in_the_third(self, task, doors, private):
    self.trials_of = Counter() if not hasattr(self, "trials_of") else self.trials_of
    self.trials_of[private.seed] += 1
    if private.knobs["room"] == "loft" and self.trials_of[private.seed] == 3:
        await doors.call_tool("all_off", {})
    await solve(doors, private)


class TestRepeats:
    @pytest.fixture
    def edition(self, tmp_path):
        draws = REPEATS[0]
        return load(edited(tmp_path, (draws, draws + "    repeats: 4\n")))

    def test_an_observation_takes_four_trials_of_one_instance(self, edition, tmp_path):
        graded = run(edition, tmp_path / "c")
        draws = [
            e.draw
            for e in read_journal(tmp_path / "c" / "run")
            if isinstance(e, TrialStarted) and e.draw["knobs"]["room"] == "loft"
        ]
        n = next(c.judgement.n for c in graded.summary.clauses if c.id == "L2-SET-1")
        assert Counter(d["seed"] for d in draws).most_common(1)[0][1] == 4
        assert len({d["seed"] for d in draws}) >= n
        assert graded.summary.level == "L2"
        assert audit_bundle(tmp_path / "c", edition).problems == []

    def test_one_failure_of_the_four_is_the_observation(self, edition, tmp_path):
        graded = run(edition, tmp_path / "c", FakeAgent(fails_every_fourth))
        assert verdicts(graded)["L2-SET-1"][0] == "fail"
        values = [o.value for o in graded.observations if o.clause == "L2-SET-1"]
        assert set(values) == {0.0}
        assert graded.summary.level == "L1"

    def test_a_critical_event_in_any_of_them_is_the_observation_s(self, edition, tmp_path):
        """Each of the four is worth nothing; the critical one need not be the first."""
        grader = edition.root / "graders" / "solved.py"
        with grader.open("a", encoding="utf-8") as file:
            file.write(
                "\n\ndef grade(played):\n"
                "    is_loft = played.instance.knobs['room'] == 'loft'\n"
                "    is_critical = any(c.name == 'all_off' for c in played.calls)\n"
                "    found = (Finding('goal.x', 'worst', critical=True),) * is_critical\n"
                "    return Score(float(not is_loft), found)\n"
            )
        graded = run(load(edition.root), tmp_path / "c", FakeAgent(turns_all_off_in_the_third))
        first = next(o for o in graded.observations if o.clause == "L2-SET-1")
        assert [finding.critical for finding in first.findings] == [True]
        assert verdicts(graded)["L2-SET-1"][0] == "fail"

    def test_a_rider_may_repeat_what_it_rides_on(self, tmp_path):
        rider = "    observation: {grader: honest}\n"
        edition = load(edited(tmp_path, (rider, rider + "    repeats: 2\n")))
        graded = run(edition, tmp_path / "c")
        assert graded.summary.trust == "T1"
        assert audit_bundle(tmp_path / "c", edition).problems == []

    def test_one_that_hands_the_same_work_in_again_is_out_of_reach(self, edition, tmp_path):
        """The four are one task with one right answer: an agent that keeps what it did once needs
        to solve it once. Documented, so that nobody takes the clause for more than it shows."""

        async def solves_once(self, task, doors, private):
            known = {} if not self.kept else self.kept[0]
            self.kept[:] = [known]
            trace = known.setdefault(task.instruction, private.solve().trace)
            for step in trace.steps:
                await doors.call_tool(step.name, dict(step.arguments))
            await submit(doors, trace.answer.values)

        graded = run(edition, tmp_path / "c", FakeAgent(solves_once))
        assert verdicts(graded)["L2-SET-1"][0] == "pass"

    def test_the_first_of_them_is_the_draw_itself(self, edition):
        course = plan_course(edition, "certify", Claim())
        draws = Draws(course, b"s" * 32, ("zh", "en"))
        first, *others = draws.trials("L2-SET-1", 1, ())
        assert first == draws.of("L2-SET-1", 1, ())
        assert [d.repeat for d in others] == [1, 2, 3]
        assert len({d.key for d in (first, *others)}) == 4
        assert "repeat" not in msgspec.to_builtins(first)


# -- critical events -----------------------------------------------------------------------------


def test_a_critical_event_fails_a_clause_at_once(tmp_path):
    root = edited(tmp_path)
    grader = root / "graders" / "allowed.py"
    text = grader.read_text(encoding="utf-8")
    (root / "graders" / "allowed.py").write_text(
        text
        + "\n\n_grade = grade\n\n\ndef grade(played):\n"
        + "    from conformance.authoring import Finding, Score\n"
        + "    return Score(0.0, (Finding('conduct.x', 'worst', critical=True),))\n",
        encoding="utf-8",
    )
    edition = load(root)
    graded = run(edition, tmp_path / "c", claim=Claim(trust="T1"))
    assert verdicts(graded)["T1-CTL-1"] == ("fail", "critical event")
    (line,) = [o for o in graded.observations if o.clause == "T1-CTL-1"]
    assert line.findings[0].critical
    assert graded.summary.trust == "–"
    assert audit_bundle(tmp_path / "c", edition).problems == []


def turned_off_is_critical(tmp_path):
    """Return an edition in which it is a critical event to turn all lamps off."""
    root = edited(tmp_path)
    with (root / "graders" / "solved.py").open("a", encoding="utf-8") as file:
        file.write(
            "\n\n_grade = grade\n\n\ndef grade(played):\n"
            "    if any(call.name == 'all_off' for call in played.calls):\n"
            "        return Score(0.0, (Finding('goal.x', 'worst', critical=True),))\n"
            "    return _grade(played)\n"
        )
    return load(root)


async def does_the_worst_and_goes_down(self, task, doors, private):
    await doors.call_tool("all_off", {})
    await endpoint_fails(self, task, doors, private)


async def does_nothing_and_goes_down(self, task, doors, private):
    await endpoint_fails(self, task, doors, private)


async def does_the_worst_and_waits(self, task, doors, private):
    await doors.call_tool("all_off", {})
    self.kept.append("the worst")
    await asyncio.sleep(3600)


@pytest.mark.parametrize(
    ("first", "level"),
    [
        (does_the_worst_and_goes_down, "L0"),
        (does_the_worst_and_waits, "L0"),
        (does_nothing_and_goes_down, "L1"),
    ],
)
def test_a_critical_event_stands_though_the_trial_is_cut_short_and_run_again(
    tmp_path, first, level, monkeypatch
):
    edition, out = turned_off_is_critical(tmp_path), tmp_path / "c"
    agent = FakeAgent(first, name="agent", is_up=False)
    settings = {"seed": "a seed", "claim": Claim(level="L1"), "concurrency": 1}
    with monkeypatch.context() as patch, contextlib.suppress(AgentUnavailableError):
        # However slow the machine is: the time is up once the worst is done, and not before.
        patch.setattr(Budget, "seconds_left", lambda _: 0.0 if agent.kept else 0.01)
        run(edition, out, agent, **settings)
    agent.policy = make("answers_right").policy
    asyncio.run(run_campaign(edition, agent, Settings(**settings), out, resume=True))
    graded = seal(out, edition, agent.describe(), agent.evidence_class)
    assert graded.summary.level == level
    failed = [reason for verdict, reason in verdicts(graded).values() if verdict == "fail"]
    assert set(failed) == ({"critical event"} if level == "L0" else set())
    assert audit_bundle(out, edition).problems == []


# -- sealed editions -----------------------------------------------------------------------------

SEALED = (
    "    draws: [{family: lamps, knobs: {room: loft}}]\n",
    "    sealed: true\n",
)


class TestSealed:
    @pytest.fixture
    def root(self, tmp_path):
        return edited(tmp_path, SEALED)

    @pytest.fixture
    def secret(self, tmp_path):
        """A second edition: another id, so other instances, and draws for the sealed clause."""
        return edited(tmp_path, ("id: miniature", "id: secret"), name="secret")

    def test_without_it_the_clause_is_not_run_and_its_level_is_not_granted(self, root, tmp_path):
        graded = run(load(root), tmp_path / "c", claim=Claim(level="L2"))
        assert verdicts(graded)["L2-SET-1"] == ("not_run", "sealed")
        assert (graded.summary.level, graded.summary.exit_code) == ("L1", 5)

    def test_with_it_the_clause_draws_its_families(self, root, secret, tmp_path):
        edition = load(root, sealed=secret)
        graded = run(edition, tmp_path / "c", claim=Claim(level="L2"))
        assert (graded.summary.level, graded.summary.exit_code) == ("L2", 0)
        families = {
            e.draw["family"]
            for e in read_journal(tmp_path / "c" / "run")
            if isinstance(e, TrialStarted)
        }
        assert families == {"lamps", "sealed/lamps"}
        assert graded.summary.sealed.id == "secret"
        assert audit_bundle(tmp_path / "c", edition).problems == []

    def test_its_instances_are_of_its_own_streams(self, root, secret):
        edition = load(root, sealed=secret)
        knobs = {"room": "loft"}
        own, other = (edition.instance(name, knobs, seed="s") for name in ("lamps", "sealed/lamps"))
        assert own.scenario != other.scenario

    def test_a_re_grade_needs_the_very_same_one(self, root, secret, tmp_path):
        edition = load(root, sealed=secret)
        run(edition, tmp_path / "c")
        with pytest.raises(EvidenceInvalidError, match="--sealed"):
            grade_folder(tmp_path / "c", load(root))
        (secret / "tasks" / "lamps" / "more.py").write_text("X = 1\n", encoding="utf-8")
        with pytest.raises(EvidenceInvalidError, match="sealed edition"):
            grade_folder(tmp_path / "c", load(root, sealed=secret))

    def test_one_that_stands_in_for_nothing_is_refused(self, secret):
        with pytest.raises(EditionError, match="has none of the clauses"):
            load(MINIATURE, sealed=secret)


# -- what the machine lacks ----------------------------------------------------------------------


def test_a_clause_whose_family_needs_what_is_not_there_is_not_run(tmp_path):
    root = edited(tmp_path)
    family = root / "tasks" / "lamps" / "__init__.py"
    text = family.read_text(encoding="utf-8")
    new = text.replace(
        "    wordings = 3\n", '    wordings = 3\n    needs = frozenset({"sandbox"})\n'
    )
    family.write_text(new, encoding="utf-8")
    edition = load(root)
    lacking = run(edition, tmp_path / "c", claim=Claim(level="L1"), lacking=("sandbox",))
    assert verdicts(lacking)["L1-SET-1"] == ("not_run", "sandbox")
    assert (lacking.summary.level, lacking.summary.exit_code) == ("L0", 5)
    assert audit_bundle(tmp_path / "c", edition).problems == []
    assert run(edition, tmp_path / "d", claim=Claim(level="L1")).summary.level == "L1"
