"""AMD, through ``amd-smi metric -p -E --json``: power in W and, where there is one, a counter in J.

Of a card with two dies (GCDs) the first shows the card's figures and the second none, by design.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.profile.power.contract import Device, PowerFormatError
from conformance.profile.power.layout import (
    Power,
    ToolReader,
    decode,
    decode_json,
    is_absent,
    refusal,
    version_of,
    within_range,
)
from conformance.profile.power.tool import Run, ToolMissingError, run_tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.profile.power.contract import PowerReader

METRIC = ("amd-smi", "metric", "-p", "-E", "--json")
LIST = ("amd-smi", "list", "--json")
STATIC = ("amd-smi", "static", "-a", "--json")
COMMANDS = (METRIC, LIST, STATIC, ("amd-smi", "version", "--json"), ("amd-smi", "version"))

_TOOL = "amd-smi metric"
_POWERS = ("socket_power", "average_socket_power")
"""What newer and older versions call it; on MI300 the older name is there and ``N/A``."""
_TWO_DIES = re.compile(r".*\bMI250X?\b.*")


class _Gpu(NamedTuple):
    number: int
    watts: float | None
    joules: float | None
    line: str


def find(run: Run = run_tool) -> PowerReader | None:
    """Return a reader of this machine's AMD devices; null where there is no such tool.

    Raises:
        PowerFormatError: the tool is there, but none of its known layouts.
    """
    version = version_of(run, ("amd-smi", "version", "--json"))
    method = f"amd-smi {version}".strip() + " socket power and energy"
    names = _known(run, STATIC, ("asic", "market_name"))
    uuids = _known(run, LIST, ("uuid",))
    try:
        return ToolReader("amd", method, lambda: parse_metric(run(METRIC), names, uuids))
    except ToolMissingError:
        return None


def parse_metric(
    output: bytes, names: Mapping[int, str], uuids: Mapping[int, str] | None = None
) -> list[Power]:
    """Return what ``metric -p -E --json`` shows.

    Args:
        output: The JSON, a list or an object that holds it.
        names: The market name of each GPU: it says which have two dies.
        uuids: Of each GPU.

    Raises:
        PowerFormatError: a field or unit is not as known, or a GPU shows no power and is not the
            second die of a card.
    """
    gpus = [_gpu(entry) for entry in _entries(decode_json(decode(output, _TOOL), _TOOL), _TOOL)]
    powers: list[Power] = []
    before: _Gpu | None = None
    for gpu in gpus:
        name = names.get(gpu.number, "")
        if gpu.watts is None:
            # The dies of a card are numbered one after the other, and names say that it has two.
            if not (
                before is not None
                and before.watts is not None
                and gpu.number == before.number + 1
                and _TWO_DIES.fullmatch(name)
                and name == names.get(before.number)
            ):
                raise refusal(_TOOL, "shows no power of this GPU", gpu.line)
            card = powers[-1].device
            powers[-1] = powers[-1]._replace(
                device=Device("amd", f"{before.number}+{gpu.number}", name=card.name, id=card.id)
            )
        else:
            device = Device("amd", str(gpu.number), name=name, id=(uuids or {}).get(gpu.number, ""))
            powers.append(Power(device, gpu.watts, gpu.joules))
        before = gpu
    return powers


def _gpu(entry: dict[str, Any]) -> _Gpu:
    index, power, energy = entry.get("gpu"), entry.get("power"), entry.get("energy")
    line = f"gpu {index}: {power}, {energy}"
    if not isinstance(index, int) or isinstance(index, bool) or not isinstance(power, dict):
        raise refusal(_TOOL, "shows a GPU without number or power", line)
    given = [value for name in _POWERS if not is_absent(value := power.get(name, "N/A"))]
    if not any(name in power for name in _POWERS):
        raise refusal(_TOOL, f"shows no {_POWERS[0]}", line)
    watts = _amount(given[0], "W", line) if given else None
    return _Gpu(
        index,
        # The second die of a card shows N/A or 0, by version.
        None if not watts else within_range(watts, _TOOL, line),
        _joules(energy, line),
        line,
    )


def _joules(energy: Any, line: str) -> float | None:
    if energy is None or is_absent(energy):
        return None
    value = energy.get("total_energy_consumption") if isinstance(energy, dict) else None
    if value is None:
        raise refusal(_TOOL, "shows no total_energy_consumption under energy", line)
    # A card without a counter shows 0.
    return None if is_absent(value) else _amount(value, "J", line) or None


def _amount(value: Any, unit: str, line: str) -> float:
    number = value.get("value") if isinstance(value, dict) else None
    if not isinstance(value, dict) or value.get("unit") != unit:
        raise refusal(_TOOL, f"shows a figure that is not in {unit}: {ascii(value)[:60]}", line)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < 1e15:  # noqa: PLR2004 - some thousand years of a device
        raise refusal(_TOOL, f"shows no number: {ascii(value)[:60]}", line)
    return float(number)


def _entries(document: Any, tool: str) -> list[dict[str, Any]]:
    """Return the GPUs of a document: newer versions put the list into an object."""
    entries = document.get("gpu_data") if isinstance(document, dict) else document
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise refusal(tool, "shows no list of GPUs", str(document))
    return entries


def _known(run: Run, argv: tuple[str, ...], path: tuple[str, ...]) -> dict[int, str]:
    """Return a text of each GPU; none where the command is not there, for it only names devices."""
    tool = " ".join(argv)
    try:
        entries = _entries(decode_json(decode(run(argv), tool), tool), tool)
    except (PowerFormatError, ToolMissingError):
        return {}
    known = {}
    for entry in entries:
        value: Any = entry
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(entry.get("gpu"), int) and isinstance(value, str) and not is_absent(value):
            known[entry["gpu"]] = value
    return known
