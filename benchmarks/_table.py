"""The runs as one table, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from _reference import CONCURRENCIES, REFERENCES, TRUE_TTFT_P50
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from _runs import Run

PROFILE = "profile"
"""Our client as ``conformance profile`` runs it."""
TTFT_BARS = {"TTFT p50": 2.0, "TTFT p99": 5.0}
"""Milliseconds."""
ZERO_CHUNKS_PER_S, ZERO_CPU_US = 200_000.0, 5.0
ABSENT = "†"
FOOTNOTE = (
    f"{ABSENT} not run here: figures of 2026-11-23 on another machine (2 shared cores, another "
    "endpoint); errors are read less true. CPU of a paced chunk: slope between c = 16 and 256."
)


def table_of(runs: Sequence[Run], notes: Mapping[str, str]) -> Table:
    """Return the table; ``notes`` has a remark on each tool that is here."""
    table = Table(box=None, title="error against the endpoint's own record: error (read/true)")
    for heading in ("load", "tool"):
        table.add_column(heading)
    for heading in ("TTFT p50 ms", "TTFT p99 ms", "chunk gap p99 ms", "req/s (true)", "µs/chunk"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("remarks")
    paced = [run for run in runs if run.is_paced]
    for concurrency in dict.fromkeys(run.concurrency for run in paced):
        load = f"c = {concurrency}"
        for run in paced:
            if run.concurrency == concurrency:
                table.add_row(load, *_row(run, slope_of(_many(paced, run.tool)), notes[run.tool]))
        for row in _absent(concurrency, notes):
            table.add_row(load, *row, style="dim")
        table.add_section()
    _add_zero(table, [run for run in runs if not run.is_paced], notes)
    return table


def verdict(runs: Sequence[Run]) -> Iterable[str]:
    """Yield whether ours keeps the bars, and whether it is ahead of each tool that ran."""
    valid = [run for run in runs if not run.is_void]
    for run in valid:
        if run.tool == PROFILE and run.is_paced:
            for (what, bar), error in zip(TTFT_BARS.items(), run.errors, strict=True):
                kept = "kept" if abs(error) <= bar else "NOT KEPT"
                yield f"c = {run.concurrency}: {what} off by {error:+.2f} ms, bar {bar:g}: {kept}"
    zero = {name: [r for r in valid if r.tool == name and not r.is_paced] for name in tools(runs)}
    mine = zero.get("ours", [])
    cpu_us = slope_of(mine)
    if cpu_us is not None:
        rate = mine[-1].chunks_per_s_true or 0.0
        kept = "kept" if rate >= ZERO_CHUNKS_PER_S and cpu_us <= ZERO_CPU_US else "NOT KEPT"
        yield f"zero delay: {rate:,.0f} chunks/s and {cpu_us:.1f} µs CPU a chunk: {kept}"
    for other in tools(runs):
        if other not in ("ours", PROFILE):
            behind = list(_behind(valid, other, cpu_us, slope_of(zero[other])))
            compared = len(behind)
            lost = [what for what, is_behind in behind if is_behind]
            told = f"BEHIND in {', '.join(lost)}" if lost else f"ahead in all {compared} figures"
            yield f"against {other}: {told if compared else 'no valid runs of both'}"


def tools(runs: Sequence[Run]) -> list[str]:
    """Return the tools that ran, in order."""
    return list(dict.fromkeys(run.tool for run in runs))


def slope_of(runs: Sequence[Run]) -> float | None:
    """Return the CPU of one chunk more, in microseconds, between the shortest and longest run.

    None where that is lost in what the tool uses without any load.
    """
    known = sorted((run for run in runs if run.chunks), key=lambda run: run.chunks)
    if len(known) < 2 or known[-1].chunks == known[0].chunks:
        return None
    more_us = 1e6 * (known[-1].cpu_s - known[0].cpu_s) / (known[-1].chunks - known[0].chunks)
    return more_us if more_us > 0 else None


def _many(paced: Sequence[Run], tool: str) -> list[Run]:
    """Return the runs of a tool but those of one client, in which start-up is nearly all."""
    return [run for run in paced if run.tool == tool and run.concurrency > 1]


def _row(run: Run, cpu_us: float | None, note: str) -> tuple[str, ...]:
    if run.failure:
        return (run.tool, "–", "–", "–", "–", "–", run.failure)
    remarks = [note] if note else []
    if run.answered != run.requests:
        remarks.append(f"sent {run.answered} of {run.requests}")
    if run.is_void:
        remarks.insert(0, f"VOID: endpoint late by {run.lag_p99_ms:.1f} ms, {run.tries} tries")
    return (
        run.tool,
        _error(run.ttft_p50_ms, run.ttft_p50_true_ms),
        _error(run.ttft_p99_ms, run.ttft_p99_true_ms),
        _error(run.gap_p99_ms, run.gap_p99_true_ms),
        _rates(run),
        _number(cpu_us),
        "; ".join(remarks),
    )


def _add_zero(table: Table, zero: Sequence[Run], here: Iterable[str]) -> None:
    for name in tools(zero):
        table.add_row("zero delay", *_zero_row([run for run in zero if run.tool == name]))
    for name, told in REFERENCES.items() if zero else ():
        if name not in here:
            rate, cpu = f"{told.zero_requests_per_s:.0f}", f"{told.zero_us_per_chunk:.1f}"
            table.add_row("zero delay", name + ABSENT, "", "", "", rate, cpu, style="dim")


def _zero_row(runs: Sequence[Run]) -> tuple[str, ...]:
    last = runs[-1]
    failure = next((run.failure for run in runs if run.failure), "")
    if failure:
        return (last.tool, "", "", "", "–", "–", failure)
    rate = f"{last.chunks_per_s_true:,.0f} chunks/s"
    return (last.tool, "", "", "", _rates(last), _number(slope_of(runs)), rate)


def _absent(concurrency: int, here: Iterable[str]) -> Iterable[tuple[str, ...]]:
    """Yield the rows of tools that are not run here."""
    if concurrency not in CONCURRENCIES:
        return
    at = CONCURRENCIES.index(concurrency)
    for name, told in REFERENCES.items():
        if name not in here and told.ttft_p50[at] is not None:
            p99, gap = told.ttft_p99[at], told.gap_p99[at]
            yield (
                name + ABSENT,
                _error(told.ttft_p50[at], TRUE_TTFT_P50),
                _error(*p99) if p99 else "–",
                _error(*gap) if gap else "–",
                _number(told.requests_per_s[at]),
                _number(told.paced_us_per_chunk),
            )


def _behind(
    valid: Sequence[Run], other: str, cpu_us: float | None, their_us: float | None
) -> Iterable[tuple[str, bool]]:
    """Yield each figure that both tools have, and whether ours is the worse."""
    mine = {run.concurrency: run for run in valid if run.tool == "ours" and run.is_paced}
    for run in valid:
        if run.tool == other and run.is_paced and run.concurrency in mine:
            pairs = zip(TTFT_BARS, mine[run.concurrency].errors, run.errors, strict=True)
            for what, our_error, their_error in pairs:
                is_behind = abs(our_error) > abs(their_error)
                yield f"{what} at c = {run.concurrency}", is_behind
    if cpu_us is not None and their_us is not None:
        yield "CPU a chunk at zero delay", cpu_us > their_us


def _error(read: float | None, true: float | None) -> str:
    if read is None or true is None:
        return "–"
    return f"{read - true:+.2f} ({read:.1f}/{true:.1f})"


def _rates(run: Run) -> str:
    return f"{_number(run.requests_per_s)} ({_number(run.requests_per_s_true)})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
