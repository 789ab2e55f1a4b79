"""Sealing: from a campaign that ended to a complete bundle."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import msgspec

import conformance
from conformance.campaign.claim import parse_claim
from conformance.edition.course import plan_course
from conformance.campaign.journal import Ended, Opened, TrialDone, TrialStarted, read_journal
from conformance.campaign.observe import Draws, Observed, Observer
from conformance.decision.ladder import Stop, climb
from conformance.errors import EvidenceInvalidError
from conformance.evidence import bundle
from conformance.evidence.documents import (
    ClaimDocument,
    FindingLine,
    IcsDocument,
    LockDocument,
    ObservationLine,
    SummaryDocument,
    SystemDocument,
    Words,
)
from conformance.evidence.summary import edition_name, summarise
from conformance.evidence.system import collect_hardware, package_versions
from conformance.trial.outcome import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.decision.result import Result
    from conformance.edition import Edition

MODE = Words(zh="智能体检测", en="agent testing only")
DECLARATION = Words(zh="自我声明", en="self-declared")


class Graded(msgspec.Struct, frozen=True):
    """What a bundle's evidence comes to."""

    summary: SummaryDocument
    observations: list[ObservationLine]


def grade_folder(
    folder: Path, edition: Edition, progress: Callable[[Observed], None] = lambda _: None
) -> Graded:
    """Grade a campaign's evidence from its journal, transcripts and states alone.

    The live campaign's own decisions are not asked: the same ladder climbs again.

    Raises:
        EvidenceInvalidError: the evidence is incomplete or broken, or another edition's.
    """
    entries = read_journal(folder / bundle.RUN)
    opened, ended = entries[0], entries[-1]
    where = str(folder / bundle.RUN / "journal.jsonl")
    if not isinstance(opened, Opened):
        raise EvidenceInvalidError("does not begin with its terms", where=f"{where}:1")
    if not isinstance(ended, Ended):
        raise EvidenceInvalidError(
            "the campaign did not end", where=f"{where}:{len(entries)}", mend="go on with --resume"
        )
    terms = opened.terms
    if terms.edition_sha256 != edition.digest:
        raise EvidenceInvalidError(
            f"was made with edition {terms.edition} {terms.edition_sha256[:12]}, "
            f"this is {edition.id} {edition.digest[:12]}",
            where=where,
            mend="name that edition's folder with --edition",
        )
    claim = parse_claim(terms.claim, edition)
    course = plan_course(edition, terms.plan, claim, denied=terms.denied)
    seed = bytes.fromhex(ended.seed)
    draws = Draws(course, seed, tuple(terms.langs))
    observer = Observer(edition, draws, folder / bundle.RUN)
    done = {
        entry.key: entry.record
        for entry in entries
        if isinstance(entry, TrialDone) and TABLE[entry.record.cause].counts
    }
    rounds = climb(course)
    asked = next(rounds)
    try:
        while True:
            is_missing = any(drawn.key not in done for drawn in draws.of_round(asked))
            if is_missing and ended.reason == "budget":
                asked = rounds.send(Stop())
                continue
            reply = observer.observe(asked, done)
            for item in observer.used[-len(asked.clauses) :]:
                progress(item)
            asked = rounds.send(reply)
    except StopIteration as finished:
        result: Result = finished.value
    summary = summarise(
        edition,
        course,
        opened,
        seed,
        result,
        observer.used,
        is_cut_short=ended.reason == "budget",
        family_of={e.key: e.draw["family"] for e in entries if isinstance(e, TrialStarted)},
    )
    return Graded(summary, [observation_line(item) for item in observer.used])


def seal(folder: Path, edition: Edition, agent: dict[str, Any], evidence_class: str) -> Graded:
    """Grade what a campaign left in ``folder`` and complete the bundle; the manifest comes last.

    Raises:
        EvidenceInvalidError: the evidence is incomplete or broken.
        StorageError: the bundle cannot be written.
    """
    graded = grade_folder(folder, edition)
    opened = read_journal(folder / bundle.RUN)[0]
    terms = opened.terms if isinstance(opened, Opened) else None
    name = edition_name(edition)
    bundle.write_document(
        folder,
        bundle.CLAIM,
        ClaimDocument(
            format="claim/1",
            claim=graded.summary.claim,
            agent=agent,
            evidence_class=evidence_class,
            edition=name,
            plan=graded.summary.plan,
            mode=MODE,
            declaration=DECLARATION,
        ),
    )
    denied = list(terms.denied) if terms is not None else []
    bundle.write_document(folder, bundle.ICS, IcsDocument("ics/1", denied))
    bundle.write_document(
        folder,
        bundle.SYSTEM,
        SystemDocument(
            format="system/1",
            hardware=collect_hardware(),
            cloud={},
            model={k: v for k, v in agent.items() if k in ("model", "served_model", "base_url")},
            application={k: v for k, v in agent.items() if k not in ("model", "served_model")},
        ),
    )
    bundle.write_document(
        folder,
        bundle.LOCK,
        LockDocument(
            format="suite.lock/1",
            suite=conformance.__version__,
            edition=name,
            python=platform.python_version(),
            packages=package_versions(),
        ),
    )
    lines = b"".join(msgspec.json.encode(line) + b"\n" for line in graded.observations)
    bundle.write_whole(folder / bundle.OBSERVATIONS, lines)
    bundle.write_document(folder, bundle.SUMMARY, graded.summary)
    bundle.write_manifest(folder)
    return graded


def observation_line(item: Observed) -> ObservationLine:
    """Return an observation as the bundle writes it."""
    return ObservationLine(
        clause=item.clause,
        index=item.index,
        key=item.key,
        trial=item.trial,
        value=item.value,
        findings=[FindingLine(f.requirement, f.message) for f in item.findings],
    )
