"""What an event of a stream carries: quickly where that is certain, else by decoding its JSON.

Chat: consecutive events differ, as a rule, only in one string. Once an event was decoded and it was
tried that this string, and nothing else, stands between two fixed ends, an event with the same ends
and no quote between them is of the same kind: its JSON has the same structure. (Were the last quote
escaped, an even number of quotes would follow, and the last string would have no end.) Responses:
an object without a second brace has only members of its own, so a search finds type and text. Both
take for granted that what is sent is JSON without a key twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from conformance.profile.decode import Told, describe_failure, read_chat, read_responses
from conformance.profile.log import CONTENT, DONE, EMPTY, REASONING, TOOL
from conformance.profile.sse import EventStream
from conformance.profile.wire import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.log import RequestLog

_DATA = b"data: "
_END_MARK = b"[DONE]"
_QUOTE, _BACKSLASH = 34, 92
_STRINGS = {
    CONTENT: (b'"content"',),
    REASONING: (b'"reasoning_content"', b'"reasoning"'),
    TOOL: (b'"arguments"',),
}
"""By kind: the members whose text changes from one event to the next."""
_SHORTEST_ID = 9
"""Quotes included: a shorter word might be the name of a member."""
_TRIES = 4
"""How often ends are looked for before it is left for good; eight events of the same ends earn one
more try."""

_DELTAS = {
    b"response.output_text.delta": CONTENT,
    b"response.reasoning_text.delta": REASONING,
    b"response.reasoning_summary_text.delta": REASONING,
    b"response.function_call_arguments.delta": TOOL,
}
_TYPE_FIRST = tuple((b'{"type":"%b",' % name, kind) for name, kind in _DELTAS.items())
_TYPE_LAST = tuple((b',"type":"%b"}' % name, kind) for name, kind in _DELTAS.items())
_DELTA = b',"delta":"'
_DELTA_FIRST = b'{"delta":"'
_UNCERTAIN = None, 0


class Events(EventStream):
    """Writes the events of one answer into its log; ``times`` and ``kinds`` grow side by side.

    Args:
        log: What usage and the reason of the end are written to.
        read: Decodes an event of the dialect.
    """

    __slots__ = ("_read", "is_over", "kinds", "log", "text_bytes", "times")

    def __init__(self, log: RequestLog, read: Callable[[bytes], Told]) -> None:
        super().__init__()
        self.log = log
        self.times: list[int] = []
        self.kinds: list[str] = []
        self.text_bytes = 0
        """Of all text in them, as JSON has it: never less than the text itself."""
        self.is_over = False
        """The end mark came."""
        self._read = read

    def take(self, data: bytes, start: int, end: int, now: int) -> None:
        """Take an event's data; see ``EventStream``."""
        self._decode(data[start:end].strip(), now)

    def fail(self, data: bytes) -> NoReturn:
        """Raise what an event tells that is named ``error``."""
        raise AnswerError(describe_failure(data), "stream_error")

    def _decode(self, event: bytes, now: int) -> Told | None:
        if event == _END_MARK:
            self.is_over = True
            self._add(DONE, now)
            return None
        if not event:
            self._add(EMPTY, now)
            return None
        told = self._read(event)
        if told.failure is not None:
            raise AnswerError(told.failure, "stream_error")
        self._add(told.kind, now)
        if told.text:
            self.text_bytes += len(told.text.encode("utf-8", "surrogatepass"))
        if told.finish is not None:
            self.log.finish = told.finish
        if told.usage is not None:
            usage, log = told.usage, self.log
            log.input_tokens = usage.input_tokens
            log.cached_tokens = usage.cached_tokens
            log.output_tokens = usage.output_tokens
            log.reasoning_tokens = usage.reasoning_tokens
        if told.is_end:
            self.is_over = True
        return told

    def _add(self, kind: str, now: int) -> None:
        self.times.append(now)
        self.kinds.append(kind)


class Likeness:
    """What one stream of a server has learned, for its others: as a rule they differ in the id.

    Where many answers begin at once, learning each anew would hold up the reading of the rest.
    """

    __slots__ = ("head", "id", "kind", "tail")

    def __init__(self) -> None:
        self.kind = ""
        self.head = self.tail = self.id = b""

    def learn(self, kind: str, head: bytes, tail: bytes) -> None:
        """Keep the ends around a text; they are of use where the id stands in them."""
        found = _id_in(head + b"0" + tail, 0, len(head) + 1 + len(tail))
        if found is not None:
            self.kind, self.head, self.tail, self.id = kind, head, tail, found

    def ends_for(self, data: bytes, start: int, end: int) -> tuple[bytes, bytes] | None:
        """Return the ends with an event's own id in place of the other, if it begins with them.

        One string without an escape in place of another leaves the structure as it is.
        """
        found = _id_in(data, start, end) if self.kind else None
        if found is None:
            return None
        head = self.head.replace(self.id, found)
        return (head, self.tail.replace(self.id, found)) if data.startswith(head, start) else None


def _id_in(data: bytes, start: int, end: int) -> bytes | None:
    """Return the id of an event, quotes included; None where there is none to tell apart by."""
    at = data.find(b'"id":', start, end)
    opening = data.find(b'"', at + 5, end)
    closing = data.find(b'"', opening + 1, end)
    if at < 0 or opening < 0 or closing - opening < _SHORTEST_ID:
        return None
    found = data[opening : closing + 1]
    return None if b"\\" in found else found


class ChatEvents(Events):
    """Of chat completions."""

    __slots__ = (
        "_decoded", "_end", "_kind", "_lead", "_lead_length", "_likeness", "_tail", "_tail_length",
        "_tries",
    )  # fmt: skip

    def __init__(self, log: RequestLog, likeness: Likeness | None = None) -> None:
        super().__init__(log, read_chat)
        self._likeness = likeness or Likeness()
        # What stands before and after the text, beginning and end of the event included; no
        # event begins so until one was learned.
        self._lead, self._lead_length = b"\n", 1
        self._end, self._tail, self._tail_length = b"", b"", 0
        self._kind = ""
        self._tries = _TRIES
        self._decoded = 0

    def feed(self, data: bytes, start: int, end: int, now: int) -> None:
        """Take a piece of the body; see ``EventStream``."""
        # This is the hot path: an event that is like the last one costs three searches.
        if self.is_plain:
            while data.startswith(self._lead, start):
                text = start + self._lead_length
                quote = data.find(b'"', text, end)
                after = quote + self._tail_length + 2
                if quote <= text or after > end or not data.startswith(self._end, quote):
                    break
                self.times.append(now)
                self.kinds.append(self._kind)
                self.text_bytes += quote - text
                if after == end:
                    return
                start = after
        super().feed(data, start, end, now)

    def take(self, data: bytes, start: int, end: int, now: int) -> None:
        """Take an event's data; see ``EventStream``."""
        if not self._kind and (ends := self._likeness.ends_for(data, start, end)):
            self._know(self._likeness.kind, *ends)
        text = start + self._lead_length - len(_DATA)
        if data.startswith(self._lead[len(_DATA) :], start) and self._kind:
            quote = data.find(b'"', text, end)
            if (
                quote > text
                and quote + self._tail_length == end
                and data.startswith(self._tail, quote)
            ):
                self._add(self._kind, now)
                self.text_bytes += quote - text
                return
        event = data[start:end].strip()
        told = self._decode(event, now)
        likes = len(self.times) - 1 - self._decoded
        self._decoded = len(self.times)
        self._tries = min(self._tries + likes // 8, _TRIES)
        if self._tries and told is not None and told.text and told.is_bare:
            self._tries -= 1
            self._learn(event, told)

    def _learn(self, event: bytes, told: Told) -> None:
        for name in _STRINGS[told.kind]:
            at = event.find(name)
            if at < 0:
                continue
            opening = event.find(b'"', at + len(name)) + 1
            closing = event.find(b'"', opening)
            if closing <= opening or event[closing - 1] == _BACKSLASH:
                continue
            head, tail = event[:opening], event[closing:]
            other = "b" if told.text == "a" else "a"
            try:
                tried = read_chat(head + other.encode() + tail)
            except AnswerError:
                continue
            if tried == told._replace(text=other):
                self._know(told.kind, head, tail)
                self._likeness.learn(told.kind, head, tail)
                return

    def _know(self, kind: str, head: bytes, tail: bytes) -> None:
        self._kind = kind
        self._lead, self._lead_length = _DATA + head, len(_DATA + head)
        self._tail, self._tail_length = tail, len(tail)
        self._end = tail + b"\n\n"


class ResponsesEvents(Events):
    """Of Responses."""

    __slots__ = ()

    def __init__(self, log: RequestLog) -> None:
        super().__init__(log, read_responses)

    def take(self, data: bytes, start: int, end: int, now: int) -> None:
        """Take an event's data; see ``EventStream``."""
        kind, text_bytes = quick_responses(data, start, end)
        if kind is None:
            self._decode(data[start:end].strip(), now)
        else:
            self.times.append(now)
            self.kinds.append(kind)
            self.text_bytes += text_bytes


def quick_responses(data: bytes, start: int, end: int) -> tuple[str | None, int]:
    """Return the kind of a Responses event that brings tokens, and the bytes of its text.

    None: it is not certain.
    """
    if data.rfind(b"{", start, end) != start:
        return _UNCERTAIN
    text = data.find(_DELTA, start, end)
    if text < 0 and data.startswith(_DELTA_FIRST, start):
        text = start
    opening = text + len(_DELTA)
    if text < 0 or opening >= end or data[opening] == _QUOTE:
        return _UNCERTAIN
    closing = data.find(b'"', opening, end)
    if closing < 0 or data[closing - 1] == _BACKSLASH:
        return _UNCERTAIN
    for beginning, kind in _TYPE_FIRST:
        if data.startswith(beginning, start):
            return kind, closing - opening
    for ending, kind in _TYPE_LAST:
        if data.endswith(ending, start, end):
            return kind, closing - opening
    return _UNCERTAIN
