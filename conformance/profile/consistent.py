"""Whether the parts of a profile agree with each other and with their logs, beyond each point.

What is computed from several points (knee, agents sustained), what stands in two places, and that
all of it can have happened in one sitting, one thing after the other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.errors import UsageError
from conformance.profile.calibrate import MOST_LAG_MS
from conformance.profile.document import Inputs
from conformance.profile.percentiles import METHOD, rate_interval
from conformance.profile.points import energy_in
from conformance.profile.search import find_knee
from conformance.profile.shape import Closed
from conformance.profile.solved import costs_of
from conformance.profile.sustained import Replayed, agents_point, sustained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.profile.document import Knee, Point, ProfileDocument, Slo, SolvedPoint
    from conformance.profile.log import LoadLog
    from conformance.profile.power.recorder import PowerLog

CLOCKS_S = 60.0
"""Wall clock less monotonic clock may differ this much between the logs of one sitting: a wall
clock that is set steps by less, another boot or machine by more."""
TRIALS_S = 1.0
"""Trials are timed by the wall clock, so their window may seem to overlap a load by this."""


def inconsistencies(
    document: ProfileDocument, logs: Sequence[LoadLog], power: PowerLog | None
) -> Iterator[str]:
    """Yield where a profile contradicts itself.

    Args:
        document: The profile.
        logs: Of its points, then of its replayed agents.
        power: Its readings; None: it has none.
    """
    yield from _inputs(document.inputs)
    yield from _layers(document, logs, power)
    yield from _order(document, logs, power)
    if document.knee is not None and not is_found(document.points, document.knee, document.slo):
        yield "knee: not what a search over these points finds; some are missing, or changed"
    yield from _agents(document, logs[len(document.points) :])
    for at, point in enumerate(document.solved):
        if names := _wrong(document, point, power):
            yield f"solved[{at}]: {', '.join(names)}: does not follow from its own figures"
    for at, each in enumerate(document.calibration.points if document.calibration else ()):
        if each.is_void != (each.mock_lag_p99_ms > MOST_LAG_MS):
            yield f"calibration.points[{at}]: is_void: not what mock_lag_p99_ms says"


def _inputs(given: Inputs) -> Iterator[str]:
    """Yield what was given and cannot be: the command line takes none of it."""
    for name in Inputs.__struct_fields__:
        value = getattr(given, name)
        least = 1 if name == "pue" else 0
        if name != "currency" and value is not None and not least <= value < math.inf:
            yield f"inputs: {name}: {value:g} is less than {least}, or no number"


def _layers(
    document: ProfileDocument, logs: Sequence[LoadLog], power: PowerLog | None
) -> Iterator[str]:
    layers = document.layers
    devices = [] if power is None else power.devices
    if layers.hardware.get("accelerators") != sum(device.is_accelerator for device in devices):
        yield "layers.hardware.accelerators: not those of the log of power"
    if (document.power, document.devices) != (
        ([], []) if power is None else (power.methods, power.devices)
    ):
        yield "power, devices: not those of the log of power"
    if document.percentile_method != METHOD:
        yield "percentile_method: another one"
    for log in logs:
        header = log.header
        told = (layers.model.get("requested"), layers.model.get("dialect"))
        is_other = document.link is None and header.base_url != layers.cloud.get("endpoint")
        if told != (header.model, header.dialect) or is_other:
            yield "layers: another endpoint, model or dialect than a log's"
            break
    asked = layers.application.get("workload")
    for log in logs[: len(document.points)]:  # replayed agents ask something else
        played = log.header.workload
        # Each load has a number of its own, so that no prompt comes twice.
        if not isinstance(asked, dict) or {**asked, "load": 0} != {**played, "load": 0}:
            yield "layers.application.workload: not what a log says was asked"
            break


def _order(
    document: ProfileDocument, logs: Sequence[LoadLog], power: PowerLog | None
) -> Iterator[str]:
    """Yield what cannot have been one after the other, on one machine."""
    spans = [_span(log) for log in logs]
    if document.idle is not None:
        spans.append(document.idle)
    slack = round(TRIALS_S * 1e9)
    spans += [
        (point.start_ns + slack, point.end_ns - slack)
        for point in document.solved
        if point.start_ns is not None
        and point.end_ns is not None
        and point.end_ns - point.start_ns > 2 * slack
    ]
    spans.sort()
    if any(before[1] > after[0] for before, after in pairwise(spans)):
        yield "two of its loads, its idle window or its trials were at the same time"
    headers = [log.header for log in logs] + ([] if power is None else [power.header])
    offsets = [header.origin_unix_ns - header.origin_ns for header in headers]
    if offsets and (max(offsets) - min(offsets)) / 1e9 > CLOCKS_S:
        yield "its logs are of several machines or sittings: their clocks differ"


def _span(log: LoadLog) -> tuple[int, int]:
    over = max((request.ended or request.intended for request in log.requests), default=0)
    return log.header.origin_ns, log.header.origin_ns + over


def is_found(points: Sequence[Point], knee: Knee, slo: Slo) -> bool:
    """Say whether a search that is given these points asks for all of them, and ends as it says.

    A limit above the highest load changes nothing of how a search goes.
    """
    given: dict[float, list[Point]] = defaultdict(list)
    for point in points:
        given[point.concurrency].append(point)

    def measure(concurrency: int) -> Point:
        return given[float(concurrency)].pop(0)

    try:
        _, found = find_knee(measure, limit=int(max(given)), slo=slo)
    except (IndexError, ValueError):  # a point that is not there; or none at all
        return False
    return found == knee and not any(given.values())


def _agents(document: ProfileDocument, logs: Sequence[LoadLog]) -> Iterator[str]:
    told = document.agents
    if told is None:
        return
    for at, (each, log) in enumerate(zip(told.points, logs, strict=True)):
        shape, played = log.header.shape, log.header.workload
        agents = shape.concurrency if isinstance(shape, Closed) and shape.thinks else 0
        seen = {request.session for request in log.measured} - {None}
        again = agents_point(agents, Replayed(each.point, each.sessions), document.slo)
        is_same = all(
            played.get(name) == getattr(told, name)
            for name in ("bundle", "cache", "sessions", "turns")
        )
        if each != again or not is_same or not 0 <= each.sessions <= len(seen):
            yield f"agents.points[{at}]: not what its log says"
    if told.sustained != sustained(told.points, document.slo):
        yield "agents.sustained: not what its points give"


def _wrong(document: ProfileDocument, point: SolvedPoint, power: PowerLog | None) -> list[str]:
    """Return which figures of graded trials do not follow from the others."""
    if not 0 <= point.solved <= point.trials:
        return ["solved"]
    rate = rate_interval(point.solved, point.trials) if point.trials else None
    done, seconds = point.window_solved, point.window_s
    energy = None
    if power is not None and power.devices and point.start_ns is not None:
        if point.end_ns is None or point.end_ns <= point.start_ns:
            return ["end_ns"]
        energy = energy_in(power, document.idle, point.start_ns, point.end_ns)
    figures = {
        "energy": energy,
        "solve_rate": point.solved / point.trials if point.trials else None,
        "solve_rate_low": rate and rate.low,
        "solve_rate_high": rate and rate.high,
        "valid": not point.reasons,
    }
    if done is not None:
        inputs = document.inputs
        try:
            costs = costs_of(energy, inputs, solved=done, seconds=seconds, sent=None, made=None)
        except UsageError:  # prices that exclude each other
            return ["inputs"]
        figures |= costs._asdict()
        if None not in (inputs.price_per_million_input, inputs.price_per_million_output):
            del figures["money_per_solved_task"]  # how many were sent only the trials can tell
    if not 0 <= (done or 0) <= min(point.window_trials or 0, point.solved):
        return ["window_solved"]
    return [name for name, value in figures.items() if getattr(point, name) != value]
