"""All vendors whose devices are read through a command line tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.profile.power import (
    amd,
    ascend,
    biren,
    cambricon,
    hygon,
    iluvatar,
    metax,
    moorethreads,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.power.contract import PowerReader, Vendor
    from conformance.profile.power.tool import Run

FINDERS: dict[Vendor, Callable[[Run], PowerReader | None]] = {
    "amd": amd.find,
    "ascend": ascend.find,
    "biren": biren.find,
    "cambricon": cambricon.find,
    "hygon": hygon.find,
    "iluvatar": iluvatar.find,
    "metax": metax.find,
    "moorethreads": moorethreads.find,
}

COMMANDS: dict[Vendor, tuple[tuple[str, ...], ...]] = {
    "amd": amd.COMMANDS,
    "ascend": ascend.COMMANDS,
    "biren": biren.COMMANDS,
    "cambricon": cambricon.COMMANDS,
    "hygon": hygon.COMMANDS,
    "iluvatar": iluvatar.COMMANDS,
    "metax": metax.COMMANDS,
    "moorethreads": moorethreads.COMMANDS,
    "nvidia": (
        ("nvidia-smi",),
        ("nvidia-smi", "-q", "-d", "POWER"),
        (
            "nvidia-smi",
            "--query-gpu=index,name,uuid,power.draw,power.draw.instant,power.draw.average,power.limit",
            "--format=csv",
        ),
    ),
}
"""What each vendor's tool can be asked without changing anything, for a capture."""
