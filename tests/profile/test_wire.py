"""The HTTP parser: every way a body is framed, however its bytes are split over reads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.profile.wire import MAX_HEAD, AnswerError, Clock, Connection, parse_head


def receive(connection, data):
    """Hand over what came in, as an event loop does."""
    buffer = connection.get_buffer(-1)
    for at in range(0, len(data), len(buffer)):
        piece = data[at : at + len(buffer)]
        buffer[: len(piece)] = piece
        connection.buffer_updated(len(piece))


class Wire:
    """A transport that keeps what is written."""

    def __init__(self):
        self.written = b""
        self.is_open = True

    def write(self, data):
        self.written += data

    def close(self):
        self.is_open = False

    abort = close


class Heard:
    """A receiver that keeps what it is told."""

    def __init__(self):
        self.head = None
        self.body = b""
        self.ends = []

    def on_head(self, head, now):
        self.head = head
        return self._take

    def _take(self, data, start, end, now):
        assert start < end
        self.body += data[start:end]

    def on_end(self, now):
        self.ends.append("end")

    def on_error(self, error, now):
        self.ends.append(f"{error.kind}: {error}")

    def on_lost(self, reason, now):
        self.ends.append(f"lost: {reason}")


def connected():
    freed, gone = [], []
    connection = Connection(7, Clock(), freed.append, gone.append)
    connection.connection_made(Wire())
    heard = Heard()
    connection.send(b"a request", heard)
    return connection, heard, freed, gone


def hear(*reads):
    connection, heard, freed, _ = connected()
    for read in reads:
        receive(connection, read)
    return heard, bool(freed)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_request_is_written_as_it_is():
    connection, *_ = connected()

    assert connection._transport.written == b"a request"


def test_a_chunked_body_is_put_together_and_frees_the_connection():
    heard, is_free = hear(CHUNKED + b"5\r\nhello\r\n1;x=y\r\n \r\n00A\r\nwide world\r\n0\r\n\r\n")

    assert (heard.body, heard.ends, is_free) == (b"hello wide world", ["end"], True)


def test_trailers_are_read_over():
    heard, is_free = hear(CHUNKED + b"1\r\nx\r\n0\r\nA: b\r\n", b"C: d\r\n\r\n")

    assert (heard.body, heard.ends, is_free) == (b"x", ["end"], True)


def test_a_body_of_a_given_length_ends_there():
    heard, is_free = hear(b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\n\r\nhel", b"lo")

    assert (heard.body, heard.ends, is_free) == (b"hello", ["end"], True)


def test_a_body_of_length_nought_ends_with_the_head():
    heard, is_free = hear(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

    assert (heard.head.status, heard.ends, is_free) == (500, ["end"], True)


def test_a_body_without_a_length_ends_with_the_connection():
    connection, heard, freed, gone = connected()
    receive(connection, b"HTTP/1.1 200 OK\r\n\r\nhel")
    receive(connection, b"lo")
    assert heard.ends == []
    connection.connection_lost(None)

    assert (heard.body, heard.ends, freed, gone) == (b"hello", ["end"], [], [connection])


def test_a_body_without_a_length_that_is_reset_is_lost():
    connection, heard, *_ = connected()
    receive(connection, b"HTTP/1.1 200 OK\r\n\r\nhel")
    connection.connection_lost(ConnectionResetError("reset by peer"))

    assert heard.ends == ["lost: reset by peer"]


def test_a_chunked_body_that_breaks_off_is_lost():
    connection, heard, *_ = connected()
    receive(connection, CHUNKED + b"5\r\nhel")
    connection.connection_lost(None)

    assert (heard.body, heard.ends) == (b"hel", ["lost: the server closed the connection"])


@pytest.mark.parametrize(
    ("version", "said", "is_free"),
    [
        (b"HTTP/1.1", b"", True),
        (b"HTTP/1.1", b"Connection: close\r\n", False),
        (b"HTTP/1.1", b"Connection: Close\r\n", False),
        (b"HTTP/1.0", b"", False),
        (b"HTTP/1.0", b"Connection: keep-alive\r\n", True),
    ],
)
def test_a_connection_is_kept_where_the_server_keeps_it(version, said, is_free):
    connection, heard, freed, _ = connected()
    receive(connection, version + b" 200 OK\r\n" + said + b"Content-Length: 1\r\n\r\nx")

    assert heard.ends == ["end"]
    assert bool(freed) is is_free
    assert connection.is_usable is is_free
    assert connection._transport.is_open is is_free


def test_bytes_after_the_answer_cost_the_connection_but_not_the_answer():
    connection, heard, freed, _ = connected()
    receive(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1")

    assert (heard.body, heard.ends, freed) == (b"x", ["end"], [])
    assert not connection._transport.is_open


def test_bytes_that_nobody_asked_for_cost_the_connection():
    connection, heard, *_ = connected()
    receive(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    receive(connection, b"HTTP/1.1 408 Request Timeout\r\n\r\n")

    assert heard.ends == ["end"]
    assert not connection.is_usable


def test_a_head_of_100_is_read_over():
    heard, _ = hear(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")

    assert (heard.head.status, heard.body) == (200, b"x")


def test_the_first_byte_of_the_body_is_stamped_apart_from_the_head():
    connection, *_ = connected()
    receive(connection, CHUNKED)
    assert connection.first_body_at is None
    before = connection._clock.now()
    receive(connection, b"1\r\nx\r\n")
    first = connection.first_body_at
    receive(connection, b"1\r\ny\r\n0\r\n\r\n")

    assert before <= first == connection.first_body_at


def test_a_second_answer_on_the_connection_is_read_like_the_first():
    connection, heard, *_ = connected()
    receive(connection, CHUNKED + b"1\r\nx\r\n0\r\n\r\n")
    second = Heard()
    connection.send(b"another", second)
    assert connection.is_silent
    assert connection.first_body_at is None
    receive(connection, CHUNKED + b"1\r\ny\r\n0\r\n\r\n")

    assert (heard.body, second.body, second.ends) == (b"x", b"y", ["end"])


@pytest.mark.parametrize(
    "reads",
    [
        [b"SSH-2.0-OpenSSH\r\n"],
        [b"HTTP/2 200\r\n\r\n"],
        [b"HTTP/1.1 2xx OK\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"],
        [b"HTTP/1.1 101 Switching Protocols\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
        [CHUNKED, b"-1\r\nx\r\n"],
        [CHUNKED, b"0x1\r\nx\r\n"],
        [CHUNKED, b"1_0\r\nx\r\n"],
        [CHUNKED, b"\r\nx\r\n"],
        [CHUNKED, b"one\r\nx\r\n"],
        [CHUNKED, b"1\r\nxy\r\n"],
        [CHUNKED, b"1\r\nx", b"\n\r"],
        [CHUNKED, b"f" * (MAX_HEAD + 1)],
        [b"HTTP/1.1 200 OK\r\nA: " + b"x" * MAX_HEAD],
    ],
)
def test_what_is_no_http_is_an_error_of_the_protocol(reads):
    connection, heard, freed, _ = connected()
    for read in reads:
        receive(connection, read)

    assert len(heard.ends) == 1
    assert heard.ends[0].startswith("protocol: ")
    assert not connection.is_usable
    assert not connection._transport.is_open
    assert freed == []


def test_an_error_of_the_receiver_cuts_the_connection_and_is_told_once():
    connection, heard, *_ = connected()

    def refuse(data, start, end, now):
        raise AnswerError("no", "stream_error")

    heard._take = refuse
    receive(connection, CHUNKED + b"1\r\nx\r\n1\r\ny\r\n")
    connection.connection_lost(None)

    assert heard.ends == ["stream_error: no"]


def test_a_connection_that_is_cut_tells_nothing_more():
    connection, heard, _, gone = connected()
    connection.cut()
    receive(connection, CHUNKED)
    connection.connection_lost(None)

    assert heard.ends == []
    assert heard.head is None
    assert gone == [connection]


def test_a_head_names_its_media_type_bare():
    head = parse_head(b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8")

    assert head.content_type == b"text/event-stream"


BODIES = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6)


@settings(deadline=None)
@given(parts=BODIES, framing=st.sampled_from(["chunked", "length"]), data=st.data())
def test_an_answer_reads_the_same_however_it_is_split(parts, framing, data):
    body = b"".join(parts)
    if framing == "chunked":
        raw = CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        raw += b"0\r\n\r\n"
    else:
        raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=len(raw))))
    reads = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]

    heard, is_free = hear(*reads)

    assert (heard.body, heard.ends, is_free) == (body, ["end"], True)


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=30), st.just(CHUNKED), st.just(b"\r\n")), max_size=8))
def test_no_bytes_make_it_raise(reads):
    connection, heard, *_ = connected()
    for read in reads:
        receive(connection, read)
    connection.connection_lost(None)

    assert len(heard.ends) == 1
