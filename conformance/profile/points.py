"""A point of the profile: what a log and the readings of power beside it come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.profile.metrics import measure
from conformance.profile.power.energy import energy_of, idle_of
from conformance.profile.window import steady_window

if TYPE_CHECKING:
    from conformance.profile.document import Energy, Point, Slo
    from conformance.profile.log import LoadLog
    from conformance.profile.power.recorder import PowerLog


def point_of(
    log: LoadLog,
    slo: Slo,
    *,
    log_path: str,
    log_sha256: str,
    power: PowerLog | None,
    idle: tuple[int, int] | None,
) -> Point:
    """Return the point of one load. A pure function of its arguments.

    Args:
        log: The load.
        slo: What a request must keep to count as good.
        log_path: Where the log lies, as the document names it, and its SHA-256.
        log_sha256: The same log's digest.
        power: What the devices drew; None: there are none to read.
        idle: When the devices were watched idle, in the monotonic clock's nanoseconds.
    """
    energy = None
    if power is not None and power.devices:
        window = steady_window(log)
        origin = log.header.origin_ns
        energy = energy_in(power, idle, origin + window.start, origin + window.end)
    devices = [] if power is None else power.devices
    accelerators = sum(device.is_accelerator for device in devices)
    return measure(
        log,
        slo,
        log_path=log_path,
        log_sha256=log_sha256,
        energy=energy,
        accelerators=accelerators or None,
    )


def energy_in(power: PowerLog, idle: tuple[int, int] | None, start: int, end: int) -> Energy:
    """Return what the devices used from ``start`` to ``end``, by the monotonic clock in ns."""
    watts = None if idle is None else idle_of(power.readings, power.devices, *idle)
    return energy_of(power.readings, power.devices, start, end, idle=watts)
