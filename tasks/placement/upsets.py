"""What happens while the plan is made: faults at the tool door, and a tool that is replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.authoring import Fault

from .model import Drift

if TYPE_CHECKING:
    from conformance.authoring import Rng

    from .model import Scenario

DRIFTS = ("allocate", "reserve_until", "book_window")
"""Methods that take the place of ``reserve``: renamed, re-shaped under its name, both."""
_APART = 2
"""At least so many reservations lie between the two that get no reply: a retry meets no fault."""


def upset(rng: Rng, scenario: Scenario, *, faults: bool, drift: bool) -> Scenario:
    """Return the scenario with the faults and the drift that the knobs ask for."""
    jobs = len(scenario.jobs)
    drifts = Drift(rng.integer(3 if faults else 1, jobs - 2), rng.choice(DRIFTS)) if drift else None
    return replace(
        scenario,
        drift=drifts,
        faults=_schedule(rng, scenario, drifts.after if drifts else jobs) if faults else (),
    )


def of_kind(scenario: Scenario, kind: str) -> Fault:
    """Return the fault of a kind that the scenario has once."""
    return next(fault for fault in scenario.faults if fault.kind == kind)


def _schedule(rng: Rng, scenario: Scenario, reservations: int) -> tuple[Fault, ...]:
    """Draw a reservation made without a reply, and one lost; the look after the first is stale.

    Besides a refusal for a while, and a reply that is cut off or another's.
    """
    made, lost = rng.choice(
        [
            (made, lost)
            for made in range(1, reservations + 1)
            for lost in range(1, reservations + 1)
            if abs(made - lost) >= _APART
        ]
    )
    sites = len(scenario.sites)
    limited, nth = ("commit", 1) if rng.chance(70) else ("get_prices", rng.integer(1, sites))
    if rng.chance(50):
        garbled = Fault(rng.choice(("list_sites", "get_rules")), 1, "malformed")
    else:
        taken = nth if limited == "get_prices" else 0
        free = [n for n in range(2, sites + 1) if n != taken]
        garbled = Fault("get_prices", rng.choice(free), "duplicate")
    return (
        Fault("reserve", made, "timeout_done"),
        # The jobs are listed once to plan, and once after each reservation without a reply.
        Fault("list_jobs", 2 if made < lost else 3, "stale"),
        Fault("reserve", lost, "timeout_lost"),
        Fault(limited, nth, "rate_limited", rng.integer(15, 90)),
        garbled,
    )
