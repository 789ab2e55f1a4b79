"""Options that several verbs share, and how they print."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from conformance.campaign.folders import RUNS, new_folder
from conformance.durations import read_duration
from conformance.errors import UsageError
from conformance.report.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console


__all__ = [
    "PLAIN_WIDTH",
    "RUNS",
    "Duration",
    "console",
    "edition_option",
    "existing_bundle",
    "is_quiet",
    "json_option",
    "locale_option",
    "new_folder",
    "print_json",
    "sealed_option",
    "spoken",
    "task_lang_option",
]

PLAIN_WIDTH = 140
"""Columns where there is no terminal to ask: no table wraps."""


class Duration(click.ParamType[float]):
    """A time as people write it: ``8m``, ``90s``, ``1h30m``; a bare number is seconds."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return the seconds."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return read_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


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


def task_lang_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--lang``, of one task."""
    return click.option(
        "--lang",
        type=click.Choice(["zh", "en"]),
        default="en",
        show_default=True,
        help="Language of the task.",
    )(function)


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(msgspec.to_builtins(document), ensure_ascii=False, indent=2) + "\n")


def console(*, stderr: bool = False) -> Console:
    """Return a console; plain where it is not a terminal, or in CI."""
    from rich.console import Console

    is_plain = is_quiet(stderr=stderr)
    width = max(PLAIN_WIDTH, int(os.environ.get("COLUMNS", "0"))) if is_plain else None
    no_color = is_plain or None
    return Console(stderr=stderr, no_color=no_color, width=width, highlight=False, emoji=False)


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
