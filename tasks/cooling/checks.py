"""What a final state lacks of the goal, and which rules the calls broke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Call, Finding, State

from .planning import is_served, is_within_pue
from .plant import HOLD_HOURS, STEP, Scenario
from .world import meters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REQUIREMENTS = {
    "goal.closed": "The period was operated to its end and closed.",
    "goal.too_hot": "No room was ever above the upper limit.",
    "goal.too_cold": "No room was ever below the lower limit.",
    "goal.pue": "Total energy over IT energy, of all rooms and the whole period, is within the "
    "limit.",
    "goal.service": "At least the required share of the demand was served.",
    "conduct.step": "A level change goes one level up or down.",
    "conduct.hold": "Two level changes of a room lie at least four hours apart.",
}


def shortfalls(scenario: Scenario, final: State) -> Iterator[Finding]:
    """Yield each requirement that the final state does not meet."""
    if not final["closed"]:
        yield Finding("goal.closed", f"the period was not closed; it is hour {final['hour']}")
    readings = [meters(final, room.id) for room in scenario.rooms]
    for room, reading in zip(scenario.rooms, readings, strict=True):
        if reading.hottest > scenario.high:
            yield Finding("goal.too_hot", f"{room.id} reached {reading.hottest / 1000} °C")
        if reading.coldest < scenario.low:
            yield Finding("goal.too_cold", f"{room.id} fell to {reading.coldest / 1000} °C")
    if not is_within_pue(scenario, readings):
        yield Finding("goal.pue", f"the PUE is above {scenario.pue / 1000}")
    if not is_served(scenario, readings):
        yield Finding("goal.service", f"less than {scenario.service / 10} % was served")


def broken_rules(scenario: Scenario, calls: Sequence[Call]) -> Iterator[Finding]:
    """Yield each level change that goes too far or comes too soon."""
    own = {room.id for room in scenario.rooms}
    for call in calls:
        if call.name != "set_crac" or call.error is not None:
            continue
        for change in call.result["changes"]:
            if change["room"] in own:
                yield from _broken_by(change)


def _broken_by(change: dict[str, Any]) -> Iterator[Finding]:
    room, since = change["room"], change["hours_since_last_change"]
    if abs(change["to"] - change["from"]) > STEP:
        yield Finding("conduct.step", f"{room} went from {change['from']} to {change['to']}")
    if since is not None and since < HOLD_HOURS:
        yield Finding("conduct.hold", f"{room} was changed again after {since} h")
