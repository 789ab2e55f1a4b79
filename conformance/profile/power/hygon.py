"""Hygon 海光 DCU, through ``hy-smi``: JSON (noise before it, commas missing in it), or the table.

Columns and keys were renamed from DCU to HCU. Power is an average of the package.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conformance.profile.power.contract import Device
from conformance.profile.power.layout import (
    Power,
    bare_watts,
    decode,
    decode_json,
    first_known,
    refusal,
    version_of,
    watts,
)
from conformance.profile.power.tool import Run, ToolMissingError, run_tool

if TYPE_CHECKING:
    from conformance.profile.power.contract import PowerReader
    from conformance.profile.power.layout import Look

JSON = ("hy-smi", "--showpower", "--showserial", "--showbus", "--json")
PLAIN_JSON = ("hy-smi", "--showpower", "--json")
TABLE = ("hy-smi",)
COMMANDS = (JSON, PLAIN_JSON, TABLE, ("hy-smi", "--showpower"), ("hy-smi", "--version"))

KEY = "Average Graphics Package Power (W)"
"""The package; the keys of its core and of its memory stand beside it, and are parts of it."""

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_MISSING_COMMA = re.compile(r'(?P<value>": *"[^"\\]*")(?="[^"\\]+" *:)')
_CARD = re.compile(r"card([0-9]{1,4})")


def find(run: Run = run_tool) -> PowerReader | None:
    """Return a reader of this machine's Hygon devices; null where there is no such tool.

    Raises:
        PowerFormatError: the tool is there, but none of its known layouts.
    """
    version = version_of(run, ("hy-smi", "--version"))
    tool = f"hy-smi {version}" if version else "hy-smi"
    method = f"{tool} average package power"
    layouts: list[tuple[str, Look]] = [
        (method, lambda: parse_json(run(JSON))),
        (method, lambda: parse_json(run(PLAIN_JSON))),
        (f"{tool} table, average power", lambda: parse_table(run(TABLE))),
    ]
    try:
        return first_known("hygon", layouts)
    except ToolMissingError:
        return None


def parse_json(output: bytes) -> list[Power]:
    """Return what ``--showpower --json`` shows.

    Raises:
        PowerFormatError: it is no JSON even with the missing commas put in, or a card has not the
            key, whose name has the unit.
    """
    tool = "hy-smi --json"
    text = _ANSI.sub("", decode(output, tool))
    cards = decode_json(_MISSING_COMMA.sub(r"\g<value>,", text), tool)
    if not isinstance(cards, dict):
        raise refusal(tool, "shows no object of cards", text.strip())
    powers = []
    for name, card in cards.items():
        if not (number := _CARD.fullmatch(name)):
            continue
        if not isinstance(card, dict) or not isinstance(value := card.get(KEY), str):
            raise refusal(tool, f"shows no {KEY} of this card", f"{name}: {card}")
        device = Device(
            "hygon",
            str(int(number[1])),
            name=_text(card, "Card Series"),
            id=_text(card, "PCI Bus").lower(),
        )
        powers.append(Power(device, bare_watts(value, tool, f"{KEY}: {value}")))
    return powers


def parse_table(output: bytes) -> list[Power]:
    """Return what the overview table shows.

    Raises:
        PowerFormatError: it has not the columns, or does not reach its end.
    """
    tool = "hy-smi"
    lines = [line.split() for line in _ANSI.sub("", decode(output, tool)).splitlines()]
    heads = [n for n, line in enumerate(lines) if line[:1] in (["DCU"], ["HCU"])]
    if len(heads) != 1:
        raise refusal(tool, "shows no table of DCU or HCU", str(lines[:3]))
    names, *rest = lines[heads[0] :]
    if names.count("AvgPwr") != 1 or names.count("PwrCap") != 1:
        raise refusal(tool, "shows no columns AvgPwr and PwrCap", " ".join(names))
    if not any("".join(line).strip("=") == "EndofSMILog" for line in rest):
        raise refusal(tool, "printed a table that is cut off", " ".join(lines[-1]))
    powers = []
    for row in rest:
        line = " ".join(row)
        if not row or not line.strip("="):
            break
        if len(row) != len(names) or not row[0].isdecimal():
            raise refusal(tool, "shows a row that is no device", line)
        shown = dict(zip(names, row, strict=True))
        device = Device("hygon", row[0], limit_w=watts(shown["PwrCap"], tool, line))
        powers.append(Power(device, watts(shown["AvgPwr"], tool, line)))
    return powers


def _text(card: dict[str, Any], key: str) -> str:
    value = card.get(key)
    return value if isinstance(value, str) else ""
