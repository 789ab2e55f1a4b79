"""What the listener bears of one peer: connections without number, heads without end.

The server by itself keeps whatever comes before a request is whole, and takes any connection. An
agent that does not stop would take the memory and the descriptors of all other trials with it.
"""

from __future__ import annotations

import resource
import socket
import struct
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

MOST_HEAD = 1 << 17
"""Bytes in a row that are neither body nor the end of a head: address, headers, trailers."""
MOST_OF_A_JAIL = 256
"""Connections of one jail, told by the process that leads them on."""
MOST = 4096
"""Connections in all; fewer where half of the open files that the system allows are."""
_PEER = struct.Struct("3i")
"""What Linux tells of the other end of a Unix socket: process, user, group."""


class Guarded(HttpToolsProtocol):
    """A connection that is cut where its peer knows no measure."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.peer: int | None = None
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        self.peer = _process(transport.get_extra_info("socket"))
        most = min(MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        is_jail = self.peer is not None
        if len(self.connections) > most or (is_jail and self._of_peer() > MOST_OF_A_JAIL):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on, unless all that comes is a head."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MOST_HEAD:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Count anew."""
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count anew."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Count anew."""
        self._unread = 0
        super().on_message_complete()

    def _of_peer(self) -> int:
        return sum(getattr(one, "peer", None) == self.peer for one in self.connections)


def _process(sock: socket.socket) -> int | None:
    """Return the process at the other end of a Unix socket; None where that is not told."""
    if sock.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return None
    told = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return int(_PEER.unpack(told)[0])
