"""All readers of power that work on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.errors import ConformanceError
from conformance.profile.power import amd_library, nvidia, rapl
from conformance.profile.power.tool import Run, run_tool
from conformance.profile.power.vendors import COMMANDS, FINDERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.profile.power.contract import PowerReader


def find_readers(
    run: Run = run_tool, powercap: Path = rapl.ROOT
) -> tuple[list[PowerReader], list[str]]:
    """Return the readers that work, and in plain lines what was refused or not found.

    A reader is asked once: what cannot be read is told before a run, not after it.

    Args:
        run: Runs the vendors' tools.
        powercap: Where Linux shows RAPL.
    """
    readers: list[PowerReader] = []
    notes: list[str] = []

    def look(vendor: str, find: Callable[[], PowerReader | None]) -> bool:
        try:
            reader = find()
            if reader is not None:
                _try(reader)
                readers.append(reader)
        except ConformanceError as error:
            notes.append(f"{vendor} is not read: {error}")
            return True
        return reader is not None

    look("nvidia", lambda: nvidia.find(run))
    for vendor, find in FINDERS.items():
        if vendor == "amd" and look(vendor, amd_library.find):
            continue
        look(vendor, lambda find=find: find(run))  # type: ignore[misc]
    if not readers and not notes:
        tools = sorted({command[0] for commands in COMMANDS.values() for command in commands})
        notes.append(f"no accelerator found: looked for NVML, amdsmi, {', '.join(tools)}")
    if not look("cpu", lambda: rapl.find(powercap)):
        notes.append(f"no CPU package found: {powercap} shows none")
    return readers, notes


def _try(reader: PowerReader) -> None:
    """Ask a reader once, and let go of it if it fails."""
    try:
        reader.read()
    except ConformanceError:
        reader.close()
        raise
