"""The conditions of a link, and what it does to each segment: a pure model of one direction.

A segment waits for the link to be visible and free, takes its time to be sent, may be lost and sent
again after a time-out, and travels for the delay. What carries real bytes is ``proxy``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.errors import UsageError

if TYPE_CHECKING:
    from random import Random

    from conformance.link.endpoint import LinkedEndpoint

SEGMENT_BYTES = 1460
"""TCP's payload in an Ethernet frame."""
LEAST_MARGIN_S = 0.2
"""Linux adds at least this to the round trip for its retransmission time-out (``TCP_RTO_MIN``)."""
FIRST_TIMEOUT_S = 1.0
"""Of a connection that is not open yet (RFC 6298, 2.1)."""
MOST_TIMEOUT_S = 120.0
"""No time-out grows beyond it (Linux's ``TCP_RTO_MAX``)."""
GIVE_UP_S = 924.6
"""A connection that gets nothing through for so long is broken (Linux's ``tcp_retries2`` = 15)."""
MOST_LOSS = 0.5


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lies between client and endpoint; the same in all its connections.

    Raises:
        UsageError: figures that make no link.
    """

    name: str = "custom"
    delay_s: float = 0.0
    """One way."""
    jitter_s: float = 0.0
    """The delay of a segment is ``delay_s`` ± this, uniformly; none overtakes another."""
    loss: float = 0.0
    """The probability that a segment is lost, each time it is sent."""
    up_bit_s: float | None = None
    down_bit_s: float | None = None
    """Bit/s from and to the client, shared by all connections; None: as fast as it comes."""
    period_s: float | None = None
    visible_s: float | None = None
    """Of each period the first so many seconds are visible; in the rest nothing is sent, and what
    has to be sent waits. The first period begins with the proxy."""
    seed: int = 0
    """Of jitter and loss."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        for field in ("delay_s", "jitter_s", "loss", "up_bit_s", "down_bit_s"):
            value = getattr(self, field)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise _bad(field, f"{value} is no size")
        if self.jitter_s > self.delay_s:
            raise _bad("jitter", "is larger than the delay", "no segment arrives before it is sent")
        if self.loss > MOST_LOSS:
            raise _bad("loss", f"{self.loss:.0%} is more than {MOST_LOSS:.0%}", "write loss=1%")
        for field in ("up_bit_s", "down_bit_s"):
            if getattr(self, field) == 0:
                raise _bad(field, "nothing would ever arrive", "leave it out for no limit")
        if (self.period_s is None) != (self.visible_s is None):
            raise _bad("period, visible", "go together", "period=15s,visible=14.8s")
        if self.period_s is not None and self.visible_s is not None:
            is_window = 0 < self.visible_s <= self.period_s and math.isfinite(self.period_s)
            if not is_window:
                raise _bad("visible", "is no part of the period", "0 < visible ≤ period")

    def visible_from(self, at: float) -> float:
        """Return the first moment from ``at`` (seconds since the link began) at which it sends."""
        if self.period_s is None or self.visible_s is None:
            return at
        since = at % self.period_s
        return at if since < self.visible_s else at - since + self.period_s

    def dark(self, until: float) -> tuple[int, float]:
        """Return how many outages began before ``until``, and how many seconds they lasted."""
        if self.period_s is None or self.visible_s is None or self.visible_s == self.period_s:
            return 0, 0.0
        whole, since = divmod(until, self.period_s)
        is_dark = since > self.visible_s
        seconds = whole * (self.period_s - self.visible_s)
        return int(whole) + is_dark, seconds + is_dark * (since - self.visible_s)

    @property
    def timeout_s(self) -> float:
        """Return how long a sender waits for the receipt of a segment before it sends it again.

        RFC 6298, 2.3: the round trip and four times its mean deviation, of which Linux takes no
        less than 200 ms. The sum of two uniform ± j has a mean deviation of 2j/3.
        """
        return 2 * self.delay_s + max(LEAST_MARGIN_S, 4 * (2 * self.jitter_s / 3))

    def to(self, base_url: str) -> LinkedEndpoint:
        """Return an endpoint at its far end; nothing is started yet."""
        from conformance.link.endpoint import LinkedEndpoint

        return LinkedEndpoint(base_url, self)

    def describe(self) -> dict[str, Any]:
        """Return all of it, for a profile or for who an agent is."""
        described: dict[str, Any] = msgspec.to_builtins(self)
        return described

    def __str__(self) -> str:
        """Return it in a line: ``geo: 300 ± 10 ms each way, 0.1 % lost, …``."""
        parts = [f"{1000 * self.delay_s:g} ± {1000 * self.jitter_s:g} ms each way"]
        if self.loss:
            parts.append(f"{100 * self.loss:g} % lost")
        for rate, way in ((self.up_bit_s, "up"), (self.down_bit_s, "down")):
            if rate is not None:
                parts.append(f"{rate / 1e6:g} Mbit/s {way}")
        if self.period_s is not None:
            parts.append(f"visible {self.visible_s:g} s of every {self.period_s:g} s")
        return f"{self.name}: {', '.join(parts)}"


PRESETS = {
    "leo": Link(
        "leo",
        delay_s=0.0225,
        jitter_s=0.007,
        loss=0.01,
        up_bit_s=13e6,
        down_bit_s=97e6,
        period_s=15.0,
        visible_s=14.86,
    ),
    "geo": Link("geo", delay_s=0.3, jitter_s=0.01, loss=0.001, up_bit_s=3e6, down_bit_s=20e6),
    "lossy": Link("lossy", delay_s=0.04, jitter_s=0.01, loss=0.015),
}
"""What each figure stands on is in ``docs/link.md``."""


class Carried(NamedTuple):
    """What became of a segment."""

    arrives: float
    """Seconds since the link began."""
    losses: int
    held_s: float
    """How long it waited for the link to be visible."""


class Path:
    """One direction of a link. Segments must be given in the order in which they are sent."""

    def __init__(self, link: Link, bit_s: float | None) -> None:
        self.link = link
        self._bit_s = bit_s
        self._free = 0.0

    def carry(self, at: float, size: int, draws: Random) -> Carried:
        """Send so many bytes at ``at``, after what was sent before.

        Args:
            at: Seconds since the link began.
            size: Bytes, at most a segment.
            draws: Of the connection's direction: the same draws, the same fate.
        """
        ready = max(at, self._free)
        begins = self.link.visible_from(ready)
        sent = begins
        if self._bit_s is not None:
            sent += size * 8 / self._bit_s
            self._free = sent
        return self._travel(sent, begins - ready, self.link.timeout_s, draws)

    def open(self, at: float, draws: Random) -> float:
        """Return when a segment of a connection's opening arrives; it takes no bandwidth."""
        begins = self.link.visible_from(at)
        return self._travel(begins, begins - at, FIRST_TIMEOUT_S, draws).arrives

    def _travel(self, sent: float, held_s: float, timeout_s: float, draws: Random) -> Carried:
        link, losses = self.link, 0
        while link.loss and draws.random() < link.loss:
            losses += 1
            due = sent + timeout_s
            sent = link.visible_from(due)
            held_s += sent - due
            timeout_s = min(2 * timeout_s, MOST_TIMEOUT_S)
        jitter = draws.uniform(-link.jitter_s, link.jitter_s) if link.jitter_s else 0.0
        return Carried(sent + link.delay_s + jitter, losses, held_s)


class DirectionSeen(msgspec.Struct, frozen=True):
    """What a link did in one direction."""

    bytes: int
    segments: int
    lost: int
    """Segments that were lost at least once."""
    retransmissions: int
    held: int
    """Segments that waited for the link to be visible, and the longest wait."""
    held_s_max: float
    delay_ms_mean: float | None
    """From being read to being due at the other end, all included; null without segments."""
    delay_ms_max: float


class LinkSeen(msgspec.Struct, frozen=True):
    """What a link did so far."""

    seconds: float
    connections: int
    broken: int
    """Connections that it broke: nothing got through for ``GIVE_UP_S``."""
    failed: dict[str, int]
    """Connections to the endpoint that did not come about: ``connect``, ``tls``."""
    up: DirectionSeen
    down: DirectionSeen
    outages: int
    dark_s: float
    late_ms_p50: float | None
    late_ms_p99: float | None
    late_ms_max: float | None
    """How much later than due segments were handed on, in 0.1 ms: the proxy's own error."""


def _bad(field: str, what: str, mend: str = "") -> UsageError:
    return UsageError(f"{field}: {what}", where="link", mend=mend)
