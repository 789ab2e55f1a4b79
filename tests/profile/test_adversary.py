"""A vendor who wants a better profile than the endpoint deserves, and a hostile endpoint."""

from __future__ import annotations

import asyncio
import random

import msgspec

from conformance.profile.contradictions import contradictions
from conformance.profile.document import Slo
from conformance.profile.drive import drive
from conformance.profile.log import LoadLog
from conformance.profile.metrics import measure
from conformance.profile.shape import Bounds, Closed, Open
from conformance.profile.target import Target
from conformance.profile.tokens import check_tokens
from tests.profile import servers
from tests.profile.logs import MS, Stream, log_of, request
from tests.profile.servers import Asks, serving

# ---- the vendor


def codes(log):
    point = measure(log, Slo(), log_path="l", log_sha256="0")
    return {reason.code for reason in point.reasons}


def many(stream=None, n=40, **fields):
    return [request(200.0 * at, stream or Stream(), **fields) for at in range(n)]


def test_tokens_that_no_event_brought_are_a_mismatch():
    empty = {"events": [40 * MS, 40 * MS], "kinds": "ud", "output_tokens": 128}
    requests = [
        msgspec.structs.replace(
            one, **{**empty, "events": [one.sent + 40 * MS] * 2, "ended": one.sent + 40 * MS}
        )
        for one in many()
    ]
    assert check_tokens(requests).example == "128 output tokens and no event that brings one"
    assert "token-mismatch" in codes(log_of(requests))
    # Reasoning that is kept back may be all there is, and the mark of the end may be a token.
    for told in ({"reasoning_tokens": 128}, {"output_tokens": 1}):
        assert not check_tokens(msgspec.structs.replace(r, **told) for r in requests).contradictions


def test_empty_answers_make_a_point_invalid_however_fast_they_are():
    requests = [
        msgspec.structs.replace(
            one, events=[one.sent + MS] * 2, kinds="ud", output_tokens=0, ended=one.sent + MS
        )
        for one in many()
    ]
    assert "short-answers" in codes(log_of(requests))
    assert "short-answers" not in codes(log_of(many()))


def exact(log, control="ignore_eos"):
    header = msgspec.structs.replace(log.header, workload={"control": control})
    return msgspec.structs.replace(log, header=header)


def test_answers_that_are_cut_short_are_named_only_where_a_length_was_asked_for():
    short = log_of(many(Stream(events=3), asked_tokens=128))
    assert "short-answers" in codes(exact(short))
    assert "short-answers" not in codes(exact(short, "none"))
    assert "short-answers" not in codes(exact(log_of(many(Stream(events=9), asked_tokens=9))))


def test_a_tool_call_alone_is_no_empty_answer():
    assert "short-answers" not in codes(log_of(many(Stream(events=3, tools=3))))


# ---- the hostile endpoint


async def test_an_endpoint_that_knows_who_asks_is_not_found_out():
    """What is out of reach: it serves this client at once, and everybody else late."""
    late_s = 0.3

    async def answer(asked, writer):
        if asked.headers["user-agent"] != "conformance-profile":
            await asyncio.sleep(late_s)
        writer.write(servers.whole(servers.chat(3)))
        return True

    async with serving(answer) as server:
        within = Bounds(requests=3, warm_up_s=0.0)
        done = await drive(Target(server.url, "m"), Asks(), Closed(1, 0.0), within)
        began = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nUser-Agent: an agent\r\n"
            b"Content-Length: 2\r\n\r\n{}"
        )
        await reader.readuntil(b"[DONE]")
        waited_s = asyncio.get_running_loop().time() - began
        writer.close()
        await writer.wait_closed()

    assert waited_s >= late_s
    assert min(log.ended - log.sent for log in done.requests) < late_s * 1e9
    assert [log.error for log in done.requests] == [None] * 3


async def test_what_a_hostile_endpoint_makes_of_a_log_is_no_contradiction():
    """Retries, resets, errors, cut answers: whatever comes, a true log keeps its own rules."""
    chance = random.Random(5)

    async def answer(asked, writer):
        way = chance.randrange(7)
        if way == 0:
            writer.transport.abort()
            return False
        if way == 1:
            writer.write(servers.error(503, b"busy"))
        elif way == 2:
            writer.write(servers.whole(servers.chat(2))[:-40])
            return False
        elif way == 3:
            writer.write(servers.whole([servers.event({"error": {"message": "no"}})]))
        elif way == 4:
            writer.write(servers.whole(servers.chat(2)))
            await writer.drain()
            return False
        else:
            for part in (servers.HEAD, *map(servers.chunk, servers.chat(2)), servers.LAST_CHUNK):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
        return True

    for shape in (Closed(4, 0.05), Open(60.0, seed=2)):
        async with serving(answer) as server:
            bounds = Bounds(duration_s=0.7, least_done=20, warm_up_s=0.1, drain_s=0.2)
            done = await drive(Target(server.url, "m"), Asks(), shape, bounds)
        log = own(done, shape, bounds)
        assert {one.error for one in log.requests} >= {None, "status"}
        assert list(contradictions(log)) == []


def own(done, shape, bounds):
    """Return the log that ``run_load`` makes of one worker's."""
    requests = sorted(done.requests, key=lambda one: (one.intended, one.worker, one.number))
    made = log_of([], measured=(0, 0), shape=shape, clients=[done.health])
    start = round((getattr(shape, "stagger_s", 0.0) + bounds.warm_up_s) * 1e9)
    last = max(start, *(one.intended for one in requests))
    header = msgspec.structs.replace(
        made.header, bounds=bounds, measured_from=start, measured_to=last
    )
    return LoadLog(header, requests, [done.health])
