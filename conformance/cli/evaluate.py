"""``conformance evaluate``: the technical evaluation of a bundle, shown and recorded."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from conformance.cli.options import (
    console,
    edition_option,
    existing_bundle,
    json_option,
    locale_option,
    print_json,
    spoken,
)
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.authoring import Lang
    from conformance.edition import Edition
    from conformance.evidence.documents import EvaluationDocument
    from conformance.evidence.reviewing import Change

NEEDED = ("verdict", "evidence", "reviewer", "role")
"""What a verdict is not taken without."""


@click.command("evaluate", short_help="Show a bundle's technical evaluation, or record a verdict.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--item", help="The item to record: EV-PER.")
@click.option("--verdict", type=click.Choice(["pass", "fail"]), help="What the reviewer found.")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What it rests on; copied into the bundle.",
)
@click.option("--reviewer", metavar="NAME", help="Who found it.")
@click.option("--role", help="By what right: auditor, safety officer.")
@click.option("--date", help="The day of the review, as 2026-11-23; today by default.")
@click.option("--remark", metavar="TEXT", help="One line more, if there is more to say.")
@click.option("--withdraw", is_flag=True, help="Take the verdict on the item back.")
@edition_option
@locale_option
@json_option
def command(**given: Any) -> int:
    """Show the technical evaluation of BUNDLE, the part no machine sees, or record a verdict.

    A recorded verdict changes no machine result. The evidence is copied into the bundle and the
    bundle is sealed again, so its id changes; the ids it had are kept. The mode on the certificate
    becomes "agent testing plus technical evaluation" when every item has a verdict. Exit code 7
    where the bundle was changed after it was sealed.

    \b
    Examples:
      conformance evaluate runs/2026-11-23-120000
      conformance evaluate runs/2026-11-23-120000 --item EV-PER --verdict pass \\
          --evidence permissions.pdf --reviewer NAME --role auditor
      conformance evaluate runs/2026-11-23-120000 --item EV-PER --withdraw
    """  # noqa: D301 - click's mark for lines to be kept
    from conformance.edition import load
    from conformance.evidence.reviewing import show_evaluation

    is_change = _is_change(given)
    folder = existing_bundle(given["bundle"])
    edition = load(given["edition_root"])
    if is_change:
        change = _change(folder, edition, given)
        document = change.document
    else:
        change, document = None, show_evaluation(folder, edition, time.time())
    stale = [] if change is None else _render_again(folder)
    if given["as_json"]:
        print_json(_document(folder, document, change))
    else:
        _print(folder, document, change, spoken(given["locale_name"]))
    if stale:
        names = ", ".join(str(folder / name) for name in stale)
        sys.stderr.write(
            f"conformance: of the bundle before this change: {names} — "
            "write again with conformance report\n"
        )
    return 0


def _is_change(given: dict[str, Any]) -> bool:
    """Say whether a verdict is to be recorded or withdrawn.

    Raises:
        UsageError: options are missing, or contradict each other.
    """
    said = [name for name in (*NEEDED, "date", "remark") if given[name] is not None]
    if given["withdraw"]:
        if said:
            raise UsageError(
                f"goes without --{said[0]}", where="--withdraw", mend="name the item alone"
            )
    elif not said and given["item"] is None:
        return False
    if given["item"] is None:
        raise UsageError("which item?", where="--item", mend="name one: --item EV-PER")
    missing = [] if given["withdraw"] else [f"--{n}" for n in NEEDED if given[n] is None]
    if missing:
        raise UsageError(
            f"needs {', '.join(missing)} too",
            where=f"--item {given['item']}",
            mend="or --withdraw, to take a verdict back",
        )
    return True


def _change(folder: Path, edition: Edition, given: dict[str, Any]) -> Change:
    from conformance.evidence.reviewing import Review, record_review, withdraw_review

    now = time.time()
    if given["withdraw"]:
        return withdraw_review(folder, edition, given["item"], now)
    today = datetime.fromtimestamp(now, UTC).astimezone().date().isoformat()
    review = Review(
        item=given["item"],
        verdict=given["verdict"],
        evidence=given["evidence"],
        reviewer=given["reviewer"],
        role=given["role"],
        date=given["date"] or today,
        remark=given["remark"],
    )
    return record_review(folder, edition, review, now)


def _render_again(folder: Path) -> list[str]:
    """Write the report of a changed bundle again where it has one; return what stays stale."""
    from conformance.evidence import bundle
    from conformance.report.html import write_report

    there = [name for name in bundle.RENDERINGS if (folder / name).is_file()]
    if bundle.REPORT in there:
        write_report(folder)
    return [name for name in there if name != bundle.REPORT]


def _document(folder: Path, document: EvaluationDocument, change: Change | None) -> dict[str, Any]:
    from conformance.evidence.bundle import bundle_id
    from conformance.evidence.evaluation import is_evaluated, mode_of

    content: dict[str, Any] = msgspec.to_builtins(document)
    return {
        "bundle": str(folder),
        "bundle_id": bundle_id(folder),
        "id_before": None if change is None else change.before,
        "mode": msgspec.to_builtins(mode_of(document)),
        "is_evaluated": is_evaluated(document),
        "items": content["items"],
        "previous": content["previous"],
        "exit_code": 0,
    }


def _print(folder: Path, document: EvaluationDocument, change: Change | None, lang: Lang) -> None:
    from conformance.report.evaluation import evaluation_parts

    out = console()
    for part in evaluation_parts(folder, document, change, lang):
        out.print(part, highlight=False)
