"""A bundle as the exports read it: once, without packing a transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.evidence.evaluation import read_evaluation
from conformance.report.sources import Evidence, read_evidence
from conformance.report.transcripts import Transcripts, read_transcripts
from conformance.report.view import View, build_view

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.evidence.documents import EvaluationDocument


class Reading(NamedTuple):
    """All that a rendering is made of; the same bundle gives the same, in whatever folder."""

    evidence: Evidence
    transcripts: Transcripts
    view: View
    evaluation: EvaluationDocument | None
    """The technical evaluation; None where the bundle has no such document."""


def read_bundle(folder: Path) -> Reading:
    """Read a sealed bundle for the exports.

    Raises:
        EvidenceInvalidError: a file is missing or broken.
    """
    evidence = read_evidence(folder)
    # No room for packed transcripts: the exports carry none, and packing is what takes long.
    transcripts = read_transcripts(evidence, cap=0)
    view = build_view(evidence, transcripts)
    return Reading(evidence, transcripts, view, read_evaluation(folder))
