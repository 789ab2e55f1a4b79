"""The checks that make a point invalid, by the limits of ``gate_table.GATES``.

A point that breaks a gate keeps its figures, for they help to find the cause, but no headline is
made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.profile.document import Reason
from conformance.profile.gate_table import GATES, LATE_NS
from conformance.profile.shape import Closed
from conformance.profile.tokens import is_short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.profile.document import (
        Calibration,
        CalibrationPoint,
        ClientSummary,
        Energy,
        Point,
    )
    from conformance.profile.gate_table import Matter
    from conformance.profile.log import LoadLog
    from conformance.profile.tokens import TokenCheck
    from conformance.profile.window import Window


def check(
    log: LoadLog,
    *,
    window: Window,
    tokens: TokenCheck,
    client: ClientSummary,
    e2e_p50_ms: float | None,
    energy: Energy | None = None,
) -> list[Reason]:
    """Return the gates that a load breaks.

    Args:
        log: The load.
        window: Its steady window.
        tokens: What its answers say of their tokens.
        client: How the client fared.
        e2e_p50_ms: The median end-to-end latency.
        energy: Of the same window; its own reasons are the point's too.
    """
    return [
        *_client(log, client),
        *_load(log, window, e2e_p50_ms),
        *_server(log),
        *_tokens(tokens),
        *_answers(log),
        *_energy(window, energy),
    ]


def matters(reasons: Iterable[Reason]) -> set[Matter]:
    """Return whose matters they are."""
    return {GATES[reason.code].matter for reason in reasons}


def calibration_reasons(point: CalibrationPoint) -> list[Reason]:
    """Return what is wrong with one point of the calibration; a void one says nothing more."""
    detail = f"at concurrency {point.concurrency}"
    if point.is_void:
        return [Reason("mock-late", point.mock_lag_p99_ms, GATES["mock-late"].limit, detail)]
    middle = max(abs(point.ttft_p50_error_ms), abs(point.chunk_gap_p50_error_ms))
    return [
        *_broken("calibration-off", middle, detail),
        *_broken("calibration-tail-off", abs(point.ttft_p99_error_ms), detail),
    ]


def whole_reasons(
    points: Sequence[Point], calibration: Calibration | None, link: dict[str, Any] | None = None
) -> list[Reason]:
    """Return what is wrong with a profile as a whole.

    The calibration: where all of its points are void nothing vouches for the client; where some
    are, the others do. The impaired link: its proxy must have kept to its own times. A profile
    without points has nothing wrong here.

    Args:
        points: All of its points.
        calibration: None: there was none.
        link: ``ProfileDocument.link``.
    """
    if not points:
        return []
    late = list(_broken("link-late", _link_lag(link)))
    if calibration is None or not calibration.points:
        return [Reason("not-calibrated"), *late]
    found: list[Reason] = []
    told = [point for point in calibration.points if not point.is_void]
    for point in told or calibration.points:
        found += calibration_reasons(point)
    return [*found, *late]


def _link_lag(link: dict[str, Any] | None) -> float | None:
    """Return how late an impaired link handed on at p99, in ms; None where it is not known."""
    seen = (link or {}).get("seen")
    lag = seen.get("late_ms_p99") if isinstance(seen, dict) else None
    return float(lag) if isinstance(lag, int | float) else None


def _broken(code: str, measured: float | None, detail: str = "") -> Iterator[Reason]:
    return GATES[code].broken(code, measured, detail)


def _client(log: LoadLog, client: ClientSummary) -> Iterator[Reason]:
    measured = log.measured
    sent = [request for request in measured if request.sent is not None]
    late = sum(
        not request.is_new_connection and (request.sent or 0) - request.intended > LATE_NS
        for request in sent
    )
    yield from _broken("loop-lag", client.loop_lag_p99_ms)
    yield from _broken("send-lag", client.send_lag_p99_ms)
    if sent:
        yield from _broken("late-sends", late / len(sent), f"{late} of {len(sent)}")
        # A server that ends its connections makes each user connect anew: that is its own latency.
        opened = sum(each.is_new_connection and not each.is_replacement for each in sent)
        yield from _broken("connection-churn", opened / len(sent))
    yield from _broken("client-cpu", client.cpu_share)
    # Dropped in the warm-up or in the measured part: either way the load was not as stated.
    yield from _broken("dropped", sum(request.error == "dropped" for request in log.requests))


def _load(log: LoadLog, window: Window, e2e_p50_ms: float | None) -> Iterator[Reason]:
    yield from _broken("too-few", sum(request.is_done for request in log.measured))
    if not window.is_steady:
        yield Reason("no-steady-window")
        return
    if e2e_p50_ms:
        yield from _broken("window-short", window.seconds * 1000 / e2e_p50_ms)
    shape = log.header.shape
    if isinstance(shape, Closed) and not shape.thinks:
        share = window.in_flight / shape.concurrency
        yield from _broken("concurrency-not-held", share)


def _server(log: LoadLog) -> Iterator[Reason]:
    measured = log.measured
    kinds = [request.error for request in measured if not request.is_done]
    failed = [kind for kind in kinds if kind not in ("dropped", "drained", None)]
    if measured:
        most = max(set(failed), key=failed.count, default="")
        yield from _broken("failures", len(failed) / len(measured), str(most))
    # One that neither ended nor failed was left behind as well.
    yield from _broken("drained", sum(kind in ("drained", None) for kind in kinds))


def _tokens(tokens: TokenCheck) -> Iterator[Reason]:
    if not tokens.done:
        return
    if not tokens.with_usage:
        yield Reason("no-usage")
        return
    silent = tokens.done - tokens.with_usage
    if silent:
        limit = GATES["token-mismatch"].limit
        detail = f"{silent} of {tokens.done} answers tell no usage"
        # However few: a sum over counts of two kinds is a count of neither.
        yield Reason("token-mismatch", silent / tokens.done, limit, detail)
    else:
        yield from _broken("token-mismatch", tokens.contradictions / tokens.done, tokens.example)


def _answers(log: LoadLog) -> Iterator[Reason]:
    done = [request for request in log.measured if request.is_done]
    is_exact = log.header.workload.get("control") == "ignore_eos"
    short = sum(is_short(request, is_exact=is_exact) for request in done)
    if done:
        yield from _broken("short-answers", short / len(done), f"{short} of {len(done)}")


def _energy(window: Window, energy: Energy | None) -> Iterator[Reason]:
    if energy is None:
        return
    yield from energy.reasons
    if not energy.valid and not energy.reasons:
        yield Reason("power-missing")
    if window.is_steady:
        off = abs(energy.window_s - window.seconds) / window.seconds
        yield from _broken("power-window", off)
