"""What a decision is about: rules, sources, clauses and the course of a campaign. Plain data."""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

RuleName = Literal["betting", "fixed", "clean-run"]
LevelRule = Literal["all-clauses", "weighted-floor"]
Verdict = Literal["pass", "fail", "inconclusive", "inapplicable", "not_run"]


class Rule(msgspec.Struct, frozen=True):
    """How a clause ``p ≥ p0`` is decided from observations in [0, 1].

    Raises:
        ValueError: for a number outside its range.
    """

    name: RuleName
    p0: float
    """The consumer's limit: at p = p0 a pass is an error, of probability ≤ alpha."""
    p1: float
    """The design quality a vendor should aim at; it sets the power, never the verdict."""
    alpha: float = 0.05
    alpha_fail: float = 0.05
    beta: float = 0.10
    n_min: int = 30
    n_max: int = 300

    def __post_init__(self) -> None:
        if not 0 < self.p0 < self.p1 <= 1:
            raise ValueError(f"a rule needs 0 < p0 < p1 ≤ 1, not p0 {self.p0}, p1 {self.p1}")
        for name in ("alpha", "alpha_fail", "beta"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must lie between 0 and 1")
        if not 1 <= self.n_min <= self.n_max:
            raise ValueError(f"a rule needs 1 ≤ n_min ≤ n_max, not {self.n_min}, {self.n_max}")


class Source(msgspec.Struct, frozen=True):
    """One family a clause draws from."""

    family: str
    version: int
    weight: float
    knobs: dict[str, Any]
    """Knob values by name; a list is a choice, each item as likely as another."""
    wordings: int


class Clause(msgspec.Struct, frozen=True):
    """A clause as the decision sees it."""

    id: str
    step: str
    """The level or trust grade it belongs to."""
    dimension: str
    rule: Rule
    sources: tuple[Source, ...] = ()
    rider: bool = False
    weight: float = 1.0
    """Its weight under ``weighted-floor``."""
    repeats: int = 1
    """Trials of one instance that an observation takes; n counts instances."""
    not_run: str | None = None
    """Why it cannot run, or None: ``pending``, ``plan``, ``sealed``, ``sandbox``, ``ICS …``."""
    inapplicable: str | None = None
    """The ICS line that makes an optional clause inapplicable, or None."""

    @property
    def is_runnable(self) -> bool:
        """Say whether observations of this clause can be had."""
        return self.not_run is None and self.inapplicable is None


class Step(msgspec.Struct, frozen=True):
    """One level, or one trust grade, with its clauses in the edition's order."""

    id: str
    clauses: tuple[Clause, ...]

    @property
    def runnable(self) -> tuple[Clause, ...]:
        """The clauses whose observations can be had."""
        return tuple(clause for clause in self.clauses if clause.is_runnable)


class EfficiencyClass(msgspec.Struct, frozen=True):
    """One efficiency class: solved, with at most ``kappa`` times the oracle's tool calls."""

    id: str
    kappa: float | None
    """None asks only for "solved"."""


class Claim(msgspec.Struct, frozen=True):
    """What the applicant claims; all None is no claim."""

    level: str | None = None
    trust: str | None = None
    efficiency: str | None = None

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is claimed."""
        return self.level is None and self.trust is None and self.efficiency is None


class Course(msgspec.Struct, frozen=True):
    """Everything the ladder needs to know before the first trial.

    Raises:
        ValueError: for a clause id used twice, a step nothing could decide, a claim of something
            the course does not have.
    """

    levels: tuple[Step, ...]
    """Lowest first."""
    trust: tuple[Step, ...] = ()
    """Lowest first."""
    efficiency: tuple[EfficiencyClass, ...] = ()
    """Best first: kappa ascending, None last."""
    efficiency_rule: Rule = Rule("betting", p0=0.50, p1=0.70)
    level_rule: LevelRule = "all-clauses"
    total: float = 0.80
    """``weighted-floor``: what the weighted total of a level must reach."""
    floor: float = 0.60
    """``weighted-floor``: what every dimension of a level must reach."""
    claim: Claim = Claim()

    def __post_init__(self) -> None:
        if not self.levels:
            raise ValueError("a course has at least one level")
        ids = [clause.id for step in (*self.levels, *self.trust) for clause in step.clauses]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"clause ids used twice: {', '.join(twice)}")
        for step in (*self.levels, *self.trust):
            if all(clause.inapplicable is not None for clause in step.clauses):
                raise ValueError(f"{step.id} has no clause that applies, so nothing can decide it")
        kappas = [math.inf if item.kappa is None else item.kappa for item in self.efficiency]
        if kappas != sorted(set(kappas)):
            raise ValueError("efficiency classes come best first: kappa rising, None at the end")
        for claimed, known in (
            (self.claim.level, [step.id for step in self.levels]),
            (self.claim.trust, [step.id for step in self.trust]),
            (self.claim.efficiency, [item.id for item in self.efficiency]),
        ):
            if claimed is not None and claimed not in known:
                raise ValueError(f"{claimed!r} is claimed, but there are only {known}")

    @property
    def levels_in_reach(self) -> tuple[Step, ...]:
        """The levels that may be tried: up to the one claimed, else all."""
        return self.levels if self.claim.level is None else _up_to(self.levels, self.claim.level)

    @property
    def levels_needed(self) -> tuple[Step, ...]:
        """The levels that the claim needs: up to the one claimed; any other claim needs one."""
        if self.claim.level is not None:
            return _up_to(self.levels, self.claim.level)
        return () if self.claim.is_empty else self.levels[:1]

    @property
    def grades_in_reach(self) -> tuple[Step, ...]:
        """The trust grades that may be tried: up to the one claimed; all without any claim."""
        if self.claim.trust is not None:
            return _up_to(self.trust, self.claim.trust)
        return self.trust if self.claim.is_empty else ()


def _up_to(steps: tuple[Step, ...], last: str) -> tuple[Step, ...]:
    return steps[: [step.id for step in steps].index(last) + 1]
