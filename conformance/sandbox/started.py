"""A program that was started: its streams, its limits, its end. The same for every launcher."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any, Literal, Protocol

from conformance.sandbox import watch
from conformance.sandbox.programs import Exit

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from pathlib import Path

    from conformance.sandbox.programs import Program, ProgramLimits

LONGEST_LINE = 16 * 1024 * 1024
"""Of what a program with pipes writes to its standard output; more waits for the reader."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Of a program that was given none."""
OPEN_FILES = 4096
SPARE_PROCESSES = 64
"""By so many the kernel's limit is higher: the watch ends a program first, and tells why."""
LAST_OUTPUT_S = 2.0
"""How long output is waited for once nothing of a program is left."""


class Hold(Protocol):
    """What a launcher has of what it started."""

    @property
    def root_pid(self) -> int | None:
        """Return the process that the program's descend from; None while unknown."""
        ...

    @property
    def counts_root(self) -> bool:
        """Say whether that process is one of the program's own."""
        ...

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return the folders of the program that no size is set for."""
        ...

    def terminate(self) -> None:
        """Ask the program to end: SIGTERM."""
        ...

    def kill(self) -> None:
        """End all that it started: SIGKILL. Never raises, and never waits."""
        ...

    def release(self) -> None:
        """Let go of what is held, at the very end."""
        ...

    async def finish(self) -> None:
        """Once the process that was started has ended, and is not taken yet: end all the rest."""
        ...

    def code(self, returned: int) -> int:
        """Return the program's own code, given that of the process."""
        ...


def spawn(
    command: Sequence[str],
    program: Program,
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, with a program's streams.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(  # noqa: S603 - to run an agent's program is what this is for
        command,
        stdin=subprocess.PIPE if program.has_pipes else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd=cwd,
        pass_fds=pass_fds,
        start_new_session=True,
    )


def rlimits(program: Program) -> dict[str, int]:
    """Return the limits that the kernel keeps for each process, by the names of ``resource``."""
    return {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": program.limits.folder_bytes,
        "RLIMIT_NOFILE": OPEN_FILES,
    }


class Started:
    """Implements ``programs.Running``."""

    def __init__(self, process: subprocess.Popen[bytes], program: Program, hold: Hold) -> None:
        self.limits: ProgramLimits = program.limits
        self._process = process
        self._hold = hold
        self._killed_for: Literal["memory", "processes", "folder", "output"] | None = None
        self._written = 0
        self._reading: list[asyncio.BaseTransport] = []
        self._error = _Tail(self)
        self._output = _Tail(self)
        self._ends = [self._error.end, self._output.end]
        self._stdin: asyncio.StreamWriter | None = None
        self._stdout: asyncio.StreamReader | None = None
        self._end = asyncio.create_task(self._see_out())

    async def connect(self, *, has_pipes: bool) -> None:
        """Begin to read the streams."""
        process = self._process
        await self.read(self._error, process.stderr)
        if not has_pipes:
            await self.read(self._output, process.stdout)
            return
        loop = asyncio.get_running_loop()
        self._stdout = asyncio.StreamReader(LONGEST_LINE)
        reading = _Counted(self._stdout, self)
        self._ends = [self._error.end, reading.end]
        await self.read(reading, process.stdout)
        # A reader that nothing is fed to: its protocol is what makes ``drain`` work.
        writing = asyncio.StreamReaderProtocol(asyncio.StreamReader())
        transport, _ = await loop.connect_write_pipe(lambda: writing, process.stdin)
        self._stdin = asyncio.StreamWriter(transport, writing, None, loop)

    async def read(self, protocol: asyncio.Protocol, pipe: Any) -> None:
        """Read a pipe until the program's end."""
        loop = asyncio.get_running_loop()
        self._reading.append((await loop.connect_read_pipe(lambda: protocol, pipe))[0])

    @property
    def root_pid(self) -> int | None:
        """See ``watch.Watched``."""
        return self._hold.root_pid

    @property
    def counts_root(self) -> bool:
        """See ``watch.Watched``."""
        return self._hold.counts_root

    @property
    def folders(self) -> tuple[Path, ...]:
        """See ``watch.Watched``."""
        return self._hold.folders

    @property
    def stdin(self) -> asyncio.StreamWriter:
        """Return its standard input, where it has pipes."""
        assert self._stdin is not None, "it has no pipes"  # noqa: S101
        return self._stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        """Return its standard output, where it has pipes."""
        assert self._stdout is not None, "it has no pipes"  # noqa: S101
        return self._stdout

    async def wait(self) -> Exit:
        """Wait until nothing of it is left."""
        return await asyncio.shield(self._end)

    async def stop(self, grace_s: float = 3.0) -> None:
        """End it with all it started: SIGTERM, then SIGKILL; at once where this is cancelled."""
        if self._end.done():
            return
        try:
            self._hold.terminate()
            await asyncio.wait({self._end}, timeout=grace_s)
        finally:
            self.end_now()
        await self.wait()

    async def kill(self) -> None:
        """End it with all it started: SIGKILL."""
        self.end_now()
        await self.wait()

    def end_now(self) -> None:
        """Send SIGKILL to all of it, without waiting for the end."""
        if not self._end.done():
            self._hold.kill()

    def crossed(self, limit: Literal["memory", "processes", "folder", "output"]) -> None:
        """End it for a limit."""
        if self._killed_for is None:
            self._killed_for = limit
            self.end_now()

    def wrote(self, count: int) -> None:
        """Count output."""
        self._written += count
        if self._written > self.limits.output_bytes:
            self.crossed("output")

    async def _see_out(self) -> Exit:
        """See to its limits, and to its end."""
        watch.watch(self)
        try:
            await _ended(self._process)
            # Not taken before: so long no other process can have its number.
            await self._hold.finish()
            code = self._hold.code(self._process.wait())
            await asyncio.wait(self._ends, timeout=LAST_OUTPUT_S)
        except asyncio.CancelledError:
            # The event loop is being closed: nothing may be left of it.
            self._hold.kill()
            self._process.wait()
            raise
        finally:
            watch.forget(self)
            self._hold.release()
            for transport in self._reading:
                transport.close()
            if self._stdin is not None and not self._stdin.is_closing():
                self._stdin.transport.abort()
        if code == -signal.SIGXFSZ and self._killed_for is None:
            self._killed_for = "folder"
        output = self._output.text()
        return Exit(code, self._killed_for, self._error.text() or output, output)


async def unless_called_off(start: Coroutine[Any, Any, Started]) -> Started:
    """Wait for a start; where the wait is called off, the program ends as soon as it has begun."""
    work = asyncio.create_task(start)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        work.add_done_callback(_end_at_once)
        raise


def _end_at_once(start: asyncio.Task[Started]) -> None:
    if not start.cancelled() and start.exception() is None:
        start.result().end_now()


class _Tail(asyncio.Protocol):
    """Keeps the end of a stream."""

    def __init__(self, program: Started) -> None:
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._program = program
        self._kept = bytearray()

    def data_received(self, data: bytes) -> None:
        self._kept += data
        del self._kept[: -self._program.limits.kept_bytes]
        self._program.wrote(len(data))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.end.done():
            self.end.set_result(None)

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")


class _Counted(asyncio.StreamReaderProtocol):
    """Counts what a reader is fed."""

    def __init__(self, reader: asyncio.StreamReader, program: Started) -> None:
        super().__init__(reader)
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._program = program

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._program.wrote(len(data))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.end.done():
            self.end.set_result(None)


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a child, without taking it."""
    loop = asyncio.get_running_loop()
    seen = asyncio.Event()
    try:
        fd = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # no Linux, or one before 5.3

        def wait() -> None:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(seen.set)

        threading.Thread(target=wait, daemon=True).start()
        await seen.wait()
        return
    try:
        loop.add_reader(fd, seen.set)
        await seen.wait()
    finally:
        loop.remove_reader(fd)
        os.close(fd)
