"""Moore Threads 摩尔线程, through ``mthreads-gmi -q --json``.

Two shapes of its JSON are public: nested as ``nvidia-smi -q`` has it, and a flat list. Values are
strings that have their units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.profile.power.contract import Device
from conformance.profile.power.layout import (
    Power,
    decode,
    decode_json,
    first_known,
    is_absent,
    refusal,
    version_of,
    watts,
)
from conformance.profile.power.tool import Run, ToolMissingError, run_tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.profile.power.contract import PowerReader
    from conformance.profile.power.layout import Look

QUERIES = (("mthreads-gmi", "-q", "--json"), ("mthreads-gmi", "-q", "-j"))
COMMANDS = (*QUERIES, ("mthreads-gmi", "-q"), ("mthreads-gmi",), ("mthreads-gmi", "-v"))

_TOOL = "mthreads-gmi -q --json"


def find(run: Run = run_tool) -> PowerReader | None:
    """Return a reader of this machine's Moore Threads devices; null where there is no such tool.

    Raises:
        PowerFormatError: the tool is there, but none of its known layouts.
    """
    version = version_of(run, ("mthreads-gmi", "-v"))
    method = f"mthreads-gmi {version}".strip() + " power draw"
    try:
        return first_known("moorethreads", [(method, _query(run, argv)) for argv in QUERIES])
    except ToolMissingError:
        return None


def parse_json(output: bytes) -> list[Power]:
    """Return what ``-q --json`` shows, in either shape.

    Raises:
        PowerFormatError: it has neither shape, a value has not its unit, or there are fewer devices
            than are said to be attached.
    """
    document = decode_json(decode(output, _TOOL), _TOOL)
    if not isinstance(document, dict):
        raise refusal(_TOOL, "shows no object", str(document))
    nested, flat = document.get("GPU"), document.get("gpus")
    if isinstance(nested, list) and flat is None:
        powers = [_of_nested(entry) for entry in nested]
    elif isinstance(flat, list) and nested is None:
        powers = [_of_flat(number, entry) for number, entry in enumerate(flat)]
    else:
        raise refusal(_TOOL, "has neither a list GPU nor a list gpus", ", ".join(document))
    attached = document.get("Attached GPUs", str(len(powers)))
    if str(attached) != str(len(powers)):
        raise refusal(_TOOL, f"lists {len(powers)} devices, but says attached are {attached}")
    return powers


def _query(run: Run, argv: Sequence[str]) -> Look:
    return lambda: parse_json(run(argv))


def _of_nested(entry: Any) -> Power:
    readings = _stripped(_stripped(entry).get("Power Readings"))
    entry = _stripped(entry)
    line = f"GPU {entry.get('Index')}: {readings}"
    index, limit = str(entry.get("Index")), readings.get("Current Power Limit")
    if not index.isdecimal():
        raise refusal(_TOOL, "shows a GPU that has no index", line)
    device = Device(
        "moorethreads",
        index,
        name=_text(entry, "Product Name"),
        id=_text(entry, "GPU UUID"),
        limit_w=None if limit is None or is_absent(limit) else _watts(limit, line),
    )
    return Power(device, _watts(readings.get("Power Draw"), line))


def _of_flat(number: int, entry: Any) -> Power:
    entry = _stripped(entry)
    device = Device(
        "moorethreads",
        str(number),
        name=_text(entry, "product_name"),
        id=_text(entry, "uuid"),
    )
    return Power(device, _watts(entry.get("power_draw"), f"gpus[{number}]: {entry}"))


def _stripped(value: Any) -> dict[str, Any]:
    """Return an object with its keys stripped: the tool prints ``"Power Draw "``, with a blank."""
    if not isinstance(value, dict):
        return {}
    stripped = {key.strip(): item for key, item in value.items()}
    if len(stripped) != len(value):
        raise refusal(_TOOL, "has a key twice", ", ".join(value))
    return stripped


def _watts(value: Any, line: str) -> float:
    if not isinstance(value, str):
        raise refusal(_TOOL, "shows no power draw with its unit", line)
    return watts(value, _TOOL, line)


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) and not is_absent(value) else ""
