"""What ``--help`` says, in the user's language, and groups whose commands are imported late."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from conformance.own_yaml import read_own_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

C = TypeVar("C", bound=click.Command)

_LOOKS = {
    "options_panel_title": "选项",
    "commands_panel_title": "命令",
    "default_string": "\\[默认：{}]",
    "envvar_string": "\\[环境变量：{}]",
    "required_long_string": "[必填]",
}
_KEPT = "\b"
"""click's mark of a paragraph whose lines are to be kept."""


class LazyGroup(click.RichGroup):
    """A group some of whose commands are imported when they are called: start-up is a bar."""

    def __init__(self, *args: Any, elsewhere: Mapping[str, str], **more: Any) -> None:
        """Make the group.

        Args:
            args: As of any group.
            elsewhere: The module of each command imported late, which holds it as ``command``.
            more: As of any group.
        """
        super().__init__(*args, **more)
        self.elsewhere = elsewhere
        self.is_chinese = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, those imported late as the last."""
        return [*super().list_commands(ctx), *self.elsewhere]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, imported now."""
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        command: click.Command = importlib.import_module(self.elsewhere[cmd_name]).command
        return in_chinese(command) if self.is_chinese else command


def in_chinese(command: C) -> C:
    """Return the command with its help, and that of all below it, in Chinese."""
    made = copy.copy(command)
    made.help = "\n\n".join(_paragraph(part) for part in paragraphs(command))
    if command.short_help is not None:
        made.short_help = chinese(command.short_help)
    made.params = [_parameter(item) for item in command.params]
    made.add_help_option = False
    click.help_option("-h", "--help", help=chinese("Show this message and exit."))(made)
    made.context_settings = {**command.context_settings, "rich_help_config": _LOOKS}
    if isinstance(made, click.Group):
        made.commands = {name: in_chinese(child) for name, child in made.commands.items()}
    if isinstance(made, LazyGroup):
        made.is_chinese = True
    return made


def paragraphs(command: click.Command) -> list[str]:
    """Return the paragraphs of a command's help, in English."""
    return inspect.cleandoc(command.help or "").split("\n\n")


def is_examples(paragraph: str) -> bool:
    """Say whether a paragraph is of command lines below a heading."""
    return _heading(paragraph) in {"Example", "Examples", "Start with"}


def chinese(text: str) -> str:
    """Return a text of the help in Chinese; as it is where ``help.yaml`` lacks it."""
    return catalogue().get(" ".join(text.split()), text)


def _paragraph(text: str) -> str:
    """Return a paragraph in Chinese; of examples, the heading."""
    if not is_examples(text):
        return chinese(text)
    heading = _heading(text)
    return text.replace(f"{heading}:", f"{chinese(heading)}：", 1)


def _heading(paragraph: str) -> str:
    return paragraph.removeprefix(f"{_KEPT}\n").partition(":")[0]


def _parameter(item: click.Parameter) -> click.Parameter:
    made = copy.copy(item)
    if isinstance(made, click.Option) and made.help:
        made.help = chinese(made.help)
    return made


@functools.cache
def catalogue() -> dict[str, str]:
    """Return the Chinese of each text, by the English in one line."""
    text = Path(__file__).with_name("help.yaml").read_text(encoding="utf-8")
    found: dict[str, str] = read_own_yaml(text)
    return found
