"""The page on every command with all its options, read from the commands themselves."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, NamedTuple

import rich_click as click

from conformance.cli import cli
from docs.generator.words import cell, table, word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docs.generator.words import Lang

PLAIN = (str, int, float)


class Verb(NamedTuple):
    """A command that does something, with the words that call it."""

    words: tuple[str, ...]
    command: click.Command
    context: click.Context

    @property
    def name(self) -> str:
        """Return the words that call it."""
        return " ".join(self.words)

    @property
    def key(self) -> str:
        """Return its key in the texts."""
        return "_".join(self.words[1:])


def every_verb() -> list[Verb]:
    """Return every command that can be called, in the order of the help."""
    return list(_under(cli, "conformance", None))


def _under(command: click.Command, name: str, parent: click.Context | None) -> Iterator[Verb]:
    context = click.Context(command, info_name=name, parent=parent)
    does_something = not isinstance(command, click.Group) or command.invoke_without_command
    if does_something:
        yield Verb(tuple(context.command_path.split()), command, context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _under(found, child, context)


def commands_page(lang: Lang) -> str:
    """Return the page: a table of all, then each with its options and examples."""
    verbs = every_verb()
    lines = [f"# {word('commands.heading', lang)}", "", word("generated", lang), ""]
    lines += [word("commands.lead", lang), ""]
    rows = [
        [f"[`{verb.name}`](#{'-'.join(verb.words)})", word(f"verbs.{verb.key}", lang)]
        for verb in verbs
    ]
    lines += table(["", ""], rows)
    for verb in verbs:
        lines += ["", f"## {verb.name}", "", *_verb(verb, lang)]
    return "\n".join(lines).rstrip() + "\n"


def _verb(verb: Verb, lang: Lang) -> Iterator[str]:
    told, examples = _help(verb.command)
    usage = " ".join(verb.command.collect_usage_pieces(verb.context))
    yield f"{word(f'verbs.{verb.key}', lang)}"
    yield ""
    yield f"`{verb.name} {usage}`"
    if lang == "en":
        for paragraph in told:
            yield ""
            yield cell(paragraph)
    options = [item for item in verb.command.params if isinstance(item, click.Option)]
    if options:
        headings = ("option", "value", "default", "what")
        yield ""
        yield from table(
            [word(f"commands.{name}", lang) for name in headings],
            [_option(item, verb.context, lang) for item in options],
        )
    if examples:
        yield ""
        yield "<!-- not run: the command's own examples; held against its options -->"
        yield "```sh"
        yield from examples
        yield "```"


def _help(command: click.Command) -> tuple[list[str], list[str]]:
    """Return what a command's help says, in paragraphs, and its examples."""
    told, _, after = inspect.cleandoc(command.help or "").partition("Example")
    examples = [line.strip() for line in after.partition(":")[2].splitlines() if line.strip()]
    paragraphs = [part.replace("\b", "").strip() for part in told.split("\n\n")]
    return [part for part in paragraphs if part], examples


def _option(item: click.Option, context: click.Context, lang: Lang) -> list[str]:
    names = ", ".join(f"`{name}`" for name in (*item.opts, *item.secondary_opts))
    value = "" if item.is_flag else f"`{cell(item.make_metavar(context))}`"
    if item.required:
        default = word("commands.required", lang)
    elif not item.is_flag and isinstance(item.default, PLAIN) and item.default != "":
        default = f"`{item.default}`"
    elif isinstance(item.envvar, str):
        default = f"`${item.envvar}`"
    else:
        default = ""
    told = cell(item.help or "")
    if item.multiple:
        told = f"{told} {word('commands.multiple', lang)}".strip()
    return [names, value, default, told]
