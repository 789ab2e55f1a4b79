"""Looks after all programs at work in one event loop: what they use together, and when to end one.

The kernel keeps some limits by itself, other ones for ordinary users alone; this keeps the rest,
in one round for all programs, in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from conformance.sandbox.programs import ProgramLimits

ROUND_S = 0.25
ROUNDS_A_WALK = 4
"""Folders are walked in every fourth round."""
MOST_ENTRIES = 50_000
"""Files and folders; more of them are as good as too many bytes."""
_BLOCK = 512
_PAGE = os.sysconf("SC_PAGE_SIZE")

Limit = Literal["memory", "processes", "folder"]


class Watched(Protocol):
    """A program at work."""

    @property
    def root_pid(self) -> int | None:
        """Return the process that all of its processes descend from; None while unknown."""
        ...

    @property
    def counts_root(self) -> bool:
        """Say whether that process is one of the program's own."""
        ...

    @property
    def limits(self) -> ProgramLimits:
        """Return what it may use."""
        ...

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return the folders it writes to that no size is set for."""
        ...

    def crossed(self, limit: Limit) -> None:
        """Take note that it uses more than it may."""
        ...


class Process(NamedTuple):
    """A process of this machine, as ``/proc/PID/stat`` has it."""

    pid: int
    parent: int
    group: int
    session: int
    threads: int
    resident: int
    """Bytes."""
    is_over: bool
    """Only its parent has not taken note yet."""


def processes() -> dict[int, Process]:
    """Return the processes of this machine; none where there is no ``/proc``."""
    found = {}
    with contextlib.suppress(OSError), os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    process = _read(int(entry.name))
                    found[process.pid] = process
    return found


def family(root: int, everyone: dict[int, Process]) -> set[int]:
    """Return a process, what descends from it, and what is left of its group and session."""
    children: dict[int, list[int]] = {}
    for process in everyone.values():
        children.setdefault(process.parent, []).append(process.pid)
    left = [p.pid for p in everyone.values() if root in (p.pid, p.group, p.session)]
    found: set[int] = set()
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += children.get(pid, ())
    return found


def watch(program: Watched) -> None:
    """Look after a program of the running loop until ``forget``."""
    loop = asyncio.get_running_loop()
    watcher = _watchers.get(loop)
    if watcher is None:
        watcher = _watchers[loop] = _Watcher()
    watcher.add(program)


def forget(program: Watched) -> None:
    """Stop looking after a program."""
    watcher = _watchers.get(asyncio.get_running_loop())
    if watcher is not None:
        watcher.remove(program)


class _Watcher:
    """The one task of a loop; it ends where there is nothing to look after."""

    def __init__(self) -> None:
        self.programs: set[Watched] = set()
        self.work: asyncio.Task[None] | None = None

    def add(self, program: Watched) -> None:
        self.programs.add(program)
        if self.work is None:
            self.work = asyncio.create_task(self._watch())

    def remove(self, program: Watched) -> None:
        self.programs.discard(program)
        if not self.programs and self.work is not None:
            self.work.cancel()
            self.work = None

    async def _watch(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(ROUND_S)
            turn += 1
            programs = [p for p in self.programs if p.root_pid is not None]
            crossed = await asyncio.to_thread(_look, programs, turn % ROUNDS_A_WALK == 0)
            for program, limit in crossed:
                if program in self.programs:
                    program.crossed(limit)


_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watcher] = WeakKeyDictionary()


def _look(programs: Iterable[Watched], has_walk: bool) -> list[tuple[Watched, Limit]]:  # noqa: FBT001
    """Return the programs that use more than they may, with the limit."""
    everyone = processes()
    found = []
    for program in programs:
        root = program.root_pid or 0
        family_ = family(root, everyone) if root in everyone else set()
        own = [everyone[pid] for pid in family_ if pid != root or program.counts_root]
        limit = _crossed(program, own, has_walk=has_walk)
        if limit is not None:
            found.append((program, limit))
    return found


def _crossed(program: Watched, own: Collection[Process], *, has_walk: bool) -> Limit | None:
    limits = program.limits
    if sum(process.threads for process in own) > limits.processes:
        return "processes"
    if (
        sum(process.resident for process in own) > limits.memory_bytes
        and sum(map(_share, own)) > limits.memory_bytes
    ):
        return "memory"
    if has_walk and _written(program.folders, own, limits.folder_bytes) > limits.folder_bytes:
        return "folder"
    return None


def _read(pid: int) -> Process:
    with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - called very often
        fields = file.read(1024).rpartition(b")")[2].split()
    parent, group, session = map(int, fields[1:4])
    resident = int(fields[21]) * _PAGE
    is_over = fields[0] in (b"Z", b"X")
    return Process(pid, parent, group, session, int(fields[17]), resident, is_over)


def _share(process: Process) -> int:
    """Return the memory of a process, of what it shares with others a share alone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return process.resident


def _written(folders: Iterable[Path], own: Iterable[Process], enough: int) -> int:
    """Return the bytes on disk in folders and in deleted files that are still open.

    Beyond ``enough``, or where there are too many files to count, it is one byte more than that.
    """
    total = 0
    for entry, size in enumerate(_sizes(folders, own)):
        total += size
        if total > enough or entry > MOST_ENTRIES:
            return enough + 1
    return total


def _sizes(folders: Iterable[Path], own: Iterable[Process]) -> Iterator[int]:
    left = [os.fspath(folder) for folder in folders]
    while left:
        with contextlib.suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    yield entry.stat(follow_symlinks=False).st_blocks * _BLOCK
    seen = set()
    for process in own:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{process.pid}/fd") as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    file = entry.stat()
                    key = (file.st_dev, file.st_ino)
                    if not file.st_nlink and stat.S_ISREG(file.st_mode) and key not in seen:
                        seen.add(key)
                        yield file.st_blocks * _BLOCK
