"""The load client against small servers: when it sends, what it logs, how it is bounded."""

from __future__ import annotations

import asyncio
import gc
import itertools
import socket
import ssl
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.profile.drive import drive
from conformance.profile.health import TICK_NS, LoopMeter
from conformance.profile.loops import PAUSE_S
from conformance.profile.schedule import Share, arrivals, check_shape
from conformance.profile.shape import Bounds, Closed, Open, Trace
from conformance.profile.target import Step, Target
from conformance.profile.wire import Clock
from tests.profile import servers
from tests.profile.servers import Asks, serving

MS = 1_000_000
S = 1_000_000_000
TRIO = servers.whole(servers.chat(3))


async def answer_at_once(asked, writer):
    writer.write(TRIO)


def answer_after(seconds):
    async def answer(asked, writer):
        await asyncio.sleep(seconds)
        writer.write(TRIO)

    return answer


def bounds(requests=None, **more):
    return Bounds(requests=requests, **{"warm_up_s": 0.0, "drain_s": 120.0, **more})


async def load(server, shape, within, workload=None, **more):
    workload = workload or Asks()
    return await drive(Target(server.url, "m"), workload, shape, within, **more)


# What a request's log holds.


async def test_a_request_is_logged_with_every_event_and_its_usage():
    async with serving(answer_at_once) as server:
        log = (await load(server, Closed(1, 0.0), bounds(1))).requests[0]

    assert (log.kinds, log.status, log.finish, log.error) == ("rccceud", 200, "stop", None)
    assert (log.input_tokens, log.output_tokens, log.cached_tokens) == (5, 3, None)
    assert (log.asked_tokens, log.session, log.turn) == (3, 0, 0)
    assert log.is_done


async def test_the_times_of_a_request_are_in_order():
    async def answer(asked, writer):
        for part in (servers.HEAD, *map(servers.chunk, servers.chat(3)), servers.LAST_CHUNK):
            writer.write(part)
            await asyncio.sleep(0.002)

    async with serving(answer) as server:
        log = (await load(server, Closed(1, 0.0), bounds(1))).requests[0]

    times = [log.intended, log.sent, log.headers, log.first_byte, *log.events, log.ended]
    assert times == sorted(times)
    assert log.headers < log.first_byte == log.events[0] < log.events[1] < log.ended


async def test_a_responses_stream_is_read_in_its_own_words():
    events = [
        {"type": "response.created", "response": {}},
        {"type": "response.reasoning_text.delta", "delta": "x"},
        {"type": "response.output_text.delta", "delta": "x"},
        {"type": "response.output_item.added", "item": {"type": "function_call"}},
        {"type": "response.function_call_arguments.delta", "delta": "x"},
        {
            "type": "response.completed",
            "response": {"output": [], "usage": {"input_tokens": 9, "output_tokens": 4}},
        },
    ]

    async def answer(asked, writer):
        writer.write(servers.whole([servers.event(event) for event in events]))

    async with serving(answer) as server:
        target = Target(server.url, "m", dialect="responses")
        log = (await drive(target, Asks(), Closed(1, 0.0), bounds(1))).requests[0]

    assert (log.kinds, log.finish, log.input_tokens, log.output_tokens) == ("etcffd", "stop", 9, 4)
    assert log.error is None
    assert server.asked[0].path == "/v1/responses"


async def test_the_request_on_the_wire_names_itself_the_key_and_the_path():
    async with serving(answer_at_once) as server:
        target = Target(server.url + "/", "m", key="sk-1")
        await drive(target, Asks(), Closed(1, 0.0), bounds(2), share=Share(0, 1))

    asked = server.asked[1]
    assert (asked.id, asked.path) == ("0-1", "/v1/chat/completions")
    assert asked.headers["authorization"] == "Bearer sk-1"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert asked.body == b'{"stream":true,"slot":0}'


async def test_without_a_key_there_is_no_such_header():
    async with serving(answer_at_once) as server:
        await load(server, Closed(1, 0.0), bounds(1))

    assert "authorization" not in server.asked[0].headers


async def test_an_ipv6_endpoint_is_reached():
    try:
        async with serving(answer_at_once, host="::1") as server:
            log = (await load(server, Closed(1, 0.0), bounds(1))).requests[0]
    except OSError:
        pytest.skip("this machine has no IPv6")

    assert log.error is None
    assert server.asked[0].headers["host"] == f"[::1]:{server.port}"


async def test_a_name_with_several_addresses_is_tried_in_turn(monkeypatch):
    found = [(socket.AF_INET, 0, 0, "", (host, 0)) for host in ("127.0.0.2", "127.0.0.1")]
    looked_up = []

    async def look_up(host, port, **more):
        looked_up.append(host)
        return found

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    async with serving(answer_at_once) as server:  # listens on 127.0.0.1 alone
        target = Target(f"http://elsewhere.example:{server.port}/v1", "m")
        done = await drive(target, Asks(), Closed(2, 0.0), bounds(4))

    assert [log.error for log in done.requests] == [None] * 4
    assert server.asked[0].headers["host"] == f"elsewhere.example:{server.port}"
    assert set(looked_up) == {"elsewhere.example"}


async def test_https_is_verified_against_the_named_certificates(tmp_path):
    cert, key = servers.certificate(tmp_path, "localhost", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    named = []
    context.sni_callback = lambda connection, name, context: named.append(name)
    async with serving(answer_at_once, context=context) as server:
        target = Target(f"https://localhost:{server.port}/v1", "m", ca_file=str(cert))
        done = await drive(target, Asks(), Closed(1, 0.0), bounds(2))

    assert [log.error for log in done.requests] == [None, None]
    assert named == ["localhost"]


# Connections.


async def test_connections_are_opened_before_and_kept():
    async with serving(answer_at_once) as server:
        done = await load(server, Closed(3, 0.0), bounds(30))

    assert server.connections == done.health.connections == 3
    assert not any(log.is_new_connection for log in done.requests)


async def test_a_slow_endpoint_is_given_longer_until_enough_are_done():
    async def answer(asked, writer):
        await asyncio.sleep(0.4)
        writer.write(TRIO)
        return True

    async with serving(answer) as server:
        short = await load(server, Closed(1, 0.0), bounds(duration_s=1.0))
        longer = await load(server, Closed(1, 0.0), bounds(duration_s=1.0, least_done=6))
        bounded = await load(server, Closed(1, 0.0), bounds(duration_s=0.2, least_done=99))

    assert 1 <= len(short.requests) <= 3  # of 0.4 s each, in a second
    assert 6 <= len(longer.requests) <= 9
    assert len(bounded.requests) <= 8
    assert all(log.is_done for log in (*short.requests, *longer.requests, *bounded.requests))


async def test_a_connection_that_the_server_closes_is_not_used_again():
    closing = TRIO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)

    async def answer(asked, writer):
        writer.write(closing)
        return False

    async with serving(answer) as server:
        done = await load(server, Closed(1, 0.0), bounds(4))

    assert [log.error for log in done.requests] == [None] * 4
    assert [log.is_new_connection for log in done.requests] == [False, True, True, True]
    assert [log.is_replacement for log in done.requests] == [False, True, True, True]
    assert [log.connection for log in done.requests] == [0, 1, 2, 3]
    assert done.health.connections == server.connections == 4


async def test_an_answer_that_lasts_until_the_connection_ends_is_whole():
    async def answer(asked, writer):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        writer.write(head + b"".join(servers.chat(3)))
        return False

    async with serving(answer) as server:
        done = await load(server, Closed(1, 0.0), bounds(2))

    assert [(log.error, log.kinds) for log in done.requests] == [(None, "rccceud")] * 2


# Closed loops.


async def test_a_closed_loop_keeps_every_slot_busy_and_no_more():
    present = []

    async def answer(asked, writer):
        present.append(present[-1] + 1 if present else 1)
        await asyncio.sleep(0.005)
        present.append(present[-1] - 1)
        writer.write(TRIO)

    async with serving(answer) as server:
        done = await load(server, Closed(4, 0.0), bounds(40))

    assert max(present) == 4
    for slot in range(4):
        mine = [log for log in done.requests if log.session == slot]
        assert len(mine) > 5
        assert [log.intended for log in mine[1:]] == [log.ended for log in mine[:-1]]


async def test_the_slots_of_a_closed_loop_begin_spread():
    async with serving(answer_after(0.2)) as server:
        done = await load(server, Closed(4, 0.1), bounds(4, warm_up_s=0.1))

    first = {log.session: log.intended for log in done.requests[:4]}
    assert first == {0: 0, 1: 25 * MS, 2: 50 * MS, 3: 75 * MS}
    assert all(log.sent >= log.intended for log in done.requests)


async def test_so_many_requests_are_measured_after_the_warm_up():
    async with serving(answer_after(0.002)) as server:
        done = await load(server, Closed(3, 0.03), bounds(17, warm_up_s=0.05))

    measured = [log for log in done.requests if log.intended >= 80 * MS]
    assert len(measured) == 17
    assert 0 < len(done.requests) - 17 == len(server.asked) - 17
    assert all(log.error is None for log in done.requests)
    assert [log.number for log in done.requests] == list(range(len(done.requests)))


async def test_a_duration_ends_a_closed_loop_and_what_is_in_flight_is_waited_for():
    async with serving(answer_after(0.15)) as server:
        done = await load(server, Closed(2, 0.0), bounds(duration_s=0.2))

    assert max(log.intended for log in done.requests) < 200 * MS
    assert max(log.ended for log in done.requests) > 200 * MS
    assert all(log.error is None for log in done.requests)


async def test_a_think_time_is_waited_before_the_request_is_due():
    async with serving(answer_at_once) as server:
        done = await load(server, Closed(1, 0.0), bounds(), Asks(count=3, wait_s=0.03))

    first, second, third = done.requests
    assert first.intended == 30 * MS
    assert second.intended == first.ended + 30 * MS
    assert third.intended == second.ended + 30 * MS
    assert all(log.sent >= log.intended for log in done.requests)


async def test_a_think_time_beyond_the_end_is_not_waited_for():
    async with serving(answer_at_once) as server:
        began = time.monotonic()
        done = await load(
            server, Closed(1, 0.0), bounds(duration_s=0.1), Asks(count=3, wait_s=60.0)
        )

    assert done.requests == []
    assert time.monotonic() - began < 30


async def test_a_workload_that_ends_ends_the_load():
    async with serving(answer_at_once) as server:
        done = await load(server, Closed(3, 0.0), bounds(), Asks(count=2))

    assert sorted((log.session, log.turn) for log in done.requests) == [
        (slot, turn) for slot in range(3) for turn in range(2)
    ]


async def test_a_slot_pauses_after_a_failure_and_longer_after_the_next():
    async def answer(asked, writer):
        writer.write(servers.error(503, b"") if len(server.asked) in (1, 2, 4) else TRIO)

    async with serving(answer) as server:
        done = await load(server, Closed(1, 0.0), bounds(5))

    pauses = [after.intended - before.ended for before, after in itertools.pairwise(done.requests)]
    pause = round(PAUSE_S[0] * S)
    assert pauses == [pause, 2 * pause, 0, pause]


# Open loops.


async def test_an_open_loop_sends_by_its_schedule_whatever_the_server_does():
    everyone = asyncio.Event()

    async def answer(asked, writer):
        if len(server.asked) == 20:
            everyone.set()
        await everyone.wait()
        writer.write(TRIO)

    async with serving(answer) as server:
        done = await load(server, Open(100.0, "constant"), bounds(20))

    assert [log.intended for log in done.requests] == [number * 10 * MS for number in range(20)]
    assert [log.session for log in done.requests] == list(range(20))
    assert all(log.sent >= log.intended for log in done.requests)
    assert all(log.error is None for log in done.requests)


async def test_a_trace_is_sent_as_it_was_recorded():
    async with serving(answer_at_once) as server:
        done = await load(server, Trace((0.01, 0.02, 0.02, 0.1)), bounds())

    assert [log.intended for log in done.requests] == [10 * MS, 20 * MS, 20 * MS, 100 * MS]


async def test_arrivals_above_the_limit_are_dropped_and_named():
    async with serving(answer_after(0.2)) as server:
        done = await load(server, Trace((0.0, 0.001, 0.002, 0.003), in_flight=3), bounds())

    dropped = done.requests[3]
    assert [log.error for log in done.requests] == [None, None, None, "dropped"]
    assert (dropped.intended, dropped.sent, dropped.is_done) == (3 * MS, None, False)
    assert len(server.asked) == 3


async def test_an_event_loop_that_is_late_skips_nothing_and_shows_it():
    async def answer(asked, writer):
        writer.write(TRIO)
        if asked.id == "0-20":
            asyncio.get_running_loop().call_soon(time.sleep, 0.1)

    async with serving(answer) as server:
        done = await load(server, Open(200.0, "constant"), bounds(60))

    assert [log.intended for log in done.requests] == [number * 5 * MS for number in range(60)]
    assert all(log.error is None for log in done.requests)
    assert max(log.sent - log.intended for log in done.requests) > 80 * MS
    assert done.health.send_lag_ms.max > 80
    assert done.health.loop_lag_ms.max > 80


async def test_a_load_that_is_too_much_is_sent_or_dropped_to_the_last():
    async with serving(answer_at_once) as server:
        shape = Open(1e6, "constant", in_flight=20)
        done = await load(server, shape, bounds(5_000))

    assert [log.intended for log in done.requests] == [number * 1000 for number in range(5_000)]
    assert {log.error for log in done.requests} == {None, "dropped"}
    assert len(server.asked) == sum(log.error is None for log in done.requests) > 20


async def test_coordinated_omission_is_shown():
    """A server holds all answers for 2 s, once; the schedule goes on meanwhile."""
    origin = 0
    answered = {}
    released = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def begin():
        nonlocal origin
        origin = time.perf_counter_ns()
        return origin

    async def answer(asked, writer):
        if len(server.asked) == 10:
            loop.call_later(2.0, released.set)
        if len(server.asked) >= 10:
            await released.wait()
        answered[asked.id] = time.perf_counter_ns()
        writer.write(TRIO)

    async with serving(answer) as server:
        done = await load(server, Open(20.0, "constant"), bounds(60), begin=begin)
        over = time.perf_counter_ns() - origin

    truth = [answered[f"0-{number}"] - origin - number * S / 20 for number in range(60)]
    told = [log.ended - log.intended for log in done.requests]
    late = [number for number in range(60) if truth[number] > 0.1 * S]
    assert len(late) > 20  # those that were to go out while it stalled
    # An omission would tell less than the truth; how soon an answer is read is the machine's.
    for number in range(60):
        assert truth[number] <= told[number] <= over - number * S / 20
    assert max(told) > 1.8 * S


SHAPES = st.one_of(
    st.builds(
        Open,
        rate=st.floats(0.5, 500.0),
        arrivals=st.sampled_from(["poisson", "constant"]),
        seed=st.integers(0, 9),
    ),
    st.builds(
        Trace,
        offsets_s=st.lists(st.floats(0, 100), min_size=1, max_size=50).map(
            lambda offsets: tuple(sorted(offsets))
        ),
    ),
)


@settings(deadline=None)
@given(
    shape=SHAPES,
    requests=st.one_of(st.none(), st.integers(1, 60)),
    duration=st.floats(0.01, 2.0),
    warm_up=st.floats(0.0, 1.0),
    workers=st.integers(1, 4),
)
def test_a_schedule_is_bounded_ordered_and_dealt_whole(shape, requests, duration, warm_up, workers):
    within = Bounds(requests=requests, duration_s=duration, warm_up_s=warm_up)
    plan = list(arrivals(shape, within))
    measured = [arrival for arrival in plan if arrival.is_measured]

    assert plan == list(arrivals(shape, within))
    assert [arrival.slot for arrival in plan] == list(range(len(plan)))
    assert [arrival.at for arrival in plan] == sorted(arrival.at for arrival in plan)
    assert all(round(warm_up * S) <= arrival.at for arrival in measured)
    assert all(arrival.at < round(warm_up * S) + round(duration * S) for arrival in plan)
    assert len(measured) <= (requests or len(measured))
    dealt = [
        arrival for worker in range(workers) for arrival in plan
        if Share(worker, workers).is_mine(arrival.slot)
    ]  # fmt: skip
    assert sorted(dealt) == plan


def test_poisson_arrivals_have_exponential_gaps_of_the_asked_rate():
    plan = [arrival.at / S for arrival in arrivals(Open(100.0, seed=3), Bounds(20_000))]
    gaps = [after - before for before, after in itertools.pairwise(plan)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5

    assert mean == pytest.approx(0.01, rel=0.03)
    assert deviation == pytest.approx(mean, rel=0.03)
    assert plan != [arrival.at / S for arrival in arrivals(Open(100.0, seed=4), Bounds(20_000))]


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(1, 7))
def test_a_number_is_split_evenly_and_whole(total, workers):
    parts = [Share(worker, workers).part(total) for worker in range(workers)]

    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1


@pytest.mark.parametrize(
    ("shape", "within", "workers", "named"),
    [
        (Closed(0), Bounds(1), 1, "concurrency"),
        (Closed(1, -1.0), Bounds(1), 1, "stagger_s"),
        (Closed(1), Bounds(0), 1, "requests"),
        (Closed(1), Bounds(1), 0, "workers"),
        (Closed(1), Bounds(duration_s=0.0), 1, "duration_s"),
        (Closed(1), Bounds(1, warm_up_s=float("nan")), 1, "warm_up_s"),
        (Closed(1), Bounds(1, drain_s=-1.0), 1, "drain_s"),
        (Open(0.0), Bounds(1), 1, "rate"),
        (Open(float("inf")), Bounds(1), 1, "rate"),
        (Open(1.0, in_flight=0), Bounds(1), 1, "in_flight"),
        (Open(1.0), Bounds(), 1, "open loop"),
        (Trace(()), Bounds(), 1, "offsets_s"),
        (Trace((2.0, 1.0)), Bounds(), 1, "offsets_s"),
        (Trace((-1.0,)), Bounds(), 1, "offsets_s"),
    ],
)
def test_a_load_that_cannot_be_run_is_refused(shape, within, workers, named):
    with pytest.raises(UsageError, match=named):
        check_shape(shape, within, workers)


# The client itself.


async def test_no_request_leaves_a_cycle_behind():
    """The garbage collector is off during a load; what is not freed at once is never freed."""

    async with serving(answer_at_once) as server:
        gc.collect()
        gc.disable()
        try:
            done = await load(server, Closed(4, 0.0), bounds(600))
            found = gc.collect()
        finally:
            gc.enable()

    assert len(done.requests) == 600
    assert found < 300


async def test_progress_is_told_and_ends_with_all():
    told = []
    async with serving(answer_after(0.05)) as server:
        await load(server, Closed(2, 0.0), bounds(16), progress=told.append)

    last = told[-1]
    assert len(told) >= 2
    assert (last.sent, last.done, last.failed, last.in_flight, last.tokens) == (16, 16, 0, 0, 48)
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert last.seconds > 0.3


async def test_the_health_is_of_the_measured_part():
    began = time.monotonic()
    async with serving(answer_after(0.01)) as server:
        done = await load(server, Closed(2, 0.0), bounds(240, warm_up_s=0.2))

    health, requests = done.health, done.requests
    measured = [log for log in requests if log.intended >= 200 * MS]
    assert 1.1 < health.wall_s < time.monotonic() - began
    assert 0 < health.cpu_s <= health.wall_s * 2
    assert health.send_lag_ms.n == len(measured) == 240
    assert health.loop_lag_ms.n >= 200
    assert 0 < health.events <= sum(at >= 200 * MS for log in requests for at in log.events)
    assert health.events <= sum(len(log.events) for log in measured) + 2 * 7
    assert health.bytes > 0


async def test_a_loop_that_hangs_is_late_at_every_tick_of_it():
    clock = Clock()
    over = asyncio.Event()

    began = time.perf_counter_ns()
    meter = LoopMeter(clock, 10 * MS, over.is_set, lambda: 0)
    asyncio.get_running_loop().call_later(0.03, time.sleep, 0.1)
    await asyncio.sleep(0.05)
    over.set()
    await asyncio.sleep(0.03)

    late = [lag for lag in meter.lags_ms if lag > 20]
    assert 15 <= len(late) <= (time.perf_counter_ns() - began) / TICK_NS
    assert max(late) > 80
    assert meter.end is not None


@pytest.mark.parametrize("shape", [Closed(1, 0.0), Open(100.0)])
@pytest.mark.parametrize("error", [ValueError("broken"), OSError("broken")])
async def test_an_error_of_the_workload_ends_the_load(shape, error):
    class Broken(Asks):
        def steps(self, slot):
            if slot < 3:
                yield Step(b"{}")
            if slot == 3 or shape == Closed(1, 0.0):
                raise error

    async with serving(answer_at_once) as server:
        with pytest.raises(type(error), match="broken"):
            await load(server, shape, bounds(50), Broken())


async def test_an_error_of_the_progress_ends_the_load():
    def refuse(progress):
        raise ValueError("no more")

    async with serving(answer_after(0.05)) as server:
        with pytest.raises(ValueError, match="no more"):
            await load(server, Closed(1, 0.0), bounds(100), progress=refuse)


async def test_a_load_that_is_cancelled_leaves_no_connection_behind():
    asked_at_all, left = asyncio.Event(), asyncio.Event()

    async def answer(asked, writer):
        asked_at_all.set()
        writer.write(servers.HEAD)
        while not writer.transport.is_closing():
            writer.write(servers.chunk(b": still here\n\n"))
            await asyncio.sleep(0.01)
        left.set()

    async with serving(answer) as server:
        task = asyncio.create_task(load(server, Closed(1, 0.0), bounds(1)))
        await asked_at_all.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(left.wait(), 120)
