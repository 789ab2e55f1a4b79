"""The scenario: sites, jobs and rules as plain values, and what they mean in exact integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.authoring import Fault

MICRO = 1_000_000
"""Costs are whole micro-CNY: 100 W × 0.01 PUE × 1 CNY/MWh over one hour is 1e-6 CNY."""


@dataclass(frozen=True)
class Booking:
    """GPUs that another team holds at a site, from ``first`` to ``last`` slot, both included."""

    id: str
    team: str
    first: int
    last: int
    gpus: int


@dataclass(frozen=True)
class Site:
    """A data centre: one GPU type, one zone, a price for every slot."""

    id: str
    zone: str
    gpu_type: str
    gpus: int
    pue: int
    """Hundredths: 125 is a PUE of 1.25."""
    prices: tuple[int, ...]
    """CNY/MWh by slot; a slot is one hour."""
    bookings: tuple[Booking, ...] = ()

    def free(self, slot: int) -> int:
        """Return the GPUs that other teams leave free in ``slot``."""
        return self.gpus - sum(b.gpus for b in self.bookings if b.first <= slot <= b.last)


@dataclass(frozen=True)
class Job:
    """A job runs without a break on one site; it may occupy slots ``first`` … ``last`` only."""

    id: str
    gpus: int
    gpu_types: tuple[str, ...]
    duration: int
    first: int
    last: int
    data_class: str
    power: int
    """Hundreds of watts for each GPU."""


class Drift(NamedTuple):
    """The tool ``reserve`` is replaced by another method of the desk."""

    after: int
    """How many reservations are made with it before."""
    method: str


@dataclass(frozen=True)
class Scenario:
    """One instance: language-free, from which everything else follows."""

    secret: str
    slots: int
    sites: tuple[Site, ...]
    jobs: tuple[Job, ...]
    residency: tuple[tuple[str, tuple[str, ...]], ...]
    """Data class to the zones it may be in."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong at the tool door; where there are any, a job can be booked twice."""
    drift: Drift | None = None

    def zones(self, data_class: str) -> tuple[str, ...]:
        """Return the zones where data of a class may be processed."""
        return dict(self.residency)[data_class]


class Place(NamedTuple):
    """Where and when a job runs: the site's index and the first slot."""

    site: int
    start: int


Plan = tuple[Place, ...]
"""A place for each job, in the scenario's order."""


def cost(job: Job, site: Site, start: int) -> int:
    """Return the energy cost of a job there, in micro-CNY."""
    return job.gpus * job.power * site.pue * sum(site.prices[start : start + job.duration])


def runs_on(job: Job, site: Site) -> bool:
    """Say whether the site has a GPU type that the job can use."""
    return site.gpu_type in job.gpu_types


def may_be_in(scenario: Scenario, job: Job, site: Site) -> bool:
    """Say whether the residency rule lets the job's data be at the site."""
    return site.zone in scenario.zones(job.data_class)


def in_window(job: Job, start: int) -> bool:
    """Say whether the job, started then, stays within its slots."""
    return job.first <= start and start + job.duration - 1 <= job.last


def own_bookings(job: Job, bookings: Iterable[str]) -> list[str]:
    """Return the ids of a job's own reservations: the job's id, or with a number behind it."""
    return [name for name in bookings if name.split(".")[0] == job.id]


def plan_cost(scenario: Scenario, plan: Plan) -> int:
    """Return the energy cost of a plan, in micro-CNY."""
    return sum(
        cost(job, scenario.sites[place.site], place.start)
        for job, place in zip(scenario.jobs, plan, strict=True)
    )


def is_within_tolerance(spent: int, minimum: int) -> bool:
    """Say whether a cost is within 2 % of the minimum, in integers: 50 × cost ≤ 51 × minimum."""
    return 50 * spent <= 51 * minimum


def overloads(scenario: Scenario, places: Mapping[str, Place]) -> list[tuple[int, int]]:
    """Return the (site, slot) pairs where the jobs in ``places`` exceed what others leave free."""
    jobs = {job.id: job for job in scenario.jobs}
    load: dict[tuple[int, int], int] = {}
    for name, place in places.items():
        for slot in range(place.start, place.start + jobs[name].duration):
            load[place.site, slot] = load.get((place.site, slot), 0) + jobs[name].gpus
    return sorted(
        cell for cell, gpus in load.items() if gpus > scenario.sites[cell[0]].free(cell[1])
    )


def legal_places(scenario: Scenario, job: Job) -> Iterable[Place]:
    """Yield every place that the rules allow the job, other jobs apart."""
    for index, site in enumerate(scenario.sites):
        if runs_on(job, site) and may_be_in(scenario, job, site):
            for start in range(job.first, job.last - job.duration + 2):
                slots = range(start, start + job.duration)
                if all(site.free(slot) >= job.gpus for slot in slots):
                    yield Place(index, start)
