"""Where bundles go that are given no folder."""

from __future__ import annotations

import time
from pathlib import Path

from conformance.errors import UsageError

RUNS = Path("runs")


def new_folder(kind: str = "") -> Path:
    """Return a folder under ``runs/`` that is not there yet, named by the kind and the time.

    Raises:
        UsageError: a thousand are there of this second.
    """
    stamp = f"{kind}-" * bool(kind) + time.strftime("%Y-%m-%d-%H%M%S")
    for number in range(1, 1000):
        folder = RUNS / (stamp if number == 1 else f"{stamp}-{number}")
        if not folder.exists():
            return folder
    raise UsageError("holds too many campaigns of this second", where=f"{RUNS}/", mend="use --out")
