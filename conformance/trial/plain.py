"""What an agent hands over, as plain JSON: what is written down is what the world is given."""

from __future__ import annotations

import math
from typing import Any

import msgspec

MAX_DEPTH = 32
MAX_BYTES = 1 << 20
_SHOWN = 200


class NotPlainError(ValueError):
    """A value that is not JSON, or more of it than a tool call can need."""


def plain(value: Any) -> Any:
    """Return a copy of ``value`` made of JSON alone.

    A world is called with exactly what its transcript says, so that a replay calls it so again.

    Raises:
        NotPlainError: NaN, an object that is not JSON, a lone surrogate, more than ``MAX_DEPTH``
            levels or ``MAX_BYTES`` bytes.
    """
    copied = _copy(value, MAX_DEPTH)
    if len(msgspec.json.encode(copied)) > MAX_BYTES:
        raise NotPlainError(f"more than {MAX_BYTES} bytes")
    return copied


def legible(value: Any, depth: int = MAX_DEPTH) -> Any:  # noqa: PLR0911 - a case a JSON type
    """Return the nearest JSON to ``value``: what cannot be written is named, never raised."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else str(value.bit_length()) + " bits"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _utf8(value)
    if depth == 0:
        return "…"
    if isinstance(value, dict):
        return {_utf8(str(name)): legible(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [legible(item, depth - 1) for item in value]
    return _utf8(type(value).__name__)


def short_name(name: Any) -> str:
    """Return a tool's name as an agent gave it, if need be as text, shortened."""
    return _utf8(name if isinstance(name, str) else type(name).__name__)[:_SHOWN]


def _copy(value: Any, depth: int) -> Any:  # noqa: C901 - a case a JSON type
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _checked(str(value))
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise NotPlainError("a number of more than 64 bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotPlainError("NaN and infinities are not JSON numbers")
        return float(value)
    if depth == 0:
        raise NotPlainError(f"more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise NotPlainError("a name that is not a string")
        return {_checked(str(name)): _copy(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item, depth - 1) for item in value]
    raise NotPlainError(f"{type(value).__name__} is not JSON")


def _checked(text: str) -> str:
    if len(text) > MAX_BYTES:
        raise NotPlainError(f"more than {MAX_BYTES} bytes")
    if not text.isascii() and _utf8(text) != text:
        raise NotPlainError("half a surrogate pair is no character")
    return text


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
