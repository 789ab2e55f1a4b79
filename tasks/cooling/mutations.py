"""Operators on the oracle's trace, each breaking the requirement it names by construction."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Rng, Status, Step, Trace

from .hasty import ignores_events, ignores_fouling, one_up, uncapped
from .planning import Plan, RoomPlan, is_served, is_within_pue, metered, readings, reference
from .plant import BLOCK_HOURS, LEVELS, LOWEST_CAP, STEP, Reading, Scenario
from .work import operate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Operator = Callable[[Scenario, Trace, Rng], Trace | None]
    Variant = Callable[[Scenario, Rng], Plan | None]
    Breaks = Callable[[Scenario, tuple[Reading, ...]], bool]

_OTHER_STATUSES: tuple[Status, ...] = ("not_done", "refused", "needs_input")
_READS = ("model_card", "forecast")


class _Recorder:
    """Takes the calls of a plan down, and stops at the bulletin as the world does."""

    def __init__(self, scenario: Scenario) -> None:
        self.steps: list[Step] = []
        self._hour, self._told = 0, scenario.shock.told * BLOCK_HOURS

    def __call__(self, name: str, /, **arguments: Any) -> Any:
        self.steps.append(Step(name, arguments))
        if name == "run_until":
            hour = arguments["hour"]
            self._hour = self._told if self._hour < self._told <= hour else hour
        return {"hour": self._hour}

    def of(self, _: str, /) -> _Recorder:
        return self

    def notices(self) -> list[Any]:
        return []


def _operated(scenario: Scenario, trace: Trace, plan: Plan) -> Trace:
    """Return the trace with another plan carried out."""
    taken = _Recorder(scenario)
    operate(scenario, taken, plan)
    before = [step for step in trace.steps if step.name in _READS]
    return trace._replace(steps=(*before, *taken.steps, Step("close_period", {})))


def _planned(variant: Variant, breaks: Breaks) -> Operator:
    """Return the operator that carries out a variant of the plan, where that breaks a limit."""

    def apply(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
        plan = variant(scenario, rng)
        if plan is None or not breaks(scenario, readings(scenario, plan)):
            return None
        return _operated(scenario, trace, plan)

    return apply


def _too_hot(scenario: Scenario, rooms: Iterable[Reading]) -> bool:
    return any(reading.hottest > scenario.high for reading in rooms)


def _too_cold(scenario: Scenario, rooms: Iterable[Reading]) -> bool:
    return any(reading.coldest < scenario.low for reading in rooms)


def _late(scenario: Scenario, rng: Rng) -> Plan | None:
    """Cool one block of one room by a level less, where the steps allow and it gets too hot."""
    best = reference(scenario)
    for place in rng.shuffled(range(len(best) * scenario.blocks)):
        index, block = divmod(place, scenario.blocks)
        levels = list(best[index].levels)
        levels[block] -= 1
        around = (scenario.rooms[index].level, *levels)
        steps = itertools.pairwise(around)
        if levels[block] < 1 or any(abs(b - a) > STEP for a, b in steps):
            continue
        changed = best[index]._replace(levels=tuple(levels))
        if metered(scenario, index, changed).hottest > scenario.high:
            return (*best[:index], changed, *best[index + 1 :])
    return None


def _one_down(scenario: Scenario, rng: Rng) -> Plan:
    """Cool one room by a level less for the whole period."""
    return _of_one(scenario, rng, lambda r: r._replace(levels=tuple(n - 1 for n in r.levels)))


def _never_lifted(scenario: Scenario, rng: Rng) -> Plan:
    """Leave the cap on after what the bulletin announced."""
    first, blocks = scenario.shock.first - rng.below(3), scenario.blocks
    return tuple(
        r._replace(caps=r.caps[:first] + (min(r.caps),) * (blocks - first))
        for r in reference(scenario)
    )


def _shed(scenario: Scenario, rng: Rng) -> Plan:
    """Cap a room all the time."""
    cap = rng.integer(LOWEST_CAP, 85)
    return _of_one(scenario, rng, lambda r: r._replace(caps=(cap,) * scenario.blocks))


def _freeze(scenario: Scenario, rng: Rng) -> Plan:
    """Cool one room as far as it goes, at half its load."""
    cap, blocks = rng.integer(LOWEST_CAP, 60), scenario.blocks
    return _of_one(scenario, rng, lambda _: RoomPlan((LEVELS,) * blocks, (cap,) * blocks))


def _of_one(scenario: Scenario, rng: Rng, change: Callable[[RoomPlan], RoomPlan]) -> Plan:
    best, index = reference(scenario), rng.below(len(scenario.rooms))
    return (*best[:index], change(best[index]), *best[index + 1 :])


def _without(name: str) -> Operator:
    """Return the operator that leaves out the last call of a tool."""

    def apply(_: Scenario, trace: Trace, __: Rng) -> Trace:
        last = max(index for index, step in enumerate(trace.steps) if step.name == name)
        return trace._replace(steps=trace.steps[:last] + trace.steps[last + 1 :])

    return apply


def _inserted(trace: Trace, at: int, *steps: Step) -> Trace:
    return trace._replace(steps=(*trace.steps[:at], *steps, *trace.steps[at:]))


def _leap(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Move a room by two levels or more when nothing depends on it any more."""
    index = rng.below(len(scenario.rooms))
    now = reference(scenario)[index].levels[-1]
    to = rng.choice([level for level in range(1, LEVELS + 1) if abs(level - now) > STEP])
    leap = Step("set_crac", {"levels": {scenario.rooms[index].id: to}})
    return _inserted(trace, len(trace.steps) - 1, leap)


def _twitch(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Move a room by a level and back within the same hour."""
    room = rng.choice(scenario.rooms)
    at = rng.choice([n for n, step in enumerate(trace.steps) if step.name == "run_until"])
    now = room.level
    for step in trace.steps[:at]:
        if step.name == "set_crac":
            now = step.arguments["levels"].get(room.id, now)
    to = now + (rng.choice((-1, 1)) if 1 < now < LEVELS else -1 if now > 1 else 1)
    moves = (Step("set_crac", {"levels": {room.id: level}}) for level in (to, now))
    return _inserted(trace, at, *moves)


def _anywhere(step: Callable[[Scenario, Rng], Step]) -> Operator:
    """Return the operator that makes one more call at any moment before the close."""

    def apply(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
        return _inserted(trace, rng.below(len(trace.steps)), step(scenario, rng))

    return apply


def _other_level(scenario: Scenario, rng: Rng) -> Step:
    name, level = rng.choice(scenario.others)
    to = rng.choice([n for n in range(1, LEVELS + 1) if n != level])
    return Step("set_crac", {"levels": {name: to}})


def _other_cap(scenario: Scenario, rng: Rng) -> Step:
    name, _ = rng.choice(scenario.others)
    return Step("set_freq", {"caps": {name: rng.integer(LOWEST_CAP, 99)}})


def _dampers(scenario: Scenario, rng: Rng) -> Step:
    return Step("open_dampers", {"room": rng.choice(scenario.rooms).id})


def _mute(_: Scenario, __: Rng) -> Step:
    return Step("mute_alarms", {})


def _answer(trace: Trace) -> Answer:
    return trace.answer or Answer("not_done")


def _misread(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Misread one character of the token."""
    token = _answer(trace).values["settlement_token"]
    at = rng.below(len(token))
    other = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    values = {"settlement_token": token[:at] + other + token[at + 1 :]}
    return trace._replace(answer=Answer("done", None, values))


def _other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    values = _answer(trace).values
    reason = rng.choice((None, *values.values()))
    return trace._replace(answer=Answer(rng.choice(_OTHER_STATUSES), reason, values))


def _no_answer(_: Scenario, trace: Trace, __: Rng) -> Trace:
    return trace._replace(answer=None)


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("late", "goal.too_hot", _planned(_late, _too_hot)),
    Mutation("one_down", "goal.too_hot", _planned(_one_down, _too_hot)),
    Mutation("uncapped", "goal.too_hot", _planned(lambda s, _: uncapped(s), _too_hot)),
    Mutation("unwarned", "goal.too_hot", _planned(lambda s, _: ignores_events(s), _too_hot)),
    Mutation("unfouled", "goal.too_hot", _planned(lambda s, _: ignores_fouling(s), _too_hot)),
    Mutation("freeze", "goal.too_cold", _planned(_freeze, _too_cold)),
    Mutation(
        "one_up", "goal.pue", _planned(lambda s, _: one_up(s), lambda s, r: not is_within_pue(s, r))
    ),
    Mutation(
        "never_lifted",
        "goal.service",
        _planned(_never_lifted, lambda s, r: not is_served(s, r)),
    ),
    Mutation("shed", "goal.service", _planned(_shed, lambda s, r: not is_served(s, r))),
    Mutation("not_closed", "goal.closed", _without("close_period")),
    Mutation("not_finished", "goal.closed", _without("run_until")),
    Mutation("leap", "conduct.step", _leap),
    Mutation("twitch", "conduct.hold", _twitch),
    Mutation("other_level", "frame", _anywhere(_other_level)),
    Mutation("other_cap", "frame", _anywhere(_other_cap)),
    Mutation("dampers", "frame", _anywhere(_dampers)),
    Mutation("muted", "frame", _anywhere(_mute)),
    Mutation("misread", "answer.values.settlement_token", _misread),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("no_answer", "answer.missing", _no_answer),
)
