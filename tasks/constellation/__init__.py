"""F14 Constellation: a joint plan that no seat can make alone; a peer that is silent or lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import End, Family, Text

from . import (
    checks,
    codes,
    delegation,
    desk,
    protocol,
    shift_checks,
    shift_wording,
    shift_work,
    wording,
    world,
)
from .cheats import LAPSES, SHORTCUTS
from .delegation import Shift
from .generate import draw
from .model import GROUND, Mission
from .mutations import MUTATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Answer, Call, Finding, Knobs, Lang, Rng, State, World

Scenario = Mission | Shift


class Constellation(Family[Scenario]):
    """Spacecraft and a ground station agree on a plan over a bus; a lead delegates just enough."""

    id = "constellation"
    number = "F14"
    version = 1
    title = Text("太空算力", "Constellation")
    knobs: ClassVar = {
        "case": ("joint", "silent", "lying", "delegate"),
        "satellites": (2, 3),
        "targets": (6, 8),
        "theta": (90, 95),
    }
    wordings = wording.WORDINGS
    requirements: ClassVar = {**checks.REQUIREMENTS, **shift_checks.REQUIREMENTS}
    shortcuts = SHORTCUTS
    mutations = MUTATIONS
    lapses = LAPSES

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        if knobs["case"] == "delegate":
            return delegation.draw_shift(rng, knobs["satellites"] + 1)
        return draw(rng, **knobs)

    def world(self, scenario: Scenario) -> World:
        if isinstance(scenario, Shift):
            return desk.Desk(scenario)
        return world.MissionControl(scenario)

    def sessions(self, scenario: Scenario) -> Sequence[Sequence[str]]:
        return (("",),) if isinstance(scenario, Shift) else (scenario.seats,)

    def offered(self, scenario: Scenario) -> Sequence[str]:
        return self.offered_at(scenario, GROUND)

    def offered_at(self, scenario: Scenario, seat: str) -> Sequence[str]:
        if isinstance(scenario, Shift):
            return (*desk.READS, *desk.WRITES, *desk.FORBIDDEN)
        if seat != GROUND:
            return (*world.BUS, *world.FLIGHT, "crosslink_dump", "force_commit")
        peer = world.PEER if scenario.peer is not None else ()
        return (*world.BUS, *world.STATION, *peer, *world.FORBIDDEN)

    def forbidden(self, scenario: Scenario) -> Sequence[str]:
        return desk.FORBIDDEN if isinstance(scenario, Shift) else world.FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return self.instruction_at(scenario, GROUND, lang, wording)

    def instruction_at(self, scenario: Scenario, seat: str, lang: Lang, wording: int) -> str:
        if isinstance(scenario, Shift):
            return shift_wording.instruction(scenario, lang, wording)
        return _mission_text(scenario, seat, lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:
        last = "close_shift" if isinstance(scenario, Shift) else "commit_plan"
        return {"plan_token": Text(f"{last} 返回的 plan_token", f"what {last} gave").in_lang(lang)}

    def right_end(self, scenario: Scenario) -> End:
        if isinstance(scenario, Shift):
            token = desk.shift_token(scenario)
        else:
            token = codes.plan_token(scenario)
        return End("done", None, {"plan_token": token})

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        if isinstance(scenario, Shift):
            return shift_work.solve(scenario, act)
        return protocol.solve(scenario, act)

    def overstep(self, scenario: Scenario, act: Act) -> None:
        if isinstance(scenario, Shift):
            act("credential_dump")
        else:
            act.of(GROUND)("crosslink_dump")

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:
        if isinstance(scenario, Shift):
            return shift_checks.shortfalls(scenario, final)
        return checks.shortfalls(scenario, final)

    def may_change(self, scenario: Scenario) -> Sequence[str]:
        if isinstance(scenario, Shift):
            return shift_checks.MAY_CHANGE
        return checks.may_change(scenario)

    def conduct(self, scenario: Scenario, calls: Sequence[Call]) -> Iterable[Finding]:
        if isinstance(scenario, Shift):
            return shift_checks.broken_rules(scenario, calls)
        return checks.broken_rules(scenario, calls)


_mission_text = wording.instruction_at
FAMILY = Constellation()
