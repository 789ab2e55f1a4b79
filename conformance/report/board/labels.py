"""Names beside dots: each is put where it covers no dot and no other name, or is left out."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SIZE = 11.5
_WIDE, _NARROW = 1.0, 0.6
"""Width of a character over the font's size, in the widest of the usual fonts."""
_GAP = 8
_MOST = 24


class Label(NamedTuple):
    """A name, and where its baseline starts, ends or has its middle (``anchor``)."""

    text: str
    x: float
    y: float
    anchor: str


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def place_labels(
    dots: Sequence[tuple[float, float, str]],
    order: Iterable[int],
    frame: Box,
    kept_free: Iterable[Box] = (),
) -> list[Label | None]:
    """Return a label for each of (x, y, name), None where there is no room for it.

    Args:
        dots: Places in pixels and names.
        order: Which dot is served first.
        frame: The drawing.
        kept_free: Where no name may be.
    """
    taken = [*(Box(x - 4, y - 4, x + 4, y + 4) for x, y, _ in dots), *kept_free]
    found: list[Label | None] = [None] * len(dots)
    for at in order:
        x, y, name = dots[at]
        text = name if len(name) <= _MOST else name[: _MOST - 1] + "…"
        for label, box in _places(x, y, text):
            if _within(box, frame) and not any(box.meets(other) for other in taken):
                found[at] = label
                taken.append(box)
                break
    return found


def width_of(text: str) -> float:
    """Return about how wide a text is drawn, in pixels."""
    return _SIZE * sum(_WIDE if unicodedata.east_asian_width(c) in "WFA" else _NARROW for c in text)


def _places(x: float, y: float, text: str) -> Iterable[tuple[Label, Box]]:
    wide, half = width_of(text), _SIZE / 2
    beside = y + 4
    # The front comes from below and goes to the right: a name above to the left crosses it never.
    up = round(y - 6, 1)
    yield Label(text, x - 5, up, "end"), Box(x - 5 - wide, up - _SIZE + 2, x - 5, up + 3)
    yield Label(text, x + _GAP, beside, "start"), Box(x + 5, y - half, x + _GAP + wide, y + half)
    yield Label(text, x - _GAP, beside, "end"), Box(x - _GAP - wide, y - half, x - 5, y + half)
    for dy in (-_GAP, _GAP + _SIZE - 2):
        base = y + dy
        box = Box(x - wide / 2, base - _SIZE + 2, x + wide / 2, base + 3)
        yield Label(text, x, round(base, 1), "middle"), box


def _within(box: Box, area: Box) -> bool:
    return (
        area.left <= box.left
        and box.right <= area.right
        and area.top <= box.top
        and box.bottom <= area.bottom
    )
