"""A bundle's sessions as load: dealt to slots, growing prefixes, marks, think times."""

from __future__ import annotations

import itertools
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from conformance.errors import UsageError
from conformance.profile.replay import Replay
from tests.profile.bundles import SYSTEM, USER, bundle_of, called, says

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.profile.target import Step


def trial(turns: int, *, system: bool = True) -> list[dict[str, Any]]:
    """Make a trial of so many turns, 2 s of thinking before each but the first."""
    first = [SYSTEM, USER] if system else [USER]
    events = [called(1.0, first, says("0"), output_tokens=11)]
    known = len(first)
    for turn in range(1, turns):
        fresh = [{"role": "assistant", "content": f"{turn - 1}"}, {**USER, "content": f"on {turn}"}]
        events.append(
            called(1.0 + 3.0 * turn, fresh, says(f"{turn}"), known=known, output_tokens=11 + turn)
        )
        known += 2
    return events


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return bundle_of(tmp_path / "b", *(trial(turns) for turns in (1, 2, 3, 5, 4)))


def read(folder: Path, **more: Any) -> Replay:
    more.setdefault("seed", 1)
    return Replay.read(folder, "m", **more)


def played(replay: Replay, slot: int = 0, count: int = 60) -> list[Step]:
    return list(itertools.islice(replay.steps(slot), count))


def sessions(replay: Replay, slot: int = 0, count: int = 60) -> list[list[Step]]:
    """Return the plays of a slot, without the last, which may be cut."""
    groups = itertools.groupby(played(replay, slot, count), lambda step: step.session)
    return [list(group) for _, group in groups][:-1]


def contents(step: Step) -> list[str]:
    return [message["content"] for message in json.loads(step.body)["messages"]]


def marks(step: Step) -> list[str]:
    return [text.partition("\n")[0] for text in contents(step) if "\n" in text]


def test_a_turn_asks_what_was_recorded_of_the_model_asked_now(folder: Path) -> None:
    step = sessions(read(folder))[1][-1]
    body = json.loads(step.body)
    assert step.turn is not None
    assert (body["model"], body["stream"]) == ("m", True)
    assert body["max_tokens"] == step.asked_tokens == 11 + step.turn
    assert [message["role"] for message in body["messages"]][:2] == ["system", "user"]
    assert len(body["messages"]) == 2 + 2 * step.turn


def test_the_responses_dialect_has_the_messages_as_its_input(folder: Path) -> None:
    body = json.loads(played(read(folder, dialect="responses"))[0].body)
    assert body["input"][0]["role"] == "system"
    assert "messages" not in body


def test_a_slot_plays_whole_sessions_without_end_all_of_them_in_each_round(folder: Path) -> None:
    replay = read(folder)
    found = sessions(replay, count=200)
    assert len(found) > 20
    assert all([step.turn for step in play] == list(range(len(play))) for play in found[1:])
    lengths = [len(play) for play in found]
    assert sorted(lengths[1:6]) == sorted(lengths[6:11]) == [1, 2, 3, 4, 5]
    for play in found[1:]:
        session = play[0].session
        assert session is not None
        assert replay.turns_of(session) == len(play)


def test_slots_begin_with_different_sessions_somewhere_on_their_way(folder: Path) -> None:
    replay = read(folder)
    firsts = [played(replay, slot, 1)[0] for slot in range(5)]
    assert {(step.session or 0) % 5 for step in firsts} == set(range(5))
    assert any(step.turn for step in firsts)
    assert all(step.wait_s == 0.0 for step in firsts)
    begun = [
        (step.turn or 0) / replay.turns_of(step.session or 0)
        for step in (played(replay, slot, 1)[0] for slot in range(200))
    ]
    assert 0.2 < sum(begun) / len(begun) < 0.5


def test_the_plays_of_all_slots_have_numbers_of_their_own(folder: Path) -> None:
    replay = read(folder)
    found = [
        step.session for slot in range(30) for play in sessions(replay, slot) for step in play[:1]
    ]
    assert len(set(found)) == len(found)


def test_the_deal_is_the_same_in_every_process(folder: Path) -> None:
    replay = read(folder)
    again = pickle.loads(pickle.dumps(replay))
    assert again == replay
    assert played(again, 3) == played(replay, 3)
    assert played(read(folder, seed=2), 3) != played(replay, 3)


def test_think_times_are_as_recorded_times_the_scale(folder: Path) -> None:
    for scale in (1.0, 0.5, 0.0):
        play = next(each for each in sessions(read(folder, think_scale=scale))[1:] if len(each) > 2)
        assert [step.wait_s for step in play] == [0.0] + [2.0 * scale] * (len(play) - 1)


def test_friendly_prefixes_grow_inside_a_session_and_share_the_system_between_them(
    folder: Path,
) -> None:
    found = sessions(read(folder, cache="friendly"))
    for play in found:
        for before, after in itertools.pairwise(play):
            assert contents(after)[: len(contents(before))] == contents(before)
    assert {contents(step)[0] for play in found for step in play} == {SYSTEM["content"]}
    seconds = [contents(play[0])[1] for play in found]
    assert len(set(seconds)) == len(seconds)


def test_friendly_sessions_without_a_system_share_nothing(tmp_path: Path) -> None:
    folder = bundle_of(tmp_path / "b", trial(3, system=False), trial(2, system=False))
    heads = [contents(play[0])[0] for play in sessions(read(folder))]
    assert len(set(heads)) == len(heads)


def test_busted_requests_have_no_head_in_common(folder: Path) -> None:
    found = [step for slot in range(4) for step in played(read(folder, cache="busted"), slot)]
    heads = [contents(step)[0][:16] for step in found]
    assert len(set(heads)) == len(heads)
    assert all(len(marks(step)) == 1 for step in found)


def test_another_load_has_other_marks(folder: Path) -> None:
    replay = read(folder)
    one, other = played(replay), played(replay.renewed(1))
    assert [step.turn for step in one] == [step.turn for step in other]
    assert not {mark for s in one for mark in marks(s)} & {m for s in other for m in marks(s)}


def test_what_is_described_says_what_was_recorded(folder: Path) -> None:
    described = read(folder, think_scale=0.5).describe()
    assert described["sessions"] == 5
    assert described["turns"] == 15
    assert described["think_s"] == 20.0
    assert described["recorded_input_tokens"] == 1500
    assert described["recorded_output_tokens"] == sum(
        11 + turn for turns in (1, 2, 3, 5, 4) for turn in range(turns)
    )
    assert described["estimated_turns"] == 0
    assert len(described["bundle"]) == 64


@pytest.mark.parametrize("scale", [-1.0, float("inf"), float("nan")])
def test_a_scale_that_is_none_is_refused(folder: Path, scale: float) -> None:
    with pytest.raises(UsageError, match="is no factor"):
        read(folder, think_scale=scale)
