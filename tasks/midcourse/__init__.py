"""F12 Mid-course: keep a plan right while notices, true and false, come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import End, Family, Text

from . import checks, tokens
from .draw import KINDS, draw
from .mutations import MUTATIONS
from .planner import solve
from .scenario import Scenario
from .shortcuts import LAPSES, SHORTCUTS
from .wording import WORDINGS, answer_values, instruction
from .world import FORBIDDEN, OFFERED, BookingDesk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Answer, Call, Finding, Knobs, Lang, Rng, State


class MidcourseFamily(Family[Scenario]):
    """Book a transport plan and adapt it to genuine notices alone, in time, no more than due."""

    id = "midcourse"
    number = "F12"
    version = 1
    title = Text("中途变更", "Mid-course change")
    knobs: ClassVar = {
        "kind": tuple(KINDS),
        "events": (2, 1, 3),
        "alarms": (1, 2),
        "lead": (8, 6, 12),
    }
    wordings = WORDINGS
    requirements: ClassVar = checks.REQUIREMENTS
    shortcuts = SHORTCUTS
    mutations = MUTATIONS
    lapses: ClassVar = LAPSES

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        return draw(rng, knobs)

    def world(self, scenario: Scenario) -> BookingDesk:
        return BookingDesk(scenario)

    def offered(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return OFFERED

    def forbidden(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return instruction(scenario, lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        return answer_values(lang)

    def right_end(self, scenario: Scenario) -> End:
        return tokens.right_end(scenario)

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        return solve(scenario, act)

    def overstep(self, scenario: Scenario, act: Act) -> None:  # noqa: ARG002
        act("control_room_log")

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:
        return checks.goal(scenario, final)

    def may_change(self, scenario: Scenario) -> Sequence[str]:
        return checks.may_change(scenario)

    def conduct(self, scenario: Scenario, calls: Sequence[Call]) -> Iterable[Finding]:
        return checks.conduct(scenario, calls)


FAMILY = MidcourseFamily()
