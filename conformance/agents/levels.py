"""Which level an instance belongs to: the knob sets of different levels are disjoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import canonical
from conformance.edition.instances import resolve_knobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Instance
    from conformance.edition import Edition


def level_of(edition: Edition) -> Callable[[Instance[Any]], str | None]:
    """Return the function that tells a calibrator the level of an instance, or None."""
    known = {
        (draw.family, knobs): clause.step
        for clause in edition.clauses
        for draw in clause.draws
        for knobs in resolve_knobs(edition.family(draw.family), draw.knobs)
    }
    return lambda instance: known.get((instance.family.id, canonical(instance.knobs).decode()))
