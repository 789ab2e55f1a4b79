"""Efficiency: solved, with at most kappa times the oracle's tool calls (efficiency class)."""

from __future__ import annotations

from typing import Any

from conformance.authoring import Finding, Played, Score

from . import solved


def grade(played: Played[Any], *, kappa: float) -> Score:
    """Give 1 where the trial is solved within ``kappa`` times the oracle's number of calls."""
    ratio = cost_ratio(played)
    if ratio is None:
        return Score(0.0, (Finding("efficiency.unsolved", "not solved"),))
    if ratio > kappa:
        return Score(0.0, (Finding("efficiency.cost", f"{ratio:.2f} times the oracle's calls"),))
    return Score(1.0)


def cost_ratio(played: Played[Any]) -> float | None:
    """Return the tool calls over the oracle's, or None where the trial is not solved.

    ``submit_answer`` is not a tool call. An oracle that needs no call counts as one.
    """
    if solved.grade(played).value < 1:
        return None
    return len(played.calls) / max(1, len(played.instance.solve().calls))
