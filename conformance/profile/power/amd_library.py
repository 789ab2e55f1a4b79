"""AMD, through ``amdsmi``, the library that comes with ROCm (and its binding on PyPI).

Its energy counter is checked against its power at the start, and left alone where they disagree:
some releases were off by a factor. The unit of power is W on a host without virtualization, which
is what the counter, in microjoules by its documentation, bears out.
"""

from __future__ import annotations

import importlib
import io
import math
import re
import time
from contextlib import ExitStack, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.profile.power.contract import Device, PowerFormatError, Reading, Vendor
from conformance.profile.power.layout import within_range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.profile.power.contract import PowerReader

POWERS = ("current_socket_power", "average_socket_power", "socket_power")
"""MI300 and later tell the first, Navi, MI200 and earlier the second; each is ``N/A`` on the other.
The third is the newest name."""
ACCUMULATORS = ("energy_accumulator", "power")
"""Its name, and what it was called before 6.2.1."""
_ABSENT = {0, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}
"""How the library leaves a member empty; and no device that runs draws nothing."""
_TWO_DIES = re.compile(r"\bMI250X?\b")
"""Cards of two dies, each a device: the first tells the power of both, the second none."""
TEST_S = 0.5
"""How long counter and power are compared at the start."""
TEST_SHARE = 0.25
"""The greatest difference: power is read a few times only, but a wrong factor is greater."""
_LOOKS = 10


def find(library: Any = None) -> PowerReader | None:
    """Return a reader of this machine's AMD devices; None: no library, or no device.

    Args:
        library: None: ``amdsmi`` if it is installed and finds its own library.

    Raises:
        PowerFormatError: there are devices, but they cannot be read for sure.
    """
    library = library or _installed()
    if library is None:
        return None
    try:
        library.amdsmi_init()
    except library.AmdSmiException:
        return None
    with ExitStack() as undo:
        undo.callback(library.amdsmi_shut_down)
        try:
            handles = library.amdsmi_get_processor_handles()
            reader = AmdReader(library, handles) if handles else None
        except library.AmdSmiException as error:
            raise _refused(error) from None
        if reader is not None:
            undo.pop_all()
        return reader


class _Chip(NamedTuple):
    device: Device
    handle: Any
    key: str
    """Of the power, one of ``POWERS``."""
    accumulator: str | None
    """Where it counts energy, one of ``ACCUMULATORS``."""


class AmdReader:
    """Reads power of each device, and its energy counter where that holds true.

    Args:
        library: ``amdsmi``, initialized.
        handles: Its processors.
        clock: Nanoseconds, monotonic.
        sleep: Between the looks of the test at the start.

    Raises:
        PowerFormatError: a device tells no power.
    """

    vendor: Vendor = "amd"
    is_timed = True

    def __init__(
        self,
        library: Any,
        handles: Sequence[Any],
        clock: Callable[[], int] = time.perf_counter_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._library = library
        self._clock = clock
        self._sleep = sleep
        self._chips: list[_Chip] = []
        for index, handle in enumerate(handles):
            self._add(index, handle)
        self._chips = self._tested()
        self.method = self._method()

    def devices(self) -> list[Device]:
        """Return the devices; both dies of a card are one."""
        return [chip.device for chip in self._chips]

    def read(self) -> list[Reading]:
        """Look at each device once.

        Raises:
            PowerFormatError: the library refuses, or tells an impossible figure.
        """
        try:
            return [self._look(chip) for chip in self._chips]
        except self._library.AmdSmiException as error:
            raise _refused(error) from None

    def close(self) -> None:
        """Let go of the library."""
        self._library.amdsmi_shut_down()

    def _add(self, index: int, handle: Any) -> None:
        """Add a device; of a card's second die only its number, to the first."""
        library = self._library
        powers = library.amdsmi_get_power_info(handle)
        key = next((name for name in POWERS if _is_told(powers.get(name))), None)
        name = str(library.amdsmi_get_gpu_asic_info(handle).get("market_name", ""))
        if key is not None:
            bus = str(library.amdsmi_get_gpu_device_bdf(handle))
            device = Device("amd", str(index), name=name, id=bus)
            self._chips.append(_Chip(device, handle, key, self._accumulator(handle)))
            return
        first = self._chips[-1] if self._chips else None
        if (
            first is None
            or first.device.index != str(index - 1)
            or first.device.name != name
            or not _TWO_DIES.search(name)
        ):
            raise PowerFormatError("tells no power", where=f"AMD device {index} ({name})")
        both = msgspec.structs.replace(first.device, index=f"{index - 1}+{index}")
        self._chips[-1] = first._replace(device=both)

    def _accumulator(self, handle: Any) -> str | None:
        """Return under which name a device counts energy; None: it does not."""
        try:
            counted = self._library.amdsmi_get_energy_count(handle)
        except self._library.AmdSmiException:
            return None
        if not _is_told(counted.get("counter_resolution")):
            return None
        return next((name for name in ACCUMULATORS if _is_told(counted.get(name))), None)

    def _tested(self) -> list[_Chip]:
        """Return the chips, each without its counter where that disagrees with its power."""
        looks: list[list[Reading]] = []
        for _ in range(_LOOKS):
            looks.append([self._look(chip) for chip in self._chips])
            self._sleep(TEST_S / _LOOKS)
        tested = []
        for chip, *series in zip(self._chips, *looks, strict=True):
            is_true = chip.accumulator is not None and _agree(series)
            tested.append(chip if is_true else chip._replace(accumulator=None))
        return tested

    def _look(self, chip: _Chip) -> Reading:
        before = self._clock()
        watts = self._library.amdsmi_get_power_info(chip.handle).get(chip.key)
        joules = None
        if chip.accumulator is not None:
            counted = self._library.amdsmi_get_energy_count(chip.handle)
            joules = counted[chip.accumulator] * counted["counter_resolution"] / 1e6
        after = self._clock()
        where = f"AMD device {chip.device.index}"
        if not _is_told(watts):
            raise PowerFormatError(f"no longer tells {chip.key}", where=where)
        return Reading(
            (before + after) // 2,
            chip.device.key,
            power_w=within_range(watts, where),
            energy_j=joules,
            t_error_ns=(after - before + 1) // 2,
        )

    def _method(self) -> str:
        told = self._library.amdsmi_get_lib_version()
        version = ".".join(str(told[part]) for part in ("major", "minor", "release"))
        kinds = {
            f"energy counter, {chip.key} beside it" if chip.accumulator else chip.key
            for chip in self._chips
        }
        return f"amdsmi {version}: {'; '.join(sorted(kinds))}"


def _agree(series: list[Reading]) -> bool:
    """Say whether a counter rose as its power says, within what its last step may hide."""
    first, last = series[0], series[-1]
    if first.energy_j is None or last.energy_j is None or last.t_ns <= first.t_ns:
        return False
    watts = [look.power_w for look in series if look.power_w is not None]
    expected = sum(watts) / len(watts) * (last.t_ns - first.t_ns) / 1e9
    return abs(last.energy_j - first.energy_j - expected) <= TEST_SHARE * expected


def _is_told(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value not in _ABSENT


def _installed() -> Any:
    try:
        # It looks for its own library while it is imported, and prints that there is none.
        with redirect_stdout(io.StringIO()):
            return importlib.import_module("amdsmi")
    except (ImportError, OSError, KeyError):
        return None


def _refused(error: Exception) -> PowerFormatError:
    said = " ".join(str(error).split())
    return PowerFormatError(f"amdsmi says: {said}", where="AMD", mend="see whether amd-smi works")
