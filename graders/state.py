"""The final state: the goal holds, and the frame condition: nothing else changed."""

from __future__ import annotations

from typing import Any

from conformance.authoring import Finding, Played, Score, changed_paths, outside

SHOWN = 5


def grade(played: Played[Any]) -> Score:
    """Give 1 where the family's goal holds of the final state and only allowed paths changed."""
    findings = (*goal(played), *frame(played))
    return Score(float(not findings), findings)


def goal(played: Played[Any]) -> tuple[Finding, ...]:
    """Return what the final state lacks of the goal."""
    instance = played.instance
    return tuple(instance.family.goal(instance.scenario, played.final))


def frame(played: Played[Any]) -> tuple[Finding, ...]:
    """Return what changed and should not have."""
    instance = played.instance
    allowed = instance.family.may_change(instance.scenario)
    strayed = outside(changed_paths(played.initial, played.final), allowed)
    return tuple(Finding("frame", f"{path} changed") for path in strayed[:SHOWN])


def is_untouched(played: Played[Any]) -> bool:
    """Say whether nothing at all changed."""
    return not changed_paths(played.initial, played.final)
