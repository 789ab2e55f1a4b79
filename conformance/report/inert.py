"""What an agent said, made inert: every character that acts instead of being seen is shown.

HTML is escaped elsewhere; this is about control characters, ANSI sequences, marks that turn the
direction of text, and characters without a width.
"""

from __future__ import annotations

from typing import Any

_NAMES = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI "
    "DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
)
_DEL = 0x7F

# Soft hyphen, Arabic letter mark, Mongolian vowel separator, zero-width and direction marks, line
# and paragraph separators, embeddings, isolates, byte order mark, interlinear annotation.
_INVISIBLE = (
    *range(0x80, 0xA0),
    0xAD,
    0x61C,
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xD800, 0xE000),
    *range(0xE0000, 0xE0080),
)

_KEPT = (0x09, 0x0A)
"""Tab and line feed do what they look like."""

CUT = "\0"
"""The key of a cut string; no key of an agent's can be it, for those are inert too."""

_TABLE = (
    # Letters, not the pictures U+2400 to U+241F: most fonts have none.
    {code: f"⟨{name}⟩" for code, name in enumerate(_NAMES.split()) if code not in _KEPT}
    | {_DEL: "⟨DEL⟩"}
    | {code: f"⟨U+{code:04X}⟩" for code in _INVISIBLE}
)


def inert(text: str) -> str:
    """Return ``text`` with everything invisible that acts made visible and idle."""
    return text.translate(_TABLE) if not text.isascii() or not text.isprintable() else text


def inert_line(text: str, most: int = 200) -> str:
    """Return the same on one line, cut where it is long."""
    shown = inert(text[: most + 1]).replace("\n", "⟨LF⟩").replace("\t", "⟨TAB⟩")
    return shown if len(text) <= most else shown[:most] + "…"


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
