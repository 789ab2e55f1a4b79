"""The page on every command with all its options, read from the commands themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import rich_click as click

from conformance.cli import cli
from conformance.cli.language import is_examples, paragraphs
from docs.generator.words import cell, spoken, table, word

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
        [f"[`{verb.name}`](#{'-'.join(verb.words)})", cell(spoken(_short(verb), lang))]
        for verb in verbs
    ]
    lines += table(["", ""], rows)
    for verb in verbs:
        lines += ["", f"## {verb.name}", "", *_verb(verb, lang)]
    return "\n".join(lines).rstrip() + "\n"


def _verb(verb: Verb, lang: Lang) -> Iterator[str]:
    told, examples = _help(verb.command)
    usage = " ".join(verb.command.collect_usage_pieces(verb.context))
    yield f"`{verb.name} {usage}`"
    for paragraph in told:
        yield ""
        yield cell(spoken(paragraph, lang))
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


def _short(verb: Verb) -> str:
    return verb.command.short_help or paragraphs(verb.command)[0]


def _help(command: click.Command) -> tuple[list[str], list[str]]:
    """Return what a command's help says, in paragraphs, and its examples."""
    told = paragraphs(command)
    shown = [part for part in told if not is_examples(part)]
    below = [part.partition(":")[2] for part in told if is_examples(part)]
    lines = [line.strip() for part in below for line in part.splitlines()]
    return shown, [line for line in lines if line]


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
    told = cell(spoken(item.help or "", lang))
    if item.multiple:
        told += word("commands.multiple", lang)
    return [names, value, default, told]
