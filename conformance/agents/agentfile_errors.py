"""What is wrong in an ``agent.toml``: the key, its line, and what could be meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from conformance.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_KEY = re.compile(r"field `(?P<key>[^`]+)`")
_TABLE = re.compile(r"\s*\[\s*(?P<table>[^\]]+?)\s*\]")


def describe(
    error: msgspec.ValidationError, path: Path, text: str, kind: type[msgspec.Struct]
) -> UsageError:
    """Return a schema's complaint as an error that says where, and how to mend it."""
    complaint = str(error)
    at = _AT.search(complaint)
    inner = at["path"].replace("[...]", "") if at else ""  # within an object of any keys
    names = [name for name in inner.split(".") if name]
    what = complaint[: at.start()] if at else complaint
    key = _KEY.search(what)
    what = what[:1].lower() + what[1:]
    place = ".".join([*names, key["key"]] if key else names)
    line = _line(text, [*names, key["key"]] if key and "unknown" in what else names)
    mend = ""
    if key is not None and "unknown" in what:
        what = f"there is no key {key['key']!r} here"
        mend = did_you_mean(key["key"], _fields(kind, names))
    elif key is not None:
        what, mend = f"{key['key']!r} is missing", "add it"
    elif values := _values(kind, names):
        mend = f"there are {', '.join(values)}"
    return UsageError(
        what, where=f"{path}:{line}: {place}" if line else f"{path}: {place}", mend=mend
    )


def _fields(kind: Any, names: list[str]) -> list[str]:
    """Return the keys that the table at ``names`` may have."""
    for name in names:
        kind = get_type_hints(kind)[name]
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _values(kind: Any, names: list[str]) -> tuple[str, ...]:
    """Return the values that the key at ``names`` may have, where they are few and known."""
    for name in names:
        if not isinstance(kind, type) or not issubclass(kind, msgspec.Struct):
            return ()
        kind = get_type_hints(kind).get(name)
    return get_args(kind) if get_origin(kind) is Literal else ()


def _line(text: str, names: list[str]) -> int | None:
    """Return the number of the line that a key, or its table, is in."""
    if not names:
        return None
    *tables, key = names
    # msgspec writes an element of a list as key[...].
    begins = re.compile(rf"\s*{re.escape(key.partition('[')[0])}\s*[=.]")
    here: list[str] = []
    found = None
    for number, line in enumerate(text.splitlines(), 1):
        table = _TABLE.match(line)
        if table is not None:
            here = [part.strip() for part in table["table"].split(".")]
            if here == names:
                found = number
        elif here == tables and begins.match(line):
            return number
    return found
