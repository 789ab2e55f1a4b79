"""The sampler beside an endpoint: reads this machine's devices and streams what they say."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import TYPE_CHECKING

import msgspec

from conformance.errors import UsageError
from conformance.profile.power.recorder import HZ, Poller, check_keys
from conformance.profile.power.stream import (
    BEAT_S,
    FORMAT,
    LONGEST_ANSWER,
    Address,
    Batch,
    Beat,
    Greeting,
    Ping,
    Pong,
    Proof,
    Refusal,
    Sample,
    SamplerError,
    Welcome,
    decode,
    encode,
    is_proven,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.profile.power.contract import Device, Reading
    from conformance.profile.power.recorder import Source

MOST_CLIENTS = 8
MOST_CONNECTIONS = 64
"""Those included that have not proven anything yet."""
PATIENCE_S = 5.0
"""How long a client may take for its proof, and to take what it is sent."""
BEHIND = 1000
"""Lines that may wait for a client; one that is further behind is let go."""


class Sampler:
    """Serves the readings of this machine to a few clients.

    Args:
        readers: Of this machine; each is polled by a thread of its own.
        node: What this machine is called among others.
        token: What a client must know; empty: nothing, on loopback only.
        hz: How often a reader is asked.
        clock: Nanoseconds, monotonic: of readings, and of the answers to pings.
    """

    def __init__(
        self,
        readers: Sequence[Source],
        node: str,
        *,
        token: str = "",
        hz: float = HZ,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.devices: list[Device] = []
        self._index: dict[str, int] = {}
        for reader in readers:
            for device in reader.devices():
                self._index[device.key] = len(self.devices)
                self.devices.append(msgspec.structs.replace(device, node=node))
        check_keys(self.devices)
        self.welcome = Welcome(node, self.devices, [reader.method for reader in readers], hz)
        self._token = token
        self._clock = clock
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pollers = [Poller(reader, hz, self._take, clock) for reader in readers]
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, address: Address, announce: Callable[[Address], None]) -> None:
        """Serve until cancelled; readers are closed by who made them.

        Args:
            address: Where; port 0 takes a free one.
            announce: Called with the address once it listens.

        Raises:
            UsageError: others could reach it and there is no token, or it cannot listen there.
        """
        if not address.is_loopback and not self._token:
            raise UsageError(
                f"{address} can be reached from other machines, and there is no token",
                where="--listen",
                mend="name a variable that holds one with --token-env, or listen on 127.0.0.1",
            )
        self._loop = asyncio.get_running_loop()
        try:
            server = await asyncio.start_server(
                self._accept, address.host, address.port, limit=LONGEST_ANSWER
            )
        except OSError as error:
            raise UsageError(
                f"cannot listen on {address} ({error.strerror or error})", where="--listen"
            ) from None
        for poller in self._pollers:
            poller.start()
        try:
            announce(Address(address.host, server.sockets[0].getsockname()[1]))
            await asyncio.Event().wait()
        finally:
            server.close()
            for poller in self._pollers:
                await asyncio.to_thread(poller.stop)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await server.wait_closed()

    def _take(self, readings: list[Reading]) -> None:
        """Hand a look over to the event loop; called in a poller's thread."""
        samples = [
            Sample(
                reading.t_ns,
                self._index[reading.device],
                reading.power_w,
                reading.energy_j,
                reading.t_error_ns,
            )
            for reading in readings
            if reading.device in self._index
        ]
        if samples and self._loop is not None:
            self._loop.call_soon_threadsafe(self._spread, encode(Batch(samples)))

    def _spread(self, line: bytes) -> None:
        for queue in self._queues:
            _put(queue, line)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= MOST_CONNECTIONS:
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve_one(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Whatever a client does, or leaves undone, ends its connection and nothing else.
            with contextlib.suppress(
                OSError, EOFError, TimeoutError, SamplerError, asyncio.LimitOverrunError
            ):
                await self._speak(reader, writer)
        finally:
            writer.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonce = secrets.token_hex(16)
        writer.write(encode(Greeting(FORMAT, nonce)))
        async with asyncio.timeout(PATIENCE_S):
            answer = decode(await reader.readuntil(b"\n"), Proof, "client")
        if self._token and not is_proven(answer.proof, self._token, nonce):
            await _say(writer, encode(Refusal("the token is not the sampler's")))
            return
        if len(self._queues) >= MOST_CLIENTS:
            await _say(writer, encode(Refusal(f"it has {MOST_CLIENTS} clients already")))
            return
        await _say(writer, encode(self.welcome))
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(BEHIND)
        self._queues.add(queue)
        both = [
            asyncio.create_task(self._pump(queue, writer)),
            asyncio.create_task(self._answer(reader, queue)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._queues.discard(queue)
            for task in both:
                task.cancel()
            ends = await asyncio.gather(*both, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _pump(self, queue: asyncio.Queue[bytes | None], writer: asyncio.StreamWriter) -> None:
        """Send what there is, and every second a beat."""
        loop = asyncio.get_running_loop()
        due = loop.time() + BEAT_S
        while True:
            try:
                async with asyncio.timeout_at(due):
                    line = await queue.get()
            except TimeoutError:
                due = loop.time() + BEAT_S
                problems = [poller.problem for poller in self._pollers if poller.problem]
                line = encode(Beat(problems))
            if line is None:
                raise SamplerError("the client is too far behind")
            await _say(writer, line)

    async def _answer(
        self, reader: asyncio.StreamReader, queue: asyncio.Queue[bytes | None]
    ) -> None:
        while True:
            line = await reader.readuntil(b"\n")
            received = self._clock()
            ping = decode(line, Ping, "client")
            _put(queue, encode(Pong(ping.number, received, self._clock())))


async def _say(writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line)
    async with asyncio.timeout(PATIENCE_S):
        await writer.drain()


def _put(queue: asyncio.Queue[bytes | None], line: bytes) -> None:
    """Queue a line; in place of one too many stands the end."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)
    else:
        queue.put_nowait(line)
