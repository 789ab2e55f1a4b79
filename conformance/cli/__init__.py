"""The command: one module a verb, imported when its verb is called."""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import rich_click as click

import conformance
from conformance.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Verb(NamedTuple):
    module: str
    summary: str


VERBS = {
    "certify": _Verb("certify", "Grade an agent: level, trust grade, efficiency class."),
    "grade": _Verb("grade", "Verify a bundle and grade it again, offline."),
    "report": _Verb("report", "Write the report of a bundle again."),
    "edition": _Verb("edition", "Check, show or start an edition: clauses, families, graders."),
    "tasks": _Verb("tasks", "List, show, check or play the task families."),
    "probe": _Verb("probe", "Say in seconds whether an agent can be graded, and how."),
    "model": _Verb("model", "Get the embedded model's weights."),
    "serve": _Verb("serve", "Serve the embedded model on loopback."),
    "doctor": _Verb("doctor", "Say what this machine has and lacks."),
}


class _LazyGroup(click.RichGroup):
    """A group whose commands are imported when they are called: start-up is a bar."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module = importlib.import_module(f"conformance.cli.{verb.module}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: Any) -> None:
        """List the verbs from the table above, without importing one."""
        from rich.table import Table

        del ctx
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
        for name, verb in VERBS.items():
            table.add_row(f"[bold cyan]{name}[/]", verb.summary)
        formatter.write(table)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(conformance.__version__, prog_name="conformance")
def cli() -> None:
    """Grade an agent's agency level (L1-L5), trust grade and efficiency class, on evidence that
    anyone can check again.

    Start with:  conformance certify --agent chat:local --max-time 8m
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with the code of the design's table."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(given))


def run(arguments: list[str]) -> int:
    """Run the command; return its exit code. A user's mistake is one line on stderr."""
    try:
        code = cli.main(args=arguments, prog_name="conformance", standalone_mode=False)
    except click.ClickException as error:
        code = _usage(error, arguments)
    except click.Abort:
        code = _fail("interrupted", 2, arguments)
    except ConformanceError as error:
        code = _fail(str(error), error.exit_code, arguments, error)
    except KeyboardInterrupt:
        code = _fail("interrupted", 2, arguments)
    return int(code or 0)


def _usage(error: click.ClickException, arguments: list[str]) -> int:
    context = getattr(error, "ctx", None)
    hint = f" — see {context.command_path} --help" if context is not None else ""
    return _fail(f"{error.format_message().rstrip('.')}{hint}", 4, arguments)


def _fail(
    message: str, code: int, arguments: list[str], error: ConformanceError | None = None
) -> int:
    sys.stderr.write(f"conformance: {message}\n")
    if "--json" in arguments:
        details = {"what": error.what, "where": error.where, "mend": error.mend} if error else {}
        document = {"error": {"message": message, **details}, "exit_code": code}
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    return code
