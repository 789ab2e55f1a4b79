"""The rules a season can have: for each kind the whole space of hypotheses, as arrays.

A consignment goes to a place: a dock and a shelf, both digits. A kind of rule gives one digit.
A hypothesis is an index into its kind's space, every one as likely as another beforehand, and
every space is closed under adding a constant: so the first digit is uniform, whatever the case.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Digits = NDArray[np.int64]
    Rows = NDArray[np.int64]

BASE = 10
"""Docks and shelves, and the values of a number: 0 to 9."""
NUMBERS = ("zone", "batch", "lot", "class")
MARKS = ("cold", "fragile", "express", "heavy", "sealed")
BANDS = ("red", "amber", "blue")
PARTS: tuple[Part, ...] = ("dock", "shelf")

Part = Literal["dock", "shelf"]
Kind = Literal["two_numbers", "one_number", "first_mark", "counter"]

RULES: Mapping[str, tuple[Kind, Kind]] = {
    "numbers": ("two_numbers", "two_numbers"),
    "precedence": ("first_mark", "one_number"),
    "counter": ("counter", "one_number"),
}
"""What gives the dock and what gives the shelf."""


class Consignment(NamedTuple):
    """What is printed on a consignment: four digits, some marks in the order of MARKS, a band."""

    numbers: tuple[int, ...]
    marks: tuple[str, ...]
    band: str

    def shown(self) -> dict[str, Any]:
        """Return it as the tools show it."""
        numbers = dict(zip(NUMBERS, self.numbers, strict=True))
        return {"numbers": numbers, "marks": list(self.marks), "band": self.band}

    @classmethod
    def read(cls, shown: Mapping[str, Any]) -> Consignment:
        """Return the consignment that a tool showed."""
        numbers = tuple(shown["numbers"][name] for name in NUMBERS)
        return cls(numbers, tuple(shown["marks"]), shown["band"])


class Place(NamedTuple):
    """Where a consignment goes."""

    dock: int
    shelf: int

    def __str__(self) -> str:
        """Write it as the answer wants it."""
        return f"{self.dock}-{self.shelf}"


def predictions(
    kind: Kind, rows: Rows, history: Sequence[Consignment], mark_numbers: tuple[int, ...]
) -> Digits:
    """Return the digit that each of some hypotheses gives to the last of ``history``."""
    return _PREDICT[kind](rows, history, mark_numbers) % BASE


def size(kind: Kind) -> int:
    """Return how many hypotheses a kind has."""
    return _SIZES[kind]


def numbers_used(kind: Kind, row: int) -> tuple[int, ...]:
    """Return the places in NUMBERS of the numbers that a hypothesis looks at."""
    if kind == "two_numbers":
        return (int(_LEFT[row]), int(_RIGHT[row]))
    return (row // BASE,) if kind == "one_number" else ()


_FORMS = [
    *((a, 1, b) for a, b in itertools.combinations(range(len(NUMBERS)), 2)),
    *((a, -1, b) for a, b in itertools.permutations(range(len(NUMBERS)), 2)),
]
_LEFT, _SIGN, _RIGHT = np.repeat(np.array(_FORMS), BASE, axis=0).T
_ORDERS = np.array(list(itertools.permutations(range(len(MARKS)))))
"""The rank of each mark, 0 the highest; a row for each order."""
_STARTS_AND_STEPS = np.array(list(itertools.product(range(BASE), *[range(1, BASE)] * len(BANDS))))


def _two_numbers(rows: Rows, history: Sequence[Consignment], _: tuple[int, ...]) -> Digits:
    numbers = np.array(history[-1].numbers)
    first, second = numbers[_LEFT[rows]], numbers[_RIGHT[rows]]
    digits: Digits = first + _SIGN[rows] * second + rows % BASE
    return digits


def _one_number(rows: Rows, history: Sequence[Consignment], _: tuple[int, ...]) -> Digits:
    return np.array(history[-1].numbers)[rows // BASE] + rows % BASE


def _first_mark(
    rows: Rows, history: Sequence[Consignment], mark_numbers: tuple[int, ...]
) -> Digits:
    present = np.array([MARKS.index(mark) for mark in history[-1].marks])
    highest = _ORDERS[rows // BASE][:, present].argmin(axis=1)
    digits: Digits = np.array(mark_numbers)[present[highest]] + rows % BASE
    return digits


def _counter(rows: Rows, history: Sequence[Consignment], _: tuple[int, ...]) -> Digits:
    bands = [consignment.band for consignment in history]
    weights = np.array([1, *(bands.count(band) for band in BANDS)])
    digits: Digits = _STARTS_AND_STEPS[rows] @ weights
    return digits


_PREDICT: Mapping[Kind, Callable[[Rows, Sequence[Consignment], tuple[int, ...]], Digits]] = {
    "two_numbers": _two_numbers,
    "one_number": _one_number,
    "first_mark": _first_mark,
    "counter": _counter,
}
_SIZES: Mapping[Kind, int] = {
    "two_numbers": len(_FORMS) * BASE,
    "one_number": len(NUMBERS) * BASE,
    "first_mark": len(_ORDERS) * BASE,
    "counter": len(_STARTS_AND_STEPS),
}
