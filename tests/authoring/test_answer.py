"""The answer contract: one object, checked; values compared as what they are."""

import json

import pytest

from conformance.authoring import Answer, read_answer, read_answer_text, same_value, submit_spec
from conformance.schemas import first_error

GOOD = {"status": "done", "reason": None, "values": {"id": "A1"}, "confidence": 0.5}


def test_a_whole_answer_is_read():
    assert read_answer(GOOD) == Answer("done", None, {"id": "A1"}, 0.5)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"status": "perhaps"},
        {"status": "done", "note": "x"},
        {"status": "done", "values": []},
        {"status": "done", "confidence": 1.5},
        {"status": "done", "confidence": "high"},
        {"status": "done", "values": {"x": float("nan")}},
        [],
        None,
        "done",
    ],
)
def test_what_is_no_answer_is_refused_in_one_line(given):
    complaint = read_answer(given)
    assert isinstance(complaint, str)
    assert "\n" not in complaint


@pytest.mark.parametrize("given", [GOOD, {"status": "refused"}, {"status": "nope"}, {}])
def test_the_published_schema_agrees_with_the_reader(given):
    assert (first_error("answer", given) is None) == isinstance(read_answer(given), Answer)


def test_a_final_message_that_is_the_answer_is_one():
    assert read_answer_text(f"  {json.dumps(GOOD)}\n") == read_answer(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "done",
        f"Here it is: {json.dumps(GOOD)}",
        f"```json\n{json.dumps(GOOD)}\n```",
        json.dumps(GOOD) + " That was it.",
        '{"status": "done"',
        "[" * 100_000,
        "{" * 100_000,
    ],
)
def test_prose_is_never_searched_for_an_answer(text):
    assert read_answer_text(text) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (25, 25.0),
        (25.0, 25),
        ("25", 25),
        (" 25.00 ", 25),
        ("1e2", 100),
        ("0.10", 0.1),
        (" abC ", "ABC"),
        ([1, "x"], [1.0, "X"]),
        ({"a": 1}, {"a": 1.0}),
        (True, True),
        (None, None),
    ],
)
def test_equal_values_are_the_same(given, expected):
    assert same_value(given, expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (25.1, 25),
        ("25 kg", 25),
        ("", 0),
        (True, 1),
        (1, True),
        (None, 0),
        ("nan", 0),
        ("inf", 0),
        ("ABCD", "ABC"),
        ("ABC DEF", "ABC"),
        (5, "5"),
        ([1], [1, 2]),
        ([1, 2], [2, 1]),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({}, {"a": 1}),
        ("x" * 1_000_000, "x"),
        (["ABC"], "ABC"),
    ],
)
def test_other_values_are_not(given, expected):
    assert not same_value(given, expected)


def test_the_answers_values_are_named_in_the_tool():
    schema = submit_spec({"query_id": "of the query"}).parameters
    assert schema["properties"]["values"]["properties"] == {
        "query_id": {"description": "of the query"}
    }
