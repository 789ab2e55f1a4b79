"""Server-sent events out of the pieces of a body, as HTML's "Interpreting an event stream" says.

Lines end with LF or CRLF. An event's time is that of the read that brought its blank line. Data of
one line, nearly all there is, goes on as bounds of what was read, uncopied.
"""

from __future__ import annotations

from typing import NoReturn

from conformance.profile.wire import AnswerError

MAX_EVENT = 16 << 20
"""Bytes of one event, at most."""

_BOM = b"\xef\xbb\xbf"
_LF, _CR = 10, 13


class EventStream:
    """Splits one body; what an event means is its subclass's to say."""

    __slots__ = ("_held", "_is_error", "_is_first", "_lines", "_size", "is_plain")

    def __init__(self) -> None:
        self.is_plain = False
        """The next byte begins an event, and is not the first, where a byte order mark may be."""
        self._held: list[bytes] = []
        self._lines: list[bytes] = []
        self._size = 0
        self._is_first = True
        self._is_error = False

    def take(self, data: bytes, start: int, end: int, now: int) -> None:
        """Take the data of an event: what it lies in, its bounds, the time."""
        raise NotImplementedError

    def fail(self, data: bytes) -> NoReturn:
        """Raise what the data of an event tells that is named ``error``."""
        raise NotImplementedError

    def feed(self, data: bytes, start: int, end: int, now: int) -> None:
        """Take a piece of the body.

        Raises:
            AnswerError: an event is too long, or what ``take`` or ``fail`` raise.
        """
        if self._held:
            if data.find(b"\n", start, end) < 0:
                self._hold(data[start:end])
                return
            data = b"".join((*self._held, data[start:end]))
            self._held.clear()
            self._size = sum(map(len, self._lines))
            start, end = 0, len(data)
        while start < end:
            stop = data.find(b"\n", start, end)
            if stop < 0:
                self._hold(data[start:end])
                return
            after = stop + 1
            if (
                after < end
                and data[after] == _LF
                and self.is_plain
                and data.startswith(b"data: ", start)
                and data[stop - 1] != _CR  # before a blank line of LF alone
            ):
                self.take(data, start + 6, stop, now)
                start = stop + 2
            else:
                self._take_line(data[start:stop], now)
                start = after

    def _hold(self, piece: bytes) -> None:
        self._grow(len(piece))
        self._held.append(piece)
        self.is_plain = False

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MAX_EVENT:
            raise AnswerError(f"an event of the answer is longer than {MAX_EVENT} bytes")

    def _take_line(self, line: bytes, now: int) -> None:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(_BOM)
        line = line.removesuffix(b"\r")
        name, _, value = line.partition(b":")
        if not line:
            self._dispatch(now)
        elif name == b"data":
            self._grow(len(value))
            self._lines.append(value.removeprefix(b" "))
        elif name == b"event":
            self._is_error = value.strip() == b"error"
        self.is_plain = not self._lines and not self._is_error

    def _dispatch(self, now: int) -> None:
        lines, is_error = self._lines, self._is_error
        self._lines, self._is_error, self._size = [], False, 0
        if not lines:
            return
        data = b"\n".join(lines)
        if is_error:
            self.fail(data)
        self.take(data, 0, len(data), now)
