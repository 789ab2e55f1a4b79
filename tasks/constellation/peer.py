"""What is known of a peer: its signed beacon, and what it says of itself on the bus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model import Peer


def as_it_says(peer: Peer) -> Peer:
    """Return the peer as its own messages have it."""
    return replace(
        peer, battery=peer.said_battery, storage=peer.said_storage, passes=peer.said_passes
    )


def facts(peer: Peer) -> dict[str, Any]:
    return {
        "craft": peer.id,
        "battery": peer.battery,
        "battery_reserve": peer.reserve,
        "storage": peer.storage,
        "targets_in_view": [
            {"target": item.target, "imaging_energy": item.energy, "data_raw": item.raw}
            for item in peer.passes
        ],
    }


def said(peer: Peer) -> dict[str, Any]:
    """Return what a lying peer says of itself, in the beacon's own words."""
    return facts(as_it_says(peer)) | {"ready": True}
