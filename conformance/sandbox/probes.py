"""The escape self-test: programs that try to get out of the sandbox, run inside it.

Each aims at something made for the purpose on this side (a secret in a fresh folder, a listener,
an idle process), never at the host. A probe prints one line: ``held …`` or ``LEAK …``.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.sandbox.contract import Limits, Provider, SandboxBrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TARGETS = "targets.json"


class Probed(NamedTuple):
    """What came of one probe."""

    probe: str
    held: bool
    detail: str


_HEAD = f"""
import json
import os
targets = json.load(open({TARGETS!r}))
def held(why): print("held", why)
def leak(what): print("LEAK", what)
"""

_CALL = """
import ctypes, errno, os
def call(function, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) == 0:
        return None
    return errno.errorcode.get(ctypes.get_errno(), "?")
"""

PROBES: Mapping[str, str] = {
    "read a secret": """
try:
    leak("read " + open(targets["secret"]).read()[:8])
except OSError as error:
    held(type(error).__name__)
""",
    "write outside": """
import os
try:
    os.makedirs(targets["folder"], exist_ok=True)
    open(os.path.join(targets["folder"], "written"), "w").write("x")
    leak("wrote")
except OSError as error:
    held(type(error).__name__)
""",
    "connect to a TCP listener": """
import socket
try:
    socket.create_connection(("127.0.0.1", targets["port"]), timeout=2)
    leak("connected")
except OSError as error:
    held(type(error).__name__)
""",
    "connect to an abstract socket": """
import socket
try:
    socket.socket(socket.AF_UNIX).connect(chr(0) + targets["abstract"])
    leak("connected")
except OSError as error:
    held(type(error).__name__)
""",
    "see the parent's process": """
import os
def sees(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return os.path.exists(f"/proc/{pid}")
    except PermissionError:
        return True
    return True
if os.getppid() == targets["parent"] or sees(targets["parent"]):
    leak("saw it")
else:
    held("it is not there")
""",
    "signal a process": """
import os, signal
try:
    os.kill(targets["idle"], signal.SIGTERM)
    leak("signalled")
except OSError as error:
    held(type(error).__name__)
""",
    "fork over the limit": """
import os
try:
    for _ in range(4):
        if os.fork() == 0:
            os._exit(0)
    leak("forked")
except OSError as error:
    held(type(error).__name__)
""",
    "allocate over the limit": """
try:
    held_bytes = bytearray(targets["too_many_bytes"])
    leak(f"allocated {len(held_bytes)}")
except MemoryError:
    held("MemoryError")
""",
    "mount": _CALL
    + """
error = call("mount", b"none", b"/work", b"tmpfs", 0, None)
leak("mounted") if error is None else held(error)
""",
    "make a user namespace": _CALL
    + """
error = call("unshare", 0x10000000)
leak("made one") if error is None else held(error)
""",
    "write a file over the limit": """
try:
    with open("big", "wb") as file:
        for _ in range(targets["too_big_file"] // 2**20):
            file.write(bytes(2**20))
    leak("wrote it")
except OSError as error:
    held(type(error).__name__)
""",
    "fill the folder": """
try:
    for number in range(targets["too_full_folder"] // 2**20):
        open(f"part{number}", "wb").write(bytes(2**20))
    leak("wrote it")
except OSError as error:
    held(type(error).__name__)
""",
}


def script(probe: str) -> str:
    """Return the program of a probe; it reads its targets from ``targets.json``."""
    return _HEAD + PROBES[probe]


def probe(provider: Provider, limits: Limits | None = None) -> list[Probed]:
    """Run every probe in the sandbox of ``provider``."""
    most = limits or Limits()
    with targets(most) as aims:
        files = {TARGETS: json.dumps(aims)}
        return [_probed(name, provider, files, most) for name in PROBES]


@contextlib.contextmanager
def targets(limits: Limits) -> Iterator[dict[str, Any]]:
    """Make what the probes aim at, and take it away again."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probe-")))
        (folder / "secret.txt").write_text(secrets.token_hex(), encoding="ascii")
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        name = f"probe-{secrets.token_hex(8)}"
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind("\0" + name)
        unix.listen()
        idle = stack.enter_context(idle_process())
        yield {
            "secret": str(folder / "secret.txt"),
            "folder": str(folder),
            "port": tcp.getsockname()[1],
            "abstract": name,
            "parent": os.getpid(),
            "idle": idle.pid,
            "too_many_bytes": limits.memory_bytes + 1,
            "too_big_file": 2 * limits.file_bytes,
            "too_full_folder": 2 * limits.folder_bytes,
        }


@contextlib.contextmanager
def idle_process(
    name: str = "", env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that waits for its input to end, with a name among its arguments."""
    command = [sys.executable, "-I", "-S", "-c", "print(flush=True); input()", name]
    with subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
    ) as process:
        try:
            # Only now it has its arguments and environment.
            process.stdout.readline()  # type: ignore[union-attr]
            yield process
        finally:
            process.kill()


def _probed(name: str, provider: Provider, files: Mapping[str, str], limits: Limits) -> Probed:
    try:
        ran = provider.run(script(name), files, limits)
    except SandboxBrokenError as error:
        return Probed(name, held=False, detail=f"did not run: {error.detail}")
    verdict, _, detail = ran.output.strip().partition(" ")
    if verdict not in ("held", "LEAK"):
        detail = f"did not end: exit {ran.exit_code}, limit {ran.limit}, {ran.error[-200:]}"
    return Probed(name, verdict == "held", detail)
