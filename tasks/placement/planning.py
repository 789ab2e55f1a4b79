"""Planners: what a hurried agent might do instead of optimising, and a small exact search.

The generator uses them to keep only scenarios on which every such planner misses the tolerance,
the shortcuts and the forbidden ``auto_plan`` offer their plans. The grader uses none of them.

Free GPUs of all sites and slots are packed into one integer, a guard bit a cell, so that testing
whether a place still fits is one subtraction.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, NamedTuple

from .model import (
    Place,
    Plan,
    Scenario,
    cost,
    in_window,
    is_within_tolerance,
    may_be_in,
    plan_cost,
    runs_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .model import Job, Site

_CELL_BITS = 10
_GUARD = 1 << (_CELL_BITS - 1)

PACKING_PERCENTS = (102, 105, 110, 115, 120, 130, 150, 200)
"""How much more than its cheapest place a packer pays to have a job early, or late."""


TRIES = 100_000
"""Options the exact search of a planner that misreads the task tries before it gives up."""


class Option(NamedTuple):
    """A place of a job: what it costs, and the GPUs it takes, packed."""

    cost: int
    place: Place
    load: int


Choice = tuple[Option, ...]
"""One option for each job, in the scenario's order."""


class Board(NamedTuple):
    """A scenario as a planner sees it: each job's options, the most wanted first."""

    room: int
    guards: int
    options: tuple[Choice, ...]

    def fits(self, room: int, option: Option) -> bool:
        """Say whether the option still fits into ``room``."""
        return (room - option.load) & self.guards == self.guards


def price_only(job: Job, site: Site, start: int) -> int:
    """Return the cost as one sees it who forgets the PUE."""
    return job.gpus * job.power * 100 * sum(site.prices[start : start + job.duration])


@functools.lru_cache(maxsize=64)
def board(
    scenario: Scenario,
    *,
    cost_of: Callable[[Job, Site, int], int] = cost,
    residency: bool = True,
    windows: bool = True,
    bookings: bool = True,
) -> Board:
    """Return the board of a planner, which may look away from a rule or misread the cost."""
    slots = range(scenario.slots)
    room = guards = 0
    for cell, (site, slot) in enumerate(itertools.product(scenario.sites, slots)):
        free = site.free(slot) if bookings else site.gpus
        room |= (free | _GUARD) << (cell * _CELL_BITS)
        guards |= _GUARD << (cell * _CELL_BITS)
    empty = Board(room, guards, ())
    options = []
    for job in scenario.jobs:
        run = sum(job.gpus << (step * _CELL_BITS) for step in range(job.duration))
        found = [
            Option(
                cost_of(job, site, start),
                Place(index, start),
                run << ((index * scenario.slots + start) * _CELL_BITS),
            )
            for index, site in enumerate(scenario.sites)
            if runs_on(job, site) and (may_be_in(scenario, job, site) or not residency)
            for start in slots[: scenario.slots - job.duration + 1]
            if in_window(job, start) or not windows
        ]
        options.append(tuple(sorted(option for option in found if empty.fits(room, option))))
    return Board(room, guards, tuple(options))


def places(choice: Choice) -> Plan:
    """Return the plan that a choice of options is."""
    return tuple(option.place for option in choice)


def total(choice: Choice) -> int:
    """Return the cost of a choice, in micro-CNY as its board counts it."""
    return sum(option.cost for option in choice)


def greedy(on: Board, order: Iterable[int]) -> Choice | None:
    """Give each job in turn the most wanted option that still fits; None where one has none."""
    room, chosen = on.room, dict[int, Option]()
    for job in order:
        option = next((o for o in on.options[job] if on.fits(room, o)), None)
        if option is None:
            return None
        chosen[job] = option
        room -= option.load
    return tuple(chosen[job] for job in range(len(on.options)))


def every_greedy(on: Board) -> dict[Choice, int]:
    """Return what greedy reaches in all orders of the jobs, with the room each leaves.

    Whatever decides which job comes next (size, deadline, regret, chance), the outcome is one
    of these.
    """
    jobs = range(len(on.options))
    partial: dict[tuple[Option | None, ...], int] = {(None,) * len(jobs): on.room}
    for _ in jobs:
        longer: dict[tuple[Option | None, ...], int] = {}
        for chosen, room in partial.items():
            for job in jobs:
                if chosen[job] is None:
                    option = next((o for o in on.options[job] if on.fits(room, o)), None)
                    if option is not None:
                        placed = (*chosen[:job], option, *chosen[job + 1 :])
                        longer[placed] = room - option.load
        partial = longer
    return {_whole(chosen): room for chosen, room in partial.items()}


def every_improvement(on: Board, plans: dict[Choice, int]) -> dict[Choice, int]:
    """Return all plans reached from ``plans`` by improving moves of a job or swaps of two.

    Every path is followed, so the outcome of each descent rule (first, best, random) is among
    them.
    """
    seen = dict(plans)
    waiting = list(plans.items())
    while waiting:
        for better in _improvements(on, *waiting.pop()):
            if better[0] not in seen:
                seen[better[0]] = better[1]
                waiting.append(better)
    return seen


def _improvements(on: Board, chosen: Choice, room: int) -> Iterator[tuple[Choice, int]]:
    for job, old in enumerate(chosen):
        freed = room + old.load
        for option in on.options[job]:
            if option.cost >= old.cost:
                break
            if on.fits(freed, option):
                yield (*chosen[:job], option, *chosen[job + 1 :]), freed - option.load
    for one, two in itertools.combinations(range(len(chosen)), 2):
        freed = room + chosen[one].load + chosen[two].load
        first, second = (
            _option_at(on, one, chosen[two].place),
            _option_at(on, two, chosen[one].place),
        )
        if first is None or second is None or not on.fits(freed, first):
            continue
        left = freed - first.load
        if first.cost + second.cost < chosen[one].cost + chosen[two].cost and on.fits(left, second):
            swapped = list(chosen)
            swapped[one], swapped[two] = first, second
            yield tuple(swapped), left - second.load


def _option_at(on: Board, job: int, place: Place) -> Option | None:
    return next((option for option in on.options[job] if option.place == place), None)


def _whole(chosen: tuple[Option | None, ...]) -> Choice:
    return tuple(option for option in chosen if option is not None)


@functools.lru_cache(maxsize=64)
def best_greedy(scenario: Scenario) -> Choice | None:
    """Return the best plan of greedy in any order and of any improvement of it."""
    on = board(scenario)
    return min(every_improvement(on, every_greedy(on)), key=total, default=None)


def packing(on: Board, percent: int, direction: int) -> Board:
    """Return the board of a packer: early (1) or late (-1) among a job's cheap options first."""

    def wanted(options: Choice) -> Choice:
        limit = options[0].cost * percent
        cheap = [option for option in options if option.cost * 100 <= limit]
        cheap.sort(key=lambda option: (direction * option.place.start, option.cost))
        return (*cheap, *options[len(cheap) :])

    return on._replace(options=tuple(map(wanted, on.options)))


def orders(scenario: Scenario) -> dict[str, list[int]]:
    """Return the usual orders of the jobs, by name."""
    jobs = scenario.jobs
    keys: dict[str, Callable[[Job], int]] = {
        "listed": lambda _: 0,
        "deadline": lambda job: job.last,
        "release": lambda job: job.first,
        "energy": lambda job: -job.gpus * job.power * job.duration,
        "longest": lambda job: -job.duration,
        "shortest": lambda job: job.duration,
        "slack": lambda job: job.last - job.first - job.duration,
        "gpus": lambda job: -job.gpus,
    }

    def by(key: Callable[[Job], int]) -> list[int]:
        return sorted(range(len(jobs)), key=lambda number: key(jobs[number]))

    return {name: by(key) for name, key in keys.items()}


def every_packing(scenario: Scenario) -> Iterator[Choice]:
    """Yield the plans of packers in the usual orders, early or late, at all percentages."""
    on = board(scenario)
    if not all(on.options):
        return
    sequences = {tuple(order) for order in orders(scenario).values()}
    for percent, direction in itertools.product(PACKING_PERCENTS, (1, -1)):
        wanted = packing(on, percent, direction)
        for order in sequences:
            choice = greedy(wanted, order)
            if choice is not None:
                yield choice


def regret(on: Board) -> Choice | None:
    """Return the plan of a planner that next places the job whose second choice costs most."""
    room, chosen = on.room, dict[int, Option]()
    while len(chosen) < len(on.options):
        fitting = {
            job: [option for option in options if on.fits(room, option)][:2]
            for job, options in enumerate(on.options)
            if job not in chosen
        }
        if not all(fitting.values()):
            return None
        job = max(fitting, key=lambda number: fitting[number][-1].cost - fitting[number][0].cost)
        chosen[job] = fitting[job][0]
        room -= fitting[job][0].load
    return tuple(chosen[job] for job in range(len(on.options)))


def descent(on: Board, start: Choice | None) -> Choice | None:
    """Return what the first improving move or swap, again and again, makes of a plan."""
    if start is None:
        return None
    chosen, room = start, on.room - sum(option.load for option in start)
    while (better := next(_improvements(on, chosen, room), None)) is not None:
        chosen, room = better
    return chosen


def cheapest(on: Board, budget: int = 10 * TRIES) -> Choice | None:
    """Return a cheapest plan by branch and bound, the best found after ``budget`` tries."""
    jobs = sorted(range(len(on.options)), key=lambda job: len(on.options[job]))
    if not all(on.options):
        return None
    floor = [0] * (len(jobs) + 1)
    for depth in reversed(range(len(jobs))):
        floor[depth] = floor[depth + 1] + min(option.cost for option in on.options[jobs[depth]])
    best: list[Choice | None] = [None]
    limit, tries = [-1], [0]
    chosen: dict[int, Option] = {}

    def place_next(depth: int, room: int, spent: int) -> None:
        if depth == len(jobs):
            limit[0], best[0] = spent, tuple(chosen[job] for job in range(len(jobs)))
            return
        for option in on.options[jobs[depth]]:
            tries[0] += 1
            bound = spent + option.cost + floor[depth + 1]
            if tries[0] > budget or (best[0] is not None and bound >= limit[0]):
                return
            if on.fits(room, option):
                chosen[jobs[depth]] = option
                place_next(depth + 1, room - option.load, spent + option.cost)

    place_next(0, on.room, 0)
    return best[0]


def is_hard(scenario: Scenario) -> bool:
    """Say whether a plan exists and no planner comes within the tolerance of it.

    The planners: packers, greedy in any order with any improvement, an optimiser without PUE.
    """
    best = cheapest(board(scenario))
    if best is None:
        return False
    if any(is_within_tolerance(total(choice), total(best)) for choice in every_packing(scenario)):
        return False
    rivals = best_greedy(scenario), cheapest(board(scenario, cost_of=price_only), TRIES)
    return not any(
        rival is not None and is_within_tolerance(plan_cost(scenario, places(rival)), total(best))
        for rival in rivals
    )
