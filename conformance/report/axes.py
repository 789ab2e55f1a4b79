"""The two graded axes and the efficiency class: what came out, and the whole scale of each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from conformance.report.clauses import standing
from conformance.report.numbers import plain
from conformance.report.sentences import reason_words
from conformance.report.texts import both, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.evidence.documents import StepSummary, SummaryDocument, Words


class Rung(NamedTuple):
    """One step of an axis as the ladder shows it."""

    id: str
    title: Words | None
    standing: str
    """``held`` or a verdict."""
    word: Words
    is_result: bool
    passed: int = 0
    of: int = 0
    """Of its clauses that were tried, those that passed; 0 of 0 where none was."""


class Axis(NamedTuple):
    """One graded axis: what came out, and the whole scale."""

    id: str
    label: Words
    result: str
    title: Words | None
    note: Words | None
    rungs: tuple[Rung, ...]


def graded_axes(summary: SummaryDocument) -> tuple[Axis, ...]:
    """Return the agency level, the trust grade and the efficiency class."""
    return (*_graded(summary), _efficiency(summary))


def no_class(summary: SummaryDocument) -> Words:
    """Return why no efficiency class is held."""
    found = summary.efficiency
    if not found.classes and found.reason is None:
        return say("reason.no_level")
    return reason_words(found.reason) or say("verdict.fail")


def _graded(summary: SummaryDocument) -> Iterator[Axis]:
    tried = [clause for clause in summary.clauses if clause.judgement is not None]
    of = Counter(clause.step for clause in tried)
    passed = Counter(clause.step for clause in tried if clause.verdict == "pass")
    for axis, steps, result, title in (
        ("agency", summary.levels, summary.level, summary.level_title),
        ("trust", summary.grades, summary.trust, summary.trust_title),
    ):
        rungs = tuple(
            _rung(step, summary, axis)._replace(
                is_result=step.id == result, passed=passed[step.id], of=of[step.id]
            )
            for step in steps
        )
        yield Axis(axis, say(f"axis.{axis}"), result, title, None, rungs)


def _rung(step: StepSummary, summary: SummaryDocument, axis: str) -> Rung:
    stands = standing(step, summary, axis)
    return Rung(step.id, step.title, stands, say(f"rung.{stands}"), is_result=False)


def _efficiency(summary: SummaryDocument) -> Axis:
    found = summary.efficiency
    tried = {item.id: item.verdict for item in found.classes}
    is_held = found.held in tried
    return Axis(
        id="efficiency",
        label=say("axis.efficiency"),
        result=found.held,
        title=None if is_held else no_class(summary),
        note=say("result.better_undecided") if found.is_marked else None,
        rungs=tuple(
            Rung(
                item.id,
                both(f"κ ≤ {plain(item.kappa)}")
                if item.kappa is not None
                else say("efficiency.above"),
                "held" if item.id == found.held else item.verdict,
                say("rung.held" if item.id == found.held else f"verdict.{item.verdict}"),
                item.id == found.held,
            )
            for item in found.classes
        ),
    )
