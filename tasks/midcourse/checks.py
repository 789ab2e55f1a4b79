"""What must hold: the plan right as of the end, what is obsolete undone in time, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.authoring import Finding, ToolError

from .conditions import fits
from .world import BookingDesk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.authoring import Call, State, Step

    from .scenario import Scenario

REQUIREMENTS = {
    "goal.fit": "each order that still stands is booked, whole, on a departure that fits it",
    "goal.cost": "each order that still stands is on the cheapest departure that fits it",
    "goal.pickup": "each order that still stands has its pickup on the day of its departure",
    "goal.rolled_back": "nothing is left that was right before a notice and is not right after it",
    "goal.closed": "the plan is closed as it stands, after the last notice",
    "conduct.reaction": "what a genuine notice makes obsolete is undone within the calls allowed",
    "conduct.overreaction": "no booking and no pickup is undone that is right as things stand",
    "conduct.budget": "no more changing calls than allowed",
}


def goal(scenario: Scenario, final: State) -> Iterator[Finding]:
    """Yield what the final state lacks."""
    last, bookings, pickups = scenario.standings[-1], final["bookings"], final["pickups"]
    for order, right in scenario.last_plan.items():
        booking = bookings.get(order)
        departure = last.departures.get(booking["departure"]) if booking else None
        wanted = last.orders[order]
        if (
            departure is None
            or booking["tonnes"] != wanted.tonnes
            or not fits(wanted, departure, last.bans)
        ):
            yield Finding("goal.fit", f"{order} is not on a departure that fits: {booking}")
        elif departure.id != right.departure:
            yield Finding(
                "goal.cost", f"{order} is on {departure.id}, {right.departure} is cheaper"
            )
        day = departure.day if departure is not None else right.day
        if pickups.get(order) != day:
            yield Finding("goal.pickup", f"pickup of {order}: {pickups.get(order)}, not {day}")
    yield from _left_over(scenario, bookings, pickups)
    if not final["closed"] or final["delivered"] < len(scenario.deliveries):
        yield Finding("goal.closed", "the plan is not closed as it stands at the end")


def _left_over(
    scenario: Scenario, bookings: Mapping[str, Any], pickups: Mapping[str, int]
) -> Iterator[Finding]:
    for order in sorted(scenario.own):
        right = scenario.last_plan.get(order)
        earlier = [plan[order] for plan in scenario.plans if order in plan and plan[order] != right]
        booking = bookings.get(order)
        held = (booking["departure"], booking["tonnes"]) if booking else None
        if held in [(old.departure, old.tonnes) for old in earlier]:
            yield Finding("goal.rolled_back", f"{order} still has an obsolete booking")
        day = right.day if right is not None else None
        if pickups.get(order) in {old.day for old in earlier} - {day}:
            yield Finding("goal.rolled_back", f"{order} still has an obsolete pickup")


def may_change(scenario: Scenario) -> tuple[str, ...]:
    """Return the pointers of the plan's own orders, and of how far things are."""
    own = sorted(scenario.own)
    return (
        *(f"/{part}/{order}" for part in ("bookings", "pickups") for order in own),
        "/delivered",
        "/placed",
        "/closed",
    )


_CHANGING = {spec.name for spec in BookingDesk.tool_specs().values() if spec.effect == "write"}


class Moment(NamedTuple):
    """How things are before a call and after it."""

    place: int
    before: State
    after: State


def moments(scenario: Scenario, calls: Sequence[Call | Step]) -> Iterator[Moment]:
    """Replay the calls that change something."""
    desk = BookingDesk(scenario)
    for place, call in enumerate(calls):
        if getattr(call, "error", None) is not None or call.name not in _CHANGING:
            continue
        before = _copied(desk.state)
        try:
            getattr(desk, call.name)(**call.arguments)
        except (ToolError, TypeError):
            continue
        yield Moment(place, before, desk.state)


def _copied(state: State) -> State:
    """Copy what ``conduct`` reads of a state; the desk never changes a booking's row."""
    parts = {part: dict(state[part]) for part in ("bookings", "pickups")}
    return {**parts, "delivered": state["delivered"]}


class _Held(NamedTuple):
    """An obsolete booking (its row) or pickup (its day), and the last call to undo it."""

    part: str
    order: str
    value: Any
    last: int


def conduct(scenario: Scenario, calls: Sequence[Call]) -> Iterator[Finding]:
    """Yield the broken rules about the calls."""
    changes = 0
    obsolete: list[_Held] = []
    for moment in moments(scenario, calls):
        changes += 1
        for held in obsolete:
            if moment.place > held.last:
                yield _late(scenario, held)
        obsolete = [held for held in obsolete if moment.place <= held.last]
        yield from _needless(scenario, moment)
        obsolete = [h for h in obsolete if moment.after[h.part].get(h.order) == h.value]
        obsolete += _made_obsolete(scenario, moment)
    for held in obsolete:
        if len(calls) - 1 > held.last:
            yield _late(scenario, held)
    if changes > scenario.budget:
        yield Finding("conduct.budget", f"{changes} changing calls, {scenario.budget} are allowed")


def _late(scenario: Scenario, held: _Held) -> Finding:
    return Finding(
        "conduct.reaction",
        f"{held.part} of {held.order} not undone within {scenario.lead} calls",
    )


def _needless(scenario: Scenario, moment: Moment) -> Iterator[Finding]:
    """Yield what a call undid though it was right when the call was made."""
    before, after = moment.before, moment.after
    for order, right in scenario.plans[before["delivered"]].items():
        booking = {"departure": right.departure, "tonnes": right.tonnes}
        for part, value in (("bookings", booking), ("pickups", right.day)):
            if before[part].get(order) == value and order not in after[part]:
                yield Finding("conduct.overreaction", f"{part} of {order} undone, but right")


def _made_obsolete(scenario: Scenario, moment: Moment) -> Iterator[_Held]:
    """Yield what the notices that came with a call made obsolete."""
    was, now = moment.before["delivered"], moment.after["delivered"]
    last = moment.place + scenario.lead
    for order, old in scenario.plans[was].items():
        new = scenario.plans[now].get(order)
        if new == old:
            continue
        booking = {"departure": old.departure, "tonnes": old.tonnes}
        if moment.after["bookings"].get(order) == booking:
            yield _Held("bookings", order, booking, last)
        day = moment.after["pickups"].get(order)
        if day == old.day and (new is None or new.day != day):
            yield _Held("pickups", order, day, last)
