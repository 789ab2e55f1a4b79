"""The log of a load: all that was timed, request by request. Metrics are functions of it alone.

Times are nanoseconds of the monotonic clock (``time.perf_counter_ns``: on Linux one clock for all
processes of a machine) since the log's ``origin_ns``. The time of a chunk is taken when its bytes
came in, before anything is parsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from conformance.errors import EvidenceInvalidError
from conformance.profile.shape import Bounds, Shape

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "load/1"

ROLE, REASONING, CONTENT, TOOL, EMPTY, USAGE, DONE = "r", "t", "c", "f", "e", "u", "d"
"""What an event of a stream carries; an event that carries several is what comes first of content,
tool call, reasoning, usage, role."""
TOKENS = frozenset((REASONING, CONTENT, TOOL))
"""Events that bring tokens."""

ErrorKind = Literal[
    "connect",  # no connection
    "tls",
    "status",  # any status but 2xx
    "timeout",
    "reset",  # the connection ended before the answer
    "truncated",  # the stream ended without its end mark
    "protocol",  # no HTTP, no SSE
    "stream_error",  # an error event inside the stream
    "drained",  # still in flight when the drain was over
    "dropped",  # never sent: too many in flight
]


class RequestLog(msgspec.Struct, omit_defaults=True):
    """One request."""

    number: int
    """In the order of the intended sends of its worker; ``X-Request-Id: WORKER-NUMBER`` on the
    wire."""
    intended: int
    """When it was to be sent."""
    worker: int = 0
    sent: int | None = None
    """When its last byte was handed to the transport."""
    headers: int | None = None
    """The head of the response was complete."""
    first_byte: int | None = None
    """Of the body."""
    ended: int | None = None
    """It was over, however it ended: the body's last byte, or the failure."""
    events: list[int] = []
    """When each server-sent event came; one read may bring several."""
    kinds: str = ""
    """What each event carries, a letter each: ``r`` role, ``t`` reasoning, ``c`` content, ``f``
    tool call, ``u`` usage, ``d`` end mark, ``e`` none of these."""
    status: int | None = None
    error: ErrorKind | None = None
    detail: str = ""
    """Of an error: one line; never with a key or a body in it."""
    finish: str | None = None
    """``stop``, ``length``, ``tool_calls`` …; ``other`` for a word that is not known."""
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    """Reasoning included. The four are the server's own usage; None: it told none."""
    reasoning_tokens: int | None = None
    asked_tokens: int | None = None
    text_bytes: int | None = None
    """Of the text in its events (content, reasoning, arguments of tool calls), as JSON writes it:
    no less than the text itself."""
    connection: int = 0
    """The number of its TCP connection among its worker's."""
    is_new_connection: bool = False
    """It opened that connection; ``sent`` is after the connect, ``intended`` before."""
    is_replacement: bool = False
    """It opened it because the server had ended one that would have served."""
    session: int | None = None
    turn: int | None = None

    @property
    def is_done(self) -> bool:
        """Say whether it came to its end without an error."""
        return self.error is None and self.ended is not None

    def first(self, kinds: str | frozenset[str]) -> int | None:
        """Return when the first event of one of these kinds came."""
        for at, kind in zip(self.events, self.kinds, strict=True):
            if kind in kinds:
                return at
        return None

    def times(self, kinds: frozenset[str] = TOKENS) -> list[int]:
        """Return when each event of these kinds came; by default those that bring tokens."""
        return [at for at, kind in zip(self.events, self.kinds, strict=True) if kind in kinds]


class Spread(msgspec.Struct, frozen=True):
    """Quantiles of something sampled, by nearest rank."""

    n: int
    p50: float
    p99: float
    max: float


class ClientHealth(msgspec.Struct, frozen=True):
    """What a worker saw of itself."""

    worker: int
    cpu_s: float
    """Of its own process, user and system, over ``wall_s``."""
    wall_s: float
    loop_lag_ms: Spread
    """How late a timer of 5 ms fired, sampled all along the measured part."""
    send_lag_ms: Spread
    """From the intended to the actual send, of the requests that were sent."""
    connections: int
    """Opened in all."""
    events: int
    bytes: int
    is_uvloop: bool = False

    @property
    def cpu_share(self) -> float:
        """Return the share of one core."""
        return self.cpu_s / self.wall_s if self.wall_s else 0.0


class LoadHeader(msgspec.Struct, frozen=True):
    """What was loaded, and how."""

    format: str
    base_url: str
    model: str
    dialect: str
    shape: Shape
    bounds: Bounds
    workload: dict[str, Any]
    workers: int
    origin_ns: int
    """``time.perf_counter_ns`` at the beginning, on the client's machine."""
    origin_unix_ns: int
    """The same moment by the wall clock."""
    measured_from: int
    """When the measured part began, and when its last request was to be sent; a request belongs to
    it by its intended send."""
    measured_to: int


class LoadLog(msgspec.Struct, frozen=True):
    """A load that is over."""

    header: LoadHeader
    requests: list[RequestLog]
    """All of them, warm-up, failed and dropped ones too, by intended send."""
    clients: list[ClientHealth]

    @property
    def measured(self) -> list[RequestLog]:
        """Return the requests of the measured part."""
        start, end = self.header.measured_from, self.header.measured_to
        return [request for request in self.requests if start <= request.intended <= end]


def write_log(log: LoadLog, path: Path) -> None:
    """Write a log: header, clients, then a request a line (JSON Lines)."""
    lines: list[Any] = [log.header, log.clients, *log.requests]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def read_log(path: Path) -> LoadLog:
    """Read a log.

    Raises:
        EvidenceInvalidError: it is none.
    """
    try:
        header, clients, *requests = path.read_bytes().splitlines()
        log = LoadLog(
            msgspec.json.decode(header, type=LoadHeader),
            [msgspec.json.decode(line, type=RequestLog) for line in requests],
            msgspec.json.decode(clients, type=list[ClientHealth]),
        )
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        raise EvidenceInvalidError(
            f"is no log of a load ({error})", where=str(path), mend="name one that profile wrote"
        ) from None
    if log.header.format != FORMAT:
        raise EvidenceInvalidError(f"is of format {log.header.format!r}", where=str(path))
    if any(len(request.events) != len(request.kinds) for request in log.requests):
        raise EvidenceInvalidError("has a request whose events have no kinds", where=str(path))
    return log
