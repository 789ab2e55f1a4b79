"""How a test's report is amended: the baseline, and faults of the suite within a test."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from conformance.plugin.items import GradeItem
from conformance.plugin.options import said
from conformance.plugin.own import read_mark
from conformance.plugin.trials import HarnessFaultError
from conformance.report.texts import say

if TYPE_CHECKING:
    import pytest

    from conformance.evidence.documents import Words
    from conformance.plugin.baseline import Baseline, Entry
    from conformance.plugin.plan import Plan


class Amender:
    """Amends the reports of a run.

    Args:
        plan: What is graded.
        baseline: The failures that are expected.
        lang: The language to speak.
    """

    def __init__(self, plan: Plan, baseline: Baseline, lang: str) -> None:
        self._plan = plan
        self._baseline = baseline
        self._lang = lang
        self._today = dt.datetime.now(tz=dt.UTC).date()

    def amend(
        self, report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        """Return a report as the run shows it."""
        if isinstance(item, GradeItem) and isinstance(report.longrepr, tuple):
            path, line = item.place  # what skipped it is the clause, not our code
            report.longrepr = (str(path), line, report.longrepr[2])
        if call.when != "call":
            return report
        if call.excinfo is not None and isinstance(call.excinfo.value, HarnessFaultError):
            # As pytest shows what fails around a test: an error, not a failure.
            report.when = "setup"
            report.longrepr = said(call.excinfo.value)
            return report
        entry = self._baseline.of(item.nodeid, self._clause(item))
        if entry is not None:
            self._hold_to(entry, report)
        return report

    def _hold_to(self, entry: Entry, report: pytest.TestReport) -> None:
        if report.passed:
            report.outcome = "failed"
            report.longrepr = self._in(say("plugin.stale", where=entry.where))
        elif report.failed and entry.excuses(self._today):
            report.outcome = "skipped"
            report.wasxfail = entry.reason
        elif report.failed:
            lapsed = say("plugin.lapsed", where=entry.where, until=entry.until)
            report.sections.append(("baseline", self._in(lapsed)))

    def _clause(self, item: pytest.Item) -> str | None:
        """Return the clause by which the baseline knows a test.

        A clause of the edition stands for its own item; a vendor's test for it goes by its name.
        """
        if isinstance(item, GradeItem):
            return item.planned.clause
        mark = read_mark(item)
        is_of_edition = mark is not None and self._plan.clause(mark.clause) is not None
        return None if mark is None or is_of_edition else mark.clause

    def _in(self, words: Words) -> str:
        return words.in_lang(self._lang)
