"""An endpoint at the far end of a link: real connections through the proxy's own process.

No test asks that anything is quick: delays are held against their lower bounds.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from conformance.errors import AgentUnavailableError, UsageError
from conformance.link import endpoint
from conformance.link.endpoint import LinkedEndpoint, describe_link, linked
from conformance.link.model import Link
from tests.profile.servers import certificate, chunk, serving, serving_in_thread

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
AT_ONCE = struct.pack("ii", 1, 0)
"""Of a socket's lingering: its end is a reset."""
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def says_ok(asked, writer):
    writer.write(OK)
    await writer.drain()


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A busy machine may let the proxy's process wait."""
    monkeypatch.setattr(endpoint, "_ANSWER_S", 120.0)


def post(url, body=b"", *, keep=None):
    """Ask on a socket of one's own; return the answer up to ``ok`` and the seconds it took."""
    began = time.monotonic()
    address, _, place = url.removeprefix("http://").partition("/")
    head = f"POST /{place}/x HTTP/1.1\r\nHost: {address}\r\nContent-Length: {len(body)}\r\n\r\n"
    with contextlib.nullcontext(keep) if keep else connect(url) as sock:
        sock.sendall(head.encode() + body)
        got = b""
        while not got.endswith(b"ok") and (data := sock.recv(65536)):
            got += data
    return got, time.monotonic() - began


def connect(url):
    host, _, port = url.removeprefix("http://").partition("/")[0].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=120)


def test_a_new_connection_costs_a_round_trip_and_each_request_another():
    with (
        serving_in_thread(says_ok) as server,
        linked(server.url, Link(delay_s=0.06)) as far,
    ):
        began = time.monotonic()
        with connect(far.base_url) as sock:
            post(far.base_url, keep=sock)
            first_s = time.monotonic() - began
            _, second_s = post(far.base_url, keep=sock)
    assert first_s >= 0.24
    assert second_s >= 0.12
    seen = far.seen()
    assert seen.connections == 1
    assert (seen.up.segments, seen.down.segments) == (2, 2)
    assert seen.up.delay_ms_mean == pytest.approx(60, abs=0.01)
    assert seen.down.bytes == 2 * len(OK)


def test_the_endpoint_is_asked_under_its_own_name_with_its_own_path():
    with serving_in_thread(says_ok) as server, linked(server.url, Link()) as far:
        assert far.base_url.startswith("http://127.0.0.1:")
        assert far.base_url != server.url
        post(far.base_url, b"12345")
    (asked,) = server.asked
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert (asked.path, asked.body) == ("/v1/x", b"12345")


def test_user_and_query_of_an_address_are_the_clients_own():
    far = LinkedEndpoint("http://me:secret@127.0.0.1:9/v1/?a=b", Link())
    far.start()
    far.close()
    user, _, rest = far.base_url.partition("@127.0.0.1:")
    assert user == "http://me:secret"
    assert rest.endswith("/v1/?a=b")


async def test_a_stream_comes_chunk_by_chunk():
    gates = [asyncio.Event() for _ in range(3)]

    async def answer(asked, writer):
        writer.write(STREAM)
        for number, gate in enumerate(gates):
            await gate.wait()
            writer.write(chunk(b"data: %d\n\n" % number))
            await writer.drain()

    async with serving(answer) as server:
        far = LinkedEndpoint(server.url, Link(delay_s=0.01))
        await asyncio.to_thread(far.start)
        host, _, port = far.base_url.removeprefix("http://").partition("/")[0].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/x HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        for number, gate in enumerate(gates):
            gate.set()  # the next one is written only when this one has arrived
            assert (await reader.readuntil(b"\n\n\r\n")).endswith(b"data: %d\n\n\r\n" % number)
        writer.close()
        await writer.wait_closed()
        await asyncio.to_thread(far.close)


def test_a_megabyte_each_way_arrives_whole_whatever_the_link():
    body = os.urandom(1 << 20)

    async def doubled(asked, writer):
        answer = asked.body + b"ok"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        await writer.drain()

    link = Link(
        delay_s=0.005, jitter_s=0.005, loss=0.01, up_bit_s=1e9, period_s=0.2, visible_s=0.15
    )
    with serving_in_thread(doubled) as server, linked(server.url, link) as far:
        got, _ = post(far.base_url, body)
    assert hashlib.sha256(server.asked[0].body).digest() == hashlib.sha256(body).digest()
    assert got.partition(b"\r\n\r\n")[2] == body + b"ok"
    seen = far.seen()
    assert seen.up.bytes > len(body)
    assert seen.up.segments >= len(body) // 1460
    assert seen.up.retransmissions >= seen.up.lost > 0


def test_a_lost_segment_is_felt_as_a_timeout():
    """The seed is one whose request is lost twice, and nothing else is."""

    def losses(seed, way, count):
        draws = Random(f"{seed}/0/{way}")
        return [draws.random() < 0.5 for _ in range(count)]

    seed = next(
        seed
        for seed in range(1000)
        if losses(seed, "up", 4) == [False, True, True, False]  # the connection's first segment
        and losses(seed, "down", 2) == [False, False]
    )
    link = Link(loss=0.5, seed=seed)
    with serving_in_thread(says_ok) as server, linked(server.url, link) as far:
        _, took_s = post(far.base_url)
    assert took_s >= 0.2 + 0.4
    assert (far.seen().up.lost, far.seen().up.retransmissions) == (1, 2)


def test_what_is_sent_in_the_dark_waits():
    link = Link(period_s=1.0, visible_s=0.01)
    with serving_in_thread(says_ok) as server, linked(server.url, link) as far:
        while (before := far.seen().seconds) % 1 < 0.1:
            time.sleep(0.02)
        post(far.base_url)
        after = far.seen().seconds
    assert math.floor(after) > math.floor(before)  # only the next period begins with light
    assert far.seen().outages >= 1


def test_many_connections_at_once():
    async def main(url):
        host, _, port = url.removeprefix("http://").partition("/")[0].rpartition(":")

        async def one(number):
            reader, writer = await asyncio.open_connection(host, int(port))
            body = b"%d" % number
            writer.write(b"POST /v1/x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await reader.readuntil(b"\r\n\r\n")
            got = await reader.readexactly(len(body))
            writer.close()
            await writer.wait_closed()
            return got == body

        return await asyncio.gather(*map(one, range(150)))

    async def echoes(asked, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(asked.body))
        writer.write(asked.body)
        await writer.drain()

    with serving_in_thread(echoes) as server, linked(server.url, Link(delay_s=0.01)) as far:
        assert all(asyncio.run(main(far.base_url)))
    assert far.seen().connections == 150
    assert len(server.asked) == 150


def test_the_same_seed_makes_the_same_delays():
    def delays(seed):
        link = Link(delay_s=0.01, jitter_s=0.01, seed=seed)
        with linked(server.url, link) as far, contextlib.closing(connect(far.base_url)) as sock:
            for _ in range(3):
                post(far.base_url, keep=sock)
        return far.seen().up.delay_ms_mean

    with serving_in_thread(says_ok) as server:
        assert delays(1) == delays(1)
        assert delays(1) != delays(2)


def test_a_half_that_is_closed_leaves_the_other_open():
    async def answer(asked, writer):
        await asyncio.sleep(0.1)
        writer.write(OK)
        await writer.drain()
        return False

    with (
        serving_in_thread(answer) as server,
        linked(server.url, Link(delay_s=0.01)) as far,
        connect(far.base_url) as sock,
    ):
        sock.sendall(b"GET /v1/x HTTP/1.1\r\nHost: x\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        got = b""
        while data := sock.recv(4096):
            got += data
    assert got == OK


def test_an_answer_that_breaks_off_breaks_off_for_the_client_too():
    async def answer(asked, writer):
        writer.write(STREAM + chunk(b"half"))
        await writer.drain()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        return False

    def read_all(sock):
        while sock.recv(4096):
            pass

    with (
        serving_in_thread(answer) as server,
        linked(server.url, Link(delay_s=0.01)) as far,
        connect(far.base_url) as sock,
    ):
        sock.sendall(b"GET /v1/x HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            read_all(sock)


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_a_client_that_leaves_ends_the_connection_to_the_endpoint(how):
    with serving_in_thread(says_ok) as server, linked(server.url, Link(delay_s=0.01)) as far:
        with connect(far.base_url) as sock:
            post(far.base_url, keep=sock)
            if how == "resets":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        until = time.monotonic() + 120
        while server._tasks and time.monotonic() < until:
            time.sleep(0.01)
        assert not server._tasks


def test_an_endpoint_that_is_not_there_breaks_the_connection_and_is_counted():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with linked(f"http://127.0.0.1:{port}/v1", Link(delay_s=0.01)) as far:
        with contextlib.suppress(ConnectionResetError):
            got, _ = post(far.base_url)
            assert got == b""
        assert far.seen().failed == {"connect": 1}


async def test_an_https_endpoint_is_reached_in_the_clear_and_checked_by_the_proxy(tmp_path):
    cert, key = certificate(tmp_path, "localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    async with serving(says_ok, context=context) as server:
        url = f"https://localhost:{server.port}/v1"
        far = LinkedEndpoint(url, Link(delay_s=0.05), ca_file=str(cert))
        await asyncio.to_thread(far.start)
        assert far.base_url.startswith("http://127.0.0.1:")
        got, took_s = await asyncio.to_thread(post, far.base_url, b"1")
        assert got == OK
        assert took_s >= 0.3  # TCP's round trip, TLS's, and that of the request
        assert server.asked[0].headers["host"] == f"localhost:{server.port}"
        await asyncio.to_thread(far.close)

        for other in (f"https://127.0.0.1:{server.port}/v1", url):
            ca_file = str(cert) if other != url else None
            with pytest.raises(AgentUnavailableError, match="TLS to the endpoint fails"):
                await asyncio.to_thread(LinkedEndpoint(other, Link(), ca_file=ca_file).start)


@pytest.mark.parametrize("address", ["ftp://h/v1", "h:8000", "http://h:x/v1", "http://"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(UsageError, match="no address"):
        LinkedEndpoint(address, Link()).start()


@pytest.mark.parametrize(
    ("variable", "name"), [("https_proxy", "real.example"), ("http_proxy", "127.0.0.1")]
)
def test_another_proxy_on_the_way_is_refused(monkeypatch, variable, name):
    for known in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(known, raising=False)
    monkeypatch.setenv(variable, "http://proxy.example:3128")
    with pytest.raises(UsageError, match="_PROXY is set") as caught:
        LinkedEndpoint("https://real.example/v1", Link()).start()
    assert caught.value.mend == f"add {name} to NO_PROXY"


def test_what_was_seen_stays_after_the_end_and_stands_in_the_profile():
    with linked("http://127.0.0.1:9/v1", Link(name="x", delay_s=0.5)) as far:
        pass
    described = describe_link(far.link, far.seen())
    assert (described["name"], described["delay_s"]) == ("x", 0.5)
    assert described["seen"]["connections"] == 0
    assert far.describe()["link"] == far.link.describe()


def test_a_proxy_that_has_ended_tells_nothing_new():
    far = LinkedEndpoint("http://127.0.0.1:9/v1", Link())
    far.start()
    process = far._process
    process.kill()
    process.wait()
    assert far.seen() is None
    far.close()


PARENT = """
import sys
from conformance.link.model import Link
from conformance.link.endpoint import LinkedEndpoint
far = LinkedEndpoint("http://127.0.0.1:9/v1", Link())
far.start()
print(far._process.pid, flush=True)
for line in sys.stdin:
    print(far.seen() is not None, flush=True)
"""


def test_the_proxy_ends_with_who_started_it_even_if_that_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        pid = int(parent.stdout.readline())
        os.kill(pid, signal.SIGINT)  # Ctrl-C reaches it too, and is not for it
        parent.stdin.write(b"\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == b"True\n"
        parent.kill()
    until = time.monotonic() + 120
    while _is_there(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _is_there(pid)


def _is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
