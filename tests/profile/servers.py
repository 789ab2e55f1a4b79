"""Small HTTP servers on plain asyncio for the load client's tests: they write what a test says.

``serving(answer)`` runs one in the test's loop, ``serving_in_thread(answer)`` in a thread of its
own for what blocks. An answer is ``async def answer(asked, writer)``: it writes raw bytes, and
returns False to end the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import itertools
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.profile.target import Step

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"


class Asks(msgspec.Struct, frozen=True):
    """A workload: every slot asks the same, so many times."""

    count: int | None = None
    """A slot; None: endless."""
    wait_s: float = 0.0

    def steps(self, slot: int) -> Iterator[Step]:
        body = b'{"stream":true,"slot":%d}' % slot
        for turn in itertools.count() if self.count is None else range(self.count):
            yield Step(body, self.wait_s, asked_tokens=3, session=slot, turn=turn)

    def describe(self) -> dict[str, Any]:
        return {"kind": "asks"}


class Asked(NamedTuple):
    """A request that came in."""

    at: int
    """When it was whole; ``time.perf_counter_ns``."""
    connection: int
    """From 0."""
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def id(self) -> str:
        return self.headers.get("x-request-id", "")


class Server:
    """What a running server saw."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.port = 0
        self.scheme = "http"
        self.host = "127.0.0.1"
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number, self.connections = self.connections, self.connections + 1
        try:
            while (asked := await _read(reader, number)) is not None:
                self.asked.append(asked)
                if await self._answer(asked, writer) is False:
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            self._tasks.discard(task)
            writer.close()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, connection: int) -> Asked | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(time.perf_counter_ns(), connection, first.split(" ")[1], headers, body)


@contextlib.asynccontextmanager
async def serving(
    answer: Any, *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Run a server in this loop."""
    server = Server(answer)
    listener = await asyncio.start_server(server.serve, host, 0, ssl=context, backlog=512)
    server.host, server.port = host, listener.sockets[0].getsockname()[1]
    server.scheme = "https" if context else "http"
    try:
        yield server
    finally:
        listener.close()
        await server.stop()
        # A closed transport lets go of its socket in the loop's next turns.
        for _ in range(3):
            await asyncio.sleep(0)


@contextlib.contextmanager
def serving_in_thread(answer: Any) -> Iterator[Server]:
    """Run a server in a thread of its own."""
    ready, found = threading.Event(), []
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def main() -> None:
        async with serving(answer) as server:
            found.append(server)
            ready.set()
            await over.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(120)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


@contextlib.contextmanager
def deaf() -> Iterator[str]:
    """Listen where no connection is ever taken, and none more fits the queue; yield the URL."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                filler.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def event(data: Any) -> bytes:
    """Write a server-sent event as vLLM does: compact JSON, one line."""
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def chunk(data: bytes) -> bytes:
    """Wrap a piece of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def delta(index: int = 0, *, finish: str | None = None, **fields: Any) -> bytes:
    """Write a chat completion's event with one choice."""
    choice = {"index": index, "delta": fields, "logprobs": None, "finish_reason": finish}
    return event({**_CHAT, "choices": [choice]})


def usage(prompt: int, completion: int, *, cached: int | None = None) -> bytes:
    """Write a chat completion's last event but one: no choice, the usage."""
    told: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if cached is not None:
        told["prompt_tokens_details"] = {"cached_tokens": cached}
    return event({**_CHAT, "choices": [], "usage": told})


def chat(tokens: int, *, text: str = " tok") -> list[bytes]:
    """Write the events of a whole chat completion: role, content, finish, usage, end mark."""
    return [
        delta(role="assistant", content=""),
        *(delta(content=text) for _ in range(tokens)),
        delta(finish="stop"),
        usage(5, tokens),
        DONE,
    ]


def whole(events: list[bytes]) -> bytes:
    """Write a whole answer, head included, an event a chunk."""
    return HEAD + b"".join(chunk(event) for event in events) + LAST_CHUNK


def error(status: int, body: bytes, *, kind: str = "application/json") -> bytes:
    """Write a whole answer of another status."""
    return (
        b"HTTP/1.1 %d No\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
        % (status, kind.encode(), len(body))
    ) + body


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """Write a certificate that vouches for itself, and its key, for these names; return both."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def _name(name: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


_CHAT = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
