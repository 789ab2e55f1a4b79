"""Numbers as people read them; an interval is never rounded across its limit."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.decision.rules import Judgement

UNKNOWN = "–"
_KILO = 1000
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUTE, _HOUR = 60, 3600


def decimal(value: float | None, places: int = 3) -> str:
    """Return a number in [0, 1] with fixed places."""
    return UNKNOWN if value is None else f"{value:.{places}f}"


def plain(value: float) -> str:
    """Return a number as short as it can be written, integers without a point."""
    return f"{value:.6g}"


def ends(judgement: Judgement, p0: float) -> tuple[str, str]:
    """Return the ends of a clause's interval, rounded outwards."""
    return outward(judgement.lower, judgement.upper, p0)


def outward(lower: float, upper: float, p0: float = math.nan) -> tuple[str, str]:
    """Return the ends of an interval, rounded outwards.

    More places are given where fewer would move an end across the limit p0 or on to it.
    """
    return _end(lower, p0, math.floor), _end(upper, p0, math.ceil)


def percent(value: float) -> str:
    """Return a share in percent, with one place where it is not whole."""
    return _percent(f"{value * 100:.1f}")


def percent_ends(judgement: Judgement, p0: float) -> tuple[str, str]:
    """Return the ends of an interval in percent, as ``ends`` rounds them."""
    lower, upper = ends(judgement, p0)
    return _scaled(lower), _scaled(upper)


def e_value(log10: float | None) -> str:
    """Return an e-value from its logarithm; with a power of ten where it is long."""
    if log10 is None:
        return UNKNOWN
    if -2 <= log10 < 3:  # noqa: PLR2004 - what three digits can hold
        return f"{10**log10:.3g}"
    power = math.floor(log10)
    return f"{10 ** (log10 - power):.1f}×10{str(power).translate(_SUPERSCRIPT)}"


def limit(value: float) -> str:
    """Return a limit with two places, or more where it has more."""
    return f"{value:.2f}" if round(value, 2) == value else plain(value)


def seconds(value: float | None) -> str:
    """Return a duration; the units are those of both languages."""
    if value is None:
        return UNKNOWN
    if value < 1:
        return f"{value * _KILO:.0f} ms" if value >= 0.001 else "< 1 ms"  # noqa: PLR2004
    if value < _MINUTE:
        return f"{value:.1f} s"
    if value < _HOUR:
        return f"{int(value) // _MINUTE} min {int(value) % _MINUTE:02d} s"
    return f"{int(value) // _HOUR} h {int(value) % _HOUR // _MINUTE:02d} min"


def moment(epoch_s: float) -> str:
    """Return a point in time, to the minute, in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M")


def _end(value: float, p0: float, towards: object) -> str:
    rounded = math.floor if towards is math.floor else math.ceil
    for places in (3, 4, 5, 6):
        # Guards against 0.9 * 1000 = 900.0000000000001, which would round a place too far.
        scaled = round(value * 10**places, 6)
        shown = rounded(scaled) / 10**places
        if (shown > p0) == (value > p0) and (shown < p0) == (value < p0):
            return f"{shown:.{places}f}"
    return f"{value:.6f}"


def _scaled(shown: str) -> str:
    return _percent(f"{float(shown) * 100:.{max(1, len(shown) - 4)}f}")


def _percent(digits: str) -> str:
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return f"{digits}%"
