"""What a load asks: lengths, unique heads, the same in every process, and users' own files."""

from __future__ import annotations

import itertools
import json
import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.profile.workload import Envelope, FromFile, Synthetic

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.profile.target import Workload


def bodies(workload: Workload, slot: int = 0, count: int = 1) -> list[dict[str, Any]]:
    return [json.loads(step.body) for step in itertools.islice(workload.steps(slot), count)]


def user(body: dict[str, Any]) -> str:
    return body["messages"][-1]["content"]


def words(text: str) -> int:
    return len(text.split())


def test_a_chat_request_streams_with_its_usage_at_temperature_0() -> None:
    (body,) = bodies(Synthetic("m", output_tokens=7))
    assert body.pop("messages")[0]["role"] == "user"
    assert body == {
        "model": "m",
        "stream": True,
        "temperature": 0,
        "stream_options": {"include_usage": True},
        "max_tokens": 7,
    }


def test_a_responses_request_has_its_own_names() -> None:
    (body,) = bodies(Synthetic("m", dialect="responses", output_tokens=7))
    assert body.pop("input")[0]["role"] == "user"
    assert body == {
        "model": "m",
        "stream": True,
        "temperature": 0,
        "store": False,
        "max_output_tokens": 7,
    }


def test_answers_of_exactly_one_length_are_asked_for_by_ignore_eos_and_min_tokens() -> None:
    (body,) = bodies(Synthetic("m", output_tokens=7, control="ignore_eos"))
    assert (body["ignore_eos"], body["min_tokens"], body["max_tokens"]) == (True, 7, 7)
    (body,) = bodies(Synthetic("m", output_tokens=7))
    assert "ignore_eos" not in body
    assert "min_tokens" not in body


def test_members_can_be_added_and_taken_out() -> None:
    envelope = Envelope("m", extra={"temperature": None, "top_k": 1})
    body = json.loads(envelope.body(b"", 1))
    assert "temperature" not in body
    assert body["top_k"] == 1


def test_the_asked_tokens_stand_beside_the_body() -> None:
    step = next(Synthetic("m", output_tokens=9).steps(0))
    assert (step.asked_tokens, step.wait_s, step.session, step.turn) == (9, 0.0, None, None)


@given(st.integers(26, 20_000))
@settings(max_examples=50, deadline=None)
def test_an_english_prompt_has_as_many_words_as_tokens_are_asked(tokens: int) -> None:
    (body,) = bodies(Synthetic("m", input_tokens=tokens, seed=1))
    # The task at the end is 14 words, and about 16 tokens with its stops.
    assert words(user(body)) == tokens - 2


def test_a_chinese_prompt_has_two_characters_a_token() -> None:
    (body,) = bodies(Synthetic("m", input_tokens=500, lang="zh", seed=1))
    made, task = user(body).split("\n\n")
    assert len(made) == 2 * (500 - 16)
    assert task.startswith("请")


def test_a_prompt_too_short_for_a_task_is_its_unique_head() -> None:
    (body,) = bodies(Synthetic("m", input_tokens=1))
    assert words(user(body)) == 10


def test_no_two_prompts_have_the_same_head_in_any_slot_or_load() -> None:
    whole = Synthetic("m", input_tokens=64, seed=3)
    heads = {
        tuple(user(body).split()[:10])
        for load in range(3)
        for slot in range(40)
        for body in bodies(whole.renewed(load), slot, 10)
    }
    assert len(heads) == 3 * 40 * 10


def test_another_workload_has_other_prompts_by_itself() -> None:
    assert bodies(Synthetic("m")) != bodies(Synthetic("m"))


def test_the_same_arguments_give_the_same_steps_in_another_process() -> None:
    workload = Synthetic("m", spread=0.5, seed=5, shared_prefix_tokens=20)
    again = pickle.loads(pickle.dumps(workload))
    assert again == workload
    assert bodies(again, 7, 5) == bodies(workload, 7, 5)


def test_a_shared_prefix_begins_every_prompt_alike_and_is_part_of_its_length() -> None:
    workload = Synthetic("m", input_tokens=100, shared_prefix_tokens=40, seed=1)
    one, other = bodies(workload, 0)[0], bodies(workload.renewed(1), 5)[0]
    assert one["messages"][0] == other["messages"][0]
    assert one["messages"][0]["role"] == "system"
    assert words(one["messages"][0]["content"]) == 40
    assert words(user(one)) == 60 - 2
    assert user(one).split()[:10] != user(other).split()[:10]


def test_lengths_are_spread_evenly_around_what_is_asked() -> None:
    workload = Synthetic("m", input_tokens=200, output_tokens=100, spread=0.5, seed=1)
    found = bodies(workload, 0, 400)
    asked = [body["max_tokens"] for body in found]
    long = [words(user(body)) + 2 for body in found]
    assert 50 <= min(asked) < 60
    assert 140 < max(asked) <= 150
    assert sum(asked) / len(asked) == pytest.approx(100, rel=0.05)
    assert 100 <= min(long) < 115
    assert 285 < max(long) <= 300
    assert abs(sum((a - 100) * (b - 200) for a, b in zip(asked, long, strict=True))) / 400 < 170


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"input_tokens": 0}, "no tokens"),
        ({"output_tokens": 0}, "no tokens"),
        ({"spread": 1.0}, "is no share"),
        ({"spread": -0.1}, "is no share"),
        ({"input_tokens": 100, "shared_prefix_tokens": 100}, "do not fit"),
        ({"input_tokens": 100, "spread": 0.5, "shared_prefix_tokens": 50}, "shortest prompt of 50"),
    ],
)
def test_lengths_that_make_no_prompt_are_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Synthetic("m", **fields)


def test_what_is_described_makes_the_same_prompts_again() -> None:
    workload = Synthetic("m", spread=0.2, lang="zh")
    described = workload.describe()
    assert described.pop("kind") == "synthetic"
    assert bodies(Synthetic(**described)) == bodies(workload)


def file_of(path: Path, *lines: Any) -> Path:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def asking(text: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **more}


def test_a_users_prompts_are_sent_as_they_are(tmp_path: Path) -> None:
    path = file_of(tmp_path / "own.jsonl", asking("做"), asking("b", max_tokens=3))
    workload = FromFile.read(path, "m")
    first, second, third = bodies(workload, 0, 3)
    assert (user(first), first["max_tokens"]) == ("做", 128)
    assert (user(second), second["max_tokens"]) == ("b", 3)
    assert user(third) == "做"
    assert pickle.loads(pickle.dumps(workload)) == workload
    assert workload.describe()["prompts"] == 2


def test_arrivals_come_in_the_files_order_and_each_slot_goes_round_all_of_it(
    tmp_path: Path,
) -> None:
    path = file_of(tmp_path / "own.jsonl", *(asking(str(n)) for n in range(10)))
    workload = FromFile.read(path, "m")
    assert [user(bodies(workload, slot)[0]) for slot in range(12)] == [*"0123456789", "0", "1"]
    for slot in range(10):
        assert {user(body) for body in bodies(workload, slot, 10)} == set("0123456789")


def test_empty_lines_of_a_file_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(f"\n{json.dumps(asking('a'))}\r\n\n")
    assert len(FromFile.read(path, "m").prompts) == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "2: is no prompt"),
        ("[]", "2: is no prompt"),
        ('{"max_tokens": 3}', "2: is no prompt.*messages"),
        ('{"messages": []}', "2: has no messages"),
        ('{"messages": [{"content": "a"}]}', "2: has no messages with a role"),
        ('{"messages": [{"role": "user"}], "max_tokens": 0}', "2: asks for no tokens"),
        ('{"messages": [{"role": "user"}], "max_tokens": "8"}', "2: is no prompt.*max_tokens"),
        ("\udcff", "2: is no prompt"),
    ],
)
def test_a_line_that_is_no_prompt_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(os.fsencode(f"{json.dumps(asking('a'))}\n{line}\n"))
    with pytest.raises(UsageError, match=told):
        FromFile.read(path, "m")


def test_a_file_that_is_not_there_or_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        FromFile.read(tmp_path / "none.jsonl", "m")
    with pytest.raises(UsageError, match="holds no prompt"):
        FromFile.read(file_of(tmp_path / "empty.jsonl"), "m")


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_file_is_read_or_refused_in_order(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        FromFile.read(path, "m")
