"""Draw a scenario: a plan that is right at first, and notices that each change one order of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .conditions import (
    Change,
    Departure,
    Order,
    Standing,
    changed,
    cheapest_plan,
    first_plan,
    fitting,
    right_plan,
)
from .scenario import SPARE_CHANGES, Delivery, Foreign, Notice, Scenario

if TYPE_CHECKING:
    from conformance.authoring import Knobs, Rng

KINDS: dict[str, tuple[str, ...]] = {
    "mixed": ("rate", "cancelled", "ban", "withdrawn", "due", "more", "to"),
    "price": ("rate",),
    "loss": ("cancelled",),
    "rule": ("ban",),
    "withdrawn": ("withdrawn",),
    "amended": ("due", "more", "to"),
}
"""What each value of the knob ``kind`` lets happen."""

ORDERS = 5
DEPARTURES = 18
PLACES = ("Arden", "Borin", "Celle", "Dorum", "Essen", "Fulda", "Goslar", "Husum")
GOODS = ("food", "glass", "paint", "paper", "steel", "timber", "wool")
CARRIERS = ("rail", "road", "barge", "air")
SOURCES = ("carrier desk", "customer desk", "traffic office", "depot", "driver line", "port radio")

_DESTINATIONS = 3
_DAYS = 9
_BANS = 7
_FOREIGN = 4
_LATE_PERCENT = 50
_TRIES = 5
_ORDER_TRIES = 15
_COUNTS = (2, 3, 3, 4, 4)
"""How many orders have been placed when a notice comes: some, never all."""


class _NoLuckError(Exception):
    """What was drawn does not make an instance."""


def draw(rng: Rng, knobs: Knobs) -> Scenario:
    """Draw one candidate: a morning, then news for it until they make an instance."""
    while True:
        places = rng.sample(PLACES, _DESTINATIONS)
        morning = _morning(rng, places)
        if len(morning.orders) < ORDERS:
            continue
        for _ in range(_TRIES):
            try:
                notices = _notices(rng, knobs, morning.opening, places)
            except _NoLuckError:
                continue
            scenario = replace(
                morning,
                notices=tuple(notice for notice, _ in notices),
                deliveries=_deliveries(rng, notices),
                lead=int(knobs["lead"]),
                budget=2 * ORDERS + 5 * int(knobs["events"]) + 1 + SPARE_CHANGES,
            )
            is_apt = _moves_a_truck(scenario) and _needs_thought(scenario.standings[-1])
            if is_apt and _is_sound(scenario):
                return scenario


def _morning(rng: Rng, places: list[str]) -> Scenario:
    """Return orders and departures of a morning without news."""
    departures = _departures(rng, places)
    bans = tuple(rng.sample([(what, by) for what in GOODS for by in CARRIERS], _BANS))
    by_id = {departure.id: departure for departure in departures}
    return Scenario(
        secret=rng.token(20),
        plan=f"PLN-{rng.integer(1000, 9999)}",
        orders=_orders(rng, places, by_id, frozenset(bans)),
        departures=departures,
        bans=bans,
        foreign=_foreign(rng, departures),
        notices=(),
        deliveries=(),
        lead=0,
        budget=0,
    )


def _needs_thought(standing: Standing) -> bool:
    """Say whether looking at the price alone, or never at the price, gives a wrong plan."""
    right = right_plan(standing)
    return right not in (cheapest_plan(standing), first_plan(standing))


def _departures(rng: Rng, places: list[str]) -> tuple[Departure, ...]:
    """Return the departures: as many to each place, each with room for all or for little."""
    rates = _distinct(rng, 21, 95, DEPARTURES)
    return tuple(
        Departure(
            id=name,
            to=places[number % _DESTINATIONS],
            day=rng.integer(2, _DAYS),
            carrier=rng.choice(CARRIERS),
            rate=rates[number],
            room=rng.integer(110, 160) if rng.chance(75) else rng.integer(3, 10),
        )
        for number, name in enumerate(_ids(rng, "D", DEPARTURES))
    )


def _orders(
    rng: Rng,
    places: list[str],
    departures: dict[str, Departure],
    bans: frozenset[tuple[str, str]],
) -> tuple[Order, ...]:
    """Return the orders: each has another departure as the cheapest that fits, and one to spare."""
    taken: set[str] = set()
    found: list[Order] = []
    for name in _ids(rng, "C", ORDERS):
        for _ in range(_ORDER_TRIES):
            order = Order(
                id=name,
                goods=rng.choice(GOODS),
                to=rng.choice(places),
                tonnes=rng.integer(6, 16),
                due=rng.integer(5, _DAYS),
            )
            fit = fitting(Standing({}, departures, bans), order)
            if len(fit) > 1 and fit[0].id not in taken:
                taken.add(fit[0].id)
                found.append(order)
                break
    return tuple(found)


def _ids(rng: Rng, letter: str, count: int) -> list[str]:
    return [f"{letter}{number}" for number in _distinct(rng, 100, 999, count)]


def _distinct(rng: Rng, low: int, high: int, count: int) -> list[int]:
    """Return different numbers; where there are many to choose from, sooner than a sample."""
    found: list[int] = []
    while len(found) < count:
        number = rng.integer(low, high)
        if number not in found:
            found.append(number)
    return found


def _foreign(rng: Rng, departures: tuple[Departure, ...]) -> tuple[Foreign, ...]:
    on = rng.sample(departures, _FOREIGN)
    names = _ids(rng, "X", _FOREIGN)
    return tuple(
        Foreign(name, departure.id, rng.integer(5, 30))
        for name, departure in zip(names, on, strict=True)
    )


def _notices(
    rng: Rng, knobs: Knobs, standing: Standing, places: list[str]
) -> list[tuple[Notice, bool]]:
    """Return the notices in order of arrival, each with whether it comes only at the close.

    Each true one that matters, and each false one if believed, changes one order's place: another
    order for each.
    """
    events, alarms = int(knobs["events"]), int(knobs["alarms"])
    is_late = events > 1 and rng.chance(_LATE_PERCENT)
    roles = rng.shuffled(["event"] * (events - is_late) + ["alarm"] * alarms + ["noise"])
    roles += ["event"] * is_late
    allowed = KINDS[knobs["kind"]]
    kinds = rng.shuffled(allowed) * events
    ids = _ids(rng, "N", len(roles))
    free = rng.shuffled(list(standing.orders))
    found: list[tuple[Notice, bool]] = []
    for place, role in enumerate(roles):
        if role == "noise":
            change = _without_effect(rng, standing)
            notice = Notice(ids[place], rng.choice(SOURCES), change, is_true=True, order="")
        else:
            kind = kinds.pop() if role == "event" else rng.choice(allowed)
            order, change = _with_effect(rng, standing, kind, free, places)
            free.remove(order)
            is_true = role == "event"
            notice = Notice(ids[place], rng.choice(SOURCES), change, is_true=is_true, order=order)
        if notice.is_true:
            standing = changed(standing, notice.change)
        found.append((notice, is_late and place == len(roles) - 1))
    return found


def _with_effect(
    rng: Rng, standing: Standing, kind: str, free: list[str], places: list[str]
) -> tuple[str, Change]:
    """Return a change that moves just one of the ``free`` orders, and that order."""
    before = right_plan(standing)
    for order in rng.shuffled(free):
        change = _change(rng, standing, kind, order, places)
        after = right_plan(changed(standing, change))
        others = {name: right for name, right in before.items() if name != order}
        is_moved = after.get(order) != before[order]
        is_placed = order in after or kind == "withdrawn"
        if is_moved and is_placed and others.items() <= after.items():
            return order, change
    raise _NoLuckError


def _change(rng: Rng, standing: Standing, kind: str, name: str, places: list[str]) -> Change:
    order = standing.orders[name]
    now, *others = fitting(standing, order)
    values: dict[str, tuple[str, Any]] = {
        "rate": (now.id, _dearer(rng, standing, others[0] if others else now)),
        "cancelled": (now.id, ""),
        "ban": (order.goods, now.carrier),
        "withdrawn": (name, ""),
        "due": (name, max(1, now.day - rng.integer(1, 2))),
        "more": (name, rng.integer(3, 9)),
        "to": (name, rng.choice([place for place in places if place != order.to])),
    }
    return Change(kind, *values[kind])


def _dearer(rng: Rng, standing: Standing, than: Departure) -> int:
    """Return a rate above that of a departure which no other has."""
    rates = {departure.rate for departure in standing.departures.values()}
    rate = than.rate + rng.integer(2, 15)
    while rate in rates:
        rate += 1
    return rate


def _without_effect(rng: Rng, standing: Standing) -> Change:
    """Return a change of a departure that no order of the plan uses."""
    plan = right_plan(standing)
    used = {right.departure for right in plan.values()}
    unused = [departure for departure in standing.departures.values() if departure.id not in used]
    departure = rng.choice(unused)
    if rng.chance(50):
        return Change("cancelled", departure.id, "")
    return Change("rate", departure.id, _dearer(rng, standing, departure))


def _deliveries(rng: Rng, notices: list[tuple[Notice, bool]]) -> tuple[Delivery, ...]:
    """Return the queue: every notice, and one that matters a second time."""
    queue = [number for number, (_, at_close) in enumerate(notices) if not at_close]
    again = rng.choice([number for number in queue if notices[number][0].matters])
    queue.insert(rng.integer(queue.index(again) + 1, len(queue)), again)
    counts = sorted(rng.choice(_COUNTS) for _ in queue)
    found, told = [], set[int]()
    for number, after in zip(queue, counts, strict=True):
        booked = "" if number in told else notices[number][0].order
        told.add(number)
        found.append(Delivery(number, after, booked, at_close=False))
    found += [
        Delivery(number, ORDERS, "", at_close=True)
        for number, (_, at_close) in enumerate(notices)
        if at_close
    ]
    return tuple(found)


def _is_sound(scenario: Scenario) -> bool:
    """Say whether no false notice is true of the end, and rooms never couple orders.

    A departure has too little room for an order by itself, or room for all that ever use it.
    """
    last = scenario.standings[-1]
    for notice in scenario.notices:
        if not notice.is_true:
            believed = right_plan(changed(last, notice.change))
            if believed.get(notice.order) == scenario.last_plan.get(notice.order):
                return False
            if notice.change.kind != "withdrawn" and notice.order not in believed:
                return False
    most = sum(
        max(s.orders[name].tonnes for s in scenario.standings if name in s.orders)
        for name in scenario.own
    )
    used = {right.departure for plan in scenario.plans for right in plan.values()}
    return all(
        departure.room >= most or not _is_shared(scenario, departure.id)
        for departure in scenario.departures
        if departure.id in used
    )


def _moves_a_truck(scenario: Scenario) -> bool:
    """Say whether a notice makes a pickup obsolete that one who follows the sheet has ordered."""
    sheet = [order.id for order in scenario.orders]
    for place, delivery in enumerate(scenario.deliveries):
        order = scenario.notices[delivery.notice].order
        old, new = (scenario.plans[at].get(order) for at in (place, place + 1))
        if old is None or (new is not None and new.day == old.day):
            continue
        if delivery.at_close or sheet.index(order) + 1 < delivery.after:
            return True
    return False


def _is_shared(scenario: Scenario, departure: str) -> bool:
    """Say whether two orders could meet on a departure that has not room for all."""
    could = {
        order.id
        for standing in scenario.standings
        for order in standing.orders.values()
        if departure in {d.id for d in fitting(standing, order)}
    }
    return len(could) > 1
