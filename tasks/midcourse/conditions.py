"""How things stand: orders, departures and bans, what a notice changes, and the plan that is right.

An order goes whole on the cheapest departure that fits. Rates differ, so there is one right plan.
"""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple


class Order(NamedTuple):
    """What a customer sends."""

    id: str
    goods: str
    to: str
    tonnes: int
    due: int  # the last day on which it may leave


class Departure(NamedTuple):
    """One departure of a carrier."""

    id: str
    to: str
    day: int
    carrier: str
    rate: int  # for a tonne
    room: int  # in tonnes, beside what other teams have booked


class Right(NamedTuple):
    """Where an order belongs, and the day of its pickup."""

    departure: str
    tonnes: int
    day: int


class Standing(NamedTuple):
    """What holds at a time: withdrawn orders and cancelled departures are not in it."""

    orders: dict[str, Order]
    departures: dict[str, Departure]
    bans: frozenset[tuple[str, str]]


class Change(NamedTuple):
    """What a notice says; ``kind`` is one of those in ``SAYS``."""

    kind: str
    name: str  # a departure, an order, or goods
    value: int | str


SAYS = {
    "rate": "The rate of {name} is {value} per tonne from now on, also for bookings already made.",
    "cancelled": "Departure {name} is cancelled.",
    "ban": "From now on no {name} may go by {value}; this holds for bookings already made too.",
    "withdrawn": "The customer has withdrawn order {name}.",
    "due": "Order {name} must now leave on day {value} at the latest.",
    "more": "Order {name} grows by {value} tonnes.",
    "to": "Order {name} now goes to {value} instead.",
}


def says(change: Change) -> str:
    """Return the text of a notice."""
    return SAYS[change.kind].format(name=change.name, value=change.value)


_rate = attrgetter("rate")


def fits(order: Order, departure: Departure, bans: frozenset[tuple[str, str]]) -> bool:
    """Say whether a departure can take an order."""
    return (
        departure.to == order.to
        and departure.day <= order.due
        and departure.room >= order.tonnes
        and (order.goods, departure.carrier) not in bans
    )


def fitting(standing: Standing, order: Order) -> list[Departure]:
    """Return the departures that fit an order, the cheapest first."""
    found = [d for d in standing.departures.values() if fits(order, d, standing.bans)]
    return sorted(found, key=_rate)


def right_plan(standing: Standing) -> dict[str, Right]:
    """Return where each order belongs; orders that nothing fits are not in it."""
    plan = {}
    by_rate = sorted(standing.departures.values(), key=_rate)
    for order in standing.orders.values():
        for departure in by_rate:
            if departure.to == order.to and fits(order, departure, standing.bans):
                plan[order.id] = Right(departure.id, order.tonnes, departure.day)
                break
    return plan


def first_plan(standing: Standing) -> dict[str, Right]:
    """Return the first departures that fit: what comes of not looking at the price."""
    plan = {}
    for order in standing.orders.values():
        for departure in standing.departures.values():
            if fits(order, departure, standing.bans):
                plan[order.id] = Right(departure.id, order.tonnes, departure.day)
                break
    return plan


def cheapest_plan(standing: Standing) -> dict[str, Right]:
    """Return the cheapest departures to the right place: what comes of not looking further."""
    plan = {}
    for order in standing.orders.values():
        there = [d for d in standing.departures.values() if d.to == order.to]
        if there:
            best = min(there, key=_rate)
            plan[order.id] = Right(best.id, order.tonnes, best.day)
    return plan


def changed(standing: Standing, change: Change) -> Standing:
    """Return how things stand after a change; one about what is gone changes nothing."""
    orders, departures, bans = standing
    kind, name, value = change
    if kind == "ban":
        return standing._replace(bans=bans | {(name, str(value))})
    if kind in ("rate", "cancelled"):
        if name not in departures:
            return standing
        others = {key: departure for key, departure in departures.items() if key != name}
        if kind == "rate":
            others[name] = departures[name]._replace(rate=int(value))
        return standing._replace(departures=others)
    if name not in orders:
        return standing
    if kind == "withdrawn":
        return standing._replace(orders={k: order for k, order in orders.items() if k != name})
    order = orders[name]
    if kind == "due":
        order = order._replace(due=int(value))
    elif kind == "more":
        order = order._replace(tonnes=order.tonnes + int(value))
    else:
        order = order._replace(to=str(value))
    return standing._replace(orders={**orders, name: order})
