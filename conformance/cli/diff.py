"""``conformance diff``: what moved between two bundles of one edition, and whether it is noise."""

from __future__ import annotations

import sys
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
    sealed_option,
    spoken,
)
from conformance.errors import EvidenceInvalidError, UsageError
from conformance.exit_codes import ExitCode

if TYPE_CHECKING:
    from conformance.evidence.comparison import Comparison

WORSE, UNTESTED = ExitCode.NOT_HELD, ExitCode.NOT_RUN
"""Exit codes: what the gate is for happened; the test it asks for could not be made."""


@click.command("diff", short_help="Compare two bundles: what moved, and is it noise.")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown"]),
    default="table",
    show_default=True,
    help="For a terminal, or for a pull request.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["worse", "level", "never"]),
    default="worse",
    show_default=True,
    help="When to exit with 1: evidence of worse; that, or a lower level or trust grade; never.",
)
@click.option("--regrade", is_flag=True, help="Grade both again first, as conformance grade does.")
@edition_option
@sealed_option
@locale_option
@json_option
def command(**given: Any) -> int:
    """Compare bundle B with bundle A, both of one edition and, to be tested, of one seed.

    Instances that both campaigns were tried on are pairs; a betting test that may stop at any time
    says of each clause, and of all pairs together, whether B is worse, better, or neither by the
    evidence. Estimates at stopping are never tested against each other. Both bundles are held to
    their manifests and chains; --regrade, for bundles of strangers, grades them again.

    Exit codes: 0 no evidence of worse, 1 worse (see --fail-on), 4 usage, 5 --fail-on worse and
    nothing to test, or B holds less and left out clauses of A, 7 a bundle does not hold together.

    \b
    Examples:
      conformance diff runs/main runs/branch
      conformance diff runs/main runs/branch --format markdown >> $GITHUB_STEP_SUMMARY
      conformance diff runs/main runs/branch --fail-on level --json
    """  # noqa: D301 - click's mark for lines to be kept
    from conformance.evidence.compare import compare_bundles

    if given["as_json"] and given["form"] != "table":
        raise UsageError(
            f"does not go with --format {given['form']}", where="--json", mend="use one of them"
        )
    folders = [existing_bundle(given[name]) for name in ("a", "b")]
    if given["regrade"]:
        _regrade(folders, given)
    comparison = compare_bundles(folders[0], folders[1])
    code = gate(comparison, given["fail_on"])
    _print(comparison, given, code)
    if code == WORSE:
        lower = [f"{step.axis} {step.a} → {step.b}" for step in comparison.lower]
        told = [*comparison.worse, *(lower if given["fail_on"] == "level" else [])]
        sys.stderr.write(f"conformance: worse: {', '.join(told)}\n")
    elif code == UNTESTED:
        from conformance.report.inert import inert_line

        what, mend = "no instance was tried in both", "certify B again with --seed-of A"
        if comparison.all_pairs is not None:
            what = f"B holds less, and left out {', '.join(comparison.left_out)}"
            mend = "certify B to its end, on the claim of A"
        line = f"{what}: that is no test — {mend}, or gate with --fail-on level"
        sys.stderr.write(f"conformance: {inert_line(line, 1000)}\n")
    return code


def gate(comparison: Comparison, fail_on: str) -> int:
    """Return the exit code: of evidence, and under ``level`` also of what is held."""
    if fail_on == "never":
        return 0
    if comparison.worse:
        return WORSE
    if fail_on == "level":
        held = [step for step in comparison.lower if step.axis != "efficiency"]
        return WORSE if held else 0
    return 0 if comparison.is_tested else UNTESTED


def _regrade(folders: list[Path], given: dict[str, Any]) -> None:
    """Grade the bundles again.

    Raises:
        EvidenceInvalidError: one is not reproduced.
        UsageError: one holds an agent's code, and no sandbox works here.
    """
    from conformance.authoring import NoSandboxError
    from conformance.edition import load
    from conformance.evidence.verify import audit_bundle
    from conformance.sandbox import install, status

    edition = load(given["edition_root"], sealed=given["sealed_root"])
    install()
    for folder in folders:
        try:
            problems = audit_bundle(folder, edition).problems
        except NoSandboxError as error:
            raise UsageError(
                "holds an agent's code, which is run again in a sandbox; none works here",
                where=str(folder),
                mend=status().mend,
            ) from error
        if problems:
            raise EvidenceInvalidError(problems[0])


def _print(comparison: Comparison, given: dict[str, Any], code: int) -> None:
    from conformance.report.diff_forms import diff_markdown, diff_parts

    if given["as_json"]:
        found = {"worse": comparison.worse, "better": comparison.better}
        document = {**msgspec.to_builtins(comparison), **found, "exit_code": code}
        print_json(document)
        return
    lang = spoken(given["locale_name"])
    if given["form"] == "markdown":
        sys.stdout.write(diff_markdown(comparison, lang))
        return
    out = console()
    for part in diff_parts(comparison, lang):
        out.print(part, highlight=False)
