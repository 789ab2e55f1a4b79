"""Biren 壁仞, through ``brsmi``. No capture of its power output is public.

What answers the query that it shares with ``nvidia-smi``, with names and unit, is read; all else is
refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.profile.power.contract import Device, PowerFormatError
from conformance.profile.power.layout import Power, ToolReader, decode, refusal, version_of
from conformance.profile.power.query import parse_query
from conformance.profile.power.tool import MEND, Run, ToolMissingError, run_tool

if TYPE_CHECKING:
    from conformance.profile.power.contract import PowerReader

QUERY = ("brsmi", "gpu", "--query-gpu=index,name,power.draw", "--format=csv")
COMMANDS = (
    QUERY, ("brsmi",), ("brsmi", "--version"), ("brsmi", "gpu", "list"), ("brsmi", "gpu", "query"),
    ("brsmi", "gpu", "query", "-d", "power", "-i", "0"),
    ("brsmi", "gpu", "query", "-d", "power", "-i", "0", "-x"),
    ("brsmi", "gpu", "--query-gpu=index,name,memory.used", "--format=csv"),
)  # fmt: skip


def find(run: Run = run_tool) -> PowerReader | None:
    """Return a reader of this machine's Biren devices; null where there is no such tool.

    Raises:
        PowerFormatError: the tool is there, but does not answer the query with names and a unit.
    """
    version = version_of(run, ("brsmi", "--version"))
    tool = f"brsmi {version}" if version else "brsmi"
    try:
        return ToolReader("biren", f"{tool} power.draw", lambda: parse_csv(run(QUERY)))
    except ToolMissingError:
        return None
    except PowerFormatError as error:
        what = f"shows power in a layout that is not public yet ({error.what})"
        raise PowerFormatError(what, where=error.where, mend=MEND) from None


def parse_csv(output: bytes) -> list[Power]:
    """Return what ``--query-gpu=index,name,power.draw --format=csv`` shows.

    Raises:
        PowerFormatError: a column, or the unit W, is not there.
    """
    tool = "brsmi --query-gpu"
    powers = []
    for row in parse_query(decode(output, tool), ("index", "name", "power.draw"), tool):
        index = row["index"].text
        if not index.isdecimal():
            raise refusal(tool, "shows a row that is no device", index)
        device = Device("biren", index, name=row["name"].text)
        powers.append(Power(device, row["power.draw"].as_watts()))
    return powers
