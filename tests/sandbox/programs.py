"""How the tests start programs."""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
from pathlib import Path

from conformance.sandbox.interpreter import interpreter_files
from conformance.sandbox.programs import Program, ProgramLimits

PYTHON = Path(sys.executable)
FILES = interpreter_files(PYTHON)


@contextlib.contextmanager
def reserved_port():
    """A port of loopback that the system gives to nobody meanwhile; one may still listen there."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


def program(folder, *argv, env=None, files=FILES, **more):
    """A program with a new work folder, which is where it starts."""
    work = Path(tempfile.mkdtemp(dir=folder, prefix="work-"))
    more.setdefault("cwd", work)
    return Program(
        tuple(map(str, argv)), {"LANG": "C.UTF-8", **(env or {})}, work, files=files, **more
    )


def script(folder, text, **more):
    """A Python program."""
    return program(folder, PYTHON, "-c", text, **more)


async def end_of(launcher, started, door):
    running = await launcher.launch(started, door)
    try:
        return await running.wait()
    finally:
        await running.kill()


def limits(**given):
    return ProgramLimits(**given)
