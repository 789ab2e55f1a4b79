"""Every figure of a profile, computed a second time by other means."""

from __future__ import annotations

import random

import numpy as np
import pytest

from conformance.profile.document import Inputs, Slo
from conformance.profile.metrics import measure
from conformance.profile.power.contract import Device, Reading
from conformance.profile.power.energy import energy_of
from conformance.profile.shape import Closed, Open
from conformance.profile.solved import TimedTrial, TimedWindow, solved_point
from conformance.profile.window import steady_window
from tests.profile.logs import MS, Stream, failed, log_of, request


def by_hand(log):
    """Compute a point's figures from the definitions in docs/profile.md, with numpy alone."""
    header, shape = log.header, log.header.shape
    sent = np.array([r.sent for r in log.requests if r.sent is not None])
    over = np.array([r.ended for r in log.requests if r.sent is not None])
    moments = np.unique(np.concatenate([sent, over]))
    flying = np.array([np.sum((sent <= at) & (over > at)) for at in moments[:-1]])
    begin, end = header.measured_from, header.measured_to
    if isinstance(shape, Closed):
        full = np.flatnonzero((flying >= 0.95 * shape.concurrency) & (moments[1:] > begin))
        begin, end = max(moments[full[0]], begin), moments[full[-1] + 1]
    seconds = (end - begin) / 1e9
    done = [r for r in log.requests if r.error is None]
    asked = [r for r in log.requests if header.measured_from <= r.intended <= header.measured_to]
    told = [r for r in asked if r.error is None]

    def tokens(one):
        return np.array(one.events)[[kind in "tcf" for kind in one.kinds]]

    def inside(times):
        return np.mean((times > begin) & (times <= end))

    def spread(values):
        found = np.array([value for value in values if value is not None])
        ranks = np.percentile(found, [50, 90, 99], method="inverted_cdf").tolist()
        return [len(found), found.mean(), *ranks, found.max()]

    def content(one):
        return one.events[one.kinds.index("c")] if "c" in one.kinds else None

    def less(a, b):
        return None if a is None else (a - b) / 1e6

    gaps = [np.diff(tokens(one)) / 1e6 for one in told]
    tpot = [
        (tokens(one)[-1] - tokens(one)[0]) / 1e6 / (one.output_tokens - 1)
        if one.output_tokens > 1 and tokens(one)[-1] > tokens(one)[0]
        else None
        for one in told
    ]
    output = sum(one.output_tokens * inside(tokens(one)) for one in done)
    given = sum(one.input_tokens for one in done if begin < tokens(one)[0] <= end)
    flown = np.clip(np.minimum(over, end) - np.maximum(sent, begin), 0, None).sum()
    return {
        "concurrency": getattr(shape, "concurrency", flown / (end - begin)),
        "window_s": seconds,
        "requests": len(asked),
        "done": len(told),
        "requests_per_s": sum(begin < one.ended <= end for one in done) / seconds,
        "output_tokens_per_s": output / seconds,
        "total_tokens_per_s": (output + given) / seconds,
        "input_tokens": sum(one.input_tokens for one in told),
        "output_tokens": sum(one.output_tokens for one in told),
        "user_tokens_per_s": spread(1000 / value for value in tpot if value),
        "ttft_ms": spread(less(content(one), one.sent) for one in told),
        "ttft_any_ms": spread(less(tokens(one)[0], one.sent) for one in told),
        "ttft_intended_ms": spread(less(content(one), one.intended) for one in told),
        "chunk_gap_ms": spread(np.concatenate(gaps)),
        "tpot_ms": spread(tpot),
        "max_stall_ms": spread(max(gap) if len(gap) else None for gap in gaps),
        "e2e_ms": spread(less(one.ended, one.sent) for one in told),
        "e2e_intended_ms": spread(less(one.ended, one.intended) for one in told),
    }


def uneven(seed, *, slots):
    """Make a log in which nothing is even: reasoning, tool calls, failures, late sends."""
    chance, requests = random.Random(seed), []
    for slot in range(slots):
        at = 10.0 * slot
        for number in range(25):
            late = chance.choice([0.0, 0.0, 1.5])
            if (number + slot) % 9 == 8:
                requests.append(failed(at, after=7.0))
                at += 57.0
                continue
            events = chance.randint(2, 9)
            stream = Stream(
                ttft=chance.uniform(5, 80),
                gap=chance.uniform(1, 20),
                events=events,
                tokens_per_event=chance.randint(1, 3),
                role_at=2.0,
                reasoning=chance.randint(0, 1),
                tools=chance.choice([0, 0, events - 1]),
                stall_before=1,
                stall=chance.uniform(10, 90),
                input_tokens=chance.randint(5, 50),
            )
            requests.append(request(at, stream, late=late))
            at = requests[-1].ended / MS + chance.uniform(0, 2)
    return requests


@pytest.mark.parametrize(
    ("seed", "shape", "measured"),
    [
        (1, Closed(1), (300, 2500)),
        (2, Closed(3), (400, 2000)),
        (3, Open(5.0), (500, 1800)),
    ],
)
def test_every_figure_of_a_point_is_what_its_definition_gives(seed, shape, measured):
    slots = getattr(shape, "concurrency", 4)
    log = log_of(uneven(seed, slots=slots), shape=shape, measured=measured)
    point = measure(log, Slo(), log_path="l", log_sha256="0")
    expected = by_hand(log)
    assert expected["done"] > 15
    for name, value in expected.items():
        found = getattr(point, name)
        if isinstance(value, list):
            found = [found.n, found.mean, found.p50, found.p90, found.p99, found.max]
        assert found == pytest.approx(value, rel=1e-9), name
    assert point.failed == {"status": point.requests - point.done}


def test_goodput_counts_what_ended_in_the_window_and_kept_every_part():
    log = log_of(uneven(4, slots=2), shape=Closed(2), measured=(300, 2000))
    slo = Slo(ttft_ms=50.0, tpot_ms=20.0, chunk_gap_ms=60.0, e2e_ms=150.0)

    def good(one):
        times = np.array(one.events)[[kind in "tcf" for kind in one.kinds]] / 1e6
        first, last = times[0] - one.intended / 1e6, (one.ended - one.intended) / 1e6
        tpot = (times[-1] - times[0]) / (one.output_tokens - 1)
        return first <= 50 and last <= 150 and tpot <= 20 and np.diff(times).max() <= 60

    done = [one for one in log.requests if one.error is None]
    begin, end = steady_window(log)[:2]
    point = measure(log, slo, log_path="l", log_sha256="0")
    counted = sum(good(one) for one in done if begin < one.ended <= end)
    assert 0 < counted < len(done)
    assert point.goodput_per_s == pytest.approx(counted / point.window_s)
    measured = log.measured
    share = sum(good(one) for one in measured if one.error is None) / len(measured)
    assert point.good_share == pytest.approx(share)


def test_sampled_energy_is_the_integral_of_what_was_read():
    chance = random.Random(8)
    times = np.cumsum([chance.uniform(0.03, 0.09) for _ in range(200)])
    watts = np.array([chance.uniform(80, 400) for _ in times])
    device = Device("nvidia", "0", "Made up", "GPU-0")
    found = [
        Reading(round(t * 1e9), device.key, float(w)) for t, w in zip(times, watts, strict=True)
    ]
    start, end = times[20] + 0.013, times[-20] - 0.007
    energy = energy_of(found, [device], round(start * 1e9), round(end * 1e9), idle={device.key: 60})
    fine = np.linspace(start, end, 2_000_001)
    height = np.interp(fine, times, watts)
    integral = float(((height[1:] + height[:-1]) / 2).sum() * (fine[1] - fine[0]))
    assert energy.joules == pytest.approx(integral, rel=1e-6)
    assert energy.idle_joules == pytest.approx(60 * (end - start))
    assert energy.valid


def test_a_counter_gives_the_energy_between_its_values_and_what_it_may_be_off():
    device = Device("nvidia", "0", "Made up", "GPU-0")
    # 250 W exactly, in steps of 100 ms, looked at every 20 ms.
    found = [
        Reading(at * 20_000_000, device.key, 250.0, 1000 + 25.0 * (at // 5)) for at in range(600)
    ]
    energy = energy_of(found, [device], 1_030_000_000, 9_070_000_000)
    assert energy.joules == pytest.approx(250 * 8.04, abs=energy.uncertainty_j)
    assert energy.uncertainty_j <= 2 * 25 + 1e-9
    assert energy.devices[0].method == "counter"


def test_a_window_of_trials_by_hand():
    """Two at a time; A solves at once, B is slow: of eight, the last ends when the other is idle.

    Times in seconds: slot 1 0-2-4-6-8, slot 2 0-3-6-9-10. In flight two until 8; then one.
    """
    ends = [(0, 2, True), (2, 4, False), (4, 6, True), (6, 8, True)]
    ends += [(0, 3, True), (3, 6, False), (6, 9, True), (9, 10, True)]
    trials = tuple(
        TimedTrial(
            began_ns=begin * 10**9, ended_ns=end * 10**9, counts=True, is_solved=is_solved,
            input_tokens=1000, output_tokens=100,
        )
        for begin, end, is_solved in ends
    )  # fmt: skip
    window = TimedWindow(concurrency=2, trials=trials, bundle="b")
    device = Device("nvidia", "0", "Made up", "GPU-0")
    found = [Reading(at * 50_000_000, device.key, 300.0) for at in range(-20, 220)]
    energy = energy_of(found, [device], 0, 8 * 10**9, idle={device.key: 100.0})
    priced = Inputs(pue=1.5, carbon_g_per_kwh=500.0, price_per_kwh=0.2, currency="EUR")
    point = solved_point(window, energy, priced)
    assert (point.trials, point.solved, point.window_trials, point.window_solved) == (8, 6, 6, 4)
    assert point.window_s == 8
    assert point.solve_rate == 0.75
    assert point.solved_per_hour == pytest.approx(4 / 8 * 3600)
    assert point.j_per_solved_task == pytest.approx(300 * 8 / 4)
    assert point.j_per_solved_task_above_idle == pytest.approx(200 * 8 / 4)
    kwh = 300 * 8 * 1.5 / 3.6e6
    assert point.money_per_solved_task == pytest.approx(kwh * 0.2 / 4)
    assert point.gco2_per_solved_task == pytest.approx(kwh * 500 / 4)
    assert [reason.code for reason in point.reasons] == ["too-few-trials"]
    by_tokens = Inputs(price_per_million_input=2.0, price_per_million_output=8.0)
    bought = solved_point(window, energy, by_tokens).money_per_solved_task
    assert bought == pytest.approx(6 * (1000 * 2 + 100 * 8) / 1e6 / 4)
    hired = solved_point(window, energy, Inputs(price_per_hour=36.0)).money_per_solved_task
    assert hired == pytest.approx(36 * 8 / 3600 / 4)


def test_a_fast_agent_that_is_wrong_has_no_solved_task_and_no_cost_of_one():
    trials = tuple(TimedTrial(at, at + 1, counts=True, is_solved=False) for at in range(50))
    point = solved_point(TimedWindow(1, trials, "b"), None, Inputs(price_per_hour=1.0))
    assert (point.solved_per_hour, point.solve_rate, point.money_per_solved_task) == (0, 0, None)


def test_an_agent_that_solves_only_its_first_trials_pays_for_all_it_began():
    first = [TimedTrial(at, at + 1, counts=True, is_solved=True) for at in range(10)]
    rest = [TimedTrial(at, at + 1, counts=True, is_solved=False) for at in range(10, 40)]
    # It hangs in its last one, which ends long after the others.
    last = [TimedTrial(40, 400, counts=True, is_solved=False)]
    point = solved_point(TimedWindow(1, tuple(first + rest + last), "b"), None, Inputs())
    assert point.solve_rate == pytest.approx(10 / 41)
    assert point.window_s == pytest.approx(400e-9)
