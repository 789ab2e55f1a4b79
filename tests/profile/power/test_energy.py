"""The energy of a window: right within the stated bound, or null with a reason."""

import math
from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.profile.power.contract import Device, Reading
from conformance.profile.power.energy import Rules, energy_of, idle_of

S = 1_000_000_000
CARD = Device("nvidia", "0", id="GPU-a")
OTHER = Device("nvidia", "1", id="GPU-b")
LOOSE = Rules(gap_s=math.inf, least_rate_hz=0, long_gap_s=math.inf, long_least_rate_hz=0)


def sampled(watts, hz=20, device=CARD, begin=0.0):
    return [
        Reading(round((begin + n / hz) * S), device.key, power_w=w) for n, w in enumerate(watts)
    ]


def counted(joules, hz=20, device=CARD):
    return [Reading(round(n / hz * S), device.key, energy_j=j) for n, j in enumerate(joules)]


def codes(energy):
    return [reason.code for reason in energy.reasons]


def test_power_that_does_not_change_is_power_times_time():
    energy = energy_of(sampled([250.0] * 201), [CARD], 1 * S, 9 * S)
    assert energy.joules == pytest.approx(2000)
    assert energy.average_w == pytest.approx(250)
    assert energy.uncertainty_j == 0
    assert energy.valid
    (part,) = energy.devices
    assert part.method == "sampling"
    assert part.rate_hz == pytest.approx(20)
    assert part.max_gap_s == pytest.approx(0.05)
    assert part.coverage == pytest.approx(1)
    assert part.samples == 161


def test_the_edges_of_a_window_are_interpolated():
    rising = sampled([100.0 * n for n in range(11)], hz=10)
    energy = energy_of(rising, [CARD], S // 4, S * 3 // 4, rules=LOOSE)
    assert energy.joules == pytest.approx(500 * 0.5)


def test_averaging_samples_would_be_wrong_where_they_are_uneven():
    readings = [
        Reading(round(t * S), CARD.key, power_w=w)
        for t, w in [(0, 720), (0.9, 720), (0.95, 100), (1, 100), (1.05, 100)]
    ]
    energy = energy_of(readings, [CARD], 0, 1 * S, rules=LOOSE)
    assert energy.joules == pytest.approx(0.9 * 720 + 0.05 * 410 + 0.05 * 100)


def test_a_counter_is_taken_before_power_and_both_are_told():
    readings = [
        Reading(n * S // 20, CARD.key, power_w=300.0, energy_j=7e6 + 15.0 * n) for n in range(221)
    ]
    energy = energy_of(readings, [CARD], S // 2 + 7, 10 * S + 7)
    (part,) = energy.devices
    assert part.method == "counter"
    assert energy.joules == part.counter_j == pytest.approx(2850)
    assert part.sampled_j == pytest.approx(2850)
    assert part.uncertainty_j == pytest.approx(60, rel=0.01)


def test_a_counter_that_disagrees_with_power_is_not_believed():
    """A factor of two is a unit or a second die, not noise."""
    readings = [
        Reading(n * S // 20, CARD.key, power_w=300.0, energy_j=30.0 * n) for n in range(221)
    ]
    energy = energy_of(readings, [CARD], S, 10 * S)
    assert codes(energy) == ["power-counter-differs"]
    assert energy.reasons[0].measured == pytest.approx(0.5)
    assert energy.reasons[0].limit == 0.05
    assert energy.joules is None
    assert energy.average_w is None
    assert energy.uncertainty_j is None
    assert not energy.valid
    assert (energy.devices[0].counter_j, energy.devices[0].sampled_j) == (5400, 2700)
    assert energy.devices[0].joules is None


@pytest.mark.parametrize(("share", "is_fine"), [(1.04, True), (0.96, True), (1.06, False)])
def test_five_percent_between_counter_and_power_is_the_limit(share, is_fine):
    readings = [
        Reading(n * S // 20, CARD.key, power_w=300.0 * share, energy_j=15.0 * n) for n in range(221)
    ]
    assert energy_of(readings, [CARD], S, 10 * S).valid is is_fine


def test_a_counter_that_falls_is_no_difference():
    """A reset and an overflow look alike; neither is guessed."""
    joules = [*range(1000, 1100), *range(100)]
    energy = energy_of(counted(joules), [CARD], S, 9 * S)
    assert codes(energy) == ["power-counter-reset"]
    assert energy.joules is None


def test_a_counter_that_fell_outside_the_window_does_no_harm():
    joules = [*range(5000, 5020), *range(300)]
    energy = energy_of(counted(joules), [CARD], 2 * S, 12 * S)
    assert energy.joules == pytest.approx(200)
    assert energy.uncertainty_j == pytest.approx(2)


def test_a_counter_is_interpolated_between_its_changes():
    """It changes at every other look: between two changes nothing is known but both."""
    readings = counted([20.0 * (n // 2) for n in range(80)])
    energy = energy_of(readings, [CARD], S * 21 // 40, S * 31 // 20, rules=LOOSE)
    assert energy.joules == pytest.approx(310 - 105)


def test_late_stamps_are_part_of_what_a_sample_is_off_by():
    """All stamps are 100 ms late, around a step from 0 to 500 W: 50 J."""
    power = [0.0] * 100 + [500.0] * 100
    readings = [
        Reading(n * S // 100 + S // 10, CARD.key, watts, None, S // 10)
        for n, watts in enumerate(power)
    ]
    energy = energy_of(readings, [CARD], S // 2, S * 3 // 2)
    assert energy.joules == pytest.approx(250 - 50, abs=3)
    assert 50 <= energy.uncertainty_j <= 110


def test_a_counter_that_stands_still_measured_nothing():
    energy = energy_of(counted([500.0] * 200), [CARD], S, 9 * S)
    assert codes(energy) == ["power-counter-stuck"]
    assert energy.joules is None


def test_a_counter_needs_no_samples_between_the_edges():
    joules = [5.0 * n for n in range(400)]
    readings = [r for r in counted(joules) if not 3 * S < r.t_ns < 14 * S]
    energy = energy_of(readings, [CARD], 2 * S, 15 * S)
    assert energy.joules == pytest.approx(1300)
    assert energy.devices[0].coverage < 0.2


def test_a_counter_whose_edge_lies_in_a_gap_is_refused():
    readings = [r for r in counted([5.0 * n for n in range(400)]) if not 3 * S < r.t_ns < 5 * S]
    assert codes(energy_of(readings, [CARD], 4 * S, 15 * S)) == ["power-gap"]


def test_a_gap_between_samples_makes_the_energy_null():
    readings = [r for r in sampled([200.0] * 400) if not 5 * S < r.t_ns < 7 * S]
    energy = energy_of(readings, [CARD], 1 * S, 19 * S)
    assert codes(energy) == ["power-gap"]
    assert energy.reasons[0].measured == pytest.approx(2)
    assert energy.reasons[0].limit == 1
    assert energy.joules is None
    assert energy.devices[0].coverage == pytest.approx(16 / 18)


def test_a_gap_outside_the_window_does_no_harm():
    readings = [r for r in sampled([200.0] * 400) if not 5 * S < r.t_ns < 7 * S]
    assert energy_of(readings, [CARD], 7 * S, 19 * S).joules == pytest.approx(2400)


@pytest.mark.parametrize(("begin", "end"), [(-1, 5), (5, 11), (-1, 11), (20, 30)])
def test_a_window_that_is_not_covered_is_not_extrapolated(begin, end):
    energy = energy_of(sampled([200.0] * 201), [CARD], begin * S, end * S)
    assert codes(energy) == ["power-coverage"]
    assert energy.joules is None
    assert energy.devices[0].sampled_j is None
    assert energy.devices[0].max_gap_s == pytest.approx(10 if begin == 20 else 1)


def test_five_samples_a_second_are_too_few_for_a_short_window():
    energy = energy_of(sampled([200.0] * 101, hz=5), [CARD], S, 19 * S)
    assert codes(energy) == ["power-rate"]
    assert energy.reasons[0].measured == pytest.approx(5)


def test_a_sample_a_second_will_do_for_a_long_window():
    """Tools that need a second a look are of use, but not for short windows."""
    readings = sampled([200.0] * 130, hz=1)
    assert energy_of(readings, [CARD], S, 121 * S).joules == pytest.approx(24_000)
    assert codes(energy_of(readings, [CARD], S, 50 * S)) == ["power-rate"]


def test_a_missing_device_makes_the_sum_null():
    energy = energy_of(sampled([200.0] * 201), [CARD, OTHER], S, 9 * S)
    assert codes(energy) == ["power-missing"]
    assert OTHER.key in energy.reasons[0].detail
    assert energy.joules is None
    assert energy.devices[0].joules == pytest.approx(1600)


def test_no_device_is_no_energy():
    energy = energy_of([], [], 0, S, idle={})
    assert (energy.joules, energy.idle_joules, energy.valid) == (None, None, False)
    assert codes(energy) == ["power-missing"]


def test_a_device_that_appears_is_told():
    readings = sampled([200.0] * 201) + sampled([90.0] * 20, device=OTHER, begin=4.0)
    energy = energy_of(readings, [CARD], S, 9 * S)
    assert codes(energy) == ["power-devices-changed"]
    assert energy.joules is None


def test_a_device_that_was_known_may_be_left_out():
    readings = sampled([200.0] * 201) + sampled([90.0] * 201, device=OTHER)
    energy = energy_of(readings, [CARD], S, 9 * S, known=[CARD, OTHER])
    assert energy.joules == pytest.approx(1600)


def test_two_nodes_with_the_same_index_are_kept_apart():
    one, two = (Device("ascend", "0", node=node) for node in ("rack-1", "rack-2"))
    readings = sampled([100.0] * 201, device=one) + sampled([300.0] * 201, device=two)
    energy = energy_of(readings, [one, two], S, 9 * S)
    assert [part.joules for part in energy.devices] == [pytest.approx(800), pytest.approx(2400)]
    assert [part.device for part in energy.devices] == ["rack-1/ascend/0", "rack-2/ascend/0"]
    assert energy.joules == pytest.approx(3200)


def test_idle_is_the_median_and_counts_for_the_whole_window():
    readings = sampled([60.0] * 40 + [500.0] * 5 + [60.0] * 60)
    watts = idle_of(readings, [CARD], 0, 5 * S)
    assert watts == {CARD.key: 60.0}
    energy = energy_of(sampled([200.0] * 201), [CARD], S, 9 * S, idle=watts)
    assert energy.idle_joules == pytest.approx(480)
    assert energy.devices[0].idle_w == 60


def test_idle_of_a_counter_is_its_mean():
    watts = idle_of(counted([2.0 * n for n in range(201)]), [CARD], S, 9 * S)
    assert watts == {CARD.key: pytest.approx(40)}


def test_idle_is_not_known_from_few_samples():
    assert idle_of(sampled([60.0] * 3), [CARD], 0, 5 * S) == {}
    assert idle_of(sampled([60.0] * 4), [CARD], 0, 5 * S) == {CARD.key: 60}
    energy = energy_of(sampled([200.0] * 201), [CARD], S, 9 * S, idle={})
    assert energy.idle_joules is None


def test_idle_of_one_device_is_not_the_idle_of_two():
    readings = sampled([200.0] * 201) + sampled([200.0] * 201, device=OTHER)
    energy = energy_of(readings, [CARD, OTHER], S, 9 * S, idle={CARD.key: 60.0})
    assert energy.idle_joules is None
    assert energy.joules == pytest.approx(3200)


def test_a_window_without_length_is_a_mistake():
    with pytest.raises(ValueError, match="before it begins"):
        energy_of([], [CARD], S, S)


class Curve:
    """Power in steps; its energy is known exactly."""

    def __init__(self, steps):
        self.times, self.watts, self.sums = [0.0], [], [0.0]
        for length, watts in steps:
            self.watts.append(watts)
            self.sums.append(self.sums[-1] + length * watts)
            self.times.append(self.times[-1] + length)

    def power(self, t):
        return self.watts[min(bisect_right(self.times, t) - 1, len(self.watts) - 1)]

    def joules(self, t):
        at = min(bisect_right(self.times, t) - 1, len(self.watts) - 1)
        return self.sums[at] + (t - self.times[at]) * self.watts[at]


CURVES = st.lists(
    st.tuples(st.floats(0.11, 1.0), st.floats(0, 700)), min_size=60, max_size=100
).map(Curve)
"""At least six seconds, and never two steps within 0.1 s: power is monotone between samples."""
WINDOWS = st.tuples(st.floats(0.3, 2.5), st.floats(3.0, 5.5))
JITTER = st.lists(st.floats(-0.02, 0.02), min_size=90, max_size=90)


@settings(deadline=None, max_examples=25)
@given(CURVES, WINDOWS, JITTER, st.integers(0, 15_000_000))
def test_sampling_is_off_by_no_more_than_it_states(curve, window, jitter, late):
    """Looks come unevenly, and their stamps are wrong by up to what they say."""
    times = [max(0.0, n * 0.07 + wobble) for n, wobble in enumerate(jitter)]
    times = sorted(times)
    readings = [
        Reading(round(t * S) + (late if n % 2 else -late), CARD.key, curve.power(t), None, late)
        for n, t in enumerate(times)
    ]
    start, end = (round(edge * S) for edge in window)
    energy = energy_of(readings, [CARD], start, end, rules=LOOSE)
    truth = curve.joules(end / S) - curve.joules(start / S)
    assert abs(energy.joules - truth) <= energy.uncertainty_j + 1e-3


@settings(deadline=None, max_examples=25)
@given(CURVES, WINDOWS, JITTER, st.floats(0.001, 0.4), st.integers(0, 10_000_000))
def test_a_counter_is_off_by_no_more_than_it_states(curve, window, jitter, step, late):
    """It moves every ``step`` seconds, slower or faster than it is looked at."""
    times = sorted(max(0.0, n * 0.07 + wobble) for n, wobble in enumerate(jitter))
    readings = [
        Reading(
            round(t * S) + (late if n % 2 else -late),
            CARD.key,
            None,
            curve.joules(math.floor(t / step) * step),
            late,
        )
        for n, t in enumerate(times)
    ]
    start, end = (round(edge * S) for edge in window)
    energy = energy_of(readings, [CARD], start, end, rules=LOOSE)
    truth = curve.joules(end / S) - curve.joules(start / S)
    if energy.joules is None:
        assert set(codes(energy)) <= {"power-counter-stuck", "power-counter-reset"}
    else:
        assert abs(energy.joules - truth) <= energy.uncertainty_j + 1e-3


@settings(deadline=None, max_examples=25)
@given(CURVES, st.floats(0.2, 0.8), st.booleans())
def test_two_halves_of_a_window_add_up_to_the_whole(curve, share, has_counter):
    readings = [
        Reading(
            n * S // 20,
            CARD.key,
            None if has_counter else curve.power(n / 20),
            curve.joules(math.floor(n / 2) / 10) + n * 1e-6 if has_counter else None,
        )
        for n in range(130)
    ]
    start, end = S // 3, 6 * S
    middle = round(start + share * (end - start))
    whole, one, two = (
        energy_of(readings, [CARD], *edges, rules=LOOSE).joules
        for edges in ((start, end), (start, middle), (middle, end))
    )
    assert one + two == pytest.approx(whole, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(60)))
def test_the_order_of_the_readings_does_not_matter(order):
    readings = sampled([100.0 + n for n in range(60)])
    shuffled = [readings[n] for n in order]
    assert energy_of(shuffled, [CARD], S // 3, 2 * S) == energy_of(readings, [CARD], S // 3, 2 * S)
