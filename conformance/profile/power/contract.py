"""What a reader of power owes: devices, and readings in watts and joules, never guessed."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from conformance.errors import ConformanceError

Vendor = Literal[
    "nvidia", "amd", "metax", "biren", "iluvatar", "ascend", "cambricon", "hygon", "moorethreads",
    "cpu",
]  # fmt: skip


class Device(msgspec.Struct, frozen=True):
    """One thing that draws power, as its vendor's tool names it."""

    vendor: Vendor
    index: str
    """As the tool numbers it: ``0``, or ``0.1`` for a chip of a card."""
    name: str = ""
    id: str = ""
    """UUID, serial number or bus address: what stays when the numbers change."""
    limit_w: float | None = None
    node: str = ""
    """The machine, where it is not the client's own; a sampler fills it in."""

    @property
    def key(self) -> str:
        """Return what names it among all devices behind one endpoint."""
        return f"{self.node}/{self.vendor}/{self.id or self.index}"

    @property
    def is_accelerator(self) -> bool:
        """Say whether it is one, not a processor."""
        return self.vendor != "cpu"


class Reading(msgspec.Struct, frozen=True):
    """One look at one device."""

    t_ns: int
    """Nanoseconds of the client's monotonic clock (``time.perf_counter_ns``)."""
    device: str
    """``Device.key``."""
    power_w: float | None = None
    energy_j: float | None = None
    """A counter that only rises, from any beginning."""
    t_error_ns: int = 0
    """By how much ``t_ns`` may be off, either way: half of how long the look took, and what is not
    known of a remote clock's offset."""


class PowerFormatError(ConformanceError):
    """Output of a vendor's tool that is not known for sure; it is refused, never guessed at."""


class PowerReader(Protocol):
    """Reads the devices of one vendor on this machine."""

    @property
    def vendor(self) -> Vendor:
        """Whose devices."""
        ...

    @property
    def method(self) -> str:
        """Return how: ``NVML 13.580 total energy counter``, ``mx-smi 2.2.8 board power``."""
        ...

    def devices(self) -> list[Device]:
        """Return the devices there are."""
        ...

    def read(self) -> list[Reading]:
        """Look at all devices once; may block for as long as the tool takes.

        Raises:
            PowerFormatError: the tool printed something that is not known for sure.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
