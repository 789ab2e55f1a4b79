"""Drawing a scenario: what is told always shows the late rounds before they come."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from .learner import Learner, Rulebook
from .rules import BANDS, BASE, MARKS, NUMBERS, Consignment, Place, size
from .scenario import FINALS, LATE, Scenario, SeasonRule, offered, rulebook, told

if TYPE_CHECKING:
    from conformance.authoring import Knobs, Rng

_TRIES = 16
"""Consignments tried for one round before the whole shift is drawn again."""


class _Tie(NamedTuple):
    """Two numbers that keep the same distance in every round: no round can tell them apart."""

    leader: int
    follower: int
    distance: int

    def tied(self, numbers: list[int]) -> list[int]:
        numbers[self.follower] = (numbers[self.leader] + self.distance) % BASE
        return numbers


class _Shift(NamedTuple):
    rounds: tuple[Consignment, ...]
    places: tuple[Place, ...]
    finals: tuple[Consignment, ...]
    final_places: tuple[Place, ...]
    old_places: tuple[Place, ...]


def draw(rng: Rng, knobs: Knobs) -> Scenario:
    """Draw a scenario; every choice is an integer from ``rng``."""
    mark_numbers = tuple(rng.sample(range(BASE), len(MARKS)))
    book = rulebook(knobs["rule"], mark_numbers)
    while (shift := _Draft(rng, knobs, book).shift()) is None:
        pass
    return Scenario(
        secret=rng.token(20),
        depot=f"D-{rng.integer(10, 99)}",
        shift=f"S-{rng.integer(1000, 9999)}",
        rule=knobs["rule"],
        ending=knobs["ending"],
        feedback=knobs["feedback"],
        mark_numbers=mark_numbers,
        rounds=shift.rounds,
        places=shift.places,
        finals=shift.finals,
        final_places=shift.final_places,
        old_places=shift.old_places,
        tools=tuple(rng.shuffled(offered(asks=knobs["ending"] != "learn"))),
    )


class _Draft:
    """One attempt: a rule, then consignment after consignment, each with what it must be.

    No condition changes where the constants of both seasons' rules move by the same amount, so
    the first place is uniform over the hundred.
    """

    def __init__(self, rng: Rng, knobs: Knobs, book: Rulebook) -> None:
        self.rng, self.book = rng, book
        self.ending, self.feedback = knobs["ending"], knobs["feedback"]
        self.count = knobs["episodes"]
        self.before = self._rule()
        is_idle = self.ending == "decidable" and rng.chance(50)
        self.now = self._rule_that_leaves_two() if is_idle else self._rule()
        self.tie = None if self.ending == "learn" else self._tie(is_idle=is_idle)
        self.by_told, self.by_places = Learner(book), Learner(book)
        self.places: list[Place] = []
        self.old: list[Place] = []
        self.heard: set[Place] = set()
        """Every place that was right, or that the feedback leaves for it."""

    def shift(self) -> _Shift | None:
        """Return a shift that is as it must be, or None after too many tries."""
        rounds: list[Consignment] = []
        for number in range(self.count):
            is_late = number >= self.count - LATE
            consignment = self._find() if is_late else self._any(self.tie)
            if consignment is None:
                return None
            self._pass(consignment, number)
            rounds.append(consignment)
        places, old_places = tuple(self.places), tuple(self.old)
        finals = self._finals() if self.ending != "learn" else ()
        if finals is None:
            return None
        return _Shift(tuple(rounds), places, finals, tuple(self.places[self.count :]), old_places)

    def _finals(self) -> tuple[Consignment, ...] | None:
        """Return Y and Z; one of them is open where the ending is undecidable."""
        open_one = self.rng.below(len(FINALS)) if self.ending == "undecidable" else None
        finals: tuple[Consignment, ...] = ()
        for number in range(len(FINALS)):
            found = self._find(finals, is_final=True, is_known=number != open_one)
            if found is None:
                return None
            finals = (*finals, found)
            self._note(finals)
        return finals

    def _find(
        self,
        before: tuple[Consignment, ...] = (),
        *,
        is_final: bool = False,
        is_known: bool = True,
    ) -> Consignment | None:
        """Return a consignment whose place was never heard of, and known from what was told so far.

        With ``is_known`` false, it is not known even from every place there was.
        """
        learner = self.by_told if is_known else self.by_places
        for _ in range(_TRIES):
            keeps_tie = not is_final or self.rng.chance(50)
            consignment = self._any(self.tie if keeps_tie else None)
            coming = (*before, consignment)
            if learner.knows(*coming) != is_known:
                continue
            place, old = self._places(coming)
            if place not in self.heard and place != old:
                return consignment
        return None

    def _any(self, tie: _Tie | None) -> Consignment:
        rng = self.rng
        numbers = [rng.below(BASE) for _ in NUMBERS]
        chosen = rng.sample(range(len(MARKS)), rng.integer(2, 3))
        marks = tuple(mark for at, mark in enumerate(MARKS) if at in chosen)
        tied = numbers if tie is None else tie.tied(numbers)
        return Consignment(tuple(tied), marks, rng.choice(BANDS))

    def _pass(self, consignment: Consignment, number: int) -> None:
        """Let a round go by."""
        place = self._note((consignment,))
        may_be = told(self.feedback, number, place)
        self.heard |= {Place(*pair) for pair in product(may_be["dock"], may_be["shelf"])}
        self.by_told.learn(consignment, may_be)
        self.by_places.learn(consignment, told("answer", number, place))

    def _note(self, coming: tuple[Consignment, ...]) -> Place:
        place, old = self._places(coming)
        self.places.append(place)
        self.old.append(old)
        self.heard.add(place)
        return place

    def _places(self, coming: tuple[Consignment, ...]) -> tuple[Place, Place]:
        history = (*self.by_told.seen, *coming)
        return self.now.place(history), self.before.place(history)

    def _rule(self) -> SeasonRule:
        book = self.book
        return SeasonRule(book, self.rng.below(size(book.dock)), self.rng.below(size(book.shelf)))

    def _rule_that_leaves_two(self) -> SeasonRule:
        """Return a rule that does not look at two of the numbers."""
        while len(set((rule := self._rule()).numbers_used())) > len(NUMBERS) - 2:
            pass
        return rule

    def _tie(self, *, is_idle: bool) -> _Tie:
        """Return a tie of numbers that the rule does not look at, or of one that it does.

        Both kinds meet consignments that break the tie: that alone must not tell what is open.
        """
        rng, used = self.rng, self.now.numbers_used()
        unused = [number for number in range(len(NUMBERS)) if number not in used]
        leader = rng.choice(unused if is_idle else used)
        others = unused if is_idle else range(len(NUMBERS))
        follower = rng.choice([number for number in others if number != leader])
        return _Tie(leader, follower, rng.below(BASE))
