"""The ``a2a:`` agent, against the SDK's own server in both versions, and against worse ones."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from conformance.agents import a2a
from conformance.agents.a2a import EXTENSION, A2aTransport
from conformance.agents.contract import AgentFailedError, ModelFaultError, Store, TaskView
from conformance.agents.external import ExternalAgent
from conformance.agents.wording import wording
from conformance.errors import AgentUnavailableError, UsageError
from conformance.gateway import Gateway, Upstream
from tests.fakes.a2a_server import Turn, running, serving
from tests.fakes.doors import Called, FakeDoors, task
from tests.fakes.endpoint import MODEL, FakeEndpoint, says
from tests.fakes.http_agent import ANSWER, work
from tests.fakes.outside import reached

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from starlette.requests import Request

    from tests.fakes.a2a_server import Executor

WAYS = [
    {"version": version, "binding": binding, "is_streaming": is_streaming}
    for version in ("1.0", "0.3")
    for binding in ("JSONRPC", "HTTP+JSON")
    for is_streaming in (True, False)
]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nobody, but for a request that this process answers itself."""
    monkeypatch.setattr(a2a, "CANCEL_S", 60.0)
    monkeypatch.setattr(a2a, "PAUSES_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(a2a, "POLL_S", 0.01)


def opened(
    url: str, gateway: Gateway | None = None, **options: Any
) -> AbstractAsyncContextManager[ExternalAgent]:
    return reached(A2aTransport(url, **options), gateway)


async def ran(behaviour: Any, what: TaskView | None = None, **way: Any) -> FakeDoors:
    """Run a task on an agent; what it failed at is raised."""
    doors = FakeDoors()
    async with serving(behaviour, **way) as (url, _), opened(url) as agent:
        await agent.run(what or task(), doors, None)  # type: ignore[arg-type]
    return doors


async def failed(behaviour: Any, **way: Any) -> AgentFailedError:
    with pytest.raises(AgentFailedError) as caught:
        await ran(behaviour, **way)
    return caught.value


async def answers(turn: Turn) -> None:
    await turn.begin()
    await turn.artifact(ANSWER)
    await turn.say("COMPLETED", "done")


async def hangs(turn: Turn) -> None:
    await turn.begin()
    await asyncio.sleep(60)


@ways
async def test_both_doors_work_through_the_handles(way: dict[str, Any]) -> None:
    async def works(turn: Turn) -> None:
        await turn.begin()
        await turn.artifact(await work(turn.handles))
        await turn.say("COMPLETED")

    doors = FakeDoors()
    with FakeEndpoint(says("25 percent")) as served:
        gateway = Gateway(Upstream(model=MODEL, base_url=served.base_url))
        async with serving(works, **way) as (url, _), opened(url, gateway) as agent:
            await agent.run(task(), doors, None)  # type: ignore[arg-type]
    assert doors.called == [Called("look", {"rack": "R1"})]
    (call,) = doors.model_calls
    assert (call.input_tokens, call.output_tokens) == (100, 10)
    assert doors.answer is not None


@ways
async def test_an_answer_is_taken_as_it_was_given(way: dict[str, Any]) -> None:
    async with serving(answers, **way) as (url, seen), opened(url) as agent:
        doors = FakeDoors()
        await agent.run(task(), doors, None)  # type: ignore[arg-type]
        (turn,) = seen.turns
        described = agent.transport.describe()
    assert doors.answer is not None
    assert doors.answer.values == {"load": 25}
    assert isinstance(doors.answer.values["load"], int)
    assert doors.channel == "result"
    assert turn.extensions == [EXTENSION]
    assert turn.handles["trial"] == "t1"
    assert turn.handles["model"] is None
    assert turn.text.startswith("What is the load of rack R1?")
    assert described["protocols"] == [f"{way['binding']} {way['version']}"]
    assert (described["name"], described["version"]) == ("toy", "7.1")
    assert described["declares_handles"] is True


@ways
async def test_a_question_is_answered_in_the_same_task(way: dict[str, Any]) -> None:
    async def asks(turn: Turn) -> None:
        await turn.begin()
        if turn.is_first:
            await turn.say("INPUT_REQUIRED", "Which rack?")
        else:
            await turn.say("COMPLETED", None, ANSWER)

    async with serving(asks, **way) as (url, seen), opened(url) as agent:
        doors = FakeDoors()
        await agent.run(task(), doors, None)  # type: ignore[arg-type]
        first, second = seen.turns
    assert second.task_id == first.task_id
    assert second.context_id == first.context_id
    assert second.text == wording("en").nobody
    assert second.handles == first.handles
    assert doors.answer is not None


async def test_an_agent_that_asks_for_ever_is_stopped() -> None:
    async def asks(turn: Turn) -> None:
        await turn.begin()
        await turn.say("INPUT_REQUIRED", "Why?")

    async with serving(asks) as (url, seen), opened(url) as agent:
        doors = FakeDoors()
        await agent.run(task(), doors, None)  # type: ignore[arg-type]
        assert len(seen.turns) == 40
    assert "stuck" in doors.noted
    assert doors.answer is None


async def test_a_message_in_place_of_a_task_is_the_last_word() -> None:
    async def replies(turn: Turn) -> None:
        from a2a.helpers.proto_helpers import new_data_message

        await turn.queue.enqueue_event(new_data_message(ANSWER, context_id=turn.context_id))

    for is_streaming in (True, False):
        doors = await ran(replies, is_streaming=is_streaming)
        assert doors.answer is not None


async def test_a_text_that_is_the_answer_is_taken_and_prose_is_not() -> None:
    async def says_it(turn: Turn) -> None:
        await turn.begin()
        await turn.artifact(text='{"status":"done","values":{"load":25}}')
        await turn.say("COMPLETED", "All done.")

    async def talks(turn: Turn) -> None:
        await turn.begin()
        await turn.say("COMPLETED", "The load is 25.")

    doors = await ran(says_it)
    assert doors.channel == "final message"
    doors = await ran(talks)
    assert doors.answer is None
    assert ("no_answer", {"why": "prose", "text": "The load is 25."}) in doors.notes


async def test_an_artifact_may_be_replaced_and_other_data_is_no_answer() -> None:
    async def piecemeal(turn: Turn) -> None:
        await turn.begin()
        await turn.artifact({"status": "done"}, artifact_id="a")
        await turn.artifact({"steps": 3}, artifact_id="log")
        await turn.artifact(ANSWER, artifact_id="a")
        await turn.artifact({"steps": 4}, artifact_id="log", append=True)
        await turn.say("COMPLETED", "done")

    doors = await ran(piecemeal)
    assert doors.answer is not None
    assert doors.answer.values == {"load": 25}


async def test_data_that_is_no_answer_is_told_in_the_record() -> None:
    async def wrong(turn: Turn) -> None:
        await turn.begin()
        await turn.artifact({"status": "perhaps"})
        await turn.say("COMPLETED")

    doors = await ran(wrong)
    assert doors.answer is None
    (why,) = [details["why"] for kind, details in doors.notes if kind == "no_answer"]
    assert "perhaps" in why


@pytest.mark.parametrize(
    ("state", "cause"),
    [("FAILED", "agent_error"), ("CANCELED", "agent_error"), ("AUTH_REQUIRED", "protocol")],
)
@pytest.mark.parametrize("is_streaming", [True, False])
async def test_a_task_that_ends_badly_is_the_agents_failure(
    state: str, cause: str, *, is_streaming: bool
) -> None:
    async def ends(turn: Turn) -> None:
        await turn.begin()
        await turn.say(state, "no more ideas")

    error = await failed(ends, is_streaming=is_streaming)
    assert error.cause == cause


async def test_a_rejected_task_is_a_last_word() -> None:
    async def rejects(turn: Turn) -> None:
        await turn.begin()
        await turn.say("REJECTED", None, {"status": "refused", "reason": "no"})

    doors = await ran(rejects)
    assert doors.answer is not None
    assert doors.answer.status == "refused"


async def test_an_agent_that_crashes_has_failed() -> None:
    async def crashes(turn: Turn) -> None:
        raise RuntimeError("boom")

    for version in ("1.0", "0.3"):
        for is_streaming in (True, False):
            error = await failed(crashes, version=version, is_streaming=is_streaming)
            assert error.cause == "agent_error", error


async def test_a_task_that_ends_without_an_answer_is_no_failure() -> None:
    async def nothing(turn: Turn) -> None:
        await turn.begin()
        await turn.say("COMPLETED")

    doors = await ran(nothing)
    assert doors.answer is None
    assert doors.called == []


async def test_each_session_is_a_context_of_its_own_with_the_same_store() -> None:
    plain = task()
    store = Store()
    lasting = TaskView("t1", plain.instruction, "en", plain.tools, plain.limits, "s1", store)
    async with serving(answers) as (url, seen), opened(url) as agent:
        for _ in range(2):
            await agent.run(lasting, FakeDoors(), None)  # type: ignore[arg-type]
        first, second = seen.turns
    assert first.context_id != second.context_id
    assert first.handles["session"] != second.handles["session"]
    assert first.handles["store"] == second.handles["store"] == store.id


@ways
async def test_an_agent_that_hangs_is_cancelled_when_the_trial_ends(way: dict[str, Any]) -> None:
    async with serving(hangs, **way) as (url, seen), opened(url) as agent:
        await _interrupted(agent, seen)
        assert seen.cancelled == [seen.turns[0].task_id]


async def _interrupted(agent: ExternalAgent, seen: Executor) -> None:
    sessions: list[Any] = []
    start = agent.transport.start

    async def starts(*given: Any) -> Any:
        sessions.append(await start(*given))
        return sessions[0]

    agent.transport.start = starts  # type: ignore[method-assign]
    running_ = asyncio.create_task(agent.run(task(), FakeDoors(), None))  # type: ignore[arg-type]
    await seen.at_work.wait()
    async with asyncio.timeout(60):
        while not sessions[0]._task.id:  # noqa: ASYNC110 - what it cancels it has to be told
            await asyncio.sleep(0.01)
    running_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running_


async def test_a_stream_that_breaks_is_followed_by_asking_for_the_task() -> None:
    go_on = asyncio.Event()

    async def slow(turn: Turn) -> None:
        await turn.begin()
        await go_on.wait()
        await turn.artifact(ANSWER)
        await turn.say("COMPLETED")

    class Cut:
        """Breaks the first stream off once it has begun."""

        def __init__(self, app: Any) -> None:
            self.app = app
            self.has_cut = False

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async def cutting(message: Any) -> None:
                if b"data:" in message.get("body", b"") and not self.has_cut:
                    self.has_cut = True
                    await send(message)
                    go_on.set()
                    raise ConnectionResetError
                await send(message)

            await self.app(scope, receive, cutting)

    doors = await ran(slow, wrap=Cut)
    assert "stream_broken" in doors.noted
    assert doors.answer is not None


async def test_the_agents_own_key_is_sent_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_AGENT_KEY", "sesame-1")
    keys: list[str] = []

    class Listening:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            keys.append(dict(scope["headers"])[b"authorization"].decode())
            assert dict(scope["headers"]).get(b"a2a-extensions", EXTENSION.encode()) == (
                EXTENSION.encode()
            )
            await self.app(scope, receive, send)

    async with (
        serving(answers, wrap=Listening) as (url, _),
        opened(url, key_env="MY_AGENT_KEY") as agent,
    ):
        await agent.run(task(), FakeDoors(), None)  # type: ignore[arg-type]
        assert "sesame-1" not in str(agent.transport.describe())
    assert keys == ["Bearer sesame-1"] * 2


async def test_an_agent_that_does_not_declare_the_extension_gets_its_handles() -> None:
    async with serving(answers, declares=False) as (url, seen), opened(url) as agent:
        await agent.run(task(), FakeDoors(), None)  # type: ignore[arg-type]
        assert seen.turns[0].handles["trial"] == "t1"
        assert agent.transport.describe()["declares_handles"] is False


async def test_the_cards_own_address_may_be_given() -> None:
    async with serving(answers) as (url, _), opened(url + a2a.CARD_PATH) as agent:
        assert await agent.transport.canary()


CARD = {
    "name": "x",
    "version": "1",
    "capabilities": {"streaming": True},
    "supportedInterfaces": [
        {"url": "URL/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
    ],
}


@asynccontextmanager
async def bad(reply: Any, card: Any = None, *, is_streaming: bool = True) -> AsyncIterator[str]:
    """Serve a card, and ``reply`` to every call."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        interface = {**CARD["supportedInterfaces"][0], "url": f"{url}/rpc"}  # type: ignore[index]
        given = card or {
            **CARD,
            "supportedInterfaces": [interface],
            "capabilities": {"streaming": is_streaming},
        }

        async def rpc(request: Request) -> Response:
            return reply if isinstance(reply, Response) else await reply(request)

        routes = [
            Route(
                a2a.CARD_PATH,
                lambda _: given if isinstance(given, Response) else JSONResponse(given),
            ),
            Route("/rpc", rpc, methods=["POST"]),
        ]
        async with running(Starlette(routes=routes), sock):
            yield url


async def tried(url: str) -> FakeDoors:
    doors = FakeDoors()
    async with opened(url) as agent:
        await agent.run(task(), doors, None)  # type: ignore[arg-type]
    return doors


def _rpc(result: Any) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": "1", "result": result})


@pytest.mark.parametrize("is_streaming", [True, False])
@pytest.mark.parametrize(
    "reply",
    [
        PlainTextResponse("<html>hello"),
        JSONResponse([]),
        JSONResponse({"jsonrpc": "2.0", "id": "1"}),
        JSONResponse({"jsonrpc": "2.0", "id": "1", "error": {"code": -32601, "message": "what?"}}),
        _rpc({}),
        _rpc({"task": {"id": "", "status": {"state": "TASK_STATE_WORKING"}}}),
        _rpc({"task": 7}),
        Response(status_code=404),
        Response(status_code=307, headers={"location": "/elsewhere"}),
    ],
    ids=iter(
        (
            "html",
            "list",
            "empty",
            "error",
            "nothing",
            "no-id",
            "seven",
            "404",
            "307",
        )
    ),
)
async def test_a_server_that_does_not_speak_a2a_breaks_the_protocol(
    reply: Response, *, is_streaming: bool
) -> None:
    async with bad(reply, is_streaming=is_streaming) as url:
        with pytest.raises(AgentFailedError) as caught:
            await tried(url)
    assert caught.value.cause == "protocol"


@pytest.mark.parametrize("is_streaming", [True, False])
async def test_a_reply_without_measure_is_not_read(*, is_streaming: bool) -> None:
    for reply, words in (
        (PlainTextResponse(" " * (5 * 1024 * 1024)), "a reply of more than"),
        (PlainTextResponse("x", headers={"content-encoding": "gzip"}), "a reply that is packed"),
    ):
        async with bad(reply, is_streaming=is_streaming) as url:
            with pytest.raises(AgentFailedError, match=words):
                await tried(url)


@pytest.mark.parametrize(
    ("status", "kind", "tries"),
    [(401, "unauthorised", 1), (500, "server_error", 1), (503, "server_error", 4)],
)
@pytest.mark.parametrize("is_streaming", [True, False])
async def test_a_message_is_sent_again_only_where_it_was_not_taken(
    status: int, kind: str, tries: int, *, is_streaming: bool
) -> None:
    asked = 0

    async def reply(_: Request) -> Response:
        nonlocal asked
        asked += 1
        return Response(status_code=status)

    async with bad(reply, is_streaming=is_streaming) as url:
        with pytest.raises(ModelFaultError) as caught:
            await tried(url)
    assert (caught.value.kind, asked) == (kind, tries)


async def test_an_agent_that_is_gone_is_a_fault_and_its_canary_fails() -> None:
    async with serving(answers) as (url, _):
        agent = ExternalAgent(A2aTransport(url), Gateway())
        await agent.open()
        assert await agent.transport.canary()
    try:
        with pytest.raises(ModelFaultError) as caught:
            await agent.run(task(), FakeDoors(), None)  # type: ignore[arg-type]
        assert caught.value.kind == "connection"
        assert not await agent.transport.canary()
    finally:
        await agent.close()


@pytest.mark.parametrize(
    "card",
    [
        PlainTextResponse("hello"),
        Response(status_code=401),
        JSONResponse([1]),
        {"name": "x"},
        {**CARD, "supportedInterfaces": [{"url": "x", "protocolBinding": "SMOKE"}]},
    ],
    ids=["text", "401", "list", "no-way", "smoke"],
)
async def test_without_a_card_that_can_be_used_the_agent_is_unavailable(card: Any) -> None:
    async with bad(Response(), card) as url:
        with pytest.raises(AgentUnavailableError):
            await tried(url)


async def test_an_agent_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(AgentUnavailableError):
        await tried(f"http://127.0.0.1:{port}")


def test_what_cannot_be_used_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError):
        A2aTransport("localhost:80")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"agent-grading\[a2a\]"):
        A2aTransport("http://h/")


def test_the_evidence_class_follows_from_what_the_agent_declares() -> None:
    assert A2aTransport("http://h/").evidence_class == "observed"
    assert A2aTransport("http://h/", uses_tools=False).evidence_class == "reported"
