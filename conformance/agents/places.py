"""Where an instance stands in its edition: the knob sets of different steps are disjoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.authoring import canonical
from conformance.edition.instances import resolve_knobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Instance
    from conformance.edition import Edition


class Place(NamedTuple):
    """The step an instance is drawn for, and how it is observed there."""

    axis: str
    """``agency`` or ``trust``."""
    rank: int
    """1 for the lowest step of the axis."""
    graders: frozenset[str]
    """Those of the clauses that draw it."""


def places(edition: Edition) -> Callable[[Instance[Any]], Place | None]:
    """Return the function that tells a calibrator where an instance stands, or None."""
    document = edition.document
    ranks = {
        step.id: (axis, rank)
        for axis, steps in (("agency", document.agency.steps), ("trust", document.trust.steps))
        for rank, step in enumerate(steps, 1)
    }
    known: dict[tuple[str, str], Place] = {}
    for clause in edition.clauses:
        for source in edition.sources(clause):
            family = edition.family(source.family)
            for knobs in resolve_knobs(family, source.knobs):
                before = known.get((family.id, knobs))
                graders = before.graders if before is not None else frozenset()
                known[family.id, knobs] = Place(
                    *ranks[clause.step], graders | {clause.observation.grader}
                )
    return lambda instance: known.get((instance.family.id, canonical(instance.knobs).decode()))
