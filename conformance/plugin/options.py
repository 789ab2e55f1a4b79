"""The plugin's options: on the command line, in the environment, in an ini file, in this order.

Imported by every pytest run that has the package: nothing here but the standard library and pytest.
"""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off", "")


class Option(NamedTuple):
    """One option: ``--grade-NAME``, ``CONFORMANCE_GRADE_NAME``, ``grade_name``."""

    name: str
    help: str
    kind: Literal["text", "path", "time", "count", "flag"] = "text"
    choices: tuple[str, ...] = ()
    default: Any = None

    @property
    def flag(self) -> str:
        """The option as it is written on the command line."""
        return f"--grade-{self.name}"

    @property
    def ini(self) -> str:
        """Its name in an ini file, and of its value."""
        return f"grade_{self.name.replace('-', '_')}"

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return "CONFORMANCE_AGENT" if self.name == "agent" else f"CONFORMANCE_{self.ini.upper()}"

    @property
    def metavar(self) -> str:
        """What stands for its value in the help."""
        return self.name.rpartition("-")[2].upper()

    @property
    def same(self) -> str:
        """What the help says of its ini name."""
        return f"as {self.flag}, or in the environment {self.variable}"


OPTIONS = (
    Option("agent", "The agent to grade: KIND:VALUE, or an agent.toml. Nothing happens without."),
    Option("claim", "What to hold it to: L2, T1, L2/T1 or L2/T1/B. None: climb."),
    Option("base-url", "The endpoint of chat:MODEL or --grade-model, OpenAI-compatible."),
    Option("model", "What an agent with its own loop is to ask its model for, at --base-url."),
    Option("api-key-env", "The environment variable that holds the endpoint's key."),
    Option("python", "The interpreter of python:MODULE:FUNCTION."),
    Option("sandbox", "What holds a program.", choices=("bubblewrap", "docker", "podman", "none")),
    Option("image", "The image of a container."),
    Option(
        "style",
        "How chat: calls tools; auto asks a probe.",
        choices=("auto", "native", "structured"),
        default="auto",
    ),
    Option("plan", "How much certainty: screen, certify or fixed.", default="screen"),
    Option("edition", "An edition's folder; the one shipped by default.", "path"),
    Option("sealed", "The folder of a sealed edition.", "path"),
    Option("lang", "Tasks in one language only.", choices=("zh", "en")),
    Option("seed", "A text to make the seed from; not evidence against selection."),
    Option("seed-of", "The bundle of an ended campaign whose seed is taken, to compare.", "path"),
    Option("out", "The bundle's folder; a new one under runs/ by default.", "path"),
    Option("resume", "Go on with the campaign in --grade-out.", "flag"),
    Option("concurrency", "Trials at once, in each worker.", "count"),
    Option("max-time", "End in order after this: 8m, 90s, 1h30m.", "time"),
    Option("max-calls", "End in order after so many calls.", "count"),
    Option("trial-time", "Time of a trial.", "time", default=600.0),
    Option("trial-calls", "Model calls of a trial.", "count", default=60),
    Option("trial-tokens", "Tokens of a trial.", "count", default=400_000),
    Option("trial-tool-calls", "Tool calls of a trial.", "count", default=120),
    Option("twins", "Try instances in the other language too; for the report only.", "flag"),
    Option("baseline", "A YAML file of expected failures; a stale entry fails.", "path"),
    Option("no-report", "Write no report.html.", "flag"),
    Option("collect", "Print the plan and what it would cost, and run nothing.", "flag"),
)
SHORT = {"--agent": "agent", "--claim": "claim", "--base-url": "base-url"}
"""Second names of options, where no other plugin and no conftest has them."""


def add_options(parser: pytest.Parser) -> None:
    """Register the options and their ini equivalents."""
    group = parser.getgroup("grade", "grading an agent (conformance)")
    for option in OPTIONS:
        what = f"{option.help}{_possible(option)}"
        if option.kind == "flag":
            group.addoption(
                option.flag, dest=option.ini, action="store_true", default=None, help=what
            )
            parser.addini(option.ini, option.same, type="bool", default=None)
        else:
            group.addoption(
                option.flag, dest=option.ini, default=None, metavar=option.metavar, help=what
            )
            parser.addini(option.ini, option.same, default=None)


def hide_short_values(namespace: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Take the values of the short names out of what pytest so far holds for test paths.

    The short names are registered late, so that a conftest may have options of the same names.
    """
    for name, value in itertools.pairwise(arguments):
        if name in SHORT and value in namespace.file_or_dir:
            namespace.file_or_dir.remove(value)


def add_short_names(parser: pytest.Parser) -> None:
    """Register the short names that nobody else has."""
    group = parser.getgroup("grade")
    taken = set(_names(parser))
    for short, name in SHORT.items():
        if short not in taken:
            option = next(option for option in OPTIONS if option.name == name)
            what = f"as {option.flag}"
            group.addoption(short, dest=option.ini, default=None, metavar=option.metavar, help=what)


def read_options(config: pytest.Config) -> dict[str, Any] | None:
    """Return every option's value by name, or None where no agent is named.

    Raises:
        pytest.UsageError: a value that is none, or an option without an agent.
    """
    found = {option.name: _value(option, config) for option in OPTIONS}
    if found["agent"]:
        if found["base-url"] is None:
            found["base-url"] = _base_url_of_another(config)
        return found
    for option in OPTIONS:
        if config.getoption(option.ini, None) is not None:
            raise pytest.UsageError(
                f"{option.flag}: no agent is named to grade — name one: --grade-agent agent.toml"
            )
    return None


def _base_url_of_another(config: pytest.Config) -> str | None:
    """Return what was given as ``--base-url`` where that is another plugin's option.

    Its default is not for us: it is the address of what is tested there.
    """
    is_given = any(str(a).partition("=")[0] == "--base-url" for a in config.invocation_params.args)
    found: str | None = config.getoption("base_url", None) if is_given else None
    return found


def said(error: Exception) -> str:
    """Return an error of the engine in one inert line, its options called as they are here."""
    from conformance.report.inert import inert_line

    text = inert_line(str(error), 4000)
    names = "|".join(option.name for option in OPTIONS if f"--{option.name}" not in SHORT)
    return re.sub(rf"(?<![\w-])--({names})\b(?!-)", r"--grade-\1", text)


def _value(option: Option, config: pytest.Config) -> Any:
    given = config.getoption(option.ini, None)
    if given is not None:
        return _read(option, given, option.flag, config.invocation_params.dir)
    given = os.environ.get(option.variable)
    if given:
        return _read(option, given, option.variable, config.invocation_params.dir)
    given = config.getini(option.ini)
    if given is not None and given != "":
        place = config.inipath.parent if config.inipath is not None else config.rootpath
        return _read(option, given, option.ini, place)
    return option.default


def _read(option: Option, given: Any, where: str, place: Path) -> Any:
    """Return a value as its kind has it.

    Args:
        option: The option it is of.
        given: The value as it was written.
        where: Where it was written.
        place: The folder that its paths are relative to.

    Raises:
        pytest.UsageError: it is none.
    """
    if isinstance(given, bool):
        return given
    text = str(given)
    if option.choices and text not in option.choices:
        raise pytest.UsageError(f"{where}: {text!r} is none of {', '.join(option.choices)}")
    match option.kind:
        case "flag":
            return _read_flag(text, where)
        case "count":
            return _read_count(text, where)
        case "time":
            from conformance.durations import read_duration

            try:
                return read_duration(text)
            except ValueError as error:
                raise pytest.UsageError(f"{where}: {error}") from None
        case "path":
            return str(place / Path(text).expanduser())
        case _:
            is_file = option.name == "agent" and text.endswith(".toml")
            return str(place / Path(text).expanduser()) if is_file else text


def _read_flag(text: str, where: str) -> bool:
    if text.lower() not in (*TRUE, *FALSE):
        raise pytest.UsageError(f"{where}: {text!r} is neither true nor false")
    return text.lower() in TRUE


def _read_count(text: str, where: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise pytest.UsageError(f"{where}: {text!r} is no number from 1 up")
    return int(text)


def _possible(option: Option) -> str:
    return f" One of: {', '.join(option.choices)}." if option.choices else ""


def _names(parser: pytest.Parser) -> Iterator[str]:
    """Yield the names of all options registered so far, whoever registered them."""
    # pytest has no public way to ask; both lists are there in every release since 3.0.
    for group in (*parser._groups, parser._anonymous):  # noqa: SLF001
        for option in group.options:
            yield from option.names()
