"""What a decision is about: rules, sources, clauses and the course of a campaign. Plain data."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

RuleName = Literal["betting", "fixed", "clean-run"]
LevelRule = Literal["all-clauses", "weighted-floor"]
Verdict = Literal["pass", "fail", "inconclusive", "inapplicable", "not_run"]


class Rule(msgspec.Struct, frozen=True):
    """How a clause ``p ≥ p0`` is decided from observations in [0, 1]."""

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
    not_run: str | None = None
    """Why it cannot run, or None: ``pending``, ``plan``, ``sealed``, ``sandbox``, ``ICS …``."""
    inapplicable: str | None = None
    """The ICS line that makes an optional clause inapplicable, or None."""
