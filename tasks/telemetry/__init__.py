"""F01 Telemetry lookup: one query of a data centre's sensor tables, reported exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import End, Family, Text

from .cheats import SHORTCUTS, answered
from .mutants import MUTATIONS
from .scenario import FORBIDDEN, Scenario, draw
from .wording import WORDINGS, answer_values, instruction
from .world import Historian, query_result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Answer, Finding, Knobs, Lang, Rng, State


class Telemetry(Family[Scenario]):
    """Report one aggregate of one metric; say so where there is no data."""

    id = "telemetry"
    number = "F01"
    version = 1
    title = Text("遥测查询", "Telemetry lookup")
    knobs: ClassVar = {
        "ending": ("value", "no_data"),
        "dates": ("absolute", "relative"),
        "decoys": (2, 5),
    }
    wordings = WORDINGS
    requirements: ClassVar = {}
    shortcuts = SHORTCUTS
    mutations = MUTATIONS

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        return draw(rng, knobs)

    def world(self, scenario: Scenario) -> Historian:
        return Historian(scenario)

    def offered(self, scenario: Scenario) -> Sequence[str]:
        return scenario.tools

    def forbidden(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return instruction(scenario, lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        return answer_values(lang)

    def right_end(self, scenario: Scenario) -> End:
        right = answered(query_result(scenario, scenario.asked))
        return End(right.status, right.reason, right.values)

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        return answered(act("query", **scenario.asked.arguments()))

    def overstep(self, scenario: Scenario, act: Act) -> None:
        arguments = scenario.asked.arguments()
        del arguments["metric"]
        act("query_all", **arguments)

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:  # noqa: ARG002
        """Nothing: reading leaves no trace in the state; the query's id is the evidence."""
        return ()

    def may_change(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return ()


FAMILY = Telemetry()
