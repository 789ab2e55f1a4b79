"""What the final state must show: every round decided, the late ones right, the shift closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.authoring import State

    from .scenario import Scenario

REQUIREMENTS = {
    "goal.all_decided": "every round of the shift is decided",
    "goal.late_rounds": "the last rounds are decided as the hidden rule has it",
    "goal.closed": "the shift is closed",
}


def lacks(scenario: Scenario, final: State) -> Iterator[Finding]:
    """Yield what a shift lacks; rehearsals leave nothing behind and lack nothing."""
    if scenario.asks:
        return
    decided = final["rounds"]
    if len(decided) < len(scenario.rounds):
        yield Finding(
            "goal.all_decided", f"{len(decided)} of {len(scenario.rounds)} rounds are decided"
        )
    for number in scenario.late:
        right = scenario.places[number]
        if number < len(decided) and decided[number] != right._asdict():
            yield Finding("goal.late_rounds", f"round {number + 1} belongs to {right}")
    if not final["closed"]:
        yield Finding("goal.closed", "the shift was not closed")


def may_change(scenario: Scenario) -> Sequence[str]:
    """Return what the work changes: the shift's book, which no rehearsal touches."""
    return () if scenario.asks else ("/rounds", "/closed")
