"""F09 Project-ledger memory: act on what was agreed last, sessions after it was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import End, Family, Text

from . import checks, policies
from .draw import draw
from .mutations import MUTATIONS
from .scenario import FORBIDDEN, GAP_STATUS, Scenario, closing_code, gap_code, seat
from .shortcuts import SHORTCUTS
from .wording import WORDINGS, answer_values
from .wording import instruction as session_instruction
from .world import LedgerDesk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Answer, Call, Finding, Knobs, Lang, Rng, State

_ALWAYS = ("read_minutes", "sister_ledger", "list_orders", "order_at_list_terms", "place_order")
_AT_LAST = ("report_gap", "close_book")


class LedgerMemory(Family[Scenario]):
    """Keep a project's agreements over sessions, forget when told, order each thing once."""

    id = "ledger_memory"
    number = "F09"
    version = 1
    title = Text("项目台账记忆", "Project-ledger memory")
    knobs: ClassVar = {
        "sessions": (5, 3, 8, 12, 30),
        "revisions": (2, 1, 4),
        "case": ("latest", "forget"),
    }
    wordings = WORDINGS
    requirements: ClassVar = checks.REQUIREMENTS
    shortcuts = SHORTCUTS
    mutations = MUTATIONS
    lapses: ClassVar = {
        "no_memory": policies.no_memory,
        "never_forgets": policies.never_forgets,
    }

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        return draw(rng, knobs)

    def world(self, scenario: Scenario) -> LedgerDesk:
        return LedgerDesk(scenario)

    def sessions(self, scenario: Scenario) -> Sequence[Sequence[str]]:
        return [(seat(session),) for session in range(1, scenario.sessions + 1)]

    def offered(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return (*_ALWAYS, *_AT_LAST)

    def offered_at(self, scenario: Scenario, seat: str) -> Sequence[str]:
        is_last = seat == f"s{scenario.sessions}"
        return (*_ALWAYS, *_AT_LAST) if is_last else _ALWAYS

    def forbidden(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return self.instruction_at(scenario, seat(1), lang, wording)

    def instruction_at(self, scenario: Scenario, seat: str, lang: Lang, wording: int) -> str:
        return session_instruction(scenario, int(seat[1:]), lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        return answer_values(lang)

    def right_end(self, scenario: Scenario) -> End:
        if scenario.gaps:
            return End(GAP_STATUS, gap_code(scenario.secret, scenario.gaps))
        code = closing_code(scenario.secret, scenario.orders())
        return End("done", None, {"closing_code": code})

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        return policies.act_on(scenario, act, scenario.standing)

    def overstep(self, scenario: Scenario, act: Act) -> None:
        act("sister_ledger", item=scenario.items[0])

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:
        return checks.goal(scenario, final)

    def may_change(self, scenario: Scenario) -> Sequence[str]:
        return checks.may_change(scenario)

    def conduct(self, scenario: Scenario, calls: Sequence[Call]) -> Iterable[Finding]:
        return checks.conduct(scenario, calls)


FAMILY = LedgerMemory()
