"""The search finds the knee of servers whose knee is known, and names what is none."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.profile.document import Point, Reason, Slo
from conformance.profile.metrics import measure
from conformance.profile.search import find_knee
from tests.profile.logs import closed_log

SLO = Slo(ttft_ms=100.0, share=0.9)
BASE = measure(closed_log(), SLO, log_path="load.jsonl", log_sha256="0" * 64)


class Server:
    """Serves each of ``capacity`` slots at one request a second, and counts how it is asked."""

    def __init__(
        self,
        capacity=10_000.0,
        *,
        slo_until=10_000,
        fails_from=10_000,
        client_until=10_000,
        noise=0.0,
        requests=200,
        collapse=0.0,
        slo=SLO,
    ):
        self.capacity = capacity
        self.slo_until = slo_until
        self.fails_from = fails_from
        self.client_until = client_until
        self.requests = requests
        self.collapse = collapse
        self.slo = slo
        self.asked = []
        self._noise = noise
        self._random = random.Random(5)

    def __call__(self, concurrency):
        self.asked.append(concurrency)
        rate = min(float(concurrency), self.capacity)
        rate -= self.collapse * max(0.0, concurrency - self.capacity)
        rate = max(rate, 0.0) * (1 + self._noise * self._random.uniform(-1, 1))
        share = 1.0 if concurrency <= self.slo_until else 0.5
        reasons = []
        if concurrency >= self.fails_from:
            rate, share = 0.0, 0.0
            reasons = [Reason("failures", 1.0, 0.01), Reason("too-few", 0, 30.0)]
        if concurrency > self.client_until:
            reasons = [Reason("loop-lag", 9.0, 5.0)]
        return _point(concurrency, rate, share, self.requests, reasons)

    def knee(self, **options):
        return find_knee(self, **({"slo": self.slo} | options))


def _point(concurrency, rate, share, requests=200, reasons=()):
    return msgspec.structs.replace(
        BASE,
        concurrency=float(concurrency),
        window_s=requests / rate if rate else 1.0,
        requests=requests,
        requests_per_s=rate,
        output_tokens_per_s=100.0 * rate,
        goodput_per_s=rate * share,
        good_share=share,
        reasons=list(reasons),
        valid=not reasons,
    )


def _loads(points):
    return [point.concurrency for point in points]


# --- what ends the ramp


def test_goodput_that_rises_no_further_ends_it():
    server = Server(capacity=40.0)
    points, knee = server.knee()

    # Whole is what is within 5 % of 40: from 38.1 on, found within 5 %.
    assert knee.concurrency == 39.0
    assert knee.upper == 40.0
    assert "rose no further" in knee.method
    assert server.asked[:8] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert _loads(points) == sorted(server.asked)


def test_an_slo_that_is_not_kept_ends_it():
    points, knee = Server(slo_until=77).knee()

    assert (knee.concurrency, knee.upper) == (76.0, 78.0)
    assert "SLO or the endpoint broke" in knee.method
    assert max(_loads(points)) == 128


def test_a_server_that_fails_from_some_load_on_ends_it():
    _, knee = Server(fails_from=21).knee()

    assert (knee.concurrency, knee.upper) == (20.0, 21.0)


def test_a_server_that_fails_needs_no_slo_to_end_it():
    _, knee = Server(fails_from=21, slo=Slo()).knee()

    assert (knee.concurrency, knee.upper) == (20.0, 21.0)


def test_without_an_slo_throughput_stands_for_goodput():
    _, knee = Server(capacity=40.0, slo_until=3, slo=Slo()).knee()

    assert knee.concurrency == 39.0


def test_one_that_never_saturates_goes_to_the_limit():
    points, knee = Server().knee(limit=100)

    assert (knee.concurrency, knee.upper) == (100.0, None)
    assert "limit of 100" in knee.method
    assert _loads(points) == [1, 2, 4, 8, 16, 32, 64, 100]


def test_a_short_last_step_to_the_limit_is_no_plateau():
    _, knee = Server().knee(limit=66)

    assert (knee.concurrency, knee.upper) == (66.0, None)


def test_the_first_load_may_already_be_all():
    assert Server(capacity=1.0).knee()[1].concurrency == 1.0
    assert Server(capacity=1.0).knee()[1].upper == 2.0
    assert Server().knee(start=500, limit=8)[1].concurrency == 8.0


def test_where_not_even_the_first_load_holds_the_knee_is_none():
    points, knee = Server(slo_until=0).knee()

    assert (knee.concurrency, knee.upper) == (0.0, 1.0)
    assert "not even the first" in knee.method
    assert len(points) == 1


def test_a_server_that_collapses_under_load_has_its_knee_before():
    for capacity in (40.0, 33.0, 60.0, 64.0):
        server = Server(capacity=capacity, collapse=0.9)
        _, knee = server.knee()

        assert capacity / 1.05 - 1 <= knee.concurrency <= capacity * 1.05
        assert len(server.asked) < 30


def test_goodput_that_lags_the_load_at_the_limit_has_its_knee_below():
    _, knee = Server(capacity=53.0).knee(limit=100)

    assert (knee.concurrency, knee.upper) == (52.0, 56.0)


def test_agents_may_be_searched_by_the_slo_alone():
    _, knee = Server(capacity=4.0, slo_until=50).knee(least_rise=None)

    assert (knee.concurrency, knee.upper) == (50.0, 52.0)


# --- what is not the server's


def test_the_clients_limit_stops_the_ramp_and_is_named():
    server = Server(capacity=500.0, client_until=32)
    points, knee = server.knee()

    assert (knee.concurrency, knee.upper) == (32.0, None)
    assert "at 64 the measurement itself was not valid (loop-lag)" in knee.method
    assert "says nothing of the endpoint" in knee.method
    assert max(_loads(points)) == 64
    # It was tried again before it was given up.
    assert server.asked.count(64) == 3


def test_a_client_that_is_late_while_the_server_fails_blames_the_client():
    def both(concurrency):
        point = _point(concurrency, concurrency, 1.0)
        if concurrency < 8:
            return point
        reasons = [Reason("failures", 0.5, 0.01), Reason("client-cpu", 0.95, 0.8)]
        return msgspec.structs.replace(point, reasons=reasons, valid=False)

    _, knee = find_knee(both, slo=SLO)

    assert (knee.concurrency, knee.upper) == (4.0, None)
    assert "client-cpu" in knee.method


def test_an_invalid_point_inside_the_bracket_leaves_it_wide():
    server = Server(slo_until=77)

    def measured(concurrency):
        point = server(concurrency)
        if concurrency == 80:
            return msgspec.structs.replace(point, reasons=[Reason("loop-lag", 9.0, 5.0)])
        return point

    _, knee = find_knee(measured, slo=SLO)

    assert (knee.concurrency, knee.upper) == (64.0, 96.0)
    assert "not narrowed: at 80" in knee.method


def test_a_client_that_recovers_is_believed():
    server = Server(capacity=40.0)

    def measured(concurrency):
        point = server(concurrency)
        if concurrency == 16 and server.asked.count(16) == 1:
            return msgspec.structs.replace(point, reasons=[Reason("loop-lag", 9.0, 5.0)])
        return point

    points, knee = find_knee(measured, slo=SLO)

    assert knee.concurrency == 39.0
    assert _loads(points).count(16) == 2


def test_energy_that_could_not_be_read_does_not_stop_it():
    server = Server(capacity=40.0)

    def measured(concurrency):
        return msgspec.structs.replace(
            server(concurrency), reasons=[Reason("power-coverage", 0.5, 1.0)], valid=False
        )

    assert find_knee(measured, slo=SLO)[1].concurrency == 39.0


@pytest.mark.parametrize("code", ["too-few", "no-usage", "token-mismatch", "no-steady-window"])
def test_what_is_wrong_with_the_load_or_the_tokens_is_not_the_servers_limit(code):
    def measured(concurrency):
        return _point(concurrency, concurrency, 1.0, reasons=[Reason(code)])

    _, knee = find_knee(measured, slo=SLO)

    assert (knee.concurrency, knee.upper) == (0.0, None)
    assert code in knee.method


# --- confidence


def test_a_share_that_could_be_either_is_measured_again_and_pooled():
    shares = {4: iter([0.85, 0.95, 0.97])}

    def measured(concurrency):
        share = next(shares[concurrency]) if concurrency in shares else 1.0
        return _point(concurrency, concurrency, share if concurrency <= 4 else 0.0, requests=100)

    points, knee = find_knee(measured, slo=SLO)

    assert _loads(points).count(4) == 3  # 85, 180 of 200, 277 of 300: the last one decides
    assert knee.concurrency == 4.0


def test_a_share_that_stays_open_is_decided_by_itself():
    def measured(share):
        return lambda at: _point(at, at, share if at <= 2 else 0.0, requests=100)

    assert find_knee(measured(0.91), slo=SLO)[1].concurrency == 2.0
    points, knee = find_knee(measured(0.89), slo=SLO)
    assert (knee.concurrency, knee.upper) == (0.0, 1.0)
    assert _loads(points) == [1, 1, 1]


def test_a_share_that_is_sure_is_measured_once():
    server = Server(slo_until=4, requests=200)
    server.knee()

    assert all(server.asked.count(load) == 1 for load in (4, 8, 5, 6))


def test_repeats_are_bounded():
    server = Server(capacity=6.0, requests=40)
    server.knee(repeats=1)

    assert max(server.asked.count(load) for load in server.asked) == 2


# --- properties


@given(st.floats(1, 900))
@settings(max_examples=40)
def test_the_bracket_holds_the_capacity_of_any_server(capacity):
    _, knee = Server(capacity=capacity).knee()

    # The least load within 5 % of the capacity, to a slot or 5 %.
    whole = capacity / 1.05
    assert whole <= knee.concurrency <= whole * 1.06 + 1
    assert knee.upper is None or knee.upper > knee.concurrency


@given(st.integers(1, 1000))
@settings(max_examples=40)
def test_the_bracket_holds_the_last_load_that_keeps_the_slo(last):
    server = Server(slo_until=last)
    _, knee = server.knee()

    assert knee.concurrency <= last < knee.upper
    assert knee.upper - knee.concurrency <= max(1, 0.05 * knee.concurrency)
    assert len(server.asked) <= 40


@given(st.floats(4, 500), st.floats(0, 0.02))
@settings(max_examples=30)
def test_noise_moves_the_knee_by_no_more_than_noise(capacity, noise):
    server = Server(capacity=capacity, noise=noise)
    _, knee = server.knee()

    least, most = capacity / 1.05 * (1 - 2 * noise), capacity * (1 + 2 * noise)
    assert least - 1 <= knee.concurrency <= most * 1.06 + 1


@given(st.floats(1, 300), st.integers(1, 300), st.integers(1, 300))
@settings(max_examples=40)
def test_the_same_answers_give_the_same_search(capacity, slo_until, client_until):
    def once():
        return Server(capacity, slo_until=slo_until, client_until=client_until).knee(limit=256)

    points, knee = once()

    assert once() == (points, knee)
    # Whatever is said to hold was seen to.
    assert knee.concurrency == 0 or any(
        point.concurrency == knee.concurrency and point.valid for point in points
    )
    assert knee.concurrency <= min(slo_until, client_until)
    assert isinstance(points[0], Point)
