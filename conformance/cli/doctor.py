"""``conformance doctor``: what this machine has and lacks."""

from __future__ import annotations

import rich_click as click

import conformance
from conformance.cli.options import console, json_option, locale_option, print_json, spoken


@click.command("doctor", short_help="Say what this machine has and lacks.")
@locale_option
@json_option
def command(locale_name: str | None, as_json: bool) -> int:  # noqa: FBT001
    """Say what this machine has and lacks, and what each thing is needed for.

    Example:  conformance doctor
    """
    from conformance.cli.health import checks
    from conformance.report.texts import say

    if as_json:
        found = [check.document() for check in checks()]
        print_json({"suite": conformance.__version__, "checks": found})
        return 0
    out, lang = console(), spoken(locale_name)
    for check in checks():
        mark = "[green]✓[/]" if check.is_there else "[yellow]–[/]"
        out.print(f"{mark} [bold]{check.name.in_lang(lang)}[/]", end="  ")
        out.print(check.detail.in_lang(lang), markup=False)
        if not check.is_there and check.needed_for is not None and check.mend is not None:
            told = say("doctor.lacks", purpose=check.needed_for, mend=check.mend)
            out.print(f"    {told.in_lang(lang)}", style="dim", markup=False)
    return 0
