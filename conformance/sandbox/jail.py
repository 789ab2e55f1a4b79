"""The jail: a bubblewrap around an agent, with no network but the gateway's socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.sandbox import view
from conformance.sandbox.bubblewrap import own_interpreter, readable
from conformance.sandbox.contract import SandboxBrokenError
from conformance.sandbox.programs import Program
from conformance.sandbox.report import Report
from conformance.sandbox.seccomp import compiled
from conformance.sandbox.started import (
    PATH,
    SPARE_PROCESSES,
    Started,
    rlimits,
    spawn,
    unless_called_off,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.sandbox.bubblewrap import Bubblewrap
    from conformance.sandbox.probes import Probed
    from conformance.sandbox.programs import Door

INIT = Path(__file__).with_name("jail_init.py")
INIT_INSIDE = "/.jail/init.py"
SOCKET_INSIDE = "/.jail/gateway.sock"
HOME = "/home/agent"
ENVIRONMENT = {
    "HOME": HOME,
    "PATH": PATH,
    "TMPDIR": "/tmp",  # noqa: S108 - the jail's own
}
START_S = 60.0
_PYTHON = ("-I", "-S", "-B")
_COUNTS_BY_NAMESPACE = (5, 14)
"""The Linux from which on RLIMIT_NPROC counts the processes of a user namespace alone."""


class Jail:
    """Implements ``programs.Launcher`` with bubblewrap.

    Args:
        bubblewrap: The one that works here.
        hidden: Places that no program may see, beside the suite's own.
    """

    name = "bubblewrap"
    is_jail = True

    def __init__(self, bubblewrap: Bubblewrap, hidden: Iterable[Path] = ()) -> None:
        self._bubblewrap = bubblewrap
        self._hidden = tuple(hidden)

    def describe(self) -> dict[str, Any]:
        """Return what isolates, its version, and what enforces each limit."""
        return {
            "name": self.name,
            "version": self._bubblewrap.version(),
            "means": {
                "network": "namespace, one Unix socket",
                "files": "namespace, read-only",
                "system calls": "seccomp",
                "memory": "watched",
                "processes": "RLIMIT_NPROC, watched" if _counts_processes() else "watched",
                "folder": "tmpfs, RLIMIT_FSIZE, watched",
                "output": "watched",
            },
        }

    def complaint(self) -> str | None:
        """Try the jail for real; return why it does not work, or None where it does."""
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            work = Path(name)
            command, fds = self._command(Program((), {}, work, work), stack)
            command += ["--", *_init_python(), "-c", "print(42)"]
            try:
                done = subprocess.run(  # noqa: S603 - the command is ours
                    command, capture_output=True, env={}, pass_fds=fds, timeout=START_S, check=False
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                return str(error)
        if done.stdout == b"42\n":
            return None
        return done.stderr.decode("utf-8", "replace").strip()[-500:] or f"exit {done.returncode}"

    def self_test(self, door: Door) -> list[Probed]:
        """Try to get out; see ``programs.Launcher``."""
        from conformance.sandbox.escape import probed

        return probed(self.hiding, door, (_init_python()[0], "-I", "-B"))

    def hiding(self, places: Iterable[Path]) -> Jail:
        """Return a jail like this that hides more."""
        return Jail(self._bubblewrap, (*self._hidden, *places))

    async def launch(self, program: Program, door: Door) -> Started:
        """Start a program; see ``programs.Launcher``."""
        return await unless_called_off(self._launch(program, door))

    async def _launch(self, program: Program, door: Door) -> Started:
        limits = rlimits(program)
        if _counts_processes():
            limits["RLIMIT_NPROC"] = program.limits.processes + SPARE_PROCESSES
        spec = {
            "argv": program.argv,
            "env": ENVIRONMENT | dict(program.env),
            "cwd": os.fspath(program.cwd),
            "port": door.port,
            "socket": SOCKET_INSIDE,
            "limits": limits,
        }
        with contextlib.ExitStack() as stack:
            command, fds = await asyncio.to_thread(self._command, program, stack)
            spec_fd = readable(stack, json.dumps(spec).encode())
            told, telling = os.pipe()
            stack.callback(os.close, telling)
            # Bubblewrap keeps one end to itself, and the first process gets the other.
            status = os.dup(telling)
            stack.callback(os.close, status)
            command += ["--json-status-fd", str(status)]
            command += ["--ro-bind", str(door.socket), SOCKET_INSIDE]
            command += ["--ro-bind", str(INIT), INIT_INSIDE, "--remount-ro", "/", "--"]
            command += [*_init_python(), INIT_INSIDE, str(spec_fd), str(telling)]
            try:
                process = spawn(command, program, env={}, pass_fds=(*fds, spec_fd, telling, status))
            except OSError as error:
                os.close(told)
                raise SandboxBrokenError(f"{command[0]} cannot be started: {error}") from error
            hold = _Namespace(process, (program.work, *program.writable))
            started = Started(process, program, hold)
            await started.read(hold.report, os.fdopen(told, "rb"))
        await started.connect(has_pipes=program.has_pipes)
        await begun(hold.report, started)
        return started

    def _command(
        self, program: Program, stack: contextlib.ExitStack
    ) -> tuple[list[str], list[int]]:
        """Return all but the last words of the command, and the descriptors that it names."""
        fds = [readable(stack, compiled(platform.machine(), for_program=True))]
        command = [self._bubblewrap.binary, "--seccomp", str(fds[0])]
        command += ["--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"]
        if self._bubblewrap.disables_userns:
            command.append("--disable-userns")
        # The kernel ends it with the thread that started it: the event loop's.
        command += ["--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "sandbox"]
        command += ["--cap-drop", "ALL"]
        command += _system(program.limits.folder_bytes)
        for name, text in view.MADE_UP.items():
            fds.append(readable(stack, text.encode()))
            command += ["--perms", "0644", "--file", str(fds[-1]), name]
        command += self._places(program)
        return command, fds

    def _places(self, program: Program) -> Iterator[str]:
        """Yield what mounts a program's places, and the emptiness over hidden ones."""
        wanted = program._replace(files=(*_init_files(), *program.files))
        places = view.view_of(wanted, self._hidden, view.system_files())
        at = [place.at for place in places if isinstance(place, view.Shown)]
        if not any(map(program.cwd.is_relative_to, (*at, *view.SYSTEM))):
            yield from ("--dir", str(program.cwd))
        emptied = []
        for place in places:
            if isinstance(place, view.Shown):
                yield from ("--bind" if place.is_writable else "--ro-bind", place.source, place.at)
            elif place.is_dir():
                emptied.append(str(place))
                yield from ("--size", "4096", "--tmpfs", str(place))
            else:
                yield from ("--ro-bind", os.devnull, str(place))
        for name in emptied:
            yield from ("--remount-ro", name)


class _Namespace:
    """Implements ``started.Hold``: with its first process, all of a process namespace ends."""

    counts_root = False

    def __init__(self, process: subprocess.Popen[bytes], folders: tuple[Path, ...]) -> None:
        self.folders = folders
        self.root_pid: int | None = None
        self.report = Report(self._found)
        self._process = process
        self._first: int | None = None

    def terminate(self) -> None:
        """Send SIGTERM to the first process, which passes it on."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the first process, or bubblewrap where there is none yet."""
        if self._first is None:
            self._process.kill()
        else:
            self._send(signal.SIGKILL)

    async def finish(self) -> None:
        """Wait for the last words: bubblewrap's own end comes after that of all inside."""
        await self.report.is_over()

    def code(self, returned: int) -> int:
        """Return the program's code."""
        return self.report.exit_code(returned)

    def release(self) -> None:
        """Let go of the first process."""
        first, self._first = self._first, None
        if first is not None:
            os.close(first)

    def _found(self, pid: int) -> None:
        """Take hold of the first process, as bubblewrap told it."""
        with contextlib.suppress(OSError):  # it has ended already
            self._first = os.pidfd_open(pid)
            self.root_pid = pid

    def _send(self, number: signal.Signals) -> None:
        if self._first is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, number)


async def begun(report: Report, started: Started) -> None:
    """Wait until the first process has started the program.

    Raises:
        SandboxBrokenError: there is no first process.
        OSError: the program cannot be started.
    """
    try:
        failure = await report.begun(START_S)
    except TimeoutError:
        await started.kill()
        raise SandboxBrokenError(f"it did not start within {START_S:.0f} s") from None
    except EOFError:
        ended = await started.wait()
        said = ended.said.strip()[-500:] or f"it ended with {ended.code}"
        raise SandboxBrokenError(said) from None
    if failure is not None:
        await started.wait()
        raise failure


def _system(tmpfs_bytes: int) -> Iterator[str]:
    """Yield what mounts the system's files, and the folders that any program expects."""
    size = ("--size", str(tmpfs_bytes))
    for target, name in view.system_links():
        yield from ("--symlink", target, name)
    for shown in view.system_files():
        yield from ("--ro-bind", shown.source, shown.at)
    yield from ("--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", "/dev/shm")  # noqa: S108
    yield from ("--remount-ro", "/dev")
    yield from ("--perms", "1777", *size, "--tmpfs", "/tmp")  # noqa: S108
    yield from (*size, "--tmpfs", HOME, "--symlink", "/tmp", "/var/tmp", "--dir", "/run")  # noqa: S108


def _counts_processes() -> bool:
    """Say whether the kernel keeps the limit of processes: not for root, and not for all of old."""
    version = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    return os.getuid() != 0 and version >= _COUNTS_BY_NAMESPACE


def _init_python() -> tuple[str, ...]:
    return (own_interpreter().executable, *_PYTHON)


def _init_files() -> tuple[Path, ...]:
    interpreter = own_interpreter()
    return (Path(interpreter.executable), *map(Path, interpreter.folders))
