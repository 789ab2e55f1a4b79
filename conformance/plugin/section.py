"""What the terminal shows of a run: a line at its head, a section at its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from conformance.campaign.claim import claim_text
from conformance.report.inert import inert_line
from conformance.report.numbers import decimal, outward
from conformance.report.planned import aligned, plan_lines
from conformance.report.terminal import result_lines
from conformance.report.texts import load_texts, say
from conformance.report.view import agent_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from conformance.evidence.documents import Words
    from conformance.plugin.ending import Ending, Seen, Told
    from conformance.plugin.plan import Plan

SECONDS_A_CALL = 2.0
OUTCOMES = ("passed", "failed", "expected", "error", "skipped")
WIDTH = 120


def header_line(plan: Plan, lang: str) -> str:
    """Return the line at the head of a run."""
    return _say("head", lang, agent=inert_line(plan.ready.spec), plan=_plan_words(plan))


def print_section(
    reporter: pytest.TerminalReporter,
    plan: Plan,
    seen: Seen,
    told: Told | None,
    ending: Ending,
    lang: str,
) -> None:
    """Print the section at the end of a run."""
    reporter.write_sep("=", _say("title", lang))
    for line in _lines(plan, seen, told, ending, lang):
        reporter.write_line(line)


def print_plan(reporter: pytest.TerminalReporter, plan: Plan, lang: str) -> None:
    """Print what a run would cost."""
    from conformance.campaign.estimate import estimate

    found = estimate(plan.edition, plan.ready.settings, SECONDS_A_CALL)
    reporter.write_sep("=", _say("title", lang))
    reporter.write_line(_say("collected", lang))
    reporter.write_line(_plan_line(plan, lang))
    for line in plan_lines(found, lang):
        reporter.write_line(line)


def _lines(plan: Plan, seen: Seen, told: Told | None, ending: Ending, lang: str) -> Iterator[str]:
    if told is None:
        yield _say("agent_unopened", lang, agent=inert_line(plan.ready.spec))
    else:
        yield _say("agent", lang, agent=agent_name(told[0]), evidence=told[1])
    yield _plan_line(plan, lang)
    if ending.summary is not None:
        yield from result_lines(ending.summary, lang, plan.out, width=WIDTH)
    else:
        yield from aligned([_row(clause, found, lang) for clause, found in seen.clauses.items()])
    if seen.own:
        yield _say("own", lang)
        yield from aligned([(f"  {clause}", _counts(n, lang)) for clause, n in seen.own.items()])
    if ending.why is not None:
        yield _say("no_grade", lang, why=ending.why)
    if ending.can_go_on:
        yield _say("no_bundle", lang, path=plan.out)
        yield _say("go_on", lang, path=plan.out)


def _plan_line(plan: Plan, lang: str) -> str:
    return _plan_words(plan).in_lang(lang)


def _plan_words(plan: Plan) -> Words:
    claim = claim_text(plan.ready.settings.claim)
    key = "plan" if claim else "plan_climb"
    return say(f"plugin.{key}", plan=plan.given["plan"], claim=claim)


def _row(clause: str, found: dict[str, Any], lang: str) -> tuple[str, ...]:
    word = str(found.get("verdict", ""))
    if not word:
        word = _say(f"outcome_{found['outcome']}", lang)
    elif load_texts().has(f"verdict.{word}"):
        word = say(f"verdict.{word}").in_lang(lang)
    if "lower" not in found:
        return clause, word, str(found.get("n", "")), "", ""
    lower, upper = outward(found["lower"], found["upper"], found.get("p0", math.nan))
    return clause, word, str(found["n"]), decimal(found["estimate"]), f"[{lower}, {upper}]"


def _counts(counted: dict[str, int], lang: str) -> str:
    parts = [_say(f"own_{name}", lang, n=counted[name]) for name in OUTCOMES if counted.get(name)]
    return ("、" if lang == "zh" else ", ").join(parts)


def _say(key: str, lang: str, **values: Any) -> str:
    return say(f"plugin.{key}", **values).in_lang(lang)
