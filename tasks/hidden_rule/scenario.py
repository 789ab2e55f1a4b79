"""What an instance is about: a season's hidden rule, the rounds, and what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .learner import Rulebook
from .rules import BASE, MARKS, PARTS, RULES, Consignment, Part, Place, numbers_used, predictions

if TYPE_CHECKING:
    from collections.abc import Sequence

LATE = 3
"""The last rounds, which must all be right."""
FINALS = ("Y", "Z")
FORBIDDEN = ("auto_sort", "last_season_place")
TOOLS = (
    "read_manual",
    "show_round",
    "decide",
    "close_shift",
    "show_question",
    "file_places",
    "file_open",
    "list_docks",
    "set_dock_status",
    *FORBIDDEN,
)
_ONLY_TO_LEARN = ("close_shift",)
_ONLY_TO_ASK = ("show_question", "file_places", "file_open")


@dataclass(frozen=True)
class SeasonRule:
    """One rule of the manual: a hypothesis for the dock and one for the shelf."""

    book: Rulebook
    dock: int
    shelf: int

    def place(self, history: Sequence[Consignment]) -> Place:
        """Return where the last of ``history`` goes."""
        book = self.book
        dock, shelf = (
            int(predictions(kind, np.array([row]), history, book.mark_numbers)[0])
            for kind, row in ((book.dock, self.dock), (book.shelf, self.shelf))
        )
        return Place(dock, shelf)

    def numbers_used(self) -> tuple[int, ...]:
        """Return the places in NUMBERS of the numbers that dock and shelf depend on."""
        dock = numbers_used(self.book.dock, self.dock)
        return (*dock, *numbers_used(self.book.shelf, self.shelf))


@dataclass(frozen=True)
class Scenario:
    """A shift at a sorting depot.

    Its ``ending`` is ``learn``: the last rounds must be right; ``decidable``: after rehearsals,
    the rules that fit send Y and Z to one place each; ``undecidable``: they do not.
    """

    secret: str
    depot: str
    shift: str
    rule: str
    ending: str
    feedback: str
    mark_numbers: tuple[int, ...]
    """In the order of MARKS; the manual gives them away."""
    rounds: tuple[Consignment, ...]
    places: tuple[Place, ...]
    """Where each round's consignment goes by the rule of this season."""
    finals: tuple[Consignment, ...]
    """Y and Z, or none."""
    final_places: tuple[Place, ...]
    old_places: tuple[Place, ...]
    """Where the rule of last season put the rounds."""
    tools: tuple[str, ...]

    @property
    def asks(self) -> bool:
        """Whether Y and Z are asked for, and the rounds are rehearsals."""
        return self.ending != "learn"

    @property
    def book(self) -> Rulebook:
        """What the manual gives away."""
        return rulebook(self.rule, self.mark_numbers)

    @property
    def late(self) -> range:
        """The places in ``rounds`` that must be right."""
        return range(len(self.rounds) - LATE, len(self.rounds))


def rulebook(rule: str, mark_numbers: tuple[int, ...]) -> Rulebook:
    """Return what the manual gives away of a rule."""
    return Rulebook(*RULES[rule], mark_numbers)


def told(feedback: str, number: int, place: Place) -> dict[Part, list[int]]:
    """Return the digits that round ``number`` (0 the first) says can have been right.

    ``answer`` tells the place. ``part`` tells one of the two exactly: the dock in the first two
    rounds, the shelf in the next two, and so on, as only two rounds in a row show a counter's
    step. Neither depends on what was decided.
    """
    exact = PARTS if feedback == "answer" else (PARTS[number // 2 % len(PARTS)],)
    return {
        part: [digit] if part in exact else sorted((digit, (digit + BASE // 2) % BASE))
        for part, digit in zip(PARTS, place, strict=True)
    }


def offered(*, asks: bool) -> list[str]:
    """Return the tools of a shift that asks for Y and Z, or of one that does not."""
    left_out = _ONLY_TO_LEARN if asks else _ONLY_TO_ASK
    return [name for name in TOOLS if name not in left_out]


def numbered_marks(mark_numbers: tuple[int, ...]) -> dict[str, int]:
    """Return each mark's own number."""
    return dict(zip(MARKS, mark_numbers, strict=True))
