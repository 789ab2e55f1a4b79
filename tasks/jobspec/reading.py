"""What a reader concludes from the statements of a request alone.

A careful reader comes to the right end, which a test holds against the scenario; readers with one
blind spot make honest shortcuts. A reader sees the value of each statement with ``see``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .form import DATES, FIELDS, Fields, hours_minutes
from .shapes import DAY, HOUR, TB, TIB, Said, is_converted, is_in_words, is_relative, machines

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scenario import Scenario


class Reading(NamedTuple):
    """The fields that seem settled, and the question if something seems wrong."""

    fields: Fields
    kind: str
    """``complete``, ``missing`` or ``contradiction``."""
    about: tuple[str, ...]


def read(scenario: Scenario, see: Callable[[Said], Any], base: Fields) -> Reading:
    """Return what a reader concludes who takes the values not restated from ``base``."""
    told = {said.field: see(said) for said in scenario.said}
    fields = {name: base[name] for name in FIELDS if name in base and name not in scenario.changes}
    clashes = {name for name in fields if name in told and fields[name] != told[name]}
    fields |= told
    slip = scenario.slip
    if slip is not None and fields.get(slip.field) != see(slip):
        clashes.add(slip.field)
    if set(DATES) <= fields.keys() and fields["finish_by"] < fields["start_after"]:
        clashes |= set(DATES)
    gaps = tuple(name for name in FIELDS if name not in fields)
    about = tuple(name for name in FIELDS if name in clashes) or gaps
    kind = "contradiction" if clashes else "missing" if gaps else "complete"
    return Reading({k: v for k, v in fields.items() if k not in about}, kind, about)


def careful(said: Said) -> Any:
    """See the value that is meant."""
    return said.meant


def ignoring_units(said: Said) -> Any:
    """See the number in front of the unit, as if the unit were the form's."""
    if not is_converted(said):
        return said.meant
    step = {"memory_gib": TIB, "scratch_gb": TB}.get(said.field)
    if step is not None:
        return said.value * step if said.shape == "small" else max(1, said.value // step)
    if said.shape == "minutes":
        return hours_minutes(min(said.value * HOUR, 999 * HOUR))
    if said.shape.startswith("days"):
        return hours_minutes(said.value // DAY * HOUR)
    return hours_minutes(max(1, said.value // HOUR) * HOUR)


def ignoring_words(said: Said) -> Any:
    """See one where a numeral is in words; of machines with cards each, the machines."""
    if not is_in_words(said):
        return said.meant
    split = machines(said.value) if said.shape == "machines" else None
    if split is not None:
        return split[0]
    return hours_minutes(HOUR) if said.field == "wall_time" else 1


def ignoring_calendar(today: str) -> Callable[[Said], Any]:
    """See today wherever a day is told from another day."""
    return lambda said: today if is_relative(said) else said.meant


def literal(today: str) -> Callable[[Said], Any]:
    """See only digits and ids: no words, no units, no calendar; a wall time is in minutes."""

    def see(said: Said) -> Any:
        if is_in_words(said):
            return ignoring_words(said)
        if said.field == "wall_time" and said.shape == "hours":
            return hours_minutes(said.value // HOUR)
        if is_relative(said):
            return today
        return ignoring_units(said)

    return see
