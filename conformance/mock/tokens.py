"""Tokens, as the scripted model counts them: up to four bytes each, whole characters only.

What it says is streamed token by token, so that the count of a reply is the number of its pieces.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

BYTES = 4
BLOCK = 64
"""Tokens are cached in blocks of this size."""
REASONING = 16
"""How many tokens it thinks for, where it is asked to think."""

_encode = msgspec.json.Encoder().encode


class Usage(NamedTuple):
    """The tokens of one call."""

    input: int
    """All of the request, ``cached`` ones included."""
    cached: int = 0
    output: int = 0
    """All of the reply, ``reasoning`` included."""
    reasoning: int = 0


def pieces(text: str) -> list[str]:
    """Cut a text into its tokens."""
    found: list[str] = []
    piece, size = "", 0
    for character in text:
        length = len(character.encode("utf-8", "surrogatepass"))
        if size + length > BYTES:
            found.append(piece)
            piece, size = "", 0
        piece += character
        size += length
    return [*found, piece] if piece else found


def count(*values: Any) -> int:
    """Return the tokens of what a request holds; None is nothing."""
    return sum(-(-len(_encode(value)) // BYTES) for value in values if value is not None)


def cached(messages: list[Any]) -> int:
    """Return how many tokens of a conversation an earlier call of it has brought already."""
    return count(messages[:-1]) // BLOCK * BLOCK if len(messages) > 1 else 0
