"""Keep-alive connections to one endpoint; no proxy is used, whatever the environment says.

An exchange takes the connection that was freed last, or opens one. A kept connection may be closed
by the server at the very moment it is used again: if it ends before any byte of the answer came,
the request goes out once more, on a new one; its intended time stays, ``sent`` is the second.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING

from conformance.profile.endpoint import endpoint_of, tls_of
from conformance.profile.exchange import Exchange
from conformance.profile.kinds import Likeness
from conformance.profile.wire import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.log import ErrorKind, RequestLog
    from conformance.profile.target import Target
    from conformance.profile.wire import Clock

CONNECT_S = 30.0
"""The longest wait for a connection, TLS included; where a request has less, that."""
_SWEEP_S = 1.0
"""How often requests are looked at for their limit of time."""
_OPEN_AT_ONCE = 32


class Pool:
    """The connections of one worker; made and used in one event loop.

    Raises:
        UsageError: the target's address, key or certificates cannot be used.
    """

    def __init__(self, target: Target, worker: int, clock: Clock) -> None:
        self.in_flight: set[Exchange] = set()
        """Those that are connecting or awaiting the rest of their answer."""
        self.opened = 0
        """Connections opened in all."""
        self._target = target
        self._worker = worker
        self._clock = clock
        self._endpoint = endpoint_of(target)
        self._tls = tls_of(target)
        self._loop = asyncio.get_running_loop()
        self._addresses: list[tuple[int, str]] = []
        self._idle: list[Connection] = []
        self._live: set[Connection] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        self._gone_bytes = 0
        self._likeness = Likeness()
        self._lost = 0
        """Connections that the server ended, and that were not replaced yet."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep_s = min(_SWEEP_S, target.timeout_s / 4)
        self._sweeper = self._loop.call_later(self._sweep_s, self._sweep)

    @property
    def received(self) -> int:
        """Return the bytes that came in on all connections."""
        return self._gone_bytes + sum(connection.received for connection in self._live)

    async def open(self, count: int) -> None:
        """Open connections ahead, until one fails: requests open the rest, and tell of it."""
        left = count

        async def some() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                try:
                    self._idle.append(await self._connect())
                except _ConnectError:
                    left = 0

        await asyncio.gather(*(some() for _ in range(min(count, _OPEN_AT_ONCE))))

    def send(self, log: RequestLog, body: bytes, then: Callable[[RequestLog], None]) -> None:
        """Send a request, at once where a connection is free; ``then`` is called at its end."""
        # No closures here: the garbage collector is off, and a cycle would keep every request.
        exchange = Exchange(
            log,
            self._endpoint.request(body, self._worker, log.number),
            self._target.dialect,
            self._target.key,
            then,
            self.in_flight.discard,
            self._send_on_new,
            self._likeness,
        )
        self.in_flight.add(exchange)
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                exchange.send(connection, self._clock.now(), is_new=False)
                return
        self._send_on_new(exchange)

    def cut(self, error: ErrorKind, detail: str) -> None:
        """End all that is in flight."""
        for exchange in list(self.in_flight):
            exchange.cut(error, detail, self._clock.now())

    async def close(self) -> None:
        """Cut all, and wait until the connections are gone."""
        self._sweeper.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._live):
            connection.cut()
        await self._all_gone.wait()

    def _send_on_new(self, exchange: Exchange) -> None:
        task = self._loop.create_task(self._open_for(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._settle)

    def _settle(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            told = {"message": "a request could not be sent", "exception": error}
            self._loop.call_exception_handler(told)

    async def _open_for(self, exchange: Exchange) -> None:
        try:
            connection = await self._connect()
        except _ConnectError as error:
            exchange.finish(error.kind, str(error), self._clock.now())
            return
        if exchange.is_over:
            self._free(connection)
        else:
            exchange.log.is_replacement = self._lost > 0
            self._lost = max(0, self._lost - 1)
            exchange.send(connection, self._clock.now(), is_new=True)

    async def _connect(self) -> Connection:
        kind: ErrorKind = "connect"
        limit = min(CONNECT_S, self._target.timeout_s)
        try:
            async with asyncio.timeout(limit):
                reached = await self._reach()
                kind = "tls" if self._tls else "connect"
                number, self.opened = self.opened, self.opened + 1
                _, connection = await self._loop.create_connection(
                    lambda: Connection(number, self._clock, self._free, self._forget),
                    sock=reached,
                    ssl=self._tls,
                    server_hostname=self._endpoint.host if self._tls else None,
                )
        except TimeoutError:
            raise _ConnectError(kind, f"no connection within {limit:g} s") from None
        except OSError as error:  # ssl's errors are OSErrors
            raise _ConnectError(kind, _reason(error)) from None
        if not connection.is_usable:  # it has ended already, and will not say so again
            raise _ConnectError("reset", "the server closed the connection")
        self._live.add(connection)
        self._all_gone.clear()
        return connection

    async def _reach(self) -> socket.socket:
        """Connect to the first address of the endpoint that answers; next time it goes first."""
        if not self._addresses:
            found = await self._loop.getaddrinfo(
                self._endpoint.host, self._endpoint.port, type=socket.SOCK_STREAM
            )
            self._addresses = list(dict.fromkeys((family, str(to[0])) for family, *_, to in found))
        failed: OSError | None = None
        for address in list(self._addresses):
            family, host = address
            reached = socket.socket(family, socket.SOCK_STREAM)
            try:
                reached.setblocking(False)  # noqa: FBT003 - as the standard library wants it
                reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await self._loop.sock_connect(reached, (host, self._endpoint.port))
            except OSError as error:
                reached.close()
                failed = error
            except BaseException:
                reached.close()
                raise
            else:
                self._addresses.remove(address)
                self._addresses.insert(0, address)
                return reached
        raise failed or OSError("the name has no address")

    def _free(self, connection: Connection) -> None:
        if connection.is_usable:
            self._idle.append(connection)

    def _forget(self, connection: Connection) -> None:
        self._live.discard(connection)
        if not self._live:
            self._all_gone.set()
        self._gone_bytes += connection.received
        self._lost += not connection.was_cut

    def _sweep(self) -> None:
        limit = self._target.timeout_s
        now = self._clock.now()
        for exchange in list(self.in_flight):
            sent = exchange.log.sent
            if sent is not None and now - sent > limit * 1e9:
                exchange.cut("timeout", f"not over after {limit:g} s", now)
        self._sweeper = self._loop.call_later(self._sweep_s, self._sweep)


class _ConnectError(Exception):
    def __init__(self, kind: ErrorKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate does not verify: {error.verify_message}"
    if error.errno is not None and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)  # asyncio's own words leave the reason out
    return error.strerror or str(error) or type(error).__name__
