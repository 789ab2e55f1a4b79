"""What the paced endpoint answers: how long, in which pieces; the words say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from conformance.mock.pace import Pace
from conformance.mock.truth import CONTENT, REASONING, TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "paced-1"
_WORD = " tok"
"""One token."""


class PacedReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every request is answered with."""

    tokens: int = 100
    """How long an answer is; shorter where the request allows fewer, and as long as it allows
    where it says ``ignore_eos``."""
    pace: Pace = Pace()
    tokens_per_chunk: int = 1
    """Tokens an event brings; it is due with the first of them."""
    reasoning_tokens: int = 0
    """So many tokens, from the first, are reasoning."""
    tool_tokens: int = 0
    """So many after those are the arguments of a tool call; the rest is content."""
    role_at_s: float | None = None
    """When the head and the event with the role alone are due, after the request; with the first
    token where it is None."""
    fail_every: int = 0
    """Each call of this number fails at once; 0: none does."""
    fail_status: Literal[429, 500, 503] = 503
    broken_every: int = 0
    """The answer to each call of this number breaks off half-way; 0: none does."""
    model: str = MODEL
    """The name it is served as; any other is answered too."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: it cannot.
        """
        if self.tokens < 1 or self.tokens_per_chunk < 1:
            raise ValueError("an answer has at least one token, and so has a chunk")
        if self.reasoning_tokens + self.tool_tokens > self.tokens:
            raise ValueError("more tokens are reasoning and tool call than there are")
        if self.role_at_s is not None and self.role_at_s > self.pace.ttft_s:
            raise ValueError("the role comes after the first token")


class Chunk(NamedTuple):
    """The tokens that one event brings, all of one kind."""

    token: int
    """The first of them."""
    kind: str
    text: str


class Part(NamedTuple):
    """What of an answer is of one kind."""

    kind: str
    chunks: list[Chunk]

    @property
    def text(self) -> str:
        """Return all of it."""
        return "".join(chunk.text for chunk in self.chunks)


def parts(reply: PacedReply, tokens: int) -> list[Part]:
    """Return an answer of so many tokens: its reasoning, its tool call, its content."""
    reasoning = min(reply.reasoning_tokens, tokens)
    tool = min(reasoning + reply.tool_tokens, tokens)
    bounds = ((REASONING, 0, reasoning), (TOOL, reasoning, tool), (CONTENT, tool, tokens))
    return [
        Part(kind, list(_chunks(kind, begin, end, reply.tokens_per_chunk)))
        for kind, begin, end in bounds
        if begin < end
    ]


def reasoning_of(reply: PacedReply, tokens: int) -> int:
    """Return how many of an answer's tokens are reasoning."""
    return min(reply.reasoning_tokens, tokens)


def _chunks(kind: str, begin: int, end: int, size: int) -> Iterator[Chunk]:
    words = [_WORD] * (end - begin)
    if kind == TOOL:  # arguments are JSON
        words[0], words[-1] = ('{"text":"', '"}') if len(words) > 1 else ("{}", "{}")
    for at in range(0, len(words), size):
        yield Chunk(begin + at, kind, "".join(words[at : at + size]))
