"""What the model door keeps of one handle: slots, failures, and what was sent already."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.agents.contract import ModelFaultError, TrialEndedError
from conformance.gateway.asgi import Room
from conformance.gateway.dialects import common

if TYPE_CHECKING:
    from conformance.agents.faults import Failure
    from conformance.gateway.dialects import Request
    from conformance.gateway.handles import Handle

_CALLS = 8
"""Earlier calls that a request may go on from: agents have side calls (titles, memories)."""
_SYSTEMS = 8
_MOST_NOTES = 20
"""Of each kind that a peculiar client would else write at every request."""


class Sent(NamedTuple):
    """A request's messages, told apart by whether an earlier call had them."""

    known: int
    fresh: list[dict[str, Any]]
    digests: tuple[bytes, ...]
    system: bytes | None


class Talk:
    """One handle's model calls so far.

    A request that fails is no model call of the trial's: the slot that it took is the next
    request's. Only an agent that fails on and on, more often in a row than it has calls, is
    stopped; the endpoint's fault, which stands on the handle then, says why.
    """

    def __init__(self, handle: Handle) -> None:
        # Weak: the door keeps this object for as long as there is the handle, and no longer.
        self._handle: Handle = weakref.proxy(handle)
        self._slots = 0
        """Taken for requests that failed."""
        self._failed: list[str] = []
        """Why each request since the last success failed, as ``ModelCall.retried_status``."""
        self._in_a_row = 0
        """Failures of the endpoint's since the last success."""
        self._calls: deque[tuple[bytes, ...]] = deque(maxlen=_CALLS)
        self._systems: deque[bytes] = deque(maxlen=_SYSTEMS)
        self._noted: dict[str, set[str]] = {}
        self.room = Room()
        self.ids: set[str] = set()
        """Of the responses this handle got, and of their parts."""

    def begin(self) -> None:
        """Take a slot for a request.

        Raises:
            TrialEndedError: there is none.
        """
        handle = self._handle
        if handle.is_revoked or handle.has_ended:
            raise TrialEndedError
        if self._in_a_row > handle.task.limits.model_calls:
            handle.over.set()
            raise TrialEndedError
        if self._slots:
            self._slots -= 1
        else:
            handle.before_model_call()

    def failed(self, failure: Failure, *, is_injected: bool = False) -> None:
        """Take note of a request that failed, and keep its slot for the next."""
        handle = self._handle
        self._slots += 1
        self._failed.append(failure.label)
        handle.note(
            "model_failure",
            status=failure.status,
            failure=failure.kind,
            injected=is_injected,
            message=failure.message,
        )
        if not is_injected:
            self._in_a_row += 1
            handle.fault = ModelFaultError(
                failure.kind,
                failure.message,
                status=failure.status,
                retries=len(self._failed) - 1,
            )

    def succeeded(self, sent: Sent) -> list[str]:
        """Take note of a reply; return why the requests before it had failed."""
        self._calls.append(sent.digests)
        if sent.system is not None and sent.system not in self._systems:
            self._systems.append(sent.system)
        failed, self._failed = self._failed, []
        self._in_a_row = 0
        return failed

    def sent(self, request: Request) -> Sent:
        """Tell apart what is new in a request.

        Instructions beside the messages count as the first of them, and are compared by
        themselves: some agents change theirs at every call.

        Raises:
            UnreadableError: a message is no JSON.
        """
        items = request.items()
        digests = tuple(common.digest(item) for item in items)
        known = max((_shared(digests, call) for call in self._calls), default=0)
        fresh = [_message(common.decode(item)) for item in items[known:]]
        told = request.system()
        system = None if told is None else common.digest(told)
        if told is not None:
            if system in self._systems:
                known += 1
            else:
                fresh.insert(0, {"role": "system", "content": common.decode(told)})
        return Sent(known, fresh, digests, system)

    def note_once(self, kind: str, what: str, **details: Any) -> None:
        """Record something the first time it comes up; of each kind no more than a few."""
        noted = self._noted.setdefault(kind, set())
        if what not in noted and len(noted) < _MOST_NOTES:
            noted.add(what)
            self._handle.note(kind, **details)


def _shared(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> int:
    """Return how many messages two calls have in common at their heads."""
    if one[: len(other)] == other:  # most go on from an earlier one
        return len(other)
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def _message(item: Any) -> dict[str, Any]:
    return item if isinstance(item, dict) else {"content": item}
