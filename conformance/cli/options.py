"""Options that several verbs share, and how they print."""

from __future__ import annotations

import json
import locale
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from conformance.authoring import Lang

PLAIN_WIDTH = 140
"""Columns where there is no terminal to ask: no table wraps."""

RUNS = Path("runs")
"""Where bundles go that are given no folder."""
_UNITS = {"h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


class Duration(click.ParamType[float]):
    """A time as people write it: ``8m``, ``90s``, ``1h30m``; a bare number is seconds."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return the seconds."""
        if isinstance(value, int | float):
            return float(value)
        match = _DURATION.fullmatch(value.strip())
        if match is None or not any(match.groups()):
            self.fail(f"{value!r} is no time; write 8m, 90s or 1h30m", param, ctx)
        numbers = (float(part or 0) for part in match.groups())
        return sum(n * unit for n, unit in zip(numbers, _UNITS.values(), strict=True))


def edition_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--edition``."""
    return click.option(
        "--edition",
        "edition_root",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="An edition's folder; the one shipped by default.",
    )(function)


def sealed_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--sealed``."""
    return click.option(
        "--sealed",
        "sealed_root",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="The folder of a sealed edition, for the clauses that need one.",
    )(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document on stdout; logs on stderr."
    )(function)


def locale_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--locale``."""
    return click.option(
        "--locale",
        "locale_name",
        type=click.Choice(["zh", "en"]),
        help="Language of what is printed; the system's by default.",
    )(function)


def spoken(locale_name: str | None) -> Lang:
    """Return the language to print in."""
    if locale_name is not None:
        return "zh" if locale_name == "zh" else "en"
    names = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    name = next((name for name in names if name), None) or (locale.getlocale()[0] or "")
    return "zh" if name.lower().startswith(("zh", "chinese")) else "en"


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(msgspec.to_builtins(document), ensure_ascii=False, indent=2) + "\n")


def console(*, stderr: bool = False) -> Console:
    """Return a console; plain where it is not a terminal, or in CI."""
    from rich.console import Console

    is_plain = is_quiet(stderr=stderr)
    width = max(PLAIN_WIDTH, int(os.environ.get("COLUMNS", "0"))) if is_plain else None
    return Console(stderr=stderr, no_color=is_plain or None, width=width, highlight=False)


def is_quiet(*, stderr: bool = False) -> bool:
    """Say whether lines should be plain: no terminal, or a CI job."""
    stream = sys.stderr if stderr else sys.stdout
    return not stream.isatty() or bool(os.environ.get("CI"))


def existing_bundle(path: Path) -> Path:
    """Return a bundle's folder.

    Raises:
        UsageError: there is no such folder.
    """
    if not path.is_dir():
        raise UsageError("there is no such folder", where=str(path), mend="name a bundle's folder")
    return path


def new_folder(kind: str = "") -> Path:
    """Return a folder under ``runs/`` that is not there yet, named by the kind and the time."""
    stamp = f"{kind}-" * bool(kind) + time.strftime("%Y-%m-%d-%H%M%S")
    for number in range(1, 1000):
        folder = RUNS / (stamp if number == 1 else f"{stamp}-{number}")
        if not folder.exists():
            return folder
    raise UsageError("holds too many campaigns of this second", where=f"{RUNS}/", mend="use --out")
