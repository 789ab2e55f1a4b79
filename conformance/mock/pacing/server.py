"""The paced endpoint's loop: one thread that writes each piece of each answer at its time.

What is due stands in one heap, on an absolute schedule: a late write makes no later one later. Of
each pass only what was due at its beginning is written, so that requests are read in between.
"""

from __future__ import annotations

import heapq
import socket
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.errors import UsageError
from conformance.mock.chat import error
from conformance.mock.conversation import BadRequestError
from conformance.mock.pacing.answers import reasoning_of
from conformance.mock.pacing.asks import Ask, Dialect, read_ask
from conformance.mock.pacing.connection import Connection
from conformance.mock.pacing.events import CREATED
from conformance.mock.pacing.plans import Plan, broken, joined, offsets_ns, plan_of
from conformance.mock.pacing.record import Answer, Record
from conformance.mock.pacing.wake import waiter
from conformance.mock.pacing.wire import BadHttpError, Request
from conformance.mock.reply import encode
from conformance.mock.truth import Truth, encode_truth

if TYPE_CHECKING:
    from conformance.mock.pacing.answers import PacedReply

HOST = "127.0.0.1"
_MOST_PLANS = 256
_READ = 256 * 2**10
_PATHS: dict[str, Dialect] = {"/chat/completions": "chat", "/responses": "responses"}
_JSON_HEAD = b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
_RETRY = b"Retry-After: 1\r\n"
_CLOSE = b"Connection: close\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Made(NamedTuple):
    """A plan with what of it is the same for all answers."""

    plan: Plan
    data: tuple[bytes, ...]
    kinds: tuple[str, ...]
    offsets: list[int] | None
    """None: each answer has its own, for there is a jitter."""


class PacedServer:
    """Answers on loopback, in its caller's thread.

    Args:
        reply: What each request is answered with.
        port: The port; 0 takes a free one.

    Raises:
        UsageError: the port is taken.
    """

    def __init__(self, reply: PacedReply, port: int = 0) -> None:
        self._reply = reply
        self._listener = _listener(port)
        self.port: int = self._listener.getsockname()[1]
        self._waiter = waiter()
        self._waiter.watch(self._listener.fileno())
        self._is_listening = True
        self._connections: dict[int, Connection] = {}
        self._heap: list[tuple[int, int, Answer]] = []
        """The next write of each answer: when it is due, the answer's number, the answer."""
        self._record = Record()
        self._plans: dict[tuple[Ask, bool], _Made] = {}
        self._number = 0
        self._calls = 0

    @property
    def base_url(self) -> str:
        """The address for an OpenAI client."""
        return f"http://{HOST}:{self.port}/v1"

    def run(self, until: int) -> None:
        """Answer until this descriptor can be read."""
        self._waiter.watch(until)
        heap, connections, wait = self._heap, self._connections, self._waiter.wait
        while True:
            if heap:
                self._write_due()
            for fd, is_readable, is_writable in wait(heap[0][0] if heap else None):
                connection = connections.get(fd)
                if connection is not None:
                    if is_writable:
                        self._resume(connection)
                    if is_readable:
                        self._read(connection)
                elif fd == until:
                    self._waiter.forget(until)
                    return
                elif self._is_listening and fd == self._listener.fileno():
                    self._accept()

    def close(self) -> Truth:
        """End all connections, and return the record; what was on its way is not whole in it."""
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._listener.close()
        self._waiter.close()
        return self._record.take()

    def _write_due(self) -> None:
        heap, clock = self._heap, time.perf_counter_ns
        limit = clock()
        while heap and heap[0][0] <= limit:
            _, number, answer = heap[0]
            connection = answer.connection
            if connection is None:  # its client has gone
                heapq.heappop(heap)
                continue
            data = answer.data[answer.index]
            at = clock()
            try:
                sent = connection.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                heapq.heappop(heap)
                self._drop(connection)
                continue
            if sent:
                answer.at.append(at)
                answer.index += 1
            if sent < len(data):
                heapq.heappop(heap)
                self._block(connection, answer, memoryview(data)[sent:] if sent else None)
            elif answer.index < len(answer.data):
                heapq.heapreplace(heap, (answer.due, number, answer))
            else:
                heapq.heappop(heap)
                self._finish(connection, answer)

    def _block(self, connection: Connection, answer: Answer, pending: memoryview | None) -> None:
        """Let an answer wait until its client has read."""
        answer.blocked += 1
        connection.pending = pending
        self._waiter.change(connection.fd, write=True)

    def _resume(self, connection: Connection) -> None:
        """Go on with an answer whose client has read."""
        if connection.pending is not None:
            try:
                sent = connection.send(connection.pending)
            except BlockingIOError:
                return
            except OSError:
                self._drop(connection)
                return
            if sent < len(connection.pending):
                connection.pending = connection.pending[sent:]
                return
            connection.pending = None
        self._waiter.change(connection.fd, write=False)
        answer = connection.answer
        if answer is not None and answer.is_over:
            self._finish(connection, answer)
        elif answer is not None:
            heapq.heappush(self._heap, (answer.due, answer.number, answer))

    def _finish(self, connection: Connection, answer: Answer) -> None:
        self._record.add(answer)
        connection.answer = None
        if connection.is_last or answer.breaks_off:
            self._drop(connection)
        else:
            self._take(connection, time.perf_counter_ns())

    def _accept(self) -> None:
        while True:
            try:
                made, _ = self._listener.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError:  # no descriptors left: the next one that is closed is awaited
                self._waiter.forget(self._listener.fileno())
                self._is_listening = False
                return
            connection = Connection(made)
            self._connections[connection.fd] = connection
            self._waiter.watch(connection.fd)

    def _drop(self, connection: Connection) -> None:
        """End a connection; an answer on its way is broken off."""
        if self._connections.pop(connection.fd, None) is None:
            return
        self._waiter.forget(connection.fd)
        connection.socket.close()
        if connection.answer is not None:
            self._record.add(connection.answer)
            connection.answer = None
        if not self._is_listening:
            self._waiter.watch(self._listener.fileno())
            self._is_listening = True

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        arrived = time.perf_counter_ns()
        if not data:
            self._drop(connection)
            return
        try:
            connection.reader.feed(data)
        except BadHttpError:
            self._drop(connection)
            return
        if connection.answer is None:
            self._take(connection, arrived)

    def _take(self, connection: Connection, arrived: int) -> None:
        """Begin the answer to the next request of a connection, if it is there."""
        try:
            request = connection.reader.next()
        except BadHttpError as wrong:
            connection.is_last = True
            data = _json(error(wrong.status, str(wrong)), wrong.status, _CLOSE)
            self._begin(Answer(connection, arrived, self._next(), (data,)))
            return
        if request is not None:
            connection.is_last = request.is_last
            self._begin(self._answer(connection, request, arrived))
        elif connection.reader.wants_continue():
            try:
                connection.send(_CONTINUE)
            except OSError:
                self._drop(connection)

    def _begin(self, answer: Answer) -> None:
        if answer.connection is not None:
            answer.connection.answer = answer
            heapq.heappush(self._heap, (answer.due, answer.number, answer))

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _answer(self, connection: Connection, request: Request, arrived: int) -> Answer:
        path = request.path.removeprefix("/v1")
        if request.method == "POST" and path in _PATHS:
            return self._call(connection, request, arrived, _PATHS[path])
        if request.method == "GET" and path == "/models":
            data = _json(_models(self._reply.model))
        elif request.method == "GET" and path == "/truth":
            truth = self._record.take()
            data = _json(encode_truth(truth.written, truth.forgotten))
        else:
            data = _json(error(404, f"there is no {request.method} {request.path}"), 404)
        return Answer(connection, arrived, self._next(), (data,))

    def _call(
        self, connection: Connection, request: Request, arrived: int, dialect: Dialect
    ) -> Answer:
        """Return the answer to a call of the model."""
        reply = self._reply
        try:
            asked = read_ask(dialect, request.body, reply)
        except BadRequestError as wrong:
            return self._failure(connection, request, arrived, 400, str(wrong))
        self._calls += 1
        if reply.fail_every and self._calls % reply.fail_every == 0:
            status = reply.fail_status
            return self._failure(connection, request, arrived, status, "failed on purpose")
        breaks_off = bool(reply.broken_every) and self._calls % reply.broken_every == 0
        made = self._made(asked.ask, is_broken=breaks_off)
        offsets = made.offsets or offsets_ns(reply, made.plan, self._calls)
        data = (*made.data[:-1], made.data[-1] + made.plan.end(asked.input_tokens))
        answer = Answer(connection, arrived, self._next(), data, offsets, made.kinds)
        answer.request_id = request.request_id
        answer.is_recorded = True
        answer.breaks_off = breaks_off
        answer.input_tokens = asked.input_tokens
        answer.output_tokens = asked.ask.tokens
        answer.reasoning_tokens = reasoning_of(reply, asked.ask.tokens)
        return answer

    def _failure(
        self, connection: Connection, request: Request, arrived: int, status: int, message: str
    ) -> Answer:
        more = _RETRY if status in (429, 503) else b""
        data = _json(error(status, message), status, more)
        answer = Answer(connection, arrived, self._next(), (data,))
        answer.request_id = request.request_id
        answer.is_recorded = True
        answer.status = status
        return answer

    def _made(self, ask: Ask, *, is_broken: bool) -> _Made:
        key = (ask, is_broken)
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            found = self._plans[key] = self._make(ask, is_broken=is_broken)
        return found

    def _make(self, ask: Ask, *, is_broken: bool) -> _Made:
        plan = plan_of(self._reply, ask)
        if is_broken:
            plan = broken(plan)
        offsets = None
        if not self._reply.pace.jitter_s:
            plan = joined(plan, offsets_ns(self._reply, plan))
            offsets = offsets_ns(self._reply, plan)
        data = tuple(write.data for write in plan.writes)
        return _Made(plan, data, tuple(write.kinds for write in plan.writes), offsets)


def _listener(port: int) -> socket.socket:
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.listen(4096)
    except OSError as wrong:
        made.close()
        raise UsageError(
            f"cannot listen ({wrong.strerror})",
            where=f"{HOST}:{port}",
            mend="take another port; 0 is any free one",
        ) from None
    made.settimeout(0)
    return made


def _models(name: str) -> dict[str, Any]:
    entry = {"id": name, "object": "model", "created": CREATED, "owned_by": "conformance"}
    return {"object": "list", "data": [entry]}


def _json(body: Any, status: int = 200, more: bytes = b"") -> bytes:
    """Return a whole response; bytes are taken as they are."""
    data = body if isinstance(body, bytes) else encode(body)
    reason = HTTPStatus(status).phrase.encode()
    return _JSON_HEAD % (status, reason, len(data), more) + data
