"""``conformance tasks``: list, show, check or play the task families."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click

from conformance.cli.draws import draw_of, draw_options, instance_of, known_families
from conformance.cli.options import (
    console,
    edition_option,
    json_option,
    locale_option,
    print_json,
    spoken,
)
from conformance.errors import UsageError


@click.group("tasks", short_help="List, show, check or play the task families.")
def command() -> None:
    """The task families: seeded generators with worlds, oracles and checks."""


@command.command("list")
@edition_option
@locale_option
@json_option
def list_families(edition_root: Path | None, locale_name: str | None, as_json: bool) -> int:  # noqa: FBT001
    """List the families.

    Example:  conformance tasks list
    """
    from conformance.edition import load

    edition = load(edition_root)
    families = [edition.family(name) for name in edition.family_ids()]
    rows: list[dict[str, Any]] = [
        {
            "id": family.id,
            "number": family.number,
            "version": family.version,
            "title": {"zh": family.title.zh, "en": family.title.en},
            "clauses": [
                clause.id
                for clause in edition.clauses
                if any(draw.family == family.id for draw in clause.draws)
            ],
            "knobs": {name: list(values) for name, values in family.knobs.items()},
        }
        for family in families
    ]
    if as_json:
        print_json(rows)
        return 0
    from conformance.report.planned import aligned

    lang = spoken(locale_name)
    lines = aligned(
        [
            (family.number, family.id, family.title.in_lang(lang), ", ".join(row["clauses"]))
            for family, row in zip(families, rows, strict=True)
        ]
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


@command.command("show")
@draw_options
@click.option("--oracle", is_flag=True, help="Show how the oracle solves it, too.")
@edition_option
@json_option
def show(
    oracle: bool,  # noqa: FBT001
    edition_root: Path | None,
    as_json: bool,  # noqa: FBT001
    **chosen: Any,
) -> int:
    """Show an instance of FAMILY as an agent gets it.

    Example:  conformance tasks show telemetry --seed 7 --lang zh --oracle
    """
    from conformance.edition import load

    instance = instance_of(load(edition_root), chosen)
    trace = instance.solve().trace
    if as_json:
        print_json(
            {
                "family": instance.family.id,
                "knobs": instance.knobs,
                "instruction": instance.instruction,
                "tools": instance.tools,
                "forbidden": sorted(instance.forbidden),
                "oracle": [[step.name, dict(step.arguments)] for step in trace.steps]
                if oracle
                else None,
                "right_end": instance.right_end if oracle else None,
            }
        )
        return 0
    out = console()
    out.print(instance.instruction, markup=False)
    out.print("\n[bold]tools[/]")
    for spec in instance.tools:
        out.print(f"  [bold cyan]{spec.name}[/]  {spec.description}")
    if oracle:
        out.print("\n[bold]oracle[/]")
        for step in trace.steps:
            given = json.dumps(dict(step.arguments), ensure_ascii=False)
            out.print(f"  {step.name} {given}", markup=False)
        out.print(f"  → {msgspec.json.encode(trace.answer).decode()}", markup=False)
    return 0


@command.command("check")
@click.argument("family", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every family; so without a FAMILY.")
@click.option("--quick", is_flag=True, help="A tenth of the mutants and instances; shows less.")
@click.option("--jobs", type=click.IntRange(1), help="Processes at once; one a core by default.")
@edition_option
@json_option
def check(
    family: tuple[str, ...],
    every: bool,  # noqa: FBT001
    quick: bool,  # noqa: FBT001
    jobs: int | None,
    edition_root: Path | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Run the gate on FAMILY (all by default): oracle passes, shortcuts fail, mutants are rejected.

    Example:  conformance tasks check --all
    """
    from conformance.cli.gate import print_gate, run_gate
    from conformance.edition import load

    edition = load(edition_root)
    if every and family:
        raise UsageError("goes with no FAMILY", where="--all", mend="leave one of them out")
    names = family or edition.family_ids()
    known_families(edition, names)
    reports = run_gate(edition, names, quick=quick, jobs=jobs, tell=not as_json)
    code = 1 if any(report.problems for report in reports) else 0
    if as_json:
        print_json({"families": reports, "exit_code": code})
    else:
        print_gate(reports)
    return code


@command.command("play")
@draw_options
@click.option(
    "--out", type=click.Path(path_type=Path), help="The bundle's folder; a new one under runs/."
)
@edition_option
@json_option
def play(
    out: Path | None,
    edition_root: Path | None,
    as_json: bool,  # noqa: FBT001
    **chosen: Any,
) -> int:
    """Solve an instance of FAMILY yourself, in the terminal, and keep a bundle of it.

    Type a tool's name and its arguments as JSON, or submit_answer and the answer; help lists the
    tools, quit ends it. Where several agents work at once you play them in turn. To climb the
    whole ladder as a person: conformance certify --agent human:NAME

    Example:  conformance tasks play records --seed 7
    """
    from conformance.campaign.machine import explain_missing, missing_for
    from conformance.campaign.run import check_folder
    from conformance.cli.options import new_folder
    from conformance.cli.play import play_instance
    from conformance.edition import load

    edition = load(edition_root)
    drawn = draw_of(instance_of(edition, chosen))
    for line in explain_missing(missing_for(edition, [drawn.family])):
        raise UsageError(line, where=drawn.family)
    folder = out or new_folder()
    check_folder(folder, resume=False)
    return play_instance(edition, drawn, folder, as_json=as_json)
