"""The generator's own texts, zh and en, and how a cell of a table is written in Markdown."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, Literal

from conformance.cli.language import chinese
from conformance.own_yaml import read_own_yaml

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("en", "zh")
_HERE = Path(__file__).parent


def word(key: str, lang: Lang) -> str:
    """Return a text of ``words.yaml`` by its dotted key.

    Raises:
        KeyError: there is none; it names the file to write it in.
    """
    node: Any = read("words.yaml")
    for part in key.split("."):
        if part not in node:
            raise KeyError(f"docs/generator/words.yaml has no text {key!r}: write it, zh and en")
        node = node[part]
    return str(node[lang])


def spoken(text: str, lang: Lang) -> str:
    """Return a text of ``--help`` in a language."""
    return chinese(text) if lang == "zh" else text


@functools.cache
def read(name: str) -> dict[str, Any]:
    """Return one of the files of texts."""
    texts: dict[str, Any] = read_own_yaml((_HERE / name).read_text(encoding="utf-8"))
    return texts


def cell(text: str) -> str:
    """Return a text as it stands in a table: one line, its bars and angle brackets escaped."""
    plain = re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))
    parts = re.split(r"(`[^`]*`)", plain)
    shown = [part if part.startswith("`") else part.replace("<", "&lt;") for part in parts]
    return "".join(shown).replace("|", "\\|")


def table(headings: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table; its cells are Markdown already."""
    lines = [headings, ["---"] * len(headings), *rows]
    return ["|" + "".join(f" {text} |" if text else " |" for text in line) for line in lines]
