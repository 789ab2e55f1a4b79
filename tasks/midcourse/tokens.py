"""The tokens of an instance: a confirmed notice's code, and the code of a plan as it is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import End, mint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .scenario import Scenario


def notice_code(scenario: Scenario, notice: str) -> str:
    """Return the code of a notice that is confirmed."""
    return mint(scenario.secret, "notice", notice)


def plan_code(scenario: Scenario, bookings: Mapping[str, Any], pickups: Mapping[str, int]) -> str:
    """Return the code of a plan: it depends on every booking and pickup of the plan's orders."""
    rows = [
        [order, bookings.get(order), pickups.get(order)]
        for order in sorted(scenario.own)
        if order in bookings or order in pickups
    ]
    return mint(scenario.secret, "plan", rows)


def right_end(scenario: Scenario) -> End:
    """Return the right end: the code of the plan as of the end, and of each confirmed notice."""
    plan = scenario.last_plan
    bookings = {
        order: {"departure": right.departure, "tonnes": right.tonnes}
        for order, right in plan.items()
    }
    pickups = {order: right.day for order, right in plan.items()}
    codes = [notice_code(scenario, notice.id) for notice in scenario.notices if notice.is_true]
    values = {"plan_code": plan_code(scenario, bookings, pickups), "notice_codes": codes}
    return End("done", None, values)
