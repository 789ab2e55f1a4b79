"""Made-up logs of a load, with truth known by construction; times are given in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.profile.log import (
    FORMAT,
    ClientHealth,
    LoadHeader,
    LoadLog,
    RequestLog,
    Spread,
)
from conformance.profile.shape import Bounds, Closed, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MS = 1_000_000
"""Nanoseconds in a millisecond."""


class Stream(NamedTuple):
    """How one answer comes, in milliseconds after its sending."""

    ttft: float = 50.0
    """To the first event that brings tokens."""
    gap: float = 10.0
    """Between two such events."""
    events: int = 10
    """Events that bring tokens."""
    tokens_per_event: int = 1
    role_at: float | None = None
    """A role-only event before them; none."""
    reasoning: int = 0
    """So many of the events, from the first, carry reasoning."""
    tools: int = 0
    """So many after those carry a tool call; the rest is content."""
    stall_before: int | None = None
    """Before this event (from 0) the server pauses for ``stall``, in place of the gap."""
    stall: float = 0.0
    finish_event: bool = True
    """An empty event with the finish reason comes with the last one."""
    usage: bool = True
    input_tokens: int = 20


def request(  # a log's fields are many
    sent: float = 0.0, stream: Stream | None = None, *, late: float = 0.0, **fields: Any
) -> RequestLog:
    """Make a streamed request that is done.

    Args:
        sent: When it really was sent.
        stream: How the answer comes.
        late: How long before that it was to be sent.
        fields: Of ``RequestLog``, to put in place of what is made.
    """
    stream = stream or Stream()
    times: list[float] = []
    kinds = ""
    if stream.role_at is not None:
        times.append(sent + stream.role_at)
        kinds += "r"
    at = sent + stream.ttft
    for number in range(stream.events):
        if number:
            at += stream.stall if number == stream.stall_before else stream.gap
        times.append(at)
        kinds += (
            "t"
            if number < stream.reasoning
            else "f"
            if number < stream.reasoning + stream.tools
            else "c"
        )
    for is_there, letter in ((stream.finish_event, "e"), (stream.usage, "u"), (True, "d")):
        if is_there:
            times.append(at)
            kinds += letter
    made: dict[str, Any] = {
        "number": 0,
        "intended": round((sent - late) * MS),
        "sent": round(sent * MS),
        "headers": round(times[0] * MS),
        "first_byte": round(times[0] * MS),
        "ended": round(at * MS),
        "events": [round(time * MS) for time in times],
        "kinds": kinds,
        "status": 200,
        "finish": "stop",
    }
    if stream.usage:
        made |= {
            "input_tokens": stream.input_tokens,
            "output_tokens": stream.events * stream.tokens_per_event,
        }
    return RequestLog(**(made | fields))


def failed(sent: float = 0.0, *, error: str = "status", after: float = 1.0) -> RequestLog:
    """Make a request that failed so many milliseconds after its sending."""
    at = round(sent * MS)
    return msgspec.convert(
        {
            "number": 0,
            "intended": at,
            "sent": None if error == "dropped" else at,
            "ended": None if error == "dropped" else round((sent + after) * MS),
            "status": 500 if error == "status" else None,
            "error": error,
        },
        RequestLog,
    )


def spread(p50: float = 0.1, p99: float | None = None, n: int = 1000) -> Spread:
    """Make quantiles."""
    top = p50 if p99 is None else p99
    return Spread(n=n, p50=p50, p99=top, max=top)


def client(**fields: Any) -> ClientHealth:
    """Make what a worker says of itself: at ease."""
    made: dict[str, Any] = {
        "worker": 0,
        "cpu_s": 0.5,
        "wall_s": 10.0,
        "loop_lag_ms": spread(),
        "send_lag_ms": spread(),
        "connections": 4,
        "events": 10_000,
        "bytes": 1_000_000,
    }
    return ClientHealth(**(made | fields))


def log_of(
    requests: Iterable[RequestLog],
    *,
    shape: Shape | None = None,
    measured: tuple[float, float] | None = None,
    clients: Sequence[ClientHealth] | None = None,
    dialect: str = "chat",
) -> LoadLog:
    """Make a log of requests.

    Args:
        requests: In any order; they are put in that of their intended sends and numbered.
        shape: One slot, closed, when not given.
        measured: The measured part in milliseconds; from the first intended send to the last
            when not given.
        clients: One worker at ease when not given.
        dialect: Of the endpoint.
    """
    ordered = [
        msgspec.structs.replace(one, number=number)
        for number, one in enumerate(sorted(requests, key=lambda one: one.intended))
    ]
    clients = [client()] if clients is None else list(clients)
    first, last = (
        (ordered[0].intended, ordered[-1].intended)
        if measured is None
        else (round(measured[0] * MS), round(measured[1] * MS))
    )
    return LoadLog(
        LoadHeader(
            format=FORMAT,
            base_url="http://127.0.0.1:1/v1",
            model="made-up",
            dialect=dialect,
            shape=shape or Closed(concurrency=1, stagger_s=0.0),
            bounds=Bounds(requests=len(ordered)),
            workload={"name": "made up"},
            workers=len(clients),
            origin_ns=0,
            origin_unix_ns=0,
            measured_from=first,
            measured_to=last,
        ),
        ordered,
        clients,
    )


def closed_log(
    concurrency: int = 4, rounds: int = 16, stream: Stream | None = None, **fields: Any
) -> LoadLog:
    """Make a closed loop's log: each slot asks again as soon as it is answered.

    The slots begin evenly spread over one answer; the measured part begins with the second round
    and ends with the intended send of the last request of all but the last round.
    """
    stream = stream or Stream()
    length = (request(0.0, stream).ended or 0) / MS
    requests = [
        request(slot * length / concurrency + turn * length, stream)
        for slot in range(concurrency)
        for turn in range(rounds)
    ]
    fields.setdefault("measured", (length, (rounds - 1) * length))
    return log_of(requests, shape=Closed(concurrency=concurrency, stagger_s=0.0), **fields)
