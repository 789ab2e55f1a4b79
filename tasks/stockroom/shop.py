"""The books of the shop and what a day does to them: integers only, nothing drawn.

A day: deliveries come in, invoices that fall due are paid, customers buy the oldest units first,
what has reached its shelf life is thrown away, storage and the daily fee are paid. The shop is
insolvent where the cash is below zero in the evening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .scenario import WEEK, Good, Scenario, level_on

if TYPE_CHECKING:
    from conformance.authoring import State

    from .scenario import Supplier

_PERCENT = 100
_SCALE = _PERCENT**4
RECEIVED, UNITS, COST = range(3)
"""The columns of a lot in stock."""


def demand(good: Good, weekday: int, level: int, noise: int, price: int) -> int:
    """Return the units customers want, rounded half up."""
    appeal = max(0, _PERCENT * good.reference - good.elasticity * (price - good.reference))
    wanted = good.base * good.week[weekday] * level * noise * appeal
    scale = _SCALE * good.reference
    return (2 * wanted + scale) // (2 * scale)


def initial_state(scenario: Scenario) -> State:
    """Return the books on the eve of day 1."""
    regular = [supplier for supplier in scenario.suppliers if supplier.is_registered]
    return {
        "day": 0,
        "cash": scenario.cash,
        "prices": {good.id: good.reference for good in scenario.goods},
        "stock": {
            good.id: [[0, good.opening, min(supplier.costs[index] for supplier in regular)]]
            for index, good in enumerate(scenario.goods)
        },
        "orders": [],
        "price_log": [],
        "sales": {good.id: [] for good in scenario.goods},
        "spoiled": {good.id: 0 for good in scenario.goods},
        "ledger": [],
        "insolvent_on": None,
        "closed": False,
        "loan": 0,
        "branch": {good.id: 4 * good.base for good in scenario.goods},
    }


class Shop:
    """The books of one run; ``state`` is all that changes."""

    def __init__(self, scenario: Scenario, state: State | None = None) -> None:
        self.scenario = scenario
        self.state = initial_state(scenario) if state is None else state
        self.news_days = {event.published for event in scenario.events}
        self._suppliers = {supplier.id: supplier for supplier in scenario.suppliers}

    @property
    def day(self) -> int:
        """The day that was ended last."""
        return int(self.state["day"])

    @property
    def is_over(self) -> bool:
        """Say whether no further day can be run."""
        return self.day >= self.scenario.days or self.state["insolvent_on"] is not None

    def set_price(self, good: str, price: int) -> None:
        """Set a price from the next day on."""
        self.state["prices"][good] = price
        self.state["price_log"].append([self.day, good, price])

    def bill(self, supplier: Supplier, quantities: dict[str, int]) -> int:
        """Return what an order costs, its delivery included."""
        goods = sum(self._cost(supplier, good) * units for good, units in quantities.items())
        return goods + self.scenario.delivery

    def order(self, supplier: Supplier, quantities: dict[str, int]) -> dict[str, Any]:
        """Place an order and return it; whoever wants prepayment is paid at once."""
        placed = self.day
        cost = self.bill(supplier, quantities)
        arrives = placed + 1 + supplier.lead
        order = {
            "placed": placed,
            "supplier": supplier.id,
            "quantities": dict(quantities),
            "cents": cost,
            "arrives": arrives,
            "due": placed if supplier.is_prepaid else arrives + supplier.credit,
            "comes": supplier.is_registered,
        }
        self.state["orders"].append(order)
        if supplier.is_prepaid:
            self._book("prepayment", -cost)
        return order

    def end_day(self) -> None:
        """Run one day."""
        state, scenario = self.state, self.scenario
        state["day"] += 1
        day = state["day"]
        self._receive(day)
        taken = stored = 0
        for good in scenario.goods:
            sold = self._sell(good, day)
            taken += sold * state["prices"][good.id]
            stored += self._left(good, day) * good.holding
        self._book("sales", taken)
        self._book("storage", -stored)
        self._book("fee", -scenario.fee)
        if state["cash"] < 0:
            state["insolvent_on"] = day

    def _receive(self, day: int) -> None:
        for order in self.state["orders"]:
            if not order["comes"]:
                continue
            if order["arrives"] == day:
                supplier = self._suppliers[order["supplier"]]
                for good, units in order["quantities"].items():
                    lot = [day, units, self._cost(supplier, good)]
                    self.state["stock"][good].append(lot)
            if order["due"] == day:
                self._book("invoice", -order["cents"])

    def _cost(self, supplier: Supplier, good: str) -> int:
        return supplier.costs[self.scenario.index(good)]

    def _sell(self, good: Good, day: int) -> int:
        level = level_on(self.scenario.events, good.id, day)
        price = self.state["prices"][good.id]
        wanted = demand(good, (day - 1) % len(WEEK), level, good.noise[day - 1], price)
        lots, sold = self.state["stock"][good.id], 0
        while lots and sold < wanted:
            units = min(lots[0][UNITS], wanted - sold)
            sold += units
            lots[0][UNITS] -= units
            if not lots[0][UNITS]:
                lots.pop(0)
        self.state["sales"][good.id].append(sold)
        return sold

    def _left(self, good: Good, day: int) -> int:
        """Throw away what has reached its shelf life; return the units left."""
        lots = self.state["stock"][good.id]
        while lots and day - lots[0][RECEIVED] + 1 >= good.shelf:
            self.state["spoiled"][good.id] += lots.pop(0)[UNITS]
        return sum(lot[UNITS] for lot in lots)

    def _book(self, kind: str, cents: int) -> None:
        if cents:
            self.state["cash"] += cents
            self.state["ledger"].append([self.day, kind, cents])


def units_in_stock(state: State, good: str) -> int:
    """Return the units of a good on the shelf."""
    return sum(int(lot[UNITS]) for lot in state["stock"][good])


def payables(state: State) -> int:
    """Return what is owed for goods that were delivered, in cents."""
    day = state["day"]
    return sum(
        order["cents"]
        for order in state["orders"]
        if order["comes"] and order["arrives"] <= day < order["due"]
    )


def stock_value(state: State) -> int:
    """Return the stock at what was paid for it, in cents."""
    return sum(lot[UNITS] * lot[COST] for lots in state["stock"].values() for lot in lots)


def net_worth(state: State) -> int:
    """Return cash and stock at cost less what is owed, in cents."""
    return int(state["cash"] + stock_value(state) - payables(state) - state["loan"])
