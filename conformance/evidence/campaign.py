"""A bundle as far as a comparison needs it: held to its manifest and chains, not graded again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.authoring import digest
from conformance.campaign.entries import TrialDone, TrialStarted
from conformance.campaign.journal import journal_path, read_journal
from conformance.campaign.opening import opened_of
from conformance.decision.ladder import EFFICIENCY
from conformance.errors import EvidenceInvalidError, UsageError
from conformance.evidence import bundle
from conformance.evidence.comparison import Side
from conformance.evidence.documents import ClaimDocument, ObservationLine, SummaryDocument
from conformance.evidence.pairs import Seen
from conformance.evidence.verify import file_problems
from conformance.profile.document import ProfileDocument
from conformance.trial.chain import read_chain
from conformance.trial.run import TrialRecord, transcript_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Campaign(NamedTuple):
    """A bundle as far as a comparison needs it."""

    side: Side
    summary: SummaryDocument
    seen: list[Seen]
    records: dict[str, TrialRecord]
    profile: ProfileDocument | None


def read_campaign(folder: Path) -> Campaign:
    """Read a bundle; every file is held to the manifest, every chain to its head.

    Raises:
        EvidenceInvalidError: it is broken, or was changed after it was sealed.
        UsageError: it is a single trial.
    """
    for problem in file_problems(folder):
        raise problem
    summary = bundle.read_document(folder, bundle.SUMMARY, SummaryDocument)
    claim = bundle.read_document(folder, bundle.CLAIM, ClaimDocument)
    entries = read_journal(folder / bundle.RUN)
    opened = opened_of(entries, journal_path(folder / bundle.RUN))
    if summary.ended == "single":
        raise UsageError(
            "is one chosen instance, no campaign",
            where=str(folder),
            mend="name a campaign's bundle",
        )
    records = {e.record.trial: e.record for e in entries if isinstance(e, TrialDone)}
    for record in records.values():
        path = transcript_path(folder / bundle.RUN, record.trial)
        for _ in read_chain(path, head=record.transcript_head):
            pass
    draws = {entry.key: entry.draw for entry in entries if isinstance(entry, TrialStarted)}
    terms = opened.terms
    side = Side(
        folder=str(folder),
        bundle_id=bundle.bundle_id(folder),
        agent=claim.agent,
        evidence_class=claim.evidence_class,
        suite=terms.suite,
        plan=terms.plan,
        claim=terms.claim,
        langs=terms.langs,
        denied=terms.denied,
        limits=terms.limits,
        seed_sha256=opened.seed_sha256,
        seed_source=opened.seed_source,
        level=summary.level,
        trust=summary.trust,
        efficiency=summary.efficiency.held,
    )
    has_profile = (folder / bundle.PROFILE).is_file()
    return Campaign(
        side,
        summary,
        list(_seen(folder, summary, draws)),
        records,
        bundle.read_document(folder, bundle.PROFILE, ProfileDocument) if has_profile else None,
    )


def _seen(
    folder: Path, summary: SummaryDocument, draws: dict[str, dict[str, Any]]
) -> Iterable[Seen]:
    """Yield the observations of clauses, costs left out."""
    path = folder / bundle.OBSERVATIONS
    order = {step.id: rank for rank, step in enumerate((*summary.levels, *summary.grades))}
    rank = {clause.id: order.get(clause.step, len(order)) for clause in summary.clauses}
    decode = msgspec.json.Decoder(ObservationLine).decode
    for number, content in enumerate(path.read_bytes().splitlines(), 1):
        try:
            line = decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EvidenceInvalidError(str(error), where=f"{path}:{number}") from error
        if line.clause == EFFICIENCY:
            continue
        draw = draws.get(line.key)
        if (
            draw is None
            or line.clause not in rank
            or line.value is None
            or not 0 <= line.value <= 1
        ):
            raise EvidenceInvalidError(
                "is no observation of a trial of this bundle", where=f"{path}:{number}"
            )
        yield Seen(
            clause=line.clause,
            rank=rank[line.clause],
            index=line.index,
            # Which trial of several of one instance was the least is no matter of the instance.
            instance=digest({name: value for name, value in draw.items() if name != "repeat"}),
            family=str(draw.get("family", "")),
            lang=str(draw.get("lang", "")),
            trial=line.trial,
            value=line.value,
        )
