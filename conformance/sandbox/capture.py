"""Runs a program and captures what it prints: bounded, without deadlock, killed at a deadline."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHUNK = 64 * 1024
_ERROR_BYTES = 4 * 1024


class Captured(NamedTuple):
    """What came of a program."""

    code: int
    output: bytes
    error: bytes
    """The end of its standard error."""
    killed_for: str | None
    """``time`` or ``output`` where the caller killed it."""


def capture(
    command: Sequence[str],
    *,
    pass_fds: Sequence[int],
    seconds: float,
    output_bytes: int,
    flood_bytes: int,
) -> Captured:
    """Run ``command`` with no input and an empty environment, in a process group of its own."""
    with subprocess.Popen(  # noqa: S603 - the command is ours, the script is a file for it
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        pass_fds=pass_fds,
        start_new_session=True,
    ) as process:
        try:
            output, error, killed_for = _read(process, seconds, output_bytes, flood_bytes)
        finally:
            _kill(process)
        code = process.wait()
    return Captured(code, output, error, killed_for)


def _read(
    process: subprocess.Popen[bytes], seconds: float, output_bytes: int, flood_bytes: int
) -> tuple[bytes, bytes, str | None]:
    """Read both streams to their ends, or until the program used up its time or printed a flood."""
    assert process.stdout is not None  # noqa: S101 - both are pipes
    assert process.stderr is not None  # noqa: S101
    deadline = time.monotonic() + seconds
    output, error, total = bytearray(), bytearray(), 0
    with selectors.DefaultSelector() as streams:
        for stream, kept in ((process.stdout, output), (process.stderr, error)):
            streams.register(stream, selectors.EVENT_READ, kept)
        while streams.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return bytes(output), bytes(error), "time"
            for key, _ in streams.select(left):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    streams.unregister(key.fileobj)
                    continue
                total += len(chunk)
                if key.data is output:
                    output += chunk[: output_bytes - len(output)]
                else:
                    error[:] = (error + chunk)[-_ERROR_BYTES:]
            if total > flood_bytes:
                return bytes(output), bytes(error), "output"
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return bytes(output), bytes(error), "time"
    return bytes(output), bytes(error), None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the group; bubblewrap's children die with it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
