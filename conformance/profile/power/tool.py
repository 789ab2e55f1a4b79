"""Runs a vendor's command line tool, looked for in PATH and in the vendor's own folders.

It has a time limit, nothing on its standard input, and messages in English.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conformance.errors import ConformanceError
from conformance.profile.power.contract import PowerFormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

Run = Callable[[Sequence[str]], bytes]
"""Runs a command, the tool's bare name first, and returns its standard output.

Raises:
    ToolMissingError: the tool is not on this machine.
    PowerFormatError: it ended with an error, or did not end in time.
"""

TIMEOUT_S = 10.0
MEND = "run `conformance profile capture` on this machine and send what it saves"

FOLDERS: dict[str, tuple[str, ...]] = {
    "amd-smi": ("/opt/rocm/bin", "/opt/rocm-*/bin"),
    "brsmi": ("/usr/local/birensupa/bin", "/usr/local/birensupa/driver/bin"),
    "cnmon": ("/usr/local/neuware/bin",),
    "hy-smi": ("/opt/hyhal/bin", "/opt/dtk/bin", "/opt/dtk-*/bin"),
    "ixsmi": ("/usr/local/corex/bin", "/usr/local/corex-*/bin"),
    "mthreads-gmi": ("/usr/local/musa/bin",),
    "mx-smi": ("/opt/mxdriver/bin", "/opt/maca/bin", "/opt/mxn100/bin"),
    "npu-smi": ("/usr/local/Ascend/driver/tools", "/usr/local/sbin"),
}
"""Where a tool may be beside PATH; a ``*`` stands for a version, the newest of which is taken."""

LIBRARIES: dict[str, tuple[str, ...]] = {"ixsmi": ("../lib64", "../lib")}
"""Folders beside the program that its own libraries are in, and the loader does not know of."""


class ToolMissingError(ConformanceError):
    """The tool is not on this machine."""


class Result(NamedTuple):
    """What came of a command."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None
    """Null where it did not end in time and was stopped."""
    seconds: float


def find_program(name: str, folders: dict[str, tuple[str, ...]] = FOLDERS) -> Path | None:
    """Return where a tool is: in PATH, else in the vendor's folders."""
    if found := shutil.which(name):
        return Path(found)
    for pattern in folders.get(name, ()):
        for folder in sorted(glob(pattern), key=_version, reverse=True):  # noqa: PTH207 - absolute
            if found := shutil.which(name, path=folder):
                return Path(found)
    return None


def execute(
    argv: Sequence[str], *, cwd: Path | None = None, timeout_s: float = TIMEOUT_S
) -> Result:
    """Run a command to its end, whatever that is.

    Raises:
        ToolMissingError: the tool is not on this machine, or cannot be run.
    """
    name, *rest = argv
    if (program := find_program(name)) is None:
        raise ToolMissingError(f"{name} is not on this machine", where=name)
    begun = time.perf_counter()
    try:
        process = subprocess.Popen(  # noqa: S603 - a fixed command of a known tool, no shell
            [program, *rest],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=_environment(program),
            start_new_session=True,
        )
    except OSError as error:
        raise ToolMissingError(f"{name} cannot be run ({error})", where=str(program)) from None
    with process:
        code: int | None
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
            code = process.returncode
        except subprocess.TimeoutExpired:
            # The whole session: a child that lives on would hold the pipes open.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = _what_is_left(process)
            code = None
    return Result(stdout, stderr, code, time.perf_counter() - begun)


def run_tool(argv: Sequence[str]) -> bytes:
    """Run a command and return its standard output; a ``Run``.

    Raises:
        ToolMissingError: the tool is not on this machine.
        PowerFormatError: it ended with an error, or did not end in time.
    """
    result = execute(argv)
    command = " ".join(argv)
    if result.exit_code is None:
        raise PowerFormatError(f"did not end within {TIMEOUT_S:g} s", where=command, mend=MEND)
    if result.exit_code != 0:
        said = _first_line((result.stderr, result.stdout))
        raise PowerFormatError(
            f"ended with exit code {result.exit_code}: {said}", where=command, mend=MEND
        )
    return result.stdout


def _what_is_left(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Return what a stopped tool printed; nothing where a child of another session lives on."""
    try:
        return process.communicate(timeout=1)
    except subprocess.TimeoutExpired:
        return b"", b""


def _environment(program: Path) -> dict[str, str]:
    """Return the environment: plain English, and the tool's own libraries where it needs them."""
    environment = dict(os.environ) | {"LC_ALL": "C", "LANG": "C"}
    # The link may be in another folder than the libraries: they are beside the file itself.
    folders = {
        str((home / folder).resolve())
        for home in (program.parent, program.resolve().parent)
        for folder in LIBRARIES.get(program.name, ())
        if (home / folder).is_dir()
    }
    if folders:
        known = environment.get("LD_LIBRARY_PATH")
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(
            [*sorted(folders), *([known] if known else [])]
        )
    return environment


def _version(folder: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", folder)]


def _first_line(outputs: Iterable[bytes]) -> str:
    """Return what a tool said first, short and safe to print."""
    for output in outputs:
        for line in output.decode(errors="replace").splitlines():
            if line.strip():
                return ascii(line.strip()[:200])
    return "nothing was said"
