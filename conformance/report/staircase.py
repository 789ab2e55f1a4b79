"""The ladder as a picture: each axis a flight of stairs, a flag on the step that is held.

Places and sizes alone; ``staircase.svg.jinja`` draws them. A step is a link to its clauses, so the
picture can be used by keyboard and read aloud.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from conformance.evidence.documents import Words

if TYPE_CHECKING:
    from conformance.report.axes import Axis

WIDTH = 284
"""About what a third of the page or a phone gives, so that its text keeps its size."""
ROW = 40
GROUND = 10
HEAD = 26
"""Room above the highest step, for the flag on it."""
TREAD = 20
"""The most by which a step stands out under the next one."""
_RUN = 90
"""All treads together: the highest step keeps the rest for its title."""
_POLE = 5.0
"""Where on its tread the flag stands."""
_EM = 12.5
_NARROW = 0.58
"""The width of a Latin letter, in em; a Chinese character is one em wide."""
_PAD = 20


class StairStep(NamedTuple):
    """One step."""

    id: str
    standing: str
    title: Words | None
    word: Words
    share: str
    """``3/4``: of its clauses that were tried, those that passed; empty where none was."""
    href: str
    is_result: bool
    x: float
    y: float
    width: float


class Staircase(NamedTuple):
    """One axis as a flight of stairs."""

    steps: tuple[StairStep, ...]
    """The highest first, as they are read."""
    width: int
    height: int
    row: int
    """The height of a step."""
    flag: tuple[float, float]
    """Where the flag stands: on the step that is held, or on the ground before the first."""


def staircase(axis: Axis) -> Staircase | None:
    """Return where everything of an axis lies; None where the axis has no steps."""
    # Classes come best first, levels and grades lowest first.
    rising = axis.rungs[::-1] if axis.id == "efficiency" else axis.rungs
    if not rising:
        return None
    tread = min(float(TREAD), _RUN / len(rising))
    height = HEAD + ROW * len(rising) + GROUND
    steps = []
    flag = (_POLE, float(height - GROUND))
    for place, rung in enumerate(rising):
        x, y = tread * (place + 1), float(height - GROUND - ROW * (place + 1))
        width = WIDTH - x
        title = None if rung.title is None else _fitting(rung.title, width - _PAD)
        steps.append(
            StairStep(
                id=rung.id,
                standing=rung.standing,
                title=title,
                word=rung.word,
                share=f"{rung.passed}/{rung.of}" if rung.of else "",
                href="#efficiency" if axis.id == "efficiency" else f"#step-{rung.id}",
                is_result=rung.is_result,
                x=round(x, 1),
                y=round(y, 1),
                width=round(width, 1),
            )
        )
        if rung.is_result:
            flag = (x + _POLE, y)
    at = (round(flag[0], 1), round(flag[1], 1))
    return Staircase(tuple(reversed(steps)), WIDTH, height, ROW, at)


def _fitting(words: Words, room: float) -> Words:
    return Words(_cut(words.zh, room), _cut(words.en, room))


def _cut(text: str, room: float) -> str:
    """Cut a text to a width in pixels: SVG neither breaks lines nor clips."""
    used = 0.0
    for place, character in enumerate(text):
        is_wide = unicodedata.east_asian_width(character) in "WF"
        used += _EM if is_wide else _EM * _NARROW
        if used > room:
            return text[: max(1, place - 1)].rstrip() + "…"
    return text
