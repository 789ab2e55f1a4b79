"""CPU packages by RAPL, as Linux' ``/sys/class/powercap`` shows it; AMD's processors too.

Only packages are read: cores and the uncore are parts of them, and the platform (psys) contains
them. Memory (dram) is no part of a package, and is not read.
"""

from __future__ import annotations

import re
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

from conformance.profile.power.contract import Device, PowerFormatError, Reading, Vendor

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path("/sys/class/powercap")
GREATEST_W = 2000.0
"""More than any package draws: a counter may have gone round more than once in a longer silence."""
_PACKAGE = re.compile(r"package-[0-9]+(-die-[0-9]+)?")


class _Zone(NamedTuple):
    folder: Path
    number: str
    name: str
    range_uj: int


class RaplReader:
    """Reads the energy counters of CPU packages.

    A counter goes round at ``max_energy_range_uj``, as the kernel documents; that is made up for.
    After a silence in which it may have gone round twice it begins anew at zero, which shows as a
    reset.

    Args:
        zones: The packages.
        clock: Nanoseconds, monotonic.
    """

    vendor: Vendor = "cpu"
    method = "RAPL package energy counter, without memory"
    is_timed = True

    def __init__(self, zones: list[_Zone], clock: Callable[[], int] = perf_counter_ns) -> None:
        self._zones = zones
        self._clock = clock
        self._devices = [Device("cpu", zone.number, name=zone.name) for zone in zones]
        self._last: dict[str, tuple[int, int]] = {}
        self._sums: dict[str, int] = {}

    def devices(self) -> list[Device]:
        """Return the packages."""
        return list(self._devices)

    def read(self) -> list[Reading]:
        """Return the energy of each package since the first look.

        Raises:
            PowerFormatError: a counter is no number, or cannot be read any more.
        """
        return [
            self._look(zone, device.key)
            for zone, device in zip(self._zones, self._devices, strict=True)
        ]

    def close(self) -> None:
        """Do nothing: no file is kept open."""

    def _look(self, zone: _Zone, key: str) -> Reading:
        before = self._clock()
        now = _number(zone.folder / "energy_uj")
        after = self._clock()
        if now > zone.range_uj:
            raise PowerFormatError(
                f"is {now}, above its greatest value {zone.range_uj}",
                where=str(zone.folder / "energy_uj"),
            )
        then, last = self._last.get(key, (before, now))
        self._last[key] = (before, now)
        longest_ns = zone.range_uj / 1e6 / GREATEST_W * 1e9
        if after - then > longest_ns:
            self._sums[key] = 0
        else:
            risen = now - last if now >= last else now - last + zone.range_uj
            self._sums[key] = self._sums.get(key, 0) + risen
        middle, half = (before + after) // 2, (after - before + 1) // 2
        return Reading(middle, key, energy_j=self._sums[key] / 1e6, t_error_ns=half)


def find(root: Path = ROOT) -> RaplReader | None:
    """Return the reader of this machine's CPU packages; None: there are none to read.

    Raises:
        PowerFormatError: there are, but this user may not read them, or not all is known of them.
    """
    zones = []
    # The same packages stand once more under intel-rapl-mmio.
    for folder in sorted(root.glob("intel-rapl:*")):
        name = _text(folder / "name").strip()
        if _PACKAGE.fullmatch(name):
            _number(folder / "energy_uj")
            number = name.removeprefix("package-")
            zones.append(_Zone(folder, number, name, _number(folder / "max_energy_range_uj")))
    return RaplReader(zones) if zones else None


def _number(path: Path) -> int:
    text = _text(path).strip()
    if not re.fullmatch("[0-9]{1,20}", text):
        raise PowerFormatError(f"is {text[:40]!r}, no number of microjoules", where=str(path))
    return int(text)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("ascii", errors="replace")
    except PermissionError:
        raise PowerFormatError(
            "may be read by root only, as Linux has it since 2020 (CVE-2020-8694)",
            where=str(path),
            mend=f"sudo chmod a+r {path} (until the next boot)",
        ) from None
    except OSError as error:
        raise PowerFormatError(f"cannot be read ({error.strerror})", where=str(path)) from None
