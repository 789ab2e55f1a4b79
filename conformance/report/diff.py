"""What is said of two bundles side by side: lines and tables, in one language, not marked up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.decision.paired import share_alpha
from conformance.report.in_language import SIGNS
from conformance.report.inert import inert_line
from conformance.report.numbers import UNKNOWN, decimal, e_value, outward, plain, seconds
from conformance.report.sentences import reason_words
from conformance.report.texts import aside, both, joined, say
from conformance.report.view import agent_name, agent_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.decision.paired import PairedTest
    from conformance.evidence.comparison import AtStopping, Comparison, Group, Side
    from conformance.evidence.documents import Words


class Line(NamedTuple):
    """A paragraph."""

    text: str
    is_main: bool = False
    is_note: bool = False


class Grid(NamedTuple):
    """A table; cells are text."""

    headings: list[str]
    rows: list[list[str]]
    right: frozenset[int] = frozenset()
    """The columns of numbers."""


_TEST = ("pairs", "mean_a", "mean_b", "difference", "interval", "e_worse", "e_better", "finding")


def diff_blocks(comparison: Comparison, lang: str) -> list[Line | Grid]:
    """Return what is said, top to bottom, in ``zh`` or ``en``."""
    return list(_Sheet(comparison, lang).blocks())


def is_paired(comparison: Comparison) -> bool:
    """Say whether there is a pair at all."""
    return comparison.all_pairs is not None


class _Sheet:
    def __init__(self, comparison: Comparison, lang: str) -> None:
        self.diff = comparison
        self.lang = lang

    def blocks(self) -> Iterator[Line | Grid]:
        yield from (Line(text, is_main=True) for text in self._lead())
        yield self._sides()
        yield from self._terms()
        yield self._steps()
        if self.diff.all_pairs is not None:
            yield from self._all_pairs(self.diff.all_pairs)
            yield from self._clauses()
            yield from self._groups("family", self.diff.families)
            yield from self._groups("lang", self.diff.langs)
            yield from self._costs()
        else:
            yield from self._stopped()
        yield from self._figures()
        yield from (Line(text, is_note=True) for text in self._notes())

    def _lead(self) -> Iterator[str]:
        if not is_paired(self.diff):
            yield self._say(f"diff.unpaired_{'same' if self.diff.is_same_seed else 'seeds'}")
            if not self.diff.is_same_seed:
                yield self._say("diff.pairs_by")
            return
        found = {"worse": self.diff.worse, "better": self.diff.better}
        for name, what in found.items():
            if what:
                yield self._say(f"diff.{name}", what=joined([_named(item) for item in what]))
        if not any(found.values()):
            yield self._say("diff.no_evidence")
        if self.diff.lower and not self.diff.worse:
            told = [
                say("diff.move", axis=say(f"axis.{s.axis}"), a=s.a, b=s.b) for s in self.diff.lower
            ]
            left_out = self.diff.left_out
            why = "lower_untried" if left_out else "lower_by_chance"
            clauses = joined([both(inert_line(name)) for name in left_out])
            yield self._say(f"diff.{why}", what=joined(told), clauses=clauses)

    def _sides(self) -> Grid:
        keys = ("agent", "result", "seed", "bundle")
        return Grid(
            ["", *(self._say(f"diff.{key}") for key in keys)],
            [self._side("A", self.diff.a), self._side("B", self.diff.b)],
        )

    def _side(self, name: str, side: Side) -> list[str]:
        source = "os" if side.seed_source == "os" else "applicant"
        return [
            name,
            f"{agent_name(side.agent)} {agent_version(side.agent)}".rstrip(),
            inert_line(f"{side.level} · {side.trust} · {side.efficiency}"),
            self._say(f"diff.seed_{source}"),
            f"{inert_line(side.folder)}  {side.bundle_id[:12]}",
        ]

    def _terms(self) -> Iterator[Line]:
        if self.diff.terms:
            told = [
                say(
                    "diff.term",
                    name=say(f"diff.names.{term.name}"),
                    a=_or_none(term.a),
                    b=_or_none(term.b),
                )
                for term in self.diff.terms
            ]
            yield Line(self._say("diff.terms", terms=joined(told)))

    def _steps(self) -> Grid:
        rows = []
        for step in self.diff.steps:
            change = "as_before" if step.a == step.b else "lower" if step.is_lower else "higher"
            name = self._say(f"axis.{step.axis}")
            rows.append([name, inert_line(step.a), inert_line(step.b), self._say(f"diff.{change}")])
        return Grid([self._say("diff.axis"), "A", "B", ""], rows)

    def _all_pairs(self, group: Group) -> Iterator[Line | Grid]:
        counts = {"same": self.diff.same, "only_a": self.diff.only_a, "only_b": self.diff.only_b}
        yield Line(self._say("diff.tally", n=group.test.n, **counts))
        # No interval: pairs of several streams have no one mean.
        wanted = [name for name in _TEST if name != "interval"]
        row = [self._say("diff.everything"), *self._test(group, wanted)]
        yield self._grid("", wanted, [row])

    def _clauses(self) -> Iterator[Line | Grid]:
        rows, untried = [], 0
        for move in self.diff.clauses:
            if move.pairs is not None:
                test = self._test(move.pairs, _TEST)
            elif move.a.n or move.b.n:
                test = ["0", *[UNKNOWN] * (len(_TEST) - 1)]
            else:
                untried += 1
                continue
            verdicts = f"{self._verdict(move.a)} → {self._verdict(move.b)}"
            rows.append([inert_line(move.id), verdicts, *test])
        yield self._grid("clause", ("verdicts", *_TEST), rows)
        if untried:
            yield Line(self._say("diff.untried", n=untried), is_note=True)

    def _stopped(self) -> Iterator[Line | Grid]:
        rows, untried = [], 0
        for move in self.diff.clauses:
            if not move.a.n and not move.b.n:
                untried += 1
                continue
            verdicts = f"{self._verdict(move.a)} → {self._verdict(move.b)}"
            stopped = [self._at_stopping(move.a), self._at_stopping(move.b)]
            rows.append([inert_line(move.id), verdicts, *stopped])
        yield self._grid("clause", ("verdicts", "at_stopping_a", "at_stopping_b"), rows)
        if untried:
            yield Line(self._say("diff.untried", n=untried), is_note=True)

    def _groups(self, kind: str, groups: Sequence[Group]) -> Iterator[Grid]:
        wanted = [name for name in _TEST if name != "interval"]
        rows = []
        for group in groups:
            is_lang = kind == "lang" and group.name in ("zh", "en")
            name = self._say(f"diff.langs.{group.name}") if is_lang else inert_line(group.name)
            rows.append([name, *self._test(group, wanted)])
        yield self._grid(kind, wanted, rows)

    def _costs(self) -> Iterator[Grid]:
        columns = ("pairs", "median_a", "median_b", "median_difference", "ratio")
        rows = [
            [
                self._say(f"diff.measures.{cost.measure}"),
                str(cost.n),
                _used(cost.measure, cost.median_a),
                _used(cost.measure, cost.median_b),
                _more(cost.measure, cost.median_difference),
                UNKNOWN if cost.ratio is None else f"{cost.ratio:.2f}×",
            ]
            for cost in self.diff.costs
        ]
        yield self._grid("cost", columns, rows)

    def _figures(self) -> Iterator[Grid]:
        if self.diff.figures:
            rows = [
                [self._say(f"diff.measures.{item.measure}"), _number(item.a), _number(item.b)]
                for item in self.diff.figures
            ]
            yield Grid([self._say("diff.figure"), "A", "B"], rows, frozenset({1, 2}))

    def _notes(self) -> Iterator[str]:
        if is_paired(self.diff):
            tested = [move.pairs.test.alpha for move in self.diff.clauses if move.pairs]
            each = tested[0] if tested else share_alpha(self.diff.alpha, 1)[1]
            yield self._say("diff.note_alpha", alpha=plain(self.diff.alpha), each=f"{each:.2g}")
            yield self._say("diff.note_all")
            yield self._say("diff.note_groups")
        if self.diff.is_same_seed and self.diff.b.seed_source == "applicant":
            yield self._say("diff.note_seed")

    def _test(self, group: Group, wanted: Sequence[str]) -> list[str]:
        test = group.test
        cells = {
            "pairs": str(test.n),
            "mean_a": decimal(group.mean_a),
            "mean_b": decimal(group.mean_b),
            "difference": _signed(test.mean),
            "interval": _interval(test),
            "e_worse": e_value(test.log10_e_worse),
            "e_better": e_value(test.log10_e_better),
            "finding": self._say(f"diff.findings.{test.finding.replace(' ', '_')}"),
        }
        return [cells[name] for name in wanted]

    def _verdict(self, side: AtStopping) -> str:
        word = f"{SIGNS[side.verdict]} {self._say(f'verdict.{side.verdict}')}"
        reason = reason_words(side.reason) if side.verdict == "not_run" else None
        if reason is None:
            return word
        return word + self._in(aside(both(inert_line(self._in(reason)))))

    def _at_stopping(self, side: AtStopping) -> str:
        if side.lower is None or side.upper is None:
            return UNKNOWN
        lower, upper = outward(side.lower, side.upper, side.p0)
        return self._say(
            "diff.at_stopping", mean=decimal(side.mean), lower=lower, upper=upper, n=side.n
        )

    def _grid(self, first: str, columns: Sequence[str], rows: list[list[str]]) -> Grid:
        headings = [self._say(f"diff.{first}") if first else ""]
        headings += [self._say(f"diff.{name}") for name in columns]
        text = ("verdicts", "finding", "interval", "at_stopping_a", "at_stopping_b")
        right = frozenset(at for at, name in enumerate(columns, 1) if name not in text)
        return Grid(headings, rows, right)

    def _say(self, key: str, **values: Any) -> str:
        return self._in(say(key, **values))

    def _in(self, words: Words) -> str:
        return words.in_lang(self.lang)


def _named(item: str) -> Words:
    return say("diff.everything") if item == "all" else both(inert_line(item))


def _or_none(text: str) -> Words:
    return both(inert_line(text)) if text else say("diff.none")


def _signed(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:+.3g}" if value else "0"


def _number(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - four digits


def _used(measure: str, value: float | None) -> str:
    return seconds(value) if measure == "wall_s" else _number(value)


def _more(measure: str, value: float | None) -> str:
    if not value:
        return _signed(value)
    shown = _used(measure, abs(value))
    return shown if shown.startswith("<") else ("+" if value > 0 else "-") + shown


def _interval(test: PairedTest) -> str:
    """Return the interval, rounded outwards, and never across 0."""
    if test.lower is None or test.upper is None:
        return UNKNOWN
    lower = math.floor(test.lower * 1000) / 1000
    upper = math.ceil(test.upper * 1000) / 1000
    # An end that rounding puts on 0 would hide a finding.
    lower = test.lower if test.lower > 0 >= lower else lower
    upper = test.upper if test.upper < 0 <= upper else upper
    return f"[{lower:+.3g}, {upper:+.3g}]"
