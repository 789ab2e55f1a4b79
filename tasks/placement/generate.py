"""Draw a scenario that no planner of ``planning`` solves.

Two *home* sites have a valley of prices each (``valley``); their hard edges lie on opposite
sides, so packing early loses on one and packing late on the other. The *lure* has the lowest
price and a PUE that makes it dear: two jobs of the first home may go there and should not, two of
the second would save there but their data may not. Slots that are cheaper still lie beyond the
hard edges, where other teams hold the GPUs or the jobs' windows end. A fourth site, where there
is one, is dear and takes what is left over.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from .model import Booking, Job, Scenario, Site
from .planning import is_hard
from .upsets import upset
from .valley import Edge, Span, Tiling, Valley, draw_valley

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.authoring import Rng

_THREE_OF_8: tuple[Tiling, ...] = ((2, 2, 2), (2, 1, 2))
_THREE_OF_12: tuple[Tiling, ...] = ((2, 3, 2), (2, 4, 2), (3, 2, 3), (2, 1, 2), (2, 2, 2))
_FOUR_OF_12: tuple[Tiling, ...] = (
    *((2, 2, 2, 2), (2, 1, 2, 2), (2, 2, 1, 2)),
    *((2, 3, 1, 2), (2, 1, 3, 2), (2, 2, 3, 2)),
)
ROWS: dict[tuple[int, int], tuple[tuple[Tiling, ...], tuple[Tiling, ...]]] = {
    (5, 8): (((2, 1, 2),), ((2, 2),)),
    (5, 12): (((2, 1, 2), (2, 2, 2), (2, 4, 2)), ((3, 3),)),
    (6, 8): (_THREE_OF_8, _THREE_OF_8),
    (6, 12): (_THREE_OF_12, _THREE_OF_12),
    (8, 8): (_THREE_OF_8, _THREE_OF_8),
    (8, 12): (_FOUR_OF_12, _FOUR_OF_12),
}
"""The rows of the two homes, by jobs and slots. Jobs beyond the rows are twins: one job of a row
is two, each of half the GPUs, that fit side by side."""
SLACK = {"medium": Span(2, 4), "tight": Span(1, 2)}
"""Slots by which a job's window may exceed its valley, by tightness."""

ZONES = ("basin", "coast", "plain", "plateau")
TEAMS = ("archive", "imaging", "search", "speech", "weather")
GPU_TYPES = ("GX2", "GX4")


def draw(
    rng: Rng, *, jobs: int, sites: int, slots: int, tightness: str, faults: bool, drift: bool
) -> Scenario:
    """Draw candidates until one is hard for every planner; then what goes wrong meanwhile."""
    hard = next(
        scenario
        for attempt in itertools.count()
        if is_hard(
            scenario := candidate(
                rng.fork("draw", attempt), jobs=jobs, sites=sites, slots=slots, tightness=tightness
            )
        )
    )
    return upset(rng.fork("upset"), hard, faults=faults, drift=drift)


def candidate(rng: Rng, *, jobs: int, sites: int, slots: int, tightness: str) -> Scenario:
    """Draw a scenario of this build, hard or not."""
    late = rng.chance(50)
    edges: list[Edge] = rng.shuffled(("booking", "window"))
    valleys = [
        draw_valley(rng, tilings=row, slots=slots, late=side, edge=edge, slack=SLACK[tightness])
        for row, side, edge in zip(
            rng.shuffled(ROWS[jobs, slots]), (late, not late), edges, strict=True
        )
    ]
    numbers = iter(dict.fromkeys(rng.integer(100, 999) for _ in range(60)))
    zones = rng.shuffled(ZONES)[:sites]
    types = rng.shuffled(GPU_TYPES)
    built = _sites(rng, valleys, zones, types, slots, numbers)
    twins = (jobs - sum(len(valley.durations) for valley in valleys)) // 2
    rows = [_row(rng, index, valleys[index], built[index], twins) for index in (0, 1)]
    return Scenario(
        secret=rng.token(16),
        slots=slots,
        sites=tuple(rng.shuffled(built)),
        jobs=_listed(rng, rows, twins, numbers),
        residency=(
            ("internal", tuple(sorted(zones[:2]))),
            ("open", tuple(sorted(zones[:3]))),
            ("regulated", tuple(sorted((zones[1], *zones[3:])))),
        ),
    )


def _sites(
    rng: Rng,
    valleys: list[Valley],
    zones: list[str],
    types: list[str],
    slots: int,
    numbers: Iterator[int],
) -> list[Site]:
    """Return the first home, the second, the lure and the fourth site, in this order.

    With its PUE the lure costs about 1.5 times the first home's valley, the second home's
    valley 1.1 to 1.3 times the lure, the fourth site more.
    """
    pues = [5 * rng.integer(*pue) for pue in ((21, 22), (22, 26), (33, 35), (24, 29))]
    first = rng.integer(250, 320)
    lure = first * rng.integer(94, 98) // 100
    second = lure * pues[2] * rng.integer(112, 130) // 100 // pues[1]
    lowest = [first, second, lure, second * rng.integer(110, 125) // 100]
    found = []
    for index, zone in enumerate(zones):
        name, gpu_type = f"DC-{next(numbers)}", types[index == 1]
        if index < len(valleys):
            gpus, levels = 8 * rng.integer(5, 8), valleys[index].prices
        else:
            most = 4 if index == 2 else 50
            gpus = 8 * rng.integer(9, 11)
            levels = tuple(100 + rng.integer(most // 5, most) for _ in range(slots))
        booked = valleys[index].booked if index < len(valleys) else None
        bookings = (
            ()
            if booked is None
            else (
                Booking(
                    f"B-{next(numbers)}", rng.choice(TEAMS), *booked, gpus - 4 * rng.integer(0, 3)
                ),
            )
        )
        prices = tuple(lowest[index] * level // 100 for level in levels)
        found.append(Site(name, zone, gpu_type, gpus, pues[index], prices, bookings))
    return found


def _row(rng: Rng, home: int, valley: Valley, site: Site, twins: int) -> list[Job]:
    """Return the jobs of a home, unnamed; but for twins, no two of them fit side by side."""
    count = len(valley.durations)
    gpus = [4 * rng.integer(site.gpus // 8 + 1, site.gpus // 5) for _ in range(count)]
    power = [rng.integer(*((7, 10), (5, 8))[home]) for _ in range(count)]
    if count == 3:
        # The job inside a row of three is its largest or its smallest: an order by size has it
        # first or last of the three, and packed so they do not fill the valley.
        pick = max if _is_longest(rng, valley.durations) else min
        for values in (gpus, power):
            extreme = values.index(pick(values))
            values[1], values[extreme] = values[extreme], values[1]
    marked = rng.sample(range(count), 2)
    both = tuple(sorted(GPU_TYPES))
    found = []
    for number, duration in enumerate(valley.durations):
        data_class = "regulated" if home else "open" if number in marked else "internal"
        lured = home == 1 and number in marked
        gpu_types = both if lured or rng.chance(40) else (site.gpu_type,)
        window = valley.windows[number]
        found.append(Job("", gpus[number], gpu_types, duration, *window, data_class, power[number]))
    for number in rng.sample(range(count), twins):
        half = replace(found[number], gpus=site.gpus // 2 - 4 * rng.integer(0, 1))
        found[number] = half
        found.append(replace(half, gpus=site.gpus // 2 - 4 * rng.integer(0, 1)))
    return found


def _is_longest(rng: Rng, durations: tuple[int, ...]) -> bool:
    before, inside, after = durations
    return inside > min(before, after) or (inside == before == after and rng.chance(50))


def _listed(rng: Rng, rows: list[list[Job]], twins: int, numbers: Iterator[int]) -> tuple[Job, ...]:
    """Return the jobs by name, none that is inside its row listed between its neighbours."""
    members = [(row, number) for row, jobs in enumerate(rows) for number in range(len(jobs))]
    while True:
        order = rng.shuffled(members)
        if not any(
            (order.index((row, number)) > order.index((row, number - 1)))
            != (order.index((row, number)) > order.index((row, number + 1)))
            for row, number in members
            if 0 < number < len(rows[row]) - twins - 1
        ):
            break
    names = sorted(f"J-{next(numbers)}" for _ in order)
    return tuple(
        replace(rows[row][number], id=name)
        for name, (row, number) in zip(names, order, strict=True)
    )
