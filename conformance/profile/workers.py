"""The processes of a load: spawned, never forked, with nothing else to do.

All begin at one origin. Each ignores the terminal's interrupt, which is the parent's to handle, and
ends by itself when its parent is gone. The garbage collector is off while it works.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import multiprocessing
import multiprocessing.connection
import signal
import time
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.errors import ConformanceError
from conformance.host import allow_open_files
from conformance.profile.drive import PROGRESS_S, Progress, WorkerLog, drive
from conformance.profile.schedule import Share

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from multiprocessing.sharedctypes import Synchronized

    from conformance.profile.shape import Bounds, Shape
    from conformance.profile.target import Target, Workload

_AHEAD_NS = 50_000_000
"""From the word to begin to the origin: all workers have heard it by then."""
_POLL_S = 0.005
_END_S = 5.0

_READY, _PROGRESS, _RESULT, _ERROR = "ready", "progress", "result", "error"


class LoadWorkerError(ConformanceError):
    """A process of the load ended by itself; its part of the log is lost."""

    exit_code = 6


class Ran(NamedTuple):
    """What the workers brought."""

    logs: list[WorkerLog]
    origin_ns: int
    origin_unix_ns: int


class _Job(NamedTuple):
    target: Target
    workload: Workload
    shape: Shape
    bounds: Bounds
    share: Share


def run_workers(
    target: Target,
    workload: Workload,
    shape: Shape,
    bounds: Bounds,
    workers: int,
    progress: Callable[[Progress], None] | None,
) -> Ran:
    """Run a load in so many processes; see ``run_load``."""
    context = multiprocessing.get_context("spawn")
    taken = context.Value("q", 0)
    crew: list[_Worker] = []
    try:
        for number in range(workers):
            job = _Job(target, workload, shape, bounds, Share(number, workers))
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_work, args=(theirs, job, taken), name=f"load-{number}", daemon=True
            )
            crew.append(_Worker(process, ours))
            process.start()
            theirs.close()
        return _conduct(crew, progress)
    finally:
        for worker in crew:
            worker.end()


def _conduct(crew: list[_Worker], progress: Callable[[Progress], None] | None) -> Ran:
    _listen(crew, lambda worker: worker.is_ready, None)
    origin_ns = time.perf_counter_ns() + _AHEAD_NS
    origin_unix_ns = time.time_ns() + (origin_ns - time.perf_counter_ns())
    for worker in crew:
        worker.begin(origin_ns)
    _listen(crew, lambda worker: worker.log is not None, progress)
    return Ran([worker.log for worker in crew if worker.log], origin_ns, origin_unix_ns)


def _listen(
    crew: list[_Worker],
    is_through: Callable[[_Worker], bool],
    progress: Callable[[Progress], None] | None,
) -> None:
    """Take what the workers tell, until all are through."""
    told_at = 0.0
    while waited := [worker for worker in crew if not is_through(worker)]:
        heard = multiprocessing.connection.wait([worker.pipe for worker in waited])
        for worker in waited:
            if worker.pipe in heard:
                worker.take()
        if progress is not None and (now := time.monotonic()) - told_at >= PROGRESS_S:
            told_at = now
            progress(_sum([worker.progress for worker in crew if worker.progress]))
    if progress is not None:
        progress(_sum([worker.progress for worker in crew if worker.progress]))


class _Worker:
    """A process, as its parent sees it."""

    def __init__(self, process: SpawnProcess, pipe: Connection[Any, Any]) -> None:
        self.process = process
        self.pipe = pipe
        self.is_ready = False
        self.progress: Progress | None = None
        self.log: WorkerLog | None = None

    def take(self) -> None:
        """Take one message of its."""
        try:
            kind, value = self.pipe.recv()
        except (EOFError, OSError):
            raise self._death() from None
        if kind == _READY:
            self.is_ready = True
        elif kind == _PROGRESS:
            self.progress = value
        elif kind == _RESULT:
            self.log = msgspec.msgpack.decode(value, type=WorkerLog)
        elif isinstance(value, ConformanceError):
            raise value
        else:
            raise RuntimeError(f"a process of the load failed:\n{value}")

    def begin(self, origin_ns: int) -> None:
        try:
            self.pipe.send(origin_ns)
        except OSError:
            raise self._death() from None

    def end(self) -> None:
        """See that it is gone; it may leave by itself only when it has told all."""
        self.pipe.close()
        if self.process.pid is None:
            return
        if self.log is None:
            self.process.terminate()
        self.process.join(_END_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()

    def _death(self) -> LoadWorkerError:
        self.process.join(_END_S)
        return LoadWorkerError(
            f"a process of the load ended by itself (exit code {self.process.exitcode})",
            where=self.process.name,
            mend="see whether memory ran out; ask for less at once, or for a shorter time",
        )


class _SharedTickets:
    """The requests of the measured part, counted by all workers together."""

    def __init__(self, taken: Synchronized[int], count: int | None) -> None:
        self._taken = taken
        self._count = count

    def take(self) -> bool:
        if self._count is None:
            return True
        with self._taken.get_lock():
            if self._taken.value >= self._count:
                return False
            self._taken.value += 1
            return True

    def are_gone(self) -> bool:
        # Without the lock: a number that only grows may be read a moment late.
        return self._count is not None and self._taken.get_obj().value >= self._count


def _sum(told: list[Progress]) -> Progress:
    return Progress(
        sent=sum(one.sent for one in told),
        done=sum(one.done for one in told),
        failed=sum(one.failed for one in told),
        tokens=sum(one.tokens for one in told),
        in_flight=sum(one.in_flight for one in told),
        seconds=max((one.seconds for one in told), default=0.0),
    )


# In the worker's process.


def _work(pipe: Connection[Any, Any], job: _Job, taken: Synchronized[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    allow_open_files()
    gc.collect()
    gc.freeze()
    gc.disable()
    # The parent is gone where the pipe is broken; then nobody wants to know.
    with contextlib.suppress(BrokenPipeError):
        pipe.send(_outcome(pipe, job, taken))


def _outcome(pipe: Connection[Any, Any], job: _Job, taken: Synchronized[int]) -> tuple[str, Any]:
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            log = runner.run(_drive(pipe, job, taken))
    except ConformanceError as error:
        return _ERROR, error
    except Exception:  # noqa: BLE001 - it is raised in the parent
        return _ERROR, traceback.format_exc()
    return _RESULT, msgspec.msgpack.encode(log)


async def _drive(pipe: Connection[Any, Any], job: _Job, taken: Synchronized[int]) -> WorkerLog:
    async def begin() -> int:
        pipe.send((_READY, None))
        while not pipe.poll():  # noqa: ASYNC110 - what is awaited is in another process
            await asyncio.sleep(_POLL_S)
        origin: int = pipe.recv()
        return origin

    return await drive(
        job.target,
        job.workload,
        job.shape,
        job.bounds,
        share=job.share,
        tickets=_SharedTickets(taken, job.bounds.requests),
        begin=begin,
        progress=lambda progress: pipe.send((_PROGRESS, progress)),
    )


def _new_loop() -> asyncio.AbstractEventLoop:
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    return loop
