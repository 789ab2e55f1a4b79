"""Draw talks in which limits, concessions, lies and silence matter; discard the easy ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .model import Bundle, Case, Kind, Party, Talks
from .planning import Field, allocation_at, field, good, is_good, optimum_in, rational
from .policies import HASTY, NARROW

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from conformance.authoring import Rng

    from .model import Allocation

DEPARTMENTS = (
    "archive",
    "climate",
    "finance",
    "genome",
    "materials",
    "optics",
    "robotics",
    "seismic",
    "speech",
    "traffic",
    "translation",
    "vision",
)
LEAST_LIMIT, MOST_LIMIT = 1000, 9999
UNIT = 10
"""All worths and asks are multiples of it. A seat's limit is none: who speaks of the worth of a lot
or of what somebody asks never says a limit by chance."""

MOST_GOOD = 4
"""At most one in so many rational divisions meets the goal."""


def draw(rng: Rng, knobs: dict[str, Any]) -> Talks:
    """Draw talks until some are not easy."""
    attempt = 0
    while True:
        found = _candidate(rng.fork("talks", attempt), **knobs)
        if found is not None:
            return found
        attempt += 1


def _candidate(rng: Rng, case: Case, parties: int, theta: int) -> Talks | None:
    talks = _without_limits(rng, case, parties, theta)
    ways = field(talks)
    if not ways.total.size:
        return None
    limited = _with_limits(rng, talks, ways)
    if limited is None:
        return None
    best, target = optimum_in(limited, ways)
    right = good(limited, ways, best)
    if _is_easy(limited, ways, right, best):
        return None
    return _with_demands(rng, limited, target, [int(worth[right].max()) for worth in ways.worth])


def _bundle(rng: Rng, low: int, high: int) -> Bundle:
    return (rng.integer(low, high), rng.integer(low, high), rng.integer(low, high))


def _without_limits(rng: Rng, case: Case, count: int, theta: int) -> Talks:
    names = rng.sample(DEPARTMENTS, count)
    automata: list[Kind] = ["stubborn"] * (count - (2 if case == "pact" else 1))
    if case != "pact":
        automata[rng.below(len(automata))] = case
    seats: list[Kind] = ["seat"] * (count - len(automata))
    ceiling = _bundle(rng, 3, 5)
    parties = tuple(
        _party(rng, name, kind) for name, kind in zip(names, seats + automata, strict=True)
    )
    a, b, c = (
        max(count, sum(party.need[n] for party in parties) * rng.integer(55, 70) // 100)
        for n in range(3)
    )
    return Talks(
        secret=rng.token(20),
        case=case,
        parties=parties,
        capacity=(a, b, c),
        ceiling=ceiling,
        reserve=_bundle(rng, 3, 9),
        theta=theta,
        rounds=6 + 2 * count,
        deadline={"pact": 20 * count, "liar": 11 * count, "silent": 11 * count}[case],
        bytes=400 * count,
    )


def _party(rng: Rng, name: str, kind: Kind) -> Party:
    need = _bundle(rng, 2, 4)
    claimed = list(need)
    if kind == "liar":
        for place in rng.sample(range(3), rng.integer(1, 2)):
            claimed[place] += rng.integer(1, 3)
    a, b, c = claimed
    share = (min(need[0], rng.below(3)), min(need[1], rng.below(3)), 1)
    x, y, z = _bundle(rng, 12, 60)
    worth = (UNIT * x, UNIT * y, UNIT * z)
    return Party(name, kind, worth, need, (a, b, c), share)


def _with_limits(rng: Rng, talks: Talks, ways: Field) -> Talks | None:
    """Set limits a little below what a fairly even division gives, so that one exists."""
    most = [party.value(talks.top(party)) for party in talks.parties]

    def evenness(flat: int) -> int:
        return min(
            1000 * int(worth.flat[flat]) // top for worth, top in zip(ways.worth, most, strict=True)
        )

    drawn = [rng.below(ways.total.size) for _ in range(6)]
    reference = allocation_at(talks, ways, max(drawn, key=evenness))
    parties = tuple(
        replace(party, limit=_limit(rng, party.kind, party.value(reference[party.id])))
        for party in talks.parties
    )
    if not all(LEAST_LIMIT <= p.limit <= MOST_LIMIT for p in parties if p.kind == "seat"):
        return None
    return replace(talks, parties=parties)


def _limit(rng: Rng, kind: Kind, worth: int) -> int:
    whole = worth * rng.integer(80, 98) // (100 * UNIT) * UNIT
    return whole + rng.integer(1, UNIT - 1) if kind == "seat" else whole


def _is_easy(talks: Talks, ways: Field, right: NDArray[np.bool_], best: int) -> bool:
    """Say whether some way of overlooking what matters is good, or much of what is rational."""
    if MOST_GOOD * int(right.sum()) > int(rational(talks, ways).sum()):
        return True
    if any(is_good(talks, propose(talks), best) for propose in HASTY.values()):
        return True
    return any(is_good(talks, propose(talks, ways), best) for propose in NARROW.values())


def _with_demands(
    rng: Rng, talks: Talks, target: Allocation, most_in_good: list[int]
) -> Talks | None:
    """Let every automaton ask at first for more than it gets in any good agreement."""
    parties = []
    for place, party in enumerate(talks.parties):
        if party.kind in ("seat", "silent"):
            asked = party.value(talks.top(party)) if party.kind == "silent" else 0
            parties.append(replace(party, demand=asked))
            continue
        most, top = most_in_good[place], party.value(talks.top(party))
        bundle = target[party.id]
        rungs = rng.integer(2, 3)
        if most >= top or sum(bundle) <= rungs:
            return None
        demand = UNIT * rng.integer(most // UNIT + 1, top // UNIT)
        step = -(-(demand - party.value(bundle)) // (rungs * UNIT)) * UNIT
        bluff = _bluff(rng, talks, party) if party.kind == "liar" else 0
        if bluff is None or demand - step <= party.value(bundle):
            return None
        parties.append(replace(party, demand=demand, step=step, bluff=bluff))
    return replace(talks, parties=tuple(parties))


def _bluff(rng: Rng, talks: Talks, liar: Party) -> int | None:
    """Return a demand that no bundle within the registered need meets, or None."""
    a, b, c = (min(row) for row in zip(liar.claimed, talks.ceiling, talks.capacity, strict=True))
    within, at_most = liar.value(talks.top(liar)), liar.claimed_value((a, b, c))
    if at_most == within:
        return None
    return UNIT * rng.integer(within // UNIT + 1, at_most // UNIT)
