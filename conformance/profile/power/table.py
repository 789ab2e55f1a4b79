"""The drawn tables of vendors' tools.

A device takes two lines of cells, and the two lines of the header name what stands where.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from conformance.profile.power.layout import refusal

_SEPARATOR = re.compile(r"[+|][-=+|]*[-=][-=+|]*[+|]")


class Row(NamedTuple):
    """One device's lines."""

    tool: str
    header: tuple[tuple[str, ...], ...]
    cells: tuple[tuple[str, ...], ...]
    """The cells of each line, as they stand."""

    @property
    def line(self) -> str:
        """Return the lines as one, for messages."""
        return " || ".join(" | ".join(cells) for cells in self.cells)

    def value(self, *names: str, absent: str | None = None) -> str:
        """Return what stands under a column's name, whichever of several names there is.

        Args:
            names: Names that the column has in different versions of the tool.
            absent: What to return where no column has such a name.

        Raises:
            PowerFormatError: there is no such column, several, or its cell has not as many values
                as names.
        """
        places = [
            (line, cell, columns.index(name))
            for line, cells in enumerate(self.header)
            for cell, columns in enumerate(map(_split, cells))
            for name in names
            if name in columns
        ]
        if not places and absent is not None:
            return absent
        if len(places) != 1:
            found = "no" if not places else "more than one"
            raise refusal(self.tool, f"shows {found} column {names[0]}", str(self.header))
        line, cell, column = places[0]
        names_there = _split(self.header[line][cell])
        values = _split(self.cells[line][cell])
        if len(values) != len(names_there):
            what = f"shows {len(values)} values under {len(names_there)} names"
            raise refusal(self.tool, what, self.cells[line][cell])
        return values[column]


def device_rows(text: str, tool: str, *, named: str) -> list[Row]:
    """Return the devices of the table whose header has a column of this name.

    The table ends with a blank line, a line that is not of it, or two separators in a row (what
    follows then is a table of processes).

    Raises:
        PowerFormatError: there is no such table, it is cut off, or a line has other cells than the
            header.
    """
    header: tuple[tuple[str, ...], ...] = ()
    rows: list[Row] = []
    pending: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if _SEPARATOR.fullmatch(line):
            if header:
                if not pending:
                    break
                rows.append(_row(tool, header, pending))
            elif "===" in line and any(named in _names(cells) for cells in _cells(pending)):
                header = _cells(pending)
            pending = []
        elif header and not line.startswith("|"):
            break
        else:
            pending.append(line)
    if not header:
        raise refusal(tool, f"shows no table with a column {named}", text.strip())
    if pending:
        raise refusal(tool, "printed a table that is cut off", pending[-1])
    return rows


def _row(tool: str, header: tuple[tuple[str, ...], ...], lines: list[str]) -> Row:
    cells = _cells(lines)
    if [len(line) for line in cells] != [len(line) for line in header]:
        raise refusal(tool, "shows a device in other cells than the header's", lines[0])
    return Row(tool, header, cells)


def _cells(lines: list[str]) -> tuple[tuple[str, ...], ...]:
    """Return the cells of lines; a line that is not closed has none."""
    return tuple(
        tuple(cell.strip() for cell in line[1:-1].split("|"))
        if len(line) > 1 and line[0] == line[-1] == "|"
        else ()
        for line in lines
    )


def _names(cells: tuple[str, ...]) -> list[str]:
    return [name for cell in cells for name in _split(cell)]


def _split(cell: str) -> list[str]:
    """Return what stands in a cell: columns are two blanks apart; ``29W / 225W`` is one."""
    joined = re.sub(r"(?<=[0-9A%]) *(W?) */ *(?=[0-9N])", r"\1/", cell)
    return [part for part in re.split(r" {2,}", joined.strip()) if part]
