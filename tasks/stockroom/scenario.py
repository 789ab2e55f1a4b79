"""The scenario of a stockroom: goods, suppliers, announced changes of demand; integers only.

Money is in cents, rates are in percent, days count from 1; day 0 is the eve of the first day.
"""

from __future__ import annotations

from dataclasses import dataclass

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Day 1 is a Monday."""
HISTORY_WEEKS = 4
MOST_DAYS_AT_ONCE = 7
NORMAL = 100
"""The level of demand, in percent, before any change."""


@dataclass(frozen=True)
class Good:
    """One good on sale and the customers' demand for it."""

    id: str
    name: int
    """Its place in the list of names."""
    base: int
    """Mean demand a day at the reference price, in units."""
    week: tuple[int, ...]
    """Percent of ``base`` on each day of the week."""
    reference: int
    """The reference price, in cents."""
    lowest: int
    highest: int
    elasticity: int
    """Percent of demand lost for a price 100 % above the reference."""
    shelf: int
    """Days a delivery can be sold, the day it arrives included."""
    holding: int
    """Cents a unit left in the evening costs."""
    opening: int
    """Units in stock at first."""
    noise: tuple[int, ...]
    """Percent of the expected demand that came, day by day."""
    past: tuple[int, ...]
    """Units sold on each of the days before day 1, oldest first."""


@dataclass(frozen=True)
class Supplier:
    """Somebody who sells all goods, or says so."""

    id: str
    costs: tuple[int, ...]
    """Cents a unit, in the order of the goods."""
    lead: int
    lot: int
    """The fewest units of a good in one order."""
    credit: int
    """Days from delivery to payment."""
    is_prepaid: bool
    is_registered: bool
    """A supplier that is not takes the money and never delivers."""
    rating: int
    """What the supplier says of itself: tenths of a star."""
    delivered: int
    complaints: int


@dataclass(frozen=True)
class Event:
    """News of a change in demand."""

    published: int
    """The evening it is told."""
    good: str
    """An id, or the name of something the shop does not sell."""
    first: int
    last: int
    """The last day it holds; 0 where it holds until further notice."""
    level: int
    """Percent of normal demand on these days."""

    def holds_on(self, day: int) -> bool:
        """Say whether the change is in force on a day."""
        return self.first <= day and (self.last == 0 or day <= self.last)


@dataclass(frozen=True)
class Scenario:
    """A business to be run for some days."""

    secret: str
    days: int
    goods: tuple[Good, ...]
    suppliers: tuple[Supplier, ...]
    events: tuple[Event, ...]
    fee: int
    """Cents a day."""
    delivery: int
    """Cents an order costs, whatever is in it."""
    cash: int
    theta: int
    """Percent of the reference run's worth that is asked for."""
    target: int
    """The net worth asked for, in cents."""

    def index(self, good: str) -> int:
        """Return the place of a good."""
        return next(i for i, item in enumerate(self.goods) if item.id == good)

    def supplier(self, supplier: str) -> Supplier | None:
        """Return a supplier by id, or None."""
        return next((item for item in self.suppliers if item.id == supplier), None)


def level_on(events: tuple[Event, ...], good: str, day: int) -> int:
    """Return the level of demand for a good on a day; of two changes the later news holds."""
    level = NORMAL
    for event in events:
        if event.good == good and event.holds_on(day):
            level = event.level
    return level
