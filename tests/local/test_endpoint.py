"""The embedded endpoint, with the real model where its weights can be had."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.agents.chat import ChatAgent
from conformance.agents.contract import ModelFaultError, TrialEndedError
from conformance.agents.factory import Reach
from conformance.agents.sampling import Sampling
from conformance.errors import AgentUnavailableError, UsageError
from conformance.local.agent import LocalChatAgent
from conformance.local.endpoint import LocalEndpoint
from conformance.local.server import Settings, model_name, start_server
from conformance.local.weights import WeightsError, get_weights
from tests.fakes.doors import FakeDoors, task

if TYPE_CHECKING:
    from collections.abc import Iterator

GREEDY = Sampling(temperature=0.0, max_tokens=120)


@pytest.fixture(scope="module")
def gguf() -> Path:
    try:
        return get_weights().path
    except WeightsError as error:
        pytest.skip(f"NO WEIGHTS, the embedded model is not tried: {error}")


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def ended(pid: int, limit_s: float = 20.0) -> bool:
    until = time.monotonic() + limit_s
    while is_running(pid):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.05)
    return True


def test_the_served_name_is_plain() -> None:
    assert model_name(Path("/home/somebody/SmolLM2-135M.Q4_1.gguf")) == "smollm2-135m.q4_1"


@pytest.mark.parametrize("settings", [{"slots": 0}, {"slot_tokens": 2048}])
def test_too_small_a_server_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="4096 tokens or more"):
        start_server(Settings(Path("x.gguf"), **settings))


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(UsageError, match=r"pip install 'agent-grading\[local\]'"):
        start_server(Settings(Path("x.gguf")))


async def test_a_missing_library_in_the_child_is_told_by_the_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('no such thing')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    with pytest.raises(UsageError, match=r"agent-grading\[local\]"):
        await LocalEndpoint(tmp_path / "m.gguf").start()


async def test_a_broken_model_file_ends_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + b"\0" * 64)
    endpoint = LocalEndpoint(tmp_path / "m.gguf")
    with pytest.raises((UsageError, AgentUnavailableError)) as caught:
        await endpoint.start()
    assert "\n" not in str(caught.value)
    assert endpoint.pid is None


@pytest.mark.model
async def test_it_serves_on_loopback_and_ends_with_its_block(gguf: Path) -> None:
    async with LocalEndpoint(gguf, slots=1) as endpoint:
        pid = endpoint.pid
        assert pid is not None
        assert endpoint.base_url.startswith("http://127.0.0.1:")
        assert endpoint.model == "smollm2-135m-instruct.q4_1"
        agent = ChatAgent(
            endpoint.model, endpoint.base_url, style="structured", sampling=GREEDY, key_env="NONE"
        )
        await agent.open()
        assert await agent.canary()
        await agent.close()
        assert agent.describe()["served_models"] == []
        assert agent.probe is not None
        assert agent.probe.served_model == endpoint.model
    assert await ended(pid)


@pytest.mark.model
async def test_it_ends_when_its_parent_is_killed(gguf: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from conformance.local.endpoint import LocalEndpoint\n"
        "async def main():\n"
        "    e = LocalEndpoint(pathlib.Path(sys.argv[1]), slots=1)\n"
        "    await e.start()\n"
        "    print(e.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(  # noqa: ASYNC220 - it is killed, not awaited
        [sys.executable, "-c", code, str(gguf)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.send_signal(signal.SIGKILL)
    assert await ended(pid)


@pytest.fixture(scope="module")
def opened(gguf: Path) -> Iterator[tuple[LocalChatAgent, asyncio.AbstractEventLoop]]:
    """One agent on the real model for the tests below, in an event loop of its own."""
    loop = asyncio.new_event_loop()
    agent = LocalChatAgent(Reach(gguf=gguf, slots=2, sampling=GREEDY))
    loop.run_until_complete(agent.open())
    yield agent, loop
    loop.run_until_complete(agent.close())
    loop.close()


@pytest.mark.model
def test_the_probe_finds_that_the_embedded_server_wants_schemas(opened: Any) -> None:
    agent, _ = opened
    told = agent.describe()
    assert told["style"] == "structured"
    assert [(seen["style"], seen["result"]) for seen in told["probe"]] == [
        ("native", "no_call"),
        ("structured", "called"),
    ]
    assert "/" not in told["model"]


@pytest.mark.model
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_model_calls_an_offered_tool_and_is_metered(opened: Any, lang: Any) -> None:
    agent, loop = opened
    doors = FakeDoors(model_calls=1)
    text = {"en": "What is the load of rack R1? Use look.", "zh": "机柜 R1 的负载是多少？用 look。"}
    with contextlib.suppress(TrialEndedError):
        loop.run_until_complete(agent.run(task(text[lang], lang), doors, None))
    assert doors.called[0].name in {"look", "submit_answer"}
    (call,) = doors.model_calls
    assert call.usage_source == "reported"
    assert call.served_model == "smollm2-135m-instruct.q4_1"
    assert json.loads(call.received["content"])["tool"] == doors.called[0].name


@pytest.mark.model
def test_the_second_trial_of_a_family_finds_its_prefix_cached(opened: Any) -> None:
    agent, loop = opened
    for text in ("Look at rack R1.", "Tell me of rack R9."):
        doors = FakeDoors(model_calls=1)
        with contextlib.suppress(TrialEndedError):
            loop.run_until_complete(agent.run(task(text), doors, None))
    (call,) = doors.model_calls
    assert call.cached_tokens is not None
    assert call.input_tokens is not None
    assert call.cached_tokens > 0.6 * call.input_tokens


@pytest.mark.model
def test_a_prompt_longer_than_the_context_is_recognised(opened: Any) -> None:
    agent, loop = opened
    with pytest.raises(ModelFaultError) as caught:
        loop.run_until_complete(agent.run(task("one two three " * 8000), FakeDoors(), None))
    assert caught.value.kind == "context_overflow"
