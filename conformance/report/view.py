"""From a bundle to everything the report shows: pure data, both languages, nothing of HTML."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.report import failures
from conformance.report.axes import Axis, graded_axes, no_class
from conformance.report.clauses import Group, clause_groups
from conformance.report.costs import costs
from conformance.report.deviations import Deviation, deviations
from conformance.report.inert import inert_line, inert_pairs
from conformance.report.numbers import UNKNOWN, ends, moment, plain
from conformance.report.profile_view import ProfileView, build_profile
from conformance.report.profile_words import link_name
from conformance.report.reproduce import Reproduction, reproduction
from conformance.report.resources import Fact, Resources, resources
from conformance.report.reviewed import Reviewed, reviewed
from conformance.report.sentences import Limit, coverage, holdback, lead
from conformance.report.sources import EFFICIENCY, Evidence, Trial
from conformance.report.staircase import Staircase, staircase
from conformance.report.texts import LANGS, both, flowing, joined, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.campaign.twins import Gap
    from conformance.evidence.documents import SummaryDocument, Words
    from conformance.report.transcripts import Transcripts


TOOL_STYLES = ("native", "structured")
"""How a model's tools were called, as the preflight probe chose."""


class HeldBack(NamedTuple):
    """A clause in the way, with what to read about it."""

    limit: Limit
    commonest: tuple[failures.Broken, ...]
    """What its trials broke most often."""
    telling: tuple[failures.Telling, ...]
    short: int
    """Its observations that fell short of full marks."""


class Kappa(NamedTuple):
    """One efficiency class."""

    id: str
    kappa: str | None
    verdict: str
    estimate: str
    lower: str
    upper: str


class Efficiency(NamedTuple):
    """The efficiency section."""

    sentence: Words
    ratio: Words | None
    classes: tuple[Kappa, ...]
    ratios: tuple[float, ...]
    kappas: tuple[tuple[str, float], ...]
    dots: tuple[tuple[str, str, str], ...]
    """Trial, mark and ratio of each observation."""


class TwinGap(NamedTuple):
    """How the languages compare on a level, as text."""

    step: str
    pairs: str
    zh: str
    en: str
    gap: str
    interval: str
    p_value: str


class View(NamedTuple):
    """The report."""

    agent: str
    lead: Words
    axes: tuple[Axis, ...]
    stairs: tuple[Staircase | None, ...]
    """The picture of each axis; None where it has no steps."""
    stamps: tuple[Words, ...]
    """What qualifies the result, beside it."""
    notice: Words
    facts: tuple[Fact, ...]
    back_heading: Words
    back_lead: Words | None
    limits: tuple[HeldBack, ...]
    broken: tuple[failures.Broken, ...]
    broken_rest: int
    successes: tuple[failures.Success, ...]
    outcomes: tuple[tuple[str, Words, int], ...]
    groups: tuple[Group, ...]
    coverage: tuple[Words, ...]
    population: tuple[str, ...]
    efficiency: Efficiency
    gaps: tuple[TwinGap, ...]
    resources: Resources
    costs: tuple[Fact, ...]
    """What a solved task took; empty where no task of the agency axis was tried."""
    deviations: tuple[Deviation, ...]
    about: tuple[tuple[Words, tuple[tuple[str, str], ...]], ...]
    """What is known of agent, system and software, as names and values."""
    seed: str
    trials: int
    left_out: int
    filters: dict[str, tuple[str, ...]]
    verdicts: dict[str, str]
    """Of each clause that observed a trial, for the viewer's filter."""
    profile: ProfileView | None
    """The throughput profile, where the bundle holds one."""
    reviewed: Reviewed | None
    """The technical evaluation, where the bundle has its items."""
    reproduction: Reproduction


def build_view(evidence: Evidence, transcripts: Transcripts) -> View:
    """Return the report of a bundle that was read."""
    summary = evidence.summary
    axes = graded_axes(summary)
    found = reviewed(evidence.folder)
    back = holdback(summary)
    broken = failures.broken_requirements(evidence)
    return View(
        agent=agent_name(evidence.claim.agent),
        lead=flowing([*lead(summary), *([back.lead] if back.lead else [])]),
        axes=axes,
        stairs=tuple(map(staircase, axes)),
        stamps=tuple(_stamps(evidence)),
        notice=summary.edition.notice,
        facts=tuple(_facts(evidence, found)),
        back_heading=back.heading,
        back_lead=back.lead,
        limits=tuple(
            HeldBack(
                limit,
                failures.commonest(evidence, limit.name),
                failures.telling_trials(evidence, limit.name),
                failures.count_short(evidence, limit.name),
            )
            for limit in back.limits
        ),
        broken=broken[: failures.SHOWN_REQUIREMENTS],
        broken_rest=max(0, len(broken) - failures.SHOWN_REQUIREMENTS),
        successes=failures.successes(evidence),
        outcomes=tuple(failures.outcomes(evidence.trials)),
        groups=clause_groups(evidence),
        coverage=tuple(coverage(summary)),
        population=tuple(summary.population),
        efficiency=_efficiency(evidence),
        gaps=tuple(map(_gap, evidence.twins.levels)),
        resources=resources(evidence, transcripts),
        costs=costs(evidence, transcripts),
        deviations=deviations(evidence, transcripts),
        about=tuple(_about(evidence)),
        seed=summary.seed,
        trials=len(evidence.trials),
        left_out=transcripts.left_out,
        filters=_filters(evidence.trials, summary),
        verdicts={c.id: c.verdict for c in summary.clauses if c.judgement is not None},
        profile=None if evidence.profile is None else build_profile(evidence.profile),
        reviewed=found,
        reproduction=reproduction(evidence),
    )


def agent_name(agent: dict[str, Any]) -> str:
    """Return what the agent under test is called: ``builtin:oracle``, ``chat:MODEL``."""
    kind = str(agent.get("kind", ""))
    # The model comes last: what has a loop of its own is more than what it asks.
    keys = ("name", "url", "command", "function", "model")
    name = next((agent[key] for key in keys if agent.get(key)), "")
    return inert_line(f"{kind}:{name}" if kind and name else kind or str(name) or UNKNOWN, 120)


def agent_version(agent: dict[str, Any]) -> str:
    """Return the product version that the applicant gave the agent; empty without one."""
    return inert_line(str(agent.get("version") or ""), 60)


def _stamps(evidence: Evidence) -> Iterable[Words]:
    summary = evidence.summary
    single = evidence.single
    if single is not None:
        key = "result.single_solved" if single.solved else "result.single_failed"
        yield say(key, family=inert_line(str(single.draw.get("family"))))
    else:
        yield summary.statement
    if summary.seed_source != "os":
        yield say("result.seed_applicant")
    if evidence.claim.agent.get("kind") == "builtin":
        yield say("result.calibrator")


def _facts(evidence: Evidence, found: Reviewed | None) -> Iterable[Fact]:
    summary, claim = evidence.summary, evidence.claim
    began, ended = moment(evidence.opened.time), moment(evidence.ended_at)
    when = (
        both(f"{began} UTC")
        if began == ended
        else say("result.date_range", began=began, ended=ended)
    )
    mode = (
        [claim.mode]
        if found is not None and found.is_complete
        else [claim.mode, _not_reviewed(found)]
    )
    seed = "result.seed_os" if summary.seed_source == "os" else "result.seed_chosen"
    if version := agent_version(claim.agent):
        yield Fact(say("result.version"), both(version))
    if vendor := claim.agent.get("vendor"):
        yield Fact(say("result.vendor"), both(inert_line(str(vendor), 120)))
    yield Fact(say("result.plan"), summary.plan_title)
    yield Fact(
        say("result.claim"), both(summary.claim) if summary.claim else say("result.no_claim")
    )
    yield Fact(say("result.mode"), flowing(mode))
    # No attestation can be verified yet: whatever a bundle says of itself, nothing else is shown.
    yield Fact(say("board.standing"), say("board.standing_declared"))
    yield Fact(say("result.evidence_class"), both(claim.evidence_class))
    if claim.agent.get("style") in TOOL_STYLES:
        yield Fact(say("result.style"), say(f"result.style_{claim.agent['style']}"))
    if claim.agent.get("store") == "notes":
        yield Fact(say("result.store"), say("result.store_notes"))
    if isinstance(claim.agent.get("link"), dict):
        yield Fact(say("profile.link"), both(link_name(claim.agent["link"])))
    yield Fact(say("result.date"), when)
    yield Fact(say("result.trials"), both(f"{len(evidence.trials):,}"))
    yield Fact(say("result.langs"), joined([say(f"viewer.lang_{lang}") for lang in summary.langs]))
    yield Fact(say("result.seed"), say(seed))
    yield Fact(say("result.suite"), both(f"agent-grading {evidence.lock.suite}"))
    yield Fact(say("result.edition"), both(summary.edition.id), note=summary.edition.title)
    yield Fact(say("result.digest"), both(summary.edition.sha256), is_code=True)
    if summary.sealed is not None:
        name = both(f"{summary.sealed.id} {summary.sealed.sha256}")
        yield Fact(say("result.sealed"), name, is_code=True)
    bundle = both(evidence.bundle_id) if evidence.bundle_id else say("result.unsealed")
    yield Fact(say("result.bundle"), bundle, is_code=evidence.bundle_id is not None)


def _not_reviewed(found: Reviewed | None) -> Words:
    """Return that the technical evaluation is not in, or how much of it is."""
    if found is None or found.done == 0:
        return say("result.mode_note")
    return say("result.mode_partly", done=found.done, total=len(found.items))


def _efficiency(evidence: Evidence) -> Efficiency:
    found = evidence.summary.efficiency
    lines = [line for line in evidence.observations if line.clause == EFFICIENCY]
    solved = [line.value for line in lines if line.value is not None]
    ratio = None
    if solved:
        ratio = say(
            "efficiency.ratio",
            median=plain(round(statistics.median(solved), 3)),
            most=plain(round(max(solved), 3)),
            unsolved=len(lines) - len(solved),
        )
    if found.classes:
        sentence = say("efficiency.lead", n=found.n)
    else:
        sentence = say("efficiency.none", reason=no_class(evidence.summary))
    return Efficiency(
        sentence=sentence,
        ratio=ratio,
        classes=tuple(
            Kappa(
                item.id,
                None if item.kappa is None else plain(item.kappa),
                item.verdict,
                UNKNOWN if item.judgement.mean is None else f"{item.judgement.mean:.3f}",
                *ends(item.judgement, 0.5),
            )
            for item in found.classes
        ),
        ratios=tuple(solved),
        kappas=tuple((c.id, c.kappa) for c in found.classes if c.kappa is not None),
        dots=tuple(
            (line.trial, "zero" if line.value is None else "full", _ratio(line.value))
            for line in lines
        ),
    )


def _gap(found: Gap) -> TwinGap:
    return TwinGap(
        step=found.step,
        pairs=str(found.pairs),
        zh=str(found.zh_solved),
        en=str(found.en_solved),
        gap=f"{found.gap:+.3f}",
        interval=f"[{found.lower:+.3f}, {found.upper:+.3f}]",
        p_value=f"{found.p_value:.3f}",
    )


def _ratio(value: float | None) -> str:
    return UNKNOWN if value is None else plain(round(value, 3))


def _about(evidence: Evidence) -> Iterable[tuple[Words, tuple[tuple[str, str], ...]]]:
    system = evidence.system
    yield say("evidence.agent"), inert_pairs(evidence.claim.agent)
    for layer in ("hardware", "cloud", "model"):
        yield say(f"evidence.{layer}"), inert_pairs(getattr(system, layer))
    software = {"python": evidence.lock.python, **evidence.lock.packages}
    yield say("evidence.packages"), inert_pairs(software)


def _filters(trials: Iterable[Trial], summary: SummaryDocument) -> dict[str, tuple[str, ...]]:
    """Return what the viewer's filters offer: what occurs, and nothing else."""
    found = list(trials)
    observed = {line.clause for trial in found for line in trial.observations}
    broken = {
        inert_line(finding.requirement)
        for trial in found
        for line in trial.observations
        for finding in line.findings
    }
    clauses = [clause for clause in summary.clauses if clause.id in observed]
    rest = sorted(observed - {clause.id for clause in clauses})
    return {
        "clause": (*(clause.id for clause in clauses), *rest),
        "verdict": tuple(sorted({clause.verdict for clause in clauses})),
        "family": tuple(sorted({inert_line(trial.family) for trial in found})),
        "lang": tuple(sorted({trial.lang for trial in found} & set(LANGS))),
        "outcome": tuple(sorted({trial.record.outcome for trial in found})),
        "requirement": tuple(sorted(broken)),
    }
