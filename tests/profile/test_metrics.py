"""A log with a known truth reads as that truth."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.profile.document import Energy, Slo
from conformance.profile.metrics import is_good, measure, readings
from conformance.profile.shape import Closed, Open, Trace
from conformance.profile.window import steady_window
from tests.profile.logs import Stream, client, closed_log, failed, log_of, request

NO_SLO = Slo()


def _point(log, slo=NO_SLO, **options):
    return measure(log, slo, log_path="load.jsonl", log_sha256="0" * 64, **options)


def _energy(window_s, joules, idle=None, *, valid=True):
    return Energy(
        window_s=window_s,
        joules=joules,
        idle_joules=idle,
        uncertainty_j=None,
        average_w=None,
        devices=[],
        valid=valid,
        reasons=[],
    )


# --- one request


def test_a_plain_answer_reads_as_it_came():
    read = readings(request(100.0, Stream(ttft=50, gap=10, events=5), late=3.0))

    assert (read.ttft, read.ttft_any, read.ttft_intended) == (50.0, 50.0, 53.0)
    assert read.chunk_gaps == (10.0, 10.0, 10.0, 10.0)
    assert (read.tpot, read.max_stall) == (10.0, 10.0)
    assert (read.e2e, read.e2e_intended) == (90.0, 93.0)


def test_a_role_only_first_chunk_is_no_token():
    read = readings(request(0, Stream(ttft=50, gap=10, events=100, role_at=5.0)))

    assert (read.ttft, read.ttft_any) == (50.0, 50.0)
    assert (read.tpot, read.max_stall, len(read.chunk_gaps)) == (10.0, 10.0, 99)


def test_five_tokens_a_chunk_show_in_the_gap_and_not_in_tpot():
    read = readings(request(0, Stream(ttft=50, gap=50, events=20, tokens_per_event=5)))

    assert set(read.chunk_gaps) == {50.0}
    assert read.tpot == pytest.approx(950 / 99)  # 9.6


def test_a_stall_is_seen_inside_an_answer():
    read = readings(request(0, Stream(gap=10, events=11, stall_before=5, stall=300.0)))

    assert read.max_stall == 300.0
    assert sorted(read.chunk_gaps)[:-1] == [10.0] * 9
    assert read.tpot == pytest.approx((9 * 10 + 300) / 10)


def test_reasoning_first_is_a_token_and_no_content():
    read = readings(request(0, Stream(ttft=50, gap=10, events=100, reasoning=50)))

    assert (read.ttft_any, read.ttft) == (50.0, 550.0)
    assert read.tpot == 10.0


def test_a_tool_call_first_is_a_token_and_no_content():
    read = readings(request(0, Stream(ttft=50, gap=10, events=8, tools=8)))

    assert (read.ttft_any, read.ttft, read.ttft_intended) == (50.0, None, None)
    assert read.tpot == 10.0


def test_one_token_has_no_tpot_and_no_gap():
    read = readings(request(0, Stream(events=1)))

    assert (read.tpot, read.max_stall, read.chunk_gaps) == (None, None, ())
    assert read.ttft == 50.0


def test_many_tokens_in_one_event_or_one_read_have_no_tpot():
    assert readings(request(0, Stream(events=1, tokens_per_event=40))).tpot is None
    assert readings(request(0, Stream(events=40, gap=0.0))).tpot is None


def test_reasoning_that_is_kept_back_does_not_flatter_tpot():
    made = request(0, Stream(gap=10, events=11), output_tokens=1011, reasoning_tokens=1000)

    assert readings(made).tpot == 10.0


def test_tokens_that_are_not_known_give_no_tpot():
    made = request(0, Stream(events=11, usage=False))

    assert readings(made).tpot is None
    assert readings(made, "chunks").tpot == 10.0


def test_an_answer_that_came_whole_has_no_first_token():
    read = readings(request(0, Stream(events=10), events=[], kinds=""))

    assert (read.ttft, read.ttft_any, read.tpot, read.chunk_gaps) == (None, None, None, ())
    assert read.e2e == 140.0


def test_a_failed_request_is_not_read():
    assert readings(failed(0)) is None
    assert readings(failed(0, error="dropped")) is None
    assert readings(request(0, error="truncated")) is None
    assert readings(request(0, ended=None)) is None


# --- an SLO


@pytest.mark.parametrize(
    ("slo", "good"),
    [
        (Slo(), True),
        (Slo(ttft_ms=55.0), True),
        (Slo(ttft_ms=54.9), False),
        (Slo(tpot_ms=10.0), True),
        (Slo(tpot_ms=9.9), False),
        (Slo(chunk_gap_ms=10.0), True),
        (Slo(chunk_gap_ms=9.0), False),
        (Slo(e2e_ms=145.0), True),
        (Slo(e2e_ms=144.0), False),
        (Slo(ttft_ms=1000.0, e2e_ms=144.0), False),
    ],
)
def test_every_part_that_is_set_must_hold_from_the_intended_send(slo, good):
    made = request(0, Stream(ttft=50, gap=10, events=10), late=5.0)

    assert is_good(readings(made), slo) is good


def test_a_failed_request_is_never_good():
    assert not is_good(readings(failed(0)), Slo())


def test_what_an_answer_has_not_it_cannot_break():
    one = readings(request(0, Stream(events=1)))

    assert is_good(one, Slo(tpot_ms=0.001, chunk_gap_ms=0.001))


def test_a_whole_answer_keeps_the_user_waiting_to_its_end():
    whole = readings(request(0, Stream(), events=[], kinds=""))

    assert is_good(whole, Slo(ttft_ms=140.0))
    assert not is_good(whole, Slo(ttft_ms=139.0))


def test_a_tool_call_counts_as_the_first_sign_of_an_answer():
    assert is_good(readings(request(0, Stream(tools=10))), Slo(ttft_ms=50.0))


# --- a point


def test_a_closed_loop_at_ease_reads_as_its_arithmetic_says():
    # 4 slots, an answer of 20 tokens in 240 ms: 16.67 requests and 333 tokens a second.
    stream = Stream(ttft=50, gap=10, events=20, input_tokens=30)
    point = _point(closed_log(concurrency=4, rounds=24, stream=stream), Slo(ttft_ms=60.0))

    assert point.valid, point.reasons
    assert (point.concurrency, point.loop, point.rate) == (4.0, "closed", None)
    assert point.requests == point.done
    assert point.requests_per_s == pytest.approx(4 / 0.240, rel=0.02)
    assert point.output_tokens_per_s == pytest.approx(80 / 0.240, rel=0.02)
    assert point.total_tokens_per_s == pytest.approx(200 / 0.240, rel=0.02)
    assert point.goodput_per_s == point.requests_per_s
    assert point.good_share == 1.0
    assert (point.tokens_from, point.output_tokens) == ("usage", 20 * point.done)
    assert (point.input_tokens, point.cached_tokens) == (30 * point.done, None)
    assert (point.ttft_ms.p50, point.ttft_ms.p99, point.chunk_gap_ms.p99) == (50.0, 50.0, 10.0)
    assert (point.tpot_ms.p50, point.e2e_ms.p50) == (10.0, 240.0)
    assert point.user_tokens_per_s.p50 == pytest.approx(100.0)
    assert point.ttft_ms.n == point.done
    assert point.ttft_ms.p99_bound is None
    assert (point.energy, point.per_token) == (None, None)


def test_the_bound_of_p99_stands_beside_readings_of_requests_and_not_beside_pooled_gaps():
    point = _point(closed_log(concurrency=8, rounds=90, stream=Stream(events=3)))

    assert point.done > 662
    assert point.ttft_ms.p99_bound == 50.0
    assert point.max_stall_ms.p99_bound == 10.0
    assert point.chunk_gap_ms.n > 662
    assert point.chunk_gap_ms.p99_bound is None


def test_the_point_survives_its_own_json():
    point = _point(closed_log(), Slo(tpot_ms=20.0), energy=_energy(1.0, 5.0), accelerators=2)

    again = msgspec.json.decode(msgspec.json.encode(point), type=type(point))

    assert again == point


def test_throughput_counts_tokens_in_the_window_and_no_others():
    # The window is 100-300 ms: of 10 token events at 50, 60 … 140 four lie in it.
    log = log_of(
        [request(0, Stream(ttft=50, gap=10, events=10, tokens_per_event=2))],
        shape=Open(rate=1.0),
        measured=(100, 300),
    )

    assert _point(log).output_tokens_per_s == pytest.approx(4 * 2 / 0.2)
    assert _point(log).total_tokens_per_s == _point(log).output_tokens_per_s
    assert _point(log).requests == 0


def test_input_tokens_count_where_the_first_token_came():
    log = log_of(
        [request(0, Stream(ttft=50, events=1, input_tokens=100))],
        shape=Open(rate=1.0),
        measured=(0, 100),
    )

    assert _point(log).total_tokens_per_s == pytest.approx(101 / 0.1)


def test_an_input_that_is_not_told_leaves_the_total_unknown():
    log = log_of(
        [request(0, Stream(ttft=50, events=1), input_tokens=None)],
        shape=Open(rate=1.0),
        measured=(0, 100),
    )
    point = _point(log)

    assert (point.total_tokens_per_s, point.input_tokens) == (None, None)
    assert point.output_tokens_per_s == pytest.approx(10.0)


def test_a_whole_answer_brings_its_tokens_at_its_end():
    log = log_of(
        [request(0, Stream(ttft=50, events=1, tokens_per_event=7), events=[], kinds="")],
        shape=Open(rate=1.0),
        measured=(0, 100),
    )

    assert _point(log).output_tokens_per_s == pytest.approx(70.0)


def test_failed_requests_are_in_no_rate_and_no_latency_but_in_the_share():
    stream = Stream(ttft=50, events=1)
    log = log_of(
        [request(at, stream) for at in range(0, 900, 100)]
        + [failed(900, error="status"), failed(910, error="reset")]
        + [failed(920, error="dropped"), request(930, Stream(ttft=20.0), error="truncated")],
        shape=Open(rate=10.0),
        measured=(0, 1000),
    )
    point = _point(log, Slo(ttft_ms=100.0))

    assert (point.requests, point.done) == (13, 9)
    assert point.failed == {"status": 1, "reset": 1, "dropped": 1, "truncated": 1}
    assert point.requests_per_s == pytest.approx(9.0)
    assert point.output_tokens_per_s == pytest.approx(9.0)
    assert (point.ttft_ms.n, point.e2e_ms.n) == (9, 9)
    assert point.good_share == pytest.approx(9 / 13)
    assert point.goodput_per_s == pytest.approx(9.0)
    assert not point.valid


def test_goodput_leaves_out_what_breaks_the_slo():
    log = log_of(
        [request(at, Stream(ttft=50 if at % 200 else 500, events=1)) for at in range(0, 1000, 100)],
        shape=Open(rate=10.0),
        measured=(0, 2000),
    )
    point = _point(log, Slo(ttft_ms=100.0))

    assert point.requests_per_s == pytest.approx(5.0)
    assert point.goodput_per_s == pytest.approx(2.5)
    assert point.good_share == 0.5


def test_without_an_slo_there_is_no_goodput():
    point = _point(closed_log())

    assert (point.goodput_per_s, point.good_share) == (None, None)


def test_a_stalled_server_shows_from_the_intended_send():
    # One request a 100 ms was meant; for a second nothing was sent.
    log = log_of(
        [
            request(1000.0, Stream(ttft=50, events=1), late=1000.0 - at)
            for at in range(0, 1000, 100)
        ],
        shape=Open(rate=10.0),
    )
    point = _point(log)

    assert point.ttft_ms.max == 50.0
    assert point.ttft_intended_ms.max == 1050.0
    assert point.ttft_intended_ms.p50 == 550.0
    assert point.e2e_intended_ms.max == 1050.0


def test_an_open_loop_says_its_mean_in_flight_and_its_rate():
    log = log_of(
        [request(at, Stream(ttft=200, events=1)) for at in range(0, 1000, 100)],
        shape=Open(rate=10.0),
        measured=(200, 900),
    )

    assert (_point(log).concurrency, _point(log).loop, _point(log).rate) == (2.0, "open", 10.0)
    trace = log_of(log.requests, shape=Trace((0.0,)), measured=(200, 900))
    assert (_point(trace).loop, _point(trace).rate) == ("trace", None)


def test_mixed_usage_gives_no_token_figure_at_all():
    log = log_of(
        [request(at, Stream(usage=at > 0)) for at in range(0, 3000, 100)], shape=Open(rate=10.0)
    )
    point = _point(log)

    assert (point.tokens_from, point.output_tokens, point.output_tokens_per_s) == (None, None, None)
    assert (point.tpot_ms.n, point.total_tokens_per_s) == (0, None)
    assert "token-mismatch" in {reason.code for reason in point.reasons}


def test_without_usage_events_are_counted_and_said_to_be():
    point = _point(closed_log(stream=Stream(usage=False)))

    assert point.tokens_from == "chunks"
    assert point.output_tokens == 10 * point.done
    assert point.tpot_ms.p50 == 10.0
    assert {reason.code for reason in point.reasons} == {"no-usage"}


def test_without_a_steady_window_there_are_no_rates():
    log = log_of([request(0)], shape=Closed(8), measured=(0, 100))
    point = _point(log, Slo(ttft_ms=1.0))

    assert (point.requests_per_s, point.output_tokens_per_s, point.goodput_per_s) == (
        None, None, None,
    )  # fmt: skip
    assert point.window_s == 0.0
    assert point.ttft_ms.p50 == 50.0


def test_an_empty_log_gives_a_point_of_nulls():
    point = _point(log_of([], measured=(0, 1000), clients=[]), Slo(ttft_ms=1.0))

    assert (point.requests, point.done, point.good_share, point.output_tokens) == (0, 0, None, None)
    assert not point.valid


def test_the_client_is_summed_up_by_its_worst_worker():
    log = log_of(
        [
            request(0, late=1.0, worker=0),
            request(10, late=4.0, worker=1),
            request(20, late=90.0, worker=1, is_new_connection=True),
        ],
        clients=[
            client(cpu_s=5.0, wall_s=10.0, events=1_000_000, connections=3),
            client(worker=1, cpu_s=7.0, wall_s=10.0, events=2_000_000, connections=4),
        ],
        shape=Open(rate=1.0),
        measured=(-100, 100),
    )
    summary = _point(log).client

    assert (summary.workers, summary.cpu_share, summary.cpu_us_per_event) == (2, 0.7, 4.0)
    assert (summary.connections, summary.new_connections) == (7, 1)
    assert summary.send_lag_p99_ms == 4.0


# --- energy


def test_energy_by_work_is_mean_power_over_rate():
    log = closed_log(concurrency=4, rounds=24)
    window = steady_window(log)
    point = _point(log, energy=_energy(window.seconds, 300.0, 120.0), accelerators=2)
    tokens = point.output_tokens_per_s * window.seconds

    assert point.per_token.j_per_output_token == pytest.approx(300 / tokens)
    assert point.per_token.j_per_output_token_above_idle == pytest.approx(180 / tokens)
    assert point.per_token.tokens_per_joule == pytest.approx(tokens / 300)
    assert point.per_token.j_per_total_token == pytest.approx(
        300 / (point.total_tokens_per_s * window.seconds)
    )
    assert point.per_token.tokens_per_s_per_accelerator == point.output_tokens_per_s / 2
    assert point.valid, point.reasons


def test_energy_that_is_not_valid_gives_no_figure():
    log = closed_log(concurrency=4, rounds=24)
    energy = _energy(steady_window(log).seconds, 300.0, valid=False)
    point = _point(log, energy=energy, accelerators=1)

    assert point.per_token.j_per_output_token is None
    assert point.per_token.tokens_per_joule is None
    assert point.per_token.tokens_per_s_per_accelerator == point.output_tokens_per_s
    assert not point.valid


def test_an_idle_draw_that_is_not_known_leaves_the_rest():
    log = closed_log(concurrency=4, rounds=24)
    point = _point(log, energy=_energy(steady_window(log).seconds, 300.0))

    assert point.per_token.j_per_output_token_above_idle is None
    assert point.per_token.j_per_output_token is not None
    assert point.per_token.tokens_per_s_per_accelerator is None


def test_without_energy_the_rate_by_accelerator_stays():
    per_token = _point(closed_log(), accelerators=4).per_token

    assert per_token.j_per_output_token is None
    assert per_token.tokens_per_s_per_accelerator > 0


# --- properties

STREAMS = st.builds(
    Stream,
    ttft=st.floats(1, 500),
    gap=st.floats(0, 50),
    events=st.integers(0, 12),
    tokens_per_event=st.integers(1, 5),
    role_at=st.none() | st.floats(0, 1),
    reasoning=st.integers(0, 4),
    tools=st.integers(0, 4),
    stall_before=st.none() | st.integers(1, 5),
    stall=st.floats(0, 400),
    finish_event=st.booleans(),
    usage=st.booleans(),
    input_tokens=st.integers(1, 99),
)
REQUESTS = st.lists(
    st.builds(request, st.floats(0, 2000), STREAMS, late=st.floats(0, 50))
    | st.builds(
        failed,
        st.floats(0, 2000),
        error=st.sampled_from(["status", "timeout", "dropped", "drained", "truncated"]),
    ),
    max_size=25,
)
SHAPES = st.sampled_from([Closed(2), Closed(1, thinks=True), Open(rate=9.0), Trace((0.0,))])


@given(REQUESTS, SHAPES, st.builds(Slo, ttft_ms=st.floats(1, 600), e2e_ms=st.floats(1, 900)))
def test_any_log_gives_a_point_whose_parts_agree(requests, shape, slo):
    point = _point(log_of(requests, shape=shape, measured=(0, 1500)), slo)

    assert point.requests == point.done + sum(point.failed.values())
    assert point.valid is (not point.reasons)
    assert point.e2e_ms.n == point.done
    assert point.ttft_ms.n <= point.ttft_any_ms.n <= point.done
    if point.tpot_ms.n:
        assert point.tpot_ms.p50 > 0
    if point.requests_per_s is not None:
        assert point.goodput_per_s <= point.requests_per_s
    for part in (point.ttft_ms, point.e2e_ms, point.chunk_gap_ms):
        if part.n:
            assert part.p50 <= part.p90 <= part.p99 <= part.max
    if None not in (point.output_tokens_per_s, point.total_tokens_per_s):
        assert point.total_tokens_per_s >= point.output_tokens_per_s


@given(st.integers(1, 6), st.integers(3, 8), STREAMS.filter(lambda s: s.events > 0))
def test_moving_a_log_in_time_moves_nothing_in_its_point(concurrency, rounds, stream):
    log = closed_log(concurrency, rounds, stream)
    by = 7_000_000_000
    moved = msgspec.structs.replace(
        log,
        header=msgspec.structs.replace(
            log.header,
            measured_from=log.header.measured_from + by,
            measured_to=log.header.measured_to + by,
        ),
        requests=[
            msgspec.structs.replace(
                one,
                intended=one.intended + by,
                sent=one.sent + by,
                ended=one.ended + by,
                events=[at + by for at in one.events],
            )
            for one in log.requests
        ],
    )

    assert _point(moved) == _point(log)
