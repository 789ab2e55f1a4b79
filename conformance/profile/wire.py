"""HTTP/1.1 as a client reads it: one connection, one answer at a time, over ``asyncio.Protocol``.

The time is taken in ``buffer_updated``, before anything is parsed. Bodies are chunked, of a given
length, or last until the connection ends; their bytes go on as bounds of what was read, uncopied.
"""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.log import ErrorKind

    Sink = Callable[[bytes, int, int, int], None]
    """Takes a piece of a body: what was read, the piece's bounds in it, the time."""

MAX_HEAD = 65_536
"""Bytes of a response's head, or of a line of the chunked coding, at most."""

_IDLE, _HEAD, _LENGTH, _UNTIL_CLOSE, _CHUNKS, _CHUNK_REST, _TRAILERS = range(7)
_HEX = b"0123456789abcdefABCDEF"
_LENGTHS = {b"%x" % length: length for length in range(4096)}
"""Of nearly all chunks there are: a look is half the price of parsing."""
_NO_BODY = frozenset((204, 304))
_SWITCHING = 101


class AnswerError(Exception):
    """An answer that cannot be gone on with; the connection it came on is cut."""

    def __init__(self, detail: str, kind: ErrorKind = "protocol") -> None:
        super().__init__(detail)
        self.kind = kind


class Clock:
    """Nanoseconds since the origin of a load; the origin is set when the load begins."""

    __slots__ = ("origin_ns",)

    def __init__(self) -> None:
        self.origin_ns = perf_counter_ns()

    def now(self) -> int:
        """Return the time."""
        return perf_counter_ns() - self.origin_ns


class Head(NamedTuple):
    """The head of a response."""

    status: int
    headers: dict[bytes, bytes]
    """Names in lower case; of a name that comes twice, the last."""
    keeps_alive: bool

    @property
    def content_type(self) -> bytes:
        """Return the media type, in lower case and without its parameters."""
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


class Receiver(Protocol):
    """Whom an answer is for. One of ``on_end``, ``on_error`` and ``on_lost`` comes last, once."""

    def on_head(self, head: Head, now: int) -> Sink:
        """Take the head; return what takes the body. It may raise ``AnswerError``; so may that."""
        ...

    def on_end(self, now: int) -> None:
        """Take the end of a whole answer; the connection is free again, or closed."""
        ...

    def on_error(self, error: AnswerError, now: int) -> None:
        """Take that the answer is none; the connection is cut."""
        ...

    def on_lost(self, reason: str, now: int) -> None:
        """Take that the connection ended in the midst."""
        ...


_LONGEST_LENGTH = 18
"""Digits of a body's length."""


def parse_head(raw: bytes) -> Head:
    """Parse the head of a response, without the blank line after it.

    Raises:
        AnswerError: it is none.
    """
    first, *lines = raw.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    status = rest[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(status) != 3 or not status.isdigit():  # noqa: PLR2004 - the three digits of a status
        raise AnswerError("the answer does not begin as HTTP/1.1 does")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise AnswerError("a header of the answer has no colon")
        headers[name.strip().lower()] = value.strip()
    said = headers.get(b"connection", b"").lower()
    keeps_alive = b"keep-alive" in said if version == b"HTTP/1.0" else b"close" not in said
    return Head(int(status), headers, keeps_alive)


_BUFFER = memoryview(bytearray(1 << 18))
"""What came in, for as long as it takes to parse it. All connections of a process share it: a loop
reads into it and hands it over in one step. (Left to itself asyncio makes a new one of this size
for each read, which takes four times as long as all the rest.)"""


class Connection(asyncio.BufferedProtocol):
    """A connection; ``send`` asks on it, and the receiver is told of the answer.

    Args:
        number: Which it is among its worker's.
        clock: What time it is.
        freed: Called after each whole answer, before its receiver is told.
        gone: Called when it has ended.
    """

    __slots__ = (
        "_clock", "_freed", "_gone", "_held", "_keeps_alive", "_left", "_receiver", "_sink",
        "_state", "_transport", "first_body_at", "is_silent", "is_usable", "number", "received",
        "was_cut",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        clock: Clock,
        freed: Callable[[Connection], None],
        gone: Callable[[Connection], None],
    ) -> None:
        self.number = number
        self.received = 0
        """Bytes that came in."""
        self.was_cut = False
        """It was ended from here; any other end is the server's doing."""
        self.is_usable = False
        """A request can be sent on it, as far as is known."""
        self.is_silent = True
        """Nothing of the present answer came yet."""
        self.first_body_at: int | None = None
        """When the first byte of the present answer's body came."""
        self._clock = clock
        self._freed = freed
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._sink: Sink = _ignore
        self._state = _IDLE
        self._held = b""
        self._left = 0
        self._keeps_alive = True

    def send(self, request: bytes, receiver: Receiver) -> None:
        """Hand a whole request to the transport; the connection must be usable and free."""
        assert self._transport is not None  # noqa: S101 - usable is connected
        self._receiver = receiver
        self._state = _HEAD
        self.is_silent = True
        self.first_body_at = None
        self._transport.write(request)

    def cut(self) -> None:
        """End it at once; its receiver is told nothing more."""
        self.was_cut = True
        self.is_usable = False
        self._receiver = None
        self._sink = _ignore
        self._state = _IDLE
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_usable = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver, if an answer was awaited."""
        now = self._clock.now()
        self.is_usable = False
        self._transport = None
        self._gone(self)
        receiver, self._receiver = self._receiver, None
        self._sink = _ignore
        if receiver is None:
            return
        if self._state == _UNTIL_CLOSE and exc is None:
            receiver.on_end(now)
        else:
            receiver.on_lost(f"{exc}" if exc else "the server closed the connection", now)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where the next read goes."""
        del sizehint
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Stamp the time, then parse."""
        now = perf_counter_ns() - self._clock.origin_ns
        data = bytes(_BUFFER[:nbytes])
        self.received += nbytes
        if self._held:
            data = self._held + data
            self._held = b""
        try:
            if self._state == _CHUNKS:
                self._take_chunks(data, 0, now)
            else:
                self._take(data, now)
        except AnswerError as error:
            receiver = self._receiver
            self.cut()
            if receiver is not None:
                receiver.on_error(error, now)

    # The parts of an answer.

    def _take(self, data: bytes, now: int) -> None:
        state = self._state
        if state == _HEAD:
            self._take_head(data, now)
        elif state == _LENGTH:
            self._take_length(data, 0, now)
        elif state == _UNTIL_CLOSE:
            if self.first_body_at is None:
                self.first_body_at = now
            self._sink(data, 0, len(data), now)
        elif state == _CHUNK_REST:
            self._take_chunk_rest(data, now)
        elif state == _TRAILERS:
            self._take_trailers(data, 0, now)
        else:  # bytes that nobody asked for: what follows cannot be told apart from an answer
            self.cut()

    def _take_head(self, data: bytes, now: int) -> None:
        self.is_silent = False
        if not data.startswith(b"HTTP/1."[: len(data)]):
            raise AnswerError("the answer does not begin as HTTP/1.1 does")
        start = 0
        while True:
            end = data.find(b"\r\n\r\n", start)
            if end < 0:
                self._hold(data[start:])
                return
            head = parse_head(data[start:end])
            start = end + 4
            if head.status // 100 != 1:
                break
            if head.status == _SWITCHING:
                raise AnswerError("the server switches protocols")
        receiver = self._receiver
        assert receiver is not None  # noqa: S101 - a head is only read for one
        self._keeps_alive = head.keeps_alive
        self._sink = receiver.on_head(head, now)
        self._begin_body(head, data, start, now)

    def _begin_body(self, head: Head, data: bytes, start: int, now: int) -> None:
        coding = head.headers.get(b"transfer-encoding", b"").lower()
        length = head.headers.get(b"content-length")
        if start < len(data):
            self.first_body_at = now
        if head.status in _NO_BODY:
            self._end(is_clean=start == len(data), now=now)
        elif coding == b"chunked":
            self._state = _CHUNKS
            if start < len(data):
                self._take_chunks(data, start, now)
        elif coding:
            raise AnswerError("the answer has a transfer coding other than chunked")
        elif length is not None:
            if not length.isdigit() or len(length) > _LONGEST_LENGTH:
                raise AnswerError("the answer's length is no number")
            self._state = _LENGTH
            self._left = int(length)
            self._take_length(data, start, now)
        else:
            self._state = _UNTIL_CLOSE
            self._keeps_alive = False
            if start < len(data):
                self._sink(data, start, len(data), now)

    def _take_length(self, data: bytes, start: int, now: int) -> None:
        if self.first_body_at is None and start < len(data):
            self.first_body_at = now
        stop = min(len(data), start + self._left)
        self._left -= stop - start
        if start < stop:
            self._sink(data, start, stop, now)
        if not self._left:
            self._end(is_clean=stop == len(data), now=now)

    def _take_chunks(self, data: bytes, position: int, now: int) -> None:
        if self.first_body_at is None:
            self.first_body_at = now
        sink = self._sink
        known = len(data)
        while position < known:
            line_end = data.find(b"\r\n", position)
            if line_end < 0:
                self._hold(data[position:])
                return
            line = data[position:line_end]
            length = _LENGTHS.get(line)
            if length is None:
                length = _length_of_chunk(line)
            start = line_end + 2
            if not length:
                self._state = _TRAILERS
                self._take_trailers(data, start, now)
                return
            stop = start + length
            if stop + 2 > known:
                self._state = _CHUNK_REST
                self._left = length
                self._take_chunk_rest(data[start:], now)
                return
            if not data.startswith(b"\r\n", stop):
                raise AnswerError("a chunk of the answer does not end where it says")
            sink(data, start, stop, now)
            position = stop + 2

    def _take_chunk_rest(self, data: bytes, now: int) -> None:
        """Take more of a chunk that did not come in one read; then the next ones."""
        stop = min(len(data), self._left)
        self._left -= stop
        if stop:
            self._sink(data, 0, stop, now)
        ending = data[stop : stop + 2]
        if not b"\r\n".startswith(ending):
            raise AnswerError("a chunk of the answer does not end where it says")
        if self._left or len(ending) < 2:  # noqa: PLR2004 - CR and LF
            self._held = ending
            return
        self._state = _CHUNKS
        if stop + 2 < len(data):
            self._take_chunks(data, stop + 2, now)

    def _take_trailers(self, data: bytes, position: int, now: int) -> None:
        while (line_end := data.find(b"\r\n", position)) >= 0:
            if line_end == position:
                self._end(is_clean=line_end + 2 == len(data), now=now)
                return
            position = line_end + 2
        self._hold(data[position:])

    def _hold(self, data: bytes) -> None:
        if len(data) > MAX_HEAD:
            raise AnswerError(f"a head or a line of the answer is longer than {MAX_HEAD} bytes")
        self._held = data

    def _end(self, *, is_clean: bool, now: int) -> None:
        receiver, self._receiver = self._receiver, None
        self._sink = _ignore
        self._state = _IDLE
        if is_clean and self._keeps_alive:
            self._freed(self)
        else:
            self.is_usable = False
            if self._transport is not None:
                self._transport.close()
        if receiver is not None:
            receiver.on_end(now)


def _length_of_chunk(line: bytes) -> int:
    size = line.partition(b";")[0].strip(b" \t")
    if not size or size.strip(_HEX):  # ``int`` alone takes signs, underscores and 0x too
        raise AnswerError("a chunk of the answer has no size")
    return int(size, 16)


def _ignore(data: bytes, start: int, stop: int, now: int) -> None:
    del data, start, stop, now
