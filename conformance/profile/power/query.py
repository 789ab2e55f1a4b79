"""``--query-gpu=… --format=csv``, which vendors' tools have taken over from ``nvidia-smi``.

A header names the columns, then comes a line a device; units stand in the header or at the values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from conformance.profile.power.layout import bare_watts, is_absent, refusal, watts, whole_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADING = re.compile(r"(?P<name>[a-z0-9._]+)(?: \[(?P<unit>[^\]]+)\])?")


class Cell(NamedTuple):
    """A value, and the unit that its column's heading gives."""

    tool: str
    text: str
    unit: str | None

    @property
    def is_absent(self) -> bool:
        """Return whether the tool says that it has no value."""
        return is_absent(self.text)

    def as_watts(self) -> float:
        """Return the power in watts.

        Raises:
            PowerFormatError: the unit is not W, or stands neither in the heading nor at the value.
        """
        if self.unit is None:
            return watts(self.text, self.tool, self.text)
        if self.unit != "W":
            raise refusal(self.tool, f"gives power in {self.unit[:20]!a}, not in W", self.text)
        if self.text.endswith("W"):
            return watts(self.text, self.tool, self.text)
        return bare_watts(self.text, self.tool, self.text)


def parse_query(text: str, fields: Sequence[str], tool: str) -> list[dict[str, Cell]]:
    """Return each device's values by the name of the field; other columns may stand between them.

    Raises:
        PowerFormatError: a field is not among the columns, or stands twice; a line has more or
            fewer values than the header; the last line is cut off; there is no device.
    """
    heading, *rows = whole_lines(text, tool) or [""]
    columns = [_HEADING.fullmatch(cell.strip()) for cell in heading.split(",")]
    names = [column["name"] if column else "" for column in columns]
    for field in fields:
        if names.count(field) != 1:
            raise refusal(tool, f"does not give one column {field}", heading)
    units = {column["name"]: column["unit"] for column in columns if column}
    devices = []
    for row in rows:
        values = [value.strip() for value in row.split(",")]
        if len(values) != len(names):
            raise refusal(tool, f"gives {len(values)} values in {len(names)} columns", row)
        given = dict(zip(names, values, strict=True))
        devices.append({field: Cell(tool, given[field], units[field]) for field in fields})
    if not devices:
        raise refusal(tool, "shows no device", heading)
    return devices
