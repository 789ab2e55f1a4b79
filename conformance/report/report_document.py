"""The shape of ``report.json``: the result and what stands beside it, for programs.

Where a figure is not known it is null, never 0. Whatever an agent or a vendor wrote is inert text.
"""

from __future__ import annotations

import msgspec

from conformance.evidence.documents import EvaluationDocument, SummaryDocument, Words
from conformance.profile.document import Headline

FORMAT = "report/1"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all parts have in common: nothing more than is written down."""


class AgentPart(Part, frozen=True):
    """Who was graded."""

    name: str
    """``builtin:oracle``, ``chat:MODEL``."""
    described: dict[str, str]
    """What the bundle says of it, each value as text."""


class StandingPart(Part, frozen=True):
    """By what right the result stands."""

    claim: str
    """Empty: nothing was claimed."""
    mode: Words
    declaration: Words
    evidence_class: str
    unmetered: int
    """Trials run as ``jailed`` in which the agent worked without the model door."""


class CampaignPart(Part, frozen=True):
    """What was run, and when; times are ISO 8601 in UTC."""

    began: str
    ended: str
    trials: int
    """All that ended, those included that did not count."""
    counted: int
    """Trials that at least one clause observed."""
    faults: int
    """Trials that ended because a part of the suite failed."""
    outcomes: dict[str, int]


class CostsPart(Part, frozen=True):
    """What all trials used, those included that did not count."""

    agency_trials: int
    """Trials that a clause of the agency axis observed."""
    solved_trials: int
    """Of them, those worth 1 to each such clause."""
    tokens_per_solved_trial: float | None
    """Input and output of all agency trials, failed ones included, over those solved."""
    wall_s_per_solved_trial: float | None
    """Wall time of all agency trials over those solved, in seconds."""
    wall_s: float
    """The sum over the trials, in seconds."""
    model_calls: int
    tool_calls: int
    input_tokens: int | None
    """Null: no call told. A lower bound where ``unknown_calls`` is above 0."""
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    estimated_calls: int
    """Calls whose tokens the suite estimated."""
    unknown_calls: int
    """Calls whose tokens nobody knows."""
    latency_p50_s: float | None
    latency_p95_s: float | None
    """Of the model calls, nearest rank."""
    retries: int


class ProfilePart(Part, frozen=True):
    """The throughput profile in the bundle: its headline."""

    valid: bool
    line: Words
    headline: Headline
    currency: str
    """Of ``money_per_solved_task``; money is null where no price was given."""


class LimitPart(Part, frozen=True):
    """A clause, or a requirement of the level, that keeps the next level from being held."""

    name: str
    verdict: str
    sentence: Words
    trials: list[str]
    """Trials whose transcripts tell most about it."""


class DeviationPart(Part, frozen=True):
    """Something out of the ordinary; a grave one bears on how far the result can be relied on."""

    text: Words
    is_grave: bool


class ReportDocument(Part, frozen=True):
    """``report.json``: a rendering of a bundle, never evidence; the same bundle, the same bytes."""

    format: str
    suite: str
    """The version that made the bundle."""
    bundle_id: str | None
    """SHA-256 of the manifest; null: not sealed."""
    agent: AgentPart
    standing: StandingPart
    campaign: CampaignPart
    costs: CostsPart
    holds_back: list[LimitPart]
    deviations: list[DeviationPart]
    profile: ProfilePart | None
    evaluation: EvaluationDocument | None
    """``evaluation.json``, whole; null: the bundle holds none."""
    renderings: dict[str, str]
    """Where each format lies in the bundle once it was written, by the format's name."""
    summary: SummaryDocument
    """``results/summary.json``, whole."""
