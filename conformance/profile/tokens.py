"""How many tokens an answer had, and whether the server's own count can be true.

The server's usage counts; chunks are no tokens, for one may bring several. Where not one answer of
a load tells its usage, events are counted in its place, and the point says so. Never both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from conformance.profile.log import CONTENT, REASONING, TOKENS, TOOL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.profile.log import RequestLog

TokenSource = Literal["usage", "chunks"]


UNSEEN = 8
"""Marks of an answer's beginning and end: tokens without text."""
A_CALL = 64
"""The same with a tool call, whose name and marks are no text of an event either."""


class TokenCheck(msgspec.Struct, frozen=True):
    """What the done answers of a load say of their tokens."""

    source: TokenSource | None
    """None: some answers tell their usage and some do not, or none does and one came whole."""
    done: int
    with_usage: int
    contradictions: int
    """Answers whose usage cannot be true."""
    example: str
    """One of them."""


def check_tokens(requests: Iterable[RequestLog]) -> TokenCheck:
    """Find out where the tokens of a load are to be taken from; failed requests do not count."""
    done = [request for request in requests if request.is_done]
    with_usage = sum(request.output_tokens is not None for request in done)
    source: TokenSource | None = None
    if done and with_usage == len(done):
        source = "usage"
    elif done and not with_usage and all(request.events for request in done):
        source = "chunks"
    found = [text for text in map(contradiction, done) if text]
    return TokenCheck(source, len(done), with_usage, len(found), found[0] if found else "")


def output_tokens(request: RequestLog, source: TokenSource | None) -> int | None:
    """Return the output tokens of an answer, reasoning included; None where they are not known."""
    if source == "usage":
        return request.output_tokens
    if source == "chunks":
        return sum(kind in TOKENS for kind in request.kinds)
    return None


def streamed_tokens(request: RequestLog, source: TokenSource | None) -> int | None:
    """Return those that came as events: without reasoning that the server counts but keeps back."""
    tokens = output_tokens(request, source)
    if tokens is None or source != "usage" or REASONING in request.kinds:
        return tokens
    return tokens - (request.reasoning_tokens or 0)


def is_short(request: RequestLog, *, is_exact: bool) -> bool:
    """Say whether a done answer brought nothing, or not all that was asked for.

    Args:
        request: The answer.
        is_exact: As many tokens as asked for were to come, no fewer.
    """
    if not TOKENS.intersection(request.kinds):
        return True
    tokens, asked = request.output_tokens, request.asked_tokens
    return is_exact and tokens is not None and asked is not None and tokens < asked


def contradiction(request: RequestLog) -> str:
    """Say why the usage of a done answer cannot be true; empty where it can.

    An event of text or reasoning brings at least one token, so there cannot be more of them than
    tokens; the other way round says nothing, since a chunk may bring several: only that none came
    does, but for one, the mark of the end, and for reasoning that is kept back. Events of tool
    calls are left out: the head of a call is an event without a token of its own.
    """
    tokens = request.output_tokens
    if tokens is None:
        return ""
    # A token is one byte at least, but for marks that no text shows.
    text = sum(kind in (CONTENT, REASONING) for kind in request.kinds)
    asked = request.asked_tokens
    visible = tokens - (request.reasoning_tokens or 0)
    checks = (
        (tokens < 0, f"{tokens} output tokens"),
        (text > tokens, f"{tokens} output tokens in {text} events of text"),
        (
            bool(request.events) and not TOKENS.intersection(request.kinds) and visible > 1,
            f"{tokens} output tokens and no event that brings one",
        ),
        (
            request.text_bytes is not None
            and bool(request.events)
            and visible > request.text_bytes + (A_CALL if TOOL in request.kinds else UNSEEN),
            f"{visible} tokens in {request.text_bytes} bytes of text",
        ),
        (
            asked is not None and tokens > asked,
            f"{tokens} output tokens where at most {asked} were asked for",
        ),
        (
            (request.reasoning_tokens or 0) > tokens,
            f"{request.reasoning_tokens} reasoning tokens of {tokens} output tokens",
        ),
        (
            request.input_tokens is not None and request.input_tokens < 1,
            f"{request.input_tokens} input tokens",
        ),
        (
            request.input_tokens is not None
            and (request.cached_tokens or 0) > request.input_tokens,
            f"{request.cached_tokens} cached tokens of {request.input_tokens} input tokens",
        ),
    )
    return next((text for is_wrong, text in checks if is_wrong), "")
