"""The command blocks of the pages for users, and what each says of how it is checked.

A comment before a block holds for all of it:

    <!-- not run: WHY -->                its lines are held against the command's own options
    <!-- run by: nox -s SESSION -->      that session runs it
    <!-- run by: tests/… -->             tests there run its like

A block without one is run, line by line, unless ``reasons`` has a reason for a line.
"""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SHELLS = ("", "sh", "bash", "console")
"""Languages of a fence whose lines are commands; a fence of text says ``text``."""
MARK = re.compile(r"<!-- (not run|run by): (.+?) -->")
FENCE = re.compile(r"^( *)```(\S*) ?(\S*)")
INDENT = "    "


class Block(NamedTuple):
    """One block of a page, with the mark that stands before it."""

    page: str
    line: int
    language: str
    file: str
    """Of ```` ```python FILE ````: where a reader saves it; with ``>>`` before it, at its end."""
    mark: str
    why: str
    text: str

    @property
    def where(self):
        return f"{self.page}:{self.line}"

    @property
    def commands(self):
        """The lines without their comments; one that goes on after a backslash is one."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if shlex.split(line, comments=True)]


def pages():
    """Every page for users; decisions show no commands, and say so by the test."""
    found = [
        ROOT / "README.md",
        ROOT / "README.zh.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "reports").glob("README*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    return [path for path in found if "design" not in path.relative_to(ROOT).parts]


def blocks(path):
    """Yield every fenced or indented block of a page, in its order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    name = path.relative_to(ROOT).as_posix()
    mark = why = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        found, fence = MARK.search(line), FENCE.match(line)
        if found:
            mark, why = found.groups()
        elif fence:
            end = next(n for n in range(at + 1, len(lines)) if lines[n].strip() == "```")
            text = "\n".join(row[len(fence[1]) :] for row in lines[at + 1 : end])
            yield Block(name, at + 1, fence[2], fence[3], mark, why, text)
            at, mark, why = end, "", ""
        elif line.startswith(INDENT) and not lines[at - 1].strip():
            end = next((n for n in range(at, len(lines)) if not _goes_on(lines, n)), len(lines))
            text = "\n".join(row[len(INDENT) :] for row in lines[at:end])
            yield Block(name, at + 1, "", "", mark, why, text.rstrip())
            at, mark, why = end - 1, "", ""
        elif line.strip():
            mark = why = ""
        at += 1


def command_blocks(path):
    """Yield the blocks of a page whose lines a reader types."""
    return (block for block in blocks(path) if block.language in SHELLS)


def every_command_block():
    return [block for path in pages() for block in command_blocks(path)]


def _goes_on(lines, n):
    """Say whether a line is part of the indented block before it."""
    if lines[n].startswith(INDENT):
        return True
    return not lines[n].strip() and n + 1 < len(lines) and lines[n + 1].startswith(INDENT)
