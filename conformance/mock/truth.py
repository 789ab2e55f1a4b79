"""What the paced endpoint really wrote, and when: the truth that a client is held against.

Times are nanoseconds of ``time.perf_counter_ns`` (on Linux one clock for all processes of a
machine), taken immediately before each send: no client can see a byte earlier.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.errors import EvidenceInvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FORMAT = "truth/1"

ROLE, REASONING, CONTENT, TOOL, EMPTY, USAGE, DONE = "r", "t", "c", "f", "e", "u", "d"
"""What an event of a stream carries: the letters of ``conformance.profile.log``."""
TOKENS = frozenset((REASONING, CONTENT, TOOL))
"""Events that bring tokens."""


class Written(msgspec.Struct, omit_defaults=True):
    """One answer, write by write."""

    request_id: str
    """The client's ``X-Request-Id``; empty where it sent none."""
    arrived: int
    """The request was read to its end; what is due counts from here."""
    status: int
    at: list[int] = []
    """When each write was handed to the system."""
    due: list[int] = []
    """When it was to be."""
    kinds: list[str] = []
    """What each write carried, a letter an event; no letter for an answer that is no stream."""
    input_tokens: int = 0
    output_tokens: int = 0
    """As told in the usage, reasoning included; 0 where the answer is a failure."""
    reasoning_tokens: int = 0
    is_whole: bool = True
    """It was written to its end: the client did not go away, and it was not to break off."""
    blocked: int = 0
    """Writes that the system did not take at once, because the client read too slowly."""

    def first(self, kinds: str | frozenset[str]) -> int | None:
        """Return when the first event of one of these kinds was written."""
        for at, carried in zip(self.at, self.kinds, strict=True):
            if any(kind in kinds for kind in carried):
                return at
        return None

    def times(self, kinds: str | frozenset[str] = TOKENS) -> list[int]:
        """Return when each event of these kinds was written; those of one write have one time."""
        return [
            at
            for at, carried in zip(self.at, self.kinds, strict=True)
            for kind in carried
            if kind in kinds
        ]

    @property
    def ttft_ns(self) -> int | None:
        """From the arrival to the first content; None without one."""
        first = self.first(CONTENT)
        return None if first is None else first - self.arrived

    @property
    def gaps_ns(self) -> list[int]:
        """Between events that bring tokens."""
        times = self.times()
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    @property
    def lags_ns(self) -> list[int]:
        """How late each write was."""
        return [at - due for at, due in zip(self.at, self.due, strict=True)]


class Truth(NamedTuple):
    """A record."""

    written: list[Written]
    """By the end of each answer."""
    forgotten: int = 0
    """Answers that are no longer in it, for it holds only so much; the oldest go first."""


class _Header(msgspec.Struct, frozen=True):
    format: str
    clock: str = "time.perf_counter_ns"
    forgotten: int = 0


class Lag(NamedTuple):
    """How late writes were, in milliseconds; quantiles by nearest rank, 0 where there are none."""

    writes: int
    events: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def lag_of(written: Iterable[Written]) -> Lag:
    """Return how late the endpoint itself was."""
    answers = list(written)
    lags = sorted(lag for answer in answers for lag in answer.lags_ns)
    events = sum(len(carried) for answer in answers for carried in answer.kinds)
    if not lags:
        return Lag(0, events, 0.0, 0.0, 0.0)
    p50, p99 = (lags[math.ceil(share * len(lags)) - 1] / 1e6 for share in (0.5, 0.99))
    return Lag(len(lags), events, p50, p99, lags[-1] / 1e6)


def encode_truth(written: Sequence[Written], forgotten: int = 0) -> bytes:
    """Write a record as JSON Lines: a header, then an answer a line."""
    encoder = msgspec.json.Encoder()
    lines = (_Header(FORMAT, forgotten=forgotten), *written)
    return b"".join(encoder.encode(line) + b"\n" for line in lines)


def decode_truth(data: bytes, where: str = "the record") -> Truth:
    """Read a record.

    Raises:
        EvidenceInvalidError: it is none.
    """
    try:
        first, *rest = data.splitlines()
        header = msgspec.json.decode(first, type=_Header)
        decoder = msgspec.json.Decoder(Written)
        written = [decoder.decode(line) for line in rest]
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise EvidenceInvalidError(
            f"is no record of a paced endpoint ({error})",
            where=where,
            mend="name one that conformance serve mock --record wrote",
        ) from None
    if header.format != FORMAT:
        raise EvidenceInvalidError(f"is of format {header.format!r}", where=where)
    if any(not len(one.at) == len(one.due) == len(one.kinds) for one in written):
        raise EvidenceInvalidError("has an answer whose writes do not match", where=where)
    return Truth(written, header.forgotten)


def read_truth(path: Path) -> Truth:
    """Read a record from a file.

    Raises:
        EvidenceInvalidError: it is none, or cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvidenceInvalidError(f"cannot be read ({error})", where=str(path)) from None
    return decode_truth(data, str(path))
