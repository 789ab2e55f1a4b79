"""Running an agent that is a program: what is run, what may run it, what came of it.

A launcher is one way to do so. Paths are the same inside and outside, so nothing is translated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping
    from pathlib import Path

    from conformance.sandbox.probes import Probed

MIB = 1024 * 1024


class ProgramLimits(msgspec.Struct, frozen=True):
    """What one agent's processes may use together."""

    memory_bytes: int = 4096 * MIB
    processes: int = 512
    """Threads included, as the kernel counts them."""
    folder_bytes: int = 1024 * MIB
    """Of its work folder and store together; of its home, of ``/tmp`` and of shared memory each;
    and of any one file."""
    output_bytes: int = 64 * MIB
    """Of standard output and error before it is killed."""
    kept_bytes: int = 16 * 1024
    """The end of standard error (and output) that is kept."""


class Program(NamedTuple):
    """One start of an agent."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    """All of it; nothing is inherited. ``HOME``, ``TMPDIR`` and ``PATH`` are the launcher's where
    they are not given."""
    work: Path
    """A folder of this start's own, for both sides to write: its working files, its result."""
    cwd: Path
    """Where it is started. Nothing in it is shown for that."""
    files: tuple[Path, ...] = ()
    """Files and folders it may read beside the system's: its own code, its interpreter
    (``interpreter_files``). What the launcher hides stays hidden, wherever it lies."""
    writable: tuple[Path, ...] = ()
    """More folders it may write to: its store."""
    has_pipes: bool = False
    """Standard input and output are the caller's (``Running.stdin``, ``.stdout``)."""
    limits: ProgramLimits = ProgramLimits()


class Door(NamedTuple):
    """The gateway, as a launcher needs to know it."""

    port: int
    """On loopback; the same number inside a jail."""
    socket: Path


class Exit(NamedTuple):
    """How a program ended."""

    code: int
    """Negative: the signal that ended it."""
    killed_for: Literal["memory", "processes", "folder", "output"] | None
    """The limit it was killed for."""
    said: str
    """The end of what it wrote to standard error, or else to standard output."""
    output: str = ""
    """The end of what it wrote to standard output, where it has no pipes."""


class Running(Protocol):
    """A program at work."""

    @property
    def stdin(self) -> asyncio.StreamWriter:
        """Its standard input, where it has pipes."""
        ...

    @property
    def stdout(self) -> asyncio.StreamReader:
        """Its standard output, where it has pipes."""
        ...

    async def wait(self) -> Exit:
        """Wait for its end; may be called again, and by several."""
        ...

    async def stop(self, grace_s: float = 3.0) -> None:
        """End it with all it started: SIGTERM, then SIGKILL. May be called again."""
        ...

    async def kill(self) -> None:
        """End it with all it started, now: SIGKILL."""
        ...


class Launcher(Protocol):
    """One way to run agents that are programs."""

    name: str
    """``bubblewrap``, ``docker``, ``podman`` or ``none``."""
    is_jail: bool
    """It means to hold a program; ``self_test`` says whether it does."""

    def self_test(self, door: Door) -> list[Probed]:
        """Try to get out from inside, each probe at a target made for it; blocking, seconds."""
        ...

    async def launch(self, program: Program, door: Door) -> Running:
        """Start a program.

        Raises:
            UsageError: what it shall see is too much for a jail.
            SandboxBrokenError: the sandbox could not be set up; the program did not run.
            OSError: the program itself cannot be started (FileNotFoundError, PermissionError).
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return what isolates, its version, and what enforces each limit."""
        ...
