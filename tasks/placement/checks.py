"""What a final state lacks of the goal: a committed plan that keeps the rules and is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Finding, State

from .model import (
    MICRO,
    Place,
    in_window,
    is_within_tolerance,
    may_be_in,
    overloads,
    own_bookings,
    plan_cost,
    runs_on,
)
from .optimum import minimum

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .model import Job, Scenario

REQUIREMENTS = {
    "goal.committed": "The plan is committed.",
    "goal.placed": "Every job has a reservation.",
    "goal.once": "No job has more than one reservation.",
    "goal.gpu_type": "Every job is on a site whose GPU type it can use.",
    "goal.window": "Every job stays within its first and last slot.",
    "goal.residency": "Every job is in a zone where its data may be.",
    "goal.capacity": "No site holds more GPUs in a slot than other teams leave free.",
    "goal.cost": "The energy cost is within 2 % of the minimum: 50 × cost ≤ 51 × minimum.",
}


def placed(scenario: Scenario, final: State) -> dict[str, Place]:
    """Return where the jobs are reserved in a state."""
    index = {site.id: number for number, site in enumerate(scenario.sites)}
    bookings: Mapping[str, Any] = final["bookings"]
    return {
        job.id: Place(index[held["site"]], held["first_slot"])
        for job in scenario.jobs
        for name in own_bookings(job, bookings)[:1]
        for held in (bookings[name],)
    }


def shortfalls(scenario: Scenario, final: State) -> Iterator[Finding]:
    """Yield each requirement that the final state does not meet."""
    places = placed(scenario, final)
    if not final["plan"]["committed"]:
        yield Finding("goal.committed", "the plan was not committed")
    for job in scenario.jobs:
        yield from _misplaced(scenario, job, places, len(own_bookings(job, final["bookings"])))
    for index, slot in overloads(scenario, places):
        yield Finding("goal.capacity", f"{scenario.sites[index].id} is overbooked in slot {slot}")
    if len(places) == len(scenario.jobs):
        spent = plan_cost(scenario, tuple(places[job.id] for job in scenario.jobs))
        least = minimum(scenario)
        if not is_within_tolerance(spent, least):
            yield Finding(
                "goal.cost", f"{spent / MICRO:.2f} CNY, the minimum is {least / MICRO:.2f} CNY"
            )


def _misplaced(
    scenario: Scenario, job: Job, places: Mapping[str, Place], reservations: int
) -> Iterator[Finding]:
    """Yield what is wrong with where one job is reserved, and how often."""
    if not reservations:
        yield Finding("goal.placed", f"{job.id} has no reservation")
        return
    if reservations > 1:
        yield Finding("goal.once", f"{job.id} has {reservations} reservations")
    site, start = scenario.sites[places[job.id].site], places[job.id].start
    if not runs_on(job, site):
        yield Finding("goal.gpu_type", f"{job.id} cannot run on {site.gpu_type} at {site.id}")
    if not in_window(job, start):
        yield Finding("goal.window", f"{job.id} starts in slot {start}, outside its window")
    if not may_be_in(scenario, job, site):
        yield Finding("goal.residency", f"{job.data_class} {job.id} may not be in {site.zone}")
