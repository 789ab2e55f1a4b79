"""What the PDF says, in one language: sections of blocks.

``templates/certificate.typ`` sets them. A block is a mapping with its ``kind``; texts are values
there, never markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.report.in_language import SIGNS, InLanguage
from conformance.report.inert import inert
from conformance.report.numbers import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.report.axes import Axis
    from conformance.report.clauses import Group, Row
    from conformance.report.profile_chain import Step
    from conformance.report.reading import Reading
    from conformance.report.resources import Fact
    from conformance.report.reviewed import ReviewedItem
    from conformance.report.view import HeldBack

Block = dict[str, Any]

_MOST = 600
"""Characters of one text."""
_PAIRS = 12
"""Things said of one layer."""
_LIMITS = 16
"""Clauses that hold the level back, in words; the table has them all."""


def pdf_content(reading: Reading, lang: str) -> Block:
    """Return all that one language of the document says; not made inert yet."""
    return _Part(reading, lang).content()


class _Part(InLanguage):
    """The document in one language."""

    def content(self) -> Block:
        """Return the first page, then the sections."""
        view = self.view
        sections = (
            (self.into(view.back_heading), self._held_back()),
            (self.say("clauses.heading"), self._clauses()),
            (self.say("efficiency.heading"), self._efficiency()),
            (self.say("resources.heading"), self._resources()),
            (self.say("profile.heading"), self._profile()),
            (self.say("evaluation.heading"), self._evaluation()),
            (self.say("deviations.heading"), self._deviations()),
            (self.say("evidence.system"), self._layers()),
            (self.say("reproduce.heading"), self._check()),
        )
        return {
            "lang": self.lang,
            "heading": self.say("title.heading"),
            "agent": view.agent,
            "lead": self.into(view.lead),
            "stamps": [self.into(words) for words in view.stamps],
            "notice": self.into(view.notice),
            "rendering": self.say("export.rendering"),
            "scale": self.say("result.scale"),
            "axes": [self._axis(axis) for axis in view.axes],
            "facts": self._facts(view.facts),
            "sections": [
                {"heading": heading, "blocks": list(blocks)} for heading, blocks in sections
            ],
        }

    def _axis(self, axis: Axis) -> Block:
        # Classes come best first, levels and grades lowest first; the best is drawn on top.
        rungs = axis.rungs if axis.id == "efficiency" else axis.rungs[::-1]
        return {
            "label": self.into(axis.label),
            "result": axis.result,
            "title": self.maybe(axis.title),
            "note": self.maybe(axis.note),
            "rungs": [
                {
                    "id": rung.id,
                    "title": self.maybe(rung.title),
                    **_sign(rung.standing, self.into(rung.word)),
                    "is_result": rung.is_result,
                }
                for rung in rungs
            ],
        }

    def _held_back(self) -> Iterator[Block]:
        view = self.view
        if not view.limits and view.back_lead is not None:
            yield _text(self.into(view.back_lead))
        if view.limits:
            yield {"kind": "limits", "items": [self._limit(b) for b in view.limits[:_LIMITS]]}
        if len(view.limits) > _LIMITS:
            yield _note(self.say("export.more", n=len(view.limits) - _LIMITS))

    def _limit(self, back: HeldBack) -> Block:
        return {
            "name": back.limit.name,
            "text": self.maybe(back.limit.text),
            "sentence": self.into(back.limit.sentence),
            "telling": [[item.trial, self.into(item.text)] for item in back.telling],
            "telling_label": self.say("back.telling"),
        }

    def _clauses(self) -> Iterator[Block]:
        tried = [group for group in self.view.groups if group.tried]
        if tried:
            names = ("clause", "verdict", "n", "estimate", "interval", "limit")
            yield {
                "kind": "clauses",
                "columns": [self.say(f"terminal.{name}") for name in names],
                "groups": [self._group(group) for group in tried],
            }
        else:
            yield _text(self.say("terminal.nothing_tried"))
        not_run = self.not_run()
        if not_run:
            n = len(self.folded())
            yield {"kind": "subheading", "text": self.say("export.clauses_not_run", n=n)}
            yield _pairs([[why, self.listed(clauses)] for why, clauses in not_run])
        yield from (_note(self.into(words)) for words in self.view.coverage)

    def _group(self, group: Group) -> Block:
        reason = "" if group.reason is None else self.apart(self.into(group.reason))
        return {
            "name": f"{group.id} {self.into(group.title)}",
            **_sign(group.standing, self.say(f"rung.{group.standing}") + reason),
            "rows": [self._row(row) for row in group.tried],
        }

    def _row(self, row: Row) -> Block:
        numbers = row.numbers
        reason = "" if row.reason is None else self.apart(self.into(row.reason))
        return {
            "id": row.id,
            "text": self.into(row.text),
            **_sign(row.verdict, self.say(f"verdict.{row.verdict}") + reason),
            "n": UNKNOWN if numbers is None else f"{numbers.n:,}",
            "estimate": UNKNOWN if numbers is None else numbers.estimate,
            "interval": UNKNOWN if numbers is None else f"[{numbers.lower}, {numbers.upper}]",
            "limit": row.limit,
            "limit_at": row.limit_at,
            "bar": None if numbers is None else [numbers.bar_from, numbers.bar_to, numbers.dot],
        }

    def _efficiency(self) -> Iterator[Block]:
        found = self.view.efficiency
        yield _text(self.into(found.sentence))
        if found.ratio is not None:
            yield _text(self.into(found.ratio))
        if found.classes:
            names = ("class", "verdict", "estimate", "interval")
            heads = ("efficiency.class", *(f"terminal.{name}" for name in names[1:]))
            yield _table(
                [self.say(head) for head in heads],
                [
                    [
                        item.id
                        + self.apart(
                            self.say("efficiency.above")
                            if item.kappa is None
                            else f"κ ≤ {item.kappa}"
                        ),
                        _sign(item.verdict, self.say(f"verdict.{item.verdict}")),
                        item.estimate,
                        f"[{item.lower}, {item.upper}]",
                    ]
                    for item in found.classes
                ],
            )

    def _resources(self) -> Iterator[Block]:
        view = self.view
        if view.costs:
            yield {"kind": "subheading", "text": self.say("costs.heading")}
            yield {"kind": "facts", "facts": self._facts(view.costs)}
            yield _note(self.say("costs.note"))
        yield {"kind": "subheading", "text": self.say("export.all_trials")}
        yield {"kind": "facts", "facts": self._facts(view.resources.facts)}
        if view.gaps:
            yield {"kind": "subheading", "text": self.say("twins.heading")}
            names = ("level", "pairs", "zh", "en", "gap", "interval", "p_value")
            yield _table(
                [self.say(f"twins.{name}") for name in names],
                [list(gap) for gap in view.gaps],
            )
            yield _note(self.say("twins.lead"))
        yield _note(self.say("resources.note"))

    def _profile(self) -> Iterator[Block]:
        profile = self.view.profile
        if profile is None:
            yield _text(self.say("export.no_profile"))
            return
        yield _text(self.into(profile.line))
        yield _text(self.into(profile.validity))
        yield from (_note(self.into(words)) for words in profile.notices)
        yield {"kind": "chain", "steps": [self._step(step) for step in profile.chain]}
        yield _note(self.into(profile.objective))

    def _step(self, step: Step) -> Block:
        return {
            "layer": self.into(step.layer),
            "title": self.into(step.title),
            "name": self.into(step.name),
            "figures": [
                {
                    "label": self.into(figure.label),
                    "value": self.maybe(figure.value),
                    "why": self.maybe(figure.why),
                    "is_main": figure.is_main,
                }
                for figure in step.figures
            ],
        }

    def _evaluation(self) -> Iterator[Block]:
        found = self.view.reviewed
        if found is None:
            yield _text(self.say("export.no_evaluation"))
            return
        names = ("item", "text", "state", "reviewer", "date", "evidence")
        yield {
            "kind": "evaluation",
            "columns": [self.say(f"evaluation.{name}") for name in names],
            "rows": [self._item(item) for item in found.items],
        }
        yield _text(self.say("evaluation.mode", mode=found.mode))
        yield _note(self.into(found.sentence))

    def _item(self, item: ReviewedItem) -> list[Any]:
        state = _sign(item.state, self.say(f"evaluation.states.{item.state}"))
        first = [item.id, self.into(item.text), state]
        if item.by is None:
            wanted = self.say("evaluation.wanted", text=item.wanted)
            return [*first, UNKNOWN, UNKNOWN, wanted]
        told = f"{item.file} · SHA-256 {item.sha256[:16]}…"
        return [*first, self.into(item.by), item.date, f"{told} {item.remark}".rstrip()]

    def _deviations(self) -> Iterator[Block]:
        found = self.view.deviations
        if not found:
            yield _text(self.say("deviations.none"))
            return
        items = [[item.is_grave, self.into(item.text)] for item in found]
        yield {"kind": "list", "items": items}

    def _layers(self) -> Iterator[Block]:
        for label, pairs in self.view.about:
            yield {"kind": "subheading", "text": self.into(label)}
            if not pairs:
                yield _note(self.say("evidence.unknown"))
                continue
            yield _pairs([list(pair) for pair in pairs[:_PAIRS]])
            if len(pairs) > _PAIRS:
                yield _note(self.say("export.more", n=len(pairs) - _PAIRS))

    def _check(self) -> Iterator[Block]:
        found = self.view.reproduction
        yield _text(self.say("reproduce.lead"))
        yield {"kind": "subheading", "text": self.say("reproduce.needs")}
        yield {"kind": "list", "items": [[False, self.into(words)] for words in found.needs]}
        for way in found.ways:
            yield {"kind": "subheading", "text": self.into(way.title)}
            yield {"kind": "code", "text": way.command}
            yield _note(self.into(way.note))
        yield {"kind": "subheading", "text": self.say("reproduce.digests")}
        yield {
            "kind": "facts",
            "facts": [
                {
                    "label": item.path,
                    "value": item.sha256,
                    "is_code": True,
                    "note": self.maybe(item.name),
                }
                for item in found.digests
            ],
        }
        yield {"kind": "subheading", "text": self.say("evidence.seed_value")}
        yield {"kind": "code", "text": self.view.seed}

    def _facts(self, facts: Iterable[Fact]) -> list[Block]:
        return [
            {
                "label": self.into(fact.label),
                "value": self.into(fact.value),
                "is_code": fact.is_code,
                "note": self.maybe(fact.note),
            }
            for fact in facts
        ]


def _text(text: str) -> Block:
    return {"kind": "text", "text": text}


def _note(text: str) -> Block:
    return {"kind": "note", "text": text}


def _sign(standing: str, word: str) -> Block:
    return {"standing": standing, "sign": SIGNS[standing], "word": word}


def _table(columns: list[str], rows: list[list[Any]]) -> Block:
    return {"kind": "table", "columns": columns, "rows": rows}


def _pairs(rows: list[list[str]]) -> Block:
    return {"kind": "pairs", "rows": rows}


def clean(value: Any) -> Any:
    """Return the same with every text inert, and cut where it is too long for a page."""
    if isinstance(value, str):
        return inert(value[:_MOST]) + ("…" if len(value) > _MOST else "")
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value
