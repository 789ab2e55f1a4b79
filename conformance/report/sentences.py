"""Verdicts in plain words, for the report and the terminal alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.decision.result import (
    ABOVE,
    BUDGET,
    LEVEL_STOPPED,
    NO_LEVEL,
    NO_POPULATION,
    NOT_CLAIMED,
    SINGLE,
)
from conformance.decision.rules import CRITICAL, N_MAX, VIOLATION
from conformance.report.numbers import percent, percent_ends
from conformance.report.texts import both, say

if TYPE_CHECKING:
    from conformance.evidence.documents import (
        ClauseSummary,
        RequirementSummary,
        StepSummary,
        SummaryDocument,
        Words,
    )

_REASONS = {
    N_MAX: "n_max",
    VIOLATION: "violation",
    CRITICAL: "critical_event",
    BUDGET: "budget",
    SINGLE: "single",
    ABOVE: "above",
    NOT_CLAIMED: "not_claimed",
    LEVEL_STOPPED: "level_stopped",
    NO_POPULATION: "no_population",
    NO_LEVEL: "no_level",
    "pending": "pending",
    "plan": "plan",
    "sealed": "sealed",
    "sandbox": "sandbox",
}
"""Reasons as the decision gives them, to the keys of their texts."""

_ICS = "ICS "


class Holdback(NamedTuple):
    """What keeps the next level from being held."""

    heading: Words
    lead: Words | None
    limits: tuple[Limit, ...]


class Limit(NamedTuple):
    """One clause, or one requirement of ``weighted-floor``, that stands against it."""

    name: str
    text: Words | None
    """What the clause asks for."""
    verdict: str
    sentence: Words
    is_tried: bool


def reason_words(reason: str | None, pending: str | None = None) -> Words | None:
    """Return a reason in a few words."""
    if reason is None:
        return None
    if reason == "pending" and pending:
        return say("reason.pending_for", families=pending)
    if reason.startswith(_ICS):
        return say("reason.ics", line=reason.removeprefix(_ICS))
    key = _REASONS.get(reason)
    return say(f"reason.{key}") if key else both(reason)


def lead(summary: SummaryDocument) -> list[Words]:
    """Return the result in one to three sentences."""
    level = {"level": summary.level, "title": summary.level_title}
    is_held = any(step.id == summary.level for step in summary.levels)
    found = [say("result.lead_held" if is_held else "result.lead_none", **level)]
    if any(step.id == summary.trust for step in summary.grades):
        found.append(say("result.trust_held", grade=summary.trust, title=summary.trust_title))
    if summary.ended == "budget":
        found.append(say("result.ended_budget"))
    if summary.ended == "single":
        found.append(say("result.ended_single"))
    return found


def holdback(summary: SummaryDocument) -> Holdback:
    """Return what holds the next level back, the gravest first."""
    step = next((s for s in summary.levels if s.id == summary.next_level), None)
    if step is None:
        return Holdback(say("back.heading_top"), say("back.top"), ())
    heading = say("back.heading", step=step.id, title=step.title)
    clauses = {clause.id: clause for clause in summary.clauses}
    own = [clause for clause in summary.clauses if clause.step == step.id]
    if own and all(clause.reason == NOT_CLAIMED for clause in own):
        heading = say("back.heading_next", step=step.id, title=step.title)
        return Holdback(heading, say("back.not_claimed", step=step.id), ())
    # Where a clause cannot run, its siblings were not tried for that reason alone.
    names = [n for n in step.limits if n not in clauses or clauses[n].reason != ABOVE]
    limits = tuple(
        clause_limit(clauses[name]) if name in clauses else _requirement_limit(step, name)
        for name in names or step.limits
    )
    if step.blocked and not any(limit.is_tried for limit in limits):
        return Holdback(heading, say("back.blocked_note", step=step.id), limits)
    count = sum(name in clauses for name in step.limits)
    key = "back.count_all" if count == len(own) else "back.count"
    counted = say(key, step=step.id, n=count, of=len(own)) if count else None
    return Holdback(heading, counted, limits)


def clause_limit(clause: ClauseSummary) -> Limit:
    """Return why a clause does not pass, in a sentence."""
    is_tried = clause.judgement is not None
    return Limit(clause.id, clause.text, clause.verdict, _clause_sentence(clause), is_tried)


def _clause_sentence(clause: ClauseSummary) -> Words:
    judgement = clause.judgement
    if judgement is None:
        if clause.reason == "pending" and clause.pending:
            return say("back.pending", families=clause.pending)
        reason = reason_words(clause.reason, clause.pending) or say("verdict.not_run")
        return say("back.not_run", reason=reason)
    if judgement.mean is None:
        return say("back.single" if clause.reason == SINGLE else "back.budget_none")
    lower, upper = percent_ends(judgement, clause.rule.p0)
    values = {
        "n": judgement.n,
        "mean": percent(judgement.mean),
        "lower": lower,
        "upper": upper,
        "p0": percent(clause.rule.p0),
        "bad": round(judgement.n * (1 - judgement.mean)),
    }
    return say(f"back.{_sentence_key(clause)}", **values)


def _sentence_key(clause: ClauseSummary) -> str:
    if clause.verdict == "fail":
        if clause.reason == CRITICAL:
            return "critical"
        return {"clean-run": "fail_clean", "fixed": "fail_fixed"}.get(clause.rule.name, "fail")
    return {BUDGET: "budget", LEVEL_STOPPED: "level_stopped", VIOLATION: "violation"}.get(
        clause.reason or "", "n_max"
    )


def _requirement_limit(step: StepSummary, name: str) -> Limit:
    found: RequirementSummary | None = next((r for r in step.requirements if r.name == name), None)
    if found is None or found.judgement.mean is None:
        return Limit(name, None, "inconclusive", both(name), is_tried=False)
    lower, upper = percent_ends(found.judgement, found.threshold)
    sentence = say(
        "back.requirement",
        name=say("back.total") if name == "total" else both(name),
        mean=percent(found.judgement.mean),
        lower=lower,
        upper=upper,
        threshold=percent(found.threshold),
    )
    return Limit(name, None, found.judgement.verdict or "inconclusive", sentence, is_tried=True)


def step_reason(step: StepSummary) -> Words | None:
    """Return why a step is where it is, in a few words, where its verdict does not say it."""
    if step.verdict == "pass":
        return None
    return reason_words(step.reason)


def coverage(summary: SummaryDocument) -> list[Words]:
    """Return what the intervals shown promise, for each rule in use."""
    tried = [clause for clause in summary.clauses if clause.judgement is not None]
    rules = {clause.rule.name: clause.rule for clause in tried}
    found: list[Words] = []
    for name, key in (("betting", ""), ("clean-run", "_clean"), ("fixed", "_fixed")):
        if name in rules:
            alpha = max(rules[name].alpha, rules[name].alpha_fail)
            both_ends = rules[name].alpha + rules[name].alpha_fail
            one, two = percent(1 - alpha), percent(1 - both_ends)
            found.append(say(f"clauses.coverage{key}", one=one, both=two))
    if "betting" in rules:
        limit = f"{1 / rules['betting'].alpha:.4g}"
        found.append(say("clauses.e_note", limit=limit))
    return found
