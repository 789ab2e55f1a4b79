"""Sealing: from a campaign that ended to a complete bundle."""

from __future__ import annotations

import platform
import shutil
from typing import TYPE_CHECKING, Any

import msgspec

import conformance
from conformance.authoring import LANGS
from conformance.campaign.observe import Draws, Observed, Observer
from conformance.campaign.twins import gap, pairs
from conformance.decision.ladder import Stop, drive
from conformance.decision.result import BUDGET, SINGLE
from conformance.decision.streams import Draw
from conformance.errors import EvidenceInvalidError
from conformance.evidence import bundle
from conformance.evidence.documents import (
    ClaimDocument,
    FindingLine,
    IcsDocument,
    LockDocument,
    ObservationLine,
    SingleDocument,
    SummaryDocument,
    SystemDocument,
    TwinsDocument,
    Words,
)
from conformance.evidence.evaluation import mode_of, pending_evaluation
from conformance.evidence.story import read_story
from conformance.evidence.summary import edition_name, summarise
from conformance.evidence.system import package_versions
from conformance.host import host_hardware
from conformance.trial import events
from conformance.trial.run import transcript_path
from conformance.trial.sealed import read_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from conformance.authoring import Finding
    from conformance.campaign.entries import Opened
    from conformance.campaign.twins import Pair
    from conformance.decision.ladder import Reply, Round
    from conformance.edition import Edition
    from conformance.evidence.documents import EvaluationDocument
    from conformance.evidence.story import Story
    from conformance.trial.run import TrialRecord

DECLARATION = Words(zh="自我声明", en="self-declared")


class Graded(msgspec.Struct, frozen=True):
    """What a bundle's evidence comes to."""

    summary: SummaryDocument
    observations: list[ObservationLine]
    twins: TwinsDocument
    single: SingleDocument | None
    """Where the campaign is one trial by itself."""
    unmetered: int
    """Trials of an agent run as ``jailed`` in which it worked, and no call of its model came to
    the model door."""


def grade_folder(
    folder: Path, edition: Edition, progress: Callable[[Observed], None] = lambda _: None
) -> Graded:
    """Grade a campaign's evidence from its journal, transcripts and states alone.

    The live campaign's own decisions are not asked: the same ladder climbs again.

    Raises:
        EvidenceInvalidError: the evidence is incomplete or broken, or another edition's.
    """
    story = read_story(folder, edition)
    terms = story.opened.terms
    draws = Draws(story.course, story.seed, tuple(terms.langs))
    observer = Observer(edition, draws, folder / bundle.RUN)
    is_cut_short = story.ended.reason == "budget"
    done, cut = story.done, story.cut

    def reply(asked: Round) -> Reply:
        story.check_population(asked)
        is_missing = any(drawn.key not in done for drawn in draws.of_round(asked))
        if is_missing and is_cut_short:
            return Stop(BUDGET if terms.single is None else SINGLE)
        observed = observer.observe(asked, done, cut)
        for item in observer.used[-len(asked.clauses) :]:
            progress(item)
        return observed

    result = drive(story.course, reply)
    summary = summarise(
        edition,
        story.course,
        story.opened,
        story.seed,
        result,
        observer.used,
        is_cut_short=is_cut_short,
        family_of={key: drawn.family for key, drawn in story.draws.items()},
    )
    lines = [observation_line(item) for item in observer.used]
    return Graded(
        summary,
        lines,
        _twins(edition, story, draws, observer),
        _single(edition, story, observer),
        _unmetered(folder / bundle.RUN, story),
    )


def _unmetered(run: Path, story: Story) -> int:
    # Terms that do not say what the agent was run as do not spare it the question.
    if story.opened.terms.agent.get("evidence_class", "jailed") != "jailed":
        return 0
    return sum(_is_unmetered(run, record) for record in story.done.values())


def _is_unmetered(run: Path, record: TrialRecord) -> bool:
    """Say whether a trial has tool calls but no model call, by its transcript."""
    if not record.tool_calls or record.input_tokens or record.output_tokens:
        return False
    told = read_events(transcript_path(run, record.trial), record.transcript_head)
    return not any(isinstance(event, events.ModelCall) for event in told.events)


def _single(edition: Edition, story: Story, observer: Observer) -> SingleDocument | None:
    """Return what came of a trial by itself, the allow-list included."""
    chosen = story.opened.terms.single
    if chosen is None:
        return None
    drawn = msgspec.convert(chosen, Draw)
    record = story.done.get(drawn.key)
    if record is None:
        raise EvidenceInvalidError(
            "the one trial of this bundle does not count", where=str(story.path)
        )
    played = observer.played(drawn, record)
    family = played.instance.family
    if drawn.version != family.version or drawn.lang not in LANGS:
        raise EvidenceInvalidError(
            f"the one trial is said to be of version {drawn.version} in {drawn.lang!r}, "
            f"{family.id} has version {family.version} in {', '.join(LANGS)}",
            where=str(story.path),
        )
    solved, kept = (edition.grader(name)(played) for name in ("solved", "allow_list"))
    findings = _lines((*solved.findings, *kept.findings))
    return SingleDocument("single/1", chosen, record.trial, solved.value == 1, findings)


def _twins(edition: Edition, story: Story, draws: Draws, observer: Observer) -> TwinsDocument:
    """Return the gap of each level over the pairs of which both trials are there."""
    outcomes: dict[str, list[tuple[bool, bool]]] = {}
    done, solved = story.done, edition.grader("solved")
    found = pairs(story.course, draws, observer.used) if story.opened.terms.twins else []
    _check_twins(found, story)
    for pair in found:
        records = [done.get(drawn.key) for drawn in pair.zh_and_en]
        if None not in records:
            both = [
                solved(observer.played(drawn, record)).value == 1
                for drawn, record in zip(pair.zh_and_en, records, strict=True)
                if record is not None
            ]
            outcomes.setdefault(pair.step, []).append((both[0], both[1]))
    return TwinsDocument("twins/1", [gap(step, found) for step, found in outcomes.items()])


def _check_twins(found: list[Pair], story: Story) -> None:
    """Hold the twins that are there to those that were to be tried, one after the other.

    Raises:
        EvidenceInvalidError: one is missing that no budget cut off.
    """
    there = [number for number, pair in enumerate(found) if pair.twin.key in story.done]
    was_complete = story.ended.reason == "complete" and not story.ended.are_twins_cut
    tried = len(found) if was_complete else max(there, default=-1) + 1
    for number, pair in enumerate(found[:tried]):
        # Of several in flight, the budget may have cut off an earlier one: that one had begun.
        if number not in there and (was_complete or pair.twin.key not in story.draws):
            raise EvidenceInvalidError(
                f"there is no twin of trial {story.done[pair.first.key].trial}, "
                "though no budget cut it off",
                where=str(story.path),
            )


def seal(folder: Path, edition: Edition, agent: dict[str, Any], evidence_class: str) -> Graded:
    """Grade what a campaign left in ``folder`` and complete the bundle; the manifest comes last.

    The technical evaluation begins with nothing found: what reviewers found in a bundle before
    its campaign went on was of another bundle.

    Raises:
        EvidenceInvalidError: the evidence is incomplete or broken.
        StorageError: the bundle cannot be written.
    """
    graded = grade_folder(folder, edition)
    opened = read_story(folder, edition).opened
    for path, document in documents(graded, opened, edition, agent, evidence_class).items():
        bundle.write_document(folder, path, document)
    bundle.write_document(
        folder,
        bundle.LOCK,
        LockDocument(
            format="suite.lock/1",
            suite=conformance.__version__,
            edition=edition_name(edition),
            python=platform.python_version(),
            packages=package_versions(),
            sealed=None if edition.sealed is None else edition_name(edition.sealed),
        ),
    )
    bundle.write_whole(folder / bundle.OBSERVATIONS, observation_bytes(graded))
    bundle.write_document(folder, bundle.SUMMARY, graded.summary)
    bundle.write_document(folder, bundle.TWINS, graded.twins)
    if graded.single is not None:
        bundle.write_document(folder, bundle.SINGLE, graded.single)
    _begin_evaluation(folder, edition)
    bundle.write_manifest(folder)
    return graded


def _begin_evaluation(folder: Path, edition: Edition) -> None:
    if (folder / bundle.EVALUATED).is_dir():
        shutil.rmtree(folder / bundle.EVALUATED)
    document = pending_evaluation(edition)
    if document is not None:
        bundle.write_document(folder, bundle.EVALUATION, document)


def documents(
    graded: Graded,
    opened: Opened,
    edition: Edition,
    agent: dict[str, Any],
    evidence_class: str,
    evaluation: EvaluationDocument | None = None,
) -> dict[str, Any]:
    """Return the documents that follow from the grade, the terms, who the agent is, and the
    technical evaluation so far.

    An agent that worked without the model door has another model, whatever the jail: its class is
    not the one it was run as.
    """
    claim = ClaimDocument(
        format="claim/1",
        claim=graded.summary.claim,
        agent=agent,
        evidence_class="observed" if graded.unmetered else evidence_class,
        unmetered=graded.unmetered,
        edition=edition_name(edition),
        plan=graded.summary.plan,
        mode=mode_of(evaluation),
        declaration=DECLARATION,
    )
    seen = {k: v for k, v in agent.items() if k not in ("layers", "declared")}
    system = SystemDocument(
        format="system/1",
        hardware=host_hardware(),
        cloud={},
        model={k: v for k, v in seen.items() if k in ("model", "served_model", "base_url")},
        application={k: v for k, v in seen.items() if k not in ("model", "served_model")},
        declared=agent.get("layers", {}),
    )
    ics = IcsDocument("ics/1", list(opened.terms.denied), agent.get("declared", {}))
    return {bundle.CLAIM: claim, bundle.ICS: ics, bundle.SYSTEM: system}


def observation_bytes(graded: Graded) -> bytes:
    """Return the observations as the bundle has them, one a line."""
    return b"".join(msgspec.json.encode(line) + b"\n" for line in graded.observations)


def observation_line(item: Observed) -> ObservationLine:
    """Return an observation as the bundle writes it."""
    return ObservationLine(
        clause=item.clause,
        index=item.index,
        key=item.key,
        trial=item.trial,
        value=item.value,
        findings=_lines(item.findings),
    )


def _lines(findings: Iterable[Finding]) -> list[FindingLine]:
    return [FindingLine(f.requirement, f.message, f.critical) for f in findings]
