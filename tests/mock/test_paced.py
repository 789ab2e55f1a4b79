"""The paced endpoint as clients see it, and its record as the truth of what they saw."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import httpx
import openai
import pytest

from conformance.errors import UsageError
from conformance.mock import Pace, PacedMock, PacedReply
from conformance.mock.pacing import record, server
from conformance.mock.pacing.server import PacedServer
from conformance.mock.pacing.wake import _Portable
from conformance.mock.truth import decode_truth

MS = 1_000_000
CHAT = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
RESPONSES = {"model": "any", "stream": True, "input": "Hello"}


@pytest.fixture(scope="module")
def at_once():
    """An endpoint that takes no time."""
    with PacedMock(PacedReply(tokens=10)) as mock:
        yield mock


@contextmanager
def in_thread(reply, **fields):
    """Serve in a thread of this process."""
    served = PacedServer(reply, **fields)
    until, end = os.pipe()
    thread = threading.Thread(target=served.run, args=(until,))
    thread.start()
    try:
        yield served
    finally:
        os.close(end)
        thread.join()
        os.close(until)
        served.closed = served.close()


@pytest.fixture(scope="module", autouse=True)
def http():
    """One client for all: it loads no certificates, and keeps its connections."""
    global HTTP
    with httpx.Client(verify=False) as HTTP:
        yield


def ask(mock, body, path="chat/completions", **headers):
    return HTTP.post(f"{mock.base_url}/{path}", json=body, headers=headers)


def post(body=CHAT, *fields, path=b"/v1/chat/completions"):
    """Return the bytes of a request."""
    data = json.dumps(body).encode()
    head = (b"POST %b HTTP/1.1" % path, b"Content-Length: %d" % len(data), *fields, b"", b"")
    return b"\r\n".join(head) + data


def connect(mock):
    connection = socket.create_connection(("127.0.0.1", mock.port))
    connection.settimeout(120)
    return connection


def read_until(connection, mark):
    data = b""
    while mark not in data:
        more = connection.recv(2**20)
        assert more, data[-200:]
        data += more
    return data


def read_all(connection):
    data = b""
    while more := connection.recv(2**20):
        data += more
    return data


def test_each_write_is_made_at_its_time_or_later_and_the_record_says_when():
    reply = PacedReply(tokens=5, pace=Pace(0.05, 0.01, stall_s=0.04, stall_at=2), role_at_s=0.005)
    with PacedMock(reply) as mock:
        before = time.perf_counter_ns()
        assert ask(mock, CHAT, **{"X-Request-Id": "3-14"}).status_code == 200
        after = time.perf_counter_ns()
        (answer,) = mock.truth().written
        assert mock.truth().written == []
    assert (answer.request_id, answer.status, answer.is_whole) == ("3-14", 200, True)
    assert (answer.input_tokens, answer.output_tokens, answer.reasoning_tokens) == (9, 5, 0)
    assert answer.kinds == ["r", "c", "c", "c", "c", "ced"]
    due = [(at - answer.arrived) / MS for at in answer.due]
    assert due == [5, 50, 60, 110, 120, 130]
    assert before < answer.arrived < answer.due[0]
    assert all(lag >= 0 for lag in answer.lags_ns)
    assert answer.at == sorted(answer.at)
    assert answer.at[-1] < after
    assert answer.ttft_ns == answer.at[1] - answer.arrived


def test_a_late_write_makes_no_later_one_later():
    """The whole schedule stands before anything is written."""
    with PacedMock(PacedReply(tokens=30, pace=Pace(0.01, 0.002))) as mock:
        for _ in range(2):
            ask(mock, CHAT)
        answers = mock.truth().written
    for answer in answers:
        assert {later - earlier for earlier, later in pairwise(answer.due)} == {2 * MS}


def test_streams_at_once_are_all_written_in_full():
    def drive(connection):
        connection.sendall(post())
        return read_until(connection, b"\r\n0\r\n\r\n").count(b'"content":" tok"')

    with PacedMock(PacedReply(tokens=20, pace=Pace(0.02, 0.005, jitter_s=0.003))) as mock:
        connections = [connect(mock) for _ in range(40)]
        counts = []
        threads = [
            threading.Thread(target=lambda one=one: counts.append(drive(one)))
            for one in connections
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for connection in connections:
            connection.close()
        answers = mock.truth().written
    assert counts == [20] * 40
    assert len(answers) == 40
    for answer in answers:
        assert len(answer.at) == 20
        assert all(lag >= 0 for lag in answer.lags_ns)
        gaps = [later - earlier for earlier, later in pairwise(answer.due)]
        assert all(5 * MS <= gap <= 8 * MS + 1 for gap in gaps)
    schedules = {tuple(due - one.arrived for due in one.due) for one in answers}
    assert len(schedules) == 40


@pytest.mark.parametrize("reasoning", [0, 3])
def test_the_vendors_client_reads_its_streams(reasoning):
    given = {"api_key": "k", "http_client": openai.DefaultHttpxClient(verify=False)}
    reply = PacedReply(tokens=8, reasoning_tokens=reasoning, model="m-7")
    with PacedMock(reply) as mock, openai.OpenAI(base_url=mock.base_url, **given) as client:
        assert [model.id for model in client.models.list()] == ["m-7"]
        said = [{"role": "user", "content": "Hello"}]
        options = {"include_usage": True}
        chunks = list(
            client.chat.completions.create(
                model="any", messages=said, stream=True, stream_options=options, max_tokens=6
            )
        )
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == " tok" * (6 - reasoning)
        assert chunks[-1].usage.completion_tokens == 6
        assert chunks[-2].choices[0].finish_reason == "length"
        whole = client.chat.completions.create(model="any", messages=said)
        assert whole.choices[0].message.content == " tok" * (8 - reasoning)
        assert whole.usage.prompt_tokens == chunks[-1].usage.prompt_tokens
        with client.responses.stream(model="any", input="Hello") as stream:
            final = stream.get_final_response()
        assert final.output_text == " tok" * (8 - reasoning)
        assert final.usage.output_tokens_details.reasoning_tokens == reasoning
        assert client.responses.create(model="any", input="Hello").output_text == final.output_text


def test_with_no_pace_an_answer_is_one_write(at_once):
    at_once.truth()
    assert ask(at_once, CHAT).text.count("tok") == 10
    (answer,) = at_once.truth().written
    assert answer.kinds == ["r" + "c" * 10 + "ed"]
    assert answer.gaps_ns == [0] * 9


def test_an_answer_is_as_long_as_the_request_says(at_once):
    at_once.truth()
    assert ask(at_once, CHAT | {"max_tokens": 4}).text.count(" tok") == 4
    assert ask(at_once, CHAT | {"max_tokens": 40}).text.count(" tok") == 10
    forced = CHAT | {"max_completion_tokens": 40, "ignore_eos": True}
    assert ask(at_once, forced).text.count(" tok") == 40
    assert ask(at_once, RESPONSES | {"max_output_tokens": 4}, "responses").status_code == 200
    assert [one.output_tokens for one in at_once.truth().written] == [4, 10, 40, 4]


def test_what_is_wrong_is_told_in_the_dialects_shape_and_recorded(at_once):
    at_once.truth()
    told = ask(at_once, {"model": "m"}, **{"X-Request-Id": "0-1"})
    assert told.status_code == 400
    assert "messages" in told.json()["error"]["message"]
    deep = HTTP.post(f"{at_once.base_url}/responses", content=b"[" * 200_000)
    assert deep.status_code == 400
    assert ask(at_once, CHAT, "embeddings").status_code == 404
    assert HTTP.get(f"{at_once.base_url}/chat/completions").status_code == 404
    assert HTTP.get(at_once.base_url.removesuffix("/v1") + "/models").status_code == 200
    answers = at_once.truth().written
    assert [(one.request_id, one.status, one.kinds) for one in answers] == [
        ("0-1", 400, [""]),
        ("", 400, [""]),
    ]


def test_what_is_no_http_is_told_so_and_ends_the_connection(at_once):
    with connect(at_once) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        told = read_all(connection)
    assert told.startswith(b"HTTP/1.1 505 ")
    assert b"Connection: close" in told
    assert ask(at_once, CHAT).status_code == 200


def test_a_connection_serves_one_request_after_the_other(at_once):
    at_once.truth()
    with connect(at_once) as connection:
        for number in range(3):
            connection.sendall(post(CHAT, b"X-Request-Id: 0-%d" % number))
            assert read_until(connection, b"\r\n0\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
        last = CHAT | {"stream": False}
        # Two at once: the second is kept until the first is answered.
        connection.sendall(post() + post(last, b"X-Request-Id: last", b"Connection: close"))
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 2
    names = [answer.request_id for answer in at_once.truth().written]
    assert names == ["0-0", "0-1", "0-2", "", "last"]


def test_a_client_may_wait_to_be_told_to_send_its_body(at_once):
    whole = post(CHAT, b"Expect: 100-continue")
    head, _, body = whole.partition(b"\r\n\r\n")
    with connect(at_once) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert b"[DONE]" in read_until(connection, b"\r\n0\r\n\r\n")


def test_a_body_may_come_in_chunks(at_once):
    def pieces():
        data = json.dumps(CHAT).encode()
        yield data[:9]
        yield data[9:]

    where = f"{at_once.base_url}/chat/completions"
    assert HTTP.post(where, content=pieces()).text.count(" tok") == 10


@pytest.mark.parametrize("status", [429, 500, 503])
def test_each_nth_call_can_fail(status):
    with PacedMock(PacedReply(tokens=2, fail_every=3, fail_status=status)) as mock:
        replies = [ask(mock, CHAT) for _ in range(6)]
        answers = mock.truth().written
    assert [reply.status_code for reply in replies] == [200, 200, status] * 2
    assert ("retry-after" in replies[2].headers) == (status != 500)
    assert [one.status for one in answers] == [200, 200, status] * 2
    assert {one.output_tokens for one in answers if one.status != 200} == {0}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("itl", [0, 0.001])
def test_each_nth_answer_can_break_off(stream, itl):
    body = CHAT | {"stream": stream}
    with PacedMock(PacedReply(tokens=20, broken_every=2, pace=Pace(itl, itl))) as mock:
        for _ in range(2):
            assert ask(mock, body).status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                ask(mock, body)
        answers = mock.truth().written
    assert [one.is_whole for one in answers] == [True, False] * 2
    if stream:
        assert [len(one.times()) for one in answers] == [20, 10] * 2


def test_a_client_that_goes_away_disturbs_no_other():
    endless = CHAT | {"max_completion_tokens": 10_000, "ignore_eos": True}
    with PacedMock(PacedReply(tokens=10, pace=Pace(0.05, 0.02))) as mock:
        with connect(mock) as gone, connect(mock) as stays:
            gone.sendall(post(endless, b"X-Request-Id: gone"))
            read_until(gone, b'"content":" tok"')
            gone.close()
            stays.sendall(post(CHAT, b"X-Request-Id: stays"))
            read_until(stays, b"\r\n0\r\n\r\n")
        answers = {one.request_id: one for one in mock.truth().written}
    assert not answers["gone"].is_whole
    assert 1 <= len(answers["gone"].at) < 10_000
    assert answers["stays"].is_whole


@pytest.mark.parametrize("pace", [Pace(), Pace(0, 1e-6)])
def test_a_client_that_reads_slowly_gets_all_of_it_in_order(pace):
    body = RESPONSES | {"max_output_tokens": 3000, "ignore_eos": True}
    with in_thread(PacedReply(pace=pace)) as served, socket.socket() as connection:
        for small, name in ((served._listener, "SO_SNDBUF"), (connection, "SO_RCVBUF")):
            small.setsockopt(socket.SOL_SOCKET, getattr(socket, name), 8192)
        connection.settimeout(120)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(post(body, path=b"/v1/responses"))
        deadline = time.monotonic() + 120
        while not any(one.answer and one.answer.blocked for one in served._connections.values()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        data = read_until(connection, b"\r\n0\r\n\r\n")
    numbers = [int(one) for one in re.findall(rb'"sequence_number":(\d+)}', data)]
    assert numbers == list(range(3008))
    (answer,) = served.closed.written
    assert answer.is_whole
    assert answer.blocked > 0
    assert answer.at == sorted(answer.at)
    assert len(answer.times()) == 3000


def test_a_record_that_grows_too_long_forgets_its_oldest(monkeypatch):
    monkeypatch.setattr(server, "Record", lambda: record.Record(most_writes=3))
    with in_thread(PacedReply(tokens=2)) as served:
        for number in range(5):
            ask(served, CHAT, **{"X-Request-Id": str(number)})
        told = decode_truth(HTTP.get(f"{served.base_url}/truth").content)
        for number in range(3):
            ask(served, CHAT, **{"X-Request-Id": f"later {number}"})
    assert [one.request_id for one in told.written] == ["2", "3", "4"]
    assert told.forgotten == 2
    assert len(served.closed.written) == 3
    assert served.closed.forgotten == 0


def test_what_is_on_its_way_at_the_end_is_in_the_record():
    with in_thread(PacedReply(tokens=9, pace=Pace(0, 30))) as served, connect(served) as connection:
        connection.sendall(post())
        read_until(connection, b" tok")
    (answer,) = served.closed.written
    assert not answer.is_whole
    assert answer.kinds == ["rc"]


def test_it_works_on_systems_without_its_timer(monkeypatch):
    monkeypatch.setattr(server, "waiter", _Portable)
    with in_thread(PacedReply(tokens=5, pace=Pace(0.01, 0.003))) as served:
        assert ask(served, CHAT).text.count(" tok") == 5
    (answer,) = served.closed.written
    assert all(lag >= 0 for lag in answer.lags_ns)


def test_with_no_descriptor_left_it_waits_for_one(monkeypatch):
    class Listener:
        """Has no descriptor for the second connection, the first time it comes."""

        def __init__(self, real):
            self.real, self.accepted = real, 0

        def __getattr__(self, name):
            return getattr(self.real, name)

        def accept(self):
            self.accepted += 1
            if self.accepted == 3:
                raise OSError(24, "Too many open files")
            return self.real.accept()

    listener = server._listener
    monkeypatch.setattr(server, "_listener", lambda port: Listener(listener(port)))
    with in_thread(PacedReply(tokens=2)) as served:
        first = connect(served)
        first.sendall(post())
        read_until(first, b"\r\n0\r\n\r\n")
        with connect(served) as second:
            second.sendall(post())
            second.settimeout(0.1)
            with pytest.raises(TimeoutError):
                second.recv(1)
            first.close()
            second.settimeout(120)
            assert b"[DONE]" in read_until(second, b"\r\n0\r\n\r\n")


def test_its_process_ends_with_it():
    with PacedMock() as mock:
        pid = mock.pid
        os.kill(pid, 0)
    assert mock.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


STARTS = """
import os, signal
from conformance.mock import PacedMock
with PacedMock() as mock:
    print(mock.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_its_process_ends_when_its_parent_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
    assert parent.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 120
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid):
    """Say whether a process runs; one that nobody waits for is over too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_port_that_is_taken_is_told(at_once):
    with pytest.raises(UsageError, match="cannot listen"):
        PacedMock(port=at_once.port).__enter__()


def test_what_does_not_start_says_so(monkeypatch):
    monkeypatch.setattr("conformance.mock.paced.sys.executable", "/bin/false")
    with pytest.raises(Exception, match="did not start"):
        PacedMock().__enter__()
