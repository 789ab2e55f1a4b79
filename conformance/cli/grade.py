"""``conformance grade``: verify a bundle and grade it again, offline."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from conformance.cli.options import (
    edition_option,
    existing_bundle,
    is_quiet,
    json_option,
    locale_option,
    print_json,
    sealed_option,
    spoken,
)
from conformance.errors import EvidenceInvalidError, UsageError


@click.command("grade", short_help="Verify a bundle and grade it again, offline.")
@click.argument("bundle", type=click.Path(path_type=Path))
@edition_option
@sealed_option
@locale_option
@json_option
def command(
    bundle: Path,
    edition_root: Path | None,
    sealed_root: Path | None,
    locale_name: str | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Verify BUNDLE and grade it again, offline.

    Every file is checked against the manifest, every transcript against its chain, every recorded
    call is made again on a fresh world, every observation is computed again from the seed and the
    sealed trials, and all of it is compared with what the bundle says. Exit code 7 where anything
    differs.

    Example:  conformance grade runs/2026-11-23-120000
    """
    from conformance.authoring import NoSandboxError
    from conformance.edition import load
    from conformance.evidence.verify import audit_bundle
    from conformance.sandbox import install, status

    counts: dict[str, int] = {}

    def tell(stage: str, more: int) -> None:
        counts[stage] = counts.get(stage, 0) + more
        if not is_quiet(stderr=True):
            sys.stderr.write(f"\r{stage} {counts[stage]} ")

    edition = load(edition_root, sealed=sealed_root)
    install()
    try:
        audit = audit_bundle(existing_bundle(bundle), edition, tell)
    except NoSandboxError as error:
        raise UsageError(
            "holds an agent's code, which is run again in a sandbox; none works here",
            where=str(bundle),
            mend=status().mend,
        ) from error
    if counts and not is_quiet(stderr=True):
        sys.stderr.write("\r\033[K")
    code = EvidenceInvalidError.exit_code if audit.problems else 0
    if as_json:
        summary = audit.graded.summary if audit.graded is not None else None
        print_json(
            {
                "bundle": str(bundle),
                "bundle_id": audit.bundle,
                "reproduced": not audit.problems,
                "observations": audit.observations,
                "replayed": audit.replayed,
                "level": summary.level if summary else None,
                "trust": summary.trust if summary else None,
                "efficiency": summary.efficiency.held if summary else None,
                "problems": audit.problems,
                "exit_code": code,
            }
        )
        return code
    for problem in audit.problems:
        sys.stderr.write(f"conformance: {problem}\n")
    if audit.graded is not None and not audit.problems:
        from conformance.report.texts import say

        held = audit.graded.summary
        lines = (
            say("grade.reproduced", observations=audit.observations, trials=audit.replayed),
            say(
                "grade.result",
                level=held.level,
                trust=held.trust,
                efficiency=held.efficiency.held,
            ),
            say("grade.bundle", id=audit.bundle),
        )
        lang = spoken(locale_name)
        sys.stdout.writelines(f"{line.in_lang(lang)}\n" for line in lines)
    return code
