"""An auditor's look at a bundle: is it what was sealed, does it come to the same grade again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

import conformance
from conformance.authoring import digest
from conformance.campaign.entries import TrialDone
from conformance.campaign.journal import read_journal
from conformance.campaign.observe import Draws, instance_of
from conformance.campaign.twins import twin_of
from conformance.decision.rules import horizon
from conformance.errors import EditionError, EvidenceInvalidError, UsageError
from conformance.evidence import bundle
from conformance.evidence.documents import (
    ClaimDocument,
    LockDocument,
    SummaryDocument,
    SystemDocument,
)
from conformance.evidence.evaluation import evaluation_problems, read_evaluation
from conformance.evidence.profiled import has_profile, profile_problems
from conformance.evidence.seal import Graded, documents, grade_folder, observation_bytes
from conformance.evidence.story import read_story
from conformance.evidence.summary import edition_name
from conformance.schemas import first_error
from conformance.trial.chain import broken, read_chain
from conformance.trial.events import ModelCall
from conformance.trial.life import life_problem
from conformance.trial.outcome import TABLE
from conformance.trial.run import end_event, start_event, transcript_path, widened
from conformance.trial.sealed import agrees, read_events, read_played, replay

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from conformance.edition import Edition
    from conformance.evidence.story import Story
    from conformance.trial.events import TranscriptEvent

SHOWN = 20
"""Differences named one by one; the rest is counted."""


class Audit(msgspec.Struct, frozen=True):
    """What a re-grade found."""

    bundle: str
    """The bundle's id."""
    graded: Graded | None
    """The re-grade, or None where the evidence did not allow one."""
    observations: int
    replayed: int
    problems: list[str]
    """Empty where every byte and every observation is reproduced."""


def is_clean(folder: Path, edition: Edition) -> bool:
    """Say whether a bundle is sealed, and an audit finds nothing; only one sealed is audited."""
    return bundle.is_sealed(folder) and not audit_bundle(folder, edition).problems


def audit_bundle(
    folder: Path, edition: Edition, progress: Callable[[str, int], None] = lambda _, __: None
) -> Audit:
    """Verify and re-grade a bundle offline; believe nothing in it that can be computed.

    Args:
        folder: The bundle.
        edition: The edition to grade with; it must be the bundle's.
        progress: Told the stage, and one more thing done in it.

    Raises:
        EvidenceInvalidError: there is no bundle in the folder.
        UsageError: it was made by another version of the suite.
    """
    problems = file_problems(folder)
    _same_suite(folder, problems)
    fatal = [problem for problem in problems if not _is_derived(folder, problem)]
    if fatal:
        return _failed(folder, fatal)
    try:
        story = read_story(folder, edition)
        replayed, differing = _replay(folder, edition, story, lambda: progress("replay", 1))
        if differing:
            # What the worlds do not confirm is not graded: it may be anything.
            return Audit(bundle.bundle_id(folder), None, 0, replayed, _shown(differing))
        graded = grade_folder(folder, edition, lambda _: progress("re-grade", 1))
        found = [*_differences(folder, graded), *_other_documents(folder, edition, story, graded)]
        found += evaluation_problems(folder, edition, story.ended.time, time.time())
        if has_profile(folder):
            found += profile_problems(folder, edition)
    except EvidenceInvalidError as error:
        return _failed(folder, [error])
    except EditionError as error:
        return _failed(folder, [EvidenceInvalidError(str(error), where=str(folder))])
    told = "\n".join(found)
    found += [str(problem) for problem in problems if problem.where not in told]
    count = len(graded.observations)
    return Audit(bundle.bundle_id(folder), graded, count, replayed, _shown(found))


def _failed(folder: Path, problems: Iterable[EvidenceInvalidError]) -> Audit:
    told = list(dict.fromkeys(map(str, problems)))
    return Audit(bundle.bundle_id(folder), None, 0, 0, _shown(told))


def _shown(problems: list[str]) -> list[str]:
    more = len(problems) - SHOWN
    return problems[:SHOWN] + ([f"… and {more} more"] if more > 0 else [])


def _is_derived(folder: Path, problem: EvidenceInvalidError) -> bool:
    """Say whether a problem is with what the re-grade makes anew, and so can point out itself."""
    paths = [folder / name for name in bundle.DERIVED]
    return any(problem.where == str(path) and path.is_file() for path in paths)


def _same_suite(folder: Path, problems: Collection[EvidenceInvalidError]) -> None:
    """Refuse a bundle of another version; a lock that was changed is not believed."""
    if any(problem.where.startswith(str(folder / bundle.LOCK)) for problem in problems):
        return
    lock = bundle.read_document(folder, bundle.LOCK, LockDocument)
    if lock.suite != conformance.__version__:
        raise UsageError(
            f"was made by version {lock.suite} of the suite, this is {conformance.__version__}",
            where=str(folder / bundle.LOCK),
            mend=f"install agent-grading=={lock.suite} to re-grade it",
        )


def file_problems(folder: Path) -> list[EvidenceInvalidError]:
    """Return what is wrong with the files themselves; in a chain, down to the line.

    Raises:
        EvidenceInvalidError: there is no bundle in the folder.
    """
    found = []
    for problem in bundle.manifest_problems(folder):
        path = folder / problem.where.removeprefix(f"{folder}/")
        found.append(_in_chain(path) or problem)
    if found:
        return found
    under_schema = [bundle.CLAIM, bundle.ICS, bundle.SYSTEM, bundle.LOCK, bundle.SUMMARY]
    if (folder / bundle.EVALUATION).is_file():
        under_schema.append(bundle.EVALUATION)
    for name in under_schema:
        schema = bundle.schema_of(name)
        document = bundle.read_document(folder, name, dict)
        error = first_error(schema, document) if schema is not None else None
        if error is not None:
            place = "/".join(map(str, error.path))
            found.append(EvidenceInvalidError(error.message, where=f"{folder / name}:1: {place}"))
    made = (folder / name for name in (bundle.OBSERVATIONS, bundle.TWINS))
    found += [EvidenceInvalidError("is missing", where=str(p)) for p in made if not p.is_file()]
    return found


def _in_chain(path: Path) -> EvidenceInvalidError | None:
    """Return the line at which a changed chain breaks, or None where it is no chain."""
    if path.parent.name not in ("transcripts", bundle.RUN) or not path.is_file():
        return None
    count = 0
    try:
        for count, _ in enumerate(read_chain(path, head=_head_of(path)), 1):  # noqa: B007
            pass
    except EvidenceInvalidError as error:
        return error
    # Every line confirms the one before; only the last has none after it.
    return broken(f"{path}:{count}", "was changed after it was sealed")


def _head_of(path: Path) -> str | None:
    """Return the head the journal has for a transcript, or None for another file."""
    run = path.parent.parent
    if path.parent.name != "transcripts":
        return None
    try:
        entries = read_journal(run)
    except EvidenceInvalidError:
        return None
    heads = (
        entry.record.transcript_head
        for entry in entries
        if isinstance(entry, TrialDone) and entry.record.trial == path.stem
    )
    return next(heads, None)


def _differences(folder: Path, graded: Graded) -> list[str]:
    """Return where the re-grade and the bundle's own results differ."""
    path = folder / bundle.OBSERVATIONS
    recorded = path.read_bytes().split(b"\n")
    again = observation_bytes(graded).split(b"\n")
    found = [
        f"{path}:{number}: is not what the re-grade gives, {new.decode()}"
        for number, (old, new) in enumerate(zip(recorded, again, strict=False), 1)
        if old != new
    ]
    if len(recorded) != len(again):
        found.append(
            f"{path}: {len(recorded) - 1} observations, the re-grade needs {len(again) - 1}"
        )
    single = folder / bundle.SINGLE
    if (None if graded.single is None else bundle.document_bytes(graded.single)) != (
        single.read_bytes() if single.is_file() else None
    ):
        found.append(f"{single}:1: is not what the re-grade gives")
    if bundle.document_bytes(graded.twins) != (folder / bundle.TWINS).read_bytes():
        found.append(f"{folder / bundle.TWINS}:1: is not what the re-grade gives")
    if bundle.document_bytes(graded.summary) != (folder / bundle.SUMMARY).read_bytes():
        old_summary = bundle.read_document(folder, bundle.SUMMARY, SummaryDocument)
        names = [
            name
            for name in SummaryDocument.__struct_fields__
            if getattr(old_summary, name) != getattr(graded.summary, name)
        ]
        differs = f"the re-grade differs in {', '.join(names)}" if names else "is written otherwise"
        found.append(f"{folder / bundle.SUMMARY}:1: {differs}")
    return found


def _other_documents(folder: Path, edition: Edition, story: Story, graded: Graded) -> Iterator[str]:
    """Yield the documents that say otherwise than the terms and the grade."""
    terms = story.opened.terms
    claim = bundle.read_document(folder, bundle.CLAIM, ClaimDocument)
    declared = {"evidence_class": claim.evidence_class, **terms.agent}
    run_as = declared.pop("evidence_class")
    for name, value in declared.items():
        if claim.agent.get(name) != value:
            yield f"{folder / bundle.CLAIM}:1: {name} is not what the journal's terms say"
    evaluation = read_evaluation(folder)
    expected = documents(graded, story.opened, edition, claim.agent, run_as, evaluation)
    system = bundle.read_document(folder, bundle.SYSTEM, SystemDocument)
    expected[bundle.SYSTEM] = msgspec.structs.replace(
        expected[bundle.SYSTEM], hardware=system.hardware
    )
    lock = bundle.read_document(folder, bundle.LOCK, LockDocument)
    expected[bundle.LOCK] = msgspec.structs.replace(
        lock,
        format="suite.lock/1",
        suite=terms.suite,
        edition=edition_name(edition),
        sealed=None if edition.sealed is None else edition_name(edition.sealed),
    )
    for path, document in expected.items():
        if (folder / path).read_bytes() != bundle.document_bytes(document):
            yield f"{folder / path}:1: is not what the journal's terms and the grade make it"


def _replay(
    folder: Path, edition: Edition, story: Story, progress: Callable[[], None]
) -> tuple[int, list[str]]:
    """Make every recorded call again on a fresh world; return how many trials, and what differs."""
    run = folder / bundle.RUN
    replayed, found = 0, []
    strangers = _strangers(story)
    kind = story.opened.terms.agent.get("kind")
    for told in story.trials:
        drawn, record = story.draws[told.key], told.record
        where = str(transcript_path(run, record.trial))
        if told.key in strangers:
            found.append(f"{story.path}:{told.line}: no clause draws this trial")
            continue
        instance = instance_of(edition, drawn)
        events = read_events(transcript_path(run, record.trial), record.transcript_head)
        limits = widened(story.opened.terms.limits, instance)
        started = start_event(instance, record.trial, limits)
        if not agrees(msgspec.to_builtins(events.start), started):
            found.append(f"{where}:1: is not how a trial of this draw begins")
        if events.end != end_event(record, events.end.state_sha256):
            found.append(f"{where}: ends otherwise than the journal says")
        if kind == "chat" and record.tool_calls and not _has_model_call(events.events):
            found.append(f"{where}: has calls of tools and none of the model that made them")
        if not TABLE[record.cause].counts:
            continue
        played = read_played(instance, run, record.trial, record.transcript_head)
        again = replay(played)
        difference = again.difference
        if difference is None and not any(problem.startswith(where) for problem in found):
            difference = life_problem(events.events, instance.seats, again.killed)
        if difference is not None:
            found.append(f"{where}: {difference}")
        replayed += 1
        progress()
    return replayed, found


def _has_model_call(told: Iterable[TranscriptEvent]) -> bool:
    return any(isinstance(event, ModelCall) for event in told)


def _strangers(story: Story) -> set[str]:
    """Return the keys of trials that no clause of the course draws at any index."""
    terms = story.opened.terms
    draws = Draws(story.course, story.seed, tuple(terms.langs))
    steps = (*story.course.levels, *story.course.trust)
    clauses = [clause for step in steps for clause in step.clauses if clause.is_runnable]
    own = [clause.id for clause in clauses if not clause.rider]
    last = max(horizon(rule) for rule in (story.course.efficiency_rule, *(c.rule for c in clauses)))
    strangers = set(story.draws)
    if terms.single is not None:
        strangers.discard(digest(terms.single))
    for index in range(1, last + 1):
        if not strangers:
            break
        for clause in own:
            found = draws.trials(clause, index, ())
            strangers.difference_update(drawn.key for drawn in found)
            if terms.twins:
                strangers.discard(twin_of(found[0]).key)
        for rider, population in _repeating_riders(story, own):
            found = draws.trials(rider, index, population)
            strangers.difference_update(drawn.key for drawn in found)
    return strangers


def _repeating_riders(story: Story, own: Collection[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the riders that try again what they ride on, and what each draws from."""
    known = {name: p for name, p in story.populations.items() if p and set(p) <= set(own)}
    return [
        (clause.id, known[step.id])
        for step in (*story.course.levels, *story.course.trust)
        for clause in step.clauses
        if clause.rider and clause.repeats > 1 and step.id in known
    ]
