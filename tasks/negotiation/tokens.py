"""What proves a step of the talks, and the state they begin in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import mint

from .model import RESOURCES
from .policies import opening

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .model import Allocation, Bundle, Party, Talks


def agreement_token(talks: Talks) -> str:
    """Return what a fully signed agreement shows: the same whatever it says."""
    return mint(talks.secret, "agreement")


def agreement_id(talks: Talks, offer: str) -> str:
    return mint(talks.secret, "accepted", offer)


def brief_token(talks: Talks, party: str) -> str:
    """Return the private token of a brief."""
    return mint(talks.secret, "brief", party)


def blocks(bundle: Bundle) -> dict[str, int]:
    """Return a bundle by the names of the resources."""
    return dict(zip(RESOURCES, bundle, strict=True))


def bundle_of(given: Mapping[str, Any]) -> Bundle:
    """Return what ``blocks`` was made of."""
    gpu, disk, budget = (int(given[name]) for name in RESOURCES)
    return (gpu, disk, budget)


def spelled(allocation: Allocation) -> dict[str, dict[str, int]]:
    """Return an allocation as the tools take it."""
    return {party: blocks(bundle) for party, bundle in allocation.items()}


def first_demand(party: Party) -> int:
    return party.bluff or party.demand


def _opening_offer(talks: Talks, party: Party, number: int) -> dict[str, Any]:
    allocation = opening(talks, party)
    accepts = [
        other.id
        for other in talks.automata
        if other is party
        or (
            other.kind != "silent"
            and other.claimed_value(allocation[other.id]) >= first_demand(other)
        )
    ]
    return {
        "offer": f"O-{number}",
        "by": party.id,
        "allocation": spelled(allocation),
        "accepted_by": accepts,
        "rejected_by": [],
    }


def initial_state(talks: Talks) -> dict[str, Any]:
    return {
        "offers": [_opening_offer(talks, p, n) for n, p in enumerate(talks.automata, 1)],
        "rounds": 0,
        "demand": {party.id: first_demand(party) for party in talks.automata},
        "last": {party.id: 0 for party in talks.automata},
        "unanswered": {party.id: 0 for party in talks.automata},
        "audited": [],
        "set_aside": [],
        "bus": {
            "events": {seat: [] for seat in talks.seats},
            "read": dict.fromkeys(talks.seats, 0),
            "bytes": 0,
        },
        "agreement": {"offer": None, "signed": {}},
        "imposed": False,
        "reserve": blocks(talks.reserve),
    }
