"""From a bundle that re-graded clean to the entry that the leaderboard shows of it."""

from __future__ import annotations

import hashlib
import html
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import conformance
from conformance.authoring import canonical
from conformance.errors import EvidenceInvalidError
from conformance.evidence import bundle
from conformance.evidence.documents import ClaimDocument
from conformance.report.board.entries import (
    Board,
    ClauseRow,
    Entry,
    LoadPoint,
    ProfilePoint,
    Refused,
    in_order,
)
from conformance.report.costs import agency_trials, agency_use
from conformance.report.deviations import remarks
from conformance.report.inert import inert_line
from conformance.report.profile_words import accelerators
from conformance.report.sources import read_evidence, read_transcript
from conformance.report.texts import LANGS, say
from conformance.report.transcripts import usage_of
from conformance.report.view import agent_name, agent_version

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.evidence.documents import ClauseSummary, SummaryDocument
    from conformance.evidence.registry import Registry
    from conformance.profile.document import ProfileDocument
    from conformance.report.costs import Use
    from conformance.report.sources import Evidence

_KIND = re.compile(r"[a-z0-9]{1,12}")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,47}")
"""A kind and a name that are their own slug."""


def build_board(registry: Registry) -> Board:
    """Return the board of the submissions that re-graded clean.

    One that holds figures that are none is refused here, whoever made them up.
    """
    entries = []
    refused = [(item.folder.name, item.problems) for item in registry.refused]
    for item in registry.clean:
        try:
            entries.append(_sane(build_entry(item.folder)))
        except Exception as error:  # noqa: BLE001 - hostile figures may break any sum; the others go on
            refused.append((item.folder.name, (f"cannot be shown: {error}",)))
    return Board(
        in_order(entries),
        tuple(
            Refused(inert_line(name), tuple(inert_line(problem, 300) for problem in problems))
            for name, problems in sorted(refused)
        ),
        f"agent-grading {conformance.__version__}",
    )


def report_page(folder: Path) -> str:
    """Return the report of a bundle; where it cannot be made, a page that says so."""
    from conformance.report.html import render_report

    try:
        return render_report(folder)
    except Exception as error:  # noqa: BLE001 - one submission does not keep the site from being made
        words = say("exports.no_report", why=inert_line(str(error), 300))
        lines = (f'<p lang="{lang}">{html.escape(getattr(words, lang))}</p>' for lang in LANGS)
        return f'<!doctype html><html><meta charset="utf-8"><title>–</title>{"".join(lines)}\n'


def build_entry(folder: Path) -> Entry:
    """Return what the leaderboard shows of a bundle, which is taken to have re-graded clean."""
    evidence = read_evidence(folder)
    summary, claim = evidence.summary, evidence.claim
    edition, agent = summary.edition, claim.agent
    use = _use(evidence)
    profile = evidence.profile
    head = None if profile is None else profile.headline
    return Entry(
        id=evidence.bundle_id or "",
        slug=agent_slug(agent),
        folder=folder.name,
        agent=agent_name(agent),
        vendor=_text(agent.get("vendor")),
        model=_text(agent.get("model")),
        kind=inert_line(str(agent.get("kind", "")), 40),
        is_calibrator=agent.get("kind") == "builtin",
        standing="self-declared",
        claimed_standing=_claimed(evidence),
        evidence_class=claim.evidence_class,
        edition=edition.id,
        edition_sha256=edition.sha256,
        edition_title=edition.title,
        normative=edition.normative,
        plan=summary.plan,
        plan_title=summary.plan_title,
        langs=tuple(summary.langs),
        is_grade=summary.is_grade,
        seed_source=summary.seed_source,
        mode=claim.mode,
        began=evidence.opened.time,
        ended=evidence.ended_at,
        ended_by=summary.ended,
        level=summary.level,
        level_rank=_rank(summary.level, [step.id for step in summary.levels]),
        level_title=summary.level_title,
        trust=summary.trust,
        trust_rank=_rank(summary.trust, [step.id for step in summary.grades]),
        trust_title=summary.trust_title,
        efficiency=summary.efficiency.held,
        clauses=tuple(map(_clause, summary.clauses)),
        trials=use.trials,
        solved=use.solved,
        tokens_per_solved=use.per_solved(use.tokens.total),
        cost_per_solved=None if head is None else head.money_per_solved_task,
        currency=None if profile is None else _text(profile.inputs.currency),
        joules_per_solved=None if head is None else head.j_per_solved_task,
        seconds_per_solved=use.per_solved(use.seconds),
        gap=tuple(evidence.twins.levels),
        profile=None if profile is None else _profile(profile),
        hardware=_hardware(evidence),
        tokens_estimated=use.tokens.is_estimated,
        next_lower=_next_lower(summary),
        suite=evidence.lock.suite,
        version=agent_version(agent),
        remarks=remarks(evidence),
    )


def slug_of(folder: Path) -> str:
    """Return ``agent_slug`` of a bundle's agent."""
    return agent_slug(bundle.read_document(folder, bundle.CLAIM, ClaimDocument).agent)


def agent_slug(agent: dict[str, Any]) -> str:
    """Return a file name for an agent: one for all its versions, and no other agent's.

    An agent is its kind, its name (its model where it has none) and its vendor. Where these are
    no plain lower-case words they are shortened, and told apart by a digest behind ``_``, which no
    plain name holds.
    """
    kind, name, vendor = agent.get("kind"), _own_name(agent), agent.get("vendor") or None
    said = "-".join(str(word) for word in (kind, name, vendor) if word is not None)
    if vendor is None and _is_plain(kind, _KIND) and _is_plain(name, _NAME):
        return said
    base = re.sub(r"[^a-z0-9]+", "-", said[:200].lower()).strip("-")[:40].strip("-") or "agent"
    return f"{base}_{hashlib.sha256(canonical([kind, name, vendor])).hexdigest()[:12]}"


def _sane(entry: Entry) -> Entry:
    """Return the entry.

    Raises:
        EvidenceInvalidError: a figure is not finite.
    """
    try:
        bundle.document_bytes(entry)  # canonical JSON knows no number that is not finite
    except ValueError as error:
        raise EvidenceInvalidError(f"has a figure that is none: {error}") from error
    return entry


def _is_plain(word: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(word, str) and pattern.fullmatch(word) is not None


def _own_name(agent: dict[str, Any]) -> Any:
    keys = ("name", "url", "agent_url", "command", "function", "model")
    return next((agent[key] for key in keys if agent.get(key)), None)


def _text(value: Any) -> str | None:
    return inert_line(value, 120) if isinstance(value, str) and value else None


def _claimed(evidence: Evidence) -> str:
    """Return the standing that a bundle gives itself, wherever it may say so."""
    agent = evidence.claim.agent
    words = (agent.get(key) for key in ("standing", "declaration"))
    said = next((word for word in words if word), evidence.claim.declaration.en)
    return inert_line(said if isinstance(said, str) else canonical(said).decode(), 40)


def _rank(held: str, steps: list[str]) -> int:
    return steps.index(held) + 1 if held in steps else 0


def _clause(clause: ClauseSummary) -> ClauseRow:
    found = clause.judgement
    return ClauseRow(
        id=clause.id,
        verdict=clause.verdict,
        estimate=None if found is None else found.mean,
        lower=None if found is None else found.lower,
        upper=None if found is None else found.upper,
        p0=clause.rule.p0,
        n=0 if found is None else found.n,
        text=clause.text,
        reason=clause.reason,
    )


def _next_lower(summary: SummaryDocument) -> float:
    lowers = [
        clause.judgement.lower
        for clause in summary.clauses
        if clause.step == summary.next_level and clause.judgement is not None
    ]
    return min(lowers, default=0.0)


def _use(evidence: Evidence) -> Use:
    """Return what the agency trials took; of the others no transcript is read."""
    usage = {}
    for trial, _ in agency_trials(evidence):
        events = read_transcript(evidence.folder, trial)
        if events is not None:
            usage[trial.id] = usage_of(events)
    return agency_use(evidence, usage)


def _profile(document: ProfileDocument) -> ProfilePoint:
    head = document.headline
    points = sorted(document.points, key=lambda point: point.concurrency)
    return ProfilePoint(
        is_valid=document.valid,
        concurrency=head.concurrency,
        tokens_s=head.output_tokens_per_s,
        ttft_p50_ms=head.ttft_p50_ms,
        tpot_p50_ms=head.tpot_p50_ms,
        joules_per_token=head.j_per_output_token,
        solved_per_hour=head.solved_per_hour,
        points=tuple(
            LoadPoint(
                concurrency=point.concurrency,
                tokens_s=point.output_tokens_per_s,
                ttft_p50_ms=point.ttft_ms.p50,
                tpot_p50_ms=point.tpot_ms.p50,
                is_valid=point.valid,
            )
            for point in points
        ),
    )


def _hardware(evidence: Evidence) -> str | None:
    """Return what the endpoint runs on: the devices that were read, else what is declared."""
    devices = [] if evidence.profile is None else accelerators(evidence.profile)
    counts = Counter(device.name or device.vendor for device in devices)
    found = [f"{count} × {name}" if count > 1 else name for name, count in sorted(counts.items())]
    declared = evidence.system.declared.get("hardware", {})
    return _text(", ".join(found or [str(value) for _, value in sorted(declared.items())]))
