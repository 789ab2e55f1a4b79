"""From what a clause came to, to what its item does: pass, fail with a text, skip with a reason."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.decision.result import BUDGET, LEVEL_STOPPED
from conformance.evidence import bundle
from conformance.evidence.summary import summarise_clause
from conformance.report.inert import inert_line
from conformance.report.sentences import clause_limit, reason_words
from conformance.report.texts import aside, say
from conformance.trial.run import transcript_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal

    from conformance.campaign.observe import Observed
    from conformance.decision.result import ClauseResult, EfficiencyResult
    from conformance.decision.rules import Judgement
    from conformance.evidence.documents import ClauseSummary
    from conformance.plugin.plan import Plan, Planned

TELLING = 2
"""Trials that a failure names."""
SHOWN_FINDINGS = 3
_PLACES = 10**6
"""Steps of a unit that the ends of an interval are rounded to, outwards."""


class Judged(NamedTuple):
    """What an item does, and why."""

    how: Literal["pass", "fail", "skip"]
    text: str = ""


def settled_text(planned: Planned, lang: str) -> str:
    """Return why a clause is never run, known before the first trial."""
    return say(f"verdict.{planned.settled}").in_lang(lang) + _reason(planned.reason, lang)


def judge_clause(result: ClauseResult, plan: Plan, short: Sequence[Observed], lang: str) -> Judged:
    """Return what the item of a clause does.

    Args:
        result: What the clause came to.
        plan: What is graded.
        short: Its trials that fell short, the most telling first.
        lang: The language to say it in.
    """
    is_claimed = not plan.course.claim.is_empty
    match result.verdict:
        case "pass":
            return Judged("pass")
        case "inapplicable":
            reason = say("reason.ics", line=result.reason or "")
            told = say("verdict.inapplicable").in_lang(lang) + aside(reason).in_lang(lang)
            return Judged("skip", told)
        case "inconclusive" if result.reason == LEVEL_STOPPED:
            return Judged("skip", _verdict(result, lang))
        case "not_run" if result.reason != BUDGET or not is_claimed:
            return Judged("skip", _verdict(result, lang))
    return Judged("fail", "\n".join(_failure(result, plan, short, lang)))


def judge_efficiency(result: EfficiencyResult, plan: Plan, lang: str) -> Judged:
    """Return what the item of the efficiency class does: it is held to a class only if claimed."""
    claimed = plan.course.claim.efficiency
    none = plan.edition.document.efficiency.none
    verdicts = {item.id: item.verdict for item in result.classes}
    if claimed is not None:
        if verdicts.get(claimed) == "pass":
            return Judged("pass")
        values = {"claimed": claimed, "held": result.held or none}
        text = say("plugin.class_not_held", **values).in_lang(lang)
        return Judged("fail", text + _reason(result.reason, lang))
    if not result.classes:
        words = reason_words(result.reason)
        return Judged("skip", "" if words is None else words.in_lang(lang))
    return Judged("pass")


def telling(observed: Sequence[Observed]) -> tuple[Observed, ...]:
    """Return the trials of a clause that tell most of why it fell short.

    Those that broke the requirements broken most often, each another requirement while there is
    one.
    """
    short = [item for item in observed if (item.value or 0.0) < 1]
    often = Counter(f.requirement for item in short for f in item.findings)

    def main(item: Observed) -> str:
        return max((f.requirement for f in item.findings), key=lambda name: often[name], default="")

    ranked = sorted(short, key=lambda item: -often[main(item)])
    firsts = {main(item): item for item in reversed(ranked)}
    return tuple(sorted(ranked, key=lambda item: firsts[main(item)] is not item))[:TELLING]


def clause_properties(result: ClauseResult, p0: float) -> Iterator[tuple[str, object]]:
    """Yield the numbers of a clause as properties of its item."""
    yield "verdict", result.verdict
    if result.reason is not None:
        yield "reason", result.reason
    if result.judgement is not None:
        yield from _numbers(result.judgement)
    yield "p0", p0


def efficiency_properties(result: EfficiencyResult, none: str) -> Iterator[tuple[str, object]]:
    """Yield what came of the efficiency class as properties of its item."""
    yield "verdict", result.held or none
    if result.reason is not None:
        yield "reason", result.reason
    if result.classes:
        yield from _numbers(result.classes[0].judgement)


def _numbers(judgement: Judgement) -> Iterator[tuple[str, object]]:
    yield "n", judgement.n
    if judgement.mean is not None:
        yield "estimate", round(judgement.mean, 4)
        yield "lower", math.floor(judgement.lower * _PLACES) / _PLACES
        yield "upper", math.ceil(judgement.upper * _PLACES) / _PLACES


def _failure(
    result: ClauseResult, plan: Plan, short: Sequence[Observed], lang: str
) -> Iterator[str]:
    summary = _summary(result, plan)
    said = {"clause": result.clause, "verdict": _verdict(result, lang), "text": summary.text}
    yield say("plugin.failed", **said).in_lang(lang)
    yield clause_limit(summary).sentence.in_lang(lang)
    starts = [_start(plan, item.trial) for item in short]
    for item, start in zip(short, starts, strict=True):
        yield say("plugin.trial", trial=item.trial, family=start["family"]).in_lang(lang)
        for finding in item.findings[:SHOWN_FINDINGS]:
            yield f"  {inert_line(finding.requirement, 60)}: {inert_line(finding.message)}"
        yield f"  {transcript_path(plan.out / bundle.RUN, item.trial)}"
    for start in starts[:1]:
        yield say("plugin.look_closer", command=_instance_command(start, plan)).in_lang(lang)


def _start(plan: Plan, trial: str) -> dict[str, Any]:
    """Return the first event of a transcript: which instance was tried."""
    with transcript_path(plan.out / bundle.RUN, trial).open("rb") as file:
        found: dict[str, Any] = msgspec.json.decode(file.readline())
    return found


def _instance_command(start: dict[str, Any], plan: Plan) -> str:
    """Return the command that shows the instance of a trial."""
    parts = ["conformance", "tasks", "show", start["family"], "--seed", start["seed"]]
    parts += ["--lang", start["lang"], "--wording", str(start["wording"])]
    for name, value in start["knobs"].items():
        parts += ["--knob", f"{name}={value}"]
    if plan.given["edition"]:
        parts += ["--edition", plan.given["edition"]]
    return shlex.join(parts)


def _summary(result: ClauseResult, plan: Plan) -> ClauseSummary:
    planned = plan.clause(result.clause)
    assert planned is not None, "a result is of a clause of the course"  # noqa: S101
    return summarise_clause(plan.edition, planned.rule, result, [])


def _verdict(result: ClauseResult, lang: str) -> str:
    return say(f"verdict.{result.verdict}").in_lang(lang) + _reason(result.reason, lang)


def _reason(reason: str | None, lang: str) -> str:
    words = reason_words(reason)
    return "" if words is None else aside(words).in_lang(lang)
