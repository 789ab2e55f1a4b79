"""The documents of a bundle, each a struct; ``schemas/`` holds the schema made from each."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from conformance.campaign.twins import Gap
from conformance.decision.rules import Judgement
from conformance.decision.spec import Rule, Verdict


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all documents have in common: nothing more than is written down."""


class Words(Document, frozen=True):
    """A text in both languages."""

    zh: str
    en: str

    def in_lang(self, lang: str) -> str:
        """Return the text in ``lang``, ``zh`` or ``en``."""
        return self.zh if lang == "zh" else self.en


class EditionName(Document, frozen=True):
    """Which edition graded, to the last byte."""

    id: str
    sha256: str
    normative: bool
    title: Words
    notice: Words


class ClaimDocument(Document, frozen=True):
    """``claim.json``: who is claimed to be what, and by what right."""

    format: str
    claim: str
    agent: dict[str, Any]
    evidence_class: str
    edition: EditionName
    plan: str
    mode: Words
    """Agent testing only, until the technical evaluation is in."""
    declaration: Words
    """Self-declared, until an auditor's attestation is in."""
    unmetered: int = 0
    """Trials run as ``jailed`` in which the agent worked without the model door: where there are
    any, the class is not ``jailed``."""


class IcsDocument(Document, frozen=True):
    """``ics.json``: the implementation conformance statement."""

    format: str
    denied: list[str]
    """Capabilities the applicant says the agent lacks."""
    declared: dict[str, bool] = {}
    """What else the applicant says of it: sessions, cancel, streaming, tools."""


class SystemDocument(Document, frozen=True):
    """``system.json``: the four layers the agent stands on; collected where that is possible."""

    format: str
    hardware: dict[str, Any]
    cloud: dict[str, Any]
    model: dict[str, Any]
    application: dict[str, Any]
    declared: dict[str, dict[str, str]] = {}
    """What the applicant says of each layer."""


class LockDocument(Document, frozen=True):
    """``suite.lock.json``: what re-grades this bundle."""

    format: str
    suite: str
    edition: EditionName
    python: str
    packages: dict[str, str]
    sealed: EditionName | None = None
    """The sealed edition, where one was mounted."""


class ManifestEntry(Document, frozen=True):
    """One file of the bundle."""

    sha256: str
    size: int
    media_type: str
    schema: str | None


class ManifestDocument(Document, frozen=True):
    """``manifest.json``: every file but itself and renderings; its SHA-256 is the bundle's id."""

    format: str
    files: dict[str, ManifestEntry]


class FindingLine(Document, frozen=True, omit_defaults=True):
    """One requirement a trial broke."""

    requirement: str
    message: str
    critical: bool = False


class ObservationLine(Document, frozen=True):
    """A line of ``results/observations.jsonl``: what one trial gave one clause."""

    clause: str
    index: int
    key: str
    trial: str
    value: float | None
    """In [0, 1]; for ``efficiency`` the cost ratio, null where not solved."""
    findings: list[FindingLine]


class FamilyTally(Document, frozen=True):
    """How a clause's observations split over the families it drew."""

    family: str
    n: int
    total: float
    """The sum of the observations."""


class ClauseSummary(Document, frozen=True):
    """The last word on a clause."""

    id: str
    axis: str
    step: str
    dimension: str
    text: Words
    rule: Rule
    source: str
    verdict: Verdict
    reason: str | None
    pending: str | None
    judgement: Judgement | None
    families: list[FamilyTally]


class RequirementSummary(Document, frozen=True):
    """One thing the rule ``weighted-floor`` asks of a step."""

    name: str
    threshold: float
    judgement: Judgement


class StepSummary(Document, frozen=True):
    """The last word on a level or trust grade."""

    id: str
    title: Words
    verdict: Verdict
    reason: str | None
    limits: list[str]
    """The clauses that keep it from being held."""
    blocked: list[str]
    """Its clauses that could not run."""
    rounds: int
    requirements: list[RequirementSummary]


class ClassSummary(Document, frozen=True):
    """The last word on one efficiency class."""

    id: str
    kappa: float | None
    verdict: Verdict
    judgement: Judgement


class EfficiencySummary(Document, frozen=True):
    """The efficiency class and how it came out."""

    held: str
    is_marked: bool
    """A better class is undecided."""
    reason: str | None
    n: int
    classes: list[ClassSummary]


class SummaryDocument(Document, frozen=True):
    """``results/summary.json``: a pure function of edition, plan, claim, seed and observations."""

    format: str
    edition: EditionName
    plan: str
    plan_title: Words
    statement: Words
    is_grade: bool
    """False: the plan screens, it does not grade."""
    claim: str
    langs: list[str]
    seed: str
    seed_source: str
    """``os``, or ``applicant``: then it is not evidence against selection."""
    ended: str
    """``complete``, ``budget``, or ``single``: one instance was chosen and tried by itself."""
    exit_code: int
    level: str
    level_title: Words
    trust: str
    trust_title: Words
    efficiency: EfficiencySummary
    next_level: str | None
    limits: list[str]
    """What keeps the next level from being held."""
    levels: list[StepSummary]
    grades: list[StepSummary]
    clauses: list[ClauseSummary]
    population: list[str]
    """What the riders of the trust axis drew from."""
    sealed: EditionName | None = None
    """The sealed edition, where one was mounted."""


class TwinsDocument(Document, frozen=True):
    """``results/twins.json``: the zh–en gap on equivalent instances; no verdict rests on it."""

    format: str
    levels: list[Gap]


class SingleDocument(Document, frozen=True):
    """``results/single.json``: one instance that was chosen and tried by itself."""

    format: str
    draw: dict[str, Any]
    trial: str
    solved: bool
    findings: list[FindingLine]


class EvaluationVerdict(Document, frozen=True):
    """What a reviewer found on one item of the technical evaluation, and by what."""

    verdict: Literal["pass", "fail"]
    reviewer: str
    role: str
    date: str
    """The day of the review, as ``2026-11-23``."""
    file: str
    """The evidence, a path in the bundle: ``evaluation/ITEM/NAME``."""
    sha256: str
    size: int
    """In bytes."""
    remark: str | None = None


class EvaluationEntry(Document, frozen=True):
    """One item of the technical evaluation and what was found on it."""

    id: str
    text: Words
    wanted: Words
    """The evidence that the edition asks for."""
    judged: EvaluationVerdict | None
    """None while pending."""


class EvaluationDocument(Document, frozen=True):
    """``evaluation.json``: the technical evaluation, the part no machine sees."""

    format: str
    items: list[EvaluationEntry]
    previous: list[str]
    """The ids the bundle had before each change of this document, the first one that of the
    bundle as the campaign was sealed."""
