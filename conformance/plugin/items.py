"""An item for each clause: its setup runs the campaign until it is settled, its call judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.decision.ladder import EFFICIENCY
from conformance.errors import ConformanceError
from conformance.plugin.options import said
from conformance.plugin.verdicts import (
    clause_properties,
    efficiency_properties,
    judge_clause,
    judge_efficiency,
    settled_text,
    telling,
)

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from conformance.plugin.part import Part
    from conformance.plugin.plan import Plan, Planned
    from conformance.plugin.verdicts import Judged


def node_id(clause: str) -> str:
    """Return the node id of a clause's item."""
    return f"grade[{clause}]"


class WrongUseItem(pytest.Item):
    """Stands for a whole run in a worker of pytest-xdist, whose usage errors nobody hears."""

    def __init__(self, *, told: str, **rest: Any) -> None:
        super().__init__(**rest)
        self._told = told

    def setup(self) -> None:
        """Tell it."""
        pytest.fail(self._told, pytrace=False)

    def runtest(self) -> None:
        """Nothing: the setup failed."""


class GradeItem(pytest.Item):
    """One clause of the edition.

    Args:
        planned: The clause.
        part: This process's part in the campaign.
        lang: The language to speak.
        rest: What pytest gives every item.
    """

    def __init__(self, *, planned: Planned, part: Part, lang: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.planned = planned
        self._part = part
        self._lang = lang
        self.add_marker(pytest.mark.grade(clause=planned.clause, level=planned.step))
        self.user_properties += [
            ("clause", planned.clause),
            ("axis", planned.axis),
            ("level", planned.step),
            ("families", ", ".join(self._families())),
            ("run_folder", str(self._plan.out)),
        ]

    @classmethod
    def of(cls, session: pytest.Session, planned: Planned, part: Part, lang: str) -> GradeItem:
        """Return the item of a clause."""
        name = node_id(planned.clause)
        return cls.from_parent(
            session, name=name, nodeid=name, planned=planned, part=part, lang=lang
        )

    def setup(self) -> None:
        """Run the campaign until the clause is settled; what fails here is not the agent's."""
        planned = self.planned
        if planned.settled is not None:
            self.user_properties += [("verdict", planned.settled), ("reason", planned.reason)]
            pytest.skip(f"{planned.clause}: {settled_text(planned, self._lang)}")
        try:
            self._part.settle(planned.clause)
        except ConformanceError as error:
            raise pytest.fail.Exception(said(error), pytrace=False) from None

    def runtest(self) -> None:
        """Judge what the clause came to."""
        judged = self._judged()
        if judged.how == "skip":
            pytest.skip(f"{self.planned.clause}: {judged.text}")
        if judged.how == "fail":
            pytest.fail(judged.text, pytrace=False)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return the place as pytest wants it; the line counts from 0."""
        path, line = self.place
        return path, line - 1, self.name

    @property
    def place(self) -> tuple[Path, int]:
        """Where the clause stands: the edition's file, and the line from 1."""
        located, clause = self._plan.edition.located, self.planned.clause
        ids = [item.id for item in self._plan.edition.clauses]
        key = (EFFICIENCY,) if clause == EFFICIENCY else ("clauses", ids.index(clause))
        return located.path, located.line(key)

    @property
    def _plan(self) -> Plan:
        return self._part.plan

    def _judged(self) -> Judged:
        plan, part, clause = self._plan, self._part, self.planned.clause
        if clause == EFFICIENCY:
            found = part.efficiency()
            none = plan.edition.document.efficiency.none
            self.user_properties += efficiency_properties(found, none)
            return judge_efficiency(found, plan, self._lang)
        result = part.result(clause)
        planned = plan.clause(clause)
        assert planned is not None, "an item is of a clause of the course"  # noqa: S101
        self.user_properties += clause_properties(result, planned.rule.p0)
        return judge_clause(result, plan, telling(part.observed(clause)), self._lang)

    def _families(self) -> list[str]:
        planned = self._plan.clause(self.planned.clause)
        return [] if planned is None else [source.family for source in planned.sources]
