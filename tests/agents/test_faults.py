"""Retries, and what an endpoint's failures are taken for."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from conformance.agents.contract import ModelFaultError
from conformance.agents.faults import Failure, Patience, retry_after_s, wait_s
from conformance.agents.modelclient import Address, ModelClient, plain_model_name
from tests.fakes import endpoint as fake
from tests.fakes.endpoint import FakeEndpoint, error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.endpoint import Step

BODY = json.dumps({"model": fake.MODEL, "messages": []}).encode()
OVERFLOWS = {
    "OpenAI": (
        "This model's maximum context length is 8192 tokens. Please reduce your messages.",
        "context_length_exceeded",
    ),
    "vLLM": (
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
        None,
    ),
    "vLLM, newer": (
        "The decoder prompt (length 5000) is longer than the maximum model length",
        None,
    ),
    "llama.cpp": (
        "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
        None,
    ),
    "llama.cpp, older": ("the request exceeds the available context size. try increasing it", None),
    "SGLang": ("The input (5000 tokens) is longer than the model's context length (4096).", None),
    "Anthropic": ("prompt is too long: 210000 tokens > 200000 maximum", None),
    "DashScope": ("Range of input length should be [1, 30720]", None),
    "zh": ("输入内容超长，请缩短后重试", None),
}


@asynccontextmanager
async def client_on(
    *script: Step, timeout_s: float = 20.0, **patience: Any
) -> AsyncIterator[tuple[ModelClient, FakeEndpoint, list[float]]]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with FakeEndpoint(*script) as served:
        client = ModelClient(
            Address(fake.MODEL, served.base_url, "NO_SUCH_KEY", timeout_s),
            patience=Patience(**patience),
            sleep=sleep,
            draw=lambda: 0.5,
        )
        client.open()
        try:
            yield client, served, waits
        finally:
            await client.close()


async def fault_of(*script: Step, **options: Any) -> tuple[ModelFaultError, list[float]]:
    async with client_on(*script, **options) as (client, _, waits):
        with pytest.raises(ModelFaultError) as caught:
            await client.complete(BODY)
    return caught.value, waits


async def test_retry_after_is_honoured_and_the_retry_counted() -> None:
    busy = error(429, "slow down", retry_after="3")
    async with client_on(busy, fake.says("hi")) as (client, served, waits):
        reply = await client.complete(BODY)
    assert waits == [pytest.approx(3.15)]
    assert reply.retried == ["429"]
    assert len(served.requests) == 2


async def test_waits_double_up_to_a_cap_with_jitter() -> None:
    fault, waits = await fault_of(
        error(503, "overloaded"), retries=5, first_wait_s=1.0, longest_wait_s=4.0
    )
    assert waits == [0.75, 1.5, 3.0, 3.0, 3.0]
    assert (fault.kind, fault.status, fault.retries) == ("server_error", 503, 5)


async def test_different_failures_are_each_named() -> None:
    script = (error(500, "x"), fake.drops, fake.garbage(), error(429, "y"), fake.says("hi"))
    async with client_on(*script) as (client, _, _):
        reply = await client.complete(BODY)
    assert reply.retried == ["500", "connection", "body", "429"]


async def test_a_hanging_endpoint_is_tried_once_more() -> None:
    fault, _ = await fault_of(fake.hangs(), timeout_s=0.5, timeout_retries=1)
    assert (fault.kind, fault.retries) == ("timeout", 1)
    assert "0.5 s" in str(fault)


async def test_a_wait_that_is_too_long_is_not_waited_for() -> None:
    fault, waits = await fault_of(error(429, "tomorrow", retry_after="86400"))
    assert (fault.kind, waits) == ("rate_limited", [])


async def test_a_spent_account_is_not_tried_again() -> None:
    fault, waits = await fault_of(error(429, "pay first", code="insufficient_quota"))
    assert (fault.kind, waits) == ("rate_limited", [])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "unauthorised"),
        (403, "unauthorised"),
        (400, "refused_request"),
        (404, "refused_request"),
    ],
)
async def test_a_refusal_is_final(status: int, kind: str) -> None:
    fault, waits = await fault_of(error(status, "no"))
    assert (fault.kind, fault.status, waits) == (kind, status, [])


@pytest.mark.parametrize("style", OVERFLOWS)
async def test_context_overflow_is_recognised(style: str) -> None:
    text, code = OVERFLOWS[style]
    fault, waits = await fault_of(error(400, text, code))
    assert (fault.kind, waits) == ("context_overflow", [])


async def test_an_unrelated_400_is_no_overflow() -> None:
    fault, _ = await fault_of(error(400, "temperature must be at most 2"))
    assert fault.kind == "refused_request"


@pytest.mark.parametrize(
    "text", ["<html>", "[1]", "{}", '{"choices": []}', '{"choices": [{}]}', "{"]
)
async def test_garbage_is_a_bad_reply_in_the_end(text: str) -> None:
    fault, _ = await fault_of(fake.garbage(text), retries=1)
    assert (fault.kind, fault.retries) == ("bad_reply", 1)


async def test_an_error_inside_a_good_status_keeps_its_meaning() -> None:
    inside = {"error": {"code": 401, "message": "no such user"}}
    fault, _ = await fault_of(fake.garbage(json.dumps(inside)))
    assert fault.kind == "unauthorised"


async def test_an_unreachable_endpoint_is_a_connection_fault() -> None:
    with FakeEndpoint(fake.says("hi")) as served:
        gone = served.base_url
    client = ModelClient(Address(fake.MODEL, gone, "NO_SUCH_KEY"), patience=Patience(retries=0))
    client.open()
    with pytest.raises(ModelFaultError) as caught:
        await client.complete(BODY)
    await client.close()
    assert caught.value.kind == "connection"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 20.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, lambda: 100.0) == seconds


def test_the_wait_never_falls_under_what_the_endpoint_asked() -> None:
    asked = Failure("rate_limited", "429", "", 429, is_retried=True, retry_after_s=2.0)
    assert wait_s(Patience(), asked, 1, lambda: 0.0) == 2.0


@pytest.mark.parametrize(
    ("served", "plain"),
    [
        ("/srv/models/x.gguf", "x.gguf"),
        ("C:\\models\\x.gguf", "x.gguf"),
        ("org/model-7b", "org/model-7b"),
        ("gpt-x", "gpt-x"),
    ],
)
def test_a_local_path_never_stands_in_a_report(served: str, plain: str) -> None:
    assert plain_model_name(served) == plain
