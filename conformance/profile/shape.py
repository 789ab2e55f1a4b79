"""The shape of a load: how many at once, or how many a second, and for how long."""

from __future__ import annotations

from typing import Literal

import msgspec


class Closed(msgspec.Struct, frozen=True, tag="closed", tag_field="loop"):
    """So many slots, each with one request at a time: the server sets the rate."""

    concurrency: int
    stagger_s: float = 1.0
    """Over how long the slots begin: a first wave in step spoils the tail (all of them prefill at
    once) and stays in step for as long as answers have one length."""
    thinks: bool = False
    """Slots wait between their requests, as agents do: the number in flight is below
    ``concurrency`` and says nothing of the load."""


class Open(msgspec.Struct, frozen=True, tag="open", tag_field="loop"):
    """So many requests a second, whatever the server does."""

    rate: float
    """Requests a second."""
    arrivals: Literal["poisson", "constant"] = "poisson"
    seed: int = 0
    in_flight: int = 4096
    """Above this an arrival is dropped, which makes the run invalid."""


class Trace(msgspec.Struct, frozen=True, tag="trace", tag_field="loop"):
    """Arrivals as they were recorded."""

    offsets_s: tuple[float, ...]
    """Seconds from the beginning, ascending."""
    in_flight: int = 4096


Shape = Closed | Open | Trace


class Bounds(msgspec.Struct, frozen=True):
    """When a load ends: what comes first. Requests in flight are waited for."""

    requests: int | None = None
    """So many sent in the measured part (after the warm-up), in all."""
    duration_s: float | None = None
    """So many seconds of the measured part."""
    least_done: int = 0
    """A closed loop goes on beyond ``duration_s`` until so many are done, for ten times as long at
    most: an answer may take longer than was thought."""
    warm_up_s: float = 2.0
    """Seconds at the shape's load before the measured part; a stagger comes before them."""
    drain_s: float = 60.0
    """The longest wait for requests in flight at the end; they are then cut and named."""
