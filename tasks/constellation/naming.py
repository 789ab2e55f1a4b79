"""Numbers for names, drawn one by one: a sample of a long range without shuffling all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.authoring import Rng


def distinct(rng: Rng, count: int, among: range, taken: Iterable[int] = ()) -> list[int]:
    """Return ``count`` different numbers of a range that are not taken, in the order drawn."""
    seen = set(taken)
    found: list[int] = []
    while len(found) < count:
        number = rng.choice(among)
        if number not in seen:
            seen.add(number)
            found.append(number)
    return found
