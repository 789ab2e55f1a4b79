"""``conformance edition``: check, show or start an edition."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from conformance.cli.options import (
    console,
    edition_option,
    json_option,
    locale_option,
    print_json,
    spoken,
)

if TYPE_CHECKING:
    from conformance.edition import Edition
    from conformance.edition.lint import ClauseCurve


@click.group("edition", short_help="Check, show or start an edition.")
def command() -> None:
    """An edition: the clauses, families, graders and schemas that a grade is made of."""


@command.command("check")
@click.argument("root", type=click.Path(path_type=Path), required=False)
@click.option("--plan", help="Show the curves of this plan alone.")
@json_option
def check(root: Path | None, plan: str | None, as_json: bool) -> int:  # noqa: FBT001
    """Lint the edition in ROOT (the one shipped by default) and print what each clause's rule does.

    For each clause: the trials expected at p0, at p1 and for a flawless agent, the chance to pass
    at p0 (the error promised) and at p1 (the power), and whether it can be passed at all. A clause
    that cannot be passed under a grading plan is refused; under a screening it is not run.

    Example:  conformance edition check
    """
    from conformance.edition import read
    from conformance.edition.lint import all_problems, curve

    edition = read(root)
    found = [str(problem) for problem in all_problems(edition)]
    plans = [plan] if plan is not None else list(edition.document.plans)
    curves = [
        curve(edition, clause, name) for name in plans for clause in edition.clauses if not found
    ]
    code = 4 if found else 0
    if as_json:
        print_json(
            {
                "edition": edition.id,
                "sha256": edition.digest,
                "problems": found,
                "clauses": curves,
                "exit_code": code,
            }
        )
        return code
    for problem in found:
        sys.stderr.write(f"conformance: {problem}\n")
    if not found:
        _print_curves(edition, curves)
    return code


@command.command("show")
@click.option("--page", is_flag=True, help="As a page in Markdown: the ladder, clause by clause.")
@edition_option
@locale_option
@json_option
def show(
    page: bool,  # noqa: FBT001
    edition_root: Path | None,
    locale_name: str | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Show the edition's axes, plans and clauses.

    Example:  conformance edition show --locale zh
    """
    from conformance.edition import load

    edition = load(edition_root)
    if page:
        from conformance.report.ladder import ladder_page

        sys.stdout.write(ladder_page(edition, spoken(locale_name)))
        return 0
    if as_json:
        print_json({"sha256": edition.digest, **_builtins(edition.document)})
        return 0
    lang = spoken(locale_name)
    document = edition.document
    out = console()
    out.print(f"[bold]{document.title.text().in_lang(lang)}[/]  {edition.id}")
    out.print(f"sha256 {edition.digest}")
    out.print(document.notice.text().in_lang(lang))
    for axis in (document.agency, document.trust):
        out.print(f"\n[bold]{axis.title.text().in_lang(lang)}[/]  {axis.rule}")
        for step in axis.steps:
            out.print(f"\n[bold cyan]{step.id}[/] {step.title.text().in_lang(lang)}")
            for clause in edition.clauses:
                if clause.step == step.id:
                    out.print(f"  [bold]{clause.id}[/]  {clause.text.text().in_lang(lang)}")
                    out.print(
                        f"    [dim]{_drawn(clause)} · {clause.rule.name} p0 {clause.rule.p0}[/]"
                    )
    return 0


@command.command("new")
@click.argument("root", type=click.Path(path_type=Path))
@json_option
def new(root: Path, as_json: bool) -> int:  # noqa: FBT001
    """Start an edition in the new folder ROOT: a level, a clause, a small family, the graders.

    Example:  conformance edition new my-edition && conformance edition check my-edition
    """
    from conformance.edition.template import start_edition

    made = start_edition(root)
    if as_json:
        print_json({"root": str(root), "files": [str(path) for path in made]})
    else:
        for path in made:
            sys.stdout.write(f"{path}\n")
        sys.stdout.write(f"next: conformance edition check {root}\n")
    return 0


def _print_curves(edition: Edition, curves: list[ClauseCurve]) -> None:
    from rich.table import Table

    out = console()
    for plan in dict.fromkeys(item.plan for item in curves):
        table = Table(title=f"{edition.id} · {plan}", title_justify="left")
        for heading in ("clause", "rule", "p0", "p1", "n max"):
            table.add_column(heading)
        for heading in (
            "P(pass) p0",
            "P(pass) p1",
            r"E\[n] p0",
            r"E\[n] p1",
            r"E\[n] 1.0",
            "fewest",
        ):
            table.add_column(heading, justify="right")
        for item in (item for item in curves if item.plan == plan):
            clause = edition.clause(item.clause)
            state = "" if item.can_pass else "not run (plan)"
            if clause.pending is not None:
                state = "pending"
            table.add_row(
                item.clause,
                item.rule.name,
                f"{item.rule.p0:g}",
                f"{item.rule.p1:g}",
                str(item.rule.n_max),
                f"{item.at_p0.p_pass:.3f}",
                f"{item.at_p1.p_pass:.3f}",
                f"{item.at_p0.expected_n:.0f}",
                f"{item.at_p1.expected_n:.0f}",
                f"{item.at_one.expected_n:.0f}",
                " ".join(filter(None, (str(item.fewest or "–"), state))),
            )
        out.print(table)
    out.print(f"edition {edition.id}: no problem found")
    out.print(f"sha256 {edition.digest}")


def _drawn(clause: Any) -> str:
    if clause.pending is not None:
        return f"pending: {clause.pending}"
    if clause.sealed:
        return "sealed"
    if clause.rider:
        return "rider"
    return ", ".join(draw.family for draw in clause.draws)


def _builtins(document: Any) -> dict[str, Any]:
    import msgspec

    content: dict[str, Any] = msgspec.to_builtins(document)
    return content
