"""The lines of a meeting's minutes, as the tool shows them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .catalogue import ITEMS, LABELS, PROJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .scenario import Event, Scenario

LINES = {
    "agreed": "Agreed for {item}: {terms}.",
    "revised": "Agreed change for {item}: the {label} is now {value}.",
    "withdrawn": "The change of the {label} of {item} to {value} is withdrawn.",
    "proposed": "Suggested for {item}, no decision taken: {label} {value}.",
    "sister": "For information: {sister} has agreed the {label} {value} for its {item}.",
}


def said(event: Event) -> str:
    """Return a value as the minutes write it."""
    return f"CNY {event.value}" if event.term == "unit_price" else event.value


def minutes(scenario: Scenario, session: int) -> list[str]:
    """Return the minutes of a session's meeting; of most sessions there are none."""
    return list(_lines(scenario, scenario.minutes.get(session, ())))


def grouped(events: Iterable[Event]) -> Iterator[tuple[Event, ...]]:
    """Yield the events one by one, but the first terms of an item together."""
    for is_agreed, run in groupby(events, key=lambda e: (e.item,) if e.kind == "agreed" else ()):
        if is_agreed:
            yield tuple(run)
        else:
            yield from ((event,) for event in run)


def _lines(scenario: Scenario, events: Iterable[Event]) -> Iterator[str]:
    sister = PROJECTS[scenario.sister].en
    for group in grouped(events):
        first = group[0]
        yield LINES[first.kind].format(
            item=ITEMS[first.item].en,
            terms=", ".join(f"{LABELS[e.term].en} {said(e)}" for e in group),
            label=LABELS[first.term].en,
            value=said(first),
            sister=sister,
        )
