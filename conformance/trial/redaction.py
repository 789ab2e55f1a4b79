"""What must never reach evidence: keys, credentials in URLs, home folders."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SECRET = b"[redacted]"
HOME = b"[home]"
MIN_SECRET = 6
"""A shorter value would redact ordinary words."""
NESTED = 4
"""How deep JSON within JSON is searched for a secret's escaped forms."""

_TOKEN = rb"[A-Za-z0-9._~+/=:-]"
_IS = rb"(?:\\*[\"']\s*[:=,]\s*b?\\*[\"']|\s*[:=]\s*)"
"""Between a header's name and its value: both in quotes, or neither."""
_QUOTED = rb"\\+\"(?![\s,:}\]])[^\"\\]*\\+\""
_DIGEST = rb"(?:(?<==)" + _QUOTED + rb"|,\s*[a-z]+=(?:" + _QUOTED + rb"|[A-Za-z0-9]+))*"
_PATTERNS = (
    # Authorization and API-key headers, in whatever notation, JSON in JSON too; the rest of the
    # value goes, whatever its scheme.
    rb"(?i:authorization" + _IS + rb")"
    rb"(?P<scheme>(?:[A-Za-z][A-Za-z0-9-]+ +)?" + _TOKEN + rb"{6,}" + _DIGEST + rb")",
    rb"(?i:api[-_]?key" + _IS + rb"(?:bearer )?)(?P<header>" + _TOKEN + rb"{6,})",
    rb"(?i:\bbearer )(?P<bearer>(?=[A-Za-z._~+/=:-]*[0-9]|"
    + _TOKEN
    + rb"{20})"
    + _TOKEN
    + rb"{6,})",
    rb"(?P<key>\bsk-[A-Za-z0-9_-]{12,})",
    rb"://(?P<userinfo>[^/\s\"'\\]+)@",
    rb"(?P<home>(?:/|\b[A-Za-z]:\\+)(?:home|Users)(?:/|\\+)[^/\s\"'\\]+)",
)
_HINTS = (
    b"authorization",
    b"key",
    b"bearer ",
    b"sk-",
    b"/home/",
    b"/users/",
    b"\\home",
    b"\\users",
)
"""A line with none of these, no user-info and no secret is passed on as it is."""


def redactor(secrets: Iterable[str], environment: Iterable[str] = ()) -> Callable[[bytes], bytes]:
    """Return a function that takes secrets out of one line of JSON.

    Args:
        secrets: Values to remove wherever they stand.
        environment: Names of environment variables whose values are removed too.
    """
    values = {*secrets, *(os.environ.get(name, "") for name in environment)}
    hidden = sorted((value for value in values if len(value) >= MIN_SECRET), key=len)[::-1]
    home = str(Path.home())
    own_home = rb"(?<![A-Za-z0-9_-])(?P<own>" + re.escape(home.encode()) + rb")(?![A-Za-z0-9_-])"
    patterns = [*([own_home] if len(home) > 1 else []), *_PATTERNS]
    by_pattern = re.compile(b"|".join(patterns))
    forms = _forms(hidden)
    literals = [rb"(?P<secret>" + b"|".join(map(re.escape, forms)) + b")"] if forms else []
    whole = re.compile(b"|".join([*literals, *patterns]))
    own = (*forms, home.encode())

    def redact(line: bytes) -> bytes:
        low = line.lower()
        if not (
            any(hint in low for hint in _HINTS)
            or (b"://" in low and b"@" in low)
            or any(form in line for form in own)
        ):
            return line
        cleaned = whole.sub(_mark, line)
        if cleaned == line or _is_json(cleaned):
            return cleaned
        # A match began within an escape, such as the n of a line break: go string by string.
        return msgspec.json.encode(_by_string(msgspec.json.decode(line), redact_text))

    def redact_text(text: str) -> str:
        for value in hidden:
            text = text.replace(value, SECRET.decode())
        cleaned = by_pattern.sub(_mark, msgspec.json.encode(text))
        return msgspec.json.decode(cleaned, type=str) if _is_json(cleaned) else SECRET.decode()

    return redact


def _forms(hidden: Iterable[str]) -> list[bytes]:
    """Return the values as they stand in JSON, the longest first."""
    forms = {
        form.encode()
        for value in hidden
        for ascii_only in (True, False)
        for form in _escaped(value, ascii_only=ascii_only)
    }
    return sorted(forms, key=lambda form: (-len(form), form))


def _mark(match: re.Match[bytes]) -> bytes:
    name = match.lastgroup or ""
    found, start = match.group(0), match.start(0)
    mark = HOME if name in ("home", "own") else SECRET
    return found[: match.start(name) - start] + mark + found[match.end(name) - start :]


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return True


def _by_string(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(name): _by_string(item, redact) for name, item in value.items()}
    if isinstance(value, list):
        return [_by_string(item, redact) for item in value]
    return value


def _escaped(value: str, *, ascii_only: bool) -> Iterator[str]:
    """Yield a value as it stands in JSON, in JSON within JSON, and so on."""
    for _ in range(NESTED):
        value = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield value
