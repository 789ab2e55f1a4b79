"""The probe before the first trial: which style works, or one clear line why none does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.agents.chat import ChatAgent
from conformance.errors import AgentUnavailableError
from tests.fakes import endpoint as fake
from tests.fakes.endpoint import FakeEndpoint

if TYPE_CHECKING:
    from tests.fakes.endpoint import Step

KEY = "sk-planted-canary-0123456789"


async def probe_of(*script: Step, **options: Any) -> Any:
    with FakeEndpoint(*script) as served:
        agent = ChatAgent(fake.MODEL, served.base_url, key_env="NO_SUCH_KEY", **options)
        await agent.open()
        await agent.close()
        return agent.probe


async def complaint_of(agent: ChatAgent) -> str:
    with pytest.raises(AgentUnavailableError) as caught:
        await agent.open()
    text = str(caught.value)
    assert caught.value.exit_code == 6
    assert "\n" not in text
    return text


async def test_native_is_taken_where_it_works() -> None:
    probe = await probe_of(fake.native_only)
    assert probe.style == "native"
    assert [(s.style, s.result) for s in probe.seen] == [("native", "called")]


async def test_structured_is_taken_where_tool_calls_stay_empty() -> None:
    probe = await probe_of(fake.structured_only)
    assert probe.style == "structured"
    assert [(s.style, s.result) for s in probe.seen] == [
        ("native", "no_call"),
        ("structured", "called"),
    ]
    assert "I would report" in probe.seen[0].detail


async def test_structured_is_taken_where_tools_are_refused() -> None:
    probe = await probe_of(fake.no_tools_here)
    assert probe.style == "structured"
    assert probe.seen[0].result == "refused"
    assert "--enable-auto-tool-choice" in probe.seen[0].detail


async def test_calls_in_the_text_are_seen_and_used() -> None:
    probe = await probe_of(fake.text_form)
    assert probe.style == "native"
    assert {s.result for s in probe.seen} == {"text_call"}


async def test_a_model_that_calls_nothing_is_still_graded() -> None:
    probe = await probe_of(fake.says("Hello!"))
    assert probe.style == "native"
    assert [s.result for s in probe.seen] == ["no_call", "no_call"]


async def test_a_pinned_style_is_the_only_one_tried() -> None:
    probe = await probe_of(fake.structured_only, style="structured")
    assert [s.style for s in probe.seen] == ["structured"]


async def test_a_brief_cap_does_not_hide_a_model_that_thinks_first() -> None:
    def thinks(asked: dict[str, Any]) -> fake.Say:
        if asked["max_tokens"] < 1000:
            return fake.says("<think>The user wants", "length")
        return fake.canary_called

    assert [s.result for s in (await probe_of(thinks)).seen] == ["called"]


async def test_the_caps_other_name_is_found() -> None:
    def modern(asked: dict[str, Any]) -> fake.Say:
        if "max_tokens" in asked:
            return fake.error(400, "Unsupported parameter: use 'max_completion_tokens' instead.")
        return fake.canary_called

    assert (await probe_of(modern)).cap_name == "max_completion_tokens"


async def test_a_short_rate_limit_is_waited_out() -> None:
    probe = await probe_of(fake.error(429, "busy", retry_after="0.1"), fake.native_only)
    assert probe.style == "native"


async def test_a_wrong_key_is_named_by_its_variable_and_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with FakeEndpoint(fake.native_only, key="another") as served:
        agent = ChatAgent(fake.MODEL, served.base_url, key_env="MY_KEY")
        text = await complaint_of(agent)
    assert served.base_url in text
    assert "MY_KEY" in text
    assert KEY not in text


async def test_a_right_key_is_sent_and_never_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with FakeEndpoint(fake.native_only, key=KEY) as served:
        agent = ChatAgent(fake.MODEL, served.base_url, key_env="MY_KEY")
        await agent.open()
        await agent.close()
    assert KEY not in repr(agent.describe())


async def test_an_unreachable_endpoint() -> None:
    with FakeEndpoint(fake.native_only) as served:
        gone = served.base_url
    text = await complaint_of(ChatAgent(fake.MODEL, gone, key_env="NO_SUCH_KEY"))
    assert text.startswith(f"{gone}: the endpoint cannot be reached")


async def test_an_unknown_model_lists_the_known_ones() -> None:
    with FakeEndpoint(fake.native_only, models=("alpha", "beta")) as served:
        text = await complaint_of(ChatAgent("gamma", served.base_url, key_env="NO_SUCH_KEY"))
    assert "does not serve model 'gamma'" in text
    assert text.endswith("it serves alpha, beta")


async def test_an_address_without_its_path() -> None:
    with FakeEndpoint(fake.native_only) as served:
        bare = served.base_url.removesuffix("/v1")
        text = await complaint_of(ChatAgent(fake.MODEL, bare, key_env="NO_SUCH_KEY"))
    assert "most end in /v1" in text


async def test_a_server_that_is_no_endpoint() -> None:
    with FakeEndpoint(fake.garbage()) as served:
        text = await complaint_of(ChatAgent(fake.MODEL, served.base_url, key_env="NO_SUCH_KEY"))
    assert "no OpenAI-compatible chat endpoint" in text


async def test_an_endpoint_that_takes_neither_style() -> None:
    with FakeEndpoint(fake.error(400, "tools and response_format are not supported")) as served:
        text = await complaint_of(ChatAgent(fake.MODEL, served.base_url, key_env="NO_SUCH_KEY"))
    assert "takes no tool calls" in text


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://x/v1", "http://", "http://h:x/v1"])
async def test_an_address_that_is_none(address: str) -> None:
    text = await complaint_of(ChatAgent(fake.MODEL, address, key_env="NO_SUCH_KEY"))
    assert "not an address" in text


async def test_user_info_in_an_address_is_not_shown() -> None:
    with FakeEndpoint(fake.native_only) as served:
        address = served.base_url.replace("http://", "http://me:secret@")
        agent = ChatAgent(fake.MODEL, address, key_env="NO_SUCH_KEY")
        await agent.open()
        await agent.close()
    assert "secret" not in repr(agent.describe())


async def test_no_key_and_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    text = await complaint_of(ChatAgent("some-model"))
    assert text.startswith("OPENAI_API_KEY")
    assert "--base-url" in text


@pytest.mark.parametrize(
    ("step", "answers"),
    [
        (fake.says("ok"), True),
        (fake.error(400, "no"), True),
        (fake.error(503, "down"), False),
        (fake.drops, False),
        (fake.garbage(), False),
    ],
)
async def test_the_canary_tells_a_dead_endpoint_from_a_live_one(
    step: Any, *, answers: bool
) -> None:
    with FakeEndpoint(fake.canary_called, step) as served:
        agent = ChatAgent(fake.MODEL, served.base_url, key_env="NO_SUCH_KEY")
        await agent.open()
        assert await agent.canary() is answers
        await agent.close()
