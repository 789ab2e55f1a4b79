"""A reply before it is written in a dialect, and what a request's reader and writer share."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from conformance.mock.conversation import BadRequestError, Conversation, Move
from conformance.mock.tokens import REASONING, Usage, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

encode = msgspec.json.Encoder().encode


class Frame(NamedTuple):
    """One event of a stream, as it goes over the wire."""

    data: bytes
    is_token: bool = False


class Reply(NamedTuple):
    """What the model says; all of it is decided before the first byte is sent."""

    said: Conversation
    move: Move
    model: str
    usage: Usage
    tokens: tuple[str, ...]
    """The text, or the call's arguments as JSON, token by token."""
    id: str
    created: int
    """Seconds since 1970."""

    @property
    def text(self) -> str:
        """Return the text, or the call's arguments as JSON."""
        return "".join(self.tokens)

    @property
    def spoken(self) -> int:
        """Return the tokens that are sent: all but those of the reasoning."""
        return self.usage.output - self.usage.reasoning

    @property
    def call_id(self) -> str:
        """Return the id of the call, unique like the reply's."""
        return f"call_{self.id[:24]}"


class Dialect(Protocol):
    """One way to talk to a model; each is a module."""

    def read(self, body: dict[str, Any]) -> Conversation:
        """Read a request.

        Raises:
            BadRequestError: it is not of this dialect.
        """
        ...

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Return the body of a reply that is not streamed."""
        ...

    def stream(self, reply: Reply) -> Iterator[Frame]:
        """Yield the events of a reply that is."""
        ...

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return the body of a failure."""
        ...


def reply_to(said: Conversation, move: Move, model: str) -> Reply:
    """Put a move into words, and count them."""
    text = move.text if move.tool is None else encode(dict(move.arguments)).decode()
    tokens = tuple(pieces(text))
    reasoning = REASONING if said.has_reasoning else 0
    # The name of a tool is a token too.
    output = reasoning + len(tokens) + (move.tool is not None)
    usage = Usage(said.input_tokens, said.cached_tokens, output, reasoning)
    return Reply(said, move, model, usage, tokens, uuid.uuid4().hex, int(time.time()))


def model_of(body: dict[str, Any]) -> str:
    """Return the model that a request asks for."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequestError("model: a name is needed")
    return model


def objects(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects of a request; none where the request has none."""
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BadRequestError(f"{name}: a list of objects is needed")
    return found


def text_of(content: Any) -> str:
    """Return the text of a message, whole or in parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(part for part in parts if isinstance(part, str))


def named_frame(event: dict[str, Any], *, is_token: bool = False) -> Frame:
    """Return an event that is named by its type."""
    return Frame(b"event: %s\ndata: %s\n\n" % (event["type"].encode(), encode(event)), is_token)
