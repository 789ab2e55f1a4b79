"""A vendor's own tests for clauses: which are collected, which the agent is not asked."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.decision.ladder import EFFICIENCY
from conformance.errors import UsageError
from conformance.report.texts import say

if TYPE_CHECKING:
    import pytest

    from conformance.plugin.baseline import Baseline
    from conformance.plugin.plan import Plan

FORM = '@pytest.mark.grade(clause="ACME-1", level="L2"), the level or not'


class Mark(NamedTuple):
    """What the marker of a test says."""

    clause: str
    level: str | None


class OwnTests:
    """The tests that carry the marker, none of which alters the grade."""

    def __init__(self, plan: Plan, baseline: Baseline) -> None:
        self._plan = plan
        self._baseline = baseline
        self._edition = {clause.id for clause in plan.edition.clauses} | {EFFICIENCY}

    def sort(
        self, items: list[pytest.Item], *, is_narrowed: bool
    ) -> tuple[list[pytest.Item], list[pytest.Item]]:
        """Return the tests to run, and those above the claim.

        Args:
            items: All that were collected.
            is_narrowed: The user named single files or tests, so that others may exist.

        Raises:
            UsageError: a marker is none, or the baseline names what is not there.
        """
        kept: list[pytest.Item] = []
        above: list[pytest.Item] = []
        clauses = set(self._edition)
        for item in items:
            mark = read_mark(item)
            if mark is None:
                kept.append(item)
                continue
            self._check_clause(mark.clause, item)
            clauses.add(mark.clause)
            level = mark.level or self._level_of(mark.clause)
            item.user_properties.append(("clause", mark.clause))
            if level is not None:
                item.user_properties.append(("level", level))
            is_above = level is not None and self._plan.is_above(level)
            (above if is_above else kept).append(item)
        if not is_narrowed:
            self._baseline.check_clauses(clauses)
        self._baseline.check_tests({item.nodeid for item in items})
        return kept, above

    def denied(self, item: pytest.Item, lang: str) -> str | None:
        """Return why a test is skipped: the ICS line its clause of the edition needs, denied."""
        mark = read_mark(item)
        clause = None if mark is None else self._plan.clause(mark.clause)
        if clause is None:
            return None
        line = clause.inapplicable
        if line is None and clause.not_run is not None and clause.not_run.startswith("ICS "):
            line = clause.not_run.removeprefix("ICS ")
        if line is None:
            return None
        return say("plugin.denied", clause=clause.id, line=line).in_lang(lang)

    def _check_clause(self, clause: str, item: pytest.Item) -> None:
        """Refuse a clause that has the edition's form of name and is none of its."""
        document = self._plan.edition.document
        steps = {step.id for step in (*document.agency.steps, *document.trust.steps)}
        if clause in self._edition or clause.partition("-")[0] not in steps:
            return
        close = difflib.get_close_matches(clause, sorted(self._edition), 1)
        raise UsageError(
            f"its mark grade names {clause}, which is no clause of {self._plan.edition.id}",
            where=item.nodeid,
            mend=(f"did you mean {close[0]}? " if close else "")
            + "a clause of your own has a name of its own: ACME-1",
        )

    def _level_of(self, clause: str) -> str | None:
        planned = self._plan.clause(clause)
        return None if planned is None else planned.step


def read_mark(item: pytest.Item) -> Mark | None:
    """Return what the marker of a test says, or None where it has none.

    Raises:
        UsageError: it names no clause, or says something else too.
    """
    marker = item.get_closest_marker("grade")
    if marker is None:
        return None
    said: dict[str, Any] = dict(zip(("clause", "level"), marker.args, strict=False))
    said |= marker.kwargs
    level = said.get("level")
    is_form = set(said) <= {"clause", "level"} and len(marker.args) <= len(Mark._fields)
    if not is_form or not isinstance(said.get("clause"), str) or not isinstance(level, str | None):
        raise UsageError("its mark grade names no clause", where=item.nodeid, mend=f"write {FORM}")
    return Mark(said["clause"], level)


def is_narrowed(config: pytest.Config) -> bool:
    """Say whether the user named single files or tests, or asked for those that failed last."""
    named = [str(argument) for argument in config.args]
    is_single = any("::" in name or Path(name).suffix == ".py" for name in named)
    return is_single or bool(config.getoption("lf", default=False))
