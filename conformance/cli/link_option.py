"""``--link``: the conditions between client and endpoint, as a user writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import rich_click as click

from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.link.model import Link

_TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_RATES = {"k": 1e3, "M": 1e6, "G": 1e9}
_NUMBER = r"(\d+(?:\.\d+)?)"
_TIME = re.compile(rf"{_NUMBER}(us|ms|s|m|h)")
_RATE = re.compile(rf"{_NUMBER}([kMG])(?:bit(?:/s)?)?")
_LOSS = re.compile(rf"{_NUMBER}(%?)")
_EXAMPLE = "leo, geo, lossy, or as in --link geo,loss=0.5%,down=50Mbit"


class LinkType(click.ParamType["Link"]):
    """A preset, settings, or a preset with settings in place of its own."""

    name = "link"

    def convert(self, value: Any, param: Any, ctx: Any) -> Link:
        """Return the link."""
        del param, ctx
        return parse_link(value) if isinstance(value, str) else value


def link_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--link``."""
    return click.option(
        "--link",
        type=LinkType(),
        metavar="leo|geo|lossy[,NAME=VALUE…]",
        help="Reach the endpoint over an impaired link: delay, jitter, loss, up, down, period, "
        "visible, seed; as in leo,delay=30ms,loss=0.5%.",
    )(function)


def parse_link(text: str) -> Link:
    """Return the link that a text describes.

    Raises:
        UsageError: it describes none.
    """
    import msgspec

    from conformance.link.model import PRESETS, Link

    first, *rest = [item.strip() for item in text.split(",")]
    if "=" in first:
        link, rest = Link(), [first, *rest]
    elif first in PRESETS:
        link = PRESETS[first]
    else:
        raise UsageError(f"{first!r} is no link", where="--link", mend=_EXAMPLE)
    settings: dict[str, Any] = {}
    for item in rest:
        name, equals, value = item.partition("=")
        if not equals or name not in _READERS:
            raise UsageError(
                f"{item!r} is no setting of a link",
                where="--link",
                mend=f"settings: {', '.join(_READERS)}",
            )
        fields, read = _READERS[name]
        if fields[0] in settings:
            raise UsageError(f"{name} is given twice", where="--link", mend="give it once")
        settings |= dict.fromkeys(fields, read(name, value))
    if not settings:
        return link
    return msgspec.structs.replace(
        link, name=",".join([first, *rest] if "=" not in first else rest), **settings
    )


def _time(name: str, text: str) -> float:
    found = _TIME.fullmatch(text)
    if found is None:
        raise _unreadable(name, text, "30ms, 1.5s, 9m, 1.5h")
    return float(found[1]) * _TIMES[found[2]]


def _rate(name: str, text: str) -> float:
    found = _RATE.fullmatch(text)
    if found is None:
        raise _unreadable(name, text, "500kbit, 20Mbit, 1Gbit")
    return float(found[1]) * _RATES[found[2]]


def _share(name: str, text: str) -> float:
    found = _LOSS.fullmatch(text)
    if found is None:
        raise _unreadable(name, text, "1%, 0.01")
    return float(found[1]) / (100 if found[2] else 1)


def _count(name: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text):
        raise _unreadable(name, text, "7")
    return int(text)


def _unreadable(name: str, text: str, examples: str) -> UsageError:
    return UsageError(f"{name}={text} cannot be read", where="--link", mend=f"write {examples}")


_READERS: dict[str, tuple[tuple[str, ...], Callable[[str, str], float]]] = {
    "delay": (("delay_s",), _time),
    "jitter": (("jitter_s",), _time),
    "loss": (("loss",), _share),
    "up": (("up_bit_s",), _rate),
    "down": (("down_bit_s",), _rate),
    "period": (("period_s",), _time),
    "visible": (("visible_s",), _time),
    "seed": (("seed",), _count),
}
