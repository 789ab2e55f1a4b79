"""The talks: parties with private valuations and limits, pools to divide, and what is valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Case = Literal["pact", "liar", "silent"]
Kind = Literal["seat", "stubborn", "liar", "silent"]
Bundle = tuple[int, int, int]
"""Blocks, or worth of a block, of each resource."""
Allocation = dict[str, Bundle]

RESOURCES = ("gpu", "disk", "budget")
PATIENCE = 3
"""So many proposals a party leaves unanswered before it can be set aside."""


@dataclass(frozen=True)
class Party:
    """A department: a seat of an agent, or an automaton with a rule of concession."""

    id: str
    kind: Kind
    worth: Bundle
    need: Bundle
    """Registered: a block beyond it is worth nothing to the party, and against the rules."""
    claimed: Bundle
    """The need it published; a liar's is more than it has registered."""
    share: Bundle
    """What it must get where it is set aside."""
    limit: int = 0
    demand: int = 0
    """What an automaton asks for first, in worth to itself."""
    step: int = 0
    """How much less it asks for after a rejected proposal that was better than the last one."""
    bluff: int = 0
    """What a liar asks for, by its claim, until it is audited."""

    def value(self, bundle: Bundle) -> int:
        """Return what a bundle is truly worth to the party."""
        return _value(self.worth, self.need, bundle)

    def claimed_value(self, bundle: Bundle) -> int:
        """Return what a bundle is worth to it by what it published."""
        return _value(self.worth, self.claimed, bundle)


def _value(worth: Bundle, need: Bundle, bundle: Bundle) -> int:
    return sum(w * min(n, x) for w, n, x in zip(worth, need, bundle, strict=True))


@dataclass(frozen=True)
class Talks:
    """All of an instance and no word of any language."""

    secret: str
    case: Case
    parties: tuple[Party, ...]
    """Seats first; the first of them leads."""
    capacity: Bundle
    ceiling: Bundle
    """The most of a resource that one party may get."""
    reserve: Bundle
    theta: int
    rounds: int
    deadline: int
    bytes: int

    @property
    def seats(self) -> tuple[str, ...]:
        return tuple(party.id for party in self.parties if party.kind == "seat")

    @property
    def automata(self) -> tuple[Party, ...]:
        return tuple(party for party in self.parties if party.kind != "seat")

    def party(self, name: str) -> Party:
        return next(party for party in self.parties if party.id == name)

    def of_kind(self, kind: Kind) -> Party | None:
        """Return the first party of a kind, or None."""
        return next((party for party in self.parties if party.kind == kind), None)

    def top(self, party: Party) -> Bundle:
        """Return the most a party may get of each resource."""
        limits = zip(party.need, self.ceiling, self.capacity, strict=True)
        a, b, c = (min(row) for row in limits)
        return (a, b, c)


def shortfalls(
    talks: Talks, allocation: Mapping[str, Bundle], absent: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield what makes an allocation no good, but for its total worth: a word and a sentence.

    For those who are ``absent``, set aside, their share counts and not their limit.
    """
    for number, resource in enumerate(RESOURCES):
        given = sum(bundle[number] for bundle in allocation.values())
        if given > talks.capacity[number]:
            yield "capacity", f"{given} blocks of {resource}, {talks.capacity[number]} there are"
    for party in talks.parties:
        bundle = allocation[party.id]
        if any(x > top for x, top in zip(bundle, _quota(talks, party), strict=True)):
            yield "quota", f"{party.id} gets {bundle}, more than need or ceiling"
        if party.id in absent:
            if any(x < least for x, least in zip(bundle, party.share, strict=True)):
                yield "share", f"{party.id} gets {bundle}, its share is {party.share}"
        elif party.value(bundle) < party.limit:
            yield "rational", f"{party.id} gets {party.value(bundle)} of {party.limit}"


def _quota(talks: Talks, party: Party) -> Bundle:
    a, b, c = (min(row) for row in zip(party.need, talks.ceiling, strict=True))
    return (a, b, c)


def total(talks: Talks, allocation: Mapping[str, Bundle]) -> int:
    """Return what an allocation is worth to all together, floors included."""
    return sum(party.value(allocation[party.id]) for party in talks.parties)


def floors(talks: Talks, absent: frozenset[str]) -> int:
    """Return what is no surplus: all limits, and the worth of the shares of those set aside."""
    return sum(p.value(p.share) if p.id in absent else p.limit for p in talks.parties)


def absent(talks: Talks) -> frozenset[str]:
    """Return the parties without which the agreement has to be made."""
    return frozenset(party.id for party in talks.parties if party.kind == "silent")
