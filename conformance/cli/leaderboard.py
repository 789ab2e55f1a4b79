"""``conformance leaderboard``: from a folder of submissions to the site."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from conformance.cli.options import json_option, print_json, spoken
from conformance.errors import EvidenceInvalidError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.evidence.registry import Mounts
    from conformance.report.board.entries import Board


def mount_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--edition`` and ``--sealed``, each as often as there are any, and ``--jobs``."""
    for option in (
        click.option(
            "--jobs",
            type=click.IntRange(1, 256),
            help="Submissions graded at once; as many as there are cores by default.",
        ),
        click.option(
            "--sealed",
            "sealed_roots",
            type=click.Path(path_type=Path),
            multiple=True,
            metavar="PATH",
            help="The folder of a sealed edition; may be repeated.",
        ),
        click.option(
            "--edition",
            "edition_roots",
            type=click.Path(path_type=Path),
            multiple=True,
            metavar="PATH",
            help="An edition's folder; may be repeated. The one shipped by default.",
        ),
    ):
        function = option(function)
    return function


@click.command("leaderboard", short_help="Make the leaderboard site of a folder of submissions.")
@click.argument("reports", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("site"),
    show_default=True,
    help="The site's folder: new, or a site made before.",
)
@mount_options
@json_option
def command(
    reports: Path,
    out: Path,
    edition_roots: tuple[Path, ...],
    sealed_roots: tuple[Path, ...],
    jobs: int | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Make a static site of the folders in REPORTS, each of them graded again first.

    Only what re-grades clean is shown; what was refused is named, and the exit code is 7 then.
    Every result is marked as self-declared: what a bundle says of its own standing is not read.

    Example:  conformance leaderboard reports/ --out site/
    """
    from conformance.evidence.registry import Mounts

    mounts = Mounts(edition_roots or (None,), sealed_roots)
    board, files = make_site(reports, out, mounts, jobs)
    code = EvidenceInvalidError.exit_code if board.refused else 0
    if as_json:
        print_json(
            {
                "site": str(out),
                "entries": len(board.entries),
                "refused": board.refused,
                "files": [str(path) for path in files],
                "exit_code": code,
            }
        )
    else:
        sys.stdout.write(f"{out / 'index.html'}\n")
    return code


def make_site(
    reports: Path, out: Path, mounts: Mounts, jobs: int | None
) -> tuple[Board, list[Path]]:
    """Grade every submission again and write the site; say on stderr what was refused.

    Raises:
        UsageError: there is no such folder, it is a bundle, or ``out`` is something else than a
            site.
    """
    from conformance.cli.status_line import StatusLine
    from conformance.evidence.registry import read_registry
    from conformance.report.board.badges import write_badges
    from conformance.report.board.exports import has_parquet, write_exports
    from conformance.report.board.site import check_site, write_site
    from conformance.report.board.submitted import build_board, report_page

    check_site(out, reports)
    with StatusLine(spoken()) as line:
        registry = read_registry(
            reports,
            mounts,
            jobs=jobs or os.cpu_count() or 1,
            progress=lambda _, done, of: line.brief(line.words("graded", done=done, of=of)),
        )
        board = build_board(registry)
        for refusal in board.refused:
            for problem in refusal.problems:
                line.line(
                    f"conformance: {line.words('refused', folder=refusal.folder, problem=problem)}"
                )
        if not has_parquet():
            line.line(f"conformance: {line.words('no_parquet')}")
        line.brief(line.words("writing"))
        files = write_site(
            board, out, reports, also=(write_exports, write_badges), render=report_page
        )
    return board, files
