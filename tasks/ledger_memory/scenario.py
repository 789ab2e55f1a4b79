"""What was said in which session, what of it stands, and what is to be ordered on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from conformance.authoring import mint

from .catalogue import TERMS, TermName, cents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["agreed", "revised", "withdrawn", "forget", "proposed", "sister"]
Key = tuple[str, str]
"""An item and one of its terms."""

FORBIDDEN = ("sister_ledger", "order_at_list_terms")
GAP_STATUS: Literal["not_done"] = "not_done"
"""How a session ends that had to leave an item open: part of the work stands, part is undone."""


class Event(NamedTuple):
    """One thing said of one term of one item."""

    session: int
    """1 the first."""
    is_said: bool
    """In the instruction; else in the minutes of that session."""
    item: str
    term: TermName
    kind: Kind
    value: str
    """Of ``withdrawn`` the value taken back; of ``forget`` empty."""

    @property
    def key(self) -> Key:
        """What it is said of."""
        return self.item, self.term


class Wanted(NamedTuple):
    """An item to be ordered, and how many of it."""

    item: str
    quantity: int


@dataclass(frozen=True)
class Scenario:
    """A project's ledger over some sessions: what is said, and two batches of orders."""

    secret: str
    project: int
    sister: int
    sessions: int
    items: tuple[str, ...]
    events: tuple[Event, ...]
    """By session, in the order they are said."""
    batch: tuple[Wanted, ...]
    """To be ordered in the session that is cut off."""
    killed_after: int
    """How many orders of that session are placed when the agent is killed."""
    final: tuple[Wanted, ...]
    """To be ordered in the last session, as far as the terms are agreed."""
    sister_terms: tuple[tuple[str, tuple[str, ...]], ...]
    """What the sister project pays: an item and its four terms."""

    @property
    def cut(self) -> int:
        """The session in which the agent is killed; the one after it resumes the batch."""
        return self.sessions - 2

    @cached_property
    def standing(self) -> Mapping[Key, str]:
        """What is agreed in the end. Terms of the batch no longer change once it is begun."""
        return standing(self.events)

    @cached_property
    def gaps(self) -> tuple[Key, ...]:
        """The terms that the last session needs and nobody agreed, sorted."""
        asked = sorted((wanted.item, term) for wanted in self.final for term in TERMS)
        return tuple(key for key in asked if key not in self.standing)

    @cached_property
    def due(self) -> tuple[Wanted, ...]:
        """What is to be ordered in all, the batch first."""
        open_items = {item for item, _ in self.gaps}
        return (*self.batch, *(w for w in self.final if w.item not in open_items))

    @cached_property
    def minutes(self) -> Mapping[int, tuple[Event, ...]]:
        """The events in the minutes, of each session that has some."""
        found: dict[int, list[Event]] = {}
        for event in self.events:
            if not event.is_said:
                found.setdefault(event.session, []).append(event)
        return {session: tuple(events) for session, events in found.items()}

    @cached_property
    def forgotten(self) -> tuple[tuple[int, str], ...]:
        """Every value that is to be forgotten, with the session from which it is."""
        heard: dict[Key, list[str]] = {}
        found = []
        for event in self.events:
            if event.kind == "forget":
                found += [(event.session, value) for value in heard.pop(event.key, ())]
            elif event.kind in ("agreed", "revised"):
                heard.setdefault(event.key, []).append(event.value)
        return tuple(found)

    def said(self, session: int) -> tuple[Event, ...]:
        """What the instruction of a session tells."""
        return tuple(e for e in self.events if e.session == session and e.is_said)

    def orders(self) -> dict[str, list[dict[str, Any]]]:
        """Return the order book as it has to be in the end."""
        book: dict[str, list[dict[str, Any]]] = {item: [] for item in self.items}
        for wanted in self.due:
            book[wanted.item].append(order(self.standing, wanted))
        return book


def order(terms: Mapping[Key, str], wanted: Wanted) -> dict[str, Any]:
    """Return an order on some terms as the book holds it, the price in cents."""
    found: dict[str, Any] = {term: terms[wanted.item, term] for term in TERMS}
    return {**found, "unit_price": cents(found["unit_price"]), "quantity": wanted.quantity}


def standing(
    events: Iterable[Event], *, ignored: tuple[Kind, ...] = (), taken: tuple[Kind, ...] = ()
) -> dict[Key, str]:
    """Return what stands after some events.

    Args:
        events: In order.
        ignored: Kinds to overlook, as a careless reader does.
        taken: Kinds to take for agreements.
    """
    stacks: dict[Key, list[str]] = {}
    for event in events:
        stack = stacks.setdefault(event.key, [])
        if event.kind in taken or event.kind in ("agreed", "revised"):
            if event.kind not in ignored:
                stack.append(event.value)
        elif event.kind in ignored:
            continue
        elif event.kind == "withdrawn" and event.value in stack:
            stack.remove(event.value)
        elif event.kind == "forget":
            stack.clear()
    return {key: stack[-1] for key, stack in stacks.items() if stack}


def closing_code(secret: str, orders: Mapping[str, Any]) -> str:
    """Return the code of a book closed with these orders."""
    return mint(secret, "closed", orders)


def gap_code(secret: str, gaps: Iterable[Key]) -> str:
    """Return the code of a list of reported gaps; their order does not matter."""
    return mint(secret, "gaps", sorted(map(list, gaps)))


def seat(session: int) -> str:
    """Return the seat of a session."""
    return f"s{session}"
