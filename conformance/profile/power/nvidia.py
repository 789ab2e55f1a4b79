"""NVIDIA, through NVML (``nvidia-ml-py``, extra ``nvidia``), else through ``nvidia-smi``.

The energy counter (Volta and later) moves about every 100 ms, so a window should last seconds.
Power is taken instant where the driver tells it: the usual figure is a mean over one second from
Ampere on (GA100 excepted), and A100 and H100 sense it a quarter of the time (arXiv 2312.02741).
"""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from contextlib import ExitStack
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.profile.power.contract import Device, PowerFormatError, Reading, Vendor
from conformance.profile.power.layout import Power, ToolReader, decode, refusal, within_range
from conformance.profile.power.query import parse_query
from conformance.profile.power.tool import Run, ToolMissingError, run_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.profile.power.contract import PowerReader

MIG = (
    "is split by MIG, and no driver tells the power of a part",
    "measure where GPUs are not split",
)
NOT_SUPPORTED, DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, FUNCTION_NOT_FOUND = 3, 9, 12, 13
"""``NVML_ERROR_…``: the last two of NVML itself, the first and last of a single question."""
POWER_INSTANT = 186
"""``NVML_FI_DEV_POWER_INSTANT``, milliwatts."""
SCOPE_GPU = 0
"""``NVML_POWER_SCOPE_GPU``: a Grace module's other half is not in it."""
_INTEGERS = {
    1: "uiVal", 2: "ulVal", 3: "ullVal", 4: "sllVal", 5: "siVal", 6: "usVal",
}  # fmt: skip
"""The member of a field's value by its type: it varies by driver. A double (0) is not known."""

_COMMON = ("index", "uuid", "name", "power.limit", "driver_version")
QUERIES: tuple[tuple[str, ...], ...] = (
    (*_COMMON, "mig.mode.current", "power.draw", "power.draw.instant"),
    (*_COMMON, "mig.mode.current", "power.draw"),
    (*_COMMON, "power.draw"),
)
"""From new drivers to old ones, which refuse a field they do not know. With headings and units: a
field of another unit is refused, not misread."""
_COMMANDS = tuple(
    ("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv") for fields in QUERIES
)


def find(run: Run = run_tool, nvml: Any = None) -> PowerReader | None:
    """Return a reader of this machine's NVIDIA devices; None: there are none.

    Args:
        run: Runs ``nvidia-smi``, where there is no NVML.
        nvml: The library; None: ``pynvml`` if it is installed.

    Raises:
        PowerFormatError: there are some, but they cannot be read for sure.
    """
    nvml = nvml or _installed()
    if nvml is None:
        return _find_tool(run)
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        if error.value in {DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND}:
            return _find_tool(run)
        raise _refused(error) from None
    with ExitStack() as undo:
        undo.callback(nvml.nvmlShutdown)
        try:
            reader = NvmlReader(nvml) if nvml.nvmlDeviceGetCount() else None
        except nvml.NVMLError as error:
            raise _refused(error) from None
        if reader is not None:
            undo.pop_all()
        return reader


class _Card(NamedTuple):
    device: Device
    handle: Any
    has_counter: bool
    is_instant: bool

    @property
    def means(self) -> str:
        power = "instant power" if self.is_instant else "power (a mean of 1 s from Ampere on)"
        return f"total energy counter, {power} beside it" if self.has_counter else power


class NvmlReader:
    """Reads counter and power of each GPU, with a time of its own for each.

    Args:
        nvml: The library, initialized.
        clock: Nanoseconds, monotonic.

    Raises:
        PowerFormatError: a GPU is split by MIG, or tells neither energy nor power.
    """

    vendor: Vendor = "nvidia"
    is_timed = True

    def __init__(self, nvml: Any, clock: Callable[[], int] = perf_counter_ns) -> None:
        self._nvml = nvml
        self._clock = clock
        self._cards = [self._card(index) for index in range(nvml.nvmlDeviceGetCount())]
        kinds: dict[str, list[str]] = defaultdict(list)
        for card in self._cards:
            kinds[card.means].append(card.device.index)
        means = "; ".join(
            kind if len(kinds) == 1 else f"{kind} ({', '.join(indexes)})"
            for kind, indexes in kinds.items()
        )
        self.method = f"NVML, driver {_text(nvml.nvmlSystemGetDriverVersion())}: {means}"

    def devices(self) -> list[Device]:
        """Return the GPUs."""
        return [card.device for card in self._cards]

    def read(self) -> list[Reading]:
        """Look at each GPU once.

        Raises:
            PowerFormatError: NVML refuses (a GPU is lost, say), or tells an impossible figure.
        """
        try:
            return [self._look(card) for card in self._cards]
        except self._nvml.NVMLError as error:
            raise _refused(error) from None

    def close(self) -> None:
        """Let go of NVML."""
        self._nvml.nvmlShutdown()

    def _card(self, index: int) -> _Card:
        nvml = self._nvml
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        mode = self._asked(nvml.nvmlDeviceGetMigMode, handle)
        if mode is not None and mode[0] != 0:
            raise PowerFormatError(MIG[0], where=f"NVIDIA GPU {index}", mend=MIG[1])
        limit = self._asked(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        device = Device(
            "nvidia",
            str(index),
            name=_text(nvml.nvmlDeviceGetName(handle)),
            id=_text(nvml.nvmlDeviceGetUUID(handle)),
            limit_w=None if limit is None else limit / 1000,
        )
        # A counter at zero is one that does not count: nothing runs on no energy at all.
        has_counter = bool(self._asked(nvml.nvmlDeviceGetTotalEnergyConsumption, handle))
        is_instant = self._instant_mw(handle) is not None
        if not is_instant and self._asked(nvml.nvmlDeviceGetPowerUsage, handle) is None:
            raise PowerFormatError(
                "tells no power",
                where=f"NVIDIA GPU {index} ({device.name})",
                mend="measure on the host: a virtual machine's driver may not tell it",
            )
        return _Card(device, handle, has_counter, is_instant)

    def _look(self, card: _Card) -> Reading:
        nvml, where = self._nvml, f"NVIDIA GPU {card.device.index}"
        before = self._clock()
        if card.is_instant:
            milliwatts = self._instant_mw(card.handle)
        else:
            milliwatts = nvml.nvmlDeviceGetPowerUsage(card.handle)
        joules = None
        if card.has_counter:
            joules = nvml.nvmlDeviceGetTotalEnergyConsumption(card.handle) / 1000
        after = self._clock()
        if milliwatts is None:
            raise PowerFormatError("no longer tells its instant power", where=where)
        return Reading(
            (before + after) // 2,
            card.device.key,
            power_w=within_range(milliwatts / 1000, where),
            energy_j=joules,
            t_error_ns=(after - before + 1) // 2,
        )

    def _instant_mw(self, handle: Any) -> int | None:
        values = self._asked(
            self._nvml.nvmlDeviceGetFieldValues, handle, [(POWER_INSTANT, SCOPE_GPU)]
        )
        if values is None or values[0].nvmlReturn != 0:
            return None
        member = _INTEGERS.get(values[0].valueType)
        return None if member is None else int(getattr(values[0].value, member))

    def _asked(self, question: Callable[..., Any], *arguments: Any) -> Any:
        """Return the answer; None: this GPU or driver does not know the question."""
        try:
            return question(*arguments)
        except self._nvml.NVMLError as error:
            if error.value in {NOT_SUPPORTED, FUNCTION_NOT_FOUND}:
                return None
            raise


def parse_smi(output: bytes, fields: Sequence[str]) -> tuple[str, list[Power]]:
    """Return what is read and each GPU's power, from CSV with headings and units.

    ``power.draw.instant`` is taken where all GPUs have it, else ``power.draw``.

    Raises:
        PowerFormatError: no watts, no such columns, or a GPU that is split or tells no power.
    """
    rows = parse_query(decode(output, "nvidia-smi"), fields, "nvidia-smi")
    for row in rows:
        if "mig.mode.current" in row and row["mig.mode.current"].text == "Enabled":
            raise PowerFormatError(MIG[0], where=f"NVIDIA GPU {row['index'].text}", mend=MIG[1])
    columns = [name for name in ("power.draw.instant", "power.draw") if name in fields]
    column = next(
        (name for name in columns if not any(row[name].is_absent for row in rows)), columns[-1]
    )
    powers = []
    for row in rows:
        if not re.fullmatch("[0-9]{1,4}", row["index"].text):
            raise refusal("nvidia-smi", "shows an index that is no number", row["index"].text)
        if not row["uuid"].text.startswith("GPU-"):
            raise refusal("nvidia-smi", "shows a UUID that is none", row["uuid"].text)
        limit = row["power.limit"]
        device = Device(
            "nvidia",
            row["index"].text,
            name=row["name"].text,
            id=row["uuid"].text,
            limit_w=None if limit.is_absent else limit.as_watts(),
        )
        powers.append(Power(device, row[column].as_watts()))
    return f"nvidia-smi, driver {rows[0]['driver_version'].text}: {column}", powers


def _find_tool(run: Run) -> PowerReader | None:
    """Ask for what new drivers tell, and where a field is not known, for what older ones do."""
    for command, fields in zip(_COMMANDS, QUERIES, strict=True):
        try:
            output = run(command)
        except ToolMissingError:
            return None
        except PowerFormatError as error:
            refused = error
            continue
        return _tool_reader(run, command, fields, parse_smi(output, fields)[0])
    raise refused


def _tool_reader(
    run: Run, command: Sequence[str], fields: Sequence[str], method: str
) -> PowerReader:
    def look() -> list[Power]:
        told, powers = parse_smi(run(command), fields)
        if told != method:
            raise refusal(method, f"now tells {told}")
        return powers

    return ToolReader("nvidia", method, look)


def _installed() -> Any:
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        return None


def _refused(error: Exception) -> PowerFormatError:
    return PowerFormatError(
        f"NVML says: {error}", where="NVIDIA", mend="see whether nvidia-smi works"
    )


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
