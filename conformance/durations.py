"""Times as people write them: ``8m``, ``90s``, ``1h30m``; a bare number is seconds."""

from __future__ import annotations

import re

_UNITS = {"h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


def read_duration(text: str) -> float:
    """Return the seconds.

    Raises:
        ValueError: it is no time, with a text that says what is.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is no time; write 8m, 90s or 1h30m")
    numbers = (float(part or 0) for part in match.groups())
    return sum(n * unit for n, unit in zip(numbers, _UNITS.values(), strict=True))
