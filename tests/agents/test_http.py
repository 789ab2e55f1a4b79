"""The ``http:`` agent, against servers that keep to its contract and servers that do not."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from conformance.agents import http, http_contract
from conformance.agents.contract import AgentFailedError, ModelFaultError, Store, TaskView
from conformance.agents.external import ExternalAgent
from conformance.agents.http import HttpTransport
from conformance.agents.wording import wording
from conformance.authoring import ToolSpec
from conformance.errors import AgentUnavailableError, UsageError
from conformance.gateway import Gateway, Upstream
from tests.fakes.doors import Called, FakeDoors, task
from tests.fakes.endpoint import MODEL, FakeEndpoint, says
from tests.fakes.http_agent import ANSWER, HttpAgent, hang, work
from tests.fakes.outside import reached

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

FINAL = {"status": "final", "answer": ANSWER}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nobody, but for a request that this process answers itself."""
    monkeypatch.setattr(http, "CANCEL_S", 60.0)
    monkeypatch.setattr(http, "PAUSES_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(http, "POLL_S", 0.01)


def opened(url: str, **options: Any) -> AbstractAsyncContextManager[ExternalAgent]:
    return reached(HttpTransport(url, **options))


async def ran(server: HttpAgent, what: TaskView | None = None, **options: Any) -> FakeDoors:
    """Run a task on a server; what the agent failed at is raised."""
    doors = FakeDoors()
    async with server, opened(server.url, **options) as agent:
        await agent.run(what or task(), doors, None)  # type: ignore[arg-type]
    return doors


async def failed(server: HttpAgent) -> AgentFailedError:
    with pytest.raises(AgentFailedError) as caught:
        await ran(server)
    return caught.value


async def fault(server: HttpAgent) -> ModelFaultError:
    with pytest.raises(ModelFaultError) as caught:
        await ran(server)
    return caught.value


async def test_the_first_request_has_all_that_an_agent_needs() -> None:
    server = HttpAgent(FINAL)
    doors = await ran(server)
    assert doors.answer is not None
    assert doors.channel == "result"
    (sent,) = server.tasks
    assert sent["instruction"].startswith("What is the load of rack R1?")
    assert (sent["turn"], sent["reply"], sent["lang"], sent["trial"]) == (1, None, "en", "t1")
    assert sent["tools"]["mcp_url"].startswith("http://127.0.0.1:")
    assert sent["tools"]["headers"]["Authorization"].startswith("Bearer ")
    assert sent["limits"]["wall_s"] == 600.0
    assert sent["model"] is None
    assert sent["store"] is None


async def test_both_doors_work_through_the_handles() -> None:
    async def agent(given: dict[str, Any]) -> dict[str, Any]:
        return {"status": "final", "answer": await work(given)}

    doors = FakeDoors()
    with FakeEndpoint(says("25 percent")) as served:
        gateway = Gateway(Upstream(model=MODEL, base_url=served.base_url))
        server = HttpAgent(agent)
        async with server, reached(HttpTransport(server.url), gateway) as tried:
            await tried.run(task(), doors, None)  # type: ignore[arg-type]
    assert doors.called == [Called("look", {"rack": "R1"})]
    (call,) = doors.model_calls
    assert (call.input_tokens, call.output_tokens) == (100, 10)
    assert doors.answer is not None


async def test_a_text_that_is_the_answer_is_taken_and_prose_is_not() -> None:
    doors = await ran(HttpAgent({"status": "final", "text": '{"status":"done","values":{}}'}))
    assert doors.channel == "final message"
    doors = await ran(HttpAgent({"status": "final", "text": "The load is 25."}))
    assert doors.answer is None
    assert "no_answer" in doors.noted
    doors = await ran(HttpAgent({"status": "final", "answer": [1]}))
    assert doors.answer is None
    assert "no_answer" in doors.noted
    assert (await ran(HttpAgent({"status": "final"}))).answer is None


async def test_a_question_gets_its_reply_in_the_next_turn_of_the_same_session() -> None:
    server = HttpAgent({"status": "asks", "question": "Which rack?"}, FINAL)
    doors = await ran(server)
    first, second = server.tasks
    assert second["session"] == first["session"]
    assert second["instruction"] == first["instruction"]
    assert (second["turn"], second["reply"]) == (2, wording("en").nobody)
    assert doors.answer is not None


async def test_a_question_goes_to_ask_user_where_the_world_has_it() -> None:
    spec = ToolSpec(
        "ask_user", "Ask.", {"type": "object", "properties": {"question": {"type": "string"}}}
    )
    asking = task()
    asking = TaskView(
        "t1", asking.instruction, "en", (spec, *asking.tools), asking.limits, asking.seat
    )
    doors = await ran(HttpAgent({"status": "asks", "question": "Which rack?"}, FINAL), asking)
    assert doors.called == [Called("ask_user", {"question": "Which rack?"})]


async def test_an_agent_that_asks_for_ever_is_stopped() -> None:
    server = HttpAgent({"status": "asks", "question": "Why?"})
    doors = await ran(server)
    assert len(server.tasks) == 40
    assert doors.noted[-2:] == ["stuck", "contact"]
    assert doors.answer is None


async def test_each_session_has_an_id_of_its_own_and_the_same_store() -> None:
    server = HttpAgent(FINAL)
    plain = task()
    store = Store()
    lasting = TaskView("t1", plain.instruction, "en", plain.tools, plain.limits, "s1", store)
    async with server, opened(server.url) as agent:
        for _ in range(2):
            await agent.run(lasting, FakeDoors(), None)  # type: ignore[arg-type]
    first, second = server.tasks
    assert first["session"] != second["session"]
    assert first["store"] == second["store"] == store.id
    assert first["seat"] == "s1"


async def test_a_long_task_is_polled() -> None:
    running = {"status": "running", "poll": "/poll"}
    polls: Any = [{"status": "running"}, web.Response(status=503), web.Response(status=500), FINAL]
    server = HttpAgent(
        lambda _: web.json_response(running, status=202),
        polls=[polls[0], lambda _: polls[1], lambda _: polls[2], polls[3]],
    )
    doors = await ran(server)
    assert server.polled == 4
    assert len(server.tasks) == 1
    assert doors.answer is not None


async def test_a_poll_stays_on_the_agents_server() -> None:
    for poll in ("http://127.0.0.1:9/steal", "//elsewhere.example/x", "file:///etc/passwd", ""):
        error = await failed(HttpAgent({"status": "running", "poll": poll}))
        assert error.cause == "protocol"
        assert "to poll" in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"not json", "contract"),
        (b"[]", "contract"),
        (b'{"status":"done"}', "contract"),
        (b'{"answer":{}}', "contract"),
        (b'{"status":"asks"}', "contract"),
        (b'{"status":"final","answer":' + b"[" * 100_000, "contract"),
        (b'"' + b"x" * http_contract.MOST_BYTES + b'"', "longer"),
    ],
)
async def test_a_body_that_is_no_reply_breaks_the_protocol(body: bytes, words: str) -> None:
    error = await failed(HttpAgent(lambda _: web.Response(body=body)))
    assert error.cause == "protocol"
    assert words in str(error)


async def test_a_packed_reply_is_bounded_as_it_is_unpacked() -> None:
    packed = gzip.compress(b" " * (64 * 1024 * 1024))
    error = await failed(
        HttpAgent(lambda _: web.Response(body=packed, headers={"Content-Encoding": "gzip"}))
    )
    assert "longer" in str(error)


async def test_an_agent_that_says_that_it_failed_has_failed() -> None:
    error = await failed(HttpAgent({"status": "failed", "message": "no more ideas"}))
    assert (error.cause, str(error)) == ("agent_error", "it says: no more ideas")


@pytest.mark.parametrize("status", [301, 307, 400, 404, 405, 422])
async def test_a_refused_task_breaks_the_protocol_and_no_redirect_is_followed(status: int) -> None:
    server = HttpAgent(lambda _: web.Response(status=status, headers={"Location": "/poll"}))
    error = await failed(server)
    assert error.cause == "protocol"
    assert str(status) in str(error)
    assert server.polled == 0


@pytest.mark.parametrize(
    ("status", "kind", "tries"),
    [
        (401, "unauthorised", 1),
        (403, "unauthorised", 1),
        (429, "rate_limited", 4),
        (500, "server_error", 1),
        (502, "server_error", 4),
        (503, "server_error", 4),
        (504, "server_error", 1),
    ],
)
async def test_a_task_is_sent_again_only_where_it_was_not_taken(
    status: int, kind: str, tries: int
) -> None:
    server = HttpAgent(lambda _: web.Response(status=status))
    error = await fault(server)
    assert (error.kind, error.status, error.retries) == (kind, status, tries - 1)
    assert len(server.tasks) == tries


async def test_an_agent_that_is_busy_at_first_gets_its_task() -> None:
    doors = await ran(HttpAgent(lambda _: web.Response(status=503), FINAL))
    assert doors.answer is not None


async def test_a_connection_that_breaks_is_a_fault_and_not_sent_again() -> None:
    async def breaks(_: dict[str, Any]) -> web.StreamResponse:
        raise ConnectionResetError

    class Cutting(HttpAgent):
        async def _posted(self, request: web.Request) -> web.StreamResponse:
            self.tasks.append(await request.json())
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

    server = Cutting(breaks)
    error = await fault(server)
    assert error.kind == "connection"
    assert len(server.tasks) == 1


async def test_a_server_that_is_gone_is_a_fault_and_its_canary_fails() -> None:
    server = HttpAgent(FINAL)
    async with server:
        agent = ExternalAgent(HttpTransport(server.url), Gateway())
        await agent.open()
        assert await agent.transport.canary()
    try:
        with pytest.raises(ModelFaultError) as caught:
            await agent.run(task(), FakeDoors(), None)  # type: ignore[arg-type]
        assert (caught.value.kind, caught.value.retries) == ("connection", 3)
        assert not await agent.transport.canary()
    finally:
        await agent.close()


async def test_a_server_that_does_not_speak_http_breaks_the_protocol() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readline()
        ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(ok if asked.startswith(b"GET") else b"SSH-2.0-nothing\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"http://127.0.0.1:{port}/") as agent:
        with pytest.raises(AgentFailedError, match="does not speak HTTP") as caught:
            await agent.run(task(), FakeDoors(), None)  # type: ignore[arg-type]
        assert caught.value.cause == "protocol"


async def test_an_agent_that_hangs_is_told_to_stop_when_the_trial_ends() -> None:
    server = HttpAgent(hang)
    async with server, opened(server.url) as agent:
        running = asyncio.create_task(agent.run(task(), FakeDoors(), None))  # type: ignore[arg-type]
        await server.at_work.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert server.stopped == [server.tasks[0]["session"]]


async def test_an_agent_that_works_on_after_its_answer_is_told_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("conformance.agents.external.LAST_WORDS_S", 0.01)
    monkeypatch.setattr("conformance.agents.external.CANCEL_S", 60.0)

    async def answers_and_works_on(_: dict[str, Any]) -> dict[str, Any]:
        (handle,) = agent.gateway.handles
        await handle.call_tool("submit_answer", ANSWER)
        while not server.stopped:  # noqa: ASYNC110 - it is a plain list
            await asyncio.sleep(0.01)
        return {"status": "final"}

    server = HttpAgent(answers_and_works_on)
    doors = FakeDoors()
    async with server, opened(server.url) as agent:
        await agent.run(task(), doors, None)  # type: ignore[arg-type]
        assert len(server.stopped) == 1
    assert doors.answer is not None


async def test_the_answer_that_came_first_stands() -> None:
    async def answers_twice(_: dict[str, Any]) -> dict[str, Any]:
        (handle,) = agent.gateway.handles
        await handle.call_tool("submit_answer", ANSWER)
        return {"status": "final", "answer": {"status": "refused"}}

    server = HttpAgent(answers_twice)
    doors = FakeDoors()
    async with server, opened(server.url) as agent:
        await agent.run(task(), doors, None)  # type: ignore[arg-type]
        assert not server.stopped
    assert doors.answer is not None
    assert doors.answer.status == "done"


async def test_a_killed_session_is_not_told() -> None:
    class Killing(FakeDoors):
        was_killed = True

    server = HttpAgent(hang)
    async with server, opened(server.url) as agent:
        running = asyncio.create_task(agent.run(task(), Killing(), None))  # type: ignore[arg-type]
        await server.at_work.wait()
        (handle,) = agent.gateway.handles
        handle.over.set()
        handle.has_ended = True
        with pytest.raises(Exception):  # noqa: B017, PT011 - TrialEndedError
            await running
        assert not server.stopped


async def test_the_agents_own_key_is_sent_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_AGENT_KEY", "sesame-1")
    server = HttpAgent(FINAL)
    doors = FakeDoors()
    async with server, opened(f"{server.url}?tenant=7", key_env="MY_AGENT_KEY") as agent:
        await agent.run(task(), doors, None)  # type: ignore[arg-type]
        assert agent.transport.describe()["agent_url"] == server.url
        assert "sesame-1" not in str(agent.transport.describe())
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer sesame-1"] * 2


def test_what_cannot_be_used_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_AGENT_KEY", raising=False)
    for url in ("localhost:80", "ftp://h/", "http://", "http://h:99999/", "http://me:pw@h/"):
        with pytest.raises(UsageError):
            HttpTransport(url)
    with pytest.raises(UsageError, match="MY_AGENT_KEY"):
        HttpTransport("http://h/", key_env="MY_AGENT_KEY")


async def test_an_agent_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(AgentUnavailableError):
        async with opened(f"http://127.0.0.1:{port}/"):
            raise AssertionError
    async with HttpAgent(FINAL, status=503) as server:
        with pytest.raises(AgentUnavailableError):
            async with opened(server.url):
                raise AssertionError


async def test_a_get_that_is_not_served_is_an_agent_that_is_up() -> None:
    for status in (404, 405, 500, 501):
        assert (await ran(HttpAgent(FINAL, status=status))).answer is not None


def test_the_evidence_class_follows_from_what_the_agent_declares() -> None:
    assert HttpTransport("http://h/").evidence_class == "observed"
    assert HttpTransport("http://h/", uses_tools=False).evidence_class == "reported"
