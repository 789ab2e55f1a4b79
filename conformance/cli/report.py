"""``conformance report``: write the report of a bundle again."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from conformance.cli.options import existing_bundle, json_option, print_json


@click.command("report", short_help="Write the report of a bundle again.")
@click.argument("bundle", type=click.Path(path_type=Path))
@json_option
def command(bundle: Path, as_json: bool) -> int:  # noqa: FBT001
    """Write BUNDLE/report.html again; a report is a rendering, never evidence.

    Example:  conformance report runs/2026-11-23-120000
    """
    from conformance.report.html import write_report

    path = write_report(existing_bundle(bundle))
    if as_json:
        print_json({"report": str(path)})
    else:
        sys.stdout.write(f"{path}\n")
    return 0
