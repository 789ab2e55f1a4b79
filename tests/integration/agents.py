"""``python -m tests.integration.agents CACHE [NAME …]``: every recipe of ``docs/agents`` is run.

An environment is built for each in CACHE, which is kept; its agent is driven through two families
with a scripted model that refuses the first call with 429. Exit code 1 where one
did not end as it must, or fewer ran than ``--require`` says; a recipe that cannot be installed
here is named with the reason, and is no failure.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from conformance.edition import Edition, load
from tests.integration.drive import CASES, Case, Seen, complaints, drive
from tests.integration.environments import Environment, SkippedError, build
from tests.integration.recipes import Page, pages

LONGEST_SAID = 2000
HEADS = ("recipe", "family", "lang", "evidence", "calls", "tools", "tokens in/out", "429", "s", "")


class Row(NamedTuple):
    """One trial, or one recipe that was skipped."""

    recipe: str
    case: Case | None
    seen: Seen | None
    found: list[str]
    """What is wrong, or why it was skipped."""

    @property
    def is_failure(self) -> bool:
        """Say whether it ran and something is wrong."""
        return self.case is not None and bool(self.found)

    def cells(self) -> tuple[str, ...]:
        """Return what the table shows."""
        verdict = "FAILED" if self.is_failure else "ok" if self.case else "skipped"
        family, lang = self.case or ("", "")
        if self.seen is None:
            return (self.recipe, family, lang, *[""] * 6, verdict)
        seen = self.seen
        tokens = "/".join(map(str, seen.metered))
        recovered = f"{seen.retries}/{seen.refused}"
        numbers = (str(seen.model_calls), str(seen.tool_calls), tokens, recovered)
        return (self.recipe, family, lang, seen.evidence, *numbers, f"{seen.wall_s:.1f}", verdict)


def tried(page: Page, environment: Environment, edition: Edition, case: Case) -> Row:
    """Try one recipe on one case."""
    name = page.recipe.name
    with tempfile.TemporaryDirectory(prefix="conformance-agents-") as folder:
        try:
            seen = asyncio.run(drive(page, environment, edition, case, Path(folder)))
        except Exception as error:  # noqa: BLE001 - of one recipe: the others are still tried
            return Row(name, case, None, [f"{type(error).__name__}: {error}"])
    return Row(name, case, seen, complaints(seen, page.recipe.dialects))


def main() -> int:
    """Try what is asked for; print the table; return the exit code."""
    known = pages()
    parser = argparse.ArgumentParser(prog="agents", description="Run the recipes of docs/agents.")
    parser.add_argument("cache", type=Path, help="where environments are kept")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(known)}")
    parser.add_argument("--require", type=int, default=0, help="how many recipes must have run")
    parser.add_argument("--json", type=Path, help="write all that was seen to this file")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(known)):
        parser.error(f"there is no recipe {', '.join(unknown)}; there are {', '.join(known)}")
    edition = load()
    rows = []
    for name in given.names or known:
        rows += list(_rows(known[name], edition, given.cache.resolve()))
    _print_table(rows)
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))
    ran = {row.recipe for row in rows if row.case is not None}
    failed = sum(row.is_failure for row in rows)
    skipped = len({row.recipe for row in rows}) - len(ran)
    _say(f"{len(ran)} recipes ran, {skipped} skipped, {failed} trials failed")
    if len(ran) < given.require:
        _say(f"{given.require} were required to run")
        return 1
    return 1 if failed else 0


def _rows(page: Page, edition: Edition, cache: Path) -> list[Row]:
    name = page.recipe.name
    began = time.monotonic()
    try:
        environment = build(page.recipe, cache)
    except SkippedError as error:
        _say(f"{name}: skipped: {error}")
        return [Row(name, None, None, [str(error)])]
    versions = ", ".join(f"{n} {version}" for n, version in environment.installed.items())
    _say(f"{name}: {versions or 'nothing to install'} ({time.monotonic() - began:.0f} s)")
    rows = []
    for case in CASES:
        row = tried(page, environment, edition, case)
        rows.append(row)
        for line in row.found:
            _say(f"{name}: {case.family}: {line}")
        if row.found and row.seen is not None and row.seen.said:
            _say(row.seen.said[-LONGEST_SAID:])
    return rows


def _print_table(rows: list[Row]) -> None:
    table = [HEADS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
