"""What must never reach evidence: keys, credentials in URLs, home folders."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SECRET = b"[redacted]"
HOME = b"[home]"
MIN_SECRET = 6
"""A shorter value would redact ordinary words."""

_PATTERNS = (
    # Authorization and API-key headers, in whatever notation: the rest of the value goes.
    (
        rb"(?i:(?:authorization|x-api-key|api[-_]?key)\\?[\"']?\s*[:=]\s*\\?[\"']?"
        rb"(?:bearer |basic )?)"
        rb"(?P<header>[A-Za-z0-9._~+/=-]{6,})"
    ),
    rb"(?i:bearer )(?P<bearer>[A-Za-z0-9._~+/=-]{6,})",
    rb"(?P<key>\bsk-[A-Za-z0-9_-]{12,})",
    rb"://(?P<userinfo>[^/\s\"'@\\]+)@",
    rb"(?P<home>/(?:home|Users)/[^/\s\"'\\]+)",
)


def redactor(secrets: Iterable[str], environment: Iterable[str] = ()) -> Callable[[bytes], bytes]:
    """Return a function that takes secrets out of one line of JSON.

    Args:
        secrets: Values to remove wherever they stand.
        environment: Names of environment variables whose values are removed too.
    """
    values = {*secrets, *(os.environ.get(name, "") for name in environment)}
    written = {
        json.dumps(value, ensure_ascii=ascii_only)[1:-1].encode()
        for value in values
        if len(value) >= MIN_SECRET
        for ascii_only in (True, False)
    }
    literals = [rb"(?P<secret>" + b"|".join(map(re.escape, sorted(written, key=len)[::-1])) + b")"]
    home = str(Path.home())
    own_home = [rb"(?P<own>" + re.escape(home.encode()) + rb")(?![A-Za-z0-9_-])"]
    pattern = re.compile(
        b"|".join(
            (literals if written else []) + (own_home if len(home) > 1 else []) + [*_PATTERNS]
        )
    )

    def replace(match: re.Match[bytes]) -> bytes:
        name = match.lastgroup or ""
        whole, start = match.group(0), match.start(0)
        mark = HOME if name in ("home", "own") else SECRET
        return whole[: match.start(name) - start] + mark + whole[match.end(name) - start :]

    return lambda line: pattern.sub(replace, line)
