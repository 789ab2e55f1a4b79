"""The escape self-test of a launcher: runs ``jail_probes`` in it, at targets made for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.sandbox import jail_probes
from conformance.sandbox.contract import SandboxBrokenError
from conformance.sandbox.interpreter import interpreter_files
from conformance.sandbox.probes import Probed, idle_process
from conformance.sandbox.programs import Door, Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from conformance.sandbox.programs import Exit, Launcher

SECONDS = 60.0
NAMES = tuple(jail_probes.PROBES)
_SOURCE = Path(jail_probes.__file__)


def probed(
    hiding: Callable[[Iterable[Path]], Launcher], door: Door, python: tuple[str, ...]
) -> list[Probed]:
    """Try to get out of a launcher; blocking, and not in the thread of the gateway's event loop.

    Args:
        hiding: Makes the launcher, with folders that it hides.
        door: The gateway's; it has to answer meanwhile.
        python: The interpreter for the probes, with its options.
    """
    with _aims(door) as (aims, work):
        launcher = hiding([Path(aims["hidden"]).parent])
        shutil.copyfile(_SOURCE, work / _SOURCE.name)
        (work / "aims.json").write_text(json.dumps(aims), encoding="utf-8")
        program = Program(
            argv=(*python, str(work / _SOURCE.name), str(work / "aims.json")),
            env={"LANG": "C.UTF-8"},
            work=work,
            cwd=work,
            files=(Path(aims["shown"]), *_files(python[0])),
        )
        try:
            ended = asyncio.run(_run(launcher, program, door))
        except (SandboxBrokenError, OSError, TimeoutError) as error:
            return [Probed(name, held=False, detail=f"did not run: {error}") for name in NAMES]
    return _read(ended)


def _files(python: str) -> tuple[Path, ...]:
    return interpreter_files(Path(python)) if Path(python).is_absolute() else ()


async def _run(launcher: Launcher, program: Program, door: Door) -> Exit:
    running = await launcher.launch(program, door)
    try:
        async with asyncio.timeout(SECONDS):
            return await running.wait()
    finally:
        await running.kill()


def _read(ended: Exit) -> list[Probed]:
    found = {}
    for line in ended.output.splitlines():
        with contextlib.suppress(ValueError, TypeError):
            name, held, detail = json.loads(line)
            found[name] = Probed(name, held=held is True, detail=detail)
    missing = f"did not end: exit {ended.code}, {ended.said[-200:]}"
    return [found.get(name, Probed(name, held=False, detail=missing)) for name in NAMES]


@contextlib.contextmanager
def _aims(door: Door) -> Iterator[tuple[dict[str, Any], Path]]:
    """Make what the probes aim at, and a work folder; take both away again."""
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-probe-"))
        folder = Path(name).resolve()
        for part in ("outside", "mount_point", "shown/hidden", "shown/site-packages", "work"):
            (folder / part).mkdir(parents=True)
        secret, hidden = folder / "outside/secret", folder / "shown/hidden/secret"
        for path in (secret, hidden):
            path.write_text(secrets.token_hex(), encoding="ascii")
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "suite.sock"))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract_name = f"probe-{secrets.token_hex(8)}"
        abstract.bind("\0" + abstract_name)
        for sock in (unix, abstract):
            sock.listen()
        upstream = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        key, idle_name = secrets.token_hex(16), f"idle-{secrets.token_hex(8)}"
        idle = stack.enter_context(idle_process(idle_name, {"UPSTREAM_KEY": key}))
        aims = {
            "gateway": door.port,
            "suite": str(Path(__file__).resolve()),
            "secret": str(secret),
            "shown": str(folder / "shown"),
            "hidden": str(hidden),
            "outside": str(folder / "outside"),
            "packages": str(folder / "shown/site-packages"),
            "mount_point": str(folder / "mount_point"),
            "idle": idle.pid,
            "idle_name": idle_name,
            "key": key,
            "allowed": ["AGENT_PROGRAM", "HOME", "LANG", "LC_CTYPE", "PATH", "TMPDIR"],
            "unix": str(folder / "suite.sock"),
            "abstract": abstract_name,
            "upstream": upstream.getsockname()[1],
        }
        yield aims, folder / "work"
