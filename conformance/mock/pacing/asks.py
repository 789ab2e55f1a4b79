"""What a request asks of the paced endpoint: only that is read of it, for bodies may be long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import msgspec

from conformance.mock.conversation import BadRequestError
from conformance.mock.tokens import BYTES

if TYPE_CHECKING:
    from conformance.mock.pacing.answers import PacedReply

MOST_TOKENS = 131_072
"""The longest answer that can be asked for."""

Dialect = Literal["chat", "responses"]
_Count = Annotated[int, msgspec.Meta(ge=1, le=MOST_TOKENS)] | None


class Ask(NamedTuple):
    """All of a request that the bytes of its answer depend on, but for its own length."""

    dialect: Dialect
    is_stream: bool
    has_usage: bool
    """Usage is asked for at the end of a stream; Responses always brings it."""
    tokens: int
    """How long the answer is."""
    is_cut: bool
    """It ends because the request allows no more, not by itself."""


class Asked(NamedTuple):
    """A request, read."""

    ask: Ask
    input_tokens: int
    """A fourth of the bytes that its conversation and its tools have as JSON."""


class _Options(msgspec.Struct):
    include_usage: bool | None = None


class _Body(msgspec.Struct):
    model: str
    stream: bool | None = None
    stream_options: _Options | None = None
    ignore_eos: bool | None = None
    tools: msgspec.Raw = msgspec.Raw()


class _Chat(_Body):
    messages: msgspec.Raw = msgspec.Raw()
    max_tokens: _Count = None
    max_completion_tokens: _Count = None
    n: Literal[1] | None = None


class _Responses(_Body):
    input: msgspec.Raw = msgspec.Raw()
    instructions: msgspec.Raw = msgspec.Raw()
    max_output_tokens: _Count = None


_chat = msgspec.json.Decoder(_Chat).decode
_responses = msgspec.json.Decoder(_Responses).decode


def read_ask(dialect: Dialect, data: bytes, reply: PacedReply) -> Asked:
    """Read a request's body.

    Args:
        dialect: Of the request.
        data: The body.
        reply: What it is answered with.

    Raises:
        BadRequestError: it is not of its dialect.
    """
    try:
        if dialect == "chat":
            chat = _chat(data)
            body: _Body = chat
            said = [chat.messages, chat.tools]
            most = chat.max_completion_tokens or chat.max_tokens
        else:
            responses = _responses(data)
            body = responses
            said = [responses.input, responses.instructions, responses.tools]
            most = responses.max_output_tokens
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise BadRequestError(str(error)) from None
    if not bytes(said[0]) or bytes(said[0]) == b"null":
        raise BadRequestError(f"{'messages' if dialect == 'chat' else 'input'}: nothing is asked")
    options = body.stream_options
    ask = Ask(
        dialect,
        is_stream=bool(body.stream),
        has_usage=options is not None and bool(options.include_usage),
        tokens=_length(most, reply.tokens, ignore_eos=bool(body.ignore_eos)),
        is_cut=most is not None and (most < reply.tokens or bool(body.ignore_eos)),
    )
    return Asked(ask, sum(-(-len(bytes(part)) // BYTES) for part in said))


def _length(most: int | None, own: int, *, ignore_eos: bool) -> int:
    if most is None:
        return own
    return most if ignore_eos else min(most, own)
