"""What an instance is about: orders, departures, and the notices that come while one works."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from .conditions import Departure, Order, Right, Standing, changed, right_plan

if TYPE_CHECKING:
    from .conditions import Change

SPARE_CHANGES = 6
"""Changing calls beyond what the worst case of the knobs needs."""


class Notice(NamedTuple):
    """One notice: what it says, and whether it is so."""

    id: str
    source: str
    change: Change
    is_true: bool
    order: str  # whose right booking it changes, or would change; "" for none

    @property
    def matters(self) -> bool:
        """Say whether the plan has to change for it."""
        return self.is_true and bool(self.order)


class Delivery(NamedTuple):
    """When a notice comes: the deliveries come one after another, in the order of the queue."""

    notice: int  # its place in ``Scenario.notices``
    after: int  # how many orders must have been booked rightly
    booked: str  # whose right booking must stand at that time; "" for none
    at_close: bool  # only when the plan is about to be closed


class Foreign(NamedTuple):
    """A booking of another team."""

    order: str
    departure: str
    tonnes: int


@dataclass(frozen=True)
class Scenario:
    """One plan; it holds no word of any language."""

    secret: str
    plan: str
    orders: tuple[Order, ...]
    departures: tuple[Departure, ...]
    bans: tuple[tuple[str, str], ...]  # goods that may not go by a carrier, from the start
    foreign: tuple[Foreign, ...]
    notices: tuple[Notice, ...]  # in the order of their first delivery
    deliveries: tuple[Delivery, ...]
    lead: int  # calls within which what a notice makes obsolete must be undone
    budget: int  # how many changing calls may be made

    @cached_property
    def opening(self) -> Standing:
        """How things stand in the morning."""
        return Standing(
            {order.id: order for order in self.orders},
            {departure.id: departure for departure in self.departures},
            frozenset(self.bans),
        )

    @cached_property
    def standings(self) -> tuple[Standing, ...]:
        """How things stand after none, one, two … of the deliveries."""
        found, told = [self.opening], set[int]()
        for delivery in self.deliveries:
            notice = self.notices[delivery.notice]
            is_news = notice.is_true and delivery.notice not in told
            told.add(delivery.notice)
            found.append(changed(found[-1], notice.change) if is_news else found[-1])
        return tuple(found)

    @cached_property
    def plans(self) -> tuple[dict[str, Right], ...]:
        """The right plan after none, one, two … of the deliveries."""
        found: list[dict[str, Right]] = []
        for place, standing in enumerate(self.standings):
            is_same = place > 0 and standing is self.standings[place - 1]
            found.append(found[-1] if is_same else right_plan(standing))
        return tuple(found)

    @property
    def last_plan(self) -> dict[str, Right]:
        """The right plan as of the end."""
        return self.plans[-1]

    @cached_property
    def by_id(self) -> dict[str, Notice]:
        """The notices by their ids."""
        return {notice.id: notice for notice in self.notices}

    @cached_property
    def own(self) -> frozenset[str]:
        """The ids of the orders of this plan."""
        return frozenset(order.id for order in self.orders)

    def first_delivery(self, place: int) -> bool:
        """Say whether the delivery at a place of the queue is the first of its notice."""
        told = [delivery.notice for delivery in self.deliveries[:place]]
        return self.deliveries[place].notice not in told
