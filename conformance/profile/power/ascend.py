"""Ascend 昇腾, through ``npu-smi info``: the table of all NPUs, or ``-t power`` of each card.

Both are in watts; the library below them is in tenths.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from conformance.profile.power.contract import Device, PowerFormatError
from conformance.profile.power.layout import (
    Power,
    ToolReader,
    bare_watts,
    decode,
    is_absent,
    refusal,
    whole_lines,
)
from conformance.profile.power.table import device_rows
from conformance.profile.power.tool import Run, ToolMissingError, run_tool

if TYPE_CHECKING:
    from conformance.profile.power.contract import PowerReader

TABLE = ("npu-smi", "info")
POWER = ("npu-smi", "info", "-t", "power", "-i")
"""Of one card, whose number follows."""
COMMANDS = (
    TABLE, ("npu-smi", "info", "-l"), ("npu-smi", "info", "-m"),
    *((*POWER, str(npu)) for npu in range(8)),
)  # fmt: skip

_TABLE_TOOL, _POWER_TOOL = "npu-smi info", "npu-smi info -t power"
_FIELD = re.compile(r"\s*(?P<label>[^:]+?)\s*:\s*(?P<value>.*?)\s*")
_REAL = frozenset({"NPU Real-time Power(W)", "Power Dissipation(W)"})
"""What newer and older drivers call the power that is drawn."""
_RATED_CHIP = "310"
"""Of this chip npu-smi shows the rated power."""
_TWO_DIES = re.compile(r"Ascend910\w*")
"""A card of this name has two dies; the first shows the card's power, the second ``-``."""


class _Chip(NamedTuple):
    npu: str
    chip: str
    name: str
    bus: str
    power: str
    line: str


def find(run: Run = run_tool) -> PowerReader | None:
    """Return a reader of this machine's Ascend devices; null where there is no such tool.

    Raises:
        PowerFormatError: the tool is there, but none of its known layouts.
    """
    try:
        overview = run(TABLE)
    except ToolMissingError:
        return None
    version = re.search(r"\bnpu-smi ([0-9][0-9A-Za-z.]*)", decode(overview, _TABLE_TOOL))
    tool = f"npu-smi {version[1]}" if version else "npu-smi"
    try:
        return ToolReader("ascend", f"{tool} table", lambda: parse_table(run(TABLE)))
    except PowerFormatError:
        chips = _chips(overview)
        if any(not is_absent(chip.power) for chip in chips):
            raise
    cards = {chip.npu: _device(chip, chip.npu) for chip in reversed(chips)}

    def ask_each() -> list[Power]:
        return [Power(card, parse_power(run((*POWER, npu)), npu)) for npu, card in cards.items()]

    return ToolReader("ascend", f"{tool} -t power", ask_each)


def parse_table(output: bytes) -> list[Power]:
    """Return what the table shows, in whatever order the NPUs stand.

    Raises:
        PowerFormatError: it is no table that is known; a card shows no power, or a rated one; or
            a card of several chips that is not known.
    """
    cards: dict[str, list[_Chip]] = {}
    for chip in _chips(output):
        cards.setdefault(chip.npu, []).append(chip)
    return [_of_card(chips) for chips in cards.values()]


def parse_power(output: bytes, npu: str) -> float:
    """Return the power of a card, from ``npu-smi info -t power -i NPU``, in watts.

    Raises:
        PowerFormatError: another card, a rated power, several figures, or labels that are not
            known.
    """
    fields: dict[str, str] = {}
    for line in whole_lines(decode(output, _POWER_TOOL), _POWER_TOOL):
        field = _FIELD.fullmatch(line)
        if not field or field["label"] in fields:
            raise refusal(_POWER_TOOL, "shows a line that is not known", line)
        fields[field["label"]] = field["value"]
    if fields.get("NPU ID") != npu:
        raise refusal(_POWER_TOOL, f"does not show NPU {npu}", str(fields.get("NPU ID")))
    powers = [label for label in fields if "power" in label.lower()]
    if len(powers) != 1 or powers[0] not in _REAL:
        raise refusal(_POWER_TOOL, "does not show one power that is drawn", ", ".join(powers))
    # Of several chips one figure is the card's only where it comes from the card's controller.
    if fields.get("Chip Count") != "1" and fields.get("Chip Name", "").lower() != "mcu":
        what = "shows one power for a card of several chips"
        raise refusal(_POWER_TOOL, what, f"Chip Count: {fields.get('Chip Count')}")
    value = fields[powers[0]]
    return bare_watts(value, _POWER_TOOL, f"{powers[0]} : {value}")


def _chips(output: bytes) -> list[_Chip]:
    rows = device_rows(decode(output, _TABLE_TOOL), _TABLE_TOOL, named="Power(W)")
    chips = []
    for row in rows:
        npu, chip, bus = row.value("NPU"), row.value("Chip"), row.value("Bus-Id")
        if not (npu.isdecimal() and chip.isdecimal()):
            raise refusal(_TABLE_TOOL, "shows a row that is no device", row.line)
        bus = "" if is_absent(bus) else bus.lower()
        chips.append(_Chip(npu, chip, row.value("Name"), bus, row.value("Power(W)"), row.line))
    if len({(chip.npu, chip.chip) for chip in chips}) != len(chips):
        raise refusal(_TABLE_TOOL, "shows a chip twice", chips[0].line)
    return chips


def _of_card(chips: list[_Chip]) -> Power:
    first, *others = chips
    if first.name == _RATED_CHIP:
        raise refusal(
            _TABLE_TOOL, "shows the rated power of this chip, not what it draws", first.line
        )
    if is_absent(first.power):
        raise refusal(_TABLE_TOOL, "shows no power of this NPU", first.line)
    if others and (
        first.chip != "0"
        or not all(chip.power == "-" and _TWO_DIES.fullmatch(chip.name) for chip in others)
    ):
        what = "shows several powers for a card of several chips, which is not known"
        raise refusal(_TABLE_TOOL, what, others[0].line)
    if not others and _TWO_DIES.fullmatch(first.name) and first.chip != "0":
        raise refusal(_TABLE_TOOL, "shows a second die without its first", first.line)
    return Power(_device(first, first.npu), bare_watts(first.power, _TABLE_TOOL, first.line))


def _device(chip: _Chip, index: str) -> Device:
    return Device("ascend", index, name=chip.name, id=chip.bus)
