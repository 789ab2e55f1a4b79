"""What proves a step of a mission: codes and signatures; and the orders that the tools take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from conformance.authoring import canonical, mint

if TYPE_CHECKING:
    from .model import Mission


class ImageOrder(TypedDict):
    """One image of a timeline."""

    target: str
    mode: Literal["raw", "processed"]


class ContactOrder(TypedDict):
    """One contact of a timeline; the ground gives its code."""

    window: str
    code: str


class Grant(TypedDict):
    """A window of the antenna, and the craft it shall serve."""

    window: str
    craft: str


def plan_token(mission: Mission) -> str:
    """Return what the commit gives: the same whatever the plan is worth."""
    return mint(mission.secret, "plan")


def contact_code(mission: Mission, window: str, craft: str) -> str:
    return mint(mission.secret, "contact", window, craft)


def signature(mission: Mission, craft: str, timeline: Any) -> str:
    """Return what a craft signs a loaded timeline with."""
    return mint(mission.secret, "signature", craft, canonical(timeline).decode())


def peer_signature(mission: Mission, targets: list[str]) -> str:
    return mint(mission.secret, "peer", sorted(targets))


def absence_code(mission: Mission) -> str:
    return mint(mission.secret, "absence")


def initial_state(mission: Mission) -> dict[str, Any]:
    return {
        "bus": {
            "inbox": {seat: [] for seat in mission.seats},
            "read": dict.fromkeys(mission.seats, 0),
            "bytes": 0,
        },
        "timelines": dict.fromkeys((craft.id for craft in mission.crafts), None),
        "antenna": dict.fromkeys((window.id for window in mission.windows), None),
        "missions": dict(mission.busy),
        "peer": {"asked": None, "part": None, "excused": False},
        "plan": {"committed": None, "forced": False},
    }
