"""Hides what names one device for ever (serial numbers, UUIDs) in captured output.

The layout stays: the same value gets the same mask, as long as it was and with its punctuation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEX = r"[0-9A-Fa-f]"
_UUID = re.compile(
    rf"(?<!{_HEX})(?:{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
    rf"|(?<=GPU-){_HEX}{{16,40}})(?!{_HEX})"
)
_LABEL = r"(?:serial(?:[ _-]?(?:number|no\.?|id))?|s/?n|uuid|(?:unique|board|chip|die)[ _-]?id)"
_LABELLED = re.compile(
    rf"(?:^|[\s\"'|,{{(])[\w .-]{{0,24}}?\b{_LABEL}[\w .-]{{0,16}}[\"']?[ \t]*[:=][ \t]*[\"']?"
    r"(?P<value>[^\s\"',|}]+)",
    re.IGNORECASE | re.MULTILINE,
)
_LEAST = 4
"""Characters of what is masked: a shorter one (an index, ``NA``) names nothing."""


class Mask:
    """Masks that are the same in all texts of a capture.

    Args:
        texts: All of them: a serial number that one command labels is hidden in the others too.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        values: dict[str, None] = {}
        for text in texts:
            values |= dict.fromkeys(match[0] for match in _UUID.finditer(text))
            values |= dict.fromkeys(
                match["value"] for match in _LABELLED.finditer(text) if _is_name(match["value"])
            )
        masks = {value: _mask(value, number) for number, value in enumerate(values, 1)}
        # A longer value first: a shorter one may be a part of it.
        longest_first = sorted(masks, key=len, reverse=True)
        self._masks = masks
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def __len__(self) -> int:
        """Return how many values are hidden."""
        return len(self._masks)

    def hide(self, text: str) -> str:
        """Return a text with the values hidden."""
        return self._pattern.sub(lambda match: self._masks[match[0]], text)


def _is_name(value: str) -> bool:
    letters = [char for char in value if char.isalnum()]
    return len(letters) >= _LEAST and any(char.isdigit() for char in letters)


def _mask(value: str, number: int) -> str:
    """Return zeros in place of letters and digits, and at the end of them the number."""
    digits = list(reversed(str(number)))
    masked = [
        (digits.pop(0) if digits else "0") if char.isalnum() else char for char in reversed(value)
    ]
    return "".join(reversed(masked))
