"""What the paced endpoint answers to what is asked: how long, in which pieces, and when."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.mock import Pace, PacedReply
from conformance.mock.conversation import BadRequestError
from conformance.mock.pacing.asks import MOST_TOKENS, Ask, read_ask
from conformance.mock.pacing.plans import broken, joined, offsets_ns, plan_of

PACED = Pace(ttft_s=0.05, itl_s=0.01)
CHAT = Ask("chat", is_stream=True, has_usage=True, tokens=10, is_cut=False)
RESPONSES = CHAT._replace(dialect="responses", has_usage=False)


def asked(dialect="chat", own=100, **body):
    said = {"messages": [{"role": "user", "content": "hi"}]}
    body = {"model": "m", **(said if dialect == "chat" else {"input": "hi"}), **body}
    return read_ask(dialect, json.dumps(body).encode(), PacedReply(tokens=own))


def events(plan, input_tokens=7):
    """Return the JSON of a stream's events, once its chunked coding is taken off."""
    data = b"".join(write.data for write in plan.writes) + plan.end(input_tokens)
    data = data.partition(b"\r\n\r\n")[2]
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        body += data[: int(size, 16)]
        assert data[int(size, 16) : int(size, 16) + 2] == b"\r\n"
        data = data[int(size, 16) + 2 :]
    found = re.findall(rb"data: (.*)\n\n", body)
    return [json.loads(one) for one in found if one != b"[DONE]"]


def kinds(plan):
    return [write.kinds for write in plan.writes]


def due_ms(reply, plan, number=0):
    return [offset / 1e6 for offset in offsets_ns(reply, plan, number)]


@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize(
    ("most", "ignore_eos", "tokens", "is_cut"),
    [
        (None, False, 100, False),
        (None, True, 100, False),
        (7, False, 7, True),
        (100, False, 100, False),
        (300, False, 100, False),
        (300, True, 300, True),
        (7, True, 7, True),
    ],
)
def test_an_answer_is_as_long_as_the_request_allows(dialect, most, ignore_eos, tokens, is_cut):
    names = {"chat": ("max_tokens", "max_completion_tokens"), "responses": ("max_output_tokens",)}
    for name in names[dialect]:
        ask = asked(dialect, **{name: most}, ignore_eos=ignore_eos).ask
        assert (ask.tokens, ask.is_cut) == (tokens, is_cut)


def test_only_what_matters_is_read_of_a_request():
    plain = asked().ask
    assert plain == Ask("chat", is_stream=False, has_usage=False, tokens=100, is_cut=False)
    options = {"include_usage": True, "continuous_usage_stats": True}
    full = asked(stream=True, stream_options=options, temperature=0, n=1, user=None).ask
    assert (full.is_stream, full.has_usage) == (True, True)
    assert not asked(stream_options=None, stream=None).ask.has_usage


def test_a_prompt_has_a_token_for_four_bytes():
    message = {"role": "user", "content": "x" * 4000}
    assert asked(messages=[message]).input_tokens == -(-len(json.dumps([message])) // 4)
    more = asked(messages=[message], tools=[{"type": "function"}]).input_tokens
    assert more == asked(messages=[message]).input_tokens + 6
    assert asked("responses", input="x" * 38, instructions="y" * 18).input_tokens == 15


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b"\xff", "malformed|invalid"),
        (b'{"messages": [1]}', "model"),
        (b'{"model": "m"}', "messages"),
        (b'{"model": "m", "messages": null}', "messages"),
        (b'{"model": 7, "messages": [1]}', "model"),
        (b'{"model": "m", "messages": [1], "max_tokens": 0}', "max_tokens"),
        (b'{"model": "m", "messages": [1], "max_tokens": "7"}', "max_tokens"),
        (b'{"model": "m", "messages": [1], "max_tokens": %d}' % (MOST_TOKENS + 1), "max_tokens"),
        (b'{"model": "m", "messages": [1], "n": 2}', "n`"),
        (b'{"model": "m", "messages": ' + b"[" * 100_000, "recursion"),
    ],
)
def test_what_cannot_be_answered_is_refused(body, complaint):
    with pytest.raises(BadRequestError, match=complaint):
        read_ask("chat", body, PacedReply())


@given(st.binary(max_size=100), st.sampled_from(["chat", "responses"]))
def test_a_body_that_is_no_request_is_refused(data, dialect):
    with pytest.raises(BadRequestError):
        read_ask(dialect, data, PacedReply())


def test_the_role_comes_with_the_first_token_and_the_end_with_the_last():
    reply = PacedReply(pace=PACED)
    plan = plan_of(reply, CHAT._replace(tokens=3))
    assert kinds(plan) == ["rc", "c", "ceud"]
    assert due_ms(reply, plan) == [50, 60, 70]
    plan = plan_of(reply, RESPONSES._replace(tokens=3))
    assert kinds(plan) == ["eerec", "c", "ceeed"]


def test_the_role_may_come_alone():
    reply = PacedReply(pace=PACED, role_at_s=0.005)
    plan = plan_of(reply, CHAT._replace(tokens=2))
    assert kinds(plan) == ["r", "c", "ceud"]
    assert due_ms(reply, plan) == [5, 50, 60]


def test_a_chunk_is_due_with_its_first_token():
    reply = PacedReply(pace=PACED, tokens_per_chunk=5)
    plan = plan_of(reply, CHAT._replace(tokens=12))
    assert kinds(plan) == ["rc", "c", "ceud"]
    assert due_ms(reply, plan) == [50, 100, 150]
    texts = [event["choices"][0]["delta"].get("content") for event in events(plan)[:-1]]
    assert texts == ["", " tok" * 5, " tok" * 5, " tok" * 2, None]


def test_a_stall_makes_all_that_follows_later():
    reply = PacedReply(pace=Pace(0.05, 0.01, stall_s=0.3, stall_at=2))
    plan = plan_of(reply, CHAT._replace(tokens=4))
    assert due_ms(reply, plan) == [50, 60, 370, 380]


def test_jitter_is_drawn_for_each_answer():
    reply = PacedReply(pace=Pace(0.05, 0.01, jitter_s=0.005))
    plan = plan_of(reply, CHAT)
    one, other = due_ms(reply, plan, 1), due_ms(reply, plan, 2)
    assert one != other
    assert one == due_ms(reply, plan, 1)
    gaps = [later - earlier for earlier, later in pairwise(one)]
    assert all(10 <= gap <= 15.001 for gap in gaps)


def test_reasoning_and_a_tool_call_come_before_content():
    reply = PacedReply(tokens=9, reasoning_tokens=4, tool_tokens=3, tokens_per_chunk=3, pace=PACED)
    plan = plan_of(reply, CHAT._replace(tokens=9))
    assert kinds(plan) == ["rt", "t", "f", "ceud"]
    assert due_ms(reply, plan) == [50, 80, 90, 120]
    told = events(plan)
    deltas = [event["choices"][0]["delta"] for event in told[1:5]]
    assert [delta.get("reasoning_content") for delta in deltas[:2]] == [" tok" * 3, " tok"]
    function = deltas[2]["tool_calls"][0]["function"]
    assert json.loads(function["arguments"]) == {"text": " tok"}
    assert deltas[3] == {"content": " tok tok"}
    assert told[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert told[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 4
    plan = plan_of(reply, RESPONSES._replace(tokens=9))
    assert kinds(plan) == ["eeeet", "teee", "ffee", "receeed"]


@given(st.integers(1, 12), st.integers(0, 12), st.integers(0, 12), st.integers(1, 5))
def test_all_tokens_are_said_in_their_order(tokens, reasoning, tool, size):
    reply = PacedReply(
        tokens=24, reasoning_tokens=reasoning, tool_tokens=tool, tokens_per_chunk=size
    )
    plan = plan_of(reply, CHAT._replace(tokens=tokens))
    said = {"reasoning_content": "", "arguments": "", "content": ""}
    for event in events(plan)[:-1]:
        delta = event["choices"][0]["delta"]
        for call in delta.pop("tool_calls", []):
            said["arguments"] += call["function"]["arguments"]
        for name in said.keys() & delta.keys():
            said[name] += delta[name]
    thought = min(reasoning, tokens)
    called = min(tool, tokens - thought)
    assert said["reasoning_content"] == " tok" * thought
    assert said["content"] == " tok" * (tokens - thought - called)
    assert (json.loads(said["arguments"]) != "") if called else not said["arguments"]
    letters = [letter for letter in "".join(kinds(plan)) if letter in "tfc"]
    assert letters == sorted(letters, key="tfc".index)
    assert len(letters) == -(-thought // size) - (-called // size) - (
        -(tokens - thought - called) // size
    )


def test_usage_ends_a_stream_of_chat_only_where_it_is_asked_for():
    plain = events(plan_of(PacedReply(), CHAT._replace(has_usage=False)))
    assert not any("usage" in event for event in plain)
    full = events(plan_of(PacedReply(), CHAT))
    assert {event["usage"] for event in full[:-1]} == {None}
    assert full[-1]["choices"] == []
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    assert [full[-1]["usage"][name] for name in counts] == [7, 10, 17]
    last = events(plan_of(PacedReply(), RESPONSES))[-1]
    assert last["type"] == "response.completed"
    assert last["response"]["usage"]["output_tokens"] == 10


def test_an_answer_that_is_cut_says_so():
    cut = events(plan_of(PacedReply(), CHAT._replace(is_cut=True)))
    assert cut[-2]["choices"][0]["finish_reason"] == "length"
    cut = events(plan_of(PacedReply(), RESPONSES._replace(is_cut=True)))
    assert cut[-1]["type"] == "response.incomplete"
    assert cut[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_events_of_responses_are_numbered_also_when_made_twice():
    plan = plan_of(PacedReply(reasoning_tokens=2, tool_tokens=2), RESPONSES)
    for _ in range(2):
        numbers = [event["sequence_number"] for event in events(plan)]
        assert numbers == list(range(len(numbers)))


def test_a_whole_answer_is_due_with_its_last_token():
    reply = PacedReply(pace=PACED)
    for ask in (CHAT, RESPONSES):
        plan = plan_of(reply, ask._replace(is_stream=False))
        assert due_ms(reply, plan) == [140]
        head, _, body = plan.end(7).partition(b"\r\n\r\n")
        assert b"Content-Length: %d" % len(body) in head
        told = json.loads(body)
        assert told["usage"]["total_tokens"] == 17


def test_what_is_due_at_the_same_time_is_one_write():
    reply = PacedReply()
    plan = plan_of(reply, CHAT)
    once = joined(plan, offsets_ns(reply, plan))
    assert len(once.writes) == 1
    assert once.writes[0].kinds == "r" + "c" * 10 + "eud"
    assert events(once) == events(plan)


def test_half_an_answer_has_no_end():
    plan = broken(plan_of(PacedReply(pace=PACED), CHAT))
    assert kinds(plan) == ["rc", "c", "c", "c", "c"]
    assert plan.end(7) == b""
    whole = plan_of(PacedReply(), CHAT._replace(is_stream=False))
    assert broken(whole).end(7) == whole.end(7)[: len(whole.end(7)) // 2]


@pytest.mark.parametrize(
    "fields",
    [
        {"tokens": 0},
        {"tokens_per_chunk": 0},
        {"tokens": 5, "reasoning_tokens": 3, "tool_tokens": 3},
        {"role_at_s": 0.1, "pace": PACED},
    ],
)
def test_a_reply_that_cannot_be_is_refused(fields):
    with pytest.raises(ValueError, match="token"):
        PacedReply(**fields)
