"""The paced endpoint's answers as the two dialects write them, event by event.

All answers of one length have the same bytes, ids and times of making too: they are made in
advance, but for the count of the request's tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from conformance.mock.pacing.answers import parts, reasoning_of
from conformance.mock.reply import encode
from conformance.mock.truth import CONTENT, DONE, EMPTY, REASONING, ROLE, TOOL, USAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.mock.pacing.answers import Chunk, PacedReply, Part
    from conformance.mock.pacing.asks import Ask

CREATED = 1_767_225_600
"""2026-01-01: the time that all answers give as that of their making."""
_TOOL = "paced_tool"
_CALL = "call_paced"


class Event(NamedTuple):
    """One server-sent event."""

    token: int
    """With which token it is due; -1: with the role."""
    data: bytes
    kind: str
    """A letter of ``conformance.mock.truth``."""


class Writer(Protocol):
    """An answer in one dialect."""

    def events(self) -> Iterator[Event]:
        """Yield the stream but for its end; the first event is the role's."""
        ...

    def tail(self, input_tokens: int) -> Iterator[Event]:
        """Yield the end of the stream, which tells the request's tokens; due with the last."""
        ...

    def whole(self, input_tokens: int) -> dict[str, Any]:
        """Return the answer that is no stream."""
        ...


def writer_of(reply: PacedReply, ask: Ask) -> Writer:
    """Return who writes an answer."""
    return Chat(reply, ask) if ask.dialect == "chat" else Responses(reply, ask)


class Chat:
    """Chat completions."""

    def __init__(self, reply: PacedReply, ask: Ask) -> None:
        self._reply, self._ask = reply, ask
        self._parts = parts(reply, ask.tokens)
        self._has_tool = any(part.kind == TOOL for part in self._parts)

    def events(self) -> Iterator[Event]:
        """See ``Writer``."""
        yield self._event(-1, {"role": "assistant", "content": ""}, ROLE)
        for part in self._parts:
            for number, chunk in enumerate(part.chunks):
                yield self._event(chunk.token, _delta(chunk, number), chunk.kind)

    def tail(self, input_tokens: int) -> Iterator[Event]:
        """See ``Writer``."""
        last = self._ask.tokens - 1
        yield self._event(last, {}, EMPTY, self._finish)
        if self._ask.has_usage:
            body = {**self._head(".chunk"), "choices": [], "usage": self._usage(input_tokens)}
            yield Event(last, b"data: %b\n\n" % encode(body), USAGE)
        yield Event(last, b"data: [DONE]\n\n", DONE)

    def whole(self, input_tokens: int) -> dict[str, Any]:
        """See ``Writer``."""
        said = {part.kind: part.text for part in self._parts}
        message: dict[str, Any] = {"role": "assistant", "content": said.get(CONTENT)}
        if REASONING in said:
            message["reasoning_content"] = said[REASONING]
        if TOOL in said:
            function = {"name": _TOOL, "arguments": said[TOOL]}
            message["tool_calls"] = [{"id": _CALL, "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish}
        return {**self._head(""), "choices": [choice], "usage": self._usage(input_tokens)}

    @property
    def _finish(self) -> str:
        if self._ask.is_cut:
            return "length"
        return "tool_calls" if self._has_tool else "stop"

    def _event(
        self, token: int, delta: dict[str, Any], kind: str, finish: str | None = None
    ) -> Event:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        body = {**self._head(".chunk"), "choices": [choice]}
        if self._ask.has_usage:
            body["usage"] = None
        return Event(token, b"data: %b\n\n" % encode(body), kind)

    def _head(self, suffix: str) -> dict[str, Any]:
        return {
            "id": "chatcmpl-paced",
            "object": f"chat.completion{suffix}",
            "created": CREATED,
            "model": self._reply.model,
            "system_fingerprint": None,
        }

    def _usage(self, input_tokens: int) -> dict[str, Any]:
        tokens = self._ask.tokens
        reasoning = reasoning_of(self._reply, tokens)
        return {
            "prompt_tokens": input_tokens,
            "completion_tokens": tokens,
            "total_tokens": input_tokens + tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }


def _delta(chunk: Chunk, number: int) -> dict[str, Any]:
    """Return what a chunk brings; the first of a tool call brings its name too."""
    if chunk.kind == CONTENT:
        return {"content": chunk.text}
    if chunk.kind == REASONING:
        return {"reasoning_content": chunk.text}
    if number:
        return {"tool_calls": [{"index": 0, "function": {"arguments": chunk.text}}]}
    function = {"name": _TOOL, "arguments": chunk.text}
    return {"tool_calls": [{"index": 0, "id": _CALL, "type": "function", "function": function}]}


_NAMES = {REASONING: "reasoning_text", TOOL: "function_call_arguments", CONTENT: "output_text"}
_RESPONSE: dict[str, Any] = {
    "background": False,
    "error": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}


class Responses:
    """The Responses dialect; each part of an answer is an item of its output."""

    def __init__(self, reply: PacedReply, ask: Ask) -> None:
        self._reply, self._ask = reply, ask
        self._parts = parts(reply, ask.tokens)
        self._count = 0

    def events(self) -> Iterator[Event]:
        """See ``Writer``."""
        self._count = 0
        begun = self._response("in_progress", [], None)
        for kind in ("created", "in_progress"):
            yield self._event(-1, f"response.{kind}", {"response": begun}, EMPTY)
        for index, part in enumerate(self._parts):
            yield from self._item(index, part)

    def _item(self, index: int, part: Part) -> Iterator[Event]:
        first, last = part.chunks[0].token, part.chunks[-1].token
        name = f"response.{_NAMES[part.kind]}"
        added = {"output_index": index, "item": _item(part, is_done=False)}
        # A tool's name comes with its item, and so does the role of a message.
        kind = {TOOL: TOOL, CONTENT: ROLE}.get(part.kind, EMPTY)
        yield self._event(first, "response.output_item.added", added, kind)
        item = _item(part, is_done=True)
        at: dict[str, Any] = {"item_id": item["id"], "output_index": index}
        if part.kind != TOOL:
            at["content_index"] = 0
            body = {**at, "part": _content(part.kind, "")}
            yield self._event(first, "response.content_part.added", body, EMPTY)
        for chunk in part.chunks:
            yield self._event(chunk.token, f"{name}.delta", {**at, "delta": chunk.text}, part.kind)
        whole = "arguments" if part.kind == TOOL else "text"
        yield self._event(last, f"{name}.done", {**at, whole: part.text}, EMPTY)
        if part.kind != TOOL:
            body = {**at, "part": _content(part.kind, part.text)}
            yield self._event(last, "response.content_part.done", body, EMPTY)
        done = {"output_index": index, "item": item}
        yield self._event(last, "response.output_item.done", done, EMPTY)

    def tail(self, input_tokens: int) -> Iterator[Event]:
        """See ``Writer``."""
        body = {"response": self.whole(input_tokens)}
        number = self._count
        yield self._event(self._ask.tokens - 1, f"response.{self._status}", body, DONE)
        self._count = number  # the end is written once an answer, the rest once for all

    def whole(self, input_tokens: int) -> dict[str, Any]:
        """See ``Writer``."""
        tokens = self._ask.tokens
        usage = {
            "input_tokens": input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": reasoning_of(self._reply, tokens)},
            "total_tokens": input_tokens + tokens,
        }
        items = [_item(part, is_done=True) for part in self._parts]
        return self._response(self._status, items, usage)

    @property
    def _status(self) -> str:
        return "incomplete" if self._ask.is_cut else "completed"

    def _response(
        self, status: str, output: list[Any], usage: dict[str, Any] | None
    ) -> dict[str, Any]:
        return {
            "id": "resp_paced",
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "incomplete_details": (
                {"reason": "max_output_tokens"} if status == "incomplete" else None
            ),
            "model": self._reply.model,
            "output": output,
            **_RESPONSE,
            "usage": usage,
        }

    def _event(self, token: int, name: str, body: dict[str, Any], kind: str) -> Event:
        data = encode({"type": name, **body, "sequence_number": self._count})
        self._count += 1
        return Event(token, b"event: %b\ndata: %b\n\n" % (name.encode(), data), kind)


def _item(part: Part, *, is_done: bool) -> dict[str, Any]:
    """Return an item of the output; one that is not done has no content yet."""
    text = part.text if is_done else ""
    status = "completed" if is_done else "in_progress"
    if part.kind == TOOL:
        head = {"type": "function_call", "id": "fc_paced", "status": status}
        return {**head, "call_id": _CALL, "name": _TOOL, "arguments": text}
    content = [_content(part.kind, text)] if is_done else []
    if part.kind == REASONING:
        return {"type": "reasoning", "id": "rs_paced", "summary": [], "content": content}
    head = {"type": "message", "id": "msg_paced", "status": status, "role": "assistant"}
    return {**head, "content": content}


def _content(kind: str, text: str) -> dict[str, Any]:
    if kind == REASONING:
        return {"type": "reasoning_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
