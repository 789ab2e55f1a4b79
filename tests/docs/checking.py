"""How one command of the docs is checked: run in a folder, or held against its own options."""

import ast
import contextlib
import io
import re
import shlex

import rich_click as click

from conformance import cli
from conformance.plugin.options import OPTIONS, SHORT
from tests.docs.blocks import ROOT

ENDS = re.compile(r"(?:exit code|退出码) (\d)")
"""What a line's comment says it ends with; else 0."""
NOX = re.compile(r"^(?:(?:\S*python3?|uvx|pipx run) (?:-m )?)?nox$")
GRADING = ("certify", "profile")
"""Sessions whose arguments after ``--`` go to the verb of that name."""


def steps(line):
    """Return the simple commands of a line, each a list of words, with where its output goes."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|<>;")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    found, words, target = [], [], None
    tokens = iter(lexer)
    for token in tokens:
        if token in ("&&", ";"):
            found.append((words, target))
            words, target = [], None
        elif token in (">", ">>"):
            target = next(tokens)
        else:
            assert not set(token) <= set("&|<>;"), f"{line}: {token} is not understood here"
            words.append(token)
    return [*found, (words, target)]


def run_line(line, folder):
    """Run a line in a folder, and see it end with the code that its comment says, or 0."""
    with contextlib.chdir(folder):
        for words, target in steps(line):
            printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
            with contextlib.redirect_stdout(printed):
                code = _run(words, line)
                printed.flush()
            if target is not None:
                (folder / target).write_bytes(printed.buffer.getvalue())
            said = ENDS.search(line)
            assert code == (int(said[1]) if said else 0), f"{line}\nexit code {code}"


def _run(words, line):
    assert words[0] == "conformance", f"{line}\nis no command that is run here: mark its block"
    return cli.run(words[1:])


def check_options(line, parser):
    """Hold a line against the options of its command; what is no command of ours passes.

    Args:
        line: The line.
        parser: pytest's own, with the options of every plugin.

    Raises:
        AssertionError: an option, verb or session that is not there.
    """
    for words, _ in steps(line):
        called, rest = _nox(words)
        if called:
            _check_sessions(rest)
        elif words[0] == "conformance":
            check_verb(words[1:])
        elif words[0] == "pytest" or words[:3] == ["python3", "-m", "pytest"]:
            known = {*pytest_options(parser), *(o.flag for o in OPTIONS), *SHORT}
            given = {word.partition("=")[0] for word in words if word.startswith("-")}
            assert given <= known, f"{line}\npytest knows no {given - known}"


def pytest_options(parser):
    """Yield the options of pytest itself and of the plugins that are loaded."""
    for group in (*parser._groups, parser._anonymous):
        for option in group.options:
            yield from option.names()


def check_verb(words):
    """Parse the words after ``conformance`` as the command does, and run nothing."""
    command, context, rest = cli.cli, None, list(words)
    name = "conformance"
    while True:
        try:
            context = command.make_context(name, rest, parent=context)
        except click.exceptions.Exit:  # --help and --version print and end
            return
        except click.ClickException as error:
            told = f"conformance {shlex.join(words)}\n{error.format_message()}"
            raise AssertionError(told) from error
        rest = [*context._protected_args, *context.args]
        if not isinstance(command, click.Group) or not rest:
            return
        name, command, rest = command.resolve_command(context, rest)


def sessions():
    """Return the names of nox's sessions, from the noxfile's text."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any("nox.session" in ast.unparse(item) for item in node.decorator_list)
    }


def _nox(words):
    """Return whether a command is nox, and the words after it."""
    for at, word in enumerate(words):
        if word == "nox" and "install" not in words[:at]:
            assert NOX.match(" ".join(words[: at + 1])), words
            return True, words[at + 1 :]
    return False, []


def _check_sessions(rest):
    cut = rest.index("--") if "--" in rest else len(rest)
    own, given = rest[:cut], rest[cut + 1 :]
    if own == ["-l"]:
        return
    assert own[0] == "-s", own
    assert set(own[1:]) <= sessions(), f"no session {set(own[1:]) - sessions()}"
    if given and own[1] in GRADING:
        assert len(own) == 2, own
        words = [own[1], *given]
        if own[1] == "certify" and "--agent" not in words:
            words += ["--agent", "chat:local"]
        check_verb(words)
