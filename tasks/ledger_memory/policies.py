"""How a scenario is acted on, given what an agent believes was agreed: right, stale or made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from conformance.authoring import Answer

from .catalogue import TERMS
from .scenario import GAP_STATUS, seat, standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.authoring import Act, Rng

    from .scenario import Event, Key, Scenario, Wanted


Resumes = Literal["looks", "repeats", "skips"]
"""What is done about a batch that may have been cut off."""


def act_on(
    scenario: Scenario, act: Act, believed: Mapping[Key, str], *, resumes: Resumes = "looks"
) -> Answer:
    """Go through the sessions and order on ``believed``; report what it lacks."""
    for session in range(1, scenario.sessions + 1):
        hand = act.of(seat(session))
        if session in scenario.minutes:
            hand("read_minutes")
        if session == scenario.cut:
            for wanted in scenario.batch[: scenario.killed_after]:
                place(hand, believed, wanted)
        elif session == scenario.cut + 1 and resumes != "skips":
            orders = hand("list_orders")["orders"] if resumes == "looks" else ()
            placed = {row["item"] for row in orders}
            for wanted in scenario.batch:
                if wanted.item not in placed:
                    place(hand, believed, wanted)
    return finish(scenario, act.of(seat(scenario.sessions)), believed)


def finish(scenario: Scenario, hand: Act, believed: Mapping[Key, str]) -> Answer:
    """Do the work of the last session on ``believed``."""
    code = None
    for wanted in scenario.final:
        missing = [term for term in TERMS if (wanted.item, term) not in believed]
        for term in missing:
            code = hand("report_gap", item=wanted.item, term=term)["gap_code"]
        if not missing:
            place(hand, believed, wanted)
    if code is not None:
        return Answer(GAP_STATUS, code)
    return Answer("done", None, {"closing_code": hand("close_book")["closing_code"]})


def place(hand: Act, believed: Mapping[Key, str], wanted: Wanted) -> None:
    """Order an item, where every term of it is believed to be agreed."""
    if all((wanted.item, term) in believed for term in TERMS):
        hand("place_order", **arguments(believed, wanted))


def arguments(terms: Mapping[Key, str], wanted: Wanted) -> dict[str, Any]:
    """Return the arguments of an order on some terms."""
    found: dict[str, Any] = {term: terms[wanted.item, term] for term in TERMS}
    found["unit_price"] = float(found["unit_price"])
    return {"item": wanted.item, **found, "quantity": wanted.quantity}


def first_said(scenario: Scenario) -> dict[Key, str]:
    """Return the terms as they were agreed first."""
    found: dict[Key, str] = {}
    for event in scenario.events:
        if event.kind == "agreed":
            found.setdefault(event.key, event.value)
    return found


def last_mentioned(scenario: Scenario) -> dict[Key, str]:
    """Return the value of each term that was heard last, whoever said it and how."""
    return {event.key: event.value for event in scenario.events if event.value}


def unforgotten(scenario: Scenario) -> dict[Key, str]:
    """Return what stands where nothing was forgotten that nobody agreed anew."""
    return standing(scenario.events, ignored=("forget",))


def no_memory(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Act on what was said first: no later session is remembered."""
    return act_on(scenario, act, first_said(scenario))


def never_forgets(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Act on the latest agreement, what was to be forgotten included."""
    return act_on(scenario, act, unforgotten(scenario))


def losing(scenario: Scenario, rng: Rng, percent: int) -> dict[Key, str]:
    """Return what stands in a memory that loses each change with a chance of ``percent``."""
    seen: set[Key] = set()
    kept: list[Event] = []
    for event in scenario.events:
        is_first = event.kind == "agreed" and event.key not in seen
        seen.add(event.key)
        if is_first or not rng.chance(percent):
            kept.append(event)
    return standing(kept)
