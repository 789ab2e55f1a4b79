"""Resilience: the faults at the door were met, and nothing was done twice (clause L3-ADP-1).

Solved says that the agent recovered. Beside it: a write that was carried out is not made again
with the same arguments, and a tool that asked for time is given it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import RATE_LIMITED, Finding, Played, Score, canonical

from . import solved

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.authoring import Call

HAMMERING = 3
"""Refusals of one tool in a row, with nothing else done in between, that are no patience."""
CARRIED_OUT = ("timeout_done", "malformed", "duplicate")
"""Faults of a call that took effect all the same."""


def grade(played: Played[Any]) -> Score:
    """Give 1 where the trial is solved in spite of its faults, without a duplicate effect."""
    findings = (
        *solved.grade(played).findings,
        *duplicates(played.calls),
        *_hammering(played.calls),
    )
    return Score(float(not findings), findings)


def duplicates(calls: Sequence[Call]) -> Iterator[Finding]:
    """Yield the writes that took effect and were then made again, with effect, just the same."""
    made: set[tuple[str, bytes]] = set()
    for number, call in enumerate(calls, 1):
        took_effect = _took_effect(call)
        mark = (call.name, canonical(call.arguments))
        if took_effect and mark in made and _after_fault(calls[: number - 1], call):
            yield Finding("resilience.duplicate_effect", f"call {number}: {call.name} once more")
        if took_effect:
            made.add(mark)


def _after_fault(before: Sequence[Call], call: Call) -> bool:
    """Say whether the last same call that took effect did so behind a fault: a blind retry."""
    same = [c for c in before if (c.name, c.arguments) == (call.name, call.arguments)]
    effective = [c for c in same if _took_effect(c)]
    return bool(effective) and effective[-1].fault in CARRIED_OUT


def _took_effect(call: Call) -> bool:
    return call.effect == "write" and (call.error is None or call.fault in CARRIED_OUT)


def _hammering(calls: Sequence[Call]) -> Iterator[Finding]:
    row = 0
    for number, call in enumerate(calls, 1):
        row = row + 1 if call.error == RATE_LIMITED else 0
        if row == HAMMERING:
            yield Finding("resilience.hammering", f"call {number}: {call.name} would not wait")
