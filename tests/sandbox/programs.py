"""How the tests start programs."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from conformance.sandbox.interpreter import interpreter_files
from conformance.sandbox.programs import Program, ProgramLimits

PYTHON = Path(sys.executable)
FILES = interpreter_files(PYTHON)


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
