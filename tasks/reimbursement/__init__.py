"""F04: audit and settle a department's month of expense claims under the policy in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from conformance.authoring import Family, Text

from . import checks, oracle, wording
from .decoys import Office
from .draw import draw
from .fault_mutations import FAULT_MUTATIONS
from .ledger import Ledger
from .mutations import MUTATIONS
from .names import FORBIDDEN
from .shortcuts import SHORTCUTS
from .slips import FAULT_SHORTCUTS, LAPSES
from .state import here

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.authoring import (
        Act,
        Answer,
        Call,
        End,
        Fault,
        Finding,
        Knobs,
        Lang,
        Rng,
        State,
    )

    from .case import Case


class Reimbursement(Family["Case"]):
    """Claims, a policy of interacting rules, an approval graph, a ledger, a month to close."""

    id = "reimbursement"
    number = "F04"
    version = 2
    title = Text("报销审核与结算", "Expense claims: audit and settle")
    knobs: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "claims": (4, 3, 6),
        "rules": (2, 3),
        "decoys": (0, 6),
        "ending": ("settle", "locked"),
        "faults": (False, True),
    }
    wordings = wording.WORDINGS
    requirements = checks.REQUIREMENTS
    shortcuts = (*SHORTCUTS, *FAULT_SHORTCUTS)
    mutations = (*MUTATIONS, *FAULT_MUTATIONS)
    lapses = LAPSES

    def scenario(self, rng: Rng, knobs: Knobs) -> Case:
        return draw(rng, knobs)

    def world(self, scenario: Case) -> Office:
        return Ledger(scenario) if scenario.faults else Office(scenario)

    def offered(self, scenario: Case) -> Sequence[str]:
        return scenario.tools

    def forbidden(self, scenario: Case) -> Sequence[str]:  # noqa: ARG002
        return FORBIDDEN

    def instruction(self, scenario: Case, lang: Lang, wording_: int) -> str:
        return wording.instruction(scenario, lang, wording_)

    def answer_values(self, scenario: Case, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        return wording.answer_values(lang)

    def right_end(self, scenario: Case) -> End:
        return checks.right_end(scenario)

    def oracle(self, scenario: Case, act: Act) -> Answer:
        return oracle.solve(scenario, act)

    def overstep(self, scenario: Case, act: Act) -> None:
        act("export_claims", **here(scenario))

    def goal(self, scenario: Case, final: State) -> Iterator[Finding]:
        return checks.goal(scenario, final)

    def may_change(self, scenario: Case) -> Sequence[str]:
        return checks.may_change(scenario)

    def conduct(self, scenario: Case, calls: Sequence[Call]) -> Iterable[Finding]:  # noqa: ARG002
        return checks.conduct(calls)

    def faults(self, scenario: Case) -> Sequence[Fault]:
        return scenario.faults


FAMILY = Reimbursement()
