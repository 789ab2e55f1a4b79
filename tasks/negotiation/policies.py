"""Allocations that a hasty negotiator would table; the generator sees to it that none is good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .model import RESOURCES
from .planning import any_rational, best_for, best_where, rational

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Allocation, Bundle, Party, Talks
    from .planning import Field


def _dealt(
    talks: Talks, order: Callable[[int], list[Party]], most: Callable[[Party], Bundle]
) -> Allocation:
    """Deal each resource out: in the order given, each as much as it may get."""
    given = {party.id: [0, 0, 0] for party in talks.parties}
    for number in range(len(RESOURCES)):
        left = talks.capacity[number]
        for party in order(number):
            got = min(left, most(party)[number])
            given[party.id][number] = got
            left -= got
    return {name: (a, b, c) for name, (a, b, c) in given.items()}


def greedy(talks: Talks) -> Allocation:
    """Give each block to whom it is worth most, whatever anybody's limit is."""
    return _dealt(
        talks,
        lambda number: sorted(talks.parties, key=lambda p: (-p.worth[number], p.id)),
        talks.top,
    )


def first_served(talks: Talks, first: Party) -> Allocation:
    """Give one party all it can use, then the others in their order."""
    order = [first, *(party for party in talks.parties if party is not first)]
    return _dealt(talks, lambda _: order, talks.top)


def all_for(talks: Talks, party: Party) -> Allocation:
    """Give one party all it can use, and the others nothing."""
    return {p.id: talks.top(p) if p is party else (0, 0, 0) for p in talks.parties}


def equal_split(talks: Talks) -> Allocation:
    """Divide every pool evenly; what is left over stays there."""
    a, b, c = (amount // len(talks.parties) for amount in talks.capacity)
    return {
        p.id: (min(a, talks.top(p)[0]), min(b, talks.top(p)[1]), min(c, talks.top(p)[2]))
        for p in talks.parties
    }


def round_robin(talks: Talks) -> Allocation:
    """Deal the blocks out one by one, to each party in turn that can use one."""
    given = {party.id: [0, 0, 0] for party in talks.parties}
    for number in range(len(RESOURCES)):
        left, moved = talks.capacity[number], True
        while left and moved:
            moved = False
            for party in talks.parties:
                if left and given[party.id][number] < talks.top(party)[number]:
                    given[party.id][number] += 1
                    left, moved = left - 1, True
    return {name: (a, b, c) for name, (a, b, c) in given.items()}


def opening(talks: Talks, party: Party) -> Allocation:
    """Return what an automaton proposes first: all it claims, the rest dealt out in order."""
    limits = zip(party.claimed, talks.ceiling, talks.capacity, strict=True)
    a, b, c = (min(row) for row in limits)
    order = [party, *(other for other in talks.parties if other is not party)]
    return _dealt(
        talks, lambda _: order, lambda other: (a, b, c) if other is party else talks.top(other)
    )


def _overlooking(talks: Talks, ways: Field) -> Allocation:
    """Return what is best where the last seat's limit does not count."""
    found = best_where(talks, ways, rational(talks, ways, talks.seats[-1:]))
    assert found is not None  # noqa: S101 - the optimum is one
    return found[1]


NARROW: dict[str, Callable[[Talks, Field], Allocation]] = {
    "for_itself": lambda talks, ways: best_for(talks, ways, talks.parties[0]),
    "any_rational": any_rational,
    "overlooks_partner": _overlooking,
}
"""Ways of a negotiator that keeps all limits but those it does not care for."""
HASTY: dict[str, Callable[[Talks], Allocation]] = {
    "greedy": greedy,
    "equal_split": equal_split,
    "round_robin": round_robin,
    "selfish": lambda talks: first_served(talks, talks.parties[0]),
    "generous": lambda talks: first_served(talks, talks.automata[0]),
}
