"""A launcher without any isolation that says of itself what a test wants it to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

from conformance.sandbox.probes import Probed
from conformance.sandbox.programs import Door, Exit, Program


class FakeLauncher:
    """Starts programs in a session of their own; ``leaks`` is what its self-test finds."""

    name = "fake"

    def __init__(self, *, is_jail: bool = True, leaks: tuple[str, ...] = ()) -> None:
        self.is_jail = is_jail
        self.leaks = leaks
        self.launched: list[Program] = []
        self.pids: list[int] = []

    def self_test(self, door: Door) -> list[Probed]:
        return [
            Probed("read a secret", held="read a secret" not in self.leaks, detail=""),
            Probed("reach out", held="reach out" not in self.leaks, detail=""),
        ]

    async def launch(self, program: Program, door: Door) -> FakeRunning:
        self.launched.append(program)
        env = {"HOME": str(program.work), "TMPDIR": str(program.work), **program.env}
        process = await asyncio.create_subprocess_exec(
            *program.argv,
            env=env,
            cwd=program.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self.pids.append(process.pid)
        return FakeRunning(process)

    def describe(self) -> dict[str, Any]:
        return {"version": "1"}


class FakeRunning:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._end = asyncio.create_task(self._wait())

    async def _wait(self) -> Exit:
        out, err = await self._process.communicate()
        assert self._process.returncode is not None
        said, output = (text[-4096:].decode(errors="replace") for text in (err or out, out))
        return Exit(self._process.returncode, None, said, output)

    async def wait(self) -> Exit:
        return await asyncio.shield(self._end)

    async def stop(self, grace_s: float = 3.0) -> None:
        self._signal(signal.SIGTERM)
        await asyncio.wait({self._end}, timeout=grace_s)
        await self.kill()

    async def kill(self) -> None:
        self._signal(signal.SIGKILL)
        await asyncio.wait({self._end})

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
