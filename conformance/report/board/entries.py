"""What the leaderboard knows of a submission, and in which order submissions stand.

Everything here comes from bundles that re-graded clean; a submission's own ``report.html`` is no
evidence and is never shown, for it is outside the manifest: the site renders its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from conformance.campaign.twins import Gap
from conformance.evidence.documents import Words

if TYPE_CHECKING:
    from collections.abc import Iterable

Standing = Literal["audited", "self-declared"]


class ClauseRow(msgspec.Struct, frozen=True):
    """The last word on a clause."""

    id: str
    verdict: str
    estimate: float | None
    """At stopping; None: nothing was observed."""
    lower: float | None
    upper: float | None
    p0: float
    n: int
    text: Words | None = None
    reason: str | None = None


class LoadPoint(msgspec.Struct, frozen=True):
    """What the endpoint did at one load; None is unknown."""

    concurrency: float
    tokens_s: float | None
    """Output tokens a second."""
    ttft_p50_ms: float | None
    tpot_p50_ms: float | None
    is_valid: bool


class ProfilePoint(msgspec.Struct, frozen=True):
    """The throughput profile in a bundle: its headline, and the curve."""

    is_valid: bool
    concurrency: float | None
    tokens_s: float | None
    ttft_p50_ms: float | None
    tpot_p50_ms: float | None
    joules_per_token: float | None
    solved_per_hour: float | None
    points: tuple[LoadPoint, ...]
    """In the order of their loads."""


class Entry(msgspec.Struct, frozen=True):
    """One submission that re-graded clean."""

    id: str
    """The bundle's id: SHA-256, hexadecimal."""
    slug: str
    """A safe file name of the agent; the same for all its submissions, and no other agent's."""
    folder: str
    """Its name in the folder of submissions."""
    agent: str
    """Its name, inert."""
    vendor: str | None
    model: str | None
    kind: str
    is_calibrator: bool
    standing: Standing
    """Always self-declared, until there are attestations that can be verified."""
    claimed_standing: str
    """What the bundle says of itself; nothing rests on it."""
    evidence_class: str
    edition: str
    edition_sha256: str
    edition_title: Words
    normative: bool
    plan: str
    plan_title: Words
    langs: tuple[str, ...]
    is_grade: bool
    """False: a screening."""
    seed_source: str
    """``os`` or ``applicant``."""
    mode: Words
    began: float
    """Seconds since the epoch; so is ``ended``."""
    ended: float
    ended_by: str
    """``complete`` or ``budget``."""
    level: str
    level_rank: int
    """0: no level is held."""
    level_title: Words | None
    trust: str
    trust_rank: int
    trust_title: Words | None
    efficiency: str
    clauses: tuple[ClauseRow, ...]
    trials: int
    """Trials that an agency clause observed."""
    solved: int
    """Of these, the trials that were worth 1 to every such clause."""
    tokens_per_solved: float | None
    """Of all those trials, failed ones included, over the solved ones; None is unknown, never 0.
    So are the next three."""
    cost_per_solved: float | None
    currency: str | None
    joules_per_solved: float | None
    seconds_per_solved: float | None
    gap: tuple[Gap, ...]
    profile: ProfilePoint | None
    hardware: str | None
    tokens_estimated: bool = False
    """The suite estimated some of the tokens."""
    next_lower: float = 0.0
    """The least lower end among those clauses of the level above that ran; 0: none did."""
    suite: str = ""
    """The version of the suite that made it."""
    version: str = ""
    """Of the agent, as the applicant says; empty where they do not."""
    remarks: tuple[Words, ...] = ()
    """What bears on a comparison and no figure shows: other limits, repeated trials."""


class Refused(msgspec.Struct, frozen=True):
    """A folder that did not enter."""

    folder: str
    problems: tuple[str, ...]
    """The first of them, inert."""


class Board(msgspec.Struct, frozen=True):
    """All that the leaderboard shows."""

    entries: tuple[Entry, ...]
    """In the order of ``in_order``."""
    refused: tuple[Refused, ...]
    made_with: str
    """The suite's version."""


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries by edition, plan and standing, and within these the best first.

    By level, then trust grade: these are graded. What follows only orders equals: how close the
    level above is (``next_lower``), tokens a solved task (unknown last), who was first, the id.
    Calibrators come last, in the same order.
    """

    def key(entry: Entry) -> tuple[Any, ...]:
        tokens = entry.tokens_per_solved
        return (
            *_table(entry),
            entry.is_calibrator,
            -entry.level_rank,
            -entry.trust_rank,
            -entry.next_lower,
            float("inf") if tokens is None else tokens,
            entry.began,
            entry.id,
        )

    return tuple(sorted(entries, key=key))


def _table(entry: Entry) -> tuple[str, ...]:
    return entry.edition, entry.edition_sha256, entry.plan, entry.standing
