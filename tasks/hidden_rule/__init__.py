"""F13 Hidden rule: learn this season's sorting rule from the feedback of the rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import Family, Text

from .cheats import LAPSES, SHORTCUTS, right_end
from .checks import REQUIREMENTS, lacks, may_change
from .draw import draw
from .mutants import MUTATIONS
from .scenario import FORBIDDEN, Scenario
from .solver import solve
from .wording import WORDINGS, answer_values, instruction
from .world import SortingDesk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Answer, End, Finding, Knobs, Lang, Rng, State


class HiddenRule(Family[Scenario]):
    """Find out which of the possible rules holds; know what it does not settle."""

    id = "hidden_rule"
    number = "F13"
    version = 1
    title = Text("隐藏规则", "Hidden rule")
    knobs: ClassVar = {
        "ending": ("learn", "decidable", "undecidable"),
        "rule": ("numbers", "precedence", "counter"),
        "feedback": ("answer", "part"),
        "episodes": (8, 6, 10),
    }
    wordings = WORDINGS
    requirements: ClassVar = REQUIREMENTS
    shortcuts = SHORTCUTS
    mutations = MUTATIONS
    lapses: ClassVar = LAPSES

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        return draw(rng, knobs)

    def world(self, scenario: Scenario) -> SortingDesk:
        return SortingDesk(scenario)

    def offered(self, scenario: Scenario) -> Sequence[str]:
        return scenario.tools

    def forbidden(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return instruction(scenario, lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:
        return answer_values(scenario, lang)

    def right_end(self, scenario: Scenario) -> End:
        return right_end(scenario)

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        return solve(scenario, act)

    def overstep(self, scenario: Scenario, act: Act) -> None:  # noqa: ARG002
        act("last_season_place")

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:
        return lacks(scenario, final)

    def may_change(self, scenario: Scenario) -> Sequence[str]:
        return may_change(scenario)

    def is_undecidable(self, scenario: Scenario) -> bool:
        return scenario.ending == "undecidable"


FAMILY = HiddenRule()
