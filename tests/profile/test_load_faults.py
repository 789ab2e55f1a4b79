"""What goes wrong on the way: every kind of error is named, and the load goes on."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time

import pytest

from conformance.errors import UsageError
from conformance.profile.drive import drive
from conformance.profile.log import RequestLog
from conformance.profile.pool import Pool
from conformance.profile.shape import Bounds, Closed, Trace
from conformance.profile.target import Target
from conformance.profile.wire import Clock
from tests.profile import servers
from tests.profile.servers import Asks, serving

TRIO = servers.whole(servers.chat(3))
KEY = "sk-very-secret"


async def ask(answer, *, requests=1, context=None, drain_s=120.0, shape=None, **more):
    """Ask a server so often; return the logs and the server."""
    async with serving(answer, context=context) as server:
        target = Target(more.pop("url", server.url), "m", **{"key": KEY, **more})
        within = Bounds(requests=requests, warm_up_s=0.0, drain_s=drain_s)
        done = await drive(target, Asks(), shape or Closed(1, 0.0), within)
    return done.requests, server


def writes(*parts, keeps=True):
    async def answer(asked, writer):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        return keeps

    return answer


def reset(writer):
    """End a connection as a crashed server does."""
    writer.transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
    )
    writer.transport.abort()


# Answers of another status.


async def test_another_status_is_an_error_with_its_message_and_keeps_the_connection():
    body = b'{"error": {"message": "the queue is full\\nsorry"}}'
    logs, server = await ask(writes(servers.error(429, body)), requests=2)

    assert [(log.error, log.status) for log in logs] == [("status", 429)] * 2
    assert logs[0].detail == "status 429: the queue is full"
    assert (logs[0].kinds, logs[0].is_done) == ("", False)
    assert server.connections == 1


async def test_a_key_is_never_in_the_detail():
    body = b'{"error": {"message": "Incorrect API key provided: sk-very-secret."}}'
    logs, _ = await ask(writes(servers.error(401, body)))

    assert logs[0].detail == "status 401: Incorrect API key provided: ***."


async def test_a_long_body_is_cut_to_a_line():
    logs, _ = await ask(writes(servers.error(500, b"x" * 100_000)))

    assert len(logs[0].detail) == 200
    assert logs[0].detail.startswith("status 500: xxx")


async def test_a_redirect_is_not_followed():
    answer = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /v2\r\nContent-Length: 0\r\n\r\n"
    logs, server = await ask(writes(answer))

    assert (logs[0].error, logs[0].status, logs[0].detail) == ("status", 307, "status 307")
    assert len(server.asked) == 1


async def test_a_status_whose_body_never_ends_keeps_its_status():
    answer = b"HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\nfull"
    logs, _ = await ask(writes(answer, keeps=False))

    assert (logs[0].error, logs[0].detail) == ("status", "status 503: full")


# Connections that end.


async def test_a_connection_that_cannot_be_opened_is_named():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        logs, server = await ask(writes(TRIO), url=f"http://127.0.0.1:{port}/v1")

    assert logs[0].error == "connect"
    assert "refused" in logs[0].detail.lower()
    assert (logs[0].sent, logs[0].ended is not None, logs[0].status) == (None, True, None)
    assert server.asked == []


async def test_a_name_that_is_not_known_is_named():
    logs, _ = await ask(writes(TRIO), url="http://nowhere.invalid/v1")

    assert logs[0].error == "connect"


async def test_a_new_connection_that_ends_before_the_answer_is_a_reset():
    async def answer(asked, writer):
        closing = TRIO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
        if len(server_asked) == 0:
            writer.write(closing)
        server_asked.append(asked)
        return False

    server_asked = []
    logs, server = await ask(answer, requests=2)

    assert [log.error for log in logs] == [None, "reset"]
    assert logs[1].is_new_connection
    assert len(server.asked) == 2


async def test_a_connection_that_ends_as_it_is_made_is_a_reset_and_no_hang(monkeypatch):
    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def connect_and_lose(*args, **more):
        transport, connection = await connect(*args, **more)
        transport.abort()
        for _ in range(5):  # the loss is told in one of the loop's next turns
            await asyncio.sleep(0)
        return transport, connection

    monkeypatch.setattr(loop, "create_connection", connect_and_lose)
    logs, _ = await ask(writes(TRIO))

    assert (logs[0].error, logs[0].sent) == ("reset", None)


async def test_a_kept_connection_that_ends_is_tried_once_more_on_a_new_one():
    ended = []

    async def answer(asked, writer):
        if asked.id == "0-1" and not ended:
            ended.append(asked)
            return False
        writer.write(TRIO)
        return True

    logs, server = await ask(answer, requests=3)

    assert [log.error for log in logs] == [None, None, None]
    assert [asked.id for asked in server.asked] == ["0-0", "0-1", "0-1", "0-2"]
    assert [log.is_new_connection for log in logs] == [False, True, False]
    assert [log.is_replacement for log in logs] == [False, True, False]
    assert logs[1].intended == logs[0].ended
    assert logs[1].connection == 1


async def test_it_is_tried_only_once():
    async def answer(asked, writer):
        if asked.id != "0-0":
            return False
        writer.write(TRIO)
        return True

    logs, server = await ask(answer, requests=2)

    assert [log.error for log in logs] == [None, "reset"]
    assert [asked.id for asked in server.asked] == ["0-0", "0-1", "0-1"]


async def test_a_kept_connection_that_ends_in_the_head_is_not_tried_again():
    async def answer(asked, writer):
        if asked.id == "0-0":
            writer.write(TRIO)
            return True
        writer.write(b"HTTP/1.1 200")
        return False

    logs, server = await ask(answer, requests=2)

    assert [log.error for log in logs] == [None, "reset"]
    assert len(server.asked) == 2


async def test_a_connection_that_is_reset_amid_the_answer_is_truncated():
    async def answer(asked, writer):
        writer.write(servers.HEAD + servers.chunk(servers.delta(content="x")))
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)

    logs, _ = await ask(answer)

    assert (logs[0].error, logs[0].kinds, logs[0].status) == ("truncated", "c", 200)
    assert "reset" in logs[0].detail.lower()


async def test_a_stream_that_breaks_off_is_truncated():
    logs, _ = await ask(
        writes(servers.HEAD + servers.chunk(servers.delta(content="x")), keeps=False)
    )

    assert (logs[0].error, logs[0].kinds) == ("truncated", "c")


async def test_a_stream_without_its_end_mark_is_truncated():
    logs, server = await ask(writes(servers.whole(servers.chat(3)[:-1])), requests=2)

    assert [(log.error, log.kinds) for log in logs] == [("truncated", "rccceu")] * 2
    assert server.connections == 1


async def test_a_stream_that_breaks_off_after_its_end_mark_is_whole():
    logs, _ = await ask(
        writes(servers.HEAD + b"".join(map(servers.chunk, servers.chat(3))), keeps=False)
    )

    assert (logs[0].error, logs[0].kinds) == (None, "rccceud")


# Answers that are none.


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not begin as HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            "no event stream but application/json",
        ),
        (servers.HEAD + b"zz\r\n", "no size"),
        (servers.HEAD + servers.chunk(b"data: {\n\n"), "no JSON"),
        (servers.whole([b"hello\n\n"]), "no event"),
        (
            servers.HEAD.replace(b"Transfer", b"Content-Encoding: gzip\r\nTransfer"),
            "compressed",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "no event"),
    ],
)
async def test_what_is_no_stream_of_events_is_an_error_of_the_protocol(answer, said):
    logs, _ = await ask(writes(answer), requests=2)

    assert [log.error for log in logs] == ["protocol"] * 2
    assert said in logs[0].detail


@pytest.mark.parametrize(
    "event",
    [
        servers.event({"error": {"message": "out of memory", "code": 500}}),
        b"event: error\ndata: out of memory\n\n",
        b'event: error\ndata: {"message":"out of memory"}\n\n',
    ],
)
async def test_an_error_inside_the_stream_is_named_and_ends_the_connection(event):
    parts = [servers.delta(content="x"), event]
    logs, server = await ask(writes(servers.HEAD + b"".join(map(servers.chunk, parts))), requests=2)

    assert [log.error for log in logs] == ["stream_error"] * 2
    assert (logs[0].detail, logs[0].kinds) == ("out of memory", "c")
    assert server.connections == 2


# Answers that do not come.


def stalls(*parts):
    async def answer(asked, writer):
        for part in parts:
            writer.write(part)
        await asyncio.sleep(60)

    return answer


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [((), ""), ((servers.HEAD, servers.chunk(servers.delta(content="x"))), "c")],
)
async def test_a_request_that_takes_too_long_is_cut_and_its_slot_goes_on(parts, kinds):
    logs, server = await ask(stalls(*parts), requests=2, timeout_s=1.0)

    assert [(log.error, log.kinds) for log in logs] == [("timeout", kinds)] * 2
    assert logs[0].ended - logs[0].sent >= 1e9
    assert server.connections == 2


async def test_a_connection_that_takes_too_long_is_cut():
    with servers.deaf() as url:
        logs, _ = await ask(writes(TRIO), url=url, timeout_s=0.3)

    assert (logs[0].error, logs[0].detail) == ("connect", "no connection within 0.3 s")


async def test_slots_do_not_wait_for_each_connection_that_cannot_be_opened_ahead():
    began = time.monotonic()
    with servers.deaf() as url:
        await ask(writes(TRIO), url=url, timeout_s=1.5, shape=Closed(640, 0.0), drain_s=0.0)

    # One after the other 32 at once, they would take 30 s, on any machine.
    assert time.monotonic() - began < 25


async def test_what_is_in_flight_after_the_drain_is_cut_and_named():
    logs, _ = await ask(stalls(servers.HEAD), requests=1, drain_s=1.0)

    assert (logs[0].error, logs[0].status) == ("drained", 200)
    assert logs[0].ended is not None
    assert not logs[0].is_done


async def test_a_dropped_arrival_is_no_request_on_the_wire():
    logs, server = await ask(
        stalls(), shape=Trace((0.0, 0.0), in_flight=1), requests=None, drain_s=1.0
    )

    assert sorted(log.error for log in logs) == ["drained", "dropped"]
    assert len(server.asked) == 1


async def test_a_request_that_still_connects_after_the_drain_is_cut(monkeypatch):
    async def nothing(pool, count):
        """No connection is opened ahead, which would take the whole limit."""

    monkeypatch.setattr(Pool, "open", nothing)
    with servers.deaf() as url:
        logs, _ = await ask(writes(TRIO), url=url, drain_s=0.1, timeout_s=60.0)

    assert (logs[0].error, logs[0].sent) == ("drained", None)


async def test_a_request_that_is_cut_while_it_connects_is_never_sent():
    over = []
    async with serving(writes(TRIO)) as server:
        pool = Pool(Target(server.url, "m"), 0, Clock())
        pool.send(RequestLog(0, 0), b"{}", over.append)
        pool.cut("drained", "too late")
        while not server.connections:  # noqa: ASYNC110 - the server counts them
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        await pool.close()

    assert [log.error for log in over] == ["drained"]
    assert server.asked == []


# TLS.


def tls(folder, *names):
    cert, key = servers.certificate(folder, *names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, str(cert)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    context, _ = tls(tmp_path, "127.0.0.1")
    logs, server = await ask(writes(TRIO), context=context)

    assert logs[0].error == "tls"
    assert "certificate does not verify" in logs[0].detail
    assert server.asked == []


async def test_a_certificate_of_another_name_is_refused(tmp_path):
    context, ca_file = tls(tmp_path, "elsewhere.example")
    logs, server = await ask(writes(TRIO), context=context, ca_file=ca_file)

    assert logs[0].error == "tls"
    assert "certificate does not verify" in logs[0].detail
    assert server.asked == []


async def test_a_server_without_tls_is_an_error_of_tls():
    async def refuse(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        logs, _ = await ask(writes(TRIO), url=f"https://127.0.0.1:{port}/v1")

    assert logs[0].error == "tls"


# Targets that cannot be used.


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8000",
        "ftp://h/v1",
        "http://",
        "http://h:x/v1",
        "http://h:99999/v1",
        "http://h:0/v1",
        "http://h/v1?a=b",
        "http://h/v1#a",
        "http://h/v 1",
        "http://h/v1\r\nX: y",
        "http://[::1/v1",
    ],
)
async def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(UsageError, match="cannot be used"):
        await drive(Target(url, "m"), Asks(), Closed(1), Bounds(1))


async def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(UsageError) as caught:
        await drive(Target("http://me:pass@h/v1", "m"), Asks(), Closed(1), Bounds(1))

    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("key", ["s e c r e t", "a\r\nX: y", "ключ"])
async def test_a_key_that_cannot_stand_in_a_header_is_refused_and_not_shown(key):
    with pytest.raises(UsageError) as caught:
        await drive(Target("http://h/v1", "m", key=key), Asks(), Closed(1), Bounds(1))

    assert key not in str(caught.value)


async def test_a_file_without_certificates_is_refused(tmp_path):
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    for path in (empty, tmp_path / "missing.pem"):
        target = Target("https://h/v1", "m", ca_file=str(path))
        with pytest.raises(UsageError, match="certificates"):
            await drive(target, Asks(), Closed(1), Bounds(1))


# What a server may not write into a log.


async def test_a_reason_of_the_end_that_is_not_known_is_not_kept():
    events = [servers.delta(content="a"), servers.delta(finish=f"said {KEY}"), servers.DONE]

    logs, _ = await ask(writes(servers.whole(events)))

    assert (logs[0].finish, logs[0].error) == ("other", None)


async def test_a_count_of_tokens_that_cannot_be_is_none():
    events = [servers.delta(content="a"), servers.usage(5, 10**30), servers.DONE]

    logs, _ = await ask(writes(servers.whole(events)))

    assert (logs[0].input_tokens, logs[0].output_tokens, logs[0].error) == (5, None, None)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000 + b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
    ids=["a length of 5,000 digits", "20,000 heads to come"],
)
async def test_heads_without_measure_are_no_answer(head):
    logs, _ = await ask(writes(head))

    assert (logs[0].error, logs[0].detail) == ("protocol", "the answer's length is no number")


async def test_an_error_that_repeats_the_request_or_rings_the_bell_is_cut():
    async def answer(asked, writer):
        said = json.dumps({"error": f"\x1b[31m\x07bad: {asked.body.decode()}"})
        writer.write(servers.error(400, said.encode()))
        return True

    logs, server = await ask(answer)

    assert len(server.asked[0].body) >= 24
    assert logs[0].detail == "status 400: [31m bad: …"


async def test_the_bytes_of_the_text_are_counted_whatever_way_it_is_read():
    texts = ["a", "bc", "de", "é", 'q"', "", "xyz"]
    events = [servers.delta(content=text) for text in texts]

    logs, _ = await ask(writes(servers.whole([*events, servers.DONE])))

    least = sum(len(text.encode()) for text in texts)
    assert least <= logs[0].text_bytes <= least + 6
