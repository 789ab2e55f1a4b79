"""The entries of a campaign's journal: what it was about, what ran, how it ended."""

from __future__ import annotations

from typing import Any

import msgspec

from conformance.agents.contract import Limits
from conformance.trial.run import TrialRecord

FORMAT = "journal/1"


class Terms(msgspec.Struct, frozen=True):
    """What a campaign is about; a resume must be on the same terms."""

    suite: str
    edition: str
    edition_sha256: str
    plan: str
    claim: str
    langs: list[str]
    limits: Limits
    agent: dict[str, Any]
    denied: list[str]
    lacking: list[str] = []
    """What the machine did not have that a clause needs: ``sandbox``."""
    sealed_sha256: str | None = None
    """The digest of the sealed edition, where one was mounted."""
    twins: bool = False
    """Instances of each level were tried in the other language too."""
    single: dict[str, Any] | None = None
    """The draw of a trial by itself, chosen and not drawn: no clause observes it."""


class Entry(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """What all entries have; ``seq`` and ``prev`` are put around them by the chain."""

    time: float
    """Seconds since the epoch, by the host's clock."""


class Opened(Entry, frozen=True, tag="opened"):
    """The first entry: the terms, and the seed's SHA-256 before any trial."""

    format: str
    terms: Terms
    seed_sha256: str
    seed_source: str


class Population(Entry, frozen=True, tag="population"):
    """What the riders of a step draw from, before the first rider's trial."""

    step: str
    clauses: list[str]


class TrialStarted(Entry, frozen=True, tag="trial_started"):
    """A trial begins; where no ``trial`` follows, a crash took it."""

    trial: str
    key: str
    draw: dict[str, Any]


class TrialDone(Entry, frozen=True, tag="trial"):
    """A trial ended."""

    key: str
    record: TrialRecord


class Resumed(Entry, frozen=True, tag="resumed"):
    """The campaign goes on after a stop; ``lost`` trials were in flight and are run again."""

    lost: list[str]
    is_seed_known: bool


class Stopped(Entry, frozen=True, tag="stopped"):
    """The campaign stopped before its end and can be resumed."""

    reason: str


class Ended(Entry, frozen=True, tag="ended"):
    """The campaign ended in order; the seed is revealed."""

    reason: str
    """``complete`` or ``budget``."""
    seed: str
    are_twins_cut: bool = False
    """The ladder is complete, but the budget ended among the language twins."""


JournalEntry = Opened | Population | TrialStarted | TrialDone | Resumed | Stopped | Ended
"""Any line of a journal."""
