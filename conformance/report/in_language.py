"""A bundle's report in one language: what the formats that are text have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.report.texts import aside, both, say

if TYPE_CHECKING:
    from conformance.evidence.documents import Words
    from conformance.report.clauses import Row
    from conformance.report.reading import Reading

SIGNS = {
    "held": "✓",
    "pass": "✓",
    "fail": "✕",
    "inconclusive": "◆",
    "inapplicable": "–",
    "not_run": "○",
    "pending": "○",
}
"""What stands before a verdict, so that it never rests on a colour."""


class InLanguage:
    """A reading, and the language it is told in."""

    def __init__(self, reading: Reading, lang: str) -> None:
        self.reading = reading
        self.view = reading.view
        self.lang = lang

    def into(self, words: Words) -> str:
        """Return a text in this language."""
        return words.in_lang(self.lang)

    def maybe(self, words: Words | None) -> str | None:
        """Return a text in this language, if there is one."""
        return None if words is None else self.into(words)

    def say(self, key: str, **values: Any) -> str:
        """Return one of the package's own texts in this language."""
        return self.into(say(key, **values))

    def apart(self, text: str) -> str:
        """Return an aside, in the brackets of the language."""
        return self.into(aside(both(text)))

    def before(self, text: str) -> str:
        """Return what goes before a list or a value, with the colon of the language."""
        return f"{text}：" if self.lang == "zh" else f"{text}: "

    def listed(self, parts: list[str]) -> str:
        """Return a list within a sentence."""
        return ("、" if self.lang == "zh" else ", ").join(parts)

    def not_run(self) -> list[tuple[str, list[str]]]:
        """Return why clauses were not run, and which, in the edition's order."""
        found: dict[str, list[str]] = {}
        for row in self.folded():
            why = self.into(row.reason or say(f"verdict.{row.verdict}"))
            found.setdefault(why, []).append(row.id)
        return list(found.items())

    def folded(self) -> list[Row]:
        """Return the clauses that were not tried."""
        return [row for group in self.view.groups for row in group.folded]
