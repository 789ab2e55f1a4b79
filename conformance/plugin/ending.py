"""The end of a run: what was seen, and the bundle where every clause was run."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.campaign.journal import has_begun, shared_folder
from conformance.campaign.shared import end_session
from conformance.errors import ConformanceError
from conformance.evidence import bundle
from conformance.plugin.items import node_id
from conformance.plugin.options import said
from conformance.report.texts import both, say

if TYPE_CHECKING:
    import pytest

    from conformance.campaign.shared import Session
    from conformance.evidence.documents import SummaryDocument, Words
    from conformance.plugin.plan import Plan

Told = tuple[dict[str, Any], str]
"""Who the agent is, and its evidence class."""


class Ending(NamedTuple):
    """What a run came to."""

    summary: SummaryDocument | None = None
    why: Words | None = None
    """Why there is no grade."""
    can_go_on: bool = False


class Seen:
    """What the reports of a run tell."""

    def __init__(self, plan: Plan) -> None:
        self.clauses: dict[str, dict[str, Any]] = {}
        """The properties of each clause's item that was run, with its ``outcome``."""
        self.own: dict[str, Counter[str]] = {}
        """How the vendor's own tests came out, by clause."""
        self._items = {node_id(item.clause): item.clause for item in plan.in_reach}

    @property
    def missing(self) -> int:
        """How many clauses in reach have an item that was not run."""
        return len(self._items) - len(self.clauses)

    def add(self, report: pytest.TestReport) -> None:
        """Take in a report."""
        properties = dict(report.user_properties)
        # What a worker was at when it was lost is reported too, as no phase: what counts is
        # whether the others brought the campaign to its end.
        is_end = report.when not in ("setup", "teardown") or (
            report.when == "setup" and not report.passed
        )
        clause = self._items.get(report.nodeid)
        if clause is not None:
            # A clause that somebody's mark or hook skipped was not run: its item never judged.
            if is_end and (report.failed or "verdict" in properties):
                self.clauses[clause] = {**properties, "outcome": _outcome(report)}
        elif "clause" in properties and (is_end or report.failed):
            count = self.own.setdefault(str(properties["clause"]), Counter())
            count[_outcome(report)] += 1


def finish(
    plan: Plan, session: Session, seen: Seen, told: Told | None, *, is_interrupted: bool
) -> Ending:
    """End the session; seal the bundle and write its report where every clause was run."""
    from conformance.evidence.documents import SummaryDocument
    from conformance.evidence.seal import seal
    from conformance.evidence.verify import is_clean
    from conformance.report.html import write_report

    is_whole = not seen.missing and not is_interrupted and told is not None
    why = "interrupted" if is_interrupted else "not every clause was run" if seen.missing else ""
    try:
        if not end_session(plan.out, session, is_whole=is_whole, why=why):
            can_go_on = has_begun(plan.out / bundle.RUN)
            if not can_go_on:
                _clear(plan)
            return Ending(why=_why(seen, told, can_go_on=can_go_on), can_go_on=can_go_on)
        assert told is not None, "it is whole"  # noqa: S101
        if is_clean(plan.out, plan.edition):  # it was complete, and nothing was run
            summary = bundle.read_document(plan.out, bundle.SUMMARY, SummaryDocument)
        else:
            summary = seal(plan.out, plan.edition, *told).summary
        if not plan.given["no-report"]:
            write_report(plan.out)
    except ConformanceError as error:
        return Ending(why=both(said(error)))
    return Ending(summary)


def _why(seen: Seen, told: Told | None, *, can_go_on: bool) -> Words:
    if seen.missing:
        return say("plugin.why_selected", n=seen.missing)
    if told is None and can_go_on:
        return say("plugin.why_silent")
    return say("plugin.why_incomplete")


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "expected"
    if report.failed:
        return "failed" if report.when == "call" else "error"
    return report.outcome


def _clear(plan: Plan) -> None:
    """Remove a folder in which nothing began."""
    run = plan.out / bundle.RUN
    shutil.rmtree(shared_folder(run), ignore_errors=True)
    above = [] if plan.given["out"] else [plan.out.parent]
    for folder in (run, plan.out, *above):
        with contextlib.suppress(OSError):
            folder.rmdir()
