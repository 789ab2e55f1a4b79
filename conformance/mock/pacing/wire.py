"""Requests of HTTP/1.1 as the paced endpoint reads them, from bytes as they come."""

from __future__ import annotations

from typing import NamedTuple

LONGEST_HEAD = 64 * 2**10
LONGEST_BODY = 64 * 2**20
_LONGEST_LINE = 1024
"""Of a chunk's size, and of a trailer."""


class BadHttpError(Exception):
    """What came is no request that can be answered; the connection ends with it.

    Args:
        status: Of the answer.
        message: What is wrong.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Request(NamedTuple):
    """A request that is whole."""

    method: str
    path: str
    """Without its query."""
    request_id: str
    body: bytes
    is_last: bool
    """The client wants the connection to end with the answer."""


class _Head(NamedTuple):
    method: str
    path: str
    request_id: str
    is_last: bool
    length: int | None
    """Of the body; None where it comes in chunks."""
    expects: bool
    """The client waits to be told to go on."""


class Reader:
    """Reads the requests of one connection.

    Bytes of the next request may come at any time: they are kept until it is asked for.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._body = bytearray()
        """Of a body in chunks, what is there."""
        self._scanned = 0
        """How far the buffer holds no end of a head."""

    def feed(self, data: bytes) -> None:
        """Take what came.

        Raises:
            BadHttpError: more came than a request may hold.
        """
        self._buffer += data
        if len(self._buffer) > LONGEST_HEAD + LONGEST_BODY:
            raise BadHttpError(413, "more came than one request may hold")

    def next(self) -> Request | None:
        """Return the next request; None: it is not whole yet.

        Raises:
            BadHttpError: it is none.
        """
        if self._head is None:
            self._head = self._read_head()
        head = self._head
        if head is None:
            return None
        body = self._read_chunks() if head.length is None else self._read_bytes(head.length)
        if body is None:
            return None
        self._head = None
        return Request(head.method, head.path, head.request_id, body, head.is_last)

    def wants_continue(self) -> bool:
        """Say, once a request, whether its client waits for ``100 Continue``."""
        head = self._head
        if head is None or not head.expects:
            return False
        self._head = head._replace(expects=False)
        return True

    def _read_head(self) -> _Head | None:
        end = self._buffer.find(b"\r\n\r\n", self._scanned)
        if (len(self._buffer) if end < 0 else end) > LONGEST_HEAD:
            raise BadHttpError(431, "the head is too long")
        if end < 0:
            self._scanned = max(0, len(self._buffer) - 3)
            return None
        self._scanned = 0
        head = _head_of(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        return head

    def _read_bytes(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _read_chunks(self) -> bytes | None:
        while True:
            end = self._line_end(0)
            if end is None:
                return None
            size = _size_of(bytes(self._buffer[:end]))
            if len(self._body) + size > LONGEST_BODY:
                raise BadHttpError(413, "the body is too long")
            if size == 0:
                return self._read_trailers(end + 2)
            if len(self._buffer) < end + 2 + size + 2:
                return None
            begin = end + 2
            if self._buffer[begin + size : begin + size + 2] != b"\r\n":
                raise BadHttpError(400, "a chunk is longer than its size")
            self._body += self._buffer[begin : begin + size]
            del self._buffer[: begin + size + 2]

    def _read_trailers(self, begin: int) -> bytes | None:
        at = begin
        while True:
            end = self._line_end(at)
            if end is None:
                return None
            if end - begin > LONGEST_HEAD:
                raise BadHttpError(431, "the trailers are too long")
            if end == at:
                del self._buffer[: end + 2]
                body, self._body = bytes(self._body), bytearray()
                return body
            at = end + 2

    def _line_end(self, begin: int) -> int | None:
        end = self._buffer.find(b"\r\n", begin, begin + _LONGEST_LINE)
        if end >= 0:
            return end
        if len(self._buffer) - begin >= _LONGEST_LINE:
            raise BadHttpError(400, "a line of the chunked body is too long")
        return None


def _head_of(data: bytes) -> _Head:
    line, *fields = data.split(b"\r\n")
    words = line.split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/"):  # noqa: PLR2004 - as the RFC has it
        raise BadHttpError(400, "this is no HTTP")
    method, target, version = words
    if version != b"HTTP/1.1":
        raise BadHttpError(505, "only HTTP/1.1 is spoken here")
    found: dict[bytes, bytes] = {}
    for field in fields:
        name, colon, value = field.partition(b":")
        if not colon or not name or name != name.strip():
            raise BadHttpError(400, "a header has no name or no colon")
        key, value = name.lower(), value.strip()
        if key in found and key in (b"content-length", b"transfer-encoding"):
            raise BadHttpError(400, f"{name.decode('latin-1')} comes twice")
        found[key] = value
    return _Head(
        method.decode("latin-1"),
        target.partition(b"?")[0].decode("latin-1"),
        found.get(b"x-request-id", b"").decode("latin-1"),
        b"close" in found.get(b"connection", b"").lower(),
        _length_of(found),
        found.get(b"expect", b"").lower() == b"100-continue",
    )


def _length_of(fields: dict[bytes, bytes]) -> int | None:
    coding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if coding is not None:
        if length is not None:
            raise BadHttpError(400, "Content-Length and Transfer-Encoding do not go together")
        if coding.lower() != b"chunked":
            raise BadHttpError(501, "the only transfer coding is chunked")
        return None
    if length is None:
        return 0
    if not length.isdigit():
        raise BadHttpError(400, "Content-Length is no number")
    if len(length) > len(str(LONGEST_BODY)) or int(length) > LONGEST_BODY:
        raise BadHttpError(413, "the body is too long")
    return int(length)


def _size_of(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise BadHttpError(400, "a chunk has no size")
    if len(digits.lstrip(b"0")) > 8:  # noqa: PLR2004 - hexadecimal digits of 4 GiB
        raise BadHttpError(413, "the body is too long")
    return int(digits, 16)
