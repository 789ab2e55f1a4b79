"""Each gate lets its limit pass, breaks just above it, and says what it saw."""

from __future__ import annotations

import msgspec
import pytest

from conformance.profile.document import Calibration, CalibrationPoint, Energy, Reason, Slo
from conformance.profile.gate_table import GATES
from conformance.profile.gates import calibration_reasons, matters, whole_reasons
from conformance.profile.metrics import measure
from conformance.profile.power import energy as power
from conformance.profile.shape import Closed, Open
from conformance.profile.window import steady_window
from tests.profile.logs import Stream, client, closed_log, failed, log_of, request, spread


def _reasons(log, energy=None):
    point = measure(log, Slo(), log_path="load.jsonl", log_sha256="0" * 64, energy=energy)
    assert point.valid is (not point.reasons)
    return {reason.code: reason for reason in point.reasons}


def _open(requests, **fields):
    """Make an open loop of requests over ten seconds."""
    return log_of(requests, shape=Open(rate=10.0), measured=(-1000, 10_000), **fields)


def _ease(n=100):
    return [request(at * 90.0) for at in range(n)]


def test_a_load_at_ease_breaks_none():
    assert _reasons(closed_log()) == {}
    assert _reasons(_open(_ease())) == {}


# --- the client


def test_loop_lag_is_held_to_five_milliseconds():
    assert "loop-lag" not in _reasons(closed_log(clients=[client(loop_lag_ms=spread(1.0, 5.0))]))

    found = _reasons(closed_log(clients=[client(), client(worker=1, loop_lag_ms=spread(1.0, 5.1))]))
    assert (found["loop-lag"].measured, found["loop-lag"].limit) == (5.1, 5.0)


def test_send_lag_is_held_to_five_milliseconds_at_p99():
    lags = [0.0] * 98 + [20.0, 20.0]
    late = [request(at * 90.0, late=lag) for at, lag in enumerate(lags)]

    assert _reasons(_open(late))["send-lag"].measured == 20.0
    assert "send-lag" not in _reasons(_open([*_ease(99), request(8910, late=20.0)]))


def test_a_connect_is_no_lag():
    made = [request(at * 90.0, late=60.0, is_new_connection=at < 4) for at in range(4)]

    assert _reasons(_open([*made, *_ease()])) == {}


def test_one_send_in_a_thousand_may_be_fifty_milliseconds_late_and_not_two():
    def load(late):
        return _open([request(at * 9.0, late=51.0 if at < late else 0.0) for at in range(1000)])

    assert "late-sends" not in _reasons(load(1))
    found = _reasons(load(2))
    assert found["late-sends"].measured == pytest.approx(0.002)
    assert found["late-sends"].detail == "2 of 1000"
    assert "send-lag" not in found


def test_a_worker_may_use_four_fifths_of_its_core():
    assert _reasons(closed_log(clients=[client(cpu_s=8.0, wall_s=10.0)])) == {}
    found = _reasons(closed_log(clients=[client(), client(worker=1, cpu_s=8.1, wall_s=10.0)]))
    assert found["client-cpu"].measured == pytest.approx(0.81)


def test_one_request_in_twenty_may_open_a_connection():
    def load(new):
        return _open([request(at * 90.0, is_new_connection=at < new) for at in range(100)])

    assert "connection-churn" not in _reasons(load(5))
    assert _reasons(load(6))["connection-churn"].measured == 0.06


def test_connections_that_the_server_ended_are_its_own_latency():
    made = [request(at * 90.0, is_new_connection=True, is_replacement=True) for at in range(100)]
    assert "connection-churn" not in _reasons(_open(made))


def test_no_request_may_be_dropped_not_even_in_the_warm_up():
    drops = [failed(at, error="dropped") for at in (-5000, 100, 200)]
    found = _reasons(_open([*_ease(), *drops]))

    assert (found["dropped"].measured, found["dropped"].limit) == (3, 0.0)
    assert set(found) == {"dropped"}


# --- the load


def test_thirty_done_requests_are_enough():
    assert "too-few" not in _reasons(_open(_ease(30)))
    found = _reasons(_open([*_ease(29), failed(5000)]))
    assert (found["too-few"].measured, found["too-few"].limit) == (29, 30.0)


def test_a_concurrency_that_is_never_reached_has_no_steady_window():
    log = closed_log(concurrency=4)
    more = msgspec.structs.replace(log, header=msgspec.structs.replace(log.header, shape=Closed(5)))

    assert set(_reasons(more)) == {"no-steady-window"}


def test_a_window_must_hold_a_typical_answer():
    stream = Stream(ttft=300, events=1)
    spaced = [request(at * 10.0, stream) for at in range(40)]

    def load(length):
        return log_of(spaced, shape=Open(rate=100.0), measured=(0, length))

    assert "window-short" not in _reasons(load(390))
    assert _reasons(load(299))["window-short"].measured == pytest.approx(299 / 300)


def test_a_concurrency_must_be_held():
    def load(pause):
        one = 140.0 + pause
        return log_of([request(at * one) for at in range(40)], shape=Closed(1))

    assert _reasons(load(10.0)) == {}
    found = _reasons(load(20.0))["concurrency-not-held"]
    assert found.measured == pytest.approx(140 / 160, rel=0.01)


def test_agents_that_think_need_not_be_in_flight():
    log = log_of([request(at * 1000.0) for at in range(40)], shape=Closed(4, thinks=True))

    assert _reasons(log) == {}


# --- the endpoint


def test_one_request_in_a_hundred_may_fail():
    assert _reasons(_open([*_ease(99), failed(9000)])) == {}
    found = _reasons(_open([*_ease(98), failed(9000), failed(9001, error="reset")]))
    assert found["failures"].measured == 0.02
    assert found["failures"].detail in ("status", "reset")


def test_a_request_that_was_cut_at_the_end_is_not_let_pass():
    cut = [failed(9500, error="drained"), failed(9510, error="drained")]
    found = _reasons(_open([*_ease(), *cut, request(9500, ended=None)]))

    assert set(found) == {"drained"}
    assert found["drained"].measured == 3


# --- tokens


def test_one_answer_in_a_hundred_may_contradict_itself():
    def load(wrong):
        return _open(
            [request(at * 90.0, output_tokens=9 if at < wrong else 10) for at in range(100)]
        )

    assert _reasons(load(1)) == {}
    found = _reasons(load(2))["token-mismatch"]
    assert found.measured == 0.02
    assert found.detail == "9 output tokens in 10 events of text"


def test_several_tokens_an_event_are_no_contradiction():
    assert _reasons(closed_log(stream=Stream(tokens_per_event=5, gap=50.0))) == {}


def test_one_answer_without_usage_among_others_is_a_mismatch():
    found = _reasons(_open([*_ease(), request(9500, Stream(usage=False))]))

    assert found["token-mismatch"].detail == "1 of 101 answers tell no usage"


def test_an_endpoint_that_tells_no_usage_is_named():
    assert set(_reasons(closed_log(stream=Stream(usage=False)))) == {"no-usage"}


# --- power


def _energy(window_s, *reasons, valid=True):
    return Energy(
        window_s=window_s,
        joules=1.0,
        idle_joules=None,
        uncertainty_j=None,
        average_w=None,
        devices=[],
        valid=valid,
        reasons=list(reasons),
    )


def test_what_is_wrong_with_the_energy_is_wrong_with_the_point():
    log = closed_log()
    reason = Reason(power.COVERAGE, 0.5, 1.0, "/nvidia/0")

    found = _reasons(log, _energy(steady_window(log).seconds, reason, valid=False))

    assert found == {"power-coverage": reason}
    assert "power-missing" in _reasons(log, _energy(steady_window(log).seconds, valid=False))


def test_energy_of_another_window_is_refused():
    log = closed_log()
    seconds = steady_window(log).seconds

    assert _reasons(log, _energy(seconds * 1.009)) == {}
    assert _reasons(log, _energy(seconds * 1.02))["power-window"].measured == pytest.approx(0.02)


# --- the calibration


def _calibrated(**fields):
    made = {
        "concurrency": 16,
        "requests": 64,
        "ttft_p50_error_ms": 0.5,
        "ttft_p99_error_ms": 1.0,
        "chunk_gap_p50_error_ms": 0.0,
        "chunk_gap_p99_error_ms": 1.0,
        "mock_lag_p99_ms": 0.5,
        "is_void": False,
    }
    return CalibrationPoint(**(made | fields))


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({}, []),
        ({"ttft_p50_error_ms": 2.0, "ttft_p99_error_ms": 5.0}, []),
        ({"ttft_p50_error_ms": 2.1}, ["calibration-off"]),
        ({"ttft_p50_error_ms": -2.1}, ["calibration-off"]),
        ({"chunk_gap_p50_error_ms": 2.1}, ["calibration-off"]),
        ({"ttft_p99_error_ms": 5.1}, ["calibration-tail-off"]),
        ({"ttft_p50_error_ms": 9.0, "mock_lag_p99_ms": 3.0, "is_void": True}, ["mock-late"]),
    ],
)
def test_the_clients_own_error_is_held_to_its_limits(fields, codes):
    assert [reason.code for reason in calibration_reasons(_calibrated(**fields))] == codes


def _whole(*points):
    point = measure(closed_log(), Slo(), log_path="load.jsonl", log_sha256="0" * 64)
    calibration = Calibration(50.0, 10.0, 100, list(points))
    return [reason.code for reason in whole_reasons([point], calibration)]


def test_a_void_point_of_the_calibration_is_outvoted_by_one_that_is_not():
    void = _calibrated(is_void=True, ttft_p50_error_ms=50.0)

    assert _whole(_calibrated(), void) == []
    assert _whole(void, void) == ["mock-late", "mock-late"]
    assert _whole(_calibrated(ttft_p50_error_ms=3.0), void) == ["calibration-off"]
    assert whole_reasons([], None) == []


@pytest.mark.parametrize(
    ("link", "codes"),
    [
        (None, []),
        ({"seen": None}, []),
        ({"seen": {"late_ms_p99": None}}, []),
        ({"seen": {"late_ms_p99": 5.0}}, []),
        ({"seen": {"late_ms_p99": 5.1}}, ["link-late"]),
    ],
)
def test_a_link_whose_proxy_was_late_was_not_what_was_measured(link, codes):
    point = measure(closed_log(), Slo(), log_path="load.jsonl", log_sha256="0" * 64)
    calibration = Calibration(50.0, 10.0, 100, [_calibrated()])

    assert [reason.code for reason in whole_reasons([point], calibration, link)] == codes


def test_without_a_calibration_nothing_vouches_for_the_client():
    point = measure(closed_log(), Slo(), log_path="load.jsonl", log_sha256="0" * 64)

    assert [reason.code for reason in whole_reasons([point], None)] == ["not-calibrated"]


# --- the table


def test_every_gate_says_what_it_means_and_how_to_mend_it_in_both_languages():
    for code, gate in GATES.items():
        for text in (gate.meaning, gate.mend):
            assert set(text) == {"zh", "en"}, code
            assert all(len(words) > 3 for words in text.values()), code
            assert not any(words.endswith((".", "。")) for words in text.values()), code
            assert text["zh"].isascii() is False, code
        assert (gate.limit is None) == (not gate.unit), code


def test_every_code_of_the_energy_rules_is_a_gate_of_energy():
    assert matters(Reason(code) for code in power.CODES) == {"energy"}
    assert GATES["power-gap"].limit == power.Rules().gap_s
    assert GATES["power-counter-differs"].limit == power.Rules().counter_differs
