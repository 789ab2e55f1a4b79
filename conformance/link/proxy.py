"""The impairing proxy: a process of its own that carries connections over a ``Link``.

``python -m conformance.link.proxy`` reads its settings from the first line of its standard
input, prints its port, answers each further line with what it has seen, and ends with that input,
so that it never outlives who started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import sys
from random import Random
from typing import NamedTuple

import msgspec

from conformance.link.host import HostRewriter
from conformance.link.lane import Lane, Traffic, reset
from conformance.link.model import Link

HOST = "127.0.0.1"
_BACKLOG = 4096
_CONNECT_S = 30.0
_CHECK_S = 10.0


class Settings(msgspec.Struct, frozen=True):
    """What the proxy is told."""

    link: Link
    host: str
    port: int
    is_tls: bool
    host_header: str
    ca_file: str | None = None


class Ready(msgspec.Struct, frozen=True):
    """What it answers: where it listens, or why it does not."""

    port: int = 0
    error: str = ""


class Proxy(NamedTuple):
    """What all connections have in common."""

    settings: Settings
    traffic: Traffic
    tls: ssl.SSLContext | None


class _Relay:
    """One connection of the client's and its counterpart to the endpoint."""

    def __init__(self, proxy: Proxy, client: asyncio.Transport) -> None:
        self.proxy, self.client = proxy, client
        self.server: asyncio.Transport | None = None
        traffic = proxy.traffic
        seed = f"{traffic.link.seed}/{traffic.connections}"
        traffic.connections += 1
        self.up = Lane(traffic, traffic.up_path, traffic.up, Random(f"{seed}/up"))
        self.down = Lane(traffic, traffic.down_path, traffic.down, Random(f"{seed}/down"))
        self.up.reader = self.down.writer = client
        self.up.on_over = self.down.on_over = self._settle
        self._opening: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Make the connection as TCP does: the client sends nothing before it is answered."""
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        settings, traffic, tls = self.proxy
        arrives = traffic.up_path.open(traffic.now(), self.up.draws)
        opened = traffic.down_path.open(arrives, self.down.draws)
        if settings.is_tls:  # one round trip more (RFC 8446, 2)
            opened = traffic.up_path.open(opened, self.up.draws)
            opened = traffic.down_path.open(opened, self.down.draws)
        await asyncio.sleep(arrives - traffic.now())
        failure = ""
        try:
            async with asyncio.timeout(_CONNECT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: _ServerSide(self),
                    settings.host,
                    settings.port,
                    ssl=tls,
                )
        except ssl.SSLError:
            failure = "tls"
        except OSError:
            failure = "connect"
        await asyncio.sleep(max(0.0, opened - traffic.now()))
        if failure:
            traffic.failed[failure] += 1
            reset(self.client)
        elif not self.client.is_closing():
            self.client.resume_reading()

    def reached(self, server: asyncio.Transport) -> None:
        """Take the connection to the endpoint."""
        self.server = self.down.reader = server
        self.up.reach(server)

    def client_lost(self) -> None:
        """Nobody takes what comes any more; the endpoint learns of it after the delay."""
        if self._opening is not None and self.server is None:
            self._opening.cancel()
        self.down.drop()
        self.up.end("broken")

    def server_lost(self, error: Exception | None) -> None:
        """Nobody takes what is sent any more; the client learns of it after the delay."""
        self.up.drop()
        self.down.end("broken" if error is not None else "end")

    def _settle(self) -> None:
        if self.up.is_over and self.down.is_over:
            self.client.close()
            if self.server is not None:
                self.server.close()


class _ClientSide(asyncio.Protocol):
    def __init__(self, proxy: Proxy, relays: set[_Relay]) -> None:
        self._proxy, self._relays = proxy, relays
        self._heads = HostRewriter(proxy.settings.host_header)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy
        transport.pause_reading()
        self._relay = _Relay(self._proxy, transport)
        self._relays.add(self._relay)
        self._relay.open()

    def data_received(self, data: bytes) -> None:
        self._relay.up.push(self._heads.feed(data))

    def eof_received(self) -> bool:
        self._relay.up.push(self._heads.end())
        self._relay.up.end()
        return True  # its other half stays open

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._relay.client_lost()
        self._relays.discard(self._relay)

    def pause_writing(self) -> None:
        self._relay.down.hold(is_full=True)

    def resume_writing(self) -> None:
        self._relay.down.hold(is_full=False)


class _ServerSide(asyncio.Protocol):
    def __init__(self, relay: _Relay) -> None:
        self._relay = relay
        self._is_tls = relay.proxy.tls is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy
        self._relay.reached(transport)

    def data_received(self, data: bytes) -> None:
        self._relay.down.push(data)

    def eof_received(self) -> bool:
        self._relay.down.end()
        return not self._is_tls  # TLS has no half that stays open

    def connection_lost(self, error: Exception | None) -> None:
        self._relay.server_lost(error)

    def pause_writing(self) -> None:
        self._relay.up.hold(is_full=True)

    def resume_writing(self) -> None:
        self._relay.up.hold(is_full=False)


async def serve(settings: Settings) -> None:
    """Carry connections until standard input ends."""
    loop = asyncio.get_running_loop()
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    tls = None
    try:
        if settings.is_tls:
            tls = ssl.create_default_context()
            if settings.ca_file is not None:
                tls.load_verify_locations(settings.ca_file)
            await _check(settings, tls)
    except (ssl.SSLError, OSError) as error:
        _say(Ready(error=str(getattr(error, "verify_message", "") or error)))
        return
    proxy, relays = Proxy(settings, Traffic(settings.link), tls), set[_Relay]()
    server = await loop.create_server(lambda: _ClientSide(proxy, relays), HOST, 0, backlog=_BACKLOG)
    _say(Ready(port=server.sockets[0].getsockname()[1]))
    while await asked.readline():
        _say(proxy.traffic.seen())
    server.close()
    for relay in list(relays):
        relay.client.abort()
        if relay.server is not None:
            relay.server.abort()


async def _check(settings: Settings, tls: ssl.SSLContext) -> None:
    """Look once whether the endpoint is who it says; that it cannot be reached yet is no error.

    Raises:
        SSLError: it is not.
    """
    try:
        async with asyncio.timeout(_CHECK_S):
            _, writer = await asyncio.open_connection(settings.host, settings.port, ssl=tls)
    except ssl.SSLError:
        raise
    except OSError:
        return
    writer.close()
    with contextlib.suppress(OSError):
        async with asyncio.timeout(_CHECK_S):
            await writer.wait_closed()


def _say(message: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Read the settings and serve."""
    # Ctrl-C is for who started it, and is passed on by the end of the input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
