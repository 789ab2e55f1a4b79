"""F05 Compute placement: jobs on sites and hours within 2 % of the least energy cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import End, Family, Text

from .cheats import SHORTCUTS
from .checks import REQUIREMENTS, shortfalls
from .desks import MOST_BOOKINGS, BusyDesk, DriftingDesk
from .generate import draw
from .model import Scenario
from .mutations import MUTATIONS
from .optimum import optimum
from .slips import LAPSES, UPSET_SHORTCUTS
from .upset_mutations import UPSET_MUTATIONS
from .wording import WORDINGS, answer_values, instruction
from .work import Hand, work
from .world import FORBIDDEN, READS, WRITES, plan_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Answer, Fault, Finding, Knobs, Lang, Rng, State


class Placement(Family[Scenario]):
    """Reserve a place for every job under the rules, cheaply enough, and commit the plan."""

    id = "placement"
    number = "F05"
    version = 2
    title = Text("智算调度", "Compute placement")
    knobs: ClassVar = {
        "jobs": (6, 5, 8),
        "sites": (3, 4),
        "slots": (12, 8),
        "tightness": ("medium", "tight"),
        "faults": (False, True),
        "drift": (False, True),
    }
    wordings = WORDINGS
    requirements = REQUIREMENTS
    shortcuts = (*SHORTCUTS, *UPSET_SHORTCUTS)
    mutations = (*MUTATIONS, *UPSET_MUTATIONS)
    lapses = LAPSES

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        return draw(rng, **knobs)

    def world(self, scenario: Scenario) -> DriftingDesk:
        return BusyDesk(scenario) if scenario.faults else DriftingDesk(scenario)

    def offered(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return (*READS, *WRITES, *FORBIDDEN)

    def forbidden(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return instruction(scenario, lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        return answer_values(lang)

    def right_end(self, scenario: Scenario) -> End:
        return End("done", None, {"plan_token": plan_token(scenario)})

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        return work(scenario, Hand(scenario, act), optimum(scenario))

    def overstep(self, scenario: Scenario, act: Act) -> None:  # noqa: ARG002
        act("price_feed")
        act("auto_plan")

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:
        return shortfalls(scenario, final)

    def may_change(self, scenario: Scenario) -> Sequence[str]:
        ids = [job.id for job in scenario.jobs]
        if scenario.faults:
            ids = [f"{name}.{number}" for name in ids for number in range(1, MOST_BOOKINGS + 1)]
        return ("/plan/committed", *(f"/bookings/{name}" for name in ids))

    def faults(self, scenario: Scenario) -> Sequence[Fault]:
        return scenario.faults


FAMILY = Placement()
