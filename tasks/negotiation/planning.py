"""The best agreement there is, by enumeration of all divisions of the three pools.

Only divisions that leave nothing out that anybody may use are looked at: any other allocation can
be raised to one of them, which no party's worth falls by. Integers throughout.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .model import Talks, absent, floors, shortfalls, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .model import Allocation, Party


class Field(NamedTuple):
    """Every full division of the pools, and what it is worth to each party."""

    divisions: tuple[tuple[tuple[int, ...], ...], ...]
    """By resource: blocks by party."""
    worth: tuple[NDArray[np.int64], ...]
    """By party: one axis a resource."""
    total: NDArray[np.int64]


def field(talks: Talks) -> Field:
    """Return all full divisions within need, ceiling, capacity and the shares of the absent."""
    divisions = tuple(_divisions(talks, number) for number in range(3))
    worth = []
    for place, party in enumerate(talks.parties):
        by_resource = [
            np.array([way[place] * party.worth[number] for way in ways], dtype=np.int64)
            for number, ways in enumerate(divisions)
        ]
        worth.append(functools.reduce(np.add.outer, by_resource))
    whole = functools.reduce(np.add, worth)
    return Field(divisions, tuple(worth), whole)


def _divisions(talks: Talks, number: int) -> tuple[tuple[int, ...], ...]:
    least = [p.share[number] if p.kind == "silent" else 0 for p in talks.parties]
    most = [talks.top(party)[number] for party in talks.parties]
    given = min(talks.capacity[number], sum(most))
    ranges = [range(a, b + 1) for a, b in zip(least, most, strict=True)]
    return tuple(way for way in itertools.product(*ranges) if sum(way) == given)


def allocation_at(talks: Talks, ways: Field, flat: int) -> Allocation:
    """Return the allocation at a flat index of a field."""
    a, b, c = np.unravel_index(flat, ways.total.shape)
    gpu, disk, budget = ways.divisions[0][a], ways.divisions[1][b], ways.divisions[2][c]
    return {p.id: (gpu[n], disk[n], budget[n]) for n, p in enumerate(talks.parties)}


def rational(talks: Talks, ways: Field, but: Sequence[str] = ()) -> NDArray[np.bool_]:
    """Return where every party has its limit, but for those named and those absent."""
    mask = np.ones(ways.total.shape, dtype=bool)
    for party, worth in zip(talks.parties, ways.worth, strict=True):
        if party.kind != "silent" and party.id not in but:
            mask &= worth >= party.limit
    return mask


def best_where(talks: Talks, ways: Field, mask: NDArray[np.bool_]) -> tuple[int, Allocation] | None:
    """Return the highest total where the mask holds, and the first allocation with it."""
    if not mask.any():
        return None
    flat = int(np.argmax(np.where(mask, ways.total, -1)))
    return int(ways.total.flat[flat]), allocation_at(talks, ways, flat)


def optimum_in(talks: Talks, ways: Field) -> tuple[int, Allocation]:
    """Return the largest surplus that is valid and rational for all, and an allocation with it."""
    found = best_where(talks, ways, rational(talks, ways))
    assert found is not None  # noqa: S101 - the generator made sure
    return found[0] - floors(talks, absent(talks)), found[1]


@functools.lru_cache(maxsize=512)
def optimum(talks: Talks) -> tuple[int, Allocation]:
    """Return the largest surplus and an allocation with it, once for each talks."""
    return optimum_in(talks, field(talks))


def is_enough(talks: Talks, surplus: int, best: int) -> bool:
    """Say whether a surplus is theta percent of the largest or more."""
    return 100 * surplus >= talks.theta * best


def good(talks: Talks, ways: Field, best: int) -> NDArray[np.bool_]:
    """Return where a full division meets the goal."""
    least = floors(talks, absent(talks))
    return rational(talks, ways) & (100 * (ways.total - least) >= talks.theta * best)


def is_good(talks: Talks, allocation: Allocation, best: int | None = None) -> bool:
    """Say whether an allocation, agreed on and signed, would meet the goal."""
    if any(shortfalls(talks, allocation, absent(talks))):
        return False
    most = optimum(talks)[0] if best is None else best
    return is_enough(talks, total(talks, allocation) - floors(talks, absent(talks)), most)


def best_for(talks: Talks, ways: Field, party: Party) -> Allocation:
    """Return the rational allocation that is worth most to one party, whatever the surplus."""
    worth = ways.worth[talks.parties.index(party)]
    return allocation_at(talks, ways, int(np.argmax(np.where(rational(talks, ways), worth, -1))))


def any_rational(talks: Talks, ways: Field) -> Allocation:
    """Return the first rational allocation in the order of the enumeration."""
    return allocation_at(talks, ways, int(np.argmax(rational(talks, ways))))
