"""The best constant stock level of a good, found with hindsight: what no fixed rule can beat."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .planning import best_price, best_supplier
from .scenario import WEEK, level_on
from .shop import demand

if TYPE_CHECKING:
    from .scenario import Good, Scenario, Supplier

_LEVELS = range(6, 48, 3)
"""Levels tried, in halves of a normal day's demand."""


class _Trade(NamedTuple):
    good: Good
    supplier: Supplier
    cost: int
    price: int


def best_levels(scenario: Scenario, every: int) -> dict[str, int]:
    """Return for each good the level that would have earned most, had cash not mattered.

    Args:
        scenario: The business.
        every: Days between two orders.
    """
    stops = frozenset(order_days(scenario, every))
    supplier = best_supplier(scenario)
    found = {}
    for good, cost in zip(scenario.goods, supplier.costs, strict=True):
        trade = _Trade(good, supplier, cost, best_price(good, cost))
        wanted = _wanted(scenario, trade)
        levels = (good.base * halves // 2 for halves in _LEVELS)
        found[good.id] = max(levels, key=partial(_earned, trade, wanted, stops))
    return found


def order_days(scenario: Scenario, every: int) -> tuple[int, ...]:
    """Return the evenings after which there is time to order: the rhythm's, and those with news."""
    news = {event.published for event in scenario.events}
    stops, until = [0], every
    for day in range(1, scenario.days):
        if day == until or day in news:
            stops.append(day)
            until = day + every
    return tuple(stops)


def _wanted(scenario: Scenario, trade: _Trade) -> list[int]:
    good = trade.good
    return [
        demand(
            good,
            (day - 1) % len(WEEK),
            level_on(scenario.events, good.id, day),
            good.noise[day - 1],
            trade.price,
        )
        for day in range(1, scenario.days + 1)
    ]


def _earned(trade: _Trade, wanted: list[int], stops: frozenset[int], level: int) -> int:
    """Return what a good earns with stock filled up to ``level``, stock at cost included."""
    good, supplier, cost, price = trade
    last_order = len(wanted) - supplier.lead
    lots = [[0, good.opening]]
    stock, on_the_way = good.opening, 0
    coming: dict[int, int] = {}
    money = 0
    for day, units_wanted in enumerate(wanted, start=1):
        if day - 1 in stops and day <= last_order:
            lacking = level - stock - on_the_way
            if lacking > 0 and 2 * lacking >= supplier.lot:
                coming[day + supplier.lead] = units = max(lacking, supplier.lot)
                on_the_way += units
        if day in coming:
            units = coming[day]
            lots.append([day, units])
            on_the_way -= units
            stock += units
            money -= units * cost
        sold = left = min(units_wanted, stock)
        while left:
            units = min(lots[0][1], left)
            left -= units
            lots[0][1] -= units
            if not lots[0][1]:
                lots.pop(0)
        money += sold * price
        stock -= sold
        while lots and day - lots[0][0] + 1 >= good.shelf:
            stock -= lots.pop(0)[1]
        money -= good.holding * stock
    return money + cost * stock
