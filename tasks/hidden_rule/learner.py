"""A version-space learner: it keeps every rule of the manual that fits what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .rules import BASE, PARTS, Consignment, Kind, Part, Place, predictions, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Rulebook(NamedTuple):
    """What the manual gives away: the kinds of rules, and each mark's own number."""

    dock: Kind
    shelf: Kind
    mark_numbers: tuple[int, ...]

    def kind(self, part: Part) -> Kind:
        """Return the kind of rule that gives a part."""
        return self.dock if part == "dock" else self.shelf


class Learner:
    """All rules that fit are as likely as each other, as the manual says they were before.

    What it is told does not depend on what it guesses, so there is nothing to explore: fitting
    all that was told is all that Bayes' rule asks.
    """

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.seen: tuple[Consignment, ...] = ()
        self._fits: dict[Part, NDArray[np.int64]] = {
            part: np.arange(size(book.kind(part)), dtype=np.int64) for part in PARTS
        }

    def possible(self, *coming: Consignment) -> dict[Part, tuple[int, ...]]:
        """Return the digits that the fitting rules give to the last of those that come now."""
        found: dict[Part, tuple[int, ...]] = {}
        for part in PARTS:
            counts = np.bincount(self._predict(part, coming), minlength=BASE)
            found[part] = tuple(int(digit) for digit in counts.nonzero()[0])
        return found

    def knows(self, *coming: Consignment) -> bool:
        """Say whether all rules that fit give the last of those that come now the same place."""
        return all(np.ptp(self._predict(part, coming)) == 0 for part in PARTS)

    def guess(self, *coming: Consignment) -> Place:
        """Return the place that the first rule that fits gives to the last of them."""
        dock, shelf = (int(self._predict(part, coming)[0]) for part in PARTS)
        return Place(dock, shelf)

    def learn(self, consignment: Consignment, told: Mapping[Part, Sequence[int]] | None) -> None:
        """Drop the rules that do not fit; with None, only the consignment went by."""
        if told is not None:
            for part in PARTS:
                fits = np.isin(self._predict(part, (consignment,)), told[part])
                self._fits[part] = self._fits[part][fits]
        self.seen = (*self.seen, consignment)

    def _predict(self, part: Part, coming: Sequence[Consignment]) -> NDArray[np.int64]:
        history = (*self.seen, *coming)
        return predictions(self.book.kind(part), self._fits[part], history, self.book.mark_numbers)
