"""Where the log of a load contradicts itself: what no load can have written.

The load client's own rules make a log redundant: when a request was due follows from the schedule,
or from the end of the one before it, and no time can come before its cause. A log that was edited
by hand breaks these rules; one that was made up with care keeps them, and is out of reach.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import msgspec

from conformance.errors import UsageError
from conformance.profile.decode import MOST_TOKENS
from conformance.profile.log import CONTENT, DONE, EMPTY, REASONING, ROLE, TOOL, USAGE
from conformance.profile.loops import MOST_TIMES, PAUSE_S
from conformance.profile.schedule import Share, arrivals, check_shape, measured_from, measured_until
from conformance.profile.shape import Closed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.profile.log import LoadLog, RequestLog

LONGEST_NS = 30 * 86_400 * 10**9
"""No time of a log lies further from its origin; arithmetic on more need not be possible."""
_SLACK_NS = 10**9
"""A closed loop whose end is put off goes over its time by a step, and the step may be late."""

_KINDS = frozenset((ROLE, REASONING, CONTENT, TOOL, EMPTY, USAGE, DONE))


def contradictions(log: LoadLog) -> Iterator[str]:
    """Yield where a log contradicts itself, one line a rule: the first that breaks it, or all."""
    header = log.header
    try:
        check_shape(header.shape, header.bounds, header.workers)
        msgspec.msgpack.encode(header)  # which holds no integer that arithmetic cannot take
        start = measured_from(header.shape, header.bounds)
        until = measured_until(header.shape, header.bounds)
        due = _due(log)
    except (UsageError, OverflowError) as error:
        yield f"such a load cannot be run ({error})"
        return
    if not all(0 <= at < 2**63 for at in (header.origin_ns, header.origin_unix_ns)):
        yield "it began at a time that cannot be"
        return
    broken = [(request, rule) for request in log.requests if (rule := _broken_rule(request))]
    if broken:
        request, rule = broken[0]
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        yield f"request {request.worker}-{request.number}: {rule}{more}"
        return
    last = max((request.intended for request in log.requests), default=0)
    if (header.measured_from, header.measured_to) != (start, max(start, last)):
        yield "its measured part is not that of its shape, bounds and requests"
    yield from _workers(log)
    yield from _connections(log.requests)
    if isinstance(header.shape, Closed):
        yield from _closed(log.requests, header.shape)
    elif due != sorted(request.intended for request in log.requests):
        yield "its requests were not due when its schedule says"
    if until is not None:
        ends = {worker: _until(log, worker, start, until) for worker in range(header.workers)}
        if any(request.intended >= ends.get(request.worker, until) for request in log.requests):
            yield "requests were due when its duration was over"
    if header.bounds.requests is not None and len(log.measured) > header.bounds.requests:
        yield f"more than {header.bounds.requests} requests in its measured part"


def _until(log: LoadLog, worker: int, start: int, until: int) -> int:
    """Return when a worker's load was over at the latest: later where too few were done."""
    header = log.header
    least = Share(worker, header.workers).part(header.bounds.least_done)
    if not isinstance(header.shape, Closed) or not least:
        return until
    done = sorted(
        request.ended or 0
        for request in log.measured
        if request.worker == worker and request.is_done
    )
    enough = done[least - 1] + _SLACK_NS if len(done) >= least else start + 2**62
    return max(until, min(enough, start + MOST_TIMES * (until - start) + _SLACK_NS))


def _due(log: LoadLog) -> list[int]:
    """Return when the requests of an open loop were due, one more than there are at most."""
    shape = log.header.shape
    if isinstance(shape, Closed):
        return []
    return [one.at for one in islice(arrivals(shape, log.header.bounds), len(log.requests) + 1)]


def _broken_rule(request: RequestLog) -> str:
    """Say which rule of a single request is broken; empty: none."""
    chain = (
        request.intended, request.sent, request.headers, request.first_byte, *request.events,
        request.ended,
    )  # fmt: skip
    times = [time for time in chain if time is not None]
    tokens = (
        request.input_tokens, request.cached_tokens, request.output_tokens,
        request.reasoning_tokens, request.asked_tokens,
    )  # fmt: skip
    is_ok = request.status is not None and 200 <= request.status < 300  # noqa: PLR2004 - 2xx
    rules = (
        (not all(0 <= time <= LONGEST_NS for time in times), "a time that cannot be"),
        (any(after < before for before, after in pairwise(times)), "a time before its cause"),
        (len(times) > 1 and request.ended is None, "answered, and no end"),
        (request.sent is None and len(times) > 2, "answered, and never sent"),  # noqa: PLR2004 - intended, ended
        (not all(0 <= count <= MOST_TOKENS for count in tokens if count is not None),
         "a count of tokens that cannot be"),
        (not _KINDS.issuperset(request.kinds), "an event of no kind"),
        (request.is_done and not (is_ok and request.sent is not None and DONE in request.kinds),
         "done without an answer"),
        (request.error == "dropped" and request.sent is not None, "dropped, and sent"),
        (request.error == "status" and is_ok, "failed with a good status"),
    )  # fmt: skip
    return next((rule for is_broken, rule in rules if is_broken), "")


def _workers(log: LoadLog) -> Iterator[str]:
    numbers: dict[int, list[int]] = defaultdict(list)
    events: Counter[int] = Counter()
    opened: Counter[int] = Counter()
    for request in log.requests:
        numbers[request.worker].append(request.number)
        events[request.worker] += len(request.events)
        if request.sent is not None:
            opened[request.worker] = max(opened[request.worker], request.connection + 1)
    known = [client.worker for client in log.clients]
    if (
        known != list(range(len(known)))
        or log.header.workers != len(known)
        or not numbers.keys() <= set(known)
    ):
        yield "its workers are not those it names"
    if any(sorted(own) != list(range(len(own))) for own in numbers.values()):
        yield "its requests are not numbered through: some are missing, or there twice"
    for client in log.clients:
        at = client.worker
        if client.events > events[at] or client.connections < opened[at]:
            yield f"worker {at} counts other events or connections than its requests have"


def _connections(requests: Sequence[RequestLog]) -> Iterator[str]:
    used: dict[tuple[int, int], list[RequestLog]] = defaultdict(list)
    for request in requests:
        if request.sent is not None:
            used[request.worker, request.connection].append(request)
    for (worker, connection), own in used.items():
        own.sort(key=lambda one: (one.sent or 0, one.ended or 0))
        if any((before.ended or 0) > (after.sent or 0) for before, after in pairwise(own)):
            yield f"connection {worker}-{connection} carries two requests at once"
            return


def _closed(requests: Sequence[RequestLog], shape: Closed) -> Iterator[str]:
    """Yield where the slots of a closed loop are not what they must be.

    A slot's first request is due by the stagger; each later one when the one before it ended, after
    a pause where that failed. With times to think, which are not in the log, only later than that.
    """
    changes = [(one.sent, 1) for one in requests if one.sent is not None]
    changes += [(one.ended or 0, -1) for one in requests if one.sent is not None]
    in_flight = most = 0
    for _, change in sorted(changes):
        in_flight += change
        most = max(most, in_flight)
    if most > shape.concurrency:
        yield f"{most} requests in flight at {shape.concurrency} slots"
    if shape.thinks:
        return
    slots = min(shape.concurrency, len(requests))  # others never began
    gap_ns = shape.stagger_s * 1e9 / shape.concurrency
    free: Counter[int] = Counter(round(slot * gap_ns) for slot in range(slots))
    pauses = {round(min(PAUSE_S[0] * 2**n, PAUSE_S[1]) * 1e9) for n in range(17)}
    after_failure: Counter[int] = Counter()
    for request in requests:
        if request.ended is None:
            continue
        if request.error is None:
            free[request.ended] += 1
        else:
            after_failure.update(request.ended + pause for pause in pauses)
    for request in requests:
        for places in (free, after_failure):
            if places[request.intended] > 0:
                places[request.intended] -= 1
                break
        else:
            yield (
                f"request {request.worker}-{request.number} was due when no slot was free: the one "
                "before it is missing, or its end was changed"
            )
            return
