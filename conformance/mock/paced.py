"""The paced endpoint in a process of its own, or in this one until it is told to end."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Self

import msgspec

from conformance.errors import AgentUnavailableError, ConformanceError, UsageError
from conformance.host import allow_open_files, end_child
from conformance.mock.pacing.answers import PacedReply
from conformance.mock.pacing.server import HOST, PacedServer
from conformance.mock.truth import Truth, decode_truth

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class _Order(msgspec.Struct, frozen=True):
    """What the process is told."""

    reply: PacedReply
    port: int


class _Started(msgspec.Struct, frozen=True):
    """What it tells."""

    port: int = 0
    wrong: str = ""


class PacedMock:
    """A paced endpoint on loopback for as long as the ``with``, in a process of its own.

    The process ends with the ``with``, and with this process however it ends.

    Args:
        reply: What each request is answered with.
        port: The port; 0 takes a free one.
    """

    def __init__(self, reply: PacedReply | None = None, *, port: int = 0) -> None:
        self.reply = reply or PacedReply()
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """The address for an OpenAI client, once started."""
        return f"http://{HOST}:{self.port}/v1"

    @property
    def pid(self) -> int | None:
        """The process; None while there is none."""
        return None if self._process is None else self._process.pid

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            UsageError: the port is taken.
            AgentUnavailableError: it did not start.
        """
        # It reads this pipe to its end: that comes too when this process is killed.
        process = subprocess.Popen(
            [sys.executable, "-m", "conformance.mock.paced"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._process = process
        try:
            started = self._begin(process)
        except BaseException:
            self._end()
            raise
        self.port = started.port
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def truth(self) -> Truth:
        """Return what was written since the last time; ask when no load is on.

        Raises:
            AgentUnavailableError: the process is gone.
        """
        connection = HTTPConnection(HOST, self.port)
        try:
            connection.request("GET", "/truth")
            data = connection.getresponse().read()
        except (OSError, HTTPException) as error:
            raise AgentUnavailableError(
                f"the paced endpoint does not answer ({error})", where=self.base_url
            ) from None
        finally:
            connection.close()
        return decode_truth(data, f"{self.base_url}/truth")

    def _begin(self, process: subprocess.Popen[bytes]) -> _Started:
        line = b""
        if process.stdin is not None and process.stdout is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(msgspec.json.encode(_Order(self.reply, self.port)) + b"\n")
                process.stdin.flush()
            line = process.stdout.readline()
        if not line:
            raise AgentUnavailableError("the paced endpoint did not start", where=sys.executable)
        started = msgspec.json.decode(line, type=_Started)
        if started.wrong:
            raise UsageError(started.wrong)
        return started

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            end_child(process)


def serve(
    reply: PacedReply, port: int, announce: Callable[[PacedServer], Any], until: int
) -> Truth:
    """Serve in this thread until a descriptor can be read; return what was written.

    The process's garbage collector is off meanwhile: nothing here makes cycles, and a collection
    takes longer than a write may be late.

    Args:
        reply: What each request is answered with.
        port: The port; 0 takes a free one.
        announce: Called once it listens.
        until: The descriptor.

    Raises:
        UsageError: the port is taken.
    """
    allow_open_files()
    server = PacedServer(reply, port)
    announce(server)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        server.run(until)
    finally:
        gc.enable()
        gc.unfreeze()
        truth = server.close()
    return truth


def _tell(started: _Started) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(started) + b"\n")
    sys.stdout.flush()


def main() -> None:
    """Serve as the parent says on stdin, until that ends."""
    import signal

    # Ctrl-C reaches all of a terminal's processes; this one ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=_Order)
    try:
        serve(
            order.reply,
            order.port,
            lambda server: _tell(_Started(server.port)),
            sys.stdin.fileno(),
        )
    except ConformanceError as error:
        _tell(_Started(wrong=str(error)))


if __name__ == "__main__":
    main()
