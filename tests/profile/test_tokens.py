"""Tokens come from the server's usage, and its usage is held against what it streamed."""

from __future__ import annotations

import pytest

from conformance.profile.tokens import (
    check_tokens,
    contradiction,
    output_tokens,
    streamed_tokens,
)
from tests.profile.logs import Stream, failed, request

SILENT = Stream(usage=False)
WHOLE = {"events": [], "kinds": ""}


def test_usage_counts_where_every_answer_tells_it():
    check = check_tokens([request(0), request(1), failed(2)])

    assert (check.source, check.done, check.with_usage, check.contradictions) == ("usage", 2, 2, 0)


def test_events_count_where_no_answer_tells_it():
    check = check_tokens([request(0, SILENT), request(1, SILENT)])

    assert check.source == "chunks"
    assert output_tokens(request(0, SILENT), "chunks") == 10


def test_the_two_are_never_mixed():
    check = check_tokens([request(0), request(1, SILENT)])

    assert (check.source, check.done, check.with_usage) == (None, 2, 1)
    assert output_tokens(request(0), None) is None


def test_answers_that_came_whole_and_tell_nothing_have_no_count():
    assert check_tokens([request(0, SILENT, **WHOLE)]).source is None
    assert check_tokens([]).source is None
    assert check_tokens([failed(0)]).source is None


def test_role_usage_and_end_are_no_tokens():
    stream = Stream(role_at=1.0, events=3, usage=False)

    assert output_tokens(request(0, stream), "chunks") == 3


@pytest.mark.parametrize(
    ("stream", "fields"),
    [
        (Stream(events=20, tokens_per_event=5), {}),
        (Stream(events=10), {"output_tokens": 11}),
        (Stream(events=10), {"asked_tokens": 10, "finish": "length"}),
        (Stream(events=10), {"asked_tokens": 64, "finish": "stop"}),
        # The end of the context ends an answer so, too.
        (Stream(events=10), {"asked_tokens": 64, "finish": "length"}),
        # The head of a tool call is an event without a token of its own.
        (Stream(events=10, tools=10), {"output_tokens": 8}),
        (Stream(events=10, usage=False), {}),
        (Stream(), {"input_tokens": 20, "cached_tokens": 20}),
        (Stream(), {"reasoning_tokens": 10}),
        (Stream(events=0), {}),
    ],
)
def test_what_can_be_true_is_let_be(stream, fields):
    assert contradiction(request(0, stream, **fields)) == ""


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"output_tokens": 9}, "9 output tokens in 10 events of text"),
        ({"output_tokens": 0}, "0 output tokens in 10 events of text"),
        ({"output_tokens": -1}, "-1 output tokens"),
        ({"asked_tokens": 9}, "at most 9 were asked for"),
        ({"reasoning_tokens": 11}, "11 reasoning tokens of 10 output tokens"),
        ({"input_tokens": 0}, "0 input tokens"),
        ({"cached_tokens": 21}, "21 cached tokens of 20 input tokens"),
    ],
)
def test_what_cannot_be_true_is_named(fields, said):
    made = request(0, Stream(events=10), **fields)

    assert said in contradiction(made)
    check = check_tokens([request(0), made])
    assert check.contradictions == 1
    assert said in check.example


def test_reasoning_that_is_kept_back_did_not_stream():
    kept = request(0, Stream(events=10), output_tokens=110, reasoning_tokens=100)
    shown = request(0, Stream(events=10, reasoning=6), reasoning_tokens=6)

    assert streamed_tokens(kept, "usage") == 10
    assert streamed_tokens(shown, "usage") == 10
    assert output_tokens(kept, "usage") == 110


@pytest.mark.parametrize(
    ("tokens", "text_bytes", "kinds", "says"),
    [
        (128, 1, "cd", "128 tokens in 1 bytes of text"),
        (108, 100, "cd", ""),
        (109, 100, "cd", "109 tokens in 100 bytes of text"),
        (164, 100, "fcd", ""),
        (165, 100, "fcd", "165 tokens in 100 bytes of text"),
        (128, None, "cd", ""),
    ],
)
def test_more_tokens_than_the_text_has_bytes_are_not_believed(tokens, text_bytes, kinds, says):
    made = request(
        output_tokens=tokens,
        text_bytes=text_bytes,
        kinds=kinds,
        events=list(range(len(kinds))),
        asked_tokens=None,
    )

    assert contradiction(made) == says


def test_reasoning_that_is_kept_back_needs_no_text():
    made = request(
        output_tokens=500, reasoning_tokens=490, text_bytes=10, kinds="cd", events=[1, 2],
        asked_tokens=None,
    )  # fmt: skip

    assert contradiction(made) == ""
