"""The services as a function of the state: readings, who fails and why, and the tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.authoring import Rng, mint

from .catalogue import draw_approved, draw_items, draw_reading, is_fault
from .profile import opening_room, safe_room

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.authoring import State

    from .catalogue import Look
    from .scenario import Atom, Scenario

_LOOKS: tuple[Look, ...] = ("normal", "normal", "near")


class Cell(NamedTuple):
    """A service's items of one kind: what they read at first, what they are approved to be."""

    readings: dict[str, Any]
    approved: dict[str, Any]


def cell(scenario: Scenario, service: str, kind: str) -> Cell:
    """Return the items of a service and kind; they are drawn when first asked for."""
    known = scenario.cells.get((service, kind))
    if known is None:
        known = scenario.cells[service, kind] = _draw_cell(scenario, service, kind)
    return known


def _draw_cell(scenario: Scenario, service: str, kind: str) -> Cell:
    # Items and what they are approved to be must not depend on where the fault is.
    rng = Rng.of("readings", scenario.salt, service, kind)
    approved = {item: draw_approved(rng, kind) for item in draw_items(rng, kind)}
    limit, place = scenario.limit[kind], scenario.places.get((service, kind))
    readings = {}
    for at, (item, right) in enumerate(approved.items()):
        look: Look = "fault" if at == place else rng.choice(_LOOKS)
        readings[item] = draw_reading(rng, kind, limit, right, look)
    return Cell(readings, approved)


def opening(scenario: Scenario) -> State:
    """Return the initial state: of the readings it holds those that were changed, none yet."""
    state: State = {"changed": {}, "repairs": {}, "restarts": {}}
    if scenario.case == "profile":
        state["settings"] = {name: dict(row) for name, row in scenario.settings.items()}
        state["room"] = opening_room(scenario.profile)
    return state


def key(service: str, kind: str, item: str) -> str:
    """Return the name of an item in the state."""
    return f"{service}:{kind}:{item}"


def readings(scenario: Scenario, state: State, service: str, kind: str) -> dict[str, Any]:
    """Return what the items of a service and kind read now."""
    return {
        item: state["changed"].get(key(service, kind, item), reading)
        for item, reading in cell(scenario, service, kind).readings.items()
    }


def faulty_item(scenario: Scenario, atom: Atom) -> str:
    """Return the item of a fault."""
    return list(cell(scenario, atom.service, atom.kind).readings)[atom.place]


def faulty(scenario: Scenario, state: State, service: str, kind: str) -> list[str]:
    """Return the items of a service that are faults of a kind now."""
    approved = cell(scenario, service, kind).approved
    now = readings(scenario, state, service, kind)
    return [
        item
        for item, reading in now.items()
        if is_fault(kind, reading, scenario.limit[kind], approved[item])
    ]


def own_fault(scenario: Scenario, state: State, service: str) -> str | None:
    """Return a kind of fault that a service has itself, or None."""
    changed = {name.split(":")[1] for name in state["changed"] if name.startswith(f"{service}:")}
    suspects = (
        kind for kind in scenario.kinds if kind in changed or scenario.is_struck(service, kind)
    )
    return next((kind for kind in suspects if faulty(scenario, state, service, kind)), None)


def failing(scenario: Scenario, state: State) -> dict[str, tuple[str, ...]]:
    """Return the services that fail, each with those it waits for; none: the fault is its own."""
    found: dict[str, tuple[str, ...] | None] = {}

    def look(service: str) -> bool:
        if service not in found:
            waits = tuple([other for other in scenario.need[service] if look(other)])
            fails = waits or own_fault(scenario, state, service)
            found[service] = waits if fails else None
        return found[service] is not None

    for service in scenario.services:
        look(service)
    return {name: waits for name in scenario.services if (waits := found[name]) is not None}


def finding(scenario: Scenario, service: str, kind: str, items: Any) -> str:
    """Return the id of what a check found: the faulty items, or ``withheld``."""
    return mint(scenario.secret, "finding", service, kind, items)


def proof(scenario: Scenario, atom: Atom) -> str:
    """Return the finding that proves a fault."""
    return finding(scenario, atom.service, atom.kind, [faulty_item(scenario, atom)])


def gap_code(scenario: Scenario, service: str) -> str:
    """Return the code of evidence that is withheld at a service."""
    return mint(scenario.secret, "gap", service)


def probe_id(scenario: Scenario, service: str, *, is_up: bool) -> str:
    """Return the id of a probe by its outcome."""
    return mint(scenario.secret, "probe", service, is_up)


def safe_code(scenario: Scenario, room: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what confirming the safe state gives: another code for every other state."""
    return mint(scenario.secret, "safe", dict(room), dict(now))


def right_safe_code(scenario: Scenario) -> str:
    """Return the code of the safe state with the half-done change undone exactly."""
    return safe_code(scenario, safe_room(scenario.profile), scenario.settings)
