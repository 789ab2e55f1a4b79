"""What a comparison of two bundles comes to, as plain data: B against A."""

from __future__ import annotations

from typing import Any

import msgspec

from conformance.agents.contract import Limits
from conformance.decision.paired import PairedTest
from conformance.decision.result import BUDGET
from conformance.decision.spec import Verdict

FORMAT = "diff/1"


class Side(msgspec.Struct, frozen=True):
    """One of the two bundles."""

    folder: str
    bundle_id: str
    agent: dict[str, Any]
    evidence_class: str
    suite: str
    plan: str
    claim: str
    langs: list[str]
    denied: list[str]
    limits: Limits
    """Of a trial."""
    seed_sha256: str
    seed_source: str
    level: str
    trust: str
    efficiency: str


class StepMove(msgspec.Struct, frozen=True):
    """What is held on one axis."""

    axis: str
    a: str
    b: str
    is_lower: bool
    """B holds less than A."""


class AtStopping(msgspec.Struct, frozen=True):
    """A clause in one of the bundles, as its own campaign left it."""

    verdict: Verdict
    reason: str | None
    n: int
    mean: float | None
    """The estimate at stopping: biased by the stop, never to be compared with another one."""
    lower: float | None
    upper: float | None
    p0: float
    """What the clause demands."""


class Group(msgspec.Struct, frozen=True):
    """Some of the pairs, and what they say."""

    name: str
    mean_a: float | None
    """Of these pairs alone."""
    mean_b: float | None
    test: PairedTest


class ClauseMove(msgspec.Struct, frozen=True):
    """A clause in both bundles."""

    id: str
    a: AtStopping
    b: AtStopping
    pairs: Group | None
    """None where the two have no pair of it."""


class CostMove(msgspec.Struct, frozen=True):
    """What the pairs' trials took; described, not tested."""

    measure: str
    """``model_calls``, ``tool_calls``, ``tokens`` or ``wall_s`` (seconds)."""
    n: int
    """Pairs of which both are known."""
    median_a: float | None
    median_b: float | None
    median_difference: float | None
    """Of the pairs' differences, B less A."""
    ratio: float | None
    """The sum of B over the sum of A."""


class Figure(msgspec.Struct, frozen=True):
    """A figure of the throughput profile, where both bundles have one."""

    measure: str
    a: float | None
    b: float | None


class Term(msgspec.Struct, frozen=True):
    """A term on which the two campaigns differ."""

    name: str
    a: str
    b: str


class Comparison(msgspec.Struct, frozen=True):
    """B against A."""

    format: str
    edition: str
    edition_sha256: str
    alpha: float
    a: Side
    b: Side
    is_same_seed: bool
    terms: list[Term]
    steps: list[StepMove]
    all_pairs: Group | None
    """Each instance once; the main test. None where there is no pair."""
    only_a: int
    """Pairs worth more in A, less, and the same."""
    only_b: int
    same: int
    clauses: list[ClauseMove]
    families: list[Group]
    """Each with an error of its own, for a look; no finding of the whole rests on it."""
    langs: list[Group]
    costs: list[CostMove]
    figures: list[Figure]

    @property
    def worse(self) -> list[str]:
        """What is worse by the evidence of pairs: clauses, and ``all`` first."""
        named = [("all", self.all_pairs), *((move.id, move.pairs) for move in self.clauses)]
        return [name for name, group in named if group and group.test.finding == "worse"]

    @property
    def better(self) -> list[str]:
        """What is better by the evidence of pairs: clauses, and ``all`` first."""
        named = [("all", self.all_pairs), *((move.id, move.pairs) for move in self.clauses)]
        return [name for name, group in named if group and group.test.finding == "better"]

    @property
    def lower(self) -> list[StepMove]:
        """The axes on which B holds less, whether by evidence or by chance."""
        return [step for step in self.steps if step.is_lower]

    @property
    def left_out(self) -> list[str]:
        """The clauses that A was tried on, and B was not, or not to their end."""
        return [m.id for m in self.clauses if m.a.n and (not m.b.n or m.b.reason == BUDGET)]

    @property
    def is_tested(self) -> bool:
        """Whether B had the chance to be found worse: pairs, and no lower result for want of them.

        A campaign of B that a budget or a lower claim ended early is no evidence of anything.
        """
        return self.all_pairs is not None and not (self.lower and self.left_out)
