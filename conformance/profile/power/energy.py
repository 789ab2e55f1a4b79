"""The energy of a window, from readings of power; pure functions.

A counter is used where a device has one, its power samples then check it. Else the samples are
integrated by trapezoids. What the rules do not allow has a reason, and the figure is null.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.profile.document import DeviceEnergy, Energy, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.profile.power.contract import Device, Reading

NS = 1e9

MISSING = "power-missing"
"""No device, or one of which there are fewer than two readings."""
COVERAGE = "power-coverage"
"""The window begins before a device's first reading, or ends after its last."""
GAP = "power-gap"
"""Two readings too far apart: inside the window, or with a counter around its edges."""
RATE = "power-rate"
"""Power was sampled too seldom for a window of this length."""
RESET = "power-counter-reset"
"""A counter fell: a reset or an overflow, and which of them is not guessed."""
STUCK = "power-counter-stuck"
"""A counter did not move in the whole window."""
DIFFERS = "power-counter-differs"
"""Counter and integrated power disagree."""
CHANGED = "power-devices-changed"
"""There are readings of a device that was not known at the beginning."""
CODES = (MISSING, COVERAGE, GAP, RATE, RESET, STUCK, DIFFERS, CHANGED)


class Rules(msgspec.Struct, frozen=True):
    """What readings must keep."""

    gap_s: float = 1.0
    least_rate_hz: float = 10.0
    long_window_s: float = 60.0
    """From this length on the two long limits hold: tools that need a second a look can keep them,
    and an edge weighs little."""
    long_gap_s: float = 3.0
    long_least_rate_hz: float = 1.0
    counter_differs: float = 0.05
    """The greatest difference of counter and integrated power, as a share of the counter's."""
    idle_samples: int = 4
    """The fewest power samples for an idle median: what a tool that needs a second a look gives in
    five seconds."""


def energy_of(
    readings: Iterable[Reading],
    devices: Sequence[Device],
    start_ns: int,
    end_ns: int,
    *,
    idle: Mapping[str, float] | None = None,
    rules: Rules = Rules(),  # noqa: B008 - frozen
    known: Sequence[Device] | None = None,
) -> Energy:
    """Return what the devices used from ``start_ns`` to ``end_ns``, in joules.

    Args:
        readings: In any order; those around the window too, for its edges lie between readings.
        devices: Whose energy is summed; one without a figure makes the sum null.
        start_ns: The window, by the clock of the readings.
        end_ns: Its end.
        idle: Watts of each idle device by its key, from ``idle_of``.
        rules: What readings must keep.
        known: All devices that were there at the beginning, where ``devices`` is a part of them.

    The stated uncertainty is a bound, under what each method supposes; devices' bounds are added.

    - Counter: it rises, and each of its values was right when it appeared. Then the energy up to an
      edge lies between the value last seen before it and the first one that surely appeared after.
    - Sampling: power rises or falls steadily between two samples. Then it is off by at most
      sum |dP| (dt/2 + 2e), with e the error of the samples' times. What a sensor itself is off by,
      how it averages and how seldom it senses, is not in it, for no vendor tells it for sure.
    """
    if end_ns <= start_ns:
        raise ValueError("the window ends before it begins")
    seconds = (end_ns - start_ns) / NS
    series = _by_device(readings)
    reasons = [
        Reason(CHANGED, detail=f"{key}: not there at the beginning")
        for key in sorted(series.keys() - {device.key for device in known or devices})
        if any(start_ns <= reading.t_ns <= end_ns for reading in series[key])
    ]
    if not devices:
        reasons.append(Reason(MISSING, detail="no device is read"))
    parts = [
        _of_device(device.key, series.get(device.key, []), (start_ns, end_ns), idle or {}, rules)
        for device in devices
    ]
    reasons += [reason for part in parts for reason in part.reasons]
    joules = None if reasons else _sum(part.joules for part in parts)
    watts = _sum(part.idle_w for part in parts) if parts else None
    return Energy(
        window_s=seconds,
        joules=joules,
        idle_joules=None if watts is None else watts * seconds,
        uncertainty_j=None if joules is None else _sum(part.uncertainty_j for part in parts),
        average_w=None if joules is None else joules / seconds,
        devices=parts,
        valid=not reasons,
        reasons=reasons,
    )


def idle_of(
    readings: Iterable[Reading],
    devices: Sequence[Device],
    start_ns: int,
    end_ns: int,
    *,
    rules: Rules = Rules(),  # noqa: B008 - frozen
) -> dict[str, float]:
    """Return the watts of each device in a window in which nothing was asked of it, by its key.

    The median of its power samples, which a short burst does not move; of a device that has only
    a counter the mean. A device with too few readings is left out.
    """
    series = _by_device(readings)
    found = {}
    for device in devices:
        looks = series.get(device.key, [])
        powers = [
            look.power_w
            for look in looks
            if look.power_w is not None and start_ns <= look.t_ns <= end_ns
        ]
        if len(powers) >= rules.idle_samples:
            found[device.key] = statistics.median(powers)
            continue
        counted = _of_device(device.key, looks, (start_ns, end_ns), {}, rules)
        if counted.method == "counter" and counted.joules is not None:
            found[device.key] = counted.joules * NS / (end_ns - start_ns)
    return found


class _Look(NamedTuple):
    """A value, when it was read, and by how much that may be off."""

    t: int
    value: float
    error: int


_Window = tuple[int, int]


class _Figure(NamedTuple):
    joules: float | None
    uncertainty_j: float | None
    reasons: list[Reason]


def _by_device(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    series: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        series[reading.device].append(reading)
    for looks in series.values():
        looks.sort(key=lambda look: look.t_ns)
    return series


def _sum(values: Iterable[float | None]) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _of_device(
    key: str, looks: list[Reading], window: _Window, idle: Mapping[str, float], rules: Rules
) -> DeviceEnergy:
    powers = [
        _Look(look.t_ns, look.power_w, look.t_error_ns)
        for look in looks
        if look.power_w is not None
    ]
    counts = [
        _Look(look.t_ns, look.energy_j, look.t_error_ns)
        for look in looks
        if look.energy_j is not None
    ]
    sampled = _sampled(key, powers, window, rules)
    counted = _counted(key, counts, window, rules) if counts else None
    chosen, used = (sampled, powers) if counted is None else (counted, counts)
    reasons = list(chosen.reasons)
    if counted is not None and not sampled.reasons and not counted.reasons:
        reasons += _compared(key, counted.joules, sampled.joules, rules)
    inside = [look.t for look in used if window[0] <= look.t <= window[1]]
    limit, _ = _limits(window, rules)
    return DeviceEnergy(
        device=key,
        joules=None if reasons else chosen.joules,
        method="sampling" if counted is None else "counter",
        uncertainty_j=None if reasons else chosen.uncertainty_j,
        idle_w=idle.get(key),
        samples=len(inside),
        rate_hz=_rate(inside),
        max_gap_s=_longest(used, window) if used else None,
        coverage=_coverage(used, window, limit),
        counter_j=None if counted is None else counted.joules,
        sampled_j=sampled.joules,
        reasons=reasons,
    )


def _limits(window: _Window, rules: Rules) -> tuple[float, float]:
    """Return the longest gap in seconds and the least rate in hertz."""
    if (window[1] - window[0]) / NS >= rules.long_window_s:
        return rules.long_gap_s, rules.long_least_rate_hz
    return rules.gap_s, rules.least_rate_hz


def _rate(times: Sequence[int]) -> float | None:
    span = times[-1] - times[0] if times else 0
    return (len(times) - 1) * NS / span if span else None


def _clipped(looks: Sequence[_Look], window: _Window) -> Iterable[tuple[int, int]]:
    """Yield the spans between looks, as far as they lie in the window, each with its whole length.

    What lies before the first look and after the last is no span.
    """
    for one, two in pairwise(looks):
        inside = min(two.t, window[1]) - max(one.t, window[0])
        if inside > 0:
            yield inside, two.t - one.t


def _coverage(looks: Sequence[_Look], window: _Window, limit_s: float) -> float:
    covered = sum(inside for inside, whole in _clipped(looks, window) if whole <= limit_s * NS)
    return covered / (window[1] - window[0])


def _longest(looks: Sequence[_Look], window: _Window) -> float:
    """Return the longest stretch of the window without a look, in seconds."""
    wholes = [whole for _, whole in _clipped(looks, window)]
    before = min(looks[0].t, window[1]) - window[0]
    after = window[1] - max(looks[-1].t, window[0])
    return max(*wholes, before, after, 0) / NS if wholes else max(before, after, 0) / NS


def _missing(key: str, looks: Sequence[_Look], window: _Window, what: str) -> list[Reason]:
    """Return why the window has no edges among the looks, if it has none."""
    if len(looks) < 2:  # noqa: PLR2004 - a span has two ends
        return [Reason(MISSING, len(looks), 2, f"{key}: {what}")]
    if looks[0].t > window[0] or looks[-1].t < window[1]:
        covered = _coverage(looks, window, float("inf"))
        return [Reason(COVERAGE, covered, 1.0, f"{key}: {what} do not reach the window's edges")]
    return []


def _sampled(key: str, looks: Sequence[_Look], window: _Window, rules: Rules) -> _Figure:
    """Integrate power by trapezoids, with linear interpolation at the window's edges."""
    missing = _missing(key, looks, window, "samples of power")
    if missing:
        return _Figure(None, None, missing)
    joules = bound = 0.0
    for one, two in pairwise(looks):
        begin, end = max(one.t, window[0]), min(two.t, window[1])
        if end <= begin:
            continue
        slope = (two.value - one.value) / (two.t - one.t)
        middle = one.value + slope * ((begin + end) / 2 - one.t)
        joules += middle * (end - begin) / NS
        error = max(one.error, two.error)
        bound += abs(two.value - one.value) * ((two.t - one.t) / 2 + 2 * error) / NS
    reasons = []
    gap_s, least_hz = _limits(window, rules)
    longest = _longest(looks, window)
    if longest > gap_s:
        reasons.append(Reason(GAP, longest, gap_s, key))
    rate = _rate([look.t for look in looks if window[0] <= look.t <= window[1]]) or 0.0
    if rate < least_hz:
        reasons.append(Reason(RATE, rate, least_hz, key))
    return _Figure(joules, bound, reasons)


def _counted(key: str, looks: Sequence[_Look], window: _Window, rules: Rules) -> _Figure:
    """Take a counter's difference, interpolated between its changes at the window's edges."""
    missing = _missing(key, looks, window, "readings of its counter")
    if missing:
        return _Figure(None, None, missing)
    first = max(index for index, look in enumerate(looks) if look.t <= window[0])
    last = min(index for index, look in enumerate(looks) if look.t >= window[1])
    around = looks[first : last + 1]
    if any(two.value < one.value for one, two in pairwise(around)):
        return _Figure(None, None, [Reason(RESET, detail=key)])
    if around[0].value == around[-1].value:
        return _Figure(None, None, [Reason(STUCK, detail=key)])
    looks = _rising(looks, first, last)
    low, high = _up_to(window[0], looks), _up_to(window[1], looks)
    reasons = []
    gap_s, _ = _limits(window, rules)
    edges = max(around[1].t - around[0].t, around[-1].t - around[-2].t) / NS
    if edges > gap_s:
        reasons.append(Reason(GAP, edges, gap_s, f"{key}: around an edge of the window"))
    return _Figure(high.joules - low.joules, low.error + high.error, reasons)


def _rising(looks: Sequence[_Look], first: int, last: int) -> Sequence[_Look]:
    """Return the longest part around these two in which the counter does not fall."""
    while first > 0 and looks[first - 1].value <= looks[first].value:
        first -= 1
    while last + 1 < len(looks) and looks[last + 1].value >= looks[last].value:
        last += 1
    return looks[first : last + 1]


class _UpTo(NamedTuple):
    joules: float
    error: float


def _up_to(t: int, looks: Sequence[_Look]) -> _UpTo:
    """Return a counter's value at a moment between its first and last look, and what it may be off.

    A counter moves in steps, NVML's every 100 ms or so, and is looked at more often than that: a
    value is right when it appears, which was between the look before and the one that first shows
    it. So the interpolation is between looks that show a new value, not between neighbours.
    """
    new = [two for one, two in pairwise(looks) if two.value > one.value]
    step = max(two.value - one.value for one, two in pairwise(looks))
    points = [looks[0], *new]
    before = max((look for look in points if look.t <= t), key=lambda look: look.t)
    after = min((look for look in points if look.t > t), key=lambda look: look.t, default=None)
    guess = before.value
    if after is not None:
        guess += (after.value - before.value) * (t - before.t) / (after.t - before.t)
    least = max(
        (look.value for look in looks if look.t + look.error <= t), default=looks[0].value - step
    )
    most = min(
        (
            two.value
            for one, two in pairwise(looks)
            if two.value > one.value and one.t - one.error >= t
        ),
        default=looks[-1].value + step,
    )
    guess = min(max(guess, least), most)
    return _UpTo(guess, max(guess - least, most - guess))


def _compared(
    key: str, counted: float | None, sampled: float | None, rules: Rules
) -> Iterable[Reason]:
    if counted is None or sampled is None:
        return
    share = abs(counted - sampled) / max(abs(counted), 1e-9)
    if share > rules.counter_differs:
        detail = f"{key}: counter {counted:.1f} J, integrated power {sampled:.1f} J"
        yield Reason(DIFFERS, share, rules.counter_differs, detail)
