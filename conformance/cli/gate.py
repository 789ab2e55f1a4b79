"""The gate on many families: one process a core, a table at the end."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING

from conformance.campaign.machine import explain_missing, missing_for
from conformance.cli.options import console
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.edition import Edition
    from conformance.edition.gate import GateReport


def run_gate(
    edition: Edition, names: Sequence[str], *, quick: bool, jobs: int | None, tell: bool
) -> list[GateReport]:
    """Run the gate on families and return what it found of each, in the order of ``names``.

    Args:
        edition: The edition.
        names: Its families to be checked.
        quick: A tenth of the mutants and instances.
        jobs: Processes at once; None takes one a core.
        tell: Say on stderr what is being done.

    Raises:
        UsageError: a family needs something that this machine does not have.
    """
    for line in explain_missing(missing_for(edition, names)):
        raise UsageError(line, where="tasks check")
    workers = min(jobs or len(os.sched_getaffinity(0)), len(names))
    if workers == 1:
        return [_check(edition.root, name, quick, tell=tell) for name in names]
    done: dict[str, GateReport] = {}
    began = time.monotonic()
    # Spawned: a process that has threads is not to be forked.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_check, edition.root, name, quick): name for name in names}
        for future in as_completed(waiting):
            report = done[waiting[future]] = future.result()
            if tell:
                verdict = f"{len(report.problems)} problems" if report.problems else "passes"
                sys.stderr.write(
                    f"{time.monotonic() - began:4.0f} s  {report.family}: {verdict}, "
                    f"{len(done)} of {len(names)}\n"
                )
    return [done[name] for name in names]


def _check(root: Path, name: str, quick: bool, *, tell: bool = False) -> GateReport:  # noqa: FBT001
    from conformance.edition import load
    from conformance.edition.gate import MUTANTS, SHORTCUT_INSTANCES, check_family

    edition = load(root)
    missing_for(edition, [name])
    part = 10 if quick else 1
    return check_family(
        edition,
        name,
        mutants=MUTANTS // part,
        shortcut_instances=SHORTCUT_INSTANCES // part,
        progress=_say if tell else lambda _: None,
    )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def print_gate(reports: Sequence[GateReport]) -> None:
    """Print each family in full where it is one, then the table of all, then what is wrong."""
    from rich.table import Table

    out = console()
    if len(reports) == 1:
        _print_family(reports[0])
    table = Table(title="the gate", title_justify="left")
    for heading in (
        "family",
        "oracle",
        "calls",
        "shortcuts solved",
        "mutants rejected",
        "filter",
        "instances/s",
        "tokens",
        "s",
        "",
    ):
        table.add_column(heading, justify="left" if heading in ("family", "") else "right")
    for report in reports:
        made = sum(count.made for count in report.mutations)
        accepted = sum(count.accepted for count in report.mutations)
        hits = sum(rate.solved for rate in report.shortcuts)
        tried = report.shortcuts[0].instances if report.shortcuts else 0
        table.add_row(
            f"{report.family} v{report.version}",
            "/".join(map(str, report.oracle_solved)),
            "–".join(map(str, report.oracle_calls)),
            f"{hits} ({len(report.shortcuts)} × {tried})",
            f"{made - accepted}/{made}",
            f"{report.acceptance:.0%}",
            f"{report.instances_a_second:.0f}",
            str(report.most_tokens),
            f"{report.seconds:.0f}",
            "[red]fails[/]" if report.problems else "[green]passes[/]",
        )
    out.print(table)
    for report in reports:
        for problem in report.problems:
            out.print(f"· {report.family}: {problem}", markup=False)


def _print_family(report: GateReport) -> None:
    from rich.table import Table

    out = console()
    shortcuts = Table(title="shortcuts", title_justify="left")
    for heading in ("name", "held out", "solved"):
        shortcuts.add_column(heading)
    for rate in report.shortcuts:
        held = "yes" if rate.held_out else ""
        shortcuts.add_row(rate.name, held, f"{rate.solved} / {rate.instances}")
    mutants = Table(title="mutated oracles", title_justify="left")
    for heading in ("operator", "breaks", "made", "equivalent", "accepted"):
        mutants.add_column(heading)
    for count in report.mutations:
        mutants.add_row(
            count.name,
            count.requirement,
            *map(str, (count.made, count.equivalent, count.accepted)),
        )
    out.print(shortcuts)
    out.print(mutants)
