"""Answers as writes: bytes made in advance, and when each is due."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from conformance.mock.pacing.events import writer_of
from conformance.mock.reply import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.mock.pacing.answers import PacedReply
    from conformance.mock.pacing.asks import Ask

_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Write(NamedTuple):
    """What is sent at one time."""

    token: int
    """With which token it is due; -1: with the role."""
    data: bytes
    kinds: str
    """See ``Written.kinds``."""


class Plan(NamedTuple):
    """An answer."""

    writes: tuple[Write, ...]
    end: Callable[[int], bytes]
    """Takes the request's tokens and returns what the last write ends with."""


def plan_of(reply: PacedReply, ask: Ask) -> Plan:
    """Make an answer; what is due with one token is one write."""
    writer = writer_of(reply, ask)
    if not ask.is_stream:

        def whole(input_tokens: int) -> bytes:
            body = encode(writer.whole(input_tokens))
            return _JSON_HEAD % len(body) + body

        return Plan((Write(ask.tokens - 1, b"", ""),), whole)

    def tail(input_tokens: int) -> bytes:
        return b"".join(_framed(event.data) for event in writer.tail(input_tokens)) + b"0\r\n\r\n"

    writes = [Write(-1, _STREAM_HEAD, "")]
    writes += [Write(event.token, _framed(event.data), event.kind) for event in writer.events()]
    # The last event may be of a token before the last, where a chunk holds several.
    end = "".join(event.kind for event in writer.tail(0))
    writes.append(Write(writes[-1].token, b"", end))
    if reply.role_at_s is None:
        writes = [write._replace(token=max(write.token, 0)) for write in writes]
    groups = itertools.groupby(writes, key=lambda write: write.token)
    return Plan(tuple(_join(group) for _, group in groups), tail)


def broken(plan: Plan) -> Plan:
    """Return the first half of an answer: half its writes, or half the bytes of a single one."""
    if len(plan.writes) > 1:
        return Plan(plan.writes[: len(plan.writes) // 2], lambda _: b"")

    def half(input_tokens: int) -> bytes:
        data = plan.writes[0].data + plan.end(input_tokens)
        return data[: len(data) // 2]

    return Plan((plan.writes[0]._replace(data=b"", kinds=""),), half)


def joined(plan: Plan, offsets_ns: list[int]) -> Plan:
    """Make one write of those that are due at the same time."""
    pairs = zip(offsets_ns, plan.writes, strict=True)
    groups = itertools.groupby(pairs, key=lambda pair: pair[0])
    return plan._replace(writes=tuple(_join(write for _, write in group) for _, group in groups))


def offsets_ns(reply: PacedReply, plan: Plan, number: int = 0) -> list[int]:
    """Return when each write is due, in nanoseconds after the request.

    Args:
        reply: Whose pace it is.
        plan: What is written.
        number: Of the answer: its jitter is drawn by it.
    """
    delays = reply.pace.of_reply(number).delays_s()
    due = list(itertools.accumulate(itertools.islice(delays, plan.writes[-1].token + 1)))
    due.append(reply.role_at_s or 0.0)  # where token -1 finds it
    return [round(due[write.token] * 1e9) for write in plan.writes]


def _join(writes: Iterable[Write]) -> Write:
    made = list(writes)
    data = b"".join(write.data for write in made)
    return Write(made[0].token, data, "".join(write.kinds for write in made))


def _framed(data: bytes) -> bytes:
    """Return one chunk of HTTP's chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)
