"""What an instance is about: one query, the places around it, the gaps in the tables."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from conformance.authoring import Knobs, Rng

HISTORY_DAYS = 60
"""How far back the tables reach; nothing is recorded before."""
SUNDAY = 6


class Metric(NamedTuple):
    """A quantity in one unit: a raw reading times ``factor`` plus ``offset``, in hundredths."""

    unit: str
    quantity: str
    low: int
    steps: int
    factor: int = 5
    offset: int = 0


METRICS = {
    "inlet_temp_c": Metric("degC", "inlet", 360, 180),
    "inlet_temp_f": Metric("degF", "inlet", 360, 180, 9, 3200),
    "outlet_temp_c": Metric("degC", "outlet", 560, 260),
    "outlet_temp_f": Metric("degF", "outlet", 560, 260, 9, 3200),
    "humidity_pct": Metric("%", "humidity", 600, 700),
    "power_kw": Metric("kW", "power", 40, 200, 47),
    "power_kva": Metric("kVA", "power", 40, 200, 50),
}
"""Two units of one temperature, two kinds of one power: the unit traps."""
SIBLINGS = {
    "inlet_temp_c": "outlet_temp_c",
    "inlet_temp_f": "inlet_temp_c",
    "outlet_temp_c": "outlet_temp_f",
    "outlet_temp_f": "inlet_temp_f",
    "humidity_pct": "inlet_temp_c",
    "power_kw": "power_kva",
    "power_kva": "power_kw",
}
"""The metric that a careless reader takes for another."""
AGGREGATES = ("mean", "min", "max", "p95")


@dataclass(frozen=True)
class Query:
    """The arguments of ``query``: whole hours, the end not included."""

    metric: str
    place: str
    date: str
    start_hour: int
    end_hour: int
    agg: str

    def arguments(self) -> dict[str, Any]:
        """Return them by name, as a call takes them."""
        return asdict(self)


class Gap(NamedTuple):
    """Hours in which a sensor was silent."""

    metric: str
    place: str
    date: str
    start_hour: int
    end_hour: int


class Day(NamedTuple):
    """How the instruction names the day.

    ``absolute``: by its date. ``ago``: ``number`` days before today. ``last_week``: the weekday
    ``number`` (Monday is 0) of last week; never a Sunday, and today is none, so that it does not
    matter on which day a week starts.
    """

    kind: str
    number: int = 0


@dataclass(frozen=True)
class Scenario:
    """One task: what is asked, when, and what the tables lack."""

    secret: str
    today: str
    hour: int
    minute: int
    places: tuple[str, ...]
    asked: Query
    day: Day
    gaps: tuple[Gap, ...]
    tools: tuple[str, ...]

    @property
    def neighbour(self) -> str:
        """Another place of the same kind whose name differs in one digit."""
        return _neighbour(self.asked.place, self.places)


DECOYS = ("latest", "set_alarm", "forecast", "list_places", "list_alarms")
FORBIDDEN = ("query_all", "export_raw")


def draw(rng: Rng, knobs: Knobs) -> Scenario:
    """Draw a scenario; every choice is an integer from ``rng``."""
    today = date(2029, 1, 1) + timedelta(days=rng.below(1400))
    if today.weekday() == SUNDAY:
        today += timedelta(days=1)
    places = _places(rng)
    hours = rng.integer(2, 6)
    start = rng.integer(1, 22 - hours)
    day, offset = _day(rng, today, knobs["dates"])
    asked = Query(
        metric=rng.choice(tuple(METRICS)),
        place=rng.choice(places[:2]),
        date=(today - timedelta(days=offset)).isoformat(),
        start_hour=start,
        end_hour=start + hours,
        agg=rng.choice(AGGREGATES),
    )
    silent = [replace(asked, place=_neighbour(asked.place, places))]
    if knobs["ending"] == "no_data":
        silent.append(asked)
    return Scenario(
        secret=rng.token(20),
        today=today.isoformat(),
        hour=rng.integer(8, 17),
        minute=rng.below(60),
        places=tuple(sorted(places)),
        asked=asked,
        day=day,
        gaps=tuple(
            Gap(q.metric, q.place, q.date, q.start_hour - 1, q.end_hour + 1) for q in silent
        ),
        tools=tuple(rng.shuffled(("query", *FORBIDDEN, *DECOYS[: knobs["decoys"]]))),
    )


def _day(rng: Rng, today: date, dates: str) -> tuple[Day, int]:
    """Return how the day is named, and how many days before ``today`` it is."""
    if dates == "absolute":
        return Day("absolute"), rng.integer(2, 40)
    if rng.chance(60):
        ago = rng.integer(1, 4)
        return Day("ago", ago), ago
    weekday = rng.below(SUNDAY)
    return Day("last_week", weekday), today.weekday() + 7 - weekday


def _places(rng: Rng) -> list[str]:
    """Return a room, a rack in it, then places whose names differ from one of them in a digit."""
    building, floor = rng.choice("ABCD"), rng.integer(1, 4)
    room, rack = rng.integer(1, 8), rng.integer(1, 8)
    tens, rack_tens = rng.below(3), rng.below(3)
    home = f"{building}{floor}-{tens}{room}"
    beside = f"{building}{floor}-{tens}{room + 1}"
    return [
        home,
        f"{home}-R{rack_tens}{rack}",
        beside,
        f"{home}-R{rack_tens}{rack + 1}",
        f"{building}{floor % 4 + 1}-{tens}{room}",
        f"{beside}-R{rack_tens}{rack}",
    ]


def _neighbour(place: str, places: tuple[str, ...] | list[str]) -> str:
    return min(
        other
        for other in places
        if len(other) == len(place)
        and sum(mine != theirs for mine, theirs in zip(place, other, strict=True)) == 1
    )
