"""The client's own error: its log against the record of the bundled endpoint."""

import pytest

from conformance.errors import AgentUnavailableError
from conformance.mock import Written
from conformance.profile.calibrate import MOST_LAG_MS, calibrate, compare
from conformance.profile.shape import Closed, Open
from tests.profile.logs import MS, Stream, failed, log_of, request


def answer(name, sent, *, ttft=50.0, gaps=(10.0,) * 9, lag=0.0, arrival=0.2, **fields):
    """An answer to a request that was sent at this time: all in milliseconds."""
    arrived = sent + arrival
    times = [arrived + ttft]
    for gap in gaps:
        times.append(times[-1] + gap)
    return Written(
        name,
        round(arrived * MS),
        200,
        at=[round(at * MS) for at in times],
        due=[round((at - lag) * MS) for at in times],
        kinds=["rc", *("c" for _ in times[2:]), "ceud"],
        **fields,
    )


def read(sent=0.0, **fields):
    return request(sent, Stream(**fields))


def test_a_client_that_reads_what_was_written_has_no_error():
    log = log_of([read(0), read(700)], shape=Closed(concurrency=8))
    point = compare(log, [answer("0-0", 0), answer("0-1", 700)])
    assert point.concurrency == 8
    assert point.requests == 2
    assert point.ttft_p50_error_ms == point.ttft_p99_error_ms == 0
    assert point.chunk_gap_p50_error_ms == point.chunk_gap_p99_error_ms == 0
    assert point.mock_lag_p99_ms == 0
    assert not point.is_void


def test_an_error_is_what_the_client_reads_beyond_the_truth():
    log = log_of([read(0, ttft=51.5), read(700, ttft=58), read(1400, ttft=51.5, gap=10.25)])
    truth = [answer("0-0", 0), answer("0-1", 700, ttft=50.5), answer("0-2", 1400)]
    point = compare(log, truth)
    assert point.ttft_p50_error_ms == pytest.approx(1.5)
    assert point.ttft_p99_error_ms == pytest.approx(7.5)
    assert point.chunk_gap_p50_error_ms == pytest.approx(0)
    assert point.chunk_gap_p99_error_ms == pytest.approx(0.25)


def test_a_client_that_reads_too_little_has_a_negative_error():
    point = compare(log_of([read(0, ttft=48)]), [answer("0-0", 0)])
    assert point.ttft_p50_error_ms == pytest.approx(-2)


def test_what_the_endpoint_wrote_late_is_not_the_clients_error():
    stall = {"stall_before": 4, "stall": 31.0}
    written = answer("0-0", 0, ttft=51, gaps=(10, 10, 10, 31, 10, 10, 10, 10, 10), lag=1)
    point = compare(log_of([read(0, ttft=51, **stall)]), [written])
    assert point.ttft_p50_error_ms == pytest.approx(0)
    assert point.chunk_gap_p99_error_ms == pytest.approx(0)
    assert point.mock_lag_p99_ms == pytest.approx(1)
    assert not point.is_void


@pytest.mark.parametrize(("lag", "is_void"), [(MOST_LAG_MS, False), (MOST_LAG_MS + 0.01, True)])
def test_where_the_endpoint_itself_was_late_nothing_is_said(lag, is_void):
    point = compare(log_of([read(0)]), [answer("0-0", 0, lag=lag)])
    assert point.is_void == is_void


def test_an_answer_that_is_not_compared_may_have_been_late():
    truth = [answer("0-0", 0), answer("9-9", 0, lag=50)]
    assert not compare(log_of([read(0)]), truth).is_void


def test_requests_are_joined_by_their_ids_whatever_the_order():
    log = log_of([read(0, ttft=60), read(700, ttft=80)])
    worker = answer("1-0", 0, ttft=5)
    truth = [answer("0-1", 700, ttft=79), worker, answer("", 0), answer("0-0", 0, ttft=59)]
    point = compare(log, truth)
    assert point.requests == 2
    assert point.ttft_p50_error_ms == pytest.approx(1)
    assert point.ttft_p99_error_ms == pytest.approx(1)


def test_only_done_requests_of_the_measured_part_count():
    requests = [read(0, ttft=90), read(700, ttft=51), failed(800), read(1400)]
    log = log_of(requests, measured=(500, 2000))
    truth = [
        answer("0-0", 0),
        answer("0-1", 700),
        answer("0-2", 800),
        answer("0-3", 1400, is_whole=False),
    ]
    point = compare(log, truth)
    assert point.requests == 1
    assert point.ttft_p99_error_ms == pytest.approx(1)


def test_nothing_is_said_of_a_client_that_has_nothing_in_the_record():
    with pytest.raises(AgentUnavailableError, match="not one request"):
        compare(log_of([read(0)]), [answer("9-9", 0)])


def test_an_open_loop_is_no_calibration():
    with pytest.raises(ValueError, match="closed loop"):
        compare(log_of([read(0)], shape=Open(rate=1.0)), [answer("0-0", 0)])


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_the_real_client_is_held_against_the_real_endpoint(dialect, monkeypatch):
    monkeypatch.setattr("conformance.profile.calibrate.TRIES", 1)  # the machine may be busy
    made = calibrate((2, 1, 2), ttft_ms=30, chunk_gap_ms=5, tokens=10, requests=6, dialect=dialect)
    assert (made.ttft_ms, made.chunk_gap_ms, made.tokens) == (30, 5, 10)
    assert [point.concurrency for point in made.points] == [1, 2]
    for point in made.points:
        assert 6 <= point.requests <= 8
        # A client that read another stream, or another clock, would be off by far more.
        assert abs(point.ttft_p50_error_ms) < 2000
        assert abs(point.chunk_gap_p50_error_ms) < 2000
