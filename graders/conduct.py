"""Conduct: the family's trace rules (order, budgets of a tool) hold of the calls."""

from __future__ import annotations

from typing import Any

from conformance.authoring import Played, Score


def grade(played: Played[Any]) -> Score:
    """Give 1 where no trace rule of the family was broken."""
    instance = played.instance
    findings = tuple(instance.family.conduct(instance.scenario, played.calls))
    return Score(float(not findings), findings)
