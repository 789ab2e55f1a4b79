"""The record of what the paced endpoint wrote: its file, and what is read off it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import EvidenceInvalidError
from conformance.mock import truth
from conformance.mock.truth import Written, decode_truth, encode_truth, lag_of, read_truth
from conformance.profile import log

MS = 1_000_000


def answer(*writes, arrived=0, **fields):
    """An answer of writes: (due ms, lag ms, letters)."""
    return Written(
        "0-1",
        arrived * MS,
        200,
        at=[round((due + lag) * MS) for due, lag, _ in writes],
        due=[due * MS for due, _, _ in writes],
        kinds=[kinds for *_, kinds in writes],
        **fields,
    )


TYPICAL = answer((15, 0, "r"), (60, 1, "t"), (70, 0.5, "cc"), (90, 2, "ceud"), arrived=10)


def test_ttft_is_from_the_arrival_to_the_first_content():
    assert TYPICAL.ttft_ns == 60.5 * MS
    assert answer((60, 0, "rt"), (70, 0, "eud")).ttft_ns is None


def test_gaps_are_between_events_that_bring_tokens():
    assert TYPICAL.gaps_ns == [9.5 * MS, 0, 21.5 * MS]
    assert answer((60, 0, "rced")).gaps_ns == []


def test_the_lag_of_a_write_is_how_late_it_was():
    assert TYPICAL.lags_ns == [0, 1 * MS, 0.5 * MS, 2 * MS]


def test_the_lag_of_many_is_told_by_nearest_rank():
    answers = [answer((number, number / 10, "c")) for number in range(1, 201)]
    lag = lag_of(answers)
    assert (lag.writes, lag.events) == (200, 200)
    assert (lag.p50_ms, lag.p99_ms, lag.max_ms) == (10.0, 19.8, 20.0)
    assert lag_of([TYPICAL]).p50_ms == 0.5
    assert lag_of([TYPICAL]).events == 8
    assert lag_of([]) == (0, 0, 0.0, 0.0, 0.0)


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "truth.jsonl"
    made = [TYPICAL, Written("", 5, 503, [7], [6], [""]), answer((1, 0, "c"), is_whole=False)]
    path.write_bytes(encode_truth(made, forgotten=3))
    read = read_truth(path)
    assert read.written == made
    assert read.forgotten == 3


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is no record"),
        (b"{", "is no record"),
        (b'{"format":"truth/9"}', "'truth/9'"),
        (b'{"format":"truth/1"}\n{"request_id":"a"}', "is no record"),
        (
            b'{"format":"truth/1"}\n{"request_id":"a","arrived":1,"status":200,"at":[1]}',
            "do not match",
        ),
        (b'{"format":"truth/1"}\n' + b'{"x":' * 100_000, "is no record"),
    ],
)
def test_a_file_that_is_none_says_so(tmp_path, content, complaint):
    path = tmp_path / "truth.jsonl"
    path.write_bytes(content)
    with pytest.raises(EvidenceInvalidError, match=complaint) as caught:
        read_truth(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(EvidenceInvalidError, match="cannot be read"):
        read_truth(tmp_path / "none.jsonl")


@given(st.binary(max_size=200))
def test_whatever_is_no_record_is_refused_as_one(data):
    with pytest.raises(EvidenceInvalidError):
        decode_truth(data)
    with pytest.raises(EvidenceInvalidError):
        decode_truth(encode_truth([TYPICAL]) + b"\x00" + data)


def test_its_letters_are_those_of_the_clients_log():
    for name in ("ROLE", "REASONING", "CONTENT", "TOOL", "EMPTY", "USAGE", "DONE", "TOKENS"):
        assert getattr(truth, name) == getattr(log, name)
