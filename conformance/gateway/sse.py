"""Server-sent events as bytes: cut at their ends, and never put together anew."""

from __future__ import annotations

import re

_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
"""A line's end and an empty line. Atomic: a lone ``\\r\\n`` is one end, not two."""
_LINE = re.compile(rb"\r\n|\n|\r")
_NO_USAGE = re.compile(rb',\s*"usage"\s*:\s*null(?=\s*[,}])|(?<=\{)\s*"usage"\s*:\s*null\s*,')
"""A member ``"usage": null``. Within a JSON string its quotes would be escaped."""
_COMPACT = b',"usage":null'
LONGEST = 1 << 26
"""Bytes of one event that are held back; longer ones are none, and pass in parts."""


class Splitter:
    """Cuts a stream into whole events; all that came in goes out, in order."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._looked_at = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take some bytes; return the events that are complete, their ends included."""
        rest = self._rest
        rest += data
        events: list[bytes] = []
        start = 0
        # An end may have begun in what was looked at before.
        at = max(0, self._looked_at - 3)
        while (match := _END.search(rest, at)) is not None:
            if match.end() == len(rest) and rest[-1] == _CR:
                break  # the other half of this line's end may be still to come
            events.append(bytes(rest[start : match.end()]))
            start = at = match.end()
        del rest[:start]
        if len(rest) > LONGEST:
            events.append(self.rest())
        self._looked_at = len(rest)
        return events

    def rest(self) -> bytes:
        """Return what came after the last event, once."""
        rest = bytes(self._rest)
        self._rest.clear()
        self._looked_at = 0
        return rest


_CR = 0x0D


def data_of(event: bytes) -> bytes:
    """Return the data of an event; empty where it has none."""
    lines = [
        line[5:].removeprefix(b" ") for line in _LINE.split(event) if line.startswith(b"data:")
    ]
    return b"\n".join(lines)


def without_usage(event: bytes) -> bytes:
    """Return an event without the empty usage that asking for usage adds to each."""
    if _COMPACT in event:  # as most servers write it, and ten times as fast
        return event.replace(_COMPACT, b"", 1)
    return _NO_USAGE.sub(b"", event, count=1)
