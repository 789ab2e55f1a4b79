"""Scenarios: what the requester wants, how the request says it, and what is wrong with it.

Statements are drawn so that each instance has, outside of the field in question, a number in
words, a number in another unit than the form's and a day told from today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from .form import CHOICES, DATES, FIELDS, Fields, hours_minutes
from .shapes import NUMBERS, VALUES, Said, choices, day_shapes, ways

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.authoring import Rng

ENDINGS = ("complete", "missing", "contradiction")
STYLES = ("plain", "mixed", "elliptic")
FIRST_DAY = date(2026, 1, 5)
DAYS = 720


class Remark(NamedTuple):
    """An aside about another job: numbers that belong to no field of this one."""

    about: str
    cards: int
    hours: int
    dataset: str


@dataclass(frozen=True)
class Scenario:
    """One request. ``wanted`` holds every field that the request settles, as the form spells it."""

    ending: str
    style: str
    today: str
    secret: str
    wanted: Fields
    about: tuple[str, ...]
    """The missing field, the field told in two ways, or the two dates that clash."""
    said: tuple[Said, ...]
    """The statements, in the order of the text."""
    slip: Said | None
    """What the approval slip says: a field again, where nothing is wrong the same value."""
    hint: bool
    """A missing field is mentioned, without a value."""
    remark: Remark | None
    base: str | None
    """The earlier job that an elliptic request starts from."""
    changes: tuple[str, ...]
    """The fields an elliptic request announces as different from the earlier job."""
    kept: str | None
    """A field an elliptic request confirms as being the earlier job's."""
    jobs: dict[str, Fields]

    @property
    def kind(self) -> str:
        """Return the kind of question that a request which is not complete calls for."""
        return self.ending


def draw_scenario(rng: Rng, ending: str, style: str) -> Scenario:
    """Draw a request of a style that ends as asked for."""
    today = _workday(rng)
    jobs = _earlier_jobs(rng, today)
    base = rng.choice(sorted(jobs)[:2]) if style == "elliptic" else None
    old = jobs[base] if base else {}
    clash, about = _what_is_wrong(rng, ending, style)
    worded, converted = _carriers(rng, about)
    every = {
        **_numbers(rng, style, worded, converted, old),
        **_days(rng, style, today, clash, about),
        **_choices(rng, old),
    }
    told = set(FIELDS)
    if base:
        told = {*DATES, *about, worded, converted}
        told.add(rng.choice([name for name in FIELDS if name not in told]))
    kept = None
    if base:
        kept = about[0] if clash == "kept" else rng.choice([n for n in FIELDS if n not in told])
    stated = [name for name in FIELDS if name in told and (clash or name not in about)]
    said = tuple(every[name] for name in (stated if style == "plain" else rng.shuffled(stated)))
    settled = old | {item.field: item.meant for item in said}
    return Scenario(
        ending=ending,
        style=style,
        today=today.isoformat(),
        secret=rng.token(26),
        wanted={name: settled[name] for name in FIELDS if name not in about},
        about=about,
        said=said,
        slip=_slip(rng, style, today, said, about if clash == "twice" else (), about),
        hint=ending == "missing" and style == "mixed" and rng.chance(50),
        remark=_remark(rng, every["dataset"].value) if style == "mixed" else None,
        base=base,
        changes=tuple(name for name in FIELDS if name in told and name != kept) if base else (),
        kept=kept,
        jobs=jobs,
    )


def _workday(rng: Rng) -> date:
    day = FIRST_DAY + timedelta(days=rng.below(DAYS))
    return day - timedelta(days=max(0, day.weekday() - 4))


def _what_is_wrong(rng: Rng, ending: str, style: str) -> tuple[str, tuple[str, ...]]:
    """Draw the kind of a contradiction, where there is to be one, and the fields in question."""
    if ending == "complete":
        return "", ()
    if ending == "missing":
        return "", (rng.choice(FIELDS),)
    clash = rng.choice(_CLASHES[style == "elliptic"])
    if clash == "dates":
        return clash, DATES
    fields = [name for name in FIELDS if name not in DATES] if clash == "kept" else FIELDS
    return clash, (rng.choice(fields),)


_CLASHES = (("twice", "twice", "twice", "dates"), ("twice", "twice", "kept", "kept", "dates"))
"""How a request contradicts itself, without and with an earlier job."""


def _carriers(rng: Rng, about: Sequence[str]) -> tuple[str, str]:
    """Draw the field to be told in words and the one in another unit, outside of ``about``."""
    free = [name for name in rng.shuffled(list(NUMBERS)) if name not in about]
    converted = next(name for name in free if name != "gpus")
    return next(name for name in free if name != converted), converted


def _numbers(rng: Rng, style: str, worded: str, converted: str, old: Fields) -> dict[str, Said]:
    drawn = {}
    for name in NUMBERS:
        fitting = _WAYS[style == "plain", name == worded, name == converted, name]
        drawn[name] = rng.choice([said for said in fitting if said.meant != old.get(name)])
    return drawn


_WAYS = {
    (plain, words, converted, name): ways(name, plain=plain, words=words, converted=converted)
    for plain in (False, True)
    for words in (False, True)
    for converted in (False, True)
    for name in NUMBERS
}


def _days(rng: Rng, style: str, today: date, clash: str, about: Sequence[str]) -> dict[str, Said]:
    """Draw two dates that leave room for the longest wall time, or clash; one is relative."""
    days = [today + timedelta(days=rng.integer(1, 12))]
    days.append(days[0] + timedelta(days=rng.integer(9, 16)))
    if clash == "dates":
        days.reverse()
    relative = "finish_by" if about == ("start_after",) else "start_after"
    said = {}
    for name, day in zip(DATES, days, strict=True):
        shapes = day_shapes(today, day, plain=style == "plain")
        if name != relative and (style == "plain" or rng.chance(40)):
            shapes = ["day"]
        elif name == "finish_by" and style != "plain" and not set(DATES) & set(about):
            shapes.append("after_start")
        said[name] = Said(name, rng.choice(shapes), day.isoformat())
    return said


def _choices(rng: Rng, old: Fields) -> dict[str, Said]:
    drawn = {
        name: rng.choice([said for said in choices(name) if said.value != old.get(name)])
        for name in CHOICES
    }
    return drawn | {"dataset": Said("dataset", "choice", _dataset(rng))}


def _slip(
    rng: Rng,
    style: str,
    today: date,
    said: Sequence[Said],
    twice: Sequence[str],
    about: Sequence[str],
) -> Said | None:
    """Draw what the approval slip says: another value of a field told twice, else the same."""
    if twice:
        (first,) = (item for item in said if item.field == twice[0])
        others = [
            other for other in _others(rng, style, today, first) if other.meant != first.meant
        ]
        return rng.choice(others)
    if style == "plain":
        return None
    first = rng.choice([item for item in said if item.field not in about])
    same = [other for other in _others(rng, style, today, first) if other.meant == first.meant]
    return rng.choice([other for other in same if other.shape != first.shape] or same)


def _others(rng: Rng, style: str, today: date, first: Said) -> list[Said]:
    """Return statements of a field, the same value's among them."""
    if first.field in NUMBERS:
        return list(_WAYS[style == "plain", False, False, first.field])
    if first.field == "dataset":
        return [first, first._replace(value=_near(rng, first.value))]
    if first.field in CHOICES:
        return list(choices(first.field))
    day = date.fromisoformat(first.value)
    step = rng.integer(1, 3) * (1 if first.field == "start_after" else -1)
    return [
        Said(first.field, shape, other.isoformat())
        for other in (day, day + timedelta(days=step))
        for shape in ("day", *day_shapes(today, other, plain=style == "plain"))
    ]


def _dataset(rng: Rng) -> str:
    return f"ds-{rng.integer(1000, 9999)}-{rng.choice('abcdefgh')}"


def _near(rng: Rng, dataset: str) -> str:
    """Return another data set's id that differs in the last letter."""
    return dataset[:-1] + rng.choice([letter for letter in "abcdefgh" if letter != dataset[-1]])


def _remark(rng: Rng, dataset: str) -> Remark:
    return Remark(
        about=rng.choice(("pilot", "neighbour", "retired")),
        cards=rng.choice((2, 14, 18, 22, 26)),
        hours=rng.choice((7, 11, 13, 17, 23)),
        dataset=_near(rng, dataset),
    )


def _earlier_jobs(rng: Rng, today: date) -> dict[str, Fields]:
    """Draw four earlier jobs; the ids of the first two differ in the last digit."""
    stem = rng.integer(1000, 7999)
    last = rng.sample(range(10), 2)
    ids = [f"J-{stem}{digit}" for digit in last]
    ids += [f"J-{rng.integer(8000, 8999)}{last[0]}", f"J-{rng.integer(9000, 9999)}{last[1]}"]
    return {name: _earlier_job(rng, today) for name in ids}


def _earlier_job(rng: Rng, today: date) -> Fields:
    start = today - timedelta(days=rng.integer(30, 90))
    drawn: Fields = {name: rng.choice(values) for name, values in VALUES.items()}
    drawn |= {name: rng.choice(values) for name, values in CHOICES.items()}
    drawn |= {
        "wall_time": hours_minutes(drawn["wall_time"]),
        "start_after": start.isoformat(),
        "finish_by": (start + timedelta(days=rng.integer(6, 16))).isoformat(),
        "dataset": _dataset(rng),
    }
    return {name: drawn[name] for name in FIELDS}
