"""The escape probes for agents that are programs: one program that tries all of them, from inside.

Like ``jail_init`` a program of its own: the standard library alone, Python 3.8 or later. Its
argument is a JSON file with its targets (``escape.aims``), each made for the purpose. It prints a
line of JSON for each probe: ``[NAME, HELD, DETAIL]``.
"""

from __future__ import annotations

import ctypes
import errno
import http.client
import json
import os
import signal
import socket
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Aims = dict[str, Any]

CLONE_NEWUSER = 0x10000000
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
MNT_DETACH = 2
SECONDS = 2.0
REFUSED = 400
NO_PLACE = ("192.0.2.1", "2001:db8::1")
"""Addresses for documentation: nobody has them."""
GATEWAY_PATHS = (
    "/",
    "/e/",
    "/admin",
    "/api",
    "/control",
    "/debug",
    "/docs",
    "/handles",
    "/health",
    "/metrics",
    "/openapi.json",
    "/shutdown",
    "/status",
    "/v1/models",
)


class LeakError(Exception):
    """The probe got out."""


def leak_unless_refused(what: str, attempt: Callable[[], object]) -> str:
    """Make an attempt that an operating system has to refuse."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    raise LeakError(what)


def call(function: str, *arguments: object) -> None:
    """Call a function of the C library; raise OSError where it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def in_a_child(attempt: Callable[[], object]) -> None:
    """Make an attempt whose success would change this process; raise OSError where it fails."""
    pid = os.fork()
    if pid == 0:
        number = 0
        try:
            attempt()
        except OSError as error:
            number = error.errno or errno.EIO
        finally:
            os._exit(number)
    status = os.waitpid(pid, 0)[1]
    if status:
        number = os.WEXITSTATUS(status) or errno.EINTR
        raise OSError(number, os.strerror(number))


def reach_gateway(aims: Aims) -> str:
    status = ask(aims, "GET", "/e/none/mcp")
    return f"it answers {status}"


def ask(aims: Aims, method: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", aims["gateway"], timeout=SECONDS)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


def control_gateway(aims: Aims) -> str:
    for method in ("GET", "POST"):
        for path in GATEWAY_PATHS:
            status = ask(aims, method, path)
            if status < REFUSED:
                raise LeakError(f"{method} {path} answers {status}")
    return "nothing answers"


def read_suite(aims: Aims) -> str:
    return leak_unless_refused("its source", Path(aims["suite"]).read_bytes)


def read_secret(aims: Aims) -> str:
    return leak_unless_refused("it", Path(aims["secret"]).read_bytes)


def read_hidden(aims: Aims) -> str:
    return leak_unless_refused("it", Path(aims["hidden"]).read_bytes)


def write_outside(aims: Aims) -> str:
    path = Path(aims["outside"]) / "written"
    return leak_unless_refused("a file", lambda: path.write_text("x", encoding="ascii"))


def write_pth(aims: Aims) -> str:
    path = Path(aims["packages"]) / "probe.pth"
    refused = leak_unless_refused("a file", lambda: path.write_text("#\n", encoding="ascii"))
    # The real packages are asked after, and never written to.
    for folder in sys.path:
        if os.path.isdir(folder) and os.access(folder, os.W_OK):  # noqa: PTH112 - a text
            raise LeakError(f"{folder} can be written to")
    return refused


def see_processes(aims: Aims) -> str:
    count = sum(name.isdigit() for name in os.listdir("/proc"))  # noqa: PTH208
    if is_named(aims["idle"], aims["idle_name"]):
        raise LeakError(f"{count} of them")
    return f"{count} of its own"


def is_named(pid: int, name: str) -> bool:
    try:
        return name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def read_environments(aims: Aims) -> str:
    inherited = sorted(set(os.environ) - set(aims["allowed"]))
    if inherited:
        raise LeakError(f"inherited {', '.join(inherited)}")
    looked = 0
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            try:
                content = Path(f"/proc/{name}/environ").read_bytes()
            except OSError:
                continue
            looked += 1
            if aims["key"].encode() in content:
                raise LeakError("the key of another process")
    return f"{looked} read"


def signal_process(aims: Aims) -> str:
    if not is_named(aims["idle"], aims["idle_name"]):
        return "it is not there"
    return leak_unless_refused("sent", lambda: os.kill(aims["idle"], signal.SIGCONT))


def trace_process(aims: Aims) -> str:
    idle = aims["idle"]

    def attach() -> None:
        call("ptrace", PTRACE_ATTACH, idle, None, None)
        os.waitpid(idle, getattr(os, "__WALL", 0x40000000))
        call("ptrace", PTRACE_DETACH, idle, None, None)

    return leak_unless_refused("attached", attach)


def connect_unix(aims: Aims) -> str:
    with socket.socket(socket.AF_UNIX) as sock:
        return leak_unless_refused("connected", lambda: sock.connect(aims["unix"]))


def connect_abstract(aims: Aims) -> str:
    with socket.socket(socket.AF_UNIX) as sock:
        return leak_unless_refused("connected", lambda: sock.connect("\0" + aims["abstract"]))


def connect_upstream(aims: Aims) -> str:
    with socket.socket() as sock:
        sock.settimeout(SECONDS)
        at = ("127.0.0.1", aims["upstream"])
        return leak_unless_refused("connected", lambda: sock.connect(at))


def find_route(aims: Aims) -> str:
    """To connect a datagram socket looks for a route, and sends nothing."""
    del aims
    found = []
    for family, place in zip((socket.AF_INET, socket.AF_INET6), NO_PLACE):  # noqa: B905 - 3.8
        try:
            sock = socket.socket(family, socket.SOCK_DGRAM)
        except OSError as error:  # this machine has no such addresses
            found.append(errno.errorcode.get(error.errno or 0, "none"))
            continue
        with sock:
            at = (place, 9)
            found.append(leak_unless_refused("there is one", lambda s=sock, a=at: s.connect(a)))  # type: ignore[misc]
    return ", ".join(found)


def mount(aims: Aims) -> str:
    at = aims["mount_point"].encode()

    def attempt() -> None:
        call("mount", b"none", at, b"tmpfs", 0, None)
        call("umount2", at, MNT_DETACH)

    return leak_unless_refused("mounted", attempt)


def make_namespace(aims: Aims) -> str:
    del aims

    def unshare() -> None:
        call("unshare", CLONE_NEWUSER)

    return leak_unless_refused("made one", lambda: in_a_child(unshare))


def gain_privileges(aims: Aims) -> str:
    del aims
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    state = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    if int(state["CapEff"], 16) or int(state["CapPrm"], 16):
        raise LeakError(f"capabilities {state['CapEff'].lstrip('0')}")
    if state["NoNewPrivs"] != "1":
        raise LeakError("programs that are set-uid may be used")
    if os.getuid() == 0:
        return "no capabilities"  # in a container of root's
    return leak_unless_refused("root", lambda: in_a_child(lambda: os.setuid(0)))


PROBES: dict[str, Callable[[Aims], str]] = {
    "reach the gateway": reach_gateway,
    "control the gateway": control_gateway,
    "read the suite's source": read_suite,
    "read a hidden folder within a shown one": read_hidden,
    "read a secret": read_secret,
    "write outside": write_outside,
    "write a .pth into site-packages": write_pth,
    "see other processes": see_processes,
    "read the launcher's environment": read_environments,
    "signal a process": signal_process,
    "trace a process": trace_process,
    "connect to the suite's Unix socket": connect_unix,
    "connect to an abstract socket": connect_abstract,
    "connect to the model's port": connect_upstream,
    "find a route out": find_route,
    "mount": mount,
    "make a user namespace": make_namespace,
    "gain privileges": gain_privileges,
}


def tried(name: str, aims: Aims) -> tuple[bool, str]:
    """Return what came of a probe; one that fails by itself has not held."""
    try:
        return True, PROBES[name](aims)
    except LeakError as leak:
        return False, f"LEAK {leak}"
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing is proved
        return False, f"failed: {type(error).__name__}: {error}"


def main(targets: str) -> None:
    aims = json.loads(Path(targets).read_text(encoding="utf-8"))
    for name in PROBES:
        print(json.dumps([name, *tried(name, aims)]), flush=True)  # noqa: T201 - its report


if __name__ == "__main__":
    main(sys.argv[1])
