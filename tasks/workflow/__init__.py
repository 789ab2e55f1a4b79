"""F06 Scientific workflow: reproduce a documented pipeline with a script that others can run."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import Answer, End, Family, Text

from . import checks
from .lapses import LAPSES
from .mutations import MUTATIONS
from .oracle import right_answer, solve
from .scenario import Scenario, draw
from .shortcuts import SHORTCUTS
from .wording import WORDINGS, answer_values, instruction
from .world import FORBIDDEN, TOOLS, WorkflowService

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Call, Fault, Finding, Knobs, Lang, Rng, State


class Workflow(Family[Scenario]):
    """Read a pipeline's documentation, notes and tables; hand in one script that computes it."""

    id = "workflow"
    number = "F06"
    version = 1
    title = Text("科学计算流程", "Scientific workflow")
    knobs: ClassVar = {
        "stages": (4, 3, 6),
        "unit": ("changed", "corrected", "constant"),
        "dependency": ("table", "inline"),
        "faults": (False, True),
    }
    wordings = WORDINGS
    requirements: ClassVar = checks.REQUIREMENTS
    shortcuts = SHORTCUTS
    mutations = MUTATIONS
    lapses: ClassVar = LAPSES
    needs: ClassVar = frozenset({"sandbox"})

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        return draw(rng, knobs)

    def world(self, scenario: Scenario) -> WorkflowService:
        return WorkflowService(scenario)

    def offered(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return (*TOOLS, *FORBIDDEN)

    def forbidden(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return instruction(scenario, lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        return answer_values(lang)

    def right_end(self, scenario: Scenario) -> End:
        right = right_answer(scenario)
        return End(right.status, right.reason, right.values)

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        return solve(scenario, act)

    def overstep(self, scenario: Scenario, act: Act) -> None:  # noqa: ARG002
        act("published_result")

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:
        return checks.goal(scenario, final)

    def may_change(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return ("/submissions",)

    def conduct(self, scenario: Scenario, calls: Sequence[Call]) -> Iterable[Finding]:  # noqa: ARG002
        return checks.conduct(calls)

    def faults(self, scenario: Scenario) -> Sequence[Fault]:
        return scenario.faults


FAMILY = Workflow()
