"""How many replayed agents are sustained, against servers whose capacity is known."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.profile.document import Slo
from conformance.profile.recorded import Message, Recorded, Session, Turn
from conformance.profile.replay import Replay
from conformance.profile.sustained import (
    Replayed,
    agents_point,
    agents_result,
    find_sustained,
    finished_sessions,
    sustained,
)
from tests.profile.documents import point_of
from tests.profile.logs import failed, log_of, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.document import AgentsPoint

SLO = Slo(ttft_ms=500.0)


def replay(*lengths: int) -> Replay:
    turn = Turn((Message("user", "?"),), 0.0, 1, None, is_estimated=False)
    sessions = tuple(Session(f"t{n}", "", (turn,) * length) for n, length in enumerate(lengths))
    return Replay("m", "chat", Recorded("b" * 64, sessions), seed=1)


WHOLE = replay(2, 3)


def measured(good: float | None, turns: int = 1000, **changes: Any) -> Replayed:
    made = point_of(1, 50.0, 20.0, good_share=good, requests=turns)
    return Replayed(msgspec.structs.replace(made, **changes), sessions=turns // 10)


def server(capacity: int, turns: int = 1000) -> Callable[[int], Replayed]:
    """Make a server that keeps 99 % of the turns of so many agents and 60 % of any more."""
    return lambda agents: measured(0.99 if agents <= capacity else 0.6, turns)


def tried(found: list[AgentsPoint]) -> list[int]:
    return [each.agents for each in found]


@given(st.integers(0, 300))
@settings(max_examples=60, deadline=None)
def test_the_search_ends_at_or_just_below_the_capacity(capacity: int) -> None:
    found = find_sustained(server(capacity), WHOLE, SLO, limit=256)
    if capacity == 0:
        assert found.sustained is None
    else:
        assert found.sustained is not None
        assert found.sustained <= capacity
        assert found.sustained >= min(256, capacity) - max(0, 0.1 * capacity)


def test_numbers_double_until_one_is_not_sustained_and_are_halved_from_there() -> None:
    found = find_sustained(server(11), WHOLE, SLO)
    assert tried(found.points) == [1, 2, 4, 8, 16, 12, 10, 11]
    assert found.sustained == 11
    assert [each.is_sustained for each in found.points] == [
        True, True, True, True, False, False, True, True,
    ]  # fmt: skip


def test_the_limit_is_tried_and_not_passed() -> None:
    found = find_sustained(server(10**6), WHOLE, SLO, limit=24)
    assert tried(found.points) == [1, 2, 4, 8, 16, 24]
    assert found.sustained == 24


def test_a_beginning_that_is_too_high_is_halved() -> None:
    found = find_sustained(server(3), WHOLE, SLO, start=16)
    assert tried(found.points) == [16, 8, 4, 2, 3]
    assert found.sustained == 3


def test_one_agent_that_is_not_sustained_is_none() -> None:
    found = find_sustained(server(0), WHOLE, SLO)
    assert (tried(found.points), found.sustained) == ([1], None)


def test_a_close_share_is_measured_again_and_all_turns_judge() -> None:
    shares = iter([0.88, 0.96])
    found = find_sustained(lambda _: measured(next(shares), 100), WHOLE, SLO, limit=1)
    assert tried(found.points) == [1, 1]
    assert [each.is_sustained for each in found.points] == [False, True]
    assert found.sustained == 1  # 184 of 200 are 92 %
    shares = iter([0.91, 0.85])
    assert find_sustained(lambda _: measured(next(shares), 100), WHOLE, SLO, limit=1).sustained is (
        None
    )


def test_a_close_share_is_measured_again_only_so_often() -> None:
    found = find_sustained(lambda _: measured(0.9, 50), WHOLE, SLO, limit=1, repeats=3)
    assert tried(found.points) == [1] * 4
    found = find_sustained(lambda _: measured(0.9, 50), WHOLE, SLO, limit=1, repeats=0)
    assert tried(found.points) == [1]


def test_a_clear_share_is_not_measured_again() -> None:
    found = find_sustained(lambda _: measured(0.99), WHOLE, SLO, limit=4, repeats=5)
    assert tried(found.points) == [1, 2, 4]


@given(st.integers(2, 60), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_noise_moves_the_result_little(capacity: int, seed: int) -> None:
    source = random.Random(seed)

    def measure(agents: int) -> Replayed:
        chance = 0.99 if agents <= capacity else 0.7
        return measured(sum(source.random() < chance for _ in range(400)) / 400, 400)

    found = find_sustained(measure, WHOLE, SLO, limit=64)
    assert found.sustained is not None
    assert 0.9 * capacity - 1 <= found.sustained <= capacity


def test_a_load_that_the_client_spoilt_is_no_capacity_of_the_server() -> None:
    def measure(agents: int) -> Replayed:
        return measured(0.99, valid=agents <= 8)

    found = find_sustained(measure, WHOLE, SLO)
    assert found.sustained == 8
    assert not any(each.is_sustained for each in found.points if each.agents > 8)


def test_a_number_above_one_that_failed_is_not_sustained() -> None:
    points = [
        agents_point(agents, measured(good), SLO)
        for agents, good in ((16, 0.95), (1, 0.99), (4, 0.5), (2, 0.9))
    ]
    assert sustained(points, SLO) == 2
    assert sustained(points[:1], SLO) == 16
    assert sustained([], SLO) is None


def test_the_share_of_the_slo_is_the_line() -> None:
    strict = Slo(ttft_ms=500.0, share=0.95)
    assert agents_point(3, measured(0.95), strict).is_sustained
    assert not agents_point(3, measured(0.9499), strict).is_sustained
    assert not agents_point(3, measured(None), strict).is_sustained


def test_without_anything_asked_of_a_turn_the_search_is_refused() -> None:
    with pytest.raises(UsageError, match="--slo"):
        find_sustained(server(1), WHOLE, Slo())


def test_the_result_says_what_was_replayed() -> None:
    found = agents_result([agents_point(7, measured(0.99), SLO)], WHOLE, SLO)
    assert (found.bundle, found.sessions, found.turns) == ("b" * 64, 2, 5)
    assert (found.cache, found.sustained) == ("friendly", 7)
    assert (found.points[0].turns, found.points[0].sessions) == (1000, 100)


def test_only_whole_sessions_of_the_measured_part_are_counted() -> None:
    one, other = (next(n for n in (0, 1) if WHOLE.turns_of(n) == length) for length in (2, 3))
    again = one + 2 * (1 << 20)

    def turn(at: float, session: int, number: int, **more: Any) -> Any:
        return request(at, session=session, turn=number, **more)

    log = log_of(
        [
            turn(0, one, 0),  # before the measured part
            turn(1000, one, 1),
            *(turn(1000 + n, again, n) for n in range(2)),
            *(turn(2000 + n, other, n) for n in range(3)),
            *(turn(3000 + n, other + 2, n) for n in range(2)),  # its last turn is missing
            turn(4000, again + 2, 0),
            msgspec.structs.replace(failed(4001), session=again + 2, turn=1),
            request(5000),
        ],
        measured=(500, 6000),
    )
    assert finished_sessions(log, WHOLE) == 2
