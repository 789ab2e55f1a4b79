"""F11 Outage: find the faults that hide behind one another, repair them, restart nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import End, Family, Text

from . import checks, toolkit
from .engineer import solve
from .lapses import LAPSES
from .mutations import MUTATIONS
from .right import right_end
from .scenario import CASES, Scenario, draw
from .shortcuts import SHORTCUTS
from .wording import WORDINGS, answer_values, instruction
from .world import Outage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Answer, Call, Finding, Knobs, Lang, Rng, State


class OutageFamily(Family[Scenario]):
    """Restore a service whose faults mask one another, or say what cannot be known."""

    id = "outage"
    number = "F11"
    version = 1
    title = Text("故障诊断与修复", "Fault diagnosis and repair")
    knobs: ClassVar = {"case": CASES, "atoms": (2, 1, 3, 4, 5), "services": (8, 12, 16)}
    wordings = WORDINGS
    requirements: ClassVar = checks.REQUIREMENTS
    shortcuts = SHORTCUTS
    mutations = MUTATIONS
    lapses: ClassVar = LAPSES

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        return draw(rng, knobs)

    def world(self, scenario: Scenario) -> Outage:
        return Outage(scenario)

    def offered(self, scenario: Scenario) -> Sequence[str]:
        return toolkit.offered(scenario)

    def forbidden(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return toolkit.FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return instruction(scenario, lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:
        return answer_values(scenario, lang)

    def right_end(self, scenario: Scenario) -> End:
        return right_end(scenario)

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        return solve(scenario, act)

    def overstep(self, scenario: Scenario, act: Act) -> None:
        act("debug_dump", service=scenario.target)

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:
        return checks.goal(scenario, final)

    def may_change(self, scenario: Scenario) -> Sequence[str]:
        return checks.may_change(scenario)

    def conduct(self, scenario: Scenario, calls: Sequence[Call]) -> Iterable[Finding]:
        return checks.conduct(scenario, calls)

    def is_undecidable(self, scenario: Scenario) -> bool:
        return scenario.case == "undecidable"


FAMILY = OutageFamily()
