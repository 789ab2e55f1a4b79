"""Badges of an agent: a picture of its level and trust grade, and what a badge service draws.

A badge is shown where nothing else of the site is, so it says all of it: the result, that it is
self-declared, under which edition and plan, and that a screening is no grade. Calibrators get none.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from conformance.evidence.bundle import write_whole
from conformance.evidence.documents import Words
from conformance.report.inert import inert_line
from conformance.report.texts import both, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conformance.report.board.entries import Board, Entry

BADGES = "badges"
"""Where in the site they lie."""
GREY = "#5f6368"
"""Of what is no grade: a screening, and a grade that is not held."""
COLOURS = ("#3b6ea5", "#2a6496", "#1d5a85", "#145074", "#0b4663")
"""From the lowest level held on; white on each has a contrast of 4.5 or more."""
_AXES = {"agency": "level", "trust": "trust"}
"""What a badge is called by its axis."""
_LABEL = "#3c4043"
_WIDE, _NARROW, _PAD = 11.0, 6.3, 7.0
"""Pixels of a character at 11 px; ``textLength`` fits the text to the width that comes of it."""
_NOT_XML = re.compile("[\ufffe\uffff]")


class Badge(NamedTuple):
    """What a badge says."""

    name: str
    """Of the file: ``SLUG-level`` or ``SLUG-trust``."""
    agent: str
    label: Words
    message: Words
    colour: str


def write_badges(board: Board, folder: Path) -> list[Path]:
    """Write SVG and endpoint JSON of each agent, zh and en, into ``folder/badges``.

    The JSON is of the badge service shields.io (schema 1), which draws it from its address.

    Raises:
        StorageError: a file cannot be written.
    """
    written = []
    for badge in badges(board.entries):
        for lang, end in _ENDS.items():
            for kind, make in _MADE.items():
                path = folder / _file(badge.name, end, kind)
                write_whole(path, make(badge, lang).encode())
                written.append(path)
    return written


def badge_files(slug: str) -> list[str]:
    """Return where the badges of an agent lie in a site, where it has any."""
    names = [f"{slug}-{name}" for name in _AXES.values()]
    return [_file(name, end, kind) for name in names for end in _ENDS.values() for kind in _MADE]


def badges(entries: Sequence[Entry]) -> list[Badge]:
    """Return the badges of every agent that is no calibrator, by its latest grade.

    Of a screening only where there is no grade.
    """
    found: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda e: (e.is_grade, e.ended, e.id)):
        if not entry.is_calibrator:
            found[entry.slug] = entry
    return [badge for _, entry in sorted(found.items()) for badge in _of_entry(entry)]


def badge_svg(badge: Badge, lang: str) -> str:
    """Return a badge as SVG; valid XML whatever the agent is called."""
    label, message = badge.label.in_lang(lang), badge.message.in_lang(lang)
    whole = say("badge.whole", agent=badge.agent, label=label, message=message).in_lang(lang)
    widths = [text_width(text) for text in (label, message)]
    left, right = (width + 2 * _PAD for width in widths)
    texts = "".join(
        f'<text x="{_number(x)}" y="14" textLength="{_number(width)}" '
        f'lengthAdjust="spacingAndGlyphs">{_escape(text)}</text>'
        for x, width, text in zip((_PAD, left + _PAD), widths, (label, message), strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:lang="{lang}" width="{_number(left + right)}"'
        f' height="20" role="img" aria-label="{_escape(whole)}"><title>{_escape(whole)}</title>'
        f'<rect width="{_number(left)}" height="20" fill="{_LABEL}"/>'
        f'<rect x="{_number(left)}" width="{_number(right)}" height="20" fill="{badge.colour}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Noto Sans CJK SC,PingFang SC,'
        f'Microsoft YaHei,sans-serif" font-size="11">{texts}</g></svg>\n'
    )


def text_width(text: str) -> float:
    """Return how many pixels a text of 11 px is given: a wide character more than another."""
    return sum(
        _WIDE
        if unicodedata.east_asian_width(character) in ("W", "F")
        else 0.0
        if unicodedata.combining(character)
        else _NARROW
        for character in text
    )


def _of_entry(entry: Entry) -> Iterator[Badge]:
    for axis, held, rank in (
        ("agency", entry.level, entry.level_rank),
        ("trust", entry.trust, entry.trust_rank),
    ):
        yield Badge(
            name=f"{entry.slug}-{_AXES[axis]}",
            agent=inert_line(entry.agent, 60),
            label=say(f"badge.{axis}"),
            message=_message(entry, held),
            colour=COLOURS[min(rank, len(COLOURS)) - 1] if rank and entry.is_grade else GREY,
        )


def _message(entry: Entry, held: str) -> Words:
    kind = entry.standing if entry.standing == "audited" else "grade"
    return say(
        f"badge.{kind}" if entry.is_grade else "badge.screening",
        held=both(inert_line(held, 12)),
        edition=both(inert_line(entry.edition, 40)),
        plan=Words(inert_line(entry.plan_title.zh, 40), inert_line(entry.plan_title.en, 40)),
    )


def _endpoint(badge: Badge, lang: str) -> str:
    document = {
        "schemaVersion": 1,
        "label": badge.label.in_lang(lang),
        "message": badge.message.in_lang(lang),
        "color": badge.colour,
        "labelColor": _LABEL,
    }
    return json.dumps(document, ensure_ascii=False) + "\n"


def _escape(text: str) -> str:
    from xml.sax.saxutils import escape

    return escape(_NOT_XML.sub("\ufffd", text), {'"': "&quot;"})


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


_ENDS = {"en": "", "zh": ".zh"}
_MADE = {"json": _endpoint, "svg": badge_svg}


def _file(name: str, end: str, kind: str) -> str:
    return f"{BADGES}/{name}{end}.{kind}"
