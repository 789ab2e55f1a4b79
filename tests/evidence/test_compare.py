"""Two bundles side by side: pairs are what both were tried on, and nothing else is tested."""

import hashlib
import random
import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.agents.contract import Limits
from conformance.campaign.observe import Draws
from conformance.decision import Claim, Clause, Course, Observation, Rule, Source, Step, drive
from conformance.decision.paired import compare_pairs, share_alpha
from conformance.errors import EvidenceInvalidError, UsageError
from conformance.evidence import compare
from conformance.evidence.compare import compare_bundles
from conformance.evidence.pairs import Seen, clause_pairs, fresh_pairs
from conformance.report.texts import load_texts
from tests.campaign.campaigns import bundle
from tests.evidence.evaluations import evaluated_bundle
from tests.evidence.forge import Forger
from tests.fakes.agents import FakeAgent, model_call, solve, submit


def seen(clause, index, value, *, instance=None, rank=0, trial="t", family="lamps", lang="zh"):
    return Seen(clause, rank, index, instance or f"i{index}", family, lang, trial, value)


# -- what a pair is ------------------------------------------------------------------------------


def test_a_clause_is_paired_index_by_index_as_far_as_both_went():
    a = [seen("X", index, 1.0) for index in (1, 2, 3, 4)]
    b = [seen("X", index, 0.0) for index in (1, 2)]
    found = clause_pairs(a, b)
    assert list(found) == ["X"]
    assert [(pair.instance, pair.a, pair.b) for pair in found["X"]] == [
        ("i1", 1.0, 0.0),
        ("i2", 1.0, 0.0),
    ]


def test_an_index_at_which_other_instances_were_drawn_is_no_pair():
    a = [seen("X", 1, 1.0, instance="en"), seen("X", 2, 1.0)]
    b = [seen("X", 1, 1.0, instance="zh"), seen("X", 2, 0.0), seen("Y", 1, 1.0)]
    assert [pair.difference for pair in clause_pairs(a, b)["X"]] == [-1.0]
    assert [pair.instance for pair in fresh_pairs(a, b)] == ["i2"]


def test_an_instance_of_several_clauses_is_one_pair_worth_the_mean_of_those_in_both():
    a = [seen("X", 1, 1.0), seen("Y", 1, 1.0), seen("Z", 1, 0.0)]
    b = [seen("X", 1, 0.0), seen("Y", 1, 1.0)]
    (pair,) = fresh_pairs(a, b)
    assert (pair.a, pair.b, pair.difference) == (1.0, 0.5, -0.5)


def test_an_instance_that_one_had_met_before_is_no_fresh_pair():
    """In a later round half of its outcome is known, and has had its say in what is tried."""
    a = [seen("X", 1, 1.0), seen("Z", 1, 1.0, rank=1)]
    b = [seen("Z", 1, 0.0, rank=1)]
    assert fresh_pairs(a, b) == []
    assert [pair.difference for pair in clause_pairs(a, b)["Z"]] == [-1.0]


def test_an_instance_met_again_by_a_higher_level_is_one_pair():
    a = [seen("X", 1, 1.0), seen("Z", 1, 1.0, rank=1)]
    b = [seen("X", 1, 0.0), seen("Z", 1, 1.0, rank=1)]
    assert [pair.difference for pair in fresh_pairs(a, b)] == [-1.0]


observations = st.lists(
    st.tuples(st.sampled_from("XYZ"), st.integers(1, 6), st.integers(0, 1), st.floats(0, 1)),
    unique_by=lambda item: item[:2],
)


@given(observations, observations)
def test_pairs_turn_round_with_the_two_and_name_each_instance_once(first, second):
    a, b = (
        [seen(c, i, v, rank=r, instance=f"{i}{c in 'XY'}") for c, i, r, v in given]
        for given in (first, second)
    )
    found, turned = fresh_pairs(a, b), fresh_pairs(b, a)
    assert sorted((p.instance, p.a, p.b) for p in found) == sorted(
        (p.instance, p.b, p.a) for p in turned
    )
    assert len({pair.instance for pair in found}) == len(found)


# -- how often two whole campaigns err -----------------------------------------------------------

RULE = Rule("betting", p0=0.70, p1=0.90, n_min=20, n_max=50)


def clause(name, *families, step="L1", **more):
    sources = tuple(Source(family, 1, 1.0, {}, 2) for family in families)
    return Clause(name, step, "D", RULE, sources, **more)


COURSE = Course(
    levels=(
        Step("L1", (clause("L1-A", "easy", "hard"), clause("L1-B", "hard"))),
        Step("L2", (clause("L2-A", "hard", "easy", step="L2"), clause("L2-B", "far", step="L2"))),
    ),
    trust=(Step("T1", (clause("T1-A", step="T1", rider=True),)),),
)
CHANCES = {"easy": 0.9, "hard": 0.75, "far": 0.7}


def worth(agent, drawn, drop):
    """What an agent makes of an instance: some instances are easy to both, some to none."""
    luck = random.Random(f"{agent} {drawn.key}").random()
    ease = random.Random(f"ease {drawn.key}").uniform(-0.25, 0.25)
    return float(luck < CHANCES[drawn.family] + ease - drop)


def climbs(agent, seed, drop=0.0):
    """Return what a campaign observes as it climbs, stopping as the ladder has it."""
    draws = Draws(COURSE, hashlib.sha256(seed.encode()).digest(), ("zh", "en"))
    rank = {"L1": 0, "L2": 1, "T1": 2}
    found = []

    def reply(asked):
        given = {}
        for name in asked.clauses:
            if name == "efficiency":
                given[name] = Observation(1.0)
                continue
            drawn = draws.of(name, asked.index, asked.population)
            value = worth(agent, drawn, drop)
            given[name] = Observation(value)
            at = Seen(
                name,
                rank[asked.step],
                asked.index,
                drawn.key,
                drawn.family,
                drawn.lang,
                "t",
                value,
            )
            found.append(at)
        return given

    drive(COURSE, reply)
    return found


def findings(run, drop=0.0):
    a, b = climbs(f"a{run}", f"seed {run}"), climbs(f"b{run}", f"seed {run}", drop)
    alpha_all, alpha_each = share_alpha(0.05, 5)
    fresh = [pair.difference for pair in fresh_pairs(a, b)]
    found = [compare_pairs(fresh, alpha_all, is_one_stream=False).finding]
    of_clauses = clause_pairs(a, b).values()
    found += [
        compare_pairs([p.difference for p in pairs], alpha_each).finding for pairs in of_clauses
    ]
    return found


def test_two_ladders_of_one_ability_are_called_different_in_five_percent_at_most():
    """Both stop by their own rules; level two is tried only above level one, and shares trials."""
    found = [findings(run) for run in range(60)]
    assert sum("worse" in item for item in found) / len(found) <= 0.05
    assert sum("better" in item for item in found) / len(found) <= 0.05


def test_a_great_drop_is_found_in_most_campaigns():
    found = [findings(run, drop=0.5) for run in range(10)]
    assert sum("worse" in item for item in found) >= 9
    assert not any("better" in item for item in found)


# -- bundles -------------------------------------------------------------------------------------


async def right_but_in_the_loft(self, task, doors, private):
    doors.before_model_call()
    doors.after_model_call(model_call(tokens=30))
    if private.knobs.get("room") == "loft":
        await submit(doors, {"receipt": "made up"})
    else:
        await solve(doors, private)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Return bundles of the miniature edition, by name."""
    root = tmp_path_factory.mktemp("bundles")
    return {
        "right": bundle(root / "right", "thinks_and_answers_right"),
        "again": bundle(root / "again", "thinks_and_answers_right"),
        "fallen": bundle(root / "fallen", FakeAgent(right_but_in_the_loft, name="fallen")),
        "wrong": bundle(root / "wrong", "answers_wrong"),
        "other seed": bundle(root / "other", "thinks_and_answers_right", seed="another"),
        "english": bundle(root / "english", "thinks_and_answers_right", langs=("en",)),
        "claims L1": bundle(root / "claims", "thinks_and_answers_right", claim=Claim(level="L1")),
        "drawn": bundle(root / "drawn", "thinks_and_answers_right", seed=None),
        "unmetered": bundle(root / "unmetered", "answers_right"),
    }


@pytest.fixture
def compared(bundles):
    return lambda a, b: compare_bundles(bundles[a], bundles[b])


def test_an_agent_is_neither_worse_nor_better_than_itself(compared):
    found = compared("right", "again")
    assert found.is_same_seed
    assert (found.worse, found.better, found.lower, found.terms) == ([], [], [], [])
    assert found.all_pairs.test.mean == 0
    assert (found.only_a, found.only_b) == (0, 0)
    assert found.same == found.all_pairs.test.n > 10
    assert {move.a.verdict for move in found.clauses} == {"pass"}


def test_an_agent_that_fell_is_worse_over_all_pairs_and_holds_a_level_less(compared):
    found = compared("right", "fallen")
    assert found.worse[0] == "all"
    assert found.better == []
    assert (found.lower[0].axis, found.lower[0].a, found.lower[0].b) == ("agency", "L2", "L1")
    moves = {move.id: move for move in found.clauses}
    loft = moves["L2-SET-1"]
    assert (loft.a.verdict, loft.b.verdict) == ("pass", "fail")
    assert (loft.pairs.mean_a, loft.pairs.mean_b, loft.pairs.test.mean) == (1.0, 0.0, -1.0)
    assert loft.pairs.test.n == min(loft.a.n, loft.b.n)
    assert moves["L1-SET-1"].pairs.test.mean == 0
    assert found.only_a == loft.pairs.test.n
    turned = compared("fallen", "right")
    assert turned.better[0] == "all"
    assert (turned.worse, turned.lower) == ([], [])


def test_the_error_is_shared_among_all_clauses_that_could_have_been_tried(compared):
    # One fails at level one: what it never came to counts all the same.
    for other in ("again", "fallen", "wrong"):
        found = compared("right", other)
        assert found.all_pairs.test.alpha == 0.025
        each = {move.pairs.test.alpha for move in found.clauses if move.pairs}
        assert each == {0.025 / len(found.clauses)}
    # What is outside the claim of one could not be: its two clauses and the rest of T1.
    each = {m.pairs.test.alpha for m in compared("right", "claims L1").clauses if m.pairs}
    assert each == {0.025 / 2}


def test_families_and_languages_split_the_pairs(compared):
    found = compared("right", "fallen")
    assert [group.name for group in found.families] == ["lamps"]
    assert [group.name for group in found.langs] == ["en", "zh"]
    assert sum(group.test.n for group in found.langs) == found.all_pairs.test.n


def test_costs_are_of_pairs_and_what_nobody_metered_is_unknown(compared):
    costs = {cost.measure: cost for cost in compared("right", "fallen").costs}
    pairs = compared("right", "fallen").all_pairs.test.n
    assert costs["tokens"].n == pairs
    assert (costs["tokens"].median_a, costs["tokens"].median_b) == (10, 30)
    assert (costs["tokens"].median_difference, costs["tokens"].ratio) == (20, 3.0)
    assert costs["model_calls"].ratio == 1.0
    unknown = {cost.measure: cost for cost in compared("right", "unmetered").costs}
    assert msgspec.structs.astuple(unknown["tokens"])[1:] == (0, None, None, None, None)
    assert unknown["wall_s"].n > 0


def test_campaigns_of_two_seeds_have_no_pair_and_nothing_is_tested(compared):
    for other in ("other seed", "drawn"):
        found = compared("right", other)
        assert not found.is_same_seed
        assert found.all_pairs is None
        assert all(move.pairs is None for move in found.clauses)
        assert (found.worse, found.better, found.costs[0].n) == ([], [], 0)
        assert found.clauses[0].a.mean == 1.0


def test_terms_that_differ_are_named_and_what_both_drew_is_paired(compared):
    found = compared("right", "english")
    assert [(term.name, term.a, term.b) for term in found.terms] == [("langs", "zh, en", "en")]
    assert 0 < found.all_pairs.test.n < compared("right", "again").all_pairs.test.n
    assert {group.name for group in found.langs} == {"en"}
    found = compared("right", "claims L1")
    assert [(term.name, term.a, term.b) for term in found.terms] == [("claim", "", "L1")]
    assert {move.id for move in found.clauses if move.pairs} == {"L1-SET-1", "L1-TWO-1"}


def test_other_limits_of_a_trial_are_terms_that_differ(compared):
    side = compared("right", "again").a
    short = msgspec.structs.replace(side, limits=Limits(wall_s=90.0, tokens=50_000))
    assert [(term.name, term.a, term.b) for term in compare._terms(side, short)] == [
        ("wall_s", "600", "90"),
        ("tokens", "400,000", "50,000"),
    ]
    assert load_texts().under("diff.names").keys() >= set(Limits.__struct_fields__)


# -- what is refused -----------------------------------------------------------------------------


def test_two_editions_do_not_compare(bundles, tmp_path):
    other = evaluated_bundle(tmp_path / "other")
    with pytest.raises(UsageError, match="nothing in them compares"):
        compare_bundles(bundles["right"], other)


def test_a_bundle_that_was_changed_is_refused(bundles, tmp_path):
    copy = Path(shutil.copytree(bundles["right"], tmp_path / "copy"))
    path = copy / "results/observations.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"value":1.0', b'"value":0.0', 1))
    with pytest.raises(EvidenceInvalidError, match="was changed after it was sealed"):
        compare_bundles(bundles["right"], copy)


def test_a_chain_that_was_cut_is_refused_though_it_was_sealed_again(bundles, tmp_path):
    copy = Path(shutil.copytree(bundles["right"], tmp_path / "copy"))
    forger = Forger(copy)
    path = forger.transcript_path(forger.observed()[0])
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    forger.seal()
    with pytest.raises(EvidenceInvalidError, match=path.name):
        compare_bundles(copy, bundles["right"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"value":1.0', b'"value":7.0'),
        (b'"value":1.0', b'"value":null'),
        (b'"clause":"L1-SET-1"', b'"clause":"L9-SET-1"'),
        (b'"key":"', b'"key":"0'),
    ],
)
def test_an_observation_of_nothing_is_refused(bundles, tmp_path, old, new):
    copy = Path(shutil.copytree(bundles["right"], tmp_path / "copy"))
    path = copy / "results/observations.jsonl"
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    Forger(copy).seal()
    with pytest.raises(EvidenceInvalidError, match=r"observations.jsonl:1: is no observation"):
        compare_bundles(bundles["right"], copy)
