"""A client's connection to the paced endpoint."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from conformance.mock.pacing.wire import Reader

if TYPE_CHECKING:
    from conformance.mock.pacing.record import Answer


class Connection:
    """One connection, with one request at a time."""

    __slots__ = ("answer", "fd", "is_last", "pending", "reader", "send", "socket")

    def __init__(self, made: socket.socket) -> None:
        made.settimeout(0)
        # Without it a small piece may wait for the acknowledgement of the one before.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = made
        self.fd = made.fileno()
        self.send = made.send
        self.reader = Reader()
        self.answer: Answer | None = None
        """What is on its way."""
        self.pending: memoryview | None = None
        """What of a write the system did not take yet."""
        self.is_last = False
        """It ends with the answer that is on its way."""
