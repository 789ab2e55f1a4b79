"""Iluvatar 天数智芯, through ``ixsmi``: ``--query-gpu`` as CSV, or the overview table.

The power field has two names. Of a board with two dies only the second shows power, that of the
whole board.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from conformance.profile.power.contract import Device
from conformance.profile.power.layout import (
    Power,
    decode,
    first_known,
    refusal,
    usage_and_cap,
)
from conformance.profile.power.query import parse_query
from conformance.profile.power.table import device_rows
from conformance.profile.power.tool import Run, ToolMissingError, run_tool

if TYPE_CHECKING:
    from conformance.profile.power.contract import PowerReader
    from conformance.profile.power.layout import Look

TABLE = ("ixsmi",)
FIELDS = ("gpu.power.draw", "power.draw")
"""The power field of CoreX 4, and of others."""
COMMANDS = (
    TABLE, ("ixsmi", "-q"), ("ixsmi", "-L"),
    *(("ixsmi", f"--query-gpu=index,name,uuid,{field}", "--format=csv") for field in FIELDS),
)  # fmt: skip

_TWO_DIES = re.compile(r"(Iluvatar )?(BI-V150|[A-Z]+-V[0-9]+ DUO)")
"""Boards with two dies, by the names of public captures; on any other N/A means no power at all."""


class _Die(NamedTuple):
    number: str
    name: str
    id: str
    watts: float | None
    limit_w: float | None
    line: str


def find(run: Run = run_tool) -> PowerReader | None:
    """Return a reader of this machine's Iluvatar devices; null where there is no such tool.

    Raises:
        PowerFormatError: the tool is there, but none of its known layouts.
    """
    try:
        overview = decode(run(TABLE), "ixsmi")
    except ToolMissingError:
        return None
    version = re.search(r"\bIX-ML: ([0-9][0-9A-Za-z.]*)", overview)
    tool = f"ixsmi {version[1]}" if version else "ixsmi"
    layouts: list[tuple[str, Look]] = [
        *((f"{tool} {field}, board power", _query(run, field)) for field in FIELDS),
        (f"{tool} table, board power", lambda: parse_table(run(TABLE))),
    ]
    return first_known("iluvatar", layouts)


def parse_csv(output: bytes, field: str) -> list[Power]:
    """Return what ``--query-gpu=index,name,uuid,FIELD --format=csv`` shows.

    Raises:
        PowerFormatError: a column or unit is not as known, the field is not one of this version's,
            or a die without power does not belong to a known board of two.
    """
    tool = f"ixsmi {field}"
    text = decode(output, tool)
    dies = []
    for row in parse_query(text, ("index", "name", "uuid", field), tool):
        power = row[field]
        value = None if power.is_absent else power.as_watts()
        index, name, uuid = (row[key].text for key in ("index", "name", "uuid"))
        dies.append(_Die(index, name, uuid, value, None, f"{index}, {name}, {power.text}"))
    return _boards(dies, tool)


def parse_table(output: bytes) -> list[Power]:
    """Return what the overview table shows.

    Raises:
        PowerFormatError: as ``parse_csv``.
    """
    tool = "ixsmi"
    dies = []
    for row in device_rows(decode(output, tool), tool, named="Pwr:Usage/Cap"):
        shown = row.value("Pwr:Usage/Cap")
        absent = shown.startswith("N/A/")
        power, limit = (None, None) if absent else usage_and_cap(shown, tool, row.line)
        index, name, bus = row.value("GPU"), row.value("Name"), row.value("Bus-Id")
        dies.append(_Die(index, name, bus.lower(), power, limit, row.line))
    return _boards(dies, tool)


def _query(run: Run, field: str) -> Look:
    argv = ("ixsmi", f"--query-gpu=index,name,uuid,{field}", "--format=csv")
    return lambda: parse_csv(run(argv), field)


def _boards(dies: list[_Die], tool: str) -> list[Power]:
    """Join dies to boards: a die without power stands right before the one that shows it."""
    powers: list[Power] = []
    waiting: _Die | None = None
    for die in dies:
        if not die.number.isdecimal():
            raise refusal(tool, "shows a row that is no device", die.line)
        if waiting and (
            die.watts is None
            or die.name != waiting.name
            or int(die.number) != int(waiting.number) + 1
        ):
            raise refusal(tool, "shows no power of this board", waiting.line)
        if die.watts is None:
            if not _TWO_DIES.fullmatch(die.name):
                what = "shows no power, on a board that is not known to have two dies"
                raise refusal(tool, what, die.line)
            waiting = die
            continue
        index = f"{waiting.number}+{die.number}" if waiting else die.number
        device = Device("iluvatar", index, name=die.name, id=die.id, limit_w=die.limit_w)
        powers.append(Power(device, die.watts))
        waiting = None
    if waiting:
        raise refusal(tool, "shows no power of this board", waiting.line)
    return powers
