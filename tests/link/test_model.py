"""The model of a link: what it does to segments, and the one thing that its proxy changes."""

from __future__ import annotations

import itertools
import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.link.host import HostRewriter
from conformance.link.lane import MOST_UNDERWAY, Lane, Traffic
from conformance.link.model import FIRST_TIMEOUT_S, GIVE_UP_S, PRESETS, Link, Path


def path(**settings):
    link = Link(**settings)
    return Path(link, link.up_bit_s)


def never():
    """Draws that lose nothing."""
    return _Draws(itertools.repeat(0.99))


class _Draws(Random):
    """Draws that are given: a number below the loss is a loss."""

    def __init__(self, numbers):
        super().__init__(0)
        self._numbers = iter(numbers)

    def random(self):
        return next(self._numbers)


def test_a_segment_arrives_after_the_delay():
    carried = path(delay_s=0.3).carry(5.0, 1000, never())
    assert carried == (5.3, 0, 0.0)


@given(st.integers(0, 2**32), st.floats(0, 0.05), st.floats(0, 100))
def test_jitter_stays_within_its_bounds(seed, jitter, at):
    way = path(delay_s=0.05, jitter_s=jitter)
    draws = Random(seed)
    delays = [way.carry(at, 100, draws).arrives - at for _ in range(50)]
    assert min(delays) >= 0.05 - jitter - 1e-9
    assert max(delays) <= 0.05 + jitter + 1e-9


def test_jitter_uses_the_whole_of_its_bounds():
    way, draws = path(delay_s=0.05, jitter_s=0.02), Random(1)
    delays = [way.carry(0.0, 100, draws).arrives for _ in range(2000)]
    assert min(delays) < 0.0305
    assert max(delays) > 0.0695
    assert sum(delays) / len(delays) == pytest.approx(0.05, abs=0.001)


def test_a_lost_segment_comes_a_timeout_later_and_one_lost_again_after_twice_that():
    way = path(delay_s=0.1, loss=0.1)
    lost, kept = 0.05, 0.5
    draws = _Draws([kept, lost, kept, lost, lost, lost, kept])
    assert way.carry(0.0, 9, draws) == (0.1, 0, 0.0)
    assert way.carry(0.0, 9, draws) == (pytest.approx(0.1 + 0.4), 1, 0.0)
    assert way.carry(0.0, 9, draws) == (pytest.approx(0.1 + 0.4 + 0.8 + 1.6), 3, 0.0)


@pytest.mark.parametrize(
    ("settings", "timeout_s"),
    [({}, 0.2), ({"delay_s": 0.3}, 0.8), ({"delay_s": 0.3, "jitter_s": 0.15}, 0.6 + 0.4)],
)
def test_the_timeout_is_the_round_trip_and_four_deviations_of_it_or_200_ms(settings, timeout_s):
    assert Link(**settings).timeout_s == pytest.approx(timeout_s)


def test_the_mean_deviation_of_a_round_trip_is_two_thirds_of_the_jitter():
    draws = Random(3)
    trips = [draws.uniform(-1, 1) + draws.uniform(-1, 1) for _ in range(100_000)]
    assert sum(map(abs, trips)) / len(trips) == pytest.approx(2 / 3, abs=0.01)


def test_segments_are_lost_as_often_as_the_link_says():
    way, draws = path(loss=0.02), Random(5)
    lost = sum(way.carry(0.0, 9, draws).losses > 0 for _ in range(50_000))
    assert lost / 50_000 == pytest.approx(0.02, abs=0.003)


def test_bandwidth_is_shared_by_what_is_sent():
    way = path(up_bit_s=1e6, delay_s=0.1)
    one, two = way.carry(0.0, 1250, never()), way.carry(0.0, 1250, never())
    assert (one.arrives, two.arrives) == (pytest.approx(0.11), pytest.approx(0.12))
    assert way.carry(5.0, 1250, never()).arrives == pytest.approx(5.11)  # it was idle in between


def test_what_is_sent_in_the_dark_waits_for_the_next_window():
    way = path(period_s=15, visible_s=14, delay_s=0.1)
    assert way.carry(13.9, 9, never()) == (pytest.approx(14.0), 0, 0.0)
    assert way.carry(14.0, 9, never()) == (pytest.approx(15.1), 0, pytest.approx(1.0))
    assert way.carry(29.5, 9, never()) == (pytest.approx(30.1), 0, pytest.approx(0.5))


def test_a_segment_that_is_sent_again_waits_for_a_window_too():
    way = path(period_s=10, visible_s=9, loss=0.5)
    carried = way.carry(8.9, 9, _Draws([0.1, 0.9]))
    assert carried == (pytest.approx(10.0), 1, pytest.approx(0.9))


@given(
    st.floats(0.1, 1000), st.floats(0.01, 1), st.lists(st.floats(0, 5000), min_size=1, max_size=9)
)
def test_nothing_is_ever_sent_in_the_dark(period, share, moments):
    link = Link(period_s=period, visible_s=period * share)
    for at in moments:
        begins = link.visible_from(at)
        assert at <= begins <= at + period - link.visible_s + 1e-9 * (1 + at)
        since = begins % period
        assert since < link.visible_s or period - since < 1e-9 * (1 + begins)


@pytest.mark.parametrize(
    ("until", "outages"),
    [(13.9, (0, 0.0)), (14.5, (1, 0.5)), (15.0, (1, 1.0)), (44.5, (3, 2.5)), (46.0, (3, 3.0))],
)
def test_outages_are_counted_from_when_they_begin(until, outages):
    assert Link(period_s=15, visible_s=14).dark(until) == outages


def test_opening_takes_no_bandwidth_and_waits_a_second_when_lost():
    way = path(delay_s=0.1, up_bit_s=1e3, loss=0.5)
    assert way.open(100.0, _Draws([0.1, 0.9])) == pytest.approx(100.1 + FIRST_TIMEOUT_S)
    assert way.carry(0.0, 125, _Draws([0.9])).arrives == pytest.approx(1.1)


def test_the_same_seed_has_the_same_fate():
    def fates(seed):
        way, draws = Path(PRESETS["leo"], 97e6), Random(seed)
        return [way.carry(0.01 * n, 300, draws) for n in range(2000)]

    assert fates("0/3/down") == fates("0/3/down")
    assert fates("0/3/down") != fates("1/3/down")


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"delay_s": -1}, "no size"),
        ({"delay_s": float("nan")}, "no size"),
        ({"jitter_s": 0.1}, "larger than the delay"),
        ({"loss": 0.51}, "51% is more than 50%"),
        ({"up_bit_s": 0}, "nothing would ever arrive"),
        ({"period_s": 15}, "go together"),
        ({"visible_s": 15}, "go together"),
        ({"period_s": 15, "visible_s": 16}, "no part of the period"),
        ({"period_s": 15, "visible_s": 0}, "no part of the period"),
    ],
)
def test_figures_that_make_no_link_are_refused(settings, what):
    with pytest.raises(UsageError, match=what):
        Link(**settings)


def test_the_presets_are_as_far_as_they_say():
    trips = {name: 2 * link.delay_s for name, link in PRESETS.items()}
    assert trips == {"leo": 0.045, "geo": 0.6, "lossy": 0.08}
    up_and_down_s = 2 * 35_786e3 / 299_792_458
    assert PRESETS["geo"].delay_s > up_and_down_s  # nothing is quicker than light


def test_a_link_is_told_in_a_line():
    assert str(PRESETS["leo"]) == (
        "leo: 22.5 ± 7 ms each way, 1 % lost, 13 Mbit/s up, 97 Mbit/s down, "
        "visible 14.86 s of every 15 s"
    )


# A lane: what is on its way in one direction of a connection.


class _Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class _Transport:
    """One end of a connection."""

    def __init__(self):
        self.got, self.paused = [], False
        self.has_half_ends = True

    def write(self, data):
        self.got.append(bytes(data))

    def write_eof(self):
        self.got.append("end")

    def close(self):
        self.got.append("closed")

    def abort(self):
        self.got.append("broken")

    def get_extra_info(self, name):
        return None

    def can_write_eof(self):
        return self.has_half_ends

    def is_closing(self):
        return False

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False


class _Bench:
    """A lane on a clock that a test turns; the lane's own timers do not come to run."""

    def __init__(self, draws=None, **settings):
        self.clock = _Clock()
        self.traffic = Traffic(Link(**settings), self.clock)
        tally, way = self.traffic.up, self.traffic.up_path
        self.lane = Lane(self.traffic, way, tally, draws or never())
        self.sender, self.receiver = _Transport(), _Transport()
        self.lane.reader = self.sender
        self.lane.reach(self.receiver)

    def at(self, now):
        self.clock.now = now
        self.lane.deliver()
        got, self.receiver.got = self.receiver.got, []
        return got


async def test_a_lane_hands_on_when_it_is_due_and_not_before():
    bench = _Bench(delay_s=0.1)
    bench.lane.push(b"one")
    bench.clock.now = 0.05
    bench.lane.push(b"two")
    assert bench.at(0.09) == []
    assert bench.at(0.1) == [b"one"]
    assert bench.at(0.2) == [b"two"]


async def test_what_follows_a_lost_segment_waits_for_it():
    bench = _Bench(_Draws([0.1, 0.9, 0.9]), delay_s=0.1, loss=0.5)
    bench.lane.push(b"lost")
    bench.lane.push(b"next")
    assert bench.at(0.49) == []
    assert bench.at(0.501) == [b"lostnext"]
    seen = bench.traffic.seen().up
    assert (seen.bytes, seen.segments, seen.lost, seen.retransmissions) == (8, 2, 1, 1)
    assert (seen.delay_ms_mean, seen.delay_ms_max) == (500, 500)


@given(st.integers(0, 2**32), st.lists(st.tuples(st.floats(0, 0.2), st.integers(1, 4000))))
async def test_a_lane_keeps_all_bytes_in_order(seed, pushes):
    bench = _Bench(Random(seed), delay_s=0.1, jitter_s=0.1, loss=0.3, up_bit_s=1e6)
    sent = bytearray()
    for wait, size in pushes:
        bench.clock.now += wait
        data = bytes(n % 251 for n in range(len(sent), len(sent) + size))
        sent += data
        bench.lane.push(data)
    assert b"".join(bench.at(1e9)) == sent


async def test_an_end_comes_after_all_that_was_sent():
    bench = _Bench(delay_s=0.1)
    bench.lane.push(b"last words")
    bench.lane.end()
    assert bench.at(0.099) == []
    assert bench.at(0.1) == [b"last words", "end"]
    assert bench.lane.is_over


async def test_where_there_is_no_half_of_a_connection_its_end_closes_it():
    bench = _Bench(delay_s=0.1)
    bench.receiver.has_half_ends = False
    bench.lane.end()
    assert bench.at(0.1) == ["closed"]


async def test_a_break_travels_as_long_as_the_data():
    bench = _Bench(delay_s=0.1)
    bench.lane.end("broken")
    assert bench.at(0.09) == []
    assert bench.at(0.11) == ["broken"]


async def test_reading_stops_while_too_much_is_on_its_way():
    bench = _Bench(delay_s=1.0)
    bench.lane.push(bytes(MOST_UNDERWAY))
    assert not bench.sender.paused
    bench.lane.push(b"!")
    assert bench.sender.paused
    bench.at(1.0)
    assert not bench.sender.paused


async def test_a_receiver_that_takes_no_more_is_waited_for():
    bench = _Bench()
    bench.lane.hold(is_full=True)
    bench.lane.push(bytes(MOST_UNDERWAY + 1))
    assert bench.at(5.0) == []
    assert bench.sender.paused
    bench.lane.hold(is_full=False)
    assert sum(map(len, bench.receiver.got)) == MOST_UNDERWAY + 1
    assert not bench.sender.paused
    assert bench.traffic.seen().late_ms_max == 0.0  # the receiver was late, not the proxy


async def test_a_connection_that_gets_nothing_through_is_broken():
    bench = _Bench(period_s=5000, visible_s=10)
    bench.clock.now = 20.0
    bench.lane.push(b"into the dark")
    assert bench.at(20 + GIVE_UP_S - 1) == []
    assert bench.at(20 + GIVE_UP_S) == ["broken"]
    assert bench.traffic.seen().broken == 1


async def test_lateness_is_that_of_the_proxy():
    bench = _Bench(delay_s=0.1)
    for _ in range(99):
        bench.lane.push(b"x")
    bench.at(0.1005)
    bench.lane.push(b"y")
    bench.at(0.25)
    seen = bench.traffic.seen()
    assert (seen.late_ms_p50, seen.late_ms_p99) == (0.5, 0.5)
    assert seen.late_ms_max == pytest.approx(49.5, abs=0.11)


# The host of each request.

REQUESTS = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:9\r\nContent-Length: 19\r\n\r\n"
    b"Host: in the body\r\n"
    b"GET /v1/models HTTP/1.1\r\nhost:127.0.0.1:9\r\nX-Host: host: kept\r\n\r\n"
    b"POST /v1/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHOST : 127.0.0.1:9\r\n\r\n"
    b"5;a=b\r\nHost:\r\n13\r\n0\r\n\r\nGET / HTTP/1.1\r\n0\r\nHost: trailer\r\n\r\n"
    b"\r\nGET /last HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n"
)
REWRITTEN = re.sub(rb"(?i)host ?: ?127\.0\.0\.1:9", b"Host: real.example:8443", REQUESTS)


def fed(pieces, host="real.example:8443"):
    rewriter = HostRewriter(host)
    return b"".join([*(rewriter.feed(piece) for piece in pieces), rewriter.end()])


def test_the_host_of_every_request_is_the_endpoints_own_and_no_body_is_touched():
    assert REWRITTEN.count(b"real.example:8443") == 4
    assert fed([REQUESTS]) == REWRITTEN


@given(st.lists(st.integers(0, len(REQUESTS)), max_size=30))
def test_requests_are_rewritten_alike_however_they_are_cut(cuts):
    marks = [0, *sorted(cuts), len(REQUESTS)]
    assert fed([REQUESTS[a:b] for a, b in itertools.pairwise(marks)]) == REWRITTEN


def test_a_byte_at_a_time():
    assert fed([bytes([byte]) for byte in REQUESTS]) == REWRITTEN


@given(st.lists(st.binary(max_size=200)))
def test_what_is_no_http_loses_no_byte(pieces):
    data = b"".join(pieces)
    if b"host" in data.lower():
        return
    assert fed(pieces) == data


def test_after_an_upgrade_all_passes_as_it_is():
    head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:9\r\nUpgrade: websocket\r\n\r\n"
    later = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n"
    assert fed([head, later]) == head.replace(b"127.0.0.1:9", b"real.example:8443") + later


def test_a_head_without_an_end_is_not_kept_for_ever():
    rewriter = HostRewriter("h")
    data = b"GET /" + b"x" * (1 << 19)
    assert rewriter.feed(data[:100]) == b""
    assert rewriter.feed(data[100:]) == data
    assert rewriter.feed(b"more") == b"more"
