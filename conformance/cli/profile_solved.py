"""Graded trials and the power of their time, joined: solved tasks an hour, and what one costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.profile.points import energy_in
from conformance.profile.solved import solved_point

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.evidence.window import LiveWindow
    from conformance.profile.document import SolvedPoint
    from conformance.profile.run import Sitting


def solved_points(windows: Iterable[LiveWindow], sitting: Sitting) -> list[SolvedPoint]:
    """Return what the trials of each window come to, with the energy of the same time."""
    power = sitting.power()
    found = []
    for live in windows:
        span = live.monotonic
        energy = None
        if power is not None and power.devices and span is not None:
            energy = energy_in(power, sitting.idle, span.start_ns, span.end_ns)
        found.append(solved_point(live.window, energy, sitting.plan.inputs, monotonic=span))
    return found
