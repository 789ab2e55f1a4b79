"""``conformance doctor``: what this machine has and lacks."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import rich_click as click

import conformance
from conformance.cli.options import console, json_option, print_json

if TYPE_CHECKING:
    from conformance.edition import Edition

MIN_FREE_BYTES = 1 << 30


class Check(NamedTuple):
    """One thing looked at."""

    name: str
    is_there: bool
    detail: str
    needed_for: str
    mend: str


@click.command("doctor", short_help="Say what this machine has and lacks.")
@json_option
def command(as_json: bool) -> int:  # noqa: FBT001
    """Say what this machine has and lacks, and what each thing is needed for.

    Example:  conformance doctor
    """
    checks = list(_checks())
    if as_json:
        print_json({"suite": conformance.__version__, "checks": [c._asdict() for c in checks]})
        return 0
    out = console()
    for check in checks:
        mark = "[green]✓[/]" if check.is_there else "[yellow]–[/]"
        out.print(f"{mark} [bold]{check.name}[/]  {check.detail}")
        if not check.is_there:
            out.print(f"    for {check.needed_for}: {check.mend}", style="dim")
    return 0


def _checks() -> list[Check]:
    from conformance.edition import read
    from conformance.host import host_hardware
    from conformance.local.weights import find_weights
    from conformance.sandbox import jail_status, status

    edition = read()
    sandbox, jail = status(), jail_status()
    hardware = host_hardware()
    weights = find_weights()
    free = shutil.disk_usage(Path.cwd()).free
    memory = hardware["memory_bytes"]
    has_server = importlib.util.find_spec("xllamacpp") is not None
    has_key = bool(os.environ.get("OPENAI_API_KEY"))
    version = platform.python_version()
    cores, gigabytes = hardware["cores"], "unknown" if memory is None else round(memory / 2**30)
    machine = f"{hardware['cpu'] or 'unknown processor'}, {cores} cores, {gigabytes} GiB"
    return [
        Check("python", sys.version_info >= (3, 11), version, "everything", "get 3.11 or later"),
        Check("edition", bool(edition.clauses), f"{edition.id} {edition.digest[:16]}", "", ""),
        Check("machine", bool(cores), machine, "", ""),
        Check(
            "disk", free > MIN_FREE_BYTES, f"{free / 2**30:.0f} GiB free", "bundles", "free some"
        ),
        Check(
            "embedded server",
            has_server,
            "xllamacpp is installed" if has_server else "xllamacpp is not installed",
            "chat:local",
            "pip install 'agent-grading[local]'",
        ),
        Check(
            "embedded weights",
            weights is not None,
            str(weights.path) if weights else "not in the cache",
            "chat:local",
            "conformance model get",
        ),
        Check(
            "OPENAI_API_KEY",
            has_key,
            "is set" if has_key else "is not set",
            "chat:MODEL where the endpoint wants a key",
            "export OPENAI_API_KEY=…",
        ),
        Check(
            "sandbox",
            sandbox.is_working,
            f"{sandbox.provider} {sandbox.version}, {sandbox.detail}"
            if sandbox.is_working
            else sandbox.detail,
            _clauses_with_code(edition),
            sandbox.mend,
        ),
        Check(
            "jail",
            jail.is_working,
            f"{jail.provider} {jail.version}, {jail.detail}" if jail.is_working else jail.detail,
            "evidence class jailed of command:, python: and acp: agents",
            jail.mend,
        ),
    ]


def _clauses_with_code(edition: Edition) -> str:
    """Name the clauses that cannot run without a sandbox."""
    names = [
        clause.id
        for clause in edition.clauses
        if any("sandbox" in edition.family(s.family).needs for s in edition.sources(clause))
    ]
    return ", ".join(names) or "families that run code (none in this edition)"
