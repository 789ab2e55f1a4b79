"""The draws: exact marginals, much sharing, the same everywhere."""

from collections import Counter

import pytest
from scipy.stats import chisquare

from conformance.decision import Clause, Rule, Source, draw, draw_rider, index_seed

SEED = bytes(range(32))
N = 4000
RULE = Rule("betting", p0=0.80, p1=0.90)
LANGS = ("zh", "en")


def drawing(name, weights, **knobs):
    sources = tuple(
        Source(family, 1, weight, knobs or {"size": 3}, 4) for family, weight in weights.items()
    )
    return Clause(name, "L1", "D", RULE, sources)


def draws(clause, count=N, seed=SEED):
    return [draw(clause, seed, index, LANGS) for index in range(1, count + 1)]


def fits(found, expected):
    """Say whether counts agree with probabilities, at one in ten thousand."""
    observed = [found[name] for name in expected]
    assert sum(observed) == found.total()
    return chisquare(observed, [found.total() * p for p in expected.values()]).pvalue > 1e-4


def test_an_index_seed_is_the_hmac_of_the_index_in_decimal():
    assert index_seed(b"key", 1) == (
        "6da91fb91517be1f5cdcf3af91d7d40c717dd638a306157606fb2e584f7ae926"
    )


def test_draws_are_the_same_on_every_platform():
    clause = drawing("L1-A", {"records": 1.0, "telemetry": 2.0}, size=[3, 5, 8], mode="x")
    assert [
        (item.family, item.knobs["size"], item.wording, item.lang) for item in draws(clause, 6)
    ] == [
        ("telemetry", 8, 1, "zh"),
        ("records", 3, 1, "en"),
        ("telemetry", 8, 2, "zh"),
        ("telemetry", 5, 3, "zh"),
        ("records", 3, 2, "en"),
        ("telemetry", 8, 2, "zh"),
    ]
    assert draws(clause, 1)[0].key == (
        "159147f850d36f695a2570e9ef539cba7e2fa84bc1afb760a4f0f39cae934de4"
    )


def test_families_come_with_exactly_their_weights():
    clause = drawing("L1-A", {"a": 1.0, "b": 2.0, "c": 5.0})
    found = Counter(item.family for item in draws(clause))
    assert fits(found, {"a": 1 / 8, "b": 2 / 8, "c": 5 / 8})
    assert not fits(found, {"a": 1 / 6, "b": 2 / 6, "c": 3 / 6})


def test_knobs_wordings_and_languages_are_uniform_within_a_family():
    clause = drawing("L1-A", {"a": 1.0, "b": 1.0}, size=[3, 5, 8], kind=["x", "y"])
    of_a = [item for item in draws(clause) if item.family == "a"]
    third, quarter, half = 1 / 3, 1 / 4, 1 / 2
    assert fits(Counter(item.knobs["size"] for item in of_a), dict.fromkeys((3, 5, 8), third))
    assert fits(Counter(item.knobs["kind"] for item in of_a), dict.fromkeys("xy", half))
    assert fits(Counter(item.wording for item in of_a), dict.fromkeys(range(4), quarter))
    assert fits(Counter(item.lang for item in of_a), dict.fromkeys(LANGS, half))
    assert fits(
        Counter((item.knobs["size"], item.lang) for item in of_a),
        {(size, lang): third * half for size in (3, 5, 8) for lang in LANGS},
    )


def test_successive_draws_are_independent():
    families = [item.family for item in draws(drawing("L1-A", {"a": 1.0, "b": 1.0}))]
    pairs = Counter(zip(families[::2], families[1::2], strict=True))
    assert fits(pairs, {(x, y): 1 / 4 for x in "ab" for y in "ab"})


def test_clauses_with_the_same_sources_share_every_trial():
    one = draws(drawing("L1-A", {"a": 1.0, "b": 1.0}, size=[3, 5]))
    other = draws(drawing("L1-B", {"b": 1.0, "a": 1.0}, size=[3, 5]))
    assert [item.key for item in one] == [item.key for item in other]


def test_clauses_with_overlapping_families_share_as_many_as_can_be():
    """Two clauses with one family in common, each at one half, agree on it one time in three."""
    one = draws(drawing("L1-A", {"a": 1.0, "b": 1.0}))
    other = draws(drawing("L1-B", {"a": 1.0, "c": 1.0}))
    shared = sum(x.key == y.key for x, y in zip(one, other, strict=True))
    assert shared / N == pytest.approx(1 / 3, abs=0.03)
    assert {x.family for x, y in zip(one, other, strict=True) if x.key == y.key} == {"a"}


def test_a_clause_with_one_family_shares_whenever_the_other_draws_it():
    one = draws(drawing("L1-A", {"a": 3.0, "b": 1.0}))
    other = draws(drawing("L1-B", {"a": 1.0}))
    shared = sum(x.key == y.key for x, y in zip(one, other, strict=True))
    assert shared == sum(item.family == "a" for item in one)


def test_clauses_with_other_knobs_share_nothing():
    one = draws(drawing("L1-A", {"a": 1.0}, size=3), 200)
    other = draws(drawing("L2-A", {"a": 1.0}, size=4), 200)
    assert not {item.key for item in one} & {item.key for item in other}


def test_two_indices_and_two_seeds_never_share():
    clause = drawing("L1-A", {"a": 1.0})
    keys = {item.key for item in draws(clause, 200)} | {
        item.key for item in draws(clause, 200, b"other")
    }
    assert len(keys) == 400


def test_a_restricted_language_is_the_only_one_drawn():
    clause = drawing("L1-A", {"a": 1.0})
    assert {draw(clause, SEED, index, ("zh",)).lang for index in range(50)} == {"zh"}


@pytest.mark.parametrize("weights", [{}, {"a": 0.0}, {"a": 1.0, "b": -1.0}])
def test_a_clause_that_cannot_draw_is_refused(weights):
    with pytest.raises(ValueError, match="L1-A"):
        draws(drawing("L1-A", weights), 1)


def test_a_family_named_twice_is_refused():
    source = Source("a", 1, 1.0, {}, 3)
    with pytest.raises(ValueError, match="each once"):
        draw(Clause("L1-A", "L1", "D", RULE, (source, source)), SEED, 1, LANGS)


def test_riders_draw_their_population_uniformly_and_independently():
    population = ("L1-A", "L1-B", "L1-C")
    found = [draw_rider(SEED, index, population) for index in range(1, N + 1)]
    assert fits(Counter(found), dict.fromkeys(population, 1 / 3))
    pairs = Counter(zip(found[::2], found[1::2], strict=True))
    assert fits(pairs, {(x, y): 1 / 9 for x in population for y in population})


def test_riders_with_overlapping_populations_mostly_look_at_the_same_trial():
    small, large = ("L1-A", "L1-B"), ("L1-B", "L1-C", "L1-A")
    indices = range(1, N + 1)
    assert all(
        draw_rider(SEED, index, large) == draw_rider(SEED, index, tuple(reversed(large)))
        for index in indices
    )
    same = sum(draw_rider(SEED, i, small) == draw_rider(SEED, i, large) for i in indices)
    assert same / N == pytest.approx(2 / 3, abs=0.03)


def test_what_a_rider_draws_tells_nothing_of_what_the_clause_draws():
    clause = drawing("L1-A", {"a": 1.0, "b": 1.0})
    pairs = Counter(
        (draw_rider(SEED, index, ("L1-A", "L1-B")), draw(clause, SEED, index, LANGS).family)
        for index in range(1, N + 1)
    )
    assert fits(pairs, {(x, y): 1 / 4 for x in ("L1-A", "L1-B") for y in "ab"})
