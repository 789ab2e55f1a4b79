"""The shapes in which a request can say a value: units, halves, numerals in words, relative days.

A shape is language-free; each language has its own phrase for it. A shape is *in words* where no
digit shows the number, *converted* where its unit is not the form's, and *relative* where a day
is told from today or from another day.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from .form import CHOICES, hours_minutes

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = 60
DAY = 24 * HOUR
TIB = 1024
"""GiB in a TiB."""
TB = 1000
"""GB in a TB."""


class Said(NamedTuple):
    """One statement of a request: a field, the value it means and the shape it is said in.

    ``value`` is in the form's unit, except that a wall time is in minutes.
    """

    field: str
    shape: str
    value: Any

    @property
    def meant(self) -> Any:
        """Return the value as the form spells it."""
        return hours_minutes(self.value) if self.field == "wall_time" else self.value


class Shape(NamedTuple):
    """A way to say a number."""

    fits: Callable[[int], bool]
    is_plain: bool = False
    in_words: bool = False
    is_converted: bool = False


NUMBERS: dict[str, dict[str, Shape]] = {
    "gpus": {
        "digits": Shape(lambda _: True, is_plain=True),
        "words": Shape(lambda _: True, is_plain=True, in_words=True),
        "machines": Shape(lambda n: machines(n) is not None, in_words=True),
    },
    "memory_gib": {
        "digits": Shape(lambda _: True, is_plain=True),
        "words": Shape(lambda n: n < TIB, in_words=True),
        "big": Shape(lambda n: n % TIB == 0, is_plain=True, is_converted=True),
        "big_half": Shape(
            lambda n: n % TIB == TIB // 2, is_plain=True, in_words=True, is_converted=True
        ),
        "big_decimal": Shape(lambda n: n % TIB in (TIB // 4, TIB * 3 // 4), is_converted=True),
        "small": Shape(lambda n: n < TIB, is_converted=True),
    },
    "scratch_gb": {
        "digits": Shape(lambda _: True, is_plain=True),
        "words": Shape(lambda n: n < TB, in_words=True),
        "big": Shape(lambda n: n % TB == 0, is_plain=True, is_converted=True),
        "big_half": Shape(
            lambda n: n % TB == TB // 2, is_plain=True, in_words=True, is_converted=True
        ),
        "big_decimal": Shape(
            lambda n: n % 100 == 0 and n > TB and n % (TB // 2) != 0, is_converted=True
        ),
        "small": Shape(lambda n: n < TB, is_converted=True),
    },
    "wall_time": {
        "hours": Shape(lambda n: n % HOUR == 0, is_plain=True),
        "hours_words": Shape(lambda n: n % HOUR == 0, is_plain=True, in_words=True),
        "hours_half": Shape(
            lambda n: n % HOUR == HOUR // 2, is_plain=True, in_words=True, is_converted=True
        ),
        "minutes": Shape(lambda n: n <= 10 * HOUR, is_plain=True, is_converted=True),
        "quarters": Shape(lambda n: n == HOUR * 3 // 4, in_words=True, is_converted=True),
        "days": Shape(lambda n: n % DAY == 0, in_words=True, is_converted=True),
        "days_half": Shape(
            lambda n: n > DAY and n % DAY == DAY // 2, in_words=True, is_converted=True
        ),
        "days_hours": Shape(
            lambda n: n > DAY and 0 < n % DAY < DAY // 2 and n % HOUR == 0,
            in_words=True,
            is_converted=True,
        ),
    },
}  # fmt: skip

VALUES: dict[str, tuple[int, ...]] = {
    "gpus": (4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 72, 80, 96),
    "memory_gib": (96, 128, 192, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048,
                   2560, 3072),
    "scratch_gb": (200, 300, 400, 500, 600, 700, 800, 900, 1000, 1200, 1500, 1600, 1800, 2000,
                   2500, 3000, 4000),
    "wall_time": (30, 45, 90, 120, 150, 180, 210, 240, 300, 330, 360, 450, 480, 540, 600, 720, 960,
                  1080, 1440, 1800, 2160, 2880, 3000, 3240, 3600, 4320, 5040, 5760),
}  # fmt: skip


def ways(name: str, *, plain: bool, words: bool, converted: bool) -> tuple[Said, ...]:
    """Return every statement of a number that is as plain, worded or converted as asked for."""
    return tuple(
        Said(name, key, value)
        for value in VALUES[name]
        for key, shape in NUMBERS[name].items()
        if shape.fits(value)
        and (shape.is_plain or not plain)
        and (shape.in_words or not words)
        and (shape.is_converted or not converted)
    )


def choices(name: str) -> tuple[Said, ...]:
    """Return every statement of a field that offers a choice."""
    return tuple(Said(name, "choice", value) for value in CHOICES[name])


def machines(cards: int) -> tuple[int, int] | None:
    """Return how many machines with how many cards each make up ``cards``; two machines or more."""
    for each in (8, 6, 4):
        if cards % each == 0 and cards // each in range(2, 13):
            return cards // each, each
    return None


def day_shapes(today: date, day: date, *, plain: bool) -> list[str]:
    """Return the relative shapes that fit a day.

    A Sunday is never told as one of next week: where weeks begin with it is not the same
    everywhere.
    """
    ahead = (day - today).days
    shapes = {
        "tomorrow": ahead == 1,
        "day_after_tomorrow": ahead == 2,
        "in_days": ahead > 2 and ahead % 7 != 0,
        "in_weeks": ahead > 2 and ahead % 7 == 0,
        "next_week": not plain and 0 <= ahead - (7 - today.weekday()) < 6,
        "month_end": not plain and _is_month_end(day) and day.month == today.month,
        "next_month_first": not plain and day.day == 1,
    }
    return [name for name, fits in shapes.items() if fits]


def _is_month_end(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def is_in_words(said: Said) -> bool:
    """Say whether a number is told in words."""
    return said.field in NUMBERS and NUMBERS[said.field][said.shape].in_words


def is_converted(said: Said) -> bool:
    """Say whether a number is told in another unit than the form's."""
    return said.field in NUMBERS and NUMBERS[said.field][said.shape].is_converted


def is_relative(said: Said) -> bool:
    """Say whether a day is told from another day."""
    return said.field in ("start_after", "finish_by") and said.shape != "day"
