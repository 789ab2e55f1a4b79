"""How often an agent gets what it has not earned: simulations through the shipped code.

Seeds are fixed, so the figures are too. Where an error rate must be ≤ 5 %, it is.
"""

import hashlib
import random

import numpy as np
import pytest

from conformance.decision import (
    Claim,
    Clause,
    Course,
    Observation,
    ObservationError,
    Rule,
    Source,
    Step,
    characteristics,
    climb,
    draw,
    drive,
)
from conformance.decision.betting import interval, paths, tally

from .synthetic import clause, step

ENOUGH = np.log(20)
RULE = Rule("betting", p0=0.80, p1=0.90)


def scored(kind, mean, size, rng):
    """Observations in [0, 1] with the given mean, in several shapes."""
    if kind == "beta(8, 2)":
        return rng.beta(10 * mean, 10 * (1 - mean), size)
    if kind == "beta(.4, .1)":
        return rng.beta(0.5 * mean, 0.5 * (1 - mean), size)
    if kind == "two-point":
        return np.where(rng.random(size) < 2 * mean - 1, 1.0, 0.5)
    if kind == "rare zero":
        return mean / 0.9 * (rng.random(size) < 0.9)
    if kind == "streaky":  # the mean given the past stays what it is, the spread does not
        wide = np.cumsum(rng.random(size) < 0.5, axis=1) % 2 == 0
        return np.where(wide, rng.random(size) < mean, mean)
    return (rng.random(size) < mean).astype(float)


KINDS = ["beta(8, 2)", "beta(.4, .1)", "two-point", "rare zero", "streaky", "bernoulli"]


@pytest.mark.parametrize("n_max", [100, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_partial_credit_at_p0_passes_and_fails_in_five_percent_at_most(kind, n_max):
    rng = np.random.default_rng(20)
    rises, falls = paths(scored(kind, 0.80, (3000, n_max), rng), 0.80)
    assert (rises >= ENOUGH).any(axis=1).mean() <= 0.05
    assert (falls >= ENOUGH).any(axis=1).mean() <= 0.05


def test_these_simulations_can_tell_a_rule_that_looks_too_often():
    """Mean ≥ p0 + 1.645 standard errors, looked at after every trial: far above five percent."""
    ys = scored("bernoulli", 0.80, (3000, 300), np.random.default_rng(20))
    n = np.arange(1, 301)
    naive = (ys.cumsum(axis=1) / n) >= 0.80 + 1.645 * np.sqrt(0.16 / n)
    assert naive[:, 29:].any(axis=1).mean() > 0.15


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("p", [0.70, 0.80, 0.90])
def test_each_end_covers_at_the_stopping_time(kind, p):
    """The stopping time is the verdict's, n_min 1, so that nothing hides an early error.

    An end misses the truth p exactly where the wealth against p rejects it; the first streams
    also ask the interval itself.
    """
    runs, n_max = 2000, 100
    ys = scored(kind, p, (runs, n_max), np.random.default_rng(21))
    rises, falls = paths(ys, 0.80)
    decided = (rises >= ENOUGH) | (falls >= ENOUGH)
    last = np.where(decided.any(axis=1), decided.argmax(axis=1), n_max - 1)
    missed = np.array([path[np.arange(runs), last] >= ENOUGH for path in paths(ys, p)])
    assert (missed.mean(axis=1) <= 0.05).all()
    for run in range(15):
        counts = tally(ys[run, : last[run] + 1].tolist())
        lower, upper = interval(counts, 0.80, 0.05, 0.05)
        assert [lower > p, upper < p] == missed[:, run].tolist()


# -- mixtures of families, with shared trials --------------------------------------------------

SHARED = (
    Clause(
        "L1-MIX",
        "L1",
        "D",
        RULE,
        (Source("easy", 1, 1.0, {"size": 3}, 3), Source("hard", 1, 3.0, {"size": 3}, 3)),
    ),
    Clause("L1-EASY", "L1", "D", RULE, (Source("easy", 1, 1.0, {"size": 3}, 3),)),
    Clause(
        "L1-MORE",
        "L1",
        "D",
        RULE,
        (
            Source("easy", 1, 2.0, {"size": 3}, 3),
            Source("hard", 1, 1.0, {"size": 3}, 3),
            Source("other", 1, 1.0, {"size": 3}, 3),
        ),
    ),
)
SOLVES = {"easy": 1.0, "hard": 2.2 / 3, "other": 0.60}
"""So that L1-MIX is exactly at p0 = 0.80, L1-EASY at 1 and L1-MORE at 0.83."""
N_SEEDS, N_AGENTS, N_MAX = 30, 12, 100


@pytest.fixture(scope="module")
def drawn():
    """Every draw of the three clauses: [seed][index − 1][clause id]."""
    return [
        [
            {item.id: draw(item, f"seed {seed}".encode(), index, ("zh", "en")) for item in SHARED}
            for index in range(1, N_MAX + 1)
        ]
        for seed in range(N_SEEDS)
    ]


def outcome(item, agent):
    """Whether an agent solves a draw: a pure function of both, so shared trials agree."""
    code = hashlib.sha256(f"{agent} {item.family} {item.seed}".encode()).digest()
    return float(int.from_bytes(code[:6], "big") < SOLVES[item.family] * 2**48)


def with_n_max(item, n_max):
    rule = Rule("betting", p0=0.80, p1=0.90, n_min=1, n_max=n_max)
    return Clause(item.id, item.step, item.dimension, rule, item.sources)


def mixed_runs(drawn):
    course = Course(levels=(Step("L1", tuple(with_n_max(item, N_MAX) for item in SHARED)),))
    for seed, table in enumerate(drawn):
        for agent in range(N_AGENTS):
            name = f"{seed}/{agent}"

            def reply(asked, table=table, name=name):
                row = table[asked.index - 1]
                return {c: Observation(outcome(row[c], name)) for c in asked.clauses}

            yield drive(course, reply)


def test_trials_are_shared_and_families_are_mixed_by_weight(drawn):
    rows = [row for table in drawn for row in table]
    hard = np.mean([row["L1-MIX"].family == "hard" for row in rows])
    shared = np.mean([row["L1-MIX"].key == row["L1-EASY"].key for row in rows])
    assert hard == pytest.approx(0.75, abs=0.03)
    assert shared == pytest.approx(0.25, abs=0.03)


def test_a_mixture_at_p0_passes_in_five_percent_at_most_with_trials_shared(drawn):
    found = [{item.clause: item.verdict for item in result.clauses} for result in mixed_runs(drawn)]
    assert np.mean([item["L1-MIX"] == "pass" for item in found]) <= 0.05
    assert np.mean([item["L1-EASY"] == "pass" for item in found]) > 0.9


def test_feeding_a_clause_the_matching_trials_of_others_would_break_it(drawn):
    """The clause at p0 takes, beside its own trial, the one L1-EASY ran at the same index."""
    rule = with_n_max(SHARED[0], 2 * N_MAX).rule
    honest, greedy = [], []
    for seed, table in enumerate(drawn):
        for agent in range(N_AGENTS):
            name = f"{seed}/{agent}"
            own, fed = [], []
            for row in table:
                own.append(outcome(row["L1-MIX"], name))
                fed.append(own[-1])
                if row["L1-EASY"].key != row["L1-MIX"].key:
                    fed.append(outcome(row["L1-EASY"], name))
            honest.append(passes(rule, own))
            greedy.append(passes(rule, fed))
    assert np.mean(honest) <= 0.05
    assert np.mean(greedy) > 0.5


def passes(rule, ys):
    """Say whether the rule passes at any time, by the path of its wealth."""
    rises, falls = paths([ys[: rule.n_max]], rule.p0)
    ended = (rises[0] >= ENOUGH) | (falls[0] >= ENOUGH)
    return bool(ended.any() and rises[0][ended.argmax()] >= ENOUGH)


@pytest.mark.parametrize(
    "feed",
    [
        lambda own, extra: {"L1-MIX": [own, extra]},
        lambda own, extra: {"L1-MIX": (own, extra)},
        lambda own, extra: {"L1-MIX": own, "L1-EASY": extra},
        lambda own, extra: {"L1-MIX": own, "L1-MIX ": extra},
    ],
)
def test_the_engine_refuses_to_be_fed_so(feed):
    rounds = climb(Course(levels=(Step("L1", SHARED[:1]),)))
    next(rounds)
    with pytest.raises(ObservationError):
        rounds.send(feed(Observation(1.0), Observation(1.0)))


def test_the_engine_takes_no_second_observation_of_an_index():
    rounds = climb(Course(levels=(Step("L1", SHARED[:1]),)))
    indices = [next(rounds).index]
    indices += [rounds.send({"L1-MIX": Observation(1.0)}).index for _ in range(20)]
    assert indices == list(range(1, 22))


# -- whole levels and ladders ------------------------------------------------------------------


def test_a_level_of_eight_with_one_clause_just_missed_is_hardly_ever_granted():
    """The reference simulated 2.3 % at 0.79 and 0.2 % at 0.70; exact, the clauses independent."""
    strong = characteristics(RULE, 0.95).p_pass ** 7
    assert strong * characteristics(RULE, 0.79).p_pass <= 0.025
    assert strong * characteristics(RULE, 0.70).p_pass <= 0.002


def test_a_level_of_eight_good_clauses_is_mostly_granted():
    """The reference simulated 90 % with 756 trials, without n_min."""
    eager = Rule("betting", p0=0.80, p1=0.90, n_min=1)
    at = characteristics(eager, 0.90)
    assert at.p_pass**8 == pytest.approx(0.90, abs=0.02)
    assert 8 * at.expected_n == pytest.approx(756, rel=0.03)


def random_agent(chance, seed):
    rng = random.Random(seed)

    def reply(asked):
        return {c: Observation(float(rng.random() < chance(c))) for c in asked.clauses}

    return reply


def test_the_ladder_itself_grants_the_level_of_eight_as_often():
    course = Course(levels=(step("L1", *(clause(f"L1-{c}") for c in "ABCDEFGH")),))
    missed = {"L1-H": 0.79}
    good = [drive(course, random_agent(lambda _: 0.90, seed)) for seed in range(40)]
    bad = [drive(course, random_agent(lambda c: missed.get(c, 0.95), seed)) for seed in range(40)]
    assert np.mean([item.level == "L1" for item in good]) == pytest.approx(0.90, abs=0.12)
    assert sum(item.level == "L1" for item in bad) <= 3


def test_five_levels_are_climbed_to_the_true_one():
    rule = Rule("betting", p0=0.80, p1=0.90)
    course = Course(
        levels=tuple(
            step(f"L{n}", *(clause(f"L{n}-{c}", rule=rule) for c in "ABCD")) for n in range(1, 6)
        )
    )
    found, trials = [], []
    for seed in range(40):
        result = drive(course, random_agent(lambda c: 0.96 if c[:2] <= "L3" else 0.70, seed))
        found.append(result.level)
        trials.append(sum(item.judgement.n for item in result.clauses if item.judgement))
    assert found.count("L3") >= 39
    assert not {"L4", "L5"} & set(found)
    assert np.mean(trials) < 1000


def test_weighted_floor_grants_a_level_at_its_threshold_in_five_percent_at_most():
    rule = Rule("betting", p0=0.80, p1=0.90, n_min=1, n_max=100)
    levels = (
        step(
            "L1",
            clause("L1-A", rule=rule, dimension="plan", weight=2.0),
            clause("L1-B", rule=rule, dimension="tool"),
            clause("L1-C", rule=rule, dimension="tool"),
        ),
    )
    course = Course(levels=levels, level_rule="weighted-floor", claim=Claim(level="L1"))
    total_at_threshold = {"L1-A": 0.70, "L1-B": 1.0, "L1-C": 0.80}
    floor_at_threshold = {"L1-A": 1.0, "L1-B": 0.30, "L1-C": 0.90}
    for chances in (total_at_threshold, floor_at_threshold):
        held = [
            drive(course, random_agent(lambda c, p=chances: p[c], seed)).level for seed in range(60)
        ]
        assert held.count("L1") <= 3  # 5 % of 60
