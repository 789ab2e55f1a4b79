"""Events out of bytes, and what they carry: split anyhow, and never quicker than certain."""

from __future__ import annotations

import contextlib
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.profile import decode, kinds, sse
from conformance.profile.log import RequestLog
from conformance.profile.sse import EventStream
from conformance.profile.wire import AnswerError


class Stream(EventStream):
    """Keeps what it splits."""

    def __init__(self):
        super().__init__()
        self.found = []

    def take(self, data, start, end, now):
        self.found.append((data[start:end], now))

    def fail(self, data):
        raise AnswerError(data.decode(), "stream_error")


def split(*pieces):
    stream = Stream()
    for at, piece in enumerate(pieces):
        stream.feed(piece, 0, len(piece), at)
    return stream.found


def data_of(*pieces):
    return [data for data, _ in split(*pieces)]


def test_events_in_one_piece_are_each_found():
    assert split(b"data: a\n\ndata: b\n\n") == [(b"a", 0), (b"b", 0)]


def test_an_event_over_two_pieces_has_the_time_of_the_last():
    assert split(b"data: a\n\ndata: b", b"c", b"\n\nda", b"ta: d\n\n") == [
        (b"a", 0),
        (b"bc", 2),
        (b"d", 3),
    ]


def test_an_event_is_only_there_with_its_blank_line():
    assert split(b"data: a\n", b"\n") == [(b"a", 1)]
    assert split(b"data: a\n") == []


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\n\ndata: b\n\r\n", [b"a", b"b"]),
        (b"data:a\n\ndata:b\n\n", [b"a", b"b"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data\n\n", [b""]),
        (b": ping\n\ndata: a\n\n: ping\n\n", [b"a"]),
        (b"data: a\n: ping\ndata: b\n\n", [b"a\nb"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"]),
        (b"event: x\nid: 1\nretry: 5\ndata: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"\n\n\ndata: a\n\n\n\n", [b"a"]),
        (b"datax: a\n\nevent: error\n\ndata: b\n\n", [b"b"]),
    ],
)
def test_all_that_the_standard_allows_is_read(raw, found):
    assert data_of(raw) == found
    assert data_of(*(raw[i : i + 1] for i in range(len(raw)))) == found


def test_an_event_named_error_fails():
    with pytest.raises(AnswerError, match="out of memory") as caught:
        split(b"data: a\n\nevent: error\ndata: out of memory\n\n")

    assert caught.value.kind == "stream_error"


def test_only_what_lies_in_the_bounds_is_read():
    stream = Stream()
    stream.feed(b"data: x\n\ndata: a\n\ndata: y\n\n", 9, 18, 5)

    assert stream.found == [(b"a", 5)]


@pytest.mark.parametrize("line", [b"data: %b", b"data: %b\n"])
def test_an_event_without_an_end_is_refused(monkeypatch, line):
    monkeypatch.setattr(sse, "MAX_EVENT", 100)

    with pytest.raises(AnswerError, match="longer than 100 bytes"):
        split(*[line % (b"x" * 40)] * 4)


def test_long_answers_of_short_events_are_not_refused(monkeypatch):
    monkeypatch.setattr(sse, "MAX_EVENT", 100)

    assert len(split(*[b"data: " + b"x" * 40, b"\n", b"\n"] * 9)) == 9


def test_long_comments_in_pieces_are_not_refused(monkeypatch):
    monkeypatch.setattr(sse, "MAX_EVENT", 100)

    assert data_of(*[b": " + b"x" * 40, b"\n"] * 9, b"data: a\n\n") == [b"a"]


LINE = st.sampled_from(
    [
        b"data: x",
        b"data:y",
        b"data",
        b": c",
        b"event: e",
        b"id: 1",
        b"",
        b"",
        b"\xef\xbb\xbfdata: z",
    ]
)


def test_a_line_that_ends_otherwise_than_the_next_one_is_read_without_its_end():
    assert data_of(b"\ndata: x\r\n\ndata: y\n\r\n") == [b"x", b"y"]


@settings(deadline=None, max_examples=60)
@given(
    lines=st.lists(st.tuples(LINE, st.sampled_from([b"\n", b"\r\n"])), max_size=12),
    data=st.data(),
)
def test_a_stream_reads_the_same_however_it_is_split(lines, data):
    raw = b"".join(line + end for line, end in lines)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)))))
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]

    assert data_of(*pieces) == data_of(raw)


# What an event carries.


def chat_kind(choice, **more):
    return decode.read_chat(json.dumps({"choices": [choice], **more}).encode()).kind


@pytest.mark.parametrize(
    ("delta", "kind"),
    [
        ({"role": "assistant"}, "r"),
        ({"role": "assistant", "content": ""}, "r"),
        ({"role": "assistant", "content": None}, "r"),
        ({"role": "assistant", "content": "x"}, "c"),
        ({"role": None, "content": "x", "reasoning_content": None, "tool_calls": None}, "c"),
        ({"content": ""}, "e"),
        ({"content": None}, "e"),
        ({}, "e"),
        (None, "e"),
        ({"refusal": "no"}, "c"),
        ({"reasoning_content": "x"}, "t"),
        ({"reasoning": "x"}, "t"),
        ({"reasoning": "x", "content": ""}, "t"),
        ({"reasoning": "x", "content": "y"}, "c"),
        ({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f"}}]}, "f"),
        ({"tool_calls": [{"index": 0, "function": {"arguments": ""}}]}, "f"),
        ({"tool_calls": []}, "e"),
        ({"function_call": {"name": "f"}}, "f"),
        ({"tool_calls": [{"index": 0}], "reasoning": "x"}, "f"),
        ({"tool_calls": [{"index": 0}], "content": "x"}, "c"),
        ({"content": 'the "content":"" of it'}, "c"),
        ({"text": '"delta":{"content":"x"}'}, "e"),
    ],
)
def test_a_chat_event_carries_what_comes_first_in_the_order(delta, kind):
    assert chat_kind({"index": 0, "delta": delta}) == kind


def test_usage_beside_a_token_leaves_it_a_token_and_counts():
    told = decode.read_chat(
        b'{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
    )

    assert (told.kind, told.usage) == ("c", decode.Usage(3, None, 2, None))


def test_usage_alone_is_usage():
    assert chat_kind({"delta": {}}, usage={"prompt_tokens": 1}) == "u"
    assert decode.read_chat(b'{"choices":[],"usage":{}}').kind == "u"
    assert decode.read_chat(b'{"choices":[],"usage":null}').kind == "e"


@pytest.mark.parametrize(
    ("usage", "cached", "reasoning"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 4}}, 4, None),
        ({"prompt_tokens_details": None}, None, None),
        ({"prompt_cache_hit_tokens": 5}, 5, None),
        ({"cached_tokens": 6}, 6, None),
        ({"completion_tokens_details": {"reasoning_tokens": 7}}, None, 7),
        ({"reasoning_tokens": 8}, None, 8),
        ({"prompt_tokens_details": {"cached_tokens": True}, "reasoning_tokens": -1}, None, None),
    ],
)
def test_usage_is_read_as_servers_write_it(usage, cached, reasoning):
    raw = {"usage": {"prompt_tokens": 9, "completion_tokens": 9, **usage}}

    told = decode.read_chat(json.dumps(raw).encode())

    assert told.usage == decode.Usage(9, cached, 9, reasoning)


def test_usage_inside_the_choice_is_read():
    raw = b'{"choices":[{"delta":{},"finish_reason":"stop","usage":{"completion_tokens":2}}]}'

    assert decode.read_chat(raw) == decode.Told("u", "", "stop", decode.Usage(None, None, 2, None))


def test_of_several_choices_the_highest_kind_counts():
    raw = {"choices": [{"delta": {"role": "assistant"}}, {"delta": {"content": "x"}}, None]}

    assert decode.read_chat(json.dumps(raw).encode()).kind == "c"


@pytest.mark.parametrize(
    ("raw", "failure"),
    [
        (b'{"error":{"message":"too long\\nmore","code":400}}', "too long"),
        (b'{"error":"too long"}', "too long"),
        (b'{"object":"error","message":"too long"}', "too long"),
        (b'{"error":{"type":"server_error"}}', "server_error"),
        (b'{"error":{"a":1}}', "the server names no reason"),
    ],
)
def test_an_error_in_the_stream_is_told(raw, failure):
    assert decode.read_chat(raw).failure == failure


@pytest.mark.parametrize("raw", [b"x", b"[1]", b"null", b'{"a":', b'{"a":"\xff"}', b"[" * 9999])
@pytest.mark.parametrize("read", [decode.read_chat, decode.read_responses])
def test_what_is_no_json_object_is_an_error_of_the_protocol(read, raw):
    with pytest.raises(AnswerError, match="no JSON"):
        read(raw)


def responses(name, **fields):
    return decode.read_responses(json.dumps({"type": name, **fields}).encode())


@pytest.mark.parametrize(
    ("name", "fields", "kind"),
    [
        ("response.created", {"response": {"usage": None}}, "e"),
        ("response.output_text.delta", {"delta": "x"}, "c"),
        ("response.output_text.delta", {"delta": ""}, "e"),
        ("response.output_text.delta", {}, "e"),
        ("response.refusal.delta", {"delta": "x"}, "c"),
        ("response.reasoning_text.delta", {"delta": "x"}, "t"),
        ("response.reasoning_summary_text.delta", {"delta": "x"}, "t"),
        ("response.function_call_arguments.delta", {"delta": "x"}, "f"),
        ("response.output_item.added", {"item": {"type": "function_call", "name": "f"}}, "f"),
        ("response.output_item.added", {"item": {"type": "message"}}, "r"),
        ("response.output_item.added", {"item": {"type": "reasoning"}}, "e"),
        ("response.output_text.done", {"text": "x"}, "e"),
        ("response.completed", {"response": {}}, "d"),
    ],
)
def test_a_responses_event_carries_what_its_type_says(name, fields, kind):
    assert responses(name, **fields).kind == kind


@pytest.mark.parametrize(
    ("name", "response", "finish"),
    [
        ("response.completed", {"output": [{"type": "message"}]}, "stop"),
        ("response.completed", {"output": [{"type": "function_call"}]}, "tool_calls"),
        ("response.incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        (
            "response.incomplete",
            {"incomplete_details": {"reason": "content_filter"}},
            "content_filter",
        ),
    ],
)
def test_the_end_of_a_response_names_its_reason_in_chat_words(name, response, finish):
    told = responses(name, response=response)

    assert (told.finish, told.is_end) == (finish, True)


def test_the_end_of_a_response_brings_the_usage():
    usage = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
    }

    assert responses("response.completed", response={"usage": usage}).usage == (9, 4, 7, 3)


@pytest.mark.parametrize(
    ("name", "fields", "failure"),
    [
        ("response.failed", {"response": {"error": {"message": "too hot"}}}, "too hot"),
        ("error", {"message": "too hot", "code": "x"}, "too hot"),
        (None, {"error": {"message": "too hot"}}, "too hot"),
    ],
)
def test_a_response_that_failed_says_why(name, fields, failure):
    assert responses(name, **fields).failure == failure


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{\n  "error": {"message": "no such model"}\n}', "no such model"),
        (b'{"detail":"no such path"}', "no such path"),
        (b"\n  <html>\nmore", "<html>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'["x"]', '["x"]'),
    ],
)
def test_an_error_body_is_told_in_one_line(body, said):
    assert decode.describe_failure(body) == said


# The quick way against the whole decoding.

TEXT = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "content", '"content":"', '\\"', "\\", '"', "é", "\n", "{}", '","delta":"', "a", "b",
            '"},"finish_reason":"stop"', "data: ", "\u2028", "[DONE]",
        ]
    ),
)  # fmt: skip
MAYBE = st.one_of(st.none(), TEXT)
DELTA = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["assistant", None]),
        "content": MAYBE,
        "reasoning_content": MAYBE,
        "reasoning": MAYBE,
        "tool_calls": st.one_of(
            st.none(),
            st.lists(
                st.fixed_dictionaries(
                    {"index": st.just(0)},
                    optional={"function": st.fixed_dictionaries({"arguments": MAYBE})},
                ),
                max_size=2,
            ),
        ),
    },
)
LOGPROBS = st.sampled_from([None, {"content": [{"token": "x", "logprob": -1}]}])
CHOICE = st.fixed_dictionaries(
    {"index": st.integers(0, 1), "delta": DELTA},
    optional={"finish_reason": st.sampled_from([None, "stop", "length"]), "logprobs": LOGPROBS},
)
USAGE = st.sampled_from([None, {"prompt_tokens": 1, "completion_tokens": 2}])
CHUNK = st.fixed_dictionaries(
    {"id": st.sampled_from(["1", "content"]), "choices": st.lists(CHOICE, max_size=2)},
    optional={"usage": USAGE, "timings": st.just({"predicted_n": 3})},
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")])


def written(data, separators, *, is_ascii=True):
    return json.dumps(data, separators=separators, ensure_ascii=is_ascii).encode()


def with_text(chunk, text):
    """The same event with other text, as the next one of a stream has it."""
    changed = json.loads(json.dumps(chunk))
    for choice in changed["choices"]:
        for name in ("content", "reasoning_content", "reasoning"):
            if choice["delta"].get(name):
                choice["delta"][name] = text
        for call in choice["delta"].get("tool_calls") or []:
            if "function" in call:
                call["function"]["arguments"] = text
    return changed


def agree(stream, events, read, **how):
    """Feed events as a stream; say whether every kind is that of whole decoding."""
    raw = b"".join(b"data: " + event + how["end"] for event in events)
    size = how["size"]
    for start in range(0, len(raw), size):
        piece = raw[start : start + size]
        stream.feed(b"<<" + piece + b">>", 2, 2 + len(piece), start)
    told = [read(event) for event in events]
    assert "".join(stream.kinds) == "".join(one.kind for one in told)
    assert stream.log.finish == next((one.finish for one in told[::-1] if one.finish), None)
    usage = next((one.usage for one in told[::-1] if one.usage), None)
    assert stream.log.output_tokens == (usage.output_tokens if usage else None)


HOW = {
    "end": st.sampled_from([b"\n\n", b"\r\n\r\n"]),
    "size": st.sampled_from([1, 7, 64, 1 << 20]),
    "separators": SEPARATORS,
    "is_ascii": st.booleans(),
}


@settings(deadline=None)
@given(
    chunks=st.lists(CHUNK, min_size=1, max_size=4), texts=st.lists(TEXT, max_size=12),
    seed=st.integers(0, 99), **HOW,
)  # fmt: skip
def test_the_quick_way_agrees_with_decoding_for_chat(
    chunks, texts, seed, end, size, separators, is_ascii
):
    chance = random.Random(seed)
    events = [written(chunk, separators, is_ascii=is_ascii) for chunk in chunks]
    for text in texts:
        chunk = with_text(chance.choice(chunks), text)
        events.append(written(chunk, separators, is_ascii=is_ascii))

    agree(kinds.ChatEvents(RequestLog(0, 0)), events, decode.read_chat, end=end, size=size)


@settings(deadline=None)
@given(
    chunks=st.lists(CHUNK, min_size=1, max_size=4), texts=st.lists(TEXT, max_size=8),
    ids=st.lists(st.text(st.characters(codec="ascii"), max_size=14), min_size=2, max_size=2),
    seed=st.integers(0, 99), **HOW,
)  # fmt: skip
def test_what_another_stream_has_learned_misleads_none(
    chunks, texts, ids, seed, end, size, separators, is_ascii
):
    likeness = kinds.Likeness()
    for own in ids:
        chance = random.Random(seed)
        events = [written({**c, "id": own}, separators, is_ascii=is_ascii) for c in chunks]
        for text in texts:
            chunk = with_text({**chance.choice(chunks), "id": own}, text)
            events.append(written(chunk, separators, is_ascii=is_ascii))
        stream = kinds.ChatEvents(RequestLog(0, 0), likeness)
        agree(stream, events, decode.read_chat, end=end, size=size)


def test_a_like_stream_needs_no_decoding_of_its_text(monkeypatch):
    likeness = kinds.Likeness()
    decoded = []
    monkeypatch.setattr(
        kinds, "read_chat", lambda event: decoded.append(event) or decode.read_chat(event)
    )
    for own in (b"chatcmpl-one", b"chatcmpl-two"):
        decoded.clear()
        stream = kinds.ChatEvents(RequestLog(0, 0), likeness)
        for text in (b"a", b"b"):
            event = b'data: {"id":"%b","choices":[{"delta":{"content":"%b"}}]}\n\n' % (own, text)
            stream.feed(event, 0, len(event), 0)
        assert stream.kinds == ["c", "c"]
        assert stream.text_bytes == 2
    assert decoded == []


TYPES = st.sampled_from(
    [
        "response.output_text.delta", "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta", "response.function_call_arguments.delta",
        "response.output_text.done", "response.completed", "response.created", "x",
    ]
)  # fmt: skip
RESPONSE = st.fixed_dictionaries(
    {},
    optional={
        "delta": MAYBE,
        "sequence_number": st.integers(0, 9),
        "logprobs": st.sampled_from([[], [{"token": "x", "delta": "y"}]]),
        "item": st.sampled_from([{"type": "function_call"}, {"delta": "x"}]),
        "text": TEXT,
    },
)


@settings(deadline=None)
@given(events=st.lists(st.tuples(TYPES, RESPONSE, st.integers(0, 5)), max_size=9), **HOW)
def test_the_quick_way_agrees_with_decoding_for_responses(events, end, size, separators, is_ascii):
    raw = []
    for name, fields, place in events:
        items = list(fields.items())
        items.insert(place, ("type", name))
        raw.append(written(dict(items), separators, is_ascii=is_ascii))

    agree(kinds.ResponsesEvents(RequestLog(0, 0)), raw, decode.read_responses, end=end, size=size)


LIKE = [b'{"choices":[{"delta":{"content":"%b"}}]}' % text for text in (b"one", b"two")]


@pytest.mark.parametrize(
    "events",
    [
        # The first string that is named so is no text, and what follows it is a name.
        [
            b'{"id":"content","note":{"a":1},"choices":[{"delta":{"content":"x"}}]}',
            b'{"id":"content","mote":{"a":1},"choices":[{"delta":{"content":"x"}}]}',
        ],
        # What else an event tells is told again.
        [
            b'{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}',
            b'{"choices":[{"delta":{},"finish_reason":"length"}]}',
            b'{"choices":[{"delta":{"content":"y"},"finish_reason":"stop"}]}',
        ],
        [LIKE[0], LIKE[1].replace(b"two", b'\\"'), LIKE[1].replace(b"two", b"\\\\")],
        [LIKE[0], LIKE[1].replace(b"two", b"")],
        [LIKE[0], LIKE[1].replace(b"content", b"reasoning")],
        [LIKE[0], LIKE[1].replace(b'"}}', b'"},"finish_reason":"stop"}')],
    ],
)
@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_the_quick_way_is_not_misled(events, end):
    agree(kinds.ChatEvents(RequestLog(0, 0)), events, decode.read_chat, end=end, size=1 << 20)


def test_a_name_that_makes_an_error_is_not_taken_for_text():
    stream = kinds.ChatEvents(RequestLog(0, 0))
    raw = b'data: {"id":"content","n":{"a":1},"choices":[{"delta":{"content":"x"}}]}\n\n'
    stream.feed(raw, 0, len(raw), 0)
    with pytest.raises(AnswerError):
        stream.feed(raw.replace(b'"n"', b'"error"'), 0, len(raw) + 4, 0)


def after_like_events(*pieces):
    """Feed two events that are alike, then these pieces; return the kinds of what came after."""
    stream = kinds.ChatEvents(RequestLog(0, 0))
    for piece in [b"data: " + LIKE[0] + b"\n\n", b"data: " + LIKE[1] + b"\n\n", *pieces]:
        stream.feed(piece, 0, len(piece), 0)
    return "".join(stream.kinds)[2:]


def test_an_event_named_error_is_one_whatever_its_data_is_like():
    with pytest.raises(AnswerError):
        after_like_events(b"event: error\ndata: " + LIKE[0] + b"\n\n")


def test_what_goes_on_in_a_comment_is_no_event():
    assert after_like_events(b": so ", b"data: " + LIKE[0] + b"\n\n") == ""


def test_a_member_of_a_member_is_not_taken_for_the_text():
    raw = b'{"type":"response.output_text.delta","item":{"x":1,"delta":"y"}}'

    assert kinds.quick_responses(raw, 0, len(raw)) == (None, 0)
    assert decode.read_responses(raw).kind == "e"


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b'{"type":"response.output_text.delta",', b""]))
def test_no_bytes_make_the_quick_way_raise_anything_else(data, before):
    for events in (kinds.ChatEvents, kinds.ResponsesEvents):
        stream = events(RequestLog(0, 0))
        raw = b"data: " + before + data + b',"delta":"\n\n'
        with contextlib.suppress(AnswerError):
            stream.feed(raw, 0, len(raw), 0)


def counted(monkeypatch, name):
    calls = []
    whole = getattr(kinds, name)
    monkeypatch.setattr(kinds, name, lambda event: (calls.append(event), whole(event))[1])
    return calls


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x"},
        {"role": "assistant", "content": "x", "reasoning_content": None},
        {"reasoning_content": "x", "content": None},
        {"reasoning": "x"},
        {"tool_calls": [{"index": 0, "function": {"arguments": "x"}}]},
    ],
)
def test_a_stream_of_like_events_is_hardly_decoded(monkeypatch, delta, separators):
    calls = counted(monkeypatch, "read_chat")
    chunk = {"id": "1", "choices": [{"delta": delta, "finish_reason": None}], "usage": None}
    stream = kinds.ChatEvents(RequestLog(0, 0))
    for number in range(50):
        raw = b"data: " + written(with_text(chunk, f"w{number}"), separators) + b"\n\n"
        stream.feed(raw, 0, len(raw), number)

    assert len(stream.kinds) == 50
    assert len(calls) <= 4


@pytest.mark.parametrize("is_first", [True, False])
def test_a_responses_stream_is_hardly_decoded(monkeypatch, is_first):
    calls = counted(monkeypatch, "read_responses")
    stream = kinds.ResponsesEvents(RequestLog(0, 0))
    name = {"type": "response.output_text.delta"}
    for number in range(50):
        fields = {"delta": "x", "sequence_number": number, "logprobs": []}
        event = {**name, **fields} if is_first else {**fields, **name}
        raw = b"event: response.output_text.delta\ndata: " + written(event, (",", ":"))
        stream.feed(raw + b"\n\n", 0, len(raw) + 2, number)

    assert stream.kinds == ["c"] * 50
    assert calls == []


def test_ends_that_never_hold_are_given_up(monkeypatch):
    calls = counted(monkeypatch, "read_chat")
    stream = kinds.ChatEvents(RequestLog(0, 0))
    for number in range(50):
        chunk = {"created": number, "choices": [{"delta": {"content": "x"}}]}
        raw = b"data: " + written(chunk, (",", ":")) + b"\n\n"
        stream.feed(raw, 0, len(raw), number)

    assert len(calls) == 50 + 4
