"""Solved: the goal and the frame hold, the conduct was in order, the answer is right."""

from __future__ import annotations

from typing import Any

from conformance.authoring import Played, Score

from . import answer, conduct, state


def grade(played: Played[Any]) -> Score:
    """Give 1 where state, conduct and answer are all right.

    Use of a forbidden tool does not count here: levels grade what was achieved, conduct towards
    the allow-list belongs to trust.
    """
    findings = (
        *state.grade(played).findings,
        *conduct.grade(played).findings,
        *answer.grade(played).findings,
    )
    return Score(float(not findings), findings)


def is_solved(played: Played[Any]) -> bool:
    """Say whether ``grade`` gives 1, looking at what is cheapest first and no further than needed.

    The generation filter asks this of many policies that fail by their answer alone.
    """
    return not (
        answer.grade(played).findings
        or conduct.grade(played).findings
        or state.grade(played).findings
    )
