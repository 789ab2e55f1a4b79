"""A comparison for a terminal, and as Markdown for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.report.diff import Grid, Line, diff_blocks
from conformance.report.markdown_text import escaped, table
from conformance.report.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from conformance.evidence.comparison import Comparison


def diff_parts(comparison: Comparison, lang: str) -> Iterator[RenderableType]:
    """Yield what a terminal shows, top to bottom."""
    from rich.table import Table
    from rich.text import Text

    for block in diff_blocks(comparison, lang):
        if isinstance(block, Line):
            yield Text(block.text, "bold" if block.is_main else "dim" if block.is_note else "")
            continue
        shown = Table(box=None, pad_edge=False)
        for at, heading in enumerate(block.headings):
            shown.add_column(
                Text(heading), justify="right" if at in block.right else "left", overflow="fold"
            )
        for row in block.rows:
            shown.add_row(*map(Text, row))
        yield Text("")
        yield shown
        yield Text("")


def diff_markdown(comparison: Comparison, lang: str) -> str:
    """Return the same for a pull request; notes come last."""
    parts = [f"### {say('diff.heading').in_lang(lang)}"]
    notes = []
    for block in diff_blocks(comparison, lang):
        if isinstance(block, Grid):
            cells = [[escaped(cell) for cell in row] for row in (block.headings, *block.rows)]
            parts.append(table(cells[0], cells[1:], block.right))
        elif block.is_note:
            notes.append(escaped(block.text))
        else:
            text = escaped(block.text)
            parts.append(f"**{text}**" if block.is_main else text)
    return "\n\n".join([*parts, *(f"<sub>{note}</sub>" for note in notes)]) + "\n"
