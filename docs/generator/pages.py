"""Which pages are generated, and from what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conformance.edition import load
from conformance.report.ladder import ladder_page
from docs.generator.commands import commands_page
from docs.generator.plugin import plugin_page
from docs.generator.results import exit_codes_page, outcomes_page
from docs.generator.schemas import schemas_page
from docs.generator.words import LANGS, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from docs.generator.words import Lang

DOCS = Path(__file__).parents[1]
REFERENCE: dict[str, Callable[[Lang], str]] = {
    "commands": commands_page,
    "pytest": plugin_page,
    "exit-codes": exit_codes_page,
    "outcomes": outcomes_page,
    "schemas": schemas_page,
}
"""A page of ``reference/`` by its name."""


def every_page() -> dict[str, str]:
    """Return each generated page's text by its path below docs/."""
    edition = load(None)
    found = {}
    for lang in LANGS:
        folder = "zh/" if lang == "zh" else ""
        found[f"{folder}ladder.md"] = ladder_page(edition, lang)
        found[f"{folder}reference/README.md"] = _index(lang)
        for name, page in REFERENCE.items():
            found[f"{folder}reference/{name}.md"] = page(lang)
    return found


def _index(lang: Lang) -> str:
    rows = [
        f"| [{word(f'{name}.heading', lang)}]({name}.md) | {word(f'{name}.about', lang)} |"
        for name in REFERENCE
    ]
    clauses = f"| [{word('ladder.heading', lang)}](../ladder.md) | {word('ladder.about', lang)} |"
    lines = [
        f"# {word('index.heading', lang)}",
        "",
        word("generated", lang),
        "",
        "| | |",
        "|---|---|",
        clauses,
        *rows,
    ]
    return "\n".join(lines) + "\n"
