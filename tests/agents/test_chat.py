"""The chat agent's loop, over a scripted endpoint."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from conformance.agents.chat import ChatAgent
from conformance.agents.contract import ModelFaultError, TrialEndedError
from conformance.agents.faults import Failure
from conformance.agents.modelclient import Address, ModelClient
from conformance.agents.sampling import Sampling
from conformance.agents.textcalls import find_text_calls, read_arguments
from conformance.agents.wording import wording
from tests.fakes import endpoint as fake
from tests.fakes.doors import Called, FakeDoors, task
from tests.fakes.endpoint import FakeEndpoint, call, calls, says, styled, submits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.endpoint import Step

NATIVE = fake.canary_called
STRUCTURED = styled("report_code", {"code": "K7"})
DONE = {"status": "done", "values": {"load": 25}}


@asynccontextmanager
async def agent_on(*script: Step, **options: Any) -> AsyncIterator[tuple[ChatAgent, FakeEndpoint]]:
    options.setdefault("style", "native")
    probe = STRUCTURED if options["style"] == "structured" else NATIVE
    with FakeEndpoint(probe, *script) as served:
        agent = ChatAgent(fake.MODEL, served.base_url, key_env="NO_SUCH_KEY", **options)
        await agent.open()
        try:
            yield agent, served
        finally:
            await agent.close()


async def run(*script: Step, lang: Any = "en", **options: Any) -> tuple[FakeDoors, list[Any]]:
    """Run one task against a script; return the doors and the chat requests it took."""
    doors = FakeDoors()
    async with agent_on(*script, **options) as (agent, served):
        await agent.run(task(lang=lang), doors, None)  # type: ignore[arg-type]
        return doors, served.requests[1:]


async def test_native_calls_are_executed_and_their_results_handed_back() -> None:
    doors, requests = await run(calls(call("look", {"rack": "R1"}, "a7")), submits(load=25))
    assert doors.called[0] == Called("look", {"rack": "R1"})
    assert doors.answer is not None
    assert doors.answer.values == {"load": 25}
    assert requests[1]["messages"][2:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [call("look", {"rack": "R1"}, "a7")],
        },
        {"role": "tool", "tool_call_id": "a7", "content": '{"load":25}'},
    ]


async def test_the_request_names_the_tools_in_order_and_nothing_of_the_trial() -> None:
    _, requests = await run(submits())
    asked = requests[0]
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["look", "submit_answer"]
    assert set(asked) == {"model", "tools", "messages"}
    assert [item["role"] for item in asked["messages"]] == ["system", "user"]
    assert asked["messages"][1]["content"] == "What is the load of rack R1?"


async def test_parallel_calls_are_executed_in_order() -> None:
    two = calls(call("look", {"rack": "R1"}, "a"), call("look", {"rack": "R2"}, "b"))
    doors, requests = await run(two, submits())
    assert [c.arguments for c in doors.called[:2]] == [{"rack": "R1"}, {"rack": "R2"}]
    ids = [item.get("tool_call_id") for item in requests[1]["messages"][3:]]
    assert ids == ["a", "b"]


async def test_calls_after_the_answer_are_not_executed() -> None:
    doors, _ = await run(calls(call("submit_answer", DONE), call("look", {"rack": "R1"})))
    assert [c.name for c in doors.called] == ["submit_answer"]
    assert ("calls_after_answer", {"count": 1}) in doors.notes


async def test_an_answer_that_is_refused_goes_back_to_the_model() -> None:
    doors, requests = await run(calls(call("submit_answer", {"status": "fine"})), submits())
    assert '"error": "invalid_answer"' in requests[1]["messages"][3]["content"]
    assert doors.answer is not None


async def test_malformed_arguments_come_back_as_a_tool_error() -> None:
    doors, requests = await run(calls(call("look", '{"rack": ')), submits())
    assert doors.called[0] == Called("look", '{"rack": ')
    told = json.loads(requests[1]["messages"][3]["content"])
    assert told["error"] == "invalid_arguments"
    assert "not JSON" in told["message"]
    # Servers read the history's arguments too, and refuse a request over broken ones.
    assert requests[1]["messages"][2]["tool_calls"][0]["function"]["arguments"] == "{}"


async def test_arguments_against_the_schema_come_back_as_a_tool_error() -> None:
    doors, requests = await run(calls(call("look", {"room": 1})), submits())
    assert "invalid_arguments" in requests[1]["messages"][3]["content"]
    assert doors.answer is not None


async def test_a_call_without_an_id_gets_one() -> None:
    nameless = call("look", {"rack": "R1"}) | {"id": None}
    _, requests = await run(calls(nameless), submits())
    _, _, said, result = requests[1]["messages"]
    assert said["tool_calls"][0]["id"] == result["tool_call_id"] == "call_0"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('<tool_call>{"name": "look", "arguments": {"rack": "R1"}}</tool_call>', "tag"),
        ('Sure.\n<tool_call>\n{"name":"look","arguments":{"rack":"R1"}}', "tag"),
        ('{"name": "look", "arguments": "{\\"rack\\": \\"R1\\"}"}', "json"),
        ('{"tool": "look", "arguments": {"rack": "R1"}}', "json"),
        ('[{"name": "look", "parameters": {"rack": "R1"}}]', "json"),
        ('{"function_call": {"name": "look", "arguments": {"rack": "R1"}}}', "json"),
        ('```json\n{"name": "look", "arguments": {"rack": "R1"}}\n```', "fence"),
        ('I look:\n```\n{"tool": "look", "arguments": {"rack": "R1"}}\n```', "fence"),
        ('<think><tool_call>…</think>{"name": "look", "arguments": {"rack": "R1"}}', "json"),
        ("<function=look><parameter=rack>R1</parameter></function>", "tag"),
    ],
)
async def test_a_call_left_in_the_text_is_noted_and_executed(text: str, form: str) -> None:
    doors, requests = await run(says(text), submits())
    assert doors.called[0] == Called("look", {"rack": "R1"})
    assert doors.notes[0] == ("text_tool_call", {"form": form, "tools": ["look"]})
    assert requests[1]["messages"][2:] == [
        {"role": "assistant", "content": text},
        {"role": "user", "content": 'Result of look: {"load":25}'},
    ]


async def test_a_fenced_example_of_another_tool_is_no_call() -> None:
    doors, _ = await run(says('As in:\n```\n{"name": "ls", "arguments": {}}\n```'))
    assert doors.called == []
    assert doors.noted[0] == "reminder"


async def test_a_legacy_function_call_is_noted_and_executed() -> None:
    legacy = {"name": "look", "arguments": '{"rack": "R1"}'}
    doors, _ = await run(
        fake.message("function_call", content=None, function_call=legacy), submits()
    )
    assert doors.called[0] == Called("look", {"rack": "R1"})
    assert doors.notes[0][1]["form"] == "function_call"


async def test_an_unreadable_text_call_comes_back_as_an_error() -> None:
    doors, requests = await run(says("<tool_call>look at R1</tool_call>"), submits())
    assert [c.name for c in doors.called] == ["submit_answer"]
    assert "unreadable_call" in doors.noted
    assert "invalid_arguments" in requests[1]["messages"][3]["content"]


@pytest.mark.parametrize("text", [json.dumps(DONE), f"```json\n{json.dumps(DONE)}\n```"])
async def test_a_final_message_that_is_the_answer_is_taken(text: str) -> None:
    doors, requests = await run(says(text))
    assert doors.channel == "final message"
    assert doors.answer is not None
    assert doors.answer.values == {"load": 25}
    assert len(requests) == 1


async def test_an_answer_inside_prose_is_not_searched_for() -> None:
    doors, _ = await run(says(f"The answer is {json.dumps(DONE)}."))
    assert doors.answer is None


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_prose_gets_one_reminder_and_then_the_agent_stops(lang: Any) -> None:
    doors, requests = await run(says("It is 25 percent."), lang=lang)
    assert len(requests) == 2
    assert requests[1]["messages"][-1] == {"role": "user", "content": wording(lang).reminder}
    assert doors.noted == ["reminder", "ended_without_answer"]
    assert doors.answer is None


async def test_a_model_that_heeds_the_reminder_goes_on() -> None:
    doors, _ = await run(says("Let me see."), submits(load=25))
    assert doors.answer is not None


@pytest.mark.parametrize(("arguments", "times"), [({"room": 1}, 5), ({"rack": "R1"}, 8)])
async def test_a_model_that_is_stuck_is_stopped(arguments: Any, times: int) -> None:
    doors, requests = await run(calls(call("look", arguments)))
    assert len(requests) == times
    assert doors.noted == ["ended_without_answer"]


async def test_a_call_repeated_between_others_is_not_stuck() -> None:
    one, other = (calls(call("look", {"rack": rack})) for rack in ("R1", "R2"))
    doors, _ = await run(*([one, one, one, other] * 4), submits())
    assert doors.answer is not None


async def test_endless_output_is_told_once_and_then_stopped() -> None:
    doors, requests = await run(says("a" * 5000, "length"))
    assert len(requests) == 2
    assert requests[1]["messages"][-1]["content"] == wording("en").cut
    assert doors.noted == ["cut_off", "ended_without_answer"]


async def test_a_call_cut_off_in_its_arguments_is_not_executed() -> None:
    doors, _ = await run(calls(call("look", '{"rack": "R'), finish="length"), submits())
    assert [c.name for c in doors.called] == ["submit_answer"]


async def test_a_refusal_is_recorded_and_reminded_of_the_answer() -> None:
    doors, requests = await run(fake.message(content=None, refusal="I cannot do that."))
    assert doors.notes[0] == ("refusal", {"text": "I cannot do that."})
    assert requests[1]["messages"][2]["content"] == "I cannot do that."


async def test_a_model_call_is_metered_with_only_the_new_messages() -> None:
    doors, _ = await run(calls(call("look", {"rack": "R1"})), submits())
    first, second = doors.model_calls
    assert [item["role"] for item in first.sent] == ["system", "user"]
    assert second.sent == [{"role": "tool", "tool_call_id": "c1", "content": '{"load":25}'}]
    assert (first.input_tokens, first.output_tokens, first.usage_source) == (100, 10, "reported")
    assert (first.cached_tokens, first.reasoning_tokens) == (64, 3)
    assert first.received["tool_calls"][0]["function"]["name"] == "look"
    assert (first.requested_model, first.served_model) == (fake.MODEL, fake.MODEL)
    assert first.latency_s > 0


async def test_missing_usage_is_estimated_and_marked() -> None:
    doors, _ = await run(calls(call("submit_answer", DONE), usage=None))
    (metered,) = doors.model_calls
    assert metered.usage_source == "estimated"
    assert metered.input_tokens is not None
    assert 200 < metered.input_tokens < 600
    assert metered.output_tokens is not None
    assert 10 < metered.output_tokens < 100


async def test_a_limit_crossed_passes_through_the_agent() -> None:
    doors = FakeDoors(model_calls=2)
    async with agent_on(calls(call("look", {"rack": "R1"}))) as (agent, _):
        with pytest.raises(TrialEndedError):
            await agent.run(task(), doors, None)  # type: ignore[arg-type]
    assert len(doors.model_calls) == 2


async def test_a_fault_for_good_leaves_the_agent_as_a_model_fault() -> None:
    with pytest.raises(ModelFaultError) as caught:
        await run(fake.error(400, "This model's maximum context length is 4096 tokens."))
    assert caught.value.kind == "context_overflow"


async def test_the_structured_style_puts_the_familys_constant_part_first() -> None:
    async with agent_on(
        styled("submit_answer", DONE), style="structured", sampling=Sampling(temperature=0)
    ) as (agent, served):
        for text in ("Look at R1.", "Look at R2."):
            await agent.run(task(text), FakeDoors(), None)  # type: ignore[arg-type]
    one, other = (request["messages"] for request in served.requests[1:])
    assert one[0] == other[0]
    assert "look(rack: string (Name of the rack)): Look a rack's load up." in one[0]["content"]
    assert [one[1]["content"], other[1]["content"]] == ["Look at R1.", "Look at R2."]


async def test_the_structured_style_asks_for_one_call_of_any_tool() -> None:
    _, requests = await run(styled("submit_answer", DONE), style="structured")
    schema = requests[0]["response_format"]["json_schema"]["schema"]
    consts = [choice["properties"]["tool"]["const"] for choice in schema["anyOf"]]
    assert consts == ["look", "submit_answer"]
    assert "tools" not in requests[0]
    assert requests[0]["max_tokens"] == 1024


async def test_structured_calls_are_not_noted_as_text_calls() -> None:
    doors, requests = await run(
        styled("look", {"rack": "R1"}), styled("submit_answer", DONE), style="structured"
    )
    assert [c.name for c in doors.called] == ["look", "submit_answer"]
    assert doors.notes == []
    assert requests[1]["messages"][-1]["content"] == 'Result of look: {"load":25}'


async def test_sampling_is_the_providers_unless_pinned_and_is_recorded() -> None:
    pinned = Sampling(temperature=0.0, seed=7, max_tokens=99, extra={"top_k": 5})
    async with agent_on(submits(), sampling=pinned) as (agent, served):
        await agent.run(task(), FakeDoors(), None)  # type: ignore[arg-type]
        told = agent.describe()
    asked = served.requests[1]
    assert {key: asked[key] for key in ("temperature", "seed", "max_tokens", "top_k")} == {
        "temperature": 0.0,
        "seed": 7,
        "max_tokens": 99,
        "top_k": 5,
    }
    assert told["sampling"]["temperature"] == 0.0
    assert told["style"] == "native"
    assert told["served_models"] == [fake.MODEL]
    assert told["endpoint"] == served.base_url


async def test_many_trials_share_one_agent() -> None:
    import asyncio

    doors = [FakeDoors() for _ in range(8)]
    async with agent_on(submits(load=1)) as (agent, _):
        await asyncio.gather(*(agent.run(task(), d, None) for d in doors))  # type: ignore[arg-type]
    assert all(d.answer is not None for d in doors)


async def test_reasoning_fields_go_back_beside_tool_calls() -> None:
    thought = calls(call("look", {"rack": "R1"}))
    body = json.loads(thought.body)
    body["choices"][0]["message"]["reasoning_content"] = "R1 it is."
    _, requests = await run(thought._replace(body=json.dumps(body).encode()), submits())
    assert requests[1]["messages"][2]["reasoning_content"] == "R1 it is."


@pytest.mark.parametrize(
    "reply",
    [
        calls(call("look", '{"at": "\\ud800"}')),
        says('<tool_call>{"name": "look", "arguments": {"at": "\\ud800"}}</tool_call>'),
        says('{"name": "look", "arguments": {"at": "\\udfff"}}'),
    ],
)
def test_half_a_surrogate_pair_in_arguments_is_the_models_mistake(reply):
    for wanted in find_calls(reply):
        json.dumps([wanted.arguments, wanted.problem], ensure_ascii=False).encode()


def find_calls(reply):
    message = json.loads(reply.body)["choices"][0]["message"]
    native = [
        read_arguments(c["function"]["name"], c["function"]["arguments"])
        for c in message.get("tool_calls") or []
    ]
    found = find_text_calls(message["content"] or "", ["look"])
    return native + (found.calls if found else [])


def test_a_message_with_half_a_surrogate_pair_is_a_bad_reply():
    client = ModelClient(Address("m"))
    message = {"role": "assistant", "content": "\ud800"}
    got = client._read({"choices": [{"message": message}]})
    assert isinstance(got, Failure)
    assert got.kind == "bad_reply"
