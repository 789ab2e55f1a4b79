"""The time of a reply: what each token takes, with stall and jitter."""

from itertools import islice
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.mock.pace import Clock, Pace


def first(pace, tokens):
    return list(islice(pace.delays_s(), tokens))


def test_the_first_token_takes_ttft_and_each_later_one_itl():
    assert first(Pace(0.5, 0.25), 4) == [0.5, 0.25, 0.25, 0.25]


def test_a_stall_comes_before_one_token():
    assert first(Pace(0.5, 0.25, stall_s=3, stall_at=2), 4) == [0.5, 0.25, 3.25, 0.25]
    assert first(Pace(0.5, 0.25, stall_s=3, stall_at=0), 2) == [3.5, 0.25]


@given(
    st.floats(0, 10), st.floats(0, 10), st.floats(1e-6, 10), st.integers(0, 2**40), st.integers(0)
)
def test_jitter_is_between_nothing_and_its_limit(ttft, itl, jitter, seed, number):
    pace = Pace(ttft, itl, jitter_s=jitter, seed=seed)
    for token, delay in enumerate(first(pace.of_reply(number), 20)):
        own = itl if token else ttft
        assert own <= delay <= own + jitter * (1 + 1e-9) + 1e-9


def test_jitter_is_the_same_for_the_same_seed_and_reply_only():
    pace = Pace(jitter_s=1.0, seed=7)
    assert first(pace.of_reply(3), 5) == first(pace.of_reply(3), 5)
    assert first(pace.of_reply(3), 5) != first(pace.of_reply(4), 5)
    assert first(pace, 5) != first(Pace(jitter_s=1.0, seed=8), 5)
    spread = first(pace, 1000)
    assert min(spread) < 0.1
    assert max(spread) > 0.9


@pytest.mark.parametrize("pace", [Pace(1, 0.5, stall_s=2, stall_at=1), Pace(1, 0.5, jitter_s=0.3)])
async def test_the_clock_of_a_reply_waits_for_stall_and_jitter_too(monkeypatch, pace):
    now, slept = [0.0], []

    class Asyncio:
        @staticmethod
        def get_running_loop():
            return SimpleNamespace(time=lambda: now[0])

        @staticmethod
        async def sleep(seconds):
            slept.append(seconds)
            now[0] += seconds

    monkeypatch.setattr("conformance.mock.pace.asyncio", Asyncio)
    clock = Clock(pace)
    for _ in range(3):
        await clock.wait()
    assert slept == pytest.approx(first(pace, 3))
