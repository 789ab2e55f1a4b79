"""The command: one module a verb, imported when its verb is called."""

from __future__ import annotations

import itertools
import json
import sys
import traceback
from typing import TYPE_CHECKING

import rich_click as click

import conformance
from conformance.cli.language import LazyGroup, in_chinese
from conformance.errors import ConformanceError
from conformance.exit_codes import ExitCode
from conformance.report.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.authoring import Lang


VERBS = (
    "certify",
    "grade",
    "report",
    "evaluate",
    "diff",
    "edition",
    "tasks",
    "probe",
    "profile",
    "model",
    "serve",
    "leaderboard",
    "submit",
    "doctor",
)
"""Each is a module of this package that holds its command."""

_LONGEST = 4_000
"""Characters of an error that are shown."""


@click.group(
    cls=LazyGroup,
    elsewhere={verb: f"{__name__}.{verb}" for verb in VERBS},
    context_settings={"help_option_names": ["-h", "--help"]},
)
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
        root = in_chinese(cli) if _language(arguments) == "zh" else cli
        code = root.main(args=arguments, prog_name="conformance", standalone_mode=False)
    except click.ClickException as error:
        code = _usage(error, arguments)
    except click.Abort:
        code = _fail("interrupted", ExitCode.INTERRUPTED, arguments)
    except ConformanceError as error:
        code = _fail(str(error), error.exit_code, arguments, error)
    except KeyboardInterrupt:
        code = _fail("interrupted", ExitCode.INTERRUPTED, arguments)
    except Exception as error:  # noqa: BLE001 - a fault of ours: the trace helps to mend it
        traceback.print_exc()
        told = f"internal error, {type(error).__name__}: {error}"
        code = _fail(told, ExitCode.INTERNAL, arguments)
    return int(code or 0)


def _language(arguments: list[str]) -> Lang:
    """Return the language that ``--locale`` asks for, else that of the terminal."""
    words = [word for given in arguments for word in given.split("=", 1)]
    named = [b for a, b in itertools.pairwise(words) if a == "--locale"]
    return spoken(named[-1] if named else None)


def _usage(error: click.ClickException, arguments: list[str]) -> int:
    context = getattr(error, "ctx", None)
    hint = f" — see {context.command_path} --help" if context is not None else ""
    return _fail(f"{error.format_message().rstrip('.')}{hint}", ExitCode.USAGE, arguments)


def _fail(
    message: str, code: int, arguments: list[str], error: ConformanceError | None = None
) -> int:
    from conformance.report.inert import inert_line

    # An error may quote what an endpoint or a stranger's bundle says.
    sys.stderr.write(f"conformance: {inert_line(message, _LONGEST)}\n")
    if "--json" in arguments:
        details = {"what": error.what, "where": error.where, "mend": error.mend} if error else {}
        document = {"error": {"message": message, **details}, "exit_code": code}
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    return code
