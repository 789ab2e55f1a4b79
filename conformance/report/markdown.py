"""``report.md``: the result for a pull request's comment or a job's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.report.in_language import SIGNS, InLanguage
from conformance.report.markdown_text import code, escaped, table
from conformance.report.numbers import UNKNOWN
from conformance.report.texts import say
from conformance.report.view import agent_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.report.axes import Axis
    from conformance.report.clauses import Row
    from conformance.report.reading import Reading
    from conformance.report.resources import Fact
    from conformance.report.reviewed import ReviewedItem
    from conformance.report.view import HeldBack

GRADE = "conformance grade BUNDLE"
_COLUMNS = ("clause", "verdict", "n", "estimate", "interval", "limit")
_MOST_LIMITS = 12
"""Clauses that hold the level back, in words; the table has them all."""


def render_markdown(
    reading: Reading, langs: Sequence[str], links: Mapping[str, str] | None = None
) -> str:
    """Return the result in Markdown; the same bundle gives the same text.

    Args:
        reading: The bundle.
        langs: ``zh``, ``en``, or both, in the order wanted.
        links: Renderings that lie beside it, label to relative path; None: it lies elsewhere, so
            there is nothing to link to.
    """
    parts = [_Page(reading, lang, links or {}).text() for lang in langs]
    return "\n\n---\n\n".join(parts) + "\n"


class _Page(InLanguage):
    """The result in one language."""

    def __init__(self, reading: Reading, lang: str, links: Mapping[str, str]) -> None:
        super().__init__(reading, lang)
        self.links = links

    def text(self) -> str:
        """Return the page, blocks apart by an empty line."""
        return "\n\n".join(
            (
                *self._result(),
                *self._held_back(),
                *self._clauses(),
                *self._resources(),
                *self._profile(),
                *self._evaluation(),
                *self._deviations(),
                *self._evidence(),
            )
        )

    def _result(self) -> Iterator[str]:
        yield f"## {self.before(self.say('title.heading'))}{self._grade()}"
        version = agent_version(self.reading.evidence.claim.agent)
        yield f"{self.say('result.agent')} {code(f'{self.view.agent} {version}'.rstrip())}"
        yield escaped(self.into(self.view.lead))
        stamps = [*self.view.stamps, self.view.notice]
        yield "\n".join(f"> {escaped(self.into(words))}  " for words in stamps)
        axes = self.view.axes
        yield table(
            [escaped(self.into(axis.label)) for axis in axes],
            [[self._axis(axis) for axis in axes]],
        )

    def _grade(self) -> str:
        return " · ".join(escaped(axis.result) for axis in self.view.axes)

    def _axis(self, axis: Axis) -> str:
        told = [words for words in (axis.title, axis.note) if words is not None]
        rest = " · ".join(escaped(self.into(words)) for words in told)
        return f"**{escaped(axis.result)}** {rest}".rstrip()

    def _held_back(self) -> Iterator[str]:
        yield f"### {escaped(self.into(self.view.back_heading))}"
        limits = self.view.limits
        if not limits and self.view.back_lead is not None:
            yield escaped(self.into(self.view.back_lead))
        if limits:
            lines = [self._limit(back) for back in limits[:_MOST_LIMITS]]
            if len(limits) > _MOST_LIMITS:
                lines.append(f"- {self.say('export.more', n=len(limits) - _MOST_LIMITS)}")
            yield "\n".join(lines)

    def _limit(self, back: HeldBack) -> str:
        line = f"- **{escaped(back.limit.name)}** {escaped(self.into(back.limit.sentence))}"
        if not back.telling:
            return line
        told = self.listed(
            [f"{self._trial(item.trial)} {escaped(self.into(item.text))}" for item in back.telling]
        )
        return f"{line}\n  {self.before(self.say('back.telling'))}{told}"

    def _trial(self, trial: str) -> str:
        page = self.links.get("html")
        return f"[{code(trial)}]({page}#trial-{quote(trial)})" if page else code(trial)

    def _clauses(self) -> Iterator[str]:
        tried = [row for group in self.view.groups for row in group.tried]
        yield f"### {self.say('clauses.heading')}"
        if tried:
            headings = [self.say(f"terminal.{name}") for name in _COLUMNS]
            yield table(headings, [self._row(row) for row in tried], frozenset({2, 3, 5}))
        else:
            yield self.say("terminal.nothing_tried")
        not_run = self.not_run()
        if not_run:
            lines = [
                f"- {escaped(self.before(why) + self.listed(clauses))}" for why, clauses in not_run
            ]
            summary = self.say("export.clauses_not_run", n=len(self.folded()))
            yield _folded(summary, "\n".join(lines))

    def _row(self, row: Row) -> list[str]:
        numbers = row.numbers
        if numbers is None:
            return []
        verdict = f"{SIGNS[row.verdict]} {self.say(f'verdict.{row.verdict}')}"
        if row.reason is not None:
            verdict += self.apart(escaped(self.into(row.reason)))
        name = f"**{escaped(row.id)}**" if row.is_limiting else escaped(row.id)
        interval = f"[{numbers.lower}, {numbers.upper}]"
        return [name, verdict, f"{numbers.n:,}", numbers.estimate, interval, row.limit]

    def _resources(self) -> Iterator[str]:
        facts = [*self.view.costs, *self.view.resources.facts]
        yield _folded(self.say("resources.heading"), "\n".join(map(self._fact, facts)))

    def _fact(self, fact: Fact) -> str:
        note = "" if fact.note is None else self.apart(self.into(fact.note))
        return f"- {escaped(self.before(self.into(fact.label)) + self.into(fact.value) + note)}"

    def _profile(self) -> Iterator[str]:
        if self.view.profile is not None:
            yield f"### {self.say('profile.heading')}"
            yield escaped(self.into(self.view.profile.line))

    def _evaluation(self) -> Iterator[str]:
        found = self.view.reviewed
        if found is None:
            return
        yield f"### {self.say('evaluation.heading')}"
        names = ("item", "text", "state", "reviewer", "date", "evidence")
        headings = [self.say(f"evaluation.{name}") for name in names]
        yield table(headings, [self._item(item) for item in found.items])
        yield escaped(self.say("evaluation.mode", mode=found.mode))

    def _item(self, item: ReviewedItem) -> list[str]:
        state = f"{SIGNS[item.state]} {self.say(f'evaluation.states.{item.state}')}"
        first = [escaped(item.id), escaped(self.into(item.text)), state]
        if item.by is None:
            return [*first, UNKNOWN, UNKNOWN, UNKNOWN]
        return [*first, code(self.into(item.by)), escaped(item.date), code(item.file)]

    def _deviations(self) -> Iterator[str]:
        yield f"### {self.say('deviations.heading')}"
        found = self.view.deviations
        lines = [
            f"- {'**!** ' if item.is_grave else ''}{escaped(self.into(item.text))}"
            for item in found
        ]
        yield "\n".join(lines) or self.say("deviations.none")

    def _evidence(self) -> Iterator[str]:
        evidence = self.reading.evidence
        yield f"### {self.say('reproduce.heading')}"
        name = evidence.bundle_id or self.into(say("result.unsealed"))
        edition = evidence.summary.edition
        yield "\n".join(
            (
                f"- {self.say('result.bundle')} {code(name)}",
                f"- {self.say('result.edition')} {code(edition.id)} {code(edition.sha256)}",
                f"- {self.say('result.suite')} {code(f'agent-grading {evidence.lock.suite}')}",
            )
        )
        yield escaped(self.say("reproduce.grade_note"))
        yield f"```\n{GRADE}\n```"
        if self.links:
            named = " · ".join(f"[{path}]({path})" for path in self.links.values())
            yield self.say("export.open_report", links=named)


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"
