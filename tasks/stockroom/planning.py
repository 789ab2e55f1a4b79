"""How to run the shop: order-up-to policies on what is believed of demand.

A policy is run on a shop of its own first, which gives its decisions; ``work`` carries them out
through the tools. It looks at nothing an agent is not shown: its own sales, stock and orders,
the suppliers, and the news published so far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .scenario import MOST_DAYS_AT_ONCE, NORMAL, WEEK, Event, Good, Scenario, level_on
from .shop import RECEIVED, UNITS, Shop, demand, units_in_stock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.authoring import State

    from .scenario import Supplier

Decision = tuple[Any, ...]
"""``("price", good, cents)``, ``("order", supplier, {good: units})`` or ``("end", days)``."""

SAFETY = 6
"""Percent ordered beyond the expected demand."""


def best_price(good: Good, cost: int) -> int:
    """Return the price within the limits that earns most on what is bought at ``cost``."""

    def worth(price: int) -> int:
        return (price - cost) * (100 * good.reference - good.elasticity * (price - good.reference))

    # The worth is a parabola in the price: its top, or the limit next to it.
    top = (good.reference * (100 + good.elasticity) + good.elasticity * cost) // (
        2 * good.elasticity
    )
    near = [min(max(price, good.lowest), good.highest) for price in (top, top + 1)]
    return max(near, key=worth)


def margin_a_week(good: Good, cost: int) -> int:
    """Return what a normal week would earn at the best price, in cents."""
    price = best_price(good, cost)
    appeal = 100 * good.reference - good.elasticity * (price - good.reference)
    return (price - cost) * good.base * sum(good.week) * appeal // (10_000 * good.reference)


def best_supplier(scenario: Scenario) -> Supplier:
    """Return the registered supplier whose prices leave the largest margin."""
    regular = [supplier for supplier in scenario.suppliers if supplier.is_registered]
    return max(
        regular,
        key=lambda supplier: sum(
            margin_a_week(good, cost)
            for good, cost in zip(scenario.goods, supplier.costs, strict=True)
        ),
    )


def rhythm(days: int) -> int:
    """Return how many days pass between two orders: longer where more days are to be run."""
    return 3 if days <= 20 else 5 if days <= 30 else MOST_DAYS_AT_ONCE


@dataclass(frozen=True)
class Review:
    """What a policy looks at when it may order."""

    state: State
    supplier: Supplier
    today: int
    """The last day that ended."""
    until: int
    """The last day this order has to serve."""
    arrives: int


def needed(good: Good, review: Review, events: tuple[Event, ...]) -> int:
    """Return the units of a good to order now: what is expected until the next order comes in.

    Stock and what is on its way are run down day by day, shelf life included; what is missing
    from the day the order arrives on is ordered. Of the good only what is believed of its demand
    is looked at, not the noise.
    """
    state = review.state
    price = state["prices"][good.id]
    lots = [[lot[RECEIVED], lot[UNITS]] for lot in state["stock"][good.id]]
    coming = [
        (order["arrives"], order["quantities"][good.id])
        for order in state["orders"]
        if order["arrives"] > review.today and order["comes"] and good.id in order["quantities"]
    ]
    missing = 0
    for day in range(review.today + 1, review.until + 1):
        lots += [[day, units] for arrives, units in coming if arrives == day]
        level = level_on(events, good.id, day)
        wanted = demand(good, (day - 1) % len(WEEK), level, NORMAL, price)
        if day >= review.arrives:
            wanted += wanted * SAFETY // 100
        for lot in lots:
            taken = min(lot[1], wanted)
            lot[1] -= taken
            wanted -= taken
        lots = [lot for lot in lots if lot[1] and day - lot[0] + 1 < good.shelf]
        if day >= review.arrives:
            missing += wanted
    return missing


Rule = Callable[[Shop, Review, Good], int]
"""How many units of a good to order at a review."""


def run(
    scenario: Scenario,
    rule: Rule,
    *,
    supplier: Supplier | None = None,
    prices: Sequence[int] | None = None,
    every: int | None = None,
) -> tuple[Shop, tuple[Decision, ...]]:
    """Run a shop by an ordering rule; return it as it ends, and the decisions in their order.

    At each stop the rule says how many units of each good to order; days are run up to the next
    order, or to the evening on which there is news.
    """
    shop = Shop(scenario)
    chosen = supplier or best_supplier(scenario)
    every = every or rhythm(scenario.days)
    decisions: list[Decision] = []
    asked = prices or [
        best_price(good, cost) for good, cost in zip(scenario.goods, chosen.costs, strict=True)
    ]
    for good, price in zip(scenario.goods, asked, strict=True):
        if price != good.reference:
            shop.set_price(good.id, price)
            decisions.append(("price", good.id, price))
    while not shop.is_over:
        quantities = _ordered(shop, rule, chosen, every)
        if quantities:
            shop.order(chosen, quantities)
            decisions.append(("order", chosen.id, quantities))
        decisions.append(("end", ended(shop, min(every, scenario.days - shop.day))))
    return shop, tuple(decisions)


def ended(shop: Shop, days: int) -> int:
    """End days, up to the first evening with news; return how many were asked for."""
    for _ in range(days):
        shop.end_day()
        if shop.is_over or shop.day in shop.news_days:
            break
    return days


def replayed(scenario: Scenario, plan: Sequence[Decision]) -> tuple[Shop, tuple[Decision, ...]]:
    """Make decisions taken before the first day; news stops a wait, which is then gone on with."""
    shop = Shop(scenario)
    suppliers = {supplier.id: supplier for supplier in scenario.suppliers}
    made: list[Decision] = []
    for decision in plan:
        match decision:
            case ("price", good, price):
                shop.set_price(good, price)
                made.append(decision)
            case ("order", supplier, quantities):
                shop.order(suppliers[supplier], quantities)
                made.append(decision)
            case ("end", days):
                until = shop.day + days
                while shop.day < until and not shop.is_over:
                    made.append(("end", ended(shop, until - shop.day)))
        if shop.is_over:
            break
    return shop, tuple(made)


def _ordered(
    shop: Shop,
    rule: Rule,
    supplier: Supplier,
    every: int,
) -> dict[str, int]:
    days, today = shop.scenario.days, shop.day
    arrives = today + 1 + supplier.lead
    if arrives > days:
        return {}
    until = min(today + every + supplier.lead, days)
    review = Review(shop.state, supplier, today, until, arrives)
    wanted = {good.id: rule(shop, review, good) for good in shop.scenario.goods}
    return {
        good: max(units, supplier.lot)
        for good, units in wanted.items()
        if 2 * units >= supplier.lot and units > 0
    }


def told(scenario: Scenario, day: int) -> tuple[Event, ...]:
    """Return the news published up to the evening of a day."""
    return tuple(event for event in scenario.events if event.published <= day)


def by_news(shop: Shop, review: Review, good: Good) -> int:
    """Order by the true model and the news published so far."""
    return needed(good, review, told(shop.scenario, review.today))


def by_habit(_: Shop, review: Review, good: Good) -> int:
    """Order as if demand never changed."""
    return needed(good, review, ())


def up_to(levels: dict[str, int]) -> Rule:
    """Return the rule that fills stock and orders up to a constant."""

    def rule(_: Shop, review: Review, good: Good) -> int:
        return max(0, levels[good.id] - position(review, good))

    return rule


def by_recent_sales(window: int, extra: int) -> Rule:
    """Return the rule that expects the last ``window`` days' mean sales, and ``extra`` percent."""

    def rule(shop: Shop, review: Review, good: Good) -> int:
        seen = [*good.past, *shop.state["sales"][good.id]][-window:]
        days = review.until - review.today
        expected = sum(seen) * days * (100 + extra) // (100 * len(seen))
        return int(max(0, expected - position(review, good)))

    return rule


def once(days: int) -> Rule:
    """Return the rule that buys so many normal days' demand at first, and nothing after."""

    def rule(_: Shop, review: Review, good: Good) -> int:
        return good.base * days if review.today == 0 else 0

    return rule


def position(review: Review, good: Good) -> int:
    """Return the units of a good in stock and on their way."""
    coming = sum(
        int(order["quantities"].get(good.id, 0))
        for order in review.state["orders"]
        if order["arrives"] > review.today and order["comes"]
    )
    return coming + units_in_stock(review.state, good.id)
