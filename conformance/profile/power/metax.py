"""MetaX 沐曦, through ``mx-smi``: the overview table, or ``mx-smi dmon`` as CSV.

The table has a cap or none, and is by card or by board. Both give the board's power in whole watts,
all supply ways together.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from conformance.profile.power.contract import Device
from conformance.profile.power.layout import (
    Power,
    bare_watts,
    decode,
    first_known,
    refusal,
    usage_and_cap,
    watts,
    whole_lines,
)
from conformance.profile.power.table import Row, device_rows
from conformance.profile.power.tool import Run, ToolMissingError, run_tool

if TYPE_CHECKING:
    from conformance.profile.power.contract import PowerReader
    from conformance.profile.power.layout import Look

TABLE = ("mx-smi",)
MONITOR = ("mx-smi", "dmon", "--show-board-power", "--show-bdf", "--format", "csv", "-c", "1")
COMMANDS = (
    TABLE, MONITOR, ("mx-smi", "-L"), ("mx-smi", "-j"), ("mx-smi", "--show-board-power"),
    ("mx-smi", "--show-version"),
)  # fmt: skip

_BANNER = "MetaX System Management Interface"
_BUS = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-9a-fA-F]")


def find(run: Run = run_tool) -> PowerReader | None:
    """Return a reader of this machine's MetaX devices; null where there is no such tool.

    Another vendor's tool has the same name; it is told apart by what it calls itself.

    Raises:
        PowerFormatError: the tool is there, but none of its known layouts.
    """
    try:
        overview = decode(run(TABLE), "mx-smi")
    except ToolMissingError:
        return None
    if _BANNER not in overview:
        if "metax" in overview.lower():
            raise refusal("mx-smi", f"does not call itself {_BANNER}", overview)
        return None
    version = re.search(r"\bMX-SMI ([0-9][0-9A-Za-z.]*)", overview)
    tool = f"mx-smi {version[1]}" if version else "mx-smi"
    layouts: list[tuple[str, Look]] = [
        (f"{tool} table, board power", lambda: parse_table(run(TABLE))),
        (f"{tool} dmon, board power", lambda: parse_monitor(run(MONITOR))),
    ]
    return first_known("metax", layouts)


def parse_table(output: bytes) -> list[Power]:
    """Return what the overview table shows, for 2.1 (``Power``, no cap) to 2.3 (by board).

    Raises:
        PowerFormatError: it is no table that is known, or shows fewer devices than are attached.
    """
    text = decode(output, "mx-smi")
    if _BANNER not in text:
        raise refusal("mx-smi", f"does not call itself {_BANNER}", text)
    attached = re.search(r"^Attached GPUs *: ([0-9]+)\s*$", text, re.MULTILINE)
    rows = device_rows(text, "mx-smi", named="Bus-id")
    powers = [_of_row(row) for row in rows]
    if not attached or int(attached[1][:6]) != len(powers):
        what = f"shows {len(powers)} devices, which is not what it calls attached"
        raise refusal("mx-smi", what, attached[0] if attached else "")
    return powers


def parse_monitor(output: bytes) -> list[Power]:
    """Return what ``dmon`` shows: a line of names, a line of units, then a line a device.

    Raises:
        PowerFormatError: a column or unit is not as known, or a device has several dies (whether
            they share a figure is not known).
    """
    tool = "mx-smi dmon"
    text = decode(output, tool)
    lines = [[cell.strip() for cell in line.split(",")] for line in whole_lines(text, tool)]
    if len(lines) < 3:  # noqa: PLR2004 - names, units and a device
        raise refusal(tool, "shows no device under names and units", text)
    names, units, *rows = lines
    column = partial(_column, names, tool)
    dev, power, bus = column("dev"), column("power"), column("bdfid")
    if len(units) != len(names) or units[power] != "W" or units[dev] != "idx":
        raise refusal(tool, "does not give power in W", ", ".join(units))
    powers = []
    for row in rows:
        line = ", ".join(row)
        if len(row) != len(names):
            raise refusal(tool, f"gives {len(row)} values in {len(names)} columns", line)
        if not row[dev].isdecimal() or not _BUS.fullmatch(row[bus]):
            raise refusal(tool, "shows a line that is no device", line)
        device = Device("metax", str(int(row[dev])), id=row[bus].lower())
        powers.append(Power(device, bare_watts(row[power], tool, line)))
    if len({power.device.index for power in powers}) != len(powers):
        raise refusal(tool, "shows several dies of one device, which is not known", text)
    return powers


def _of_row(row: Row) -> Power:
    by_board = row.value("Board", absent="")
    index = row.value("GPU")
    if by_board and by_board != index:
        raise refusal(row.tool, "shows a board of several GPUs, which is not known", row.line)
    bus = row.value("Bus-id")
    if not index.isdecimal() or not _BUS.fullmatch(bus):
        raise refusal(row.tool, "shows a row that is no device", row.line)
    if capped := row.value("Pwr:Usage/Cap", absent=""):
        power, limit = usage_and_cap(capped, row.tool, row.line)
    else:
        power, limit = watts(row.value("Power"), row.tool, row.line), None
    name = row.value("NAME", "Name")
    return Power(Device("metax", index, name=name, id=bus.lower(), limit_w=limit), power)


def _column(names: list[str], tool: str, name: str) -> int:
    if names.count(name) != 1:
        raise refusal(tool, f"does not give one column {name}", ", ".join(names))
    return names.index(name)
