"""What the three dialects have in common: requests that may be changed, replies that are read."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from conformance.agents.faults import Failure, status_failure
from conformance.agents.modelclient import plain_model_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.agents.contract import Dialect

SEARCHED_MODEL = ":online"
"""Ending of a model's name by which some routers add a web search."""
REMOVED = "[taken out by the suite: {kind} at a remote address]"
_LINKS = ("image_url", "video_url", "audio_url")
_STORED = ("file_id", "file_url")
_HINTS = (b'_url"', b'"file', b'"source"', b"container_upload", b"\\u")
"""Messages with none of these hold nothing remote. An escape may spell any of them."""
_MOST_STRIPPED = 20
_LONGEST_KIND = 40
_DIGEST_BYTES = 12

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


class UnreadableError(Exception):
    """A request's body is no JSON object: what cannot be read is not forwarded."""


class Request:
    """A request's body. Its members stay bytes, and only what is looked at is decoded.

    Raises:
        UnreadableError: the body is no JSON object.
    """

    def __init__(self, body: bytes, system: str, items: str) -> None:
        try:
            self._fields = _members(body)
        except (ValueError, RecursionError):
            # Half a character in it is mended for the record; the bytes go on as they are.
            told = decode(body)
            if not isinstance(told, dict):
                raise UnreadableError("it is no object") from None
            self._fields = {name: msgspec.Raw(encode(value)) for name, value in told.items()}
        self._body = body
        self._is_changed = False
        self.stripped: list[str] = []
        """Types of what was taken out, each once."""
        self.tools: int | None = None
        """How many tools are offered, once the hosted ones are out."""
        self.is_usage_injected = False
        self._system, self._items = system, items

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def get(self, name: str) -> Any:
        """Return a member decoded; None where there is none."""
        raw = self._fields.get(name)
        return None if raw is None else decode(raw)

    def put(self, name: str, value: Any) -> None:
        """Set a member."""
        self._fields[name] = msgspec.Raw(encode(value))
        self._is_changed = True

    def drop(self, name: str) -> None:
        """Take a member out."""
        self._is_changed = self._fields.pop(name, None) is not None or self._is_changed

    def strip(self, kind: str) -> None:
        """Take note that something was taken out."""
        if kind not in self.stripped and len(self.stripped) < _MOST_STRIPPED:
            self.stripped.append(kind[:_LONGEST_KIND])

    def strip_fields(self, *names: str) -> None:
        """Take out members that have the provider do more than a model does."""
        for name in names:
            if name in self._fields:
                self.drop(name)
                self.strip(name)

    def strip_tools(self, is_own: Callable[[dict[str, Any]], bool]) -> None:
        """Take out the tools that the provider would run, those in namespaces too."""
        offered = self.get("tools")
        if not isinstance(offered, list):
            return
        kept = self._kept(offered, is_own)
        self.tools = len(kept)
        if kept == offered:
            return
        if not kept:
            for name in ("tools", "tool_choice", "parallel_tool_calls"):
                self.drop(name)
            return
        self.put("tools", kept)
        choice = self.get("tool_choice")
        names = [None, *(tool.get("name") for tool in dicts(kept))]
        if isinstance(choice, dict) and (
            choice.get("type") in self.stripped or choice.get("name") not in names
        ):
            self.drop("tool_choice")

    def _kept(self, tools: list[Any], is_own: Callable[[dict[str, Any]], bool]) -> list[Any]:
        kept: list[Any] = []
        for tool in tools:
            if not isinstance(tool, dict):
                kept.append(tool)
            elif tool.get("type") == "namespace" and isinstance(tool.get("tools"), list):
                kept.append({**tool, "tools": self._kept(tool["tools"], is_own)})
            elif is_own(tool):
                kept.append(tool)
            else:
                self.strip(str(tool.get("type")))
        return kept

    def strip_remote(self, text_type: str) -> None:
        """Put a text in the place of images and files that the provider would fetch."""
        for name in (self._system, self._items):
            raw = self._fields.get(name)
            if raw is None or not any(hint in bytes(raw) for hint in _HINTS):
                continue
            value = decode(raw)
            # Looked at as the content of one message, so that plain items are seen too.
            changed = self._without_remote({"content": value}, text_type)["content"]
            if changed is not value:
                self.put(name, changed)

    def _without_remote(self, part: Any, text_type: str) -> Any:
        """Return a message or part without what is remote; the same object if nothing is."""
        if not isinstance(part, dict):
            return part
        kind = _remote_kind(part)
        if kind is not None:
            self.strip(kind)
            return {"type": text_type, "text": REMOVED.format(kind=kind)}
        for name in ("content", "output", "source"):
            inner = part.get(name)
            if isinstance(inner, dict):
                inner = self._without_remote(inner, text_type)
            elif isinstance(inner, list):
                parts = [self._without_remote(item, text_type) for item in inner]
                if any(new is not old for new, old in zip(parts, inner, strict=True)):
                    inner = parts
            if inner is not part.get(name):
                part = {**part, name: inner}
        return part

    @property
    def model(self) -> str:
        """Return the model's name as asked for; empty where none is."""
        name = self.get("model")
        return name if isinstance(name, str) else ""

    def plain_model(self) -> None:
        """Ask for the model itself where its name asks for a web search too."""
        name = self.model
        if name.endswith(SEARCHED_MODEL):
            self.put("model", name.removesuffix(SEARCHED_MODEL))
            self.strip(SEARCHED_MODEL)

    def body(self) -> bytes:
        """Return the body to forward: the very bytes that came, where nothing was changed."""
        return encode(self._fields) if self._is_changed else self._body

    def system(self) -> msgspec.Raw | None:
        """Return the instructions that stand beside the messages."""
        return self._fields.get(self._system)

    def items(self) -> list[msgspec.Raw]:
        """Return the messages, undecoded; none where there is no list of them."""
        raw = self._fields.get(self._items)
        if raw is None:
            return []
        try:
            return _items(raw)
        except ValueError:
            told = decode(raw)
            if not isinstance(told, str):
                return []
            return [msgspec.Raw(encode({"role": "user", "content": told}))]


class Usage(NamedTuple):
    """Tokens as an endpoint counted them; None where it did not say."""

    input: int | None = None
    """All that was read, from a cache or not."""
    output: int | None = None
    cached: int | None = None
    reasoning: int | None = None


class Heard(NamedTuple):
    """A reply, in one form for all dialects."""

    message: dict[str, Any]
    """``content`` (text or None), ``tool_calls`` in the form of chat completions, and where there
    is any ``reasoning`` and ``refusal``."""
    finish_reason: str | None = None
    served_model: str | None = None
    usage: Usage = Usage()
    ids: tuple[str, ...] = ()
    """By which later requests may refer to the reply and its parts."""
    failure: Failure | None = None
    """What was wrong with it, under its good status."""


class Reading(Protocol):
    """A stream that is read as it passes."""

    has_content: bool
    """Something of the message itself has come."""
    is_done: bool
    """The mark of the end has come; nothing of meaning follows."""

    def take(self, event: dict[str, Any]) -> None:
        """Read one event."""
        ...

    def done(self) -> None:
        """Take note of the mark by which some dialects end a stream."""
        ...

    def heard(self) -> Heard:
        """Return the reply so far; its failure where the stream was broken off."""
        ...


class Speech(Protocol):
    """One dialect."""

    name: Dialect
    path: str
    """After ``/v1/``."""

    def read(self, body: bytes, *, asks_usage: bool = True) -> Request:
        """Read a request and take out of it what the provider would do beside the model.

        Args:
            body: What the agent sent.
            asks_usage: Also ask for the usage, where a stream would not tell it.

        Raises:
            UnreadableError: it is no JSON object.
        """
        ...

    def whole(self, body: dict[str, Any]) -> Heard:
        """Read a reply that came in one piece."""
        ...

    def stream(self) -> Reading:
        """Begin to read a stream."""
        ...

    def error(self, status: int, message: str, code: str) -> bytes:
        """Return an error as a body of this dialect."""
        ...


def decode(raw: bytes | msgspec.Raw) -> Any:
    """Decode JSON; half surrogate pairs, as some programs cut them, become U+FFFD.

    Raises:
        UnreadableError: it is no JSON.
    """
    try:
        return _decode(raw)
    except (ValueError, RecursionError):
        pass
    try:
        told = json.dumps(json.loads(bytes(raw)), ensure_ascii=False)
        return _decode(told.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


def digest(raw: msgspec.Raw) -> bytes:
    """Return a short digest of a message; marks for the provider's cache do not count."""
    data = bytes(raw)
    if b'"cache_control"' in data:
        data = encode(_without_marks(decode(raw)))
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


def count(usage: Any, name: str) -> int | None:
    """Return a count of tokens; None where there is none."""
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(told: Any) -> str:
    """Return a text, also of a content in parts; empty where there is none."""
    if isinstance(told, str):
        return told
    return "".join(text(part.get("text")) for part in dicts(told)) if told else ""


def dicts(told: Any) -> list[dict[str, Any]]:
    """Return those items of a list that are objects; none where it is no list."""
    return [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []


def one(told: Any) -> dict[str, Any]:
    """Return an object; an empty one where it is none."""
    return told if isinstance(told, dict) else {}


def served(name: Any) -> str | None:
    """Return a served model's name, fit for a record."""
    return plain_model_name(name) if isinstance(name, str) else None


def tool_call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    """Return a tool call in the form of chat completions."""
    given = arguments if isinstance(arguments, str) else encode(arguments).decode()
    function = {"name": str(name or ""), "arguments": given}
    return {"id": str(call_id or ""), "type": "function", "function": function}


def message(
    content: list[str], calls: list[dict[str, Any]], reasoning: str = "", refusal: str = ""
) -> dict[str, Any]:
    """Return an assistant's message in the one form of records."""
    made: dict[str, Any] = {"role": "assistant", "content": "".join(content) or None}
    if calls:
        made["tool_calls"] = calls
    if reasoning:
        made["reasoning"] = reasoning
    if refusal:
        made["refusal"] = refusal
    return made


def bad_reply(problem: str) -> Failure:
    """Return the failure of a reply with a good status that is none."""
    return Failure("bad_reply", "body", f"the reply is none of a model: {problem}", is_retried=True)


def told_failure(body: dict[str, Any]) -> Failure:
    """Read an error that came with a good status, in a body or in a stream."""
    inner = one(body.get("error")) or body
    words = f"{inner.get('code')} {inner.get('type')}"
    code = inner.get("code")
    if isinstance(code, int) and 400 <= code < 600:  # noqa: PLR2004 - as HTTP statuses
        status = code
    elif "rate_limit" in words:
        status = 429
    elif "invalid" in words or "context_length" in words:
        status = 400
    else:
        status = 500
    failure = status_failure(status, body, {}, lambda: 0.0)
    # No such status came: the label says where the error stood.
    return failure._replace(label="body", status=None)


def openai_error(status: int, told: str, code: str) -> bytes:
    """Return an error as chat completions and Responses have it."""
    kind = "invalid_request_error" if status < 500 else "server_error"  # noqa: PLR2004
    return encode({"error": {"message": told, "type": kind, "param": None, "code": code}})


def _remote_kind(part: dict[str, Any]) -> str | None:
    """Return what of a part the provider would fetch from elsewhere, if anything."""
    for name in _LINKS:
        link = part.get(name)
        url = link.get("url") if isinstance(link, dict) else link
        if isinstance(url, str) and not url.lstrip().lower().startswith("data:"):
            return name
    for holder in (part, one(part.get("file"))):
        for name in _STORED:
            if isinstance(holder.get(name), str):
                return name
    source = part.get("source")
    if isinstance(source, dict) and source.get("type") in ("url", "file"):
        return f"{part.get('type')} by {source['type']}"
    return "container_upload" if part.get("type") == "container_upload" else None


def _without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_marks(v) for k, v in value.items() if k != "cache_control"}
    return [_without_marks(item) for item in value] if isinstance(value, list) else value
