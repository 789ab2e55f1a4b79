"""The model calls of a bundle read back: whole requests, think times, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.errors import ConformanceError, EvidenceInvalidError, UsageError
from conformance.evidence.bundle import bundle_id, write_manifest
from conformance.gateway.dialects import CHAT, MESSAGES, RESPONSES
from conformance.gateway.talk import Talk
from conformance.profile import recorded
from conformance.profile.recorded import Message, Turn, read_recorded
from conformance.trial.outcome import TABLE
from tests.agents.test_chat import agent_on
from tests.fakes.doors import FakeDoors, task
from tests.fakes.endpoint import call, calls, submits
from tests.fakes.endpoint import says as replies
from tests.profile.bundles import SYSTEM, USER, bundle_of, called, says, tool, wants

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.profile.recorded import Session


def turns(folder: Path, *events: dict[str, Any], **more: Any) -> tuple[Turn, ...]:
    return session(folder, *events, **more).turns


def session(folder: Path, *events: dict[str, Any], **more: Any) -> Session:
    (found,) = read_recorded(bundle_of(folder, list(events), **more)).sessions
    return found


def texts(turn: Turn) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in turn.messages]


def test_a_bundle_is_named_by_the_id_that_the_suite_gives_it(tmp_path: Path) -> None:
    folder = bundle_of(tmp_path / "b", [called(1, [USER])])
    assert read_recorded(folder).bundle == bundle_id(folder)


def test_a_call_that_goes_on_from_an_earlier_one_is_put_together_again(tmp_path: Path) -> None:
    echo = {"role": "assistant", **says("Dim it.", wants("dim", '{"level":3}'))}
    result = {"role": "tool", "tool_call_id": "c1", "content": '{"receipt":"r"}'}
    found = turns(tmp_path / "b", called(1, [SYSTEM, USER]), called(3, [echo, result], known=2))
    first = [("system", "You are careful."), ("user", "Set the lamp.")]
    assert texts(found[0]) == first
    assert texts(found[1]) == [
        *first,
        ("assistant", 'Dim it.\n[call dim] {"level":3}'),
        ("user", '[result] {"receipt":"r"}'),
    ]


def test_a_side_call_in_between_does_not_take_the_place_of_the_talk(tmp_path: Path) -> None:
    title = [{"role": "system", "content": "Give a title."}, {"role": "user", "content": "Lamp."}]
    echo = {"role": "assistant", "content": "Which one?"}
    more = {"role": "user", "content": "The amber one."}
    found = turns(
        tmp_path / "b",
        called(1, [SYSTEM, USER], says("Which one?")),
        called(2, title, says("Lamps")),
        called(3, [echo, more], known=2),
    )
    assert texts(found[1]) == [("system", "Give a title."), ("user", "Lamp.")]
    assert texts(found[2]) == [
        ("system", "You are careful."),
        ("user", "Set the lamp."),
        ("assistant", "Which one?"),
        ("user", "The amber one."),
    ]


def test_the_suites_own_loop_records_no_echo_so_the_reply_is_put_back(tmp_path: Path) -> None:
    result = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
    found = turns(
        tmp_path / "b",
        called(1, [SYSTEM, USER], says("", wants("look"))),
        called(2, [result], says("Done.")),
        called(3, [USER]),
        kind="chat",
    )
    assert texts(found[1])[2:] == [("assistant", "[call look] {}"), ("user", "[result] ok")]
    assert texts(found[2])[4:] == [("assistant", "Done."), ("user", "Set the lamp.")]


async def test_the_chat_agents_requests_are_what_its_endpoint_was_asked(tmp_path: Path) -> None:
    script = (
        calls(call("look", {"rack": "R1"}, "a"), call("look", {"rack": "R2"}, "b")),
        replies("Let me think."),
        submits(load=25),
    )
    doors = FakeDoors()
    async with agent_on(*script) as (agent, served):
        await agent.run(task(), doors, None)  # type: ignore[arg-type]
        asked = [request["messages"] for request in served.requests[1:]]
    made = [msgspec.to_builtins(each) for each in doors.model_calls]
    events = [{"type": "model_call", "t": n, "call": each} for n, each in enumerate(made)]
    found = turns(tmp_path / "b", *events, kind="chat")
    assert [turn.messages for turn in found] == [plain(messages) for messages in asked]
    assert len(found) == 3


def plain(items: list[dict[str, Any]], system: Any = None) -> tuple[Message, ...]:
    told = None if system is None else {"role": "system", "content": system}
    return tuple(recorded._plain(recorded._Request(told, items, {})))


class _Handle:
    """What a talk needs to be given: something that can be referred to weakly."""


TEXT = st.sampled_from(["a", "b", "长", "look {x}"])
CHATS = st.lists(
    st.one_of(
        TEXT.map(lambda text: {"role": "user", "content": text}),
        TEXT.map(lambda text: {"role": "assistant", "content": text}),
        TEXT.map(lambda text: {"role": "tool", "tool_call_id": "c", "content": text}),
    ),
    min_size=1,
    max_size=6,
)
ITEMS = st.lists(
    st.one_of(
        TEXT.map(lambda text: {"role": "user", "content": [{"type": "input_text", "text": text}]}),
        TEXT.map(lambda text: {"type": "function_call", "call_id": "c", "name": text}),
        TEXT.map(lambda text: {"type": "reasoning", "summary": [text]}),
    ),
    min_size=1,
    max_size=6,
)
SYSTEMS = st.sampled_from([None, "Be careful.", "Be quick."])


@given(st.lists(st.tuples(CHATS, st.booleans(), st.booleans()), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_whatever_the_model_door_records_of_chats_comes_back_whole(
    parts: list[tuple[list[dict[str, Any]], bool, bool]],
) -> None:
    """One talk that goes on, with side calls in between: replies have ids, or are texts."""
    requests, talk = [], []
    reply: dict[str, Any] = {}
    for number, (more, is_side, has_tools) in enumerate(parts):
        fresh = [{"role": "user", "content": f"No. {number}"}, *more]
        own = says(f"{number}", *([wants("look", call_id=f"c{number}")] if has_tools else []))
        if is_side:
            requests.append(({"messages": fresh}, own))
            continue
        talk = [*talk, {**reply, "role": "assistant"}, *fresh] if talk else fresh
        reply = own
        requests.append(({"messages": talk}, own))
    found = through_the_door(CHAT, requests)
    assert found == [plain(request["messages"]) for request, _ in requests]


@given(st.lists(ITEMS, min_size=1, max_size=6), SYSTEMS)
@settings(max_examples=80, deadline=None)
def test_whatever_the_model_door_records_of_responses_comes_back_whole(
    parts: list[list[dict[str, Any]]], system: str | None
) -> None:
    requests, last = [], []
    told = {} if system is None else {"instructions": system}
    for fresh in parts:
        last = [*last, *fresh]
        requests.append(({"input": last, **told}, says("Well.")))
    found = through_the_door(RESPONSES, requests)
    assert found == [plain(request["input"], system) for request, _ in requests]


@given(st.lists(st.tuples(CHATS, SYSTEMS.filter(bool)), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_a_system_that_changes_between_messages_calls_comes_back_as_it_was(
    parts: list[tuple[list[dict[str, Any]], str]],
) -> None:
    requests, last = [], []
    for number, (fresh, system) in enumerate(parts):
        last = [*last, *fresh]
        # Each is new: one that comes again is taken for the last that was told.
        requests.append(({"messages": last, "system": f"{system} {number}"}, says("Well.")))
    found = through_the_door(MESSAGES, requests)
    assert found == [plain(request["messages"], request["system"]) for request, _ in requests]


def through_the_door(
    speech: Any, requests: list[tuple[dict[str, Any], dict[str, Any]]]
) -> list[Any]:
    """Have requests and replies recorded as the model door does, and read them back."""
    handle = _Handle()
    talk = Talk(handle)  # type: ignore[arg-type]
    events = []
    for request, reply in requests:
        sent = talk.sent(speech.read(json.dumps({"model": "m", **request}).encode()))
        talk.succeeded(sent)
        events.append(called(1, sent.fresh, reply, known=sent.known, dialect=speech.name))
    lines = msgspec.convert(events, list[recorded._Line])
    return [turn.messages for turn in recorded._turns(lines, "t0", is_own_loop=False)]


def test_a_side_call_has_its_own_system_and_the_talk_keeps_its_own(tmp_path: Path) -> None:
    aside = [{"role": "system", "content": "Give a title."}, {"role": "user", "content": "Lamp."}]
    echo = {"role": "assistant", "content": [{"type": "text", "text": "Which one?"}]}
    more = {"role": "user", "content": "The amber one."}
    found = turns(
        tmp_path / "b",
        called(1, [SYSTEM, USER], says("Which one?"), dialect="messages"),
        called(2, aside, says("Lamps"), dialect="messages"),
        # Both systems are known by now: they count as one message, and are not sent again.
        called(3, [echo, more], says("So."), dialect="messages", known=2),
    )
    assert texts(found[2])[:2] == [("system", "You are careful."), ("user", "Set the lamp.")]
    assert texts(found[2])[2:] == [("assistant", "Which one?"), ("user", "The amber one.")]


def test_a_response_that_goes_on_from_one_the_provider_keeps_has_its_past(tmp_path: Path) -> None:
    told = {"role": "system", "content": "Be quick."}
    output = {"type": "function_call_output", "call_id": "c1", "output": "42"}
    found = turns(
        tmp_path / "b",
        called(1, [told, USER], says("", wants("look")), dialect="responses"),
        called(2, [output], dialect="responses", known=1),
    )
    assert texts(found[1]) == [
        ("system", "Be quick."),
        ("user", "Set the lamp."),
        ("assistant", "[call look] {}"),
        ("user", "[result] 42"),
    ]


def test_anthropics_blocks_become_text(tmp_path: Path) -> None:
    made = {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "t", "name": "look", "input": {"lamp": "a"}},
        ],
    }
    result = {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "3"}]},
            {"type": "image", "source": {"data": "AAAA"}},
        ],
    }
    (found,) = turns(tmp_path / "b", called(1, [USER, made, result], dialect="messages"))
    assert texts(found) == [
        ("user", "Set the lamp."),
        ("assistant", 'I look.\n[call look] {"lamp":"a"}'),
        ("user", "[result] 3\n[image]"),
    ]


def test_every_request_begins_and_ends_with_the_user_and_goes_by_turns(tmp_path: Path) -> None:
    odd = [
        {"role": "assistant", "content": "Hello."},
        {"role": "assistant", "content": None},
        {"role": "system", "content": "Late."},
        {"role": "developer", "content": "Later."},
        {"role": "assistant", "content": "So?"},
    ]
    (found,) = turns(tmp_path / "b", called(1, odd))
    assert texts(found) == [
        ("user", "…"),
        ("assistant", "Hello."),
        ("user", "Late.\n\nLater."),
        ("assistant", "So?"),
        ("user", "…"),
    ]


@given(st.lists(st.dictionaries(
    st.sampled_from(["role", "type", "content", "tool_calls", "function_call", "output", "name"]),
    st.recursive(
        st.one_of(st.none(), st.integers(), st.sampled_from(["user", "message", "x_call", "text"])),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2),
            st.dictionaries(st.sampled_from(["type", "text", "content"]), inner, max_size=2),
        ),
        max_leaves=4,
    ),
    max_size=4,
), max_size=5))  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_whatever_an_agent_sent_becomes_messages_that_any_server_takes(
    items: list[dict[str, Any]],
) -> None:
    found = plain(items)
    roles = [message.role for message in found if message.role != "system"]
    assert [message.role for message in found].index("user") == len(found) - len(roles)
    assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
    assert roles[-1] == "user"
    assert all(message.content for message in found)


def test_think_time_is_from_the_end_of_a_call_to_the_beginning_of_the_next(
    tmp_path: Path,
) -> None:
    found = turns(
        tmp_path / "b",
        called(5.0, [USER], latency=2.0),
        called(9.5, [USER], latency=1.5),
        called(10.0, [USER], latency=3.0),
    )
    # The last began before the one before it was over: two at once.
    assert [turn.think_s for turn in found] == [0.0, 3.0, 0.0]


def test_tries_that_failed_are_no_thinking(tmp_path: Path) -> None:
    found = turns(
        tmp_path / "b",
        called(1.0, [USER], latency=1.0),
        tool(1.5, 0.4),
        tool(2.0, 0.1),
        called(60.0, [USER], latency=1.0, retries=2),
        called(62.0, [USER], latency=1.0),
    )
    assert [turn.think_s for turn in found] == [0.0, 0.5, 1.0]


def test_seats_are_sessions_of_their_own(tmp_path: Path) -> None:
    folder = bundle_of(
        tmp_path / "b",
        [
            called(1.0, [USER], latency=1.0, seat="a"),
            called(1.5, [USER], latency=1.0, seat="b"),
            called(4.0, [USER], latency=1.0, seat="a"),
        ],
    )
    found = read_recorded(folder).sessions
    assert [(each.trial, each.seat, len(each.turns)) for each in found] == [
        ("t0", "a", 2),
        ("t0", "b", 1),
    ]
    assert found[0].turns[1].think_s == 2.0


@pytest.mark.parametrize(
    ("call", "tokens", "is_estimated"),
    [
        ({"output_tokens": 12}, 12, False),
        ({"output_tokens": 12, "usage_source": "injected"}, 12, False),
        ({"output_tokens": 12, "usage_source": "estimated"}, 12, True),
        ({"output_tokens": 0}, 1, False),
        ({"output_tokens": None, "usage_source": "none"}, 105, True),
    ],
)
def test_the_length_of_an_answer_is_as_recorded_or_by_its_bytes(
    tmp_path: Path,
    call: dict[str, Any],
    tokens: int,
    is_estimated: bool,  # noqa: FBT001 - a parameter of the table above
) -> None:
    (found,) = turns(tmp_path / "b", called(1, [USER], says("x" * 408), **call))
    assert (found.output_tokens, found.is_estimated) == (tokens, is_estimated)
    assert found.input_tokens == 100


def test_only_trials_that_count_are_played(tmp_path: Path) -> None:
    trial = [called(1, [USER])]
    outcomes = ("harness_fault", "timeout", "cancelled", "completed")
    folder = bundle_of(tmp_path / "b", trial, trial, trial, trial, outcomes=outcomes)
    assert [each.trial for each in read_recorded(folder).sessions] == ["t1", "t3"]


def test_what_does_not_count_here_is_what_does_not_count_in_a_campaign() -> None:
    uncounted = {treatment.outcome for treatment in TABLE.values() if not treatment.counts}
    assert set(recorded.UNCOUNTED) == uncounted
    counted = {treatment.outcome for treatment in TABLE.values() if treatment.counts}
    assert not counted & uncounted


def test_a_bundle_without_model_calls_says_what_to_bring(tmp_path: Path) -> None:
    folder = bundle_of(tmp_path / "b", [tool(1, 0.1)], kind="builtin")
    with pytest.raises(UsageError, match=r"holds no model calls.*chat:"):
        read_recorded(folder)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceInvalidError, match=r"manifest\.json: cannot be read"):
        read_recorded(tmp_path)


def test_a_transcript_that_was_changed_is_refused(tmp_path: Path) -> None:
    folder = bundle_of(tmp_path / "b", [called(1, [USER])])
    path = folder / "run/transcripts/t0.jsonl"
    path.write_text(path.read_text().replace("lamp", "door"))
    with pytest.raises(EvidenceInvalidError, match=r"t0\.jsonl: was changed after it was sealed"):
        read_recorded(folder)
    path.unlink()
    with pytest.raises(EvidenceInvalidError, match=r"t0\.jsonl: cannot be read"):
        read_recorded(folder)


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = bundle_of(tmp_path / "b", [called(1, [USER])])
    path = folder / "run/transcripts/t0.jsonl"
    path.write_text(path.read_text() + '{"type": "model_call", "t": "soon"}\n')
    write_manifest(folder)
    with pytest.raises(EvidenceInvalidError, match=r"t0\.jsonl:2: .*\$\.t"):
        read_recorded(folder)


def test_a_call_that_goes_on_from_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceInvalidError, match="goes on from 3 messages that are not there"):
        turns(tmp_path / "b", called(1, [USER]), called(2, [USER], known=3))


@given(st.binary(max_size=120))
@settings(max_examples=60, deadline=None)
def test_any_transcript_is_read_or_refused_in_order(tmp_path_factory: Any, line: bytes) -> None:
    folder = bundle_of(tmp_path_factory.mktemp("any") / "b", [called(1, [USER])])
    (folder / "run/transcripts/t0.jsonl").write_bytes(line)
    write_manifest(folder)
    with pytest.raises(ConformanceError):
        read_recorded(folder)
