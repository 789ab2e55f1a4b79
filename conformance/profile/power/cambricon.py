"""Cambricon 寒武纪, through ``cnmon``: the overview table, or ``cnmon info``; both in whole watts.

The power key of ``cnmon info -j`` is not public, so it is not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.profile.power.contract import Device
from conformance.profile.power.layout import (
    Power,
    decode,
    first_known,
    is_absent,
    refusal,
    usage_and_cap,
    watts,
)
from conformance.profile.power.table import device_rows
from conformance.profile.power.tool import Run, ToolMissingError, run_tool

if TYPE_CHECKING:
    from conformance.profile.power.contract import PowerReader
    from conformance.profile.power.layout import Look

TABLE = ("cnmon",)
INFO = ("cnmon", "info")
COMMANDS = (TABLE, INFO, ("cnmon", "info", "-j"), ("cnmon", "version"))
"""``info -j`` writes a file into its working directory: it is captured, in a folder of its own."""

_FIELD = re.compile(r"(?P<indent> *)(?P<label>[^:]+?) *:(?: +(?P<value>.*?))? *")


def find(run: Run = run_tool) -> PowerReader | None:
    """Return a reader of this machine's Cambricon devices; null where there is no such tool.

    Raises:
        PowerFormatError: the tool is there, but none of its known layouts.
    """
    try:
        overview = decode(run(TABLE), "cnmon")
    except ToolMissingError:
        return None
    version = re.search(r"\bCNMON v([0-9][0-9A-Za-z.]*)", overview)
    tool = f"cnmon {version[1]}" if version else "cnmon"
    layouts: list[tuple[str, Look]] = [
        (f"{tool} table", lambda: parse_table(run(TABLE))),
        (f"{tool} info", lambda: parse_info(run(INFO))),
    ]
    return first_known("cambricon", layouts)


def parse_table(output: bytes) -> list[Power]:
    """Return what the overview table shows, of versions 4 and 5.

    Raises:
        PowerFormatError: it is no table that is known, or shows parts of a card.
    """
    tool = "cnmon"
    powers = []
    for row in device_rows(decode(output, tool), tool, named="Pwr:Usage/Cap"):
        card = row.value("Card")
        if not card.isdecimal() or row.value("VF") != "/":
            raise refusal(tool, "shows a row that is no whole card", row.line)
        power, limit = usage_and_cap(row.value("Pwr:Usage/Cap"), tool, row.line)
        bus = row.value("Bus-Id", absent="").lower()
        device = Device("cambricon", card, name=row.value("Name"), id=bus, limit_w=limit)
        powers.append(Power(device, power))
    return powers


def parse_info(output: bytes) -> list[Power]:
    """Return what ``cnmon info`` shows: ``Usage`` and ``Cap`` under ``Power`` of each card.

    Raises:
        PowerFormatError: a card has no such fields.
    """
    tool = "cnmon info"
    cards: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    sections: list[tuple[int, str]] = []
    for line in decode(output, tool).splitlines():
        if begin := re.fullmatch(r"Card ([0-9]+) *:?", line.rstrip()):
            if begin[1] in cards:
                raise refusal(tool, "shows a card twice", line)
            fields = cards[begin[1]] = {}
            sections = []
        elif field := _FIELD.fullmatch(line):
            indent = len(field["indent"])
            while sections and sections[-1][0] >= indent:
                sections.pop()
            path = "/".join([*(label for _, label in sections), field["label"]])
            if field["value"]:
                fields.setdefault(path, field["value"])
            else:
                sections.append((indent, field["label"]))
    return [_of_fields(card, fields, tool) for card, fields in cards.items()]


def _of_fields(card: str, fields: dict[str, str], tool: str) -> Power:
    if "Power/Usage" not in fields:
        raise refusal(tool, "shows no usage under Power", f"Card {card}")
    cap = fields.get("Power/Cap", "N/A")
    device = Device(
        "cambricon",
        card,
        name=fields.get("Product Name", ""),
        id=fields.get("UUID", ""),
        limit_w=None if is_absent(cap) else watts(cap, tool, f"Cap : {cap}"),
    )
    usage = fields["Power/Usage"]
    return Power(device, watts(usage, tool, f"Usage : {usage}"))
