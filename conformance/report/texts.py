"""The report's own texts, zh and en, from ``texts.yaml``; what an edition says comes from it."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

from conformance.evidence.documents import Words
from conformance.own_yaml import read_own_yaml

LANGS = ("zh", "en")


class Texts:
    """All texts by dotted key."""

    def __init__(self, entries: dict[str, dict[str, str]]) -> None:
        self._entries = entries

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys there are."""
        return tuple(self._entries)

    def has(self, key: str) -> bool:
        """Say whether there is such a text."""
        return key in self._entries

    def say(self, key: str, **values: Any) -> Words:
        """Return a text in both languages, filled in.

        A value that is itself in both languages goes in as the one that fits; the text for one
        is taken where ``n`` is 1.

        Raises:
            KeyError: there is no such text, or a value it needs is not given.
        """
        entry = self._entries[key]
        english = entry["en_one"] if values.get("n") == 1 and "en_one" in entry else entry["en"]
        return Words(
            zh=entry["zh"].format_map(_in("zh", values)),
            en=english.format_map(_in("en", values)),
        )

    def under(self, prefix: str) -> dict[str, Words]:
        """Return the texts below a key, as they stand."""
        start = prefix + "."
        return {
            key.removeprefix(start): Words(entry["zh"], entry["en"])
            for key, entry in self._entries.items()
            if key.startswith(start)
        }


@functools.cache
def load_texts() -> Texts:
    """Read the texts that came with the package."""
    source = resources.files("conformance.report").joinpath("texts.yaml")
    return Texts(dict(_flatten("", read_own_yaml(source.read_text(encoding="utf-8")))))


def say(key: str, **values: Any) -> Words:
    """Return one of the package's texts in both languages, filled in."""
    return load_texts().say(key, **values)


def both(text: str) -> Words:
    """Return what is the same in both languages."""
    return Words(text, text)


def aside(words: Words) -> Words:
    """Return an aside, in the brackets of each language."""
    return Words(f"（{words.zh}）", f" ({words.en})")


def joined(parts: list[Words]) -> Words:
    """Return a list within a sentence."""
    return Words("、".join(p.zh for p in parts), ", ".join(p.en for p in parts))


def flowing(sentences: list[Words]) -> Words:
    """Return sentences one after the other."""
    return Words("".join(s.zh for s in sentences), " ".join(s.en for s in sentences))


def _flatten(prefix: str, node: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    found = []
    for name, child in node.items():
        key = f"{prefix}.{name}" if prefix else name
        if isinstance(child.get("zh"), str):
            found.append((key, child))
        else:
            found += _flatten(key, child)
    return found


def _in(lang: str, values: dict[str, Any]) -> dict[str, str]:
    return {name: _filled(lang, value) for name, value in values.items()}


def _filled(lang: str, value: Any) -> str:
    if isinstance(value, Words):
        return value.in_lang(lang)
    return f"{value:,}" if isinstance(value, int) else str(value)
