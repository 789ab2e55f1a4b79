"""What a sandbox provider is: something that runs one script under limits, alone with its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from conformance.authoring.code import OUTPUT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.authoring import Ran

MIB = 1024 * 1024


class Limits(msgspec.Struct, frozen=True):
    """What a script may use; processes and threads beyond its own are always refused."""

    memory_bytes: int = 512 * MIB
    """Of address space (RLIMIT_AS); the script is one process, so this is all it has."""
    cpu_seconds: int = 5
    wall_seconds: float = 10.0
    """Kept by the caller, who kills the sandbox with all in it."""
    file_bytes: int = 8 * MIB
    folder_bytes: int = 16 * MIB
    """Of the one folder that can be written: a tmpfs of its own."""
    open_files: int = 32
    output_bytes: int = OUTPUT_BYTES
    flood_bytes: int = 8 * MIB
    """Of output read and thrown away before the script is killed."""


class Provider(Protocol):
    """One way to isolate a script."""

    @property
    def name(self) -> str:
        """Return the name it is recorded under."""
        ...

    @property
    def means(self) -> Mapping[str, str]:
        """Return what enforces each limit."""
        ...

    def version(self) -> str:
        """Return the version of what does the isolating, or an empty string."""
        ...

    def run(self, script: str, files: Mapping[str, str], limits: Limits) -> Ran:
        """Run a script.

        Raises:
            SandboxBrokenError: the sandbox could not be set up; the script did not run.
        """
        ...


class SandboxBrokenError(RuntimeError):
    """The sandbox could not be set up; ``detail`` is what it said, in a few lines."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
