"""A load on an endpoint, run in processes of its own: ``run_load``."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from conformance.profile.drive import Progress
from conformance.profile.endpoint import endpoint_of, tls_of
from conformance.profile.log import FORMAT, LoadHeader, LoadLog
from conformance.profile.schedule import check_shape, measured_from
from conformance.profile.shape import Closed
from conformance.profile.workers import LoadWorkerError, run_workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.shape import Bounds, Shape
    from conformance.profile.target import Target, Workload

__all__ = ["LoadWorkerError", "Progress", "run_load"]


def run_load(
    target: Target,
    workload: Workload,
    shape: Shape,
    bounds: Bounds,
    *,
    workers: int = 1,
    progress: Callable[[Progress], None] | None = None,
) -> LoadLog:
    """Put a load on an endpoint and return all that was timed; blocks until it is over.

    A request that fails is part of the log; it raises nothing. A slot of a closed loop whose
    request failed pauses (``loops.PAUSE_S``) before its next one. A closed loop without bounds
    ends when the workload does.

    Args:
        target: The endpoint.
        workload: What is asked; picklable.
        shape: How many at once, or how many a second: of all workers together.
        bounds: When it ends.
        workers: Processes that the load is dealt to; never more than it has slots.
        progress: Called about four times a second, with the sums of all workers.

    Raises:
        UsageError: the target, shape or bounds cannot be used; nothing was sent.
        LoadWorkerError: a process of the load ended by itself.
        KeyboardInterrupt: as it came; the processes were ended.
    """
    check_shape(shape, bounds, workers)
    endpoint_of(target)
    tls_of(target)
    at_once = shape.concurrency if isinstance(shape, Closed) else shape.in_flight
    ran = run_workers(target, workload, shape, bounds, min(workers, at_once), progress)
    start = measured_from(shape, bounds)
    requests = [request for log in ran.logs for request in log.requests]
    requests.sort(key=operator.attrgetter("intended", "worker", "number"))
    header = LoadHeader(
        format=FORMAT,
        base_url=target.base_url,
        model=target.model,
        dialect=target.dialect,
        shape=shape,
        bounds=bounds,
        workload=workload.describe(),
        workers=len(ran.logs),
        origin_ns=ran.origin_ns,
        origin_unix_ns=ran.origin_unix_ns,
        measured_from=start,
        measured_to=max([start, *(request.intended for request in requests)]),
    )
    return LoadLog(header, requests, [log.health for log in ran.logs])
