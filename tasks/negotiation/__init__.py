"""F15 Negotiation: departments with private limits agree on who gets what, and sign it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import End, Family, Text

from . import checks, generate, protocol, wording, world
from .cheats import LAPSES, SHORTCUTS
from .model import Talks
from .mutations import MUTATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Answer, Call, Finding, Knobs, Lang, Rng, State, World


class Negotiation(Family[Talks]):
    """Parties with limits of their own divide pools; some are automata that bargain or lie."""

    id = "negotiation"
    number = "F15"
    version = 1
    title = Text("多方协商", "Negotiation")
    knobs: ClassVar = {
        "case": ("pact", "liar", "silent"),
        "parties": (3, 4),
        "theta": (85, 95),
    }
    wordings = wording.WORDINGS
    requirements: ClassVar = checks.REQUIREMENTS
    shortcuts = SHORTCUTS
    mutations = MUTATIONS
    lapses = LAPSES

    def scenario(self, rng: Rng, knobs: Knobs) -> Talks:
        return generate.draw(rng, knobs)

    def world(self, scenario: Talks) -> World:
        return world.Table(scenario)

    def sessions(self, scenario: Talks) -> Sequence[Sequence[str]]:
        return (scenario.seats,)

    def offered(self, scenario: Talks) -> Sequence[str]:
        extra = world.BUS if scenario.case == "pact" else world.OFFICE
        return (*world.ALWAYS, *extra, *world.FORBIDDEN)

    def forbidden(self, scenario: Talks) -> Sequence[str]:  # noqa: ARG002
        return world.FORBIDDEN

    def instruction(self, scenario: Talks, lang: Lang, wording: int) -> str:
        return self.instruction_at(scenario, scenario.seats[0], lang, wording)

    def instruction_at(self, scenario: Talks, seat: str, lang: Lang, wording: int) -> str:
        return _instruction_at(scenario, seat, lang, wording)

    def answer_values(self, scenario: Talks, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        said = Text("agreement_status 在签齐后给出的 agreement_token", "agreement_status shows it")
        return {"agreement_token": said.in_lang(lang)}

    def right_end(self, scenario: Talks) -> End:
        answer = protocol.right_answer(scenario)
        return End(answer.status, None, answer.values)

    def oracle(self, scenario: Talks, act: Act) -> Answer:
        return protocol.solve(scenario, act)

    def overstep(self, scenario: Talks, act: Act) -> None:
        act.of(scenario.seats[0])("peek_brief", party=scenario.parties[-1].id)

    def goal(self, scenario: Talks, final: State) -> Iterable[Finding]:
        return checks.unmet(scenario, final)

    def may_change(self, scenario: Talks) -> Sequence[str]:  # noqa: ARG002
        return checks.MAY_CHANGE

    def conduct(self, scenario: Talks, calls: Sequence[Call]) -> Iterable[Finding]:
        return checks.broken_rules(scenario, calls)


_instruction_at = wording.instruction_at
FAMILY = Negotiation()
