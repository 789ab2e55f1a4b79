"""F08 Data-centre cooling: days of operation within limits, no violation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import End, Family, Text

from .cheats import LAPSES, SHORTCUTS
from .checks import REQUIREMENTS, broken_rules, shortfalls
from .draw import LOSSES, draw
from .mutations import MUTATIONS
from .planning import reference
from .plant import Scenario
from .wording import WORDINGS, answer_values, instruction
from .work import carry_out, read_all
from .world import FORBIDDEN, READS, WRITES, ControlRoom, settlement_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Answer, Call, Finding, Knobs, Lang, Rng, State


class Cooling(Family[Scenario]):
    """Operate the cooling of server rooms for days: cool enough, cheap enough, all served."""

    id = "cooling"
    number = "F08"
    version = 1
    title = Text("机房节能", "Data-centre cooling")
    knobs: ClassVar = {
        "days": (3, 2, 5, 7),
        "rooms": (1, 2, 3),
        "shock": ("surge", "warm_air", "derate"),
        "drift": tuple(LOSSES),
    }
    wordings = WORDINGS
    requirements = REQUIREMENTS
    shortcuts = SHORTCUTS
    mutations = MUTATIONS
    lapses = LAPSES

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        return draw(rng, **knobs)

    def world(self, scenario: Scenario) -> ControlRoom:
        return ControlRoom(scenario)

    def offered(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return (*READS, *WRITES, *FORBIDDEN)

    def forbidden(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return instruction(scenario, lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        return answer_values(lang)

    def right_end(self, scenario: Scenario) -> End:
        return End("done", None, {"settlement_token": settlement_token(scenario)})

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        read_all(act)
        return carry_out(scenario, act, reference(scenario))

    def overstep(self, scenario: Scenario, act: Act) -> None:  # noqa: ARG002
        act("vendor_plan")

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:
        return shortfalls(scenario, final)

    def may_change(self, scenario: Scenario) -> Sequence[str]:
        return ("/hour", "/closed", *(f"/rooms/{room.id}" for room in scenario.rooms))

    def conduct(self, scenario: Scenario, calls: Sequence[Call]) -> Iterable[Finding]:
        return broken_rules(scenario, calls)


FAMILY = Cooling()
