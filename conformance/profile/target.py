"""The endpoint that is loaded, and what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

LoadDialect = Literal["chat", "responses"]
"""Chat completions or Responses."""


class Target(msgspec.Struct, frozen=True):
    """An OpenAI-compatible endpoint; picklable, for it goes to the load's processes."""

    base_url: str
    """``http://HOST:PORT/v1`` or ``https://…``, as an OpenAI client wants it."""
    model: str
    dialect: LoadDialect = "chat"
    key: str = ""
    """Sent as ``Authorization: Bearer``; never in a log."""
    ca_file: str | None = None
    """Certificates to trust beside the system's, PEM."""
    timeout_s: float = 600.0
    """Of one request, from its sending to its end."""


class Step(NamedTuple):
    """One request that a slot of the load makes."""

    body: bytes
    """The whole JSON body."""
    wait_s: float = 0.0
    """How long the slot waits first: the think time of a replayed agent; its request is meant to
    go out when the wait is over."""
    asked_tokens: int | None = None
    session: int | None = None
    """Which replayed trial it belongs to, and which of its calls it is."""
    turn: int | None = None


class Workload(Protocol):
    """What is asked. Picklable; the same arguments give the same steps in every process."""

    def steps(self, slot: int) -> Iterator[Step]:
        """Yield what a slot asks, one after the other; endless, or until the work is done.

        In an open loop each arrival is a slot of its own, and its first step is what it asks.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return what of it stands in the profile."""
        ...


class Renewable(Workload, Protocol):
    """A workload for several loads on one server, which may keep what it has seen."""

    def renewed(self, load: int) -> Workload:
        """Return the like for another load, with no prompt that a cache of the server's knows."""
        ...
