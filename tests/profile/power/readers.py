"""Readers that play a device whose power is known at every moment."""

import time

from conformance.profile.power.contract import Device, PowerFormatError, Reading

S = 1_000_000_000


class PlayedReader:
    """Watts of a moment (``time.perf_counter_ns``) by a function, for each device.

    Args:
        powers: By device's index: a function of nanoseconds, or watts.
        counts: Whether it has a counter, of constant watts.
        failing: Looks that fail, by number.
    """

    vendor = "nvidia"
    method = "played"

    def __init__(self, powers, *, counts=False, failing=(), prefix="GPU"):
        self.powers, self.counts, self.failing = powers, counts, failing
        self.listed = [Device("nvidia", index, id=f"{prefix}-{index}") for index in powers]
        self.looks, self.is_closed = 0, False

    def devices(self):
        return self.listed

    def read(self):
        self.looks += 1
        if self.looks in self.failing:
            raise PowerFormatError("printed nothing", where="played")
        now = time.perf_counter_ns()
        readings = []
        for device, power in zip(self.listed, self.powers.values(), strict=True):
            watts = power(now) if callable(power) else power
            joules = watts * now / S if self.counts else None
            readings.append(Reading(0, device.key, watts, joules))
        return readings

    def close(self):
        self.is_closed = True


def wait_until(condition, seconds=120):
    """Wait for something another thread does; the limit is for a broken test only."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)
