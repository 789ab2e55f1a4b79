"""The stream is the same everywhere, uniform, and its forks are independent of what was drawn."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.authoring import TOKEN_ALPHABET, Rng, mint


def test_the_numbers_are_pinned_so_that_instances_never_drift():
    rng = Rng.of("a", 1, {"k": [True, 2.0]})
    assert [rng.below(1000) for _ in range(5)] == [60, 274, 827, 204, 773]
    assert Rng.of("a").token() == "JXARDZEEP3"
    assert mint("s", 1, 2.0) == mint("s", 1, 2) == "WKHQNDW007"


def test_the_same_name_gives_the_same_stream():
    assert Rng.of("x", 1).bits(200) == Rng.of("x", 1).bits(200)
    assert Rng.of("x", 1).bits(200) != Rng.of("x", 2).bits(200)


def test_a_fork_does_not_depend_on_what_was_drawn():
    fresh, used = Rng.of("x"), Rng.of("x")
    used.bits(1000)
    assert fresh.fork("f").bits(64) == used.fork("f").bits(64)
    assert fresh.fork("f").bits(64) != fresh.fork("g").bits(64)


def test_draws_below_a_bound_are_uniform():
    rng, n = Rng.of("uniform"), 14_000
    counts = Counter(rng.below(7) for _ in range(n))
    statistic = sum((counts[k] - n / 7) ** 2 / (n / 7) for k in range(7))
    assert statistic < 22.46  # chi-square, 6 degrees of freedom, 0.999


def test_tokens_hold_five_random_bits_a_character():
    counts = Counter(Rng.of("tokens").token(8000))
    assert set(counts) == set(TOKEN_ALPHABET)
    assert max(counts.values()) < 1.35 * 250


@given(st.integers(-50, 50), st.integers(0, 60), st.text())
def test_integers_stay_within_both_ends(low, width, name):
    rng = Rng.of(name)
    drawn = [rng.integer(low, low + width) for _ in range(50)]
    assert all(low <= value <= low + width for value in drawn)


@given(st.lists(st.integers(), max_size=30), st.text())
def test_shuffling_loses_nothing(items, name):
    assert sorted(Rng.of(name).shuffled(items)) == sorted(items)


def test_more_than_there_is_cannot_be_drawn():
    with pytest.raises(ValueError, match="cannot draw 3 of 2"):
        Rng.of("x").sample([1, 2], 3)
    with pytest.raises(ValueError, match="cannot draw below 0"):
        Rng.of("x").below(0)


def test_nobody_without_the_secret_mints_its_token():
    assert mint("secret", "a") != mint("other", "a")
    assert mint("secret", "a") != mint("secret", "b")
