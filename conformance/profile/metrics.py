"""From a log to a point: every figure of ``document.Point``, as a pure function.

Latencies belong to the done requests of the measured part, by their intended send. Rates belong to
the steady window, by the time at which tokens came and answers ended, whoever sent them when: a
request's output tokens are spread evenly over its token events, its input tokens count at its first
one. Failed requests are in no latency and no rate, but in the share of good ones.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from conformance.profile.document import (
    ClientSummary,
    Energy,
    Percentiles,
    PerToken,
    Point,
    Slo,
)
from conformance.profile.gates import check
from conformance.profile.log import CONTENT
from conformance.profile.percentiles import percentiles_of, quantile
from conformance.profile.shape import Closed, Open
from conformance.profile.tokens import (
    TokenSource,
    check_tokens,
    output_tokens,
    streamed_tokens,
)
from conformance.profile.window import Window, steady_window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.profile.log import LoadLog, RequestLog

MS = 1e6
"""Nanoseconds in a millisecond."""


class Readings(NamedTuple):
    """What is read off one done request, in milliseconds; None where it cannot be seen."""

    ttft: float | None
    """From the actual send to the first content."""
    ttft_any: float | None
    """To the first token of any kind."""
    ttft_intended: float | None
    """To the first content, from the intended send."""
    chunk_gaps: tuple[float, ...]
    """Between events that bring tokens; fewer than two events have none."""
    tpot: float | None
    """(last token event − first) / (tokens − 1); None for one token, and where all tokens came in
    one event or one read, for then the time between them is not seen: it is not 0."""
    e2e: float
    e2e_intended: float
    first_intended: float
    """From the intended send to the first token of any kind; of an answer that came whole, to its
    end. An SLO's TTFT is held against this: what a user waited for any sign of an answer, no matter
    how late the client was."""

    @property
    def max_stall(self) -> float | None:
        """Return the longest gap."""
        return max(self.chunk_gaps, default=None)


def readings(request: RequestLog, source: TokenSource | None = "usage") -> Readings | None:
    """Read a request off its log.

    Args:
        request: One request.
        source: Where its tokens are counted, for TPOT.

    Returns:
        Its readings; None where it failed or is not over.
    """
    if not request.is_done or request.sent is None or request.ended is None:
        return None
    times = request.times()
    content = request.first(CONTENT)
    tokens = streamed_tokens(request, source)
    spread = (times[-1] - times[0]) / MS if times else 0.0
    return Readings(
        ttft=None if content is None else (content - request.sent) / MS,
        ttft_any=(times[0] - request.sent) / MS if times else None,
        ttft_intended=None if content is None else (content - request.intended) / MS,
        chunk_gaps=tuple((after - before) / MS for before, after in pairwise(times)),
        tpot=spread / (tokens - 1) if tokens is not None and tokens > 1 and spread else None,
        e2e=(request.ended - request.sent) / MS,
        e2e_intended=(request.ended - request.intended) / MS,
        first_intended=((times[0] if times else request.ended) - request.intended) / MS,
    )


def is_good(reading: Readings | None, slo: Slo) -> bool:
    """Say whether a request is done and keeps every part of an SLO that is set.

    TTFT and end-to-end latency are taken from the intended send, TTFT to the first token of any
    kind: an agent's answer may be a tool call and no text. A TPOT or a gap that an answer has not,
    such as one of a single token, cannot be broken.
    """
    if reading is None:
        return False
    parts = (
        (reading.first_intended, slo.ttft_ms),
        (reading.tpot, slo.tpot_ms),
        (reading.max_stall, slo.chunk_gap_ms),
        (reading.e2e_intended, slo.e2e_ms),
    )
    return all(limit is None or value is None or value <= limit for value, limit in parts)


def measure(
    log: LoadLog,
    slo: Slo,
    *,
    log_path: str,
    log_sha256: str,
    energy: Energy | None = None,
    accelerators: int | None = None,
) -> Point:
    """Compute the point that a log gives.

    Args:
        log: Of one load.
        slo: What a good request keeps; where no part of it is set, goodput is null.
        log_path: Of the log, beside the profile.
        log_sha256: Its digest.
        energy: Of all devices behind the endpoint in the log's ``steady_window``.
        accelerators: How many there are; None: not known.
    """
    window = steady_window(log)
    tokens = check_tokens(log.requests)
    source = tokens.source
    measured = log.measured
    read = [reading for request in measured if (reading := readings(request, source))]
    rates = _rates(log, slo, window, source)
    summary = client_summary(log)
    reasons = check(
        log,
        window=window,
        tokens=tokens,
        client=summary,
        e2e_p50_ms=quantile(sorted(reading.e2e for reading in read), 0.5),
        energy=energy,
    )
    shape = log.header.shape
    failed: dict[str, int] = {}
    for request in measured:
        if not request.is_done:
            kind = request.error or "drained"
            failed[kind] = failed.get(kind, 0) + 1
    done = [request for request in measured if request.is_done]
    good = sum(is_good(reading, slo) for reading in read)
    return Point(
        concurrency=float(shape.concurrency) if isinstance(shape, Closed) else window.in_flight,
        loop="closed"
        if isinstance(shape, Closed)
        else ("open" if isinstance(shape, Open) else "trace"),
        rate=shape.rate if isinstance(shape, Open) else None,
        window_s=window.seconds if window.is_steady else 0.0,
        requests=len(measured),
        done=len(done),
        failed=failed,
        requests_per_s=rates.requests,
        output_tokens_per_s=rates.output,
        total_tokens_per_s=rates.total,
        input_tokens=_sum_of_all(request.input_tokens for request in done),
        cached_tokens=_sum_of_told(request.cached_tokens for request in done),
        output_tokens=_sum_of_all(output_tokens(request, source) for request in done),
        tokens_from=source,
        goodput_per_s=rates.good if slo.is_set else None,
        good_share=good / len(measured) if measured and slo.is_set else None,
        user_tokens_per_s=_percentiles(1000 / r.tpot for r in read if r.tpot),
        ttft_ms=_percentiles(r.ttft for r in read),
        ttft_any_ms=_percentiles(r.ttft_any for r in read),
        ttft_intended_ms=_percentiles(r.ttft_intended for r in read),
        chunk_gap_ms=percentiles_of(
            (gap for r in read for gap in r.chunk_gaps), are_independent=False
        ),
        tpot_ms=_percentiles(r.tpot for r in read),
        max_stall_ms=_percentiles(r.max_stall for r in read),
        e2e_ms=_percentiles(r.e2e for r in read),
        e2e_intended_ms=_percentiles(r.e2e_intended for r in read),
        energy=energy,
        per_token=_per_token(rates, energy, accelerators),
        valid=not reasons,
        reasons=reasons,
        client=summary,
        log=log_path,
        log_sha256=log_sha256,
    )


def client_summary(log: LoadLog) -> ClientSummary:
    """Return how the client fared, worst worker first.

    The send lag is that of the requests of the measured part which found a connection open: a
    connect is no lag, and counts as churn. It is taken for each worker by itself.
    """
    lags: dict[int, list[float]] = {}
    for request in log.measured:
        if request.sent is not None and not request.is_new_connection:
            lags.setdefault(request.worker, []).append((request.sent - request.intended) / MS)
    events = sum(client.events for client in log.clients)
    return ClientSummary(
        workers=len(log.clients),
        cpu_share=max((client.cpu_share for client in log.clients), default=0.0),
        cpu_us_per_event=sum(client.cpu_s for client in log.clients) * 1e6 / events
        if events
        else None,
        loop_lag_p99_ms=max((client.loop_lag_ms.p99 for client in log.clients), default=0.0),
        send_lag_p99_ms=max(
            (quantile(sorted(lag), 0.99) or 0.0 for lag in lags.values()), default=0.0
        ),
        connections=sum(client.connections for client in log.clients),
        new_connections=sum(request.is_new_connection for request in log.measured),
    )


class _Rates(NamedTuple):
    """By the second, in the steady window."""

    requests: float | None = None
    good: float | None = None
    output: float | None = None
    total: float | None = None


def _rates(log: LoadLog, slo: Slo, window: Window, source: TokenSource | None) -> _Rates:
    if not window.is_steady:
        return _Rates()
    ended = good = 0
    output: list[float] = []
    inputs: int | None = 0
    for request in log.requests:
        if not request.is_done:
            continue
        if window.holds(request.ended):
            ended += 1
            good += is_good(readings(request, source), slo)
        times = request.times() or [request.ended or 0]
        inside = sum(map(window.holds, times))
        output.append((output_tokens(request, source) or 0) * inside / len(times))
        if inputs is not None and window.holds(times[0]):
            inputs = None if request.input_tokens is None else inputs + request.input_tokens
    tokens = math.fsum(output)
    return _Rates(
        requests=ended / window.seconds,
        good=good / window.seconds,
        output=tokens / window.seconds if source else None,
        total=(tokens + inputs) / window.seconds if source and inputs is not None else None,
    )


def _per_token(rates: _Rates, energy: Energy | None, accelerators: int | None) -> PerToken | None:
    """Return energy by work: mean power over rate, both of the steady window."""
    if energy is None and not accelerators:
        return None
    watts = idle = None
    if energy is not None and energy.valid and energy.window_s > 0:
        watts = _ratio(energy.joules, energy.window_s)
        idle = _ratio(energy.idle_joules, energy.window_s)
    above = watts - idle if watts is not None and idle is not None else None
    return PerToken(
        j_per_output_token=_ratio(watts, rates.output),
        j_per_output_token_above_idle=_ratio(above, rates.output),
        j_per_total_token=_ratio(watts, rates.total),
        tokens_per_s_per_accelerator=_ratio(rates.output, accelerators),
        tokens_per_joule=_ratio(rates.output, watts),
    )


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def _percentiles(values: Iterable[float | None]) -> Percentiles:
    return percentiles_of(value for value in values if value is not None)


def _sum_of_all(values: Iterable[int | None]) -> int | None:
    """Return the sum; None where one is not told, or there are none."""
    told = list(values)
    if not told or None in told:
        return None
    return sum(value or 0 for value in told)


def _sum_of_told(values: Iterable[int | None]) -> int | None:
    """Return the sum; servers leave cached tokens out where there are none, so a gap is 0."""
    told = [value for value in values if value is not None]
    return sum(told) if told else None
