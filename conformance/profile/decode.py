"""One event of a stream, decoded: what it carries, why the answer ends, what the usage is.

Servers differ in what they leave out, send as null or add; what is not understood is not an error.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from conformance.profile.log import CONTENT, DONE, EMPTY, REASONING, ROLE, TOOL, USAGE
from conformance.profile.wire import AnswerError

MOST_TOKENS = 10**9
"""No request has so many; arithmetic on more need not be possible."""
OTHER = "other"
"""A reason of the end that is not known."""


class Usage(NamedTuple):
    """The server's own count."""

    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None


class Told(NamedTuple):
    """What an event tells."""

    kind: str
    text: str = ""
    """Of what made it this kind: content, reasoning or a tool call's arguments."""
    finish: str | None = None
    usage: Usage | None = None
    failure: str | None = None
    is_end: bool = False

    @property
    def is_bare(self) -> bool:
        """Say whether it tells nothing beside its text."""
        return self.finish is None and self.usage is None and not self.is_end


def read_chat(event: bytes) -> Told:
    """Decode an event of a chat completion's stream.

    Raises:
        AnswerError: it is no JSON object.
    """
    chunk = _object(event)
    failure = chunk.get("error")
    if failure or chunk.get("object") == "error":
        return Told(EMPTY, failure=_failure(chunk))
    usage = _chat_usage(chunk.get("usage"))
    finish = None
    texts: dict[str, str] = {}
    for choice in _list(chunk.get("choices")):
        if not isinstance(choice, dict):
            continue
        finish = finish or _finish(_text(choice.get("finish_reason")))
        # Moonshot writes the usage into the last choice.
        usage = usage or _chat_usage(choice.get("usage"))
        for kind, text in _delta(choice.get("delta")):
            texts.setdefault(kind, text)
    if usage is not None:
        texts[USAGE] = ""
    for kind in (CONTENT, TOOL, REASONING, USAGE, ROLE):
        if kind in texts:
            return Told(kind, texts[kind], finish, usage)
    return Told(EMPTY, "", finish, usage)


def read_responses(event: bytes) -> Told:
    """Decode an event of a Responses stream.

    ``response.completed`` and ``response.incomplete`` are its end mark, and bring the usage.

    Raises:
        AnswerError: it is no JSON object.
    """
    told = _object(event)
    name = _text(told.get("type"))
    if name in ("error", "response.failed", "response.cancelled") or (
        not name and told.get("error")
    ):
        response = told.get("response")
        return Told(EMPTY, failure=_failure(response if isinstance(response, dict) else told))
    if name in ("response.completed", "response.incomplete"):
        response = _dict(told.get("response"))
        return Told(
            DONE,
            finish=_responses_finish(response),
            usage=_responses_usage(response.get("usage")),
            is_end=True,
        )
    if name == "response.output_item.added":
        item = _text(_dict(told.get("item")).get("type"))
        return Told({"message": ROLE}.get(item, TOOL if item in _CALLS else EMPTY))
    text = told.get("delta")
    if name in _RESPONSES and isinstance(text, str) and text:
        return Told(_RESPONSES[name], text)
    return Told(EMPTY)


def describe_failure(data: bytes) -> str:
    """Return in one line what the body of an error, or the data of an error event, says."""
    try:
        told = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    if isinstance(told, dict):
        found = _failure(told)
        if found != _UNNAMED:
            return found
    return _first_line(data.decode("utf-8", "replace")) or _UNNAMED


_FINISHES = frozenset(
    (
        "stop", "length", "tool_calls", "function_call", "content_filter", "eos", "abort", "error",
        "max_tokens", "insufficient_system_resource", "repetition_truncation", "sensitive",
    )
)  # fmt: skip
_UNNAMED = "the server names no reason"
_CALLS = frozenset(("function_call", "custom_tool_call"))
_RESPONSES = {
    "response.output_text.delta": CONTENT,
    "response.refusal.delta": CONTENT,
    "response.reasoning_text.delta": REASONING,
    "response.reasoning_summary_text.delta": REASONING,
    "response.function_call_arguments.delta": TOOL,
    "response.custom_tool_call_input.delta": TOOL,
}


def _object(event: bytes) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise AnswerError("an event of the answer is no JSON") from None
    if not isinstance(told, dict):
        raise AnswerError("an event of the answer is no JSON object")
    return told


def _delta(delta: Any) -> list[tuple[str, str]]:
    """Return the kinds that a choice's delta carries, and their texts."""
    if not isinstance(delta, dict):
        return []
    found = []
    # A refusal is read by the user, as content is.
    content = delta.get("content") or delta.get("refusal")
    if content:
        found.append((CONTENT, _text(content)))
    calls = _list(delta.get("tool_calls")) or [
        {"function": call} for call in (delta.get("function_call"),) if call
    ]
    if calls:
        call = _dict(calls[0])
        found.append((TOOL, _text(_dict(call.get("function")).get("arguments"))))
    reasoning = delta.get("reasoning_content") or delta.get("reasoning")
    if reasoning:
        found.append((REASONING, _text(reasoning)))
    if delta.get("role"):
        found.append((ROLE, ""))
    return found


def _chat_usage(told: Any) -> Usage | None:
    if not isinstance(told, dict):
        return None
    cached = _dict(told.get("prompt_tokens_details")).get("cached_tokens")
    if cached is None:  # DeepSeek; Moonshot
        cached = told.get("prompt_cache_hit_tokens", told.get("cached_tokens"))
    reasoning = _dict(told.get("completion_tokens_details")).get("reasoning_tokens")
    if reasoning is None:  # SGLang
        reasoning = told.get("reasoning_tokens")
    return Usage(
        _count(told.get("prompt_tokens")),
        _count(cached),
        _count(told.get("completion_tokens")),
        _count(reasoning),
    )


def _responses_usage(told: Any) -> Usage | None:
    if not isinstance(told, dict):
        return None
    return Usage(
        _count(told.get("input_tokens")),
        _count(_dict(told.get("input_tokens_details")).get("cached_tokens")),
        _count(told.get("output_tokens")),
        _count(_dict(told.get("output_tokens_details")).get("reasoning_tokens")),
    )


def _responses_finish(response: dict[str, Any]) -> str:
    """Return the reason of the end in chat completions' words."""
    reason = _text(_dict(response.get("incomplete_details")).get("reason"))
    if reason:
        return "length" if reason == "max_output_tokens" else _finish(reason) or OTHER
    if any(_dict(item).get("type") in _CALLS for item in _list(response.get("output"))):
        return "tool_calls"
    return "stop"


def _failure(told: dict[str, Any]) -> str:
    error = told.get("error")
    if isinstance(error, str):
        return _first_line(error) or _UNNAMED
    for part in (_dict(error), told):
        for key in ("message", "detail", "code", "type"):
            if found := _first_line(_text(part.get(key))):
                return found
    return _UNNAMED


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value < MOST_TOKENS else None


def _finish(word: str) -> str | None:
    """Return a reason of the end by its known word; a server may write anything there."""
    return (word if word in _FINISHES else OTHER) if word else None
