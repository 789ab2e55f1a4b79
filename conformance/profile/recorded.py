"""The model calls of a sealed bundle as sessions that can be played again: reading only.

A transcript holds of each request what was new in it; here the whole requests are put together
again, whatever dialect they were in, as plain messages of system, user and assistant. Tool calls
and their results become text in them: without the tools' definitions, which no transcript has,
servers refuse them in any other form, and a template may drop them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from conformance.errors import EvidenceInvalidError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_T = TypeVar("_T")

UNCOUNTED = ("cancelled", "harness_fault")
"""Outcomes of trials that count for nothing: the endpoint or the suite itself failed in them."""
OWN_LOOP = "chat"
"""The kind of agent that is the suite's own loop: it records no message of the model's twice."""

_BYTES_PER_TOKEN = 4
_SILENT = ("thinking", "redacted_thinking", "reasoning", "item_reference")
"""Parts that a model is not shown again, or that say nothing by themselves."""
_encode = msgspec.json.Encoder().encode


class Message(NamedTuple):
    """A message as any server takes it."""

    role: str
    """``system`` (only the first), ``user`` or ``assistant``."""
    content: str


class Turn(msgspec.Struct, frozen=True):
    """One model call of a session."""

    messages: tuple[Message, ...]
    """The whole request."""
    think_s: float
    """From the end of the session's call before to the beginning of this one; 0 for the first."""
    output_tokens: int
    """At least 1."""
    input_tokens: int | None
    """As recorded; the tools' definitions were part of it."""
    is_estimated: bool
    """The endpoint told no usage: the output is counted by its bytes."""


class Session(msgspec.Struct, frozen=True):
    """What one agent, in one session of one trial, asked its model."""

    trial: str
    seat: str
    turns: tuple[Turn, ...]


class Recorded(msgspec.Struct, frozen=True):
    """All sessions of a bundle, in the order in which their trials ended."""

    bundle: str
    """Its id: the SHA-256 of its manifest."""
    sessions: tuple[Session, ...]


def read_recorded(folder: Path) -> Recorded:
    """Read the model calls of the trials of a bundle that count.

    Raises:
        EvidenceInvalidError: the folder holds no sealed bundle, or a transcript was changed.
        UsageError: no model call is recorded in it: there is nothing to play.
    """
    manifest = _content(folder / "manifest.json", "conformance certify writes one")
    listed = _decoded(manifest, _Manifest, f"{folder / 'manifest.json'}:1").files
    journal = folder / "run" / "journal.jsonl"
    entries = [
        _decoded(line, _Entry, f"{journal}:{number}")
        for number, line in enumerate(_sealed(folder, "run/journal.jsonl", listed), 1)
    ]
    is_own_loop = any(entry.terms.get("agent", {}).get("kind") == OWN_LOOP for entry in entries)
    sessions: list[Session] = []
    for entry in entries:
        if entry.record is not None and entry.record.outcome not in UNCOUNTED:
            name = f"run/transcripts/{entry.record.trial}.jsonl"
            where = folder / name
            lines = [
                _decoded(line, _Line, f"{where}:{number}")
                for number, line in enumerate(_sealed(folder, name, listed), 1)
            ]
            sessions += _sessions(entry.record.trial, lines, str(where), is_own_loop=is_own_loop)
    if not sessions:
        raise UsageError(
            "holds no model calls: its agent has no model, or one that the suite did not see",
            where=str(folder),
            mend="name a bundle whose agent's model calls went through the suite (chat:, command:)",
        )
    return Recorded(hashlib.sha256(manifest).hexdigest(), tuple(sessions))


class _Manifest(msgspec.Struct):
    files: dict[str, _File]


class _File(msgspec.Struct):
    sha256: str


class _Record(msgspec.Struct):
    trial: str
    outcome: str


class _Entry(msgspec.Struct):
    """What is needed of a line of the journal."""

    type: str
    record: _Record | None = None
    terms: dict[str, Any] = {}


class _Call(msgspec.Struct):
    """What is needed of ``conformance.agents.contract.ModelCall``."""

    sent: list[dict[str, Any]]
    received: dict[str, Any]
    latency_s: float
    usage_source: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    retries: int = 0
    dialect: str = "chat"
    known: int = 0


class _Line(msgspec.Struct):
    """What is needed of a line of a transcript."""

    type: str
    t: float = 0.0
    seat: str = ""
    call: _Call | None = None
    duration_s: float = 0.0


class _Request(NamedTuple):
    """A request put together again, and the reply to it."""

    system: dict[str, Any] | None
    """What was told beside the messages, where the dialect has a place for that."""
    items: list[dict[str, Any]]
    received: dict[str, Any]


def _content(path: Path, mend: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvidenceInvalidError(
            f"cannot be read: {error.strerror}", where=str(path), mend=f"name a bundle; {mend}"
        ) from None


def _sealed(folder: Path, name: str, listed: dict[str, _File]) -> list[bytes]:
    """Return the lines of a file that is as it was sealed."""
    content = _content(folder / name, "this one is not whole")
    if name not in listed or hashlib.sha256(content).hexdigest() != listed[name].sha256:
        raise EvidenceInvalidError(
            "was changed after it was sealed",
            where=str(folder / name),
            mend="get the bundle again from its source",
        )
    return content.splitlines()


def _decoded(line: bytes, kind: type[_T], where: str) -> _T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceInvalidError(
            str(error), where=where, mend="get the bundle again from its source"
        ) from None


def _sessions(
    trial: str, lines: Iterable[_Line], where: str, *, is_own_loop: bool
) -> Iterator[Session]:
    """Yield the sessions of a trial, seat by seat."""
    seats: dict[str, list[_Line]] = {}
    for line in lines:
        seats.setdefault(line.seat, []).append(line)
    for seat, own in seats.items():
        turns = tuple(_turns(own, where, is_own_loop=is_own_loop))
        if turns:
            yield Session(trial, seat, turns)


def _turns(lines: Iterable[_Line], where: str, *, is_own_loop: bool) -> Iterator[Turn]:
    history: list[_Request] = []
    ended: float | None = None
    in_tools = 0.0
    for line in lines:
        if line.call is None:
            in_tools += line.duration_s
            continue
        call = line.call
        request = _own(call, history) if is_own_loop else _metered(call, history, where)
        history.append(request)
        # A call is written down when it is over; tries that failed before it, and the waits
        # between them, were no thinking of the agent's: then only the tools' time is known.
        gap = 0.0 if ended is None else line.t - call.latency_s - ended
        written, is_told = call.output_tokens, call.usage_source in ("reported", "injected")
        if written is None:
            written, is_told = len(_encode(call.received)) // _BYTES_PER_TOKEN, False
        yield Turn(
            messages=tuple(_plain(request)),
            think_s=round(max(0.0, in_tools if call.retries and ended is not None else gap), 6),
            output_tokens=max(1, written),
            input_tokens=call.input_tokens,
            is_estimated=not is_told,
        )
        ended, in_tools = line.t, 0.0


def _own(call: _Call, history: Sequence[_Request]) -> _Request:
    """Return a request of the suite's own loop: all before it, the reply, and what is new."""
    if not history:
        return _Request(None, call.sent, call.received)
    last = history[-1]
    return _Request(None, [*last.items, _reply(last), *call.sent], call.received)


def _metered(call: _Call, history: Sequence[_Request], where: str) -> _Request:
    """Return a request that went through the model door.

    ``known`` messages at its head are those of an earlier request; what is told beside the
    messages counts as one of them. Which request that was is not recorded: agents have side calls
    (titles, memories). It is the last of those long enough whose reply the new messages hold, or
    answer; else the last of those long enough.
    """
    sent, told = call.sent, None
    if call.dialect != "chat" and sent and sent[0].get("role") == "system":
        told, sent = sent[0], sent[1:]

    def shared(each: _Request) -> int:
        """Return how many messages of an earlier request would be those that are known."""
        return call.known - (call.known > 0 and told is None and each.system is not None)

    answered = [each for each in history[::-1] if _goes_on(sent, each.received)]
    likely = (*answered, *history[::-1])
    before = next((each for each in likely if len(each.items) >= shared(each)), None)
    if before is None and call.known:
        raise EvidenceInvalidError(
            f"a model call goes on from {call.known} messages that are not there", where=where
        )
    if before is None or not call.known:
        head: list[dict[str, Any]] = []
        system = told
    else:
        head = before.items[: shared(before)]
        system = before.system if told is None else told
    if not head and answered and call.dialect == "responses" and _holds_results_alone(sent):
        # With ``previous_response_id`` the provider keeps what was before, the reply included.
        head = [*answered[0].items, _reply(answered[0])]
    return _Request(system, [*head, *sent], call.received)


def _goes_on(sent: Sequence[dict[str, Any]], received: dict[str, Any]) -> bool:
    """Say whether messages hold a reply, or results of the tool calls in it."""
    made = {call["id"] for call in _dicts(received.get("tool_calls")) if call.get("id")}
    if made:
        return any(_ids(item) & made for item in sent)
    said = _said({**received, "role": "assistant"})
    return said is not None and said in map(_said, sent)


def _ids(item: dict[str, Any]) -> set[str]:
    """Return the ids of tool calls that a message, an item or their parts name."""
    things = (item, *_dicts(item.get("content")), *_dicts(item.get("tool_calls")))
    names = ("id", "call_id", "tool_call_id", "tool_use_id")
    return {str(each[name]) for each in things for name in names if each.get(name)}


def _holds_results_alone(sent: Sequence[dict[str, Any]]) -> bool:
    """Say whether there are results of tool calls that are not there themselves."""
    kinds = [str(item.get("type", "")) for item in sent]
    return any(kind.endswith("_output") for kind in kinds) and not any(
        kind.endswith("_call") for kind in kinds
    )


def _reply(request: _Request) -> dict[str, Any]:
    return {**request.received, "role": "assistant"}


def _plain(request: _Request) -> Iterator[Message]:
    """Yield the request's messages: a system's at most first, then user and assistant by turns.

    Some templates refuse any other order.
    """
    items = request.items if request.system is None else [request.system, *request.items]
    found: list[Message] = []
    for said in filter(None, map(_said, items)):
        role = "user" if said.role == "system" and found else said.role
        if found and found[-1].role == role:
            found[-1] = Message(role, f"{found[-1].content}\n\n{said.content}")
        elif role == "assistant" and (not found or found[-1].role == "system"):
            found += [Message("user", "…"), said]
        else:
            found.append(Message(role, said.content))
    yield from found
    if not found or found[-1].role != "user":
        yield Message("user", "…")


def _said(item: dict[str, Any]) -> Message | None:
    """Return what one message or item says; None for nothing."""
    kind, role = str(item.get("type", "")), item.get("role")
    if role in ("tool", "function"):
        role, text = "user", f"[result] {_text(item.get('content'))}"
    elif role is not None or kind == "message":
        calls = [*_dicts(item.get("tool_calls")), *_dicts([item.get("function_call")])]
        made = (_called(one.get("function", one)) for one in calls)
        text = "\n".join(filter(None, (_text(item.get("content")), *made)))
        role = {"developer": "system"}.get(str(role), str(role))
        role = role if role in ("system", "assistant") else "user"
    elif kind.endswith("_output"):
        role, text = "user", f"[result] {_text(item.get('output'))}"
    elif kind.endswith("_call"):
        role, text = "assistant", _called(item)
    else:
        role, text = "user", "" if kind in _SILENT else _text(item.get("content"))
    return Message(role, text) if text.strip() else None


def _text(content: Any) -> str:
    """Return the text of a message's content: a string, or parts of several kinds."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(filter(None, map(_text, content)))
    if isinstance(content, dict):
        return _part(content)
    return "" if content is None else _encode(content).decode()


def _part(part: dict[str, Any]) -> str:
    kind = part.get("type")
    if kind in _SILENT:
        return ""
    if kind == "tool_use":
        return _called({"name": part.get("name"), "arguments": part.get("input")})
    if kind == "tool_result":
        return f"[result] {_text(part.get('content'))}"
    text = part.get("text", part.get("refusal"))
    return text if isinstance(text, str) else f"[{kind}]"


def _called(call: Any) -> str:
    """Return a tool call as text."""
    if not isinstance(call, dict):
        return ""
    given = call.get("arguments", call.get("input", call.get("action", "")))
    text = given if isinstance(given, str) else _encode(given).decode()
    return f"[call {call.get('name') or call.get('type')}] {text}"


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
