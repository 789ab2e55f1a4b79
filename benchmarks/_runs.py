"""One run of one tool on the paced endpoint, held against the endpoint's own record."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.mock.truth import lag_of
from conformance.profile.percentiles import quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _peers import Load, Peer, Read

    from conformance.mock import PacedMock, Written

MOST_LAG_MS = 2.0
LIMIT_S = 300.0
NS_PER_MS = 1e6


class Run(msgspec.Struct, frozen=True):
    """One run of one tool."""

    tool: str
    version: str
    concurrency: int
    requests: int
    is_paced: bool
    answered: int = 0
    """Of the requests, by the endpoint's record."""
    chunks: int = 0
    ttft_p50_ms: float | None = None
    ttft_p50_true_ms: float | None = None
    ttft_p99_ms: float | None = None
    ttft_p99_true_ms: float | None = None
    gap_p99_ms: float | None = None
    gap_p99_true_ms: float | None = None
    requests_per_s: float | None = None
    """As the tool says, and by the endpoint's record: from the first arrival to the last write."""
    requests_per_s_true: float | None = None
    chunks_per_s_true: float | None = None
    lag_p99_ms: float = 0.0
    """How late the endpoint itself was."""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    tries: int = 1
    failure: str = ""

    @property
    def errors(self) -> tuple[float, float]:
        """Of TTFT at p50 and p99, in milliseconds."""
        p50 = (self.ttft_p50_ms or 0.0) - (self.ttft_p50_true_ms or 0.0)
        return p50, (self.ttft_p99_ms or 0.0) - (self.ttft_p99_true_ms or 0.0)

    @property
    def is_void(self) -> bool:
        return bool(self.failure) or (self.is_paced and self.lag_p99_ms > MOST_LAG_MS)


class Used(NamedTuple):
    """What a process and those that it waited for used."""

    cpu_s: float
    wall_s: float
    failure: str


def run_once(peer: Peer, version: str, endpoint: PacedMock, load: Load, scratch: Path) -> Run:
    is_paced = endpoint.reply.pace.ttft_s > 0
    run = Run(peer.name, version, load.concurrency, load.requests, is_paced)
    folder = Path(tempfile.mkdtemp(prefix=f"{peer.name}-", dir=scratch))
    endpoint.truth()  # of whoever came before
    used = _used(peer.command(endpoint.base_url.removesuffix("/v1"), load, folder), folder)
    written = [one for one in endpoint.truth().written if one.is_whole and one.output_tokens]
    run = msgspec.structs.replace(run, cpu_s=used.cpu_s, wall_s=used.wall_s)
    if used.failure:
        return msgspec.structs.replace(run, failure=used.failure)
    try:
        read = peer.read(folder, load)
    except (OSError, ValueError, LookupError, TypeError) as error:
        text = f"its output cannot be read: {type(error).__name__}: {error}"
        return msgspec.structs.replace(run, failure=text)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _compared(run, read, written)


def _compared(run: Run, read: Read, written: Sequence[Written]) -> Run:
    answers = list(written)
    if read.ids is not None:
        known = {one.request_id: one for one in written}
        answers = [known[name] for name in read.ids if name in known]
    if not answers or not read.ttft_ms:
        return msgspec.structs.replace(run, failure="nothing was read, or nothing was written")
    ttft = [one.ttft_ns / NS_PER_MS for one in answers if one.ttft_ns is not None]
    gaps = [gap / NS_PER_MS for one in answers for gap in one.gaps_ns]
    chunks = sum(len(one.times()) for one in written)
    span_s = (max(one.at[-1] for one in written) - min(one.arrived for one in written)) / 1e9
    return msgspec.structs.replace(
        run,
        answered=len(written),
        chunks=chunks,
        ttft_p50_ms=_at(read.ttft_ms, 0.5),
        ttft_p50_true_ms=_at(ttft, 0.5),
        ttft_p99_ms=_at(read.ttft_ms, 0.99),
        ttft_p99_true_ms=_at(ttft, 0.99),
        gap_p99_ms=_at(read.gaps_ms, 0.99),
        gap_p99_true_ms=_at(gaps, 0.99),
        requests_per_s=read.requests_per_s,
        requests_per_s_true=len(written) / span_s,
        chunks_per_s_true=chunks / span_s,
        lag_p99_ms=lag_of(written).p99_ms,
    )


def _used(command: list[str], folder: Path) -> Used:
    """Run a program to its end and return what it used; its output goes to a file."""
    quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "TOKENIZERS_PARALLELISM": "0"}
    began = time.monotonic()
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | quiet,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all of it can be ended
        )
        ended, status, usage = 0, 0, None
        try:
            while not ended and time.monotonic() - began < LIMIT_S:
                time.sleep(0.02)
                ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        finally:
            if not ended:
                os.killpg(process.pid, signal.SIGKILL)
                _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - began
    failure = "" if ended else f"not over in {LIMIT_S:g} s"
    if ended and process.returncode:
        words = (folder / "output.txt").read_text(errors="replace").strip().splitlines()
        failure = f"exit {process.returncode}: {words[-1][:200] if words else 'no output'}"
    return Used(usage.ru_utime + usage.ru_stime, wall_s, failure)


def _at(values: Iterable[float], share: float) -> float | None:
    return quantile(sorted(values), share)
