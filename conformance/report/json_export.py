"""``report.json``: a bundle's result for programs, of a documented shape."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.evidence.bundle import document_bytes
from conformance.profile.percentiles import quantile
from conformance.report.costs import agency_use
from conformance.report.deviations import faults
from conformance.report.inert import inert, inert_pairs
from conformance.report.profile_words import certificate_line
from conformance.report.report_document import (
    FORMAT,
    AgentPart,
    CampaignPart,
    CostsPart,
    DeviationPart,
    LimitPart,
    ProfilePart,
    ReportDocument,
    StandingPart,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.report.reading import Reading
    from conformance.report.sources import Evidence
    from conformance.report.transcripts import Transcripts

_MOST = 2_000
"""Characters of one text; the rest is in the bundle."""
_PAIRS = 64
"""Things said of the agent."""


def render_json(reading: Reading, renderings: Mapping[str, str]) -> bytes:
    """Return ``report.json`` as RFC 8785 canonical JSON, one line.

    Args:
        reading: The bundle.
        renderings: Where each format lies in a bundle, by the format's name.
    """
    return document_bytes(_clean(msgspec.to_builtins(report_document(reading, renderings))))


def report_document(reading: Reading, renderings: Mapping[str, str]) -> ReportDocument:
    """Return the document; its texts are not made inert yet."""
    evidence, transcripts, view, evaluation = reading
    claim, profile = evidence.claim, evidence.profile
    return ReportDocument(
        format=FORMAT,
        suite=evidence.lock.suite,
        bundle_id=evidence.bundle_id,
        agent=AgentPart(view.agent, dict(inert_pairs(claim.agent)[:_PAIRS])),
        standing=StandingPart(
            claim=claim.claim,
            mode=claim.mode,
            declaration=claim.declaration,
            evidence_class=claim.evidence_class,
            unmetered=claim.unmetered,
        ),
        campaign=_campaign(evidence),
        costs=_costs(evidence, transcripts),
        holds_back=[
            LimitPart(
                back.limit.name,
                back.limit.verdict,
                back.limit.sentence,
                [telling.trial for telling in back.telling],
            )
            for back in view.limits
        ],
        deviations=[DeviationPart(item.text, item.is_grave) for item in view.deviations],
        profile=None
        if profile is None
        else ProfilePart(
            profile.valid, certificate_line(profile), profile.headline, profile.inputs.currency
        ),
        evaluation=evaluation,
        renderings=dict(renderings),
        summary=evidence.summary,
    )


def _campaign(evidence: Evidence) -> CampaignPart:
    outcomes = Counter(trial.record.outcome for trial in evidence.trials)
    return CampaignPart(
        began=_moment(evidence.opened.time),
        ended=_moment(evidence.ended_at),
        trials=len(evidence.trials),
        counted=sum(bool(trial.observations) for trial in evidence.trials),
        faults=faults(evidence),
        outcomes=dict(sorted(outcomes.items())),
    )


def _costs(evidence: Evidence, transcripts: Transcripts) -> CostsPart:
    used = list(transcripts.usage.values())
    latencies = sorted(value for item in used for value in item.latencies)
    unknown = sum(item.unknown for item in used)
    is_told = len(latencies) > unknown
    records = [trial.record for trial in evidence.trials]

    def known(name: str) -> int | None:
        values = [value for item in used if (value := getattr(item, name)) is not None]
        return sum(values) if values else None

    use = agency_use(evidence, transcripts.usage)
    wall = use.per_solved(use.seconds)
    return CostsPart(
        agency_trials=use.trials,
        solved_trials=use.solved,
        tokens_per_solved_trial=use.per_solved(use.tokens.total),
        wall_s_per_solved_trial=None if wall is None else round(wall, 6),
        wall_s=round(sum(record.wall_s for record in records), 6),
        model_calls=sum(record.model_calls for record in records),
        tool_calls=sum(record.tool_calls for record in records),
        input_tokens=known("input_tokens") if is_told else None,
        output_tokens=known("output_tokens") if is_told else None,
        cached_tokens=known("cached_tokens"),
        reasoning_tokens=known("reasoning_tokens"),
        estimated_calls=sum(item.estimated for item in used),
        unknown_calls=unknown,
        latency_p50_s=quantile(latencies, 0.5) if latencies else None,
        latency_p95_s=quantile(latencies, 0.95) if latencies else None,
        retries=sum(record.retries for record in records),
    )


def _moment(epoch_s: float) -> str:
    return datetime.fromtimestamp(int(epoch_s), UTC).isoformat().replace("+00:00", "Z")


def _clean(value: Any) -> Any:
    """Return JSON with every text inert, and cut where it is too long to be read."""
    if isinstance(value, str):
        return inert(value[:_MOST]) + ("…" if len(value) > _MOST else "")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
