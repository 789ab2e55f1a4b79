"""``conformance profile show``: a profile, computed again from its logs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import rich_click as click

from conformance.cli.options import console, json_option, locale_option, print_json, spoken
from conformance.errors import EvidenceInvalidError, UsageError
from conformance.profile.peers import Tool

if TYPE_CHECKING:
    from conformance.profile.document import ProfileDocument

TOOLS = get_args(Tool)


@click.command("show", short_help="Show a profile, computed again from its logs.")
@click.argument("path", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "tool",
    type=click.Choice(TOOLS),
    help="The figures as another tool defines them, under its own names.",
)
@locale_option
@json_option
def command(path: Path, tool: Tool | None, locale_name: str | None, as_json: bool) -> int:  # noqa: FBT001
    """Show the profile in FOLDER, each point computed again from its log.

    Exit code 7 where profile.json says otherwise than the logs. FOLDER may be a bundle that holds
    a profile, or one log by itself with --as.

    \b
    Examples:
      conformance profile show runs/FOLDER
      conformance profile show runs/FOLDER --as vllm
      conformance profile show runs/FOLDER/logs/load-16.jsonl --as aiperf
    """  # noqa: D301 - click's mark for lines to be kept
    if not path.exists():
        raise UsageError(
            "there is no such folder", where=str(path), mend="name one that profile wrote"
        )
    if path.is_file():
        if tool is None:
            raise UsageError(
                "is one log",
                where=str(path),
                mend="name its folder, or say --as " + ", ".join(TOOLS),
            )
        return _show_as({path.name: path}, tool, as_json=as_json)
    folder = path / "profile" if (path / "profile" / "profile.json").is_file() else path
    from conformance.profile.reread import differences, read_profile

    document = read_profile(folder)
    problems = list(differences(folder))
    for problem in problems:
        sys.stderr.write(f"conformance: {problem}\n")
    code = EvidenceInvalidError.exit_code if problems else 0
    if tool is not None:
        logs = {point.log: folder / point.log for point in document.all_points}
        return _show_as(logs, tool, as_json=as_json) or code
    if as_json:
        print_json(
            {
                "reproduced": not problems,
                "problems": problems,
                "exit_code": code,
                **msgspec.to_builtins(document),
            }
        )
    else:
        from conformance.report.profile import print_profile

        print_profile(console(), document, spoken(locale_name))
        if not problems:
            console().print(f"reproduced from {len(document.all_points)} logs")
            _say_trials(path, folder, document)
    return code


def _say_trials(path: Path, folder: Path, document: ProfileDocument) -> None:
    """Say where the outcomes of graded trials are checked: here only what follows from them is."""
    if document.solved:
        bundles = [path] if folder != path else sorted((folder / "live").glob("*/"))
        for bundle in bundles:
            console().print(f"its trials: conformance grade {bundle}", markup=False)


def _show_as(logs: dict[str, Path], tool: Tool, *, as_json: bool) -> int:
    from conformance.profile.log import read_log
    from conformance.profile.peers import NOTES, as_peer

    found: dict[str, dict[str, Any]] = {
        name: as_peer(read_log(path), tool) for name, path in logs.items()
    }
    if as_json:
        print_json({"as": tool, "notes": NOTES[tool], "logs": found})
        return 0
    from rich.table import Table

    table = Table(title=f"as {tool} defines it", title_justify="left")
    table.add_column("")
    for name in found:
        table.add_column(Path(name).stem, justify="right")
    for metric in dict.fromkeys(metric for figures in found.values() for metric in figures):
        values = [figures.get(metric) for figures in found.values()]
        table.add_row(metric, *("–" if value is None else f"{value:,.3f}" for value in values))
    console().print(table)
    for note in NOTES[tool]:
        console().print(note, markup=False, style="dim")
    return 0
