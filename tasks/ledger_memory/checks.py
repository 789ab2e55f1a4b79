"""What the final order book lacks, and what the calls gave away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.authoring import Finding

from .scenario import order, seat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.authoring import Call, State

    from .scenario import Scenario

REQUIREMENTS = {
    "goal.ordered": "every item asked for whose terms are all agreed is ordered",
    "goal.once": "no item is ordered twice",
    "goal.latest": "each order is on the terms that were agreed last",
    "goal.quantity": "each order is of the quantity asked for",
    "goal.gap": "each term that is needed and not agreed is reported",
    "goal.closed": "the book is closed where nothing is open",
    "conduct.forgotten": "what was to be forgotten is in no call",
}


def goal(scenario: Scenario, final: State) -> Iterator[Finding]:
    """Yield what the order book lacks."""
    for wanted in scenario.due:
        found: list[dict[str, Any]] = final["orders"][wanted.item]
        if not found:
            yield Finding("goal.ordered", f"{wanted.item} is not ordered")
        if len(found) > 1:
            yield Finding("goal.once", f"{wanted.item} is ordered {len(found)} times")
        for placed in found:
            yield from _wrong(placed, order(scenario.standing, wanted), wanted.item)
    for item, term in scenario.gaps:
        if term not in final["gaps"][item]:
            yield Finding("goal.gap", f"the missing {term} of {item} is not reported")
    if not scenario.gaps and not final["closed"]:
        yield Finding("goal.closed", "the book is not closed")


def _wrong(placed: dict[str, Any], right: dict[str, Any], item: str) -> Iterator[Finding]:
    for name, value in right.items():
        if placed[name] != value:
            requirement = "goal.quantity" if name == "quantity" else "goal.latest"
            yield Finding(requirement, f"{item}: {name} {placed[name]}, not {value}")


def may_change(scenario: Scenario) -> list[str]:
    """Return the pointers of what the work changes; an open item's orders are none of it."""
    orders = [f"/orders/{wanted.item}" for wanted in scenario.due]
    return orders + ([f"/gaps/{item}/{term}" for item, term in scenario.gaps] or ["/closed"])


def conduct(scenario: Scenario, calls: Sequence[Call]) -> Iterator[Finding]:
    """Yield the calls that carry a value which was to be forgotten by then."""
    if not scenario.forgotten:
        return
    sessions = {seat(session): session for session in range(1, scenario.sessions + 1)}
    for number, call in enumerate(calls, 1):
        now = sessions.get(call.seat, 1)
        told = json.dumps(call.arguments, ensure_ascii=False).casefold()
        for since, value in scenario.forgotten:
            if now >= since and value.casefold() in told:
                yield Finding("conduct.forgotten", f"call {number} carries {value}")
