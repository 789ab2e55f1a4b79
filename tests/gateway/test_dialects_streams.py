"""How streams are cut and replies are read, in each dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.gateway import sse
from conformance.gateway.dialects import BY_PATH, CHAT, MESSAGES, RESPONSES, Reading
from conformance.gateway.exchange import handed_on
from tests.gateway.upstreams import COUNTS, DIALECTS, chat_events, dumps, spoken

SPEECHES = {speech.name: speech for speech in BY_PATH.values()}
ENDS = ("\n\n", "\r\n\r\n", "\r\r", "\r\n\n", "\n\r\n")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["", ": ping", "event: x\n", "data: ", "data:"]),
        st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n"), max_size=12),
        st.sampled_from(ENDS),
    ),
    max_size=8,
)


@st.composite
def chunked(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Cut some bytes anywhere."""
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


def split(chunks: list[bytes]) -> list[bytes]:
    splitter = sse.Splitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    rest = splitter.rest()
    return [*events, rest] if rest else events


@given(st.data(), EVENTS)
def test_a_stream_is_cut_in_the_same_places_however_it_comes(
    data: st.DataObject, told: list[tuple[str, str, str]]
) -> None:
    parts = ["".join(part).encode() for part in told]
    whole = b"".join(parts)
    events = split(data.draw(chunked(whole)))
    assert b"".join(events) == whole
    assert [sse.data_of(event) for event in events] == [sse.data_of(e) for e in split([whole])]


@pytest.mark.parametrize("end", ENDS)
def test_an_event_goes_on_as_soon_as_it_is_whole(end: str) -> None:
    splitter = sse.Splitter()
    event = f"data: 1{end}".encode()
    assert splitter.feed(event[:-1]) == []
    first = splitter.feed(event[-1:])
    # A carriage return alone may be half an end: only then the next byte is waited for.
    assert first == ([] if end[-1] == "\r" else [event])
    assert b"".join([*first, *splitter.feed(b"data"), splitter.rest()]) == event + b"data"


def test_an_endless_event_is_not_held_back_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "LONGEST", 100)
    assert split([b"x" * 60, b"x" * 60, b"x"]) == [b"x" * 120, b"x"]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), text=st.text(max_size=40), has_call=st.booleans())
async def test_what_injected_usage_brings_is_taken_out_and_nothing_else(
    data: st.DataObject, text: str, *, has_call: bool
) -> None:
    text = text.encode("utf-8", "ignore").decode() + '"usage":null,'
    asked, unasked = (
        b"".join(chat_events(text, COUNTS, has_call=has_call, asks_usage=asks))
        for asks in (True, False)
    )
    chunks = data.draw(chunked(asked))
    reading = CHAT.stream()
    out = b"".join(passed(event, reading) for event in split(chunks))
    assert out == unasked
    heard = reading.heard()
    assert (heard.message["content"], heard.failure) == (text, None)
    assert (heard.usage.input, heard.usage.output) == (COUNTS.read, COUNTS.written)


def passed(event: bytes, reading: Reading) -> bytes:
    """Hand an event on as the door does for a stream whose usage it asked for."""
    return handed_on(event, reading, is_usage_injected=True)


@pytest.mark.parametrize(
    ("event", "out"),
    [
        (b'data: {"a":1,"usage":null}\n\n', b'data: {"a":1}\n\n'),
        (b'data: {"usage": null, "a":1}\n\n', b'data: { "a":1}\n\n'),
        (b'data: {"a":1 , "usage" : null ,"b":2}\n\n', b'data: {"a":1  ,"b":2}\n\n'),
        (b'data: {"choices":[],"usage":{}}\r\n\r\n', b""),
        (b'data: {"choices":[{}],"usage":{}}\n\n', None),
        (b'data: {"choices":[]}\n\n', None),
        (b"data: [1]\n\n", None),
        (b"data: {broken\n\n", None),
        (b"data: [DONE]\n\n", None),
        (b": usage\n\n", None),
    ],
)
def test_which_events_injected_usage_changes(event: bytes, out: bytes | None) -> None:
    assert passed(event, CHAT.stream()) == (event if out is None else out)


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    dialect=st.sampled_from(DIALECTS),
    text=st.text(min_size=1, max_size=30),
    has_call=st.booleans(),
)
def test_a_stream_and_a_whole_reply_read_alike(
    data: st.DataObject, dialect: str, text: str, *, has_call: bool
) -> None:
    text = text.encode("utf-8", "ignore").decode() or "x"
    speech = SPEECHES[dialect]
    stream = b"".join(spoken(dialect, text, is_stream=True, has_call=has_call).chunks or ())
    reading = speech.stream()
    for event in split(data.draw(chunked(stream))):
        told = sse.data_of(event)
        if told == b"[DONE]":
            reading.done()
        else:
            reading.take(json.loads(told))
    whole = speech.whole(json.loads(spoken(dialect, text, has_call=has_call).body))
    heard = reading.heard()
    assert heard.failure is None
    assert heard._replace(message={}) == whole._replace(message={})
    assert heard.message["content"] == whole.message["content"] == text
    calls = [[c["function"] for c in m.get("tool_calls", [])] for m in (heard[0], whole[0])]
    for one, other in zip(*calls, strict=True):
        assert json.loads(one["arguments"]) == json.loads(other["arguments"])
    assert bool(calls[0]) == has_call


def test_reasoning_refusals_and_what_servers_do_otherwise() -> None:
    reading = CHAT.stream()
    for delta in (
        {"reasoning_content": "hm"},
        {"reasoning": "m"},
        {"content": [{"type": "text", "text": "a"}]},
        {"refusal": "no"},
        {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{"}}]},
        {"tool_calls": [{"function": {"arguments": "}"}}]},
        {"tool_calls": [{"id": "2", "function": {"name": "g", "arguments": {"x": 1}}}]},
    ):
        reading.take({"choices": [{"delta": delta}]})
    reading.take({"choices": [{"index": 1, "delta": {"content": "other"}}]})
    message = reading.heard().message
    assert (message["reasoning"], message["refusal"], message["content"]) == ("hmm", "no", "a")
    functions = [call["function"] for call in message["tool_calls"]]
    assert functions == [{"name": "f", "arguments": "{}"}, {"name": "g", "arguments": '{"x":1}'}]

    old = {"message": {"content": None, "function_call": {"name": "f", "arguments": "{}"}}}
    assert CHAT.whole({"choices": [old]}).message["tool_calls"][0]["function"]["name"] == "f"

    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]},
        {"type": "function_call", "namespace": "n", "name": "f", "call_id": "1", "arguments": "{}"},
        {"type": "custom_tool_call", "name": "p", "call_id": "2", "input": "text"},
        {"type": "local_shell_call", "call_id": "3", "action": {}},
    ]
    message = RESPONSES.whole({"output": output}).message
    assert (message["reasoning"], message["refusal"], message["content"]) == ("hm", "no", None)
    names = [call["function"]["name"] for call in message["tool_calls"]]
    assert names == ["n.f", "p", "local_shell_call"]
    cut = {"output": [], "status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    assert RESPONSES.whole(cut).finish_reason == "content_filter"

    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]
    message = MESSAGES.whole({"content": content, "stop_reason": "end_turn"}).message
    assert message == {"role": "assistant", "content": "a", "reasoning": "hm"}


def test_items_of_a_response_that_its_end_leaves_out() -> None:
    reading = RESPONSES.stream()
    part = {"type": "output_text", "text": "a"}
    reading.take(
        {"type": "response.output_item.done", "item": {"type": "message", "content": [part]}}
    )
    reading.take({"type": "response.completed", "response": {"id": "r", "output": []}})
    assert reading.heard().message["content"] == "a"


def test_counts_that_come_late_replace_the_earlier() -> None:
    reading = MESSAGES.stream()
    start = {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": None}
    reading.take({"type": "message_start", "message": {"usage": start}})
    late = {"input_tokens": 7, "cache_read_input_tokens": 2, "output_tokens": 9}
    reading.take({"type": "message_delta", "delta": {}, "usage": late})
    assert reading.heard().usage[:3] == (9, 9, 2)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "type",
                        "choices",
                        "delta",
                        "message",
                        "tool_calls",
                        "function",
                        "index",
                        "usage",
                        "response",
                        "output",
                        "item",
                        "content",
                        "error",
                        "content_block",
                        "code",
                        "model",
                        "prompt_tokens_details",
                        "summary",
                        "incomplete_details",
                        "stop_reason",
                        "text",
                    ]
                ),
                inner
                | st.sampled_from(
                    [
                        "message_start",
                        "content_block_start",
                        "content_block_delta",
                        "message_delta",
                        "response.completed",
                        "response.output_item.done",
                        "error",
                        "message",
                        "reasoning",
                    ]
                ),
                max_size=5,
            )
        ),
        max_leaves=25,
    )
)
@settings(max_examples=300, deadline=None)
def test_no_shape_of_a_reply_breaks_the_reading(told: Any) -> None:
    for speech in SPEECHES.values():
        body = (
            told if isinstance(told, dict) else {"choices": told, "output": told, "content": told}
        )
        speech.whole(body)
        reading = speech.stream()
        reading.take(body)
        reading.heard()
        request = speech.read(
            dumps({"messages": told, "input": told, "tools": told, "system": told})
        )
        request.body()
        request.items()
