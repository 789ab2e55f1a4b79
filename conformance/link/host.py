"""The one thing that a proxy changes in what it carries: the ``Host`` of each request.

The client believes that its endpoint is on loopback; the endpoint must be asked under its own name.
"""

from __future__ import annotations

import re

_LONGEST_HEAD = 1 << 18
_HOST = re.compile(rb"(?im)^host[ \t]*:[^\r\n]*")
_LENGTH = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?$")
_CHUNKED = re.compile(rb"(?im)^transfer-encoding[ \t]*:[^\r\n]*\bchunked\b")
_UPGRADE = re.compile(rb"(?im)^upgrade[ \t]*:")
_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(;[^\r\n]*)?\r?\n")


class HostRewriter:
    """Rewrites the requests of one connection as they come (HTTP/1.1, keep-alive, pipelined).

    What is no HTTP, or is none any more after an ``Upgrade``, passes as it is.

    Args:
        host: The value to put in.
    """

    def __init__(self, host: str) -> None:
        self._line = b"Host: " + host.encode("latin-1")
        self._state = self._head
        self._kept = b""
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """Return what goes on of what came; part of a head is kept until the rest of it comes."""
        data, self._kept = self._kept + data, b""
        out = []
        while data:
            state = self._state
            passed, rest = state(data)
            if not passed and state == self._state:
                self._kept = data
                break
            out.append(passed)
            data = rest
        return b"".join(out)

    def end(self) -> bytes:
        """Return what was kept: no more comes."""
        kept, self._kept = self._kept, b""
        return kept

    def _head(self, data: bytes) -> tuple[bytes, bytes]:
        if data[:1] in (b"\r", b"\n"):  # RFC 9112, 2.2: an empty line before a request
            return data[:1], data[1:]
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > _LONGEST_HEAD:
                self._state = _as_it_is
            return b"", data
        head, rest = data[: end + 4], data[end + 4 :]
        length = _LENGTH.search(head)
        if _UPGRADE.search(head):
            self._state = _as_it_is
        elif _CHUNKED.search(head):
            self._state = self._size
        elif length is not None and int(length[1]):
            self._left = int(length[1])
            self._state = self._body
        return _HOST.sub(lambda _: self._line, head, count=1), rest

    def _body(self, data: bytes) -> tuple[bytes, bytes]:
        passed, rest = data[: self._left], data[self._left :]
        self._left -= len(passed)
        if not self._left:
            self._state = self._head
        return passed, rest

    def _size(self, data: bytes) -> tuple[bytes, bytes]:
        if b"\n" not in data:
            if len(data) > _LONGEST_HEAD:
                self._state = _as_it_is
            return b"", data
        line = _SIZE.match(data)
        if line is None:
            self._state = _as_it_is
            return b"", data
        size = int(line[1], 16)
        self._left = size + 2  # the chunk and the end of its line
        self._state = self._chunk if size else self._trailer
        return line[0], data[line.end() :]

    def _chunk(self, data: bytes) -> tuple[bytes, bytes]:
        passed, rest = data[: self._left], data[self._left :]
        self._left -= len(passed)
        if not self._left:
            self._state = self._size
        return passed, rest

    def _trailer(self, data: bytes) -> tuple[bytes, bytes]:
        end = data.find(b"\n")
        if end < 0:
            if len(data) > _LONGEST_HEAD:
                self._state = _as_it_is
            return b"", data
        if data[:end].strip() == b"":
            self._state = self._head
        return data[: end + 1], data[end + 1 :]


def _as_it_is(data: bytes) -> tuple[bytes, bytes]:
    return data, b""
