"""From a bundle to everything the report shows: pure data, both languages, nothing of HTML."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.report import failures
from conformance.report.clauses import Group, clause_groups, standing
from conformance.report.deviations import Deviation, deviations
from conformance.report.inert import inert_line, inert_pairs
from conformance.report.numbers import UNKNOWN, ends, moment, plain
from conformance.report.profile_view import ProfileView, build_profile
from conformance.report.profile_words import link_name
from conformance.report.resources import Fact, Resources, resources
from conformance.report.sentences import Limit, coverage, holdback, lead, reason_words
from conformance.report.sources import EFFICIENCY, Evidence, Trial
from conformance.report.texts import both, flowing, joined, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.campaign.twins import Gap
    from conformance.evidence.documents import StepSummary, SummaryDocument, Words
    from conformance.report.transcripts import Transcripts


TOOL_STYLES = ("native", "structured")
"""How a model's tools were called, as the preflight probe chose."""


class Rung(NamedTuple):
    """One step of an axis as the ladder shows it."""

    id: str
    title: Words | None
    standing: str
    word: Words
    is_result: bool


class Axis(NamedTuple):
    """One graded axis: what came out, and the whole scale."""

    id: str
    label: Words
    result: str
    title: Words | None
    note: Words | None
    rungs: tuple[Rung, ...]


class HeldBack(NamedTuple):
    """A clause in the way, with what to read about it."""

    limit: Limit
    telling: tuple[failures.Telling, ...]
    short: int


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
    deviations: tuple[Deviation, ...]
    about: tuple[tuple[Words, tuple[tuple[str, str], ...]], ...]
    """What is known of agent, system and software, as names and values."""
    seed: str
    trials: int
    left_out: int
    filters: dict[str, tuple[str, ...]]
    profile: ProfileView | None
    """The throughput profile, where the bundle holds one."""


def build_view(evidence: Evidence, transcripts: Transcripts) -> View:
    """Return the report of a bundle that was read."""
    summary = evidence.summary
    back = holdback(summary)
    broken = failures.broken_requirements(evidence)
    return View(
        agent=agent_name(evidence.claim.agent),
        lead=flowing([*lead(summary), *([back.lead] if back.lead else [])]),
        axes=(*_graded_axes(summary), _efficiency_axis(summary)),
        stamps=tuple(_stamps(evidence)),
        notice=summary.edition.notice,
        facts=tuple(_facts(evidence)),
        back_heading=back.heading,
        back_lead=back.lead,
        limits=tuple(
            HeldBack(
                limit,
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
        deviations=deviations(evidence, transcripts),
        about=tuple(_about(evidence)),
        seed=summary.seed,
        trials=len(evidence.trials),
        left_out=transcripts.left_out,
        filters=_filters(evidence.trials, [clause.id for clause in summary.clauses]),
        profile=None if evidence.profile is None else build_profile(evidence.profile),
    )


def agent_name(agent: dict[str, Any]) -> str:
    """Return what the agent under test is called: ``builtin:oracle``, ``chat:MODEL``."""
    kind = str(agent.get("kind", ""))
    # The model comes last: what has a loop of its own is more than what it asks.
    keys = ("name", "url", "command", "function", "model")
    name = next((agent[key] for key in keys if agent.get(key)), "")
    return inert_line(f"{kind}:{name}" if kind and name else kind or str(name) or UNKNOWN, 120)


def _graded_axes(summary: SummaryDocument) -> Iterable[Axis]:
    for axis, steps, result, title in (
        ("agency", summary.levels, summary.level, summary.level_title),
        ("trust", summary.grades, summary.trust, summary.trust_title),
    ):
        yield Axis(
            id=axis,
            label=say(f"axis.{axis}"),
            result=result,
            title=title,
            note=None,
            rungs=tuple(_rung(step, summary, axis, step.id == result) for step in steps),
        )


def _rung(step: StepSummary, summary: SummaryDocument, axis: str, is_result: bool) -> Rung:  # noqa: FBT001
    stands = standing(step, summary, axis)
    return Rung(step.id, step.title, stands, say(f"rung.{stands}"), is_result)


def _efficiency_axis(summary: SummaryDocument) -> Axis:
    found = summary.efficiency
    tried = {item.id: item.verdict for item in found.classes}
    held = found.held in tried
    return Axis(
        id="efficiency",
        label=say("axis.efficiency"),
        result=found.held,
        title=None if held else _no_class(summary),
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


def _no_class(summary: SummaryDocument) -> Words:
    found = summary.efficiency
    if not found.classes and found.reason is None:
        return say("reason.no_level")
    return reason_words(found.reason) or say("verdict.fail")


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


def _facts(evidence: Evidence) -> Iterable[Fact]:
    summary, claim = evidence.summary, evidence.claim
    began, ended = moment(evidence.opened.time), moment(evidence.ended_at)
    when = (
        both(f"{began} UTC")
        if began == ended
        else say("result.date_range", began=began, ended=ended)
    )
    mode_note = say("result.mode_note")
    seed = "result.seed_os" if summary.seed_source == "os" else "result.seed_chosen"
    yield Fact(say("result.plan"), summary.plan_title)
    yield Fact(
        say("result.claim"), both(summary.claim) if summary.claim else say("result.no_claim")
    )
    yield Fact(say("result.mode"), type(claim.mode)(claim.mode.zh + mode_note.zh, claim.mode.en))
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
        sentence = say("efficiency.none", reason=_no_class(evidence.summary))
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


def _filters(trials: Iterable[Trial], clauses: list[str]) -> dict[str, tuple[str, ...]]:
    """Return what the viewer's filters offer: what occurs, and nothing else."""
    found = list(trials)
    observed = {line.clause for trial in found for line in trial.observations}
    broken = {
        inert_line(finding.requirement)
        for trial in found
        for line in trial.observations
        for finding in line.findings
    }
    rest = sorted(observed - set(clauses))
    return {
        "clause": tuple([name for name in clauses if name in observed] + rest),
        "family": tuple(sorted({trial.family for trial in found})),
        "outcome": tuple(sorted({trial.record.outcome for trial in found})),
        "requirement": tuple(sorted(broken)),
    }
