"""Requests as the paced endpoint reads them: from any pieces, and nothing that is none."""

import contextlib
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.mock.pacing.wire import LONGEST_BODY, BadHttpError, Reader, Request

PLAIN = b"GET /v1/models?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"
SIZED = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-REQUEST-ID: 0-7 \r\n"
    b"Content-Length: 7\r\n\r\n{\r\n\r\n:}"
)
CHUNKED = (
    b"POST /v1/responses HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nConnection: Close\r\n\r\n"
    b'3;name="x"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n'
)
WANTED = [
    Request("GET", "/v1/models", "", b"", is_last=False),
    Request("POST", "/v1/chat/completions", "0-7", b"{\r\n\r\n:}", is_last=False),
    Request("POST", "/v1/responses", "", b"abc0123456789", is_last=True),
]


def read(*pieces):
    reader, found = Reader(), []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.next()) is not None:
            found.append(request)
    return found


@given(st.lists(st.integers(0, len(PLAIN + SIZED + CHUNKED))))
@example(list(range(len(PLAIN + SIZED + CHUNKED))))
def test_requests_may_come_in_any_pieces(cuts):
    whole = PLAIN + SIZED + CHUNKED
    edges = [0, *sorted(cuts), len(whole)]
    assert read(*(whole[a:b] for a, b in pairwise(edges))) == WANTED


@given(st.binary(max_size=300), st.sampled_from([b"", PLAIN, SIZED, CHUNKED[:110]]))
def test_whatever_comes_it_is_read_refused_or_waited_for(data, before):
    with contextlib.suppress(BadHttpError):
        for request in read(before + data):
            assert isinstance(request, Request)


def head(*fields, line=b"POST / HTTP/1.1"):
    return b"\r\n".join((line, *fields, b"", b""))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (head(line=b"GET  / HTTP/1.1"), 400),
        (head(line=b"GET / FTP/1.1"), 400),
        (head(line=b"GET / HTTP/1.0"), 505),
        (head(b"no colon"), 400),
        (head(b": no name"), 400),
        (head(b"Host : a"), 400),
        (head(b"Content-Length: -1"), 400),
        (head(b"Content-Length: 1_0"), 400),
        (head(b"Content-Length: 1", b"Content-Length: 2"), 400),
        (head(b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400),
        (head(b"Content-Length: %d" % (LONGEST_BODY + 1)), 413),
        (head(b"Content-Length: " + b"9" * 5000), 413),
        (head(b"Transfer-Encoding: gzip"), 501),
        (head(b"Transfer-Encoding: chunked") + b"x\r\n", 400),
        (head(b"Transfer-Encoding: chunked") + b"\r\n", 400),
        (head(b"Transfer-Encoding: chunked") + b"1\r\nabc\r\n", 400),
        (head(b"Transfer-Encoding: chunked") + b"FFFFFFFF\r\n", 413),
        (head(b"Transfer-Encoding: chunked") + b"1" * 2000, 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
    ],
)
def test_what_is_no_request_is_refused(data, status):
    with pytest.raises(BadHttpError) as caught:
        read(data)
    assert caught.value.status == status


def test_a_client_that_waits_to_go_on_is_told_once():
    reader = Reader()
    reader.feed(head(b"Content-Length: 2", b"Expect: 100-Continue"))
    assert reader.next() is None
    assert [reader.wants_continue(), reader.wants_continue()] == [True, False]
    reader.feed(b"ab")
    assert reader.next().body == b"ab"
    reader.feed(SIZED[:-1])
    assert reader.next() is None
    assert not reader.wants_continue()
