"""``conformance submit``: put a clean bundle among the submissions, and make the site anew."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import rich_click as click

from conformance.cli.leaderboard import make_site, mount_options
from conformance.cli.options import existing_bundle, json_option, print_json


@click.command("submit", short_help="Copy a clean bundle among the submissions.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "reports",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="The folder of submissions.",
)
@click.option(
    "--site",
    type=click.Path(path_type=Path),
    help="Make this site anew too; the bundle goes in only if that succeeds.",
)
@mount_options
@json_option
def command(
    bundle: Path,
    reports: Path,
    site: Path | None,
    edition_roots: tuple[Path, ...],
    sealed_roots: tuple[Path, ...],
    jobs: int | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Copy BUNDLE into the folder of submissions, if it is one that the leaderboard shows.

    It must re-grade clean, be new there, and hold no key, credentials or home folder. Its
    manifest's files are copied, and nothing else. Whole or not at all.

    Example:  conformance submit runs/2026-11-23-120000 --to reports/ --site site/
    """
    from conformance.evidence.bundle import bundle_id
    from conformance.evidence.registry import Mounts, load_editions
    from conformance.evidence.submit import submit_bundle
    from conformance.report.board.submitted import slug_of

    mounts = Mounts(edition_roots or (None,), sealed_roots)
    folder = existing_bundle(bundle)
    target = submit_bundle(folder, reports, slug_of, load_editions(mounts))
    if site is not None:
        try:
            make_site(reports, site, mounts, jobs)
        except BaseException:
            shutil.rmtree(target)
            raise
    if as_json:
        names = {"submission": str(target), "bundle_id": bundle_id(target)}
        print_json({**names, "site": None if site is None else str(site)})
    else:
        sys.stdout.write(f"{target}\n")
        if site is not None:
            sys.stdout.write(f"{site / 'index.html'}\n")
    return 0
