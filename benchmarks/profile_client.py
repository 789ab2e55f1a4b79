"""The load client of ``conformance profile`` beside other load generators, against known truth.

All load the bundled paced endpoint, which records what it really wrote; an error is a quantile of
what a tool read less the same quantile of that record. Loads begin with all slots at once: answers
of one length then stay in step, which is hard. A run in which the endpoint itself was late is void
and is made again. The bars are for the client as a profile runs it (``profile``), the comparison is
for one load by all (``ours``). TTFT is each tool's own: ours begins at the actual send, that of
others before the connection is made. CPU is the whole tool's, its processes included, and marginal:
the slope between two runs, so that start-up is not in it.

    python benchmarks/profile_client.py --aiperf ENV/bin/aiperf --guidellm ENV/bin/guidellm

A tool that is not found has the figures of an earlier run on another machine, and is marked so.
Each wants an environment of its own: ``python -m venv ENV``, ``ENV/bin/pip install aiperf``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from _peers import INSTALLED, Client, Load, write_tokenizer
from _reference import CONCURRENCIES, REFERENCES
from _runs import run_once
from _table import FOOTNOTE, PROFILE, table_of, tools, verdict
from rich.console import Console

from conformance.mock import Pace, PacedMock, PacedReply

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from _peers import Peer
    from _runs import Run

REQUESTS = (10, 64, 256, 512)
"""One for each concurrency."""
ZERO_CONCURRENCY = 64
TRIES = 3


def main() -> None:
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="conformance-bench-") as scratch:
        peers = _peers(given, write_tokenizer(Path(scratch) / "tokenizer"))
        runs = list(_runs(peers, given, Path(scratch)))
    console = Console(width=170, highlight=False)
    console.print(table_of(runs, {peer.name: peer.note for peer in peers}))
    for line in (FOOTNOTE, *verdict(runs)):
        console.print(line, markup=False, soft_wrap=True)
    if given.json:
        _write(given.json, runs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in INSTALLED:
        parser.add_argument(f"--{name}", metavar="PROGRAM", type=Path, help=_HELP.get(name))
    parser.add_argument("--only", type=_names, help="tools, by commas")
    parser.add_argument("--concurrency", type=_numbers, default=CONCURRENCIES)
    parser.add_argument("--requests", type=_numbers, default=REQUESTS, help="one a concurrency")
    parser.add_argument("--zero-requests", type=int, default=250, help="0: no run at zero delay")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all runs there too")
    given = parser.parse_args()
    if len(given.requests) != len(given.concurrency):
        parser.error("--requests wants as many numbers as --concurrency")
    return given


_HELP = {"endpoints": "or its source tree, with an environment in .venv (uv sync)"}


def _names(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _peers(given: argparse.Namespace, tokenizer: Path) -> list[Peer]:
    peers: list[Peer] = [
        Client(PROFILE, "ours as a profile runs it: staggered, warmed up", 16),
        Client("ours", "", 16),
        Client("openai", "tasks around AsyncOpenAI", 1),
    ]
    for name, kind in INSTALLED.items():
        asked: Path | None = getattr(given, name.replace("-", "_"))
        if asked is not None and asked.is_dir():
            asked = asked / ".venv" / "bin" / kind.program_name()
        found = asked or shutil.which(kind.program_name())
        if found is None:
            continue
        if not Path(found).is_file():
            sys.exit(f"--{name}: there is no program {found}")
        peers.append(kind(Path(found).absolute(), tokenizer))
    return [peer for peer in peers if given.only is None or peer.name in given.only]


def _runs(peers: Sequence[Peer], given: argparse.Namespace, scratch: Path) -> Iterator[Run]:
    versions = {peer.name: peer.version() for peer in peers}
    loads = [Load(*pair) for pair in zip(given.concurrency, given.requests, strict=True)]
    with _endpoint(Pace(ttft_s=0.05, itl_s=0.01)) as endpoint:
        for load in loads:
            for peer in peers:
                yield _valid(peer, versions[peer.name], endpoint, load, scratch)
    if given.zero_requests:
        with _endpoint(Pace()) as endpoint:
            for peer in peers:
                if peer.name == PROFILE:
                    continue  # without a pace there is nothing to stagger
                for times in (1, 4):
                    load = Load(ZERO_CONCURRENCY, times * peer.speed * given.zero_requests)
                    yield _valid(peer, versions[peer.name], endpoint, load, scratch)


@contextlib.contextmanager
def _endpoint(pace: Pace) -> Iterator[PacedMock]:
    with PacedMock(PacedReply(pace=pace)) as endpoint:
        with contextlib.suppress(OSError):  # only root may; without, more runs are void
            os.setpriority(os.PRIO_PROCESS, endpoint.pid or 0, -10)
        yield endpoint


def _valid(peer: Peer, version: str, endpoint: PacedMock, load: Load, scratch: Path) -> Run:
    """Return the first run that is not void, or the last that was."""
    for tries in range(1, TRIES + 1):
        run = run_once(peer, version, endpoint, load, scratch)
        run = msgspec.structs.replace(run, tries=tries)
        _tell(run)
        if not run.is_void:
            break
    return run


def _tell(run: Run) -> None:
    what = f"{run.tool} c={run.concurrency} n={run.requests}"
    what += "" if run.is_paced else " zero delay"
    late = f"endpoint late by {run.lag_p99_ms:.2f} ms at p99"
    said = run.failure or f"{run.answered} answered, {late}"
    sys.stderr.write(f"{what}: {said}, {run.wall_s:.1f} s{' (void)' * run.is_void}\n")


def _write(path: Path, runs: Sequence[Run]) -> None:
    here = tools(runs)
    document: dict[str, Any] = {
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processors": os.cpu_count(),
        "load_average": os.getloadavg(),
        "runs": msgspec.to_builtins(runs),
        "not_run_here": {name: told for name, told in REFERENCES.items() if name not in here},
    }
    path.write_text(json.dumps(msgspec.to_builtins(document), ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
