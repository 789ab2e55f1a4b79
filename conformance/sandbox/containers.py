"""Docker or Podman around an agent that is a program: the jail's first process in an image.

The image needs ``python3``. Its own environment variables do not count: a program gets its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.clearing import clear_away
from conformance.errors import AgentUnavailableError
from conformance.sandbox import mend, view
from conformance.sandbox.contract import SandboxBrokenError
from conformance.sandbox.jail import ENVIRONMENT, HOME, INIT, INIT_INSIDE, SOCKET_INSIDE, begun
from conformance.sandbox.report import Report
from conformance.sandbox.started import SPARE_PROCESSES, Started, rlimits, spawn, unless_called_off

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.sandbox.probes import Probed
    from conformance.sandbox.programs import Door, Program

INSIDE = Path(INIT_INSIDE).parent
PYTHON = ("python3", "-I", "-S", "-B")
KILL_S = 10.0
ASK_S = 30.0


class Containers:
    """Implements ``programs.Launcher`` with the command line of a container engine.

    Args:
        engine: ``docker`` or ``podman``.
        image: An image that is there already, with ``python3``.
        hidden: Places that no program may see, beside the suite's own.

    Raises:
        AgentUnavailableError: no engine, or no such image.
    """

    is_jail = True

    def __init__(self, engine: str, image: str, hidden: Iterable[Path] = ()) -> None:
        self.name = engine
        self.image = image
        self._hidden = tuple(hidden)
        where = f"--sandbox {engine}"
        if shutil.which(engine) is None:
            raise AgentUnavailableError(
                f"{engine} is not installed", where=where, mend=mend.ENGINES.format(name=engine)
            )
        asked = self._ask("image", "inspect", image)
        if asked.returncode != 0:
            said = asked.stderr.strip().rpartition("\n")[2] or f"exit {asked.returncode}"
            raise AgentUnavailableError(
                said, where=where, mend=mend.PULL.format(name=engine, image=image)
            )

    def describe(self) -> dict[str, Any]:
        """Return what isolates, its version, and what enforces each limit."""
        return {
            "name": self.name,
            "version": self._ask("--version").stdout.strip(),
            "image": self.image,
            "means": {
                "network": "none, one Unix socket",
                "files": "the image, read-only",
                "system calls": "the engine's filter",
                "memory": "cgroup, watched",
                "processes": "cgroup, watched",
                "folder": "tmpfs, RLIMIT_FSIZE, watched",
                "output": "watched",
            },
        }

    def self_test(self, door: Door) -> list[Probed]:
        """Try to get out; see ``programs.Launcher``."""
        from conformance.sandbox.escape import probed

        return probed(self.hiding, door, ("python3", "-I", "-B"))

    def hiding(self, places: Iterable[Path]) -> Containers:
        """Return a launcher like this that hides more."""
        return Containers(self.name, self.image, (*self._hidden, *places))

    async def launch(self, program: Program, door: Door) -> Started:
        """Start a program; see ``programs.Launcher``."""
        return await unless_called_off(self._launch(program, door))

    async def _launch(self, program: Program, door: Door) -> Started:
        name = f"conformance-{secrets.token_hex(8)}"
        control = Path(tempfile.mkdtemp(prefix="conformance-control-"))
        try:
            command = await asyncio.to_thread(self._command, program, door, name, control)
            report = os.open(control / "report", os.O_RDONLY | os.O_NONBLOCK)
            try:
                process = spawn(command, program, env=os.environ)
            except OSError as error:
                os.close(report)
                raise SandboxBrokenError(f"{self.name} cannot be started: {error}") from error
        except BaseException:
            clear_away(control)
            raise
        hold = _Container(self.name, name, process, control, program)
        started = Started(process, program, hold)
        await started.read(hold.report, os.fdopen(report, "rb"))
        await started.connect(has_pipes=program.has_pipes)
        await begun(hold.report, started)
        hold.root_pid = await asyncio.to_thread(self._first_process, name)
        return started

    def _command(self, program: Program, door: Door, name: str, control: Path) -> list[str]:
        """Return the command, with the files it needs in ``control``."""
        limits = program.limits
        spec = {
            "argv": program.argv,
            "env": ENVIRONMENT | dict(program.env),
            "cwd": os.fspath(program.cwd),
            "port": door.port,
            "socket": SOCKET_INSIDE,
            "limits": rlimits(program),
        }
        (control / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        shutil.copyfile(INIT, control / Path(INIT_INSIDE).name)
        (control / Path(SOCKET_INSIDE).name).touch()  # what the socket is mounted on
        os.mkfifo(control / "report")
        tmpfs = f"rw,exec,nosuid,nodev,mode=1777,size={limits.folder_bytes}"
        command = [self.name, "run", "--rm", "--pull", "never", "--name", name]
        command += ["--network", "none", "--hostname", "sandbox", "--log-driver", "none"]
        command += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"]
        command += ["--user", f"{os.getuid()}:{os.getgid()}"]
        if self.name == "podman" and os.getuid() != 0:
            command += ["--userns", "keep-id"]
        command += ["--pids-limit", str(limits.processes + SPARE_PROCESSES)]
        # What is in a tmpfs counts here too; the limit of its processes alone is watched.
        memory = str(limits.memory_bytes + 3 * limits.folder_bytes)
        command += ["--memory", memory, "--memory-swap", memory]
        command += ["--shm-size", str(limits.folder_bytes)]
        for folder in ("/tmp", HOME):  # noqa: S108 - the container's own
            command += ["--tmpfs", f"{folder}:{tmpfs}"]
        command += ["--mount", _bind(control, INSIDE)]
        command += ["--mount", _bind(door.socket, SOCKET_INSIDE)]
        command += self._places(program)
        command += ["--interactive"] if program.has_pipes else []
        command += ["--entrypoint", PYTHON[0], self.image, *PYTHON[1:], INIT_INSIDE]
        return [*command, str(INSIDE / "spec.json"), str(INSIDE / "report")]

    def _places(self, program: Program) -> Iterator[str]:
        for place in view.view_of(program, self._hidden, system=()):
            if isinstance(place, view.Shown):
                options = () if place.is_writable else ("readonly",)
                yield from ("--mount", _bind(place.source, place.at, *options))
            elif place.is_dir():
                # Podman would fill it with what it covers.
                empty = "ro,size=4096" + (",notmpcopyup" if self.name == "podman" else "")
                yield from ("--tmpfs", f"{place}:{empty}")
            else:
                yield from ("--mount", _bind(os.devnull, place, "readonly"))

    def _first_process(self, name: str) -> int | None:
        """Return the container's first process, by its number outside."""
        said = self._ask("inspect", "--format", "{{.State.Pid}}", name).stdout.strip()
        return int(said) if said.isdigit() and said != "0" else None

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return _ask(self.name, *words)


class _Container:
    """Implements ``started.Hold``: the engine's client passes signals on, but SIGKILL."""

    counts_root = False

    def __init__(
        self,
        engine: str,
        name: str,
        process: subprocess.Popen[bytes],
        control: Path,
        program: Program,
    ) -> None:
        self.folders = (program.work, *program.writable)
        self.root_pid: int | None = None
        self.report = Report()
        self._engine = engine
        self._name = name
        self._process = process
        self._control = control
        self._is_over = threading.Event()
        self._killing: threading.Thread | None = None

    def terminate(self) -> None:
        """Have the client pass SIGTERM on to the first process, which passes it on."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the container by its name, in a thread."""
        if self._killing is None:
            self._killing = threading.Thread(target=self._end, daemon=True)
            self._killing.start()

    async def finish(self) -> None:
        """Wait for the last words; the container is gone with its first process."""
        self._is_over.set()
        await self.report.is_over()
        if self._killing is not None:
            await asyncio.to_thread(self._killing.join)

    def code(self, returned: int) -> int:
        """Return the program's code."""
        return self.report.exit_code(returned)

    def release(self) -> None:
        """Clear away the files of this start."""
        clear_away(self._control)

    def _end(self) -> None:
        """Kill the container, which may be about to be made; in the end give up the client."""
        for _ in range(int(KILL_S)):
            _ask(self._engine, "kill", "--signal", "KILL", self._name)
            if self._is_over.wait(1.0):
                return
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)


def _ask(engine: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a short command of an engine; a failed one has an exit code that is not 0."""
    command = (engine, *words)
    try:
        return subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _bind(source: object, at: object, *options: str) -> str:
    """Return a value of ``--mount``: one line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(
        ("type=bind", f"source={source}", f"target={at}", *options)
    )
    return line.getvalue()
