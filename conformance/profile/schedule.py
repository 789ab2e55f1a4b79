"""When the requests of an open loop are to be sent: a function of the shape and its seed alone."""

from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING, NamedTuple

from conformance.errors import UsageError
from conformance.profile.shape import Closed, Open, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.profile.shape import Bounds, Shape


class Share(NamedTuple):
    """Which of how many workers; slots and arrivals are dealt to them in turn."""

    worker: int = 0
    workers: int = 1

    def is_mine(self, index: int) -> bool:
        """Say whether a slot or an arrival is this worker's."""
        return index % self.workers == self.worker

    def part(self, total: int) -> int:
        """Return this worker's part of a number that is split as evenly as it goes."""
        return total // self.workers + (self.worker < total % self.workers)


class Arrival(NamedTuple):
    """One request of an open loop."""

    slot: int
    """Its number among all workers' arrivals; its slot of the workload."""
    at: int
    """Nanoseconds since the beginning."""
    is_measured: bool


def check_shape(shape: Shape, bounds: Bounds, workers: int) -> None:
    """Check that a load can be run.

    Raises:
        UsageError: it cannot.
    """
    wrong = {
        "workers": workers < 1,
        "requests": bounds.requests is not None and bounds.requests < 1,
        "duration_s": bounds.duration_s is not None and not _is_positive(bounds.duration_s),
        "least_done": bounds.least_done < 0,
        "warm_up_s": not _is_time(bounds.warm_up_s),
        "drain_s": not _is_time(bounds.drain_s),
    }
    if isinstance(shape, Closed):
        wrong["concurrency"] = shape.concurrency < 1
        wrong["stagger_s"] = not _is_time(shape.stagger_s)
    else:
        wrong["in_flight"] = shape.in_flight < 1
    if isinstance(shape, Open):
        wrong["rate"] = not _is_positive(shape.rate)
        if bounds.requests is None and bounds.duration_s is None:
            raise UsageError(
                "an open loop has no end of its own", mend="bound its requests or its duration"
            )
    if isinstance(shape, Trace):
        offsets = shape.offsets_s
        wrong["offsets_s"] = (
            not offsets
            or not all(map(_is_time, offsets))
            or any(later < earlier for earlier, later in itertools.pairwise(offsets))
        )
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise UsageError("cannot be used for a load", where=name, mend=_MENDS[name])


def measured_from(shape: Shape, bounds: Bounds) -> int:
    """Return when the measured part begins, in nanoseconds since the beginning."""
    stagger_s = shape.stagger_s if isinstance(shape, Closed) else 0.0
    return _ns(stagger_s + bounds.warm_up_s)


def measured_until(shape: Shape, bounds: Bounds) -> int | None:
    """Return when it ends at the latest, likewise; None: no duration bounds it."""
    if bounds.duration_s is None:
        return None
    return measured_from(shape, bounds) + _ns(bounds.duration_s)


def arrivals(shape: Open | Trace, bounds: Bounds) -> Iterator[Arrival]:
    """Yield the arrivals of all workers up to the bounds, in order.

    Poisson: the gaps are exponential, from ``random.Random(seed)``; the first comes after one gap.
    Constant: the first comes at the very beginning.
    """
    start, until = measured_from(shape, bounds), measured_until(shape, bounds)
    left = bounds.requests
    for slot, at in enumerate(_offsets(shape)):
        is_measured = at >= start
        if until is not None and at >= until:
            return
        if is_measured and left is not None:
            if not left:
                return
            left -= 1
        yield Arrival(slot, at, is_measured)


def _offsets(shape: Open | Trace) -> Iterator[int]:
    if isinstance(shape, Trace):
        yield from map(_ns, shape.offsets_s)
        return
    if shape.arrivals == "constant":
        for number in itertools.count():
            yield _ns(number / shape.rate)
    chance = random.Random(shape.seed)
    offset = 0.0
    while True:
        offset += chance.expovariate(shape.rate)
        yield _ns(offset)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _is_time(seconds: float) -> bool:
    return math.isfinite(seconds) and seconds >= 0


def _is_positive(value: float) -> bool:
    return math.isfinite(value) and value > 0


_MENDS = {
    "workers": "at least one is needed",
    "requests": "at least one is needed",
    "duration_s": "name seconds above 0",
    "least_done": "name a number, 0 or more",
    "warm_up_s": "name seconds, 0 or more",
    "drain_s": "name seconds, 0 or more",
    "concurrency": "at least one slot is needed",
    "stagger_s": "name seconds, 0 or more",
    "in_flight": "at least one must be allowed",
    "rate": "name requests a second above 0",
    "offsets_s": "name at least one, 0 or more, in ascending order",
}
