"""What an agent said, made inert: every character that acts instead of being seen is shown.

HTML is escaped elsewhere; this is about control characters, ANSI sequences, marks that turn the
direction of text, and characters without a width.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from conformance.report.numbers import UNKNOWN

_NAMES = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI "
    "DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
)
_CONTROLS = tuple(_NAMES.split())
_DEL = 0x7F
_MOST = 500

# Soft hyphen, Arabic letter mark, Mongolian vowel separator, zero-width and direction marks, line
# and paragraph separators, embeddings, isolates, byte order mark, interlinear annotation.
_INVISIBLE = (
    (0x80, 0x9F),
    (0xAD, 0xAD),
    (0x61C, 0x61C),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xD800, 0xDFFF),
    (0xE0000, 0xE007F),
)

CUT = "\0"
"""The key of a cut string; no key of an agent's can be it, for those are inert too."""

# Tab and line feed do what they look like.
_ACTS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f"
    + "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in _INVISIBLE)
    + "]"
)


def inert(text: str) -> str:
    """Return ``text`` with everything invisible that acts made visible and idle."""
    # Ranges in the pattern make the scan ten times as fast as str.translate.
    return _ACTS.sub(_shown, text)


def inert_line(text: str, most: int = 200) -> str:
    """Return the same on one line, cut where it is long."""
    shown = inert(text[: most + 1]).replace("\n", "⟨LF⟩").replace("\t", "⟨TAB⟩")
    return shown if len(text) <= most else shown[:most] + "…"


def inert_pairs(values: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return names and values of a JSON object, in the order of the names, as inert text."""
    return tuple((inert_line(str(name)), _value(value)) for name, value in sorted(values.items()))


class Clipper:
    """Makes JSON values inert, and cuts strings that are too long to be embedded."""

    def __init__(self, most: int) -> None:
        self.most = most

    def clean(self, value: Any) -> Any:
        """Return the same value, inert; a cut string becomes ``{CUT: text, "cut": characters}``."""
        if isinstance(value, str):
            if len(value) <= self.most:
                return inert(value)
            return {CUT: inert(value[: self.most]), "cut": len(value) - self.most}
        if isinstance(value, dict):
            return {inert_line(str(key)): self.clean(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.clean(item) for item in value]
        return value


def _value(value: Any) -> str:
    if value is None:
        return UNKNOWN
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return inert(text[:_MOST]) + ("…" if len(text) > _MOST else "")


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < len(_CONTROLS):
        # Letters, not the pictures U+2400 to U+241F: most fonts have none.
        return f"⟨{_CONTROLS[code]}⟩"
    return "⟨DEL⟩" if code == _DEL else f"⟨U+{code:04X}⟩"
