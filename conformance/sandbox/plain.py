"""No sandbox: a program like any other of this user, with its environment and end alone kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.clearing import clear_away
from conformance.sandbox.started import PATH, Started, rlimits, spawn, unless_called_off
from conformance.sandbox.watch import family, processes

if TYPE_CHECKING:
    import subprocess

    from conformance.sandbox.probes import Probed
    from conformance.sandbox.programs import Door, Program

MARK = "AGENT_PROGRAM"
"""A variable by which all that a program started is found again, wherever it went."""
SWEEP_S = 5.0


class Plain:
    """Implements ``programs.Launcher`` without any isolation."""

    name = "none"
    is_jail = False

    def describe(self) -> dict[str, Any]:
        """Return that nothing isolates, and what enforces each limit."""
        means = dict.fromkeys(("memory", "processes", "output"), "watched")
        return {
            "name": self.name,
            "version": "",
            "means": {**means, "folder": "RLIMIT_FSIZE, watched"},
        }

    def self_test(self, door: Door) -> list[Probed]:
        """Tell what an agent can reach; see ``programs.Launcher``."""
        from conformance.sandbox.escape import probed

        return probed(lambda _hidden: self, door, (sys.executable, "-I", "-B"))

    async def launch(self, program: Program, door: Door) -> Started:
        """Start a program; see ``programs.Launcher``."""
        del door  # its port can be reached as it is
        return await unless_called_off(self._launch(program))

    async def _launch(self, program: Program) -> Started:
        mark = secrets.token_hex(16)
        scratch = Path(tempfile.mkdtemp(prefix="conformance-home-"))
        try:
            own = {"HOME": scratch / "home", "TMPDIR": scratch / "tmp"}
            for folder in own.values():
                folder.mkdir()
            env = {"PATH": PATH, **{name: str(folder) for name, folder in own.items()}}
            env |= {**program.env, MARK: mark}
            process = spawn(program.argv, program, env=env, cwd=program.cwd)
        except BaseException:
            clear_away(scratch)
            raise
        _limit(process.pid, program)
        started = Started(process, program, _Group(process, mark, scratch, program))
        await started.connect(has_pipes=program.has_pipes)
        return started


class _Group:
    """Implements ``started.Hold``: a process, its group, and what it left elsewhere."""

    counts_root = True

    def __init__(
        self, process: subprocess.Popen[bytes], mark: str, scratch: Path, program: Program
    ) -> None:
        self.root_pid: int | None = process.pid
        self.folders = (scratch, program.work, *program.writable)
        self._process = process
        self._mark = f"{MARK}={mark}".encode()
        self._scratch = scratch

    def terminate(self) -> None:
        """Send SIGTERM to the group."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the group; once its first process has ended, ``finish`` ends the rest."""
        self._send(signal.SIGKILL)

    async def finish(self) -> None:
        """End all that the program left behind, and clear its home away."""
        self._send(signal.SIGKILL)
        await asyncio.to_thread(self._sweep)

    def code(self, returned: int) -> int:
        """Return the process's own code."""
        return returned

    def release(self) -> None:
        """Clear away what an end called off has left."""
        clear_away(self._scratch)

    def _send(self, number: signal.Signals) -> None:
        if self._process.returncode is None:  # it is not taken yet: the number is its own
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _sweep(self) -> None:
        """Stop all of them first, so that none makes new ones meanwhile; then kill them."""
        until = time.monotonic() + SWEEP_S
        stopped: set[int] = set()
        while (left := self._left()) and time.monotonic() < until:
            new = left - stopped
            for pid in new or left:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGSTOP if new else signal.SIGKILL)
            stopped |= new
            if not new:
                time.sleep(0.005)
        clear_away(self._scratch)

    def _left(self) -> set[int]:
        everyone = processes()
        found = family(self._process.pid, everyone)
        for pid in everyone.keys() - found:
            with contextlib.suppress(OSError):
                if self._mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                    found |= family(pid, everyone)
        return {pid for pid in found if pid in everyone and not everyone[pid].is_over}


def _limit(pid: int, program: Program) -> None:
    """Set what the kernel keeps; the processes that it starts inherit it."""
    if sys.platform != "linux":
        return
    import resource

    for name, most in rlimits(program).items():
        limit = getattr(resource, name)
        with contextlib.suppress(ProcessLookupError):
            hard = resource.prlimit(pid, limit)[1]
            lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.prlimit(pid, limit, (lowest, lowest))
