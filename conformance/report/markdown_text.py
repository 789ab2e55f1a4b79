"""Text within GitHub-flavoured Markdown: it cannot mark up, link, mention or break a table."""

from __future__ import annotations

import re

from conformance.report.inert import inert

_MOST = 2_000
"""Characters of one text; a comment on GitHub has room for 65,536."""
_INLINE = re.compile(r"[\\`*_\[\]|~]")
# What begins a list, a heading's line or a rule, where the text begins a line.
_LEADING = re.compile(r"^([-+=]|\d{1,9}[.)])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# A backslash or an entity is gone before mentions, references and addresses are looked for.
_WIDE = {"@": "＠", "#": "＃", "$": "＄", "://": "：//", "www.": "www．"}
_ACTIVE = re.compile("|".join(map(re.escape, _WIDE)), re.IGNORECASE)
_RUN = re.compile(r"`+")


def escaped(text: str) -> str:
    """Return text as it reads, on one line; what a reader acts on gets a wide character."""
    shown = _ACTIVE.sub(_widened, _line(text).strip(" "))
    shown = "".join(_ENTITIES.get(character, character) for character in shown)
    shown = _INLINE.sub(lambda found: "\\" + found[0], shown)
    return _LEADING.sub(lambda found: f"{found[1][:-1]}\\{found[1][-1]}", shown)


def code(text: str) -> str:
    """Return text as a code span, where nothing is looked for: a name, an id, an output.

    The bar of a table is the one character that must be another, for a table is cut before spans
    are looked for.
    """
    shown = _line(text).replace("|", "¦") or " "
    fence = "`" * (1 + max((len(run) for run in _RUN.findall(shown)), default=0))
    # One space is taken off at both ends where both have one; a backtick must not meet the fence.
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def table(headings: list[str], rows: list[list[str]], right: frozenset[int] = frozenset()) -> str:
    """Return a table of cells that are Markdown already; columns in ``right`` end flush."""
    lines = [headings, ["---:" if at in right else "---" for at in range(len(headings))], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _line(text: str) -> str:
    cut = inert(text[:_MOST]) + ("…" if len(text) > _MOST else "")
    return cut.replace("\t", " ").replace("\n", " ")


def _widened(found: re.Match[str]) -> str:
    text = found[0]
    return _WIDE.get(text) or text[:-1] + "．"
