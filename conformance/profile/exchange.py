"""One request and its answer, written into the request's log as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.profile.decode import describe_failure
from conformance.profile.kinds import ChatEvents, Events, Likeness, ResponsesEvents
from conformance.profile.wire import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.log import ErrorKind, RequestLog
    from conformance.profile.target import LoadDialect
    from conformance.profile.wire import Connection, Head, Sink

_MAX_DETAIL = 200
_LONGEST_DETAIL = 1000
"""What is looked at of it."""
_MAX_ERROR_BODY = 16_384
_ECHO = 24
"""So many characters of the request, in a row, are an echo of it."""
_EVENT_STREAM = b"text/event-stream"


class Exchange:
    """Receives the answer to one request.

    Args:
        log: What it is written to; ``events`` and ``kinds`` at its end.
        request: The whole request, as it goes out.
        dialect: How the answer is read.
        secret: What no detail may show.
        then: What the asker wants called with the log when it is over.
        over: Called when it is over, before that.
        again: Called once at most, when the request is to go out on a new connection.
        likeness: What earlier answers of the endpoint were like.
    """

    __slots__ = (
        "_again", "_connection", "_error_body", "_events", "_over", "_request", "_secret",
        "_then", "is_over", "log",
    )  # fmt: skip

    def __init__(
        self,
        log: RequestLog,
        request: bytes,
        dialect: LoadDialect,
        secret: str,
        then: Callable[[RequestLog], None],
        over: Callable[[Exchange], None],
        again: Callable[[Exchange], None],
        likeness: Likeness,
    ) -> None:
        self.log = log
        self.is_over = False
        self._request = request
        self._secret = secret
        self._then = then
        self._over = over
        self._again = again
        self._connection: Connection | None = None
        self._events: Events = (
            ChatEvents(log, likeness) if dialect == "chat" else ResponsesEvents(log)
        )
        self._error_body = bytearray()

    @property
    def event_count(self) -> int:
        """Return how many events came so far."""
        return len(self._events.times)

    def send(self, connection: Connection, now: int, *, is_new: bool) -> None:
        """Send the request. ``sent`` is taken before the system call, which may yield the core."""
        self._connection = connection
        self.log.connection = connection.number
        self.log.is_new_connection = is_new
        self.log.sent = now
        connection.send(self._request, self)

    def cut(self, error: ErrorKind, detail: str, now: int) -> None:
        """End it early, and its connection with it."""
        if self._connection is not None and not self.is_over:
            self._connection.cut()
        self.finish(error, detail, now)

    def finish(self, error: ErrorKind | None, detail: str, now: int) -> None:
        """End it; only the first end counts."""
        if self.is_over:
            return
        self.is_over = True
        log = self.log
        if self._has_bad_status:
            error, detail = "status", self._status_detail()
        if self._connection is not None:
            log.first_byte = self._connection.first_body_at
            self._connection = None
        log.ended = now
        log.events = self._events.times
        log.kinds = "".join(self._events.kinds)
        log.text_bytes = self._events.text_bytes
        log.error = error
        log.detail = self._clean(detail)
        self._over(self)
        self._then(log)

    # What the connection calls.

    def on_head(self, head: Head, now: int) -> Sink:
        """Take the head."""
        self.log.status = head.status
        self.log.headers = now
        if self._has_bad_status:
            return self._take_error_body
        if head.headers.get(b"content-encoding", b"identity") != b"identity":
            raise AnswerError("the answer is compressed, which was not asked for")
        kind = head.content_type
        if kind not in (b"", _EVENT_STREAM):
            raise AnswerError(f"the answer is no event stream but {kind.decode('latin-1')}")
        return self._events.feed

    def on_end(self, now: int) -> None:
        """Take the end of a whole answer."""
        if self._events.is_over or self._has_bad_status:
            self.finish(None, "", now)
        elif self._events.times:
            self.finish("truncated", "the answer ended without its end mark", now)
        else:
            self.finish("protocol", "the answer holds no event", now)

    def on_error(self, error: AnswerError, now: int) -> None:
        """Take that the answer is none."""
        self.finish(error.kind, str(error), now)

    def on_lost(self, reason: str, now: int) -> None:
        """Take that the connection ended in the midst."""
        connection = self._connection
        if self._events.is_over:
            self.finish(None, "", now)
        elif self.log.headers is not None:
            self.finish("truncated", reason, now)
        elif connection is not None and connection.is_silent and not self.log.is_new_connection:
            self._connection = None
            self._again(self)
        else:
            self.finish("reset", reason, now)

    @property
    def _has_bad_status(self) -> bool:
        status = self.log.status
        return status is not None and status // 100 != 2  # noqa: PLR2004 - 2xx

    def _take_error_body(self, data: bytes, start: int, end: int, now: int) -> None:
        del now
        if len(self._error_body) < _MAX_ERROR_BODY:
            self._error_body += data[start:end]

    def _status_detail(self) -> str:
        body = bytes(self._error_body[:_MAX_ERROR_BODY])
        said = f": {describe_failure(body)}" if body.strip() else ""
        return f"status {self.log.status}{said}"

    def _clean(self, detail: str) -> str:
        if self._secret:
            detail = detail.replace(self._secret, "***")
        detail = detail[:_LONGEST_DETAIL]
        line = " ".join("".join(c if c.isprintable() else " " for c in detail).split())
        line = _without_echo(line, self._request)
        return line if len(line) <= _MAX_DETAIL else line[: _MAX_DETAIL - 1] + "…"


def _without_echo(line: str, request: bytes) -> str:
    """Cut an error off where it begins to repeat the request: a prompt is in no log."""
    for at in range(len(line) - _ECHO + 1):
        if line[at : at + _ECHO].encode("utf-8", "replace") in request:
            return line[:at] + "…"
    return line
