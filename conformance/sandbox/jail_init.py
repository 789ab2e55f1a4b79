"""The first process inside a jail: leads loopback to the gateway, starts the agent, sees it out.

A program of its own: the standard library alone, Python 3.8 or later, since it also runs in the
images of containers. ``jail_init.py SPEC REPORT``: each a path, or the number of an open
descriptor. ``SPEC`` is read, a JSON object:

``argv, env, cwd``
    What is started.
``limits``
    By the names of ``resource``; a lower one that is in force stays.
``port, socket``
    Connections to the former on 127.0.0.1 are led to the latter.

To ``REPORT`` it writes a JSON object a line: ``{"started": PID}`` or ``{"failed": [ERRNO, FILE]}``,
and in the end ``{"exit": CODE}``, negative for a signal. As process 1 it takes all others with it.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import select
import signal
import socket
import sys
import time

TYPE_CHECKING = False  # typing would be the costliest import here
if TYPE_CHECKING:
    from typing import Any

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PR_SET_DUMPABLE = 4  # Linux, include/uapi/linux/prctl.h
MOST_BUFFERED = 256 * 1024
CHUNK = 64 * 1024
LAST_BYTES_S = 0.25
"""How long what an agent sent before its end is still led on."""


class End:
    """One end of a connection that is led on, and what waits to be written to it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.waiting = bytearray()
        self.has_ended = False
        """It sends nothing more."""
        self.interest = 0
        self.other = self

    def wants(self) -> int:
        """Return the events to wait for."""
        reads = not self.has_ended and len(self.other.waiting) < MOST_BUFFERED
        return (select.EPOLLIN if reads else 0) | (select.EPOLLOUT if self.waiting else 0)

    def take(self, data: bytes) -> None:
        """Write what can be written now, and keep the rest."""
        if not self.waiting:
            data = data[_sent(self.sock, data) :]
        self.waiting += data

    def flush(self) -> None:
        """Write on."""
        del self.waiting[: _sent(self.sock, self.waiting)]
        self.pass_end()

    def pass_end(self) -> None:
        """Tell this end that the other one sends nothing more, once everything is written."""
        if self.other.has_ended and not self.waiting:
            self.sock.shutdown(socket.SHUT_WR)


class Forwarder:
    """Leads each connection to a port of loopback on to a Unix socket, half-closed ones too."""

    def __init__(self, port: int, path: str, woken: int) -> None:
        self.path = path
        self.woken = woken
        self.ends: dict[int, End] = {}
        self.events = select.epoll()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.listener.setblocking(False)  # noqa: FBT003 - the name of the call says it
        self.events.register(self.listener.fileno(), select.EPOLLIN)
        self.events.register(woken, select.EPOLLIN)

    def turn(self, seconds: float) -> None:
        """Wait for events, at most so long, and deal with them."""
        for fd, event in self.events.poll(seconds):
            if fd == self.listener.fileno():
                self.accept()
            elif fd == self.woken:
                os.read(fd, CHUNK)
            elif fd in self.ends:
                self.move(self.ends[fd], event)

    def accept(self) -> None:
        """Take a connection."""
        try:
            near = self.listener.accept()[0]
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ECONNABORTED):
                raise
            time.sleep(0.01)  # it stays in line until others close
            return
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(self.path)
        except OSError:
            near.close()
            far.close()
            return
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = End(near), End(far)
        for end, other in (ends, ends[::-1]):
            end.sock.setblocking(False)  # noqa: FBT003
            end.other = other
            self.ends[end.fd] = end
        self.watch(ends[0])

    def move(self, end: End, event: int) -> None:
        """Read from an end, or write to it."""
        try:
            if event & select.EPOLLOUT:
                end.flush()
            if event & ~select.EPOLLOUT and end.wants() & select.EPOLLIN:
                data = end.sock.recv(CHUNK)
                if data:
                    end.other.take(data)
                else:
                    end.has_ended = True
                    end.other.pass_end()
            elif event & select.EPOLLERR:
                self.drop(end)
                return
        except BlockingIOError:
            pass
        except OSError:
            self.drop(end)
            return
        both = (end, end.other)
        if all(one.has_ended and not one.waiting for one in both):
            self.drop(end)
        else:
            self.watch(end)

    def watch(self, end: End) -> None:
        """Wait for what either end of a connection wants."""
        for one in (end, end.other):
            wanted = one.wants()
            if wanted == one.interest:
                continue
            # An end of no interest is taken out: its hang-up would be told again and again.
            if not wanted:
                self.events.unregister(one.fd)
            elif one.interest:
                self.events.modify(one.fd, wanted)
            else:
                self.events.register(one.fd, wanted)
            one.interest = wanted

    def drop(self, end: End) -> None:
        """Close both ends."""
        for one in (end, end.other):
            if one.interest:
                self.events.unregister(one.fd)
            del self.ends[one.fd]
            one.sock.close()

    def drain(self, seconds: float) -> None:
        """Lead on what is on its way to the gateway."""
        until = time.monotonic() + seconds
        self.accept()
        while any(
            one.waiting or not one.other.has_ended
            for one in self.ends.values()
            if one.sock.family == socket.AF_UNIX
        ):
            left = until - time.monotonic()
            if left <= 0:
                return
            self.turn(left)


def _sent(sock: socket.socket, data: bytes | bytearray) -> int:
    try:
        return sock.send(data)
    except BlockingIOError:
        return 0


class Agent:
    """The agent's process: started once, ended once."""

    def __init__(self) -> None:
        self.pid = 0
        self.code: int | None = None

    def start(self, spec: dict[str, Any]) -> None:
        """Start it.

        Raises:
            OSError: it cannot be started.
        """
        told, telling = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                become(spec)
            except (OSError, ValueError) as error:  # a value may hold what no system takes
                number = getattr(error, "errno", None) or errno.EINVAL
                is_folder = getattr(error, "filename", None) == spec["cwd"]
                name = spec["cwd"] if is_folder else spec["argv"][0]
                os.write(telling, json.dumps([number, name]).encode())
            finally:
                os._exit(127)
        self.pid = pid
        os.close(telling)
        with open(told, "rb") as pipe:  # noqa: PTH123 - a descriptor
            failure = pipe.read()
        if failure:
            number, name = json.loads(failure)
            raise OSError(number, os.strerror(number), name)

    def signal(self, number: int, _frame: object) -> None:
        """Pass a signal on to its group."""
        if self.pid and self.code is None:
            try:  # noqa: SIM105 - one import less at every start
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass

    def reap(self) -> None:
        """Take note of ended processes: the agent, and orphans that came to process 1."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
                self.code = -ended_by or os.WEXITSTATUS(status)


def become(spec: dict[str, Any]) -> None:
    """Turn this process into the agent."""
    os.setsid()
    for name, most in spec["limits"].items():
        limit = getattr(resource, name)
        hard = resource.getrlimit(limit)[1]
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (lowest, lowest))
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    os.chdir(spec["cwd"])
    os.execvpe(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 - as told


def withdraw() -> None:
    """Give nobody else in here this process's memory and descriptors; what it starts is as ever."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def main(spec_at: str, report_at: str) -> int:
    """Run one agent; return the code to end with."""
    withdraw()
    with open(_opened(spec_at, os.O_RDONLY), encoding="utf-8") as file:
        spec = json.load(file)
    report = _opened(report_at, os.O_WRONLY)
    os.set_inheritable(report, False)  # noqa: FBT003

    def tell(**what: object) -> None:
        os.write(report, json.dumps(what).encode() + b"\n")

    agent = Agent()
    for number in PASSED_ON:
        signal.signal(number, agent.signal)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # it only wakes the loop
    woken, waking = os.pipe()
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    forwarder = Forwarder(spec["port"], spec["socket"], woken)
    try:
        agent.start(spec)
    except OSError as error:
        tell(failed=[error.errno, error.filename])
        return 127
    tell(started=agent.pid)
    # Only the agent holds its streams from now on: their end is its end.
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    while agent.code is None:
        forwarder.turn(-1)
        agent.reap()
    forwarder.drain(LAST_BYTES_S)
    tell(exit=agent.code)
    return agent.code if agent.code >= 0 else 128 - agent.code


def _opened(where: str, flags: int) -> int:
    return int(where) if where.isdigit() else os.open(where, flags)


if __name__ == "__main__":
    # Without the interpreter's own last steps: what is left of the jail ends this moment.
    os._exit(main(*sys.argv[1:]))
