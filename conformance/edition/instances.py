"""Instances: a family's candidates, those kept that no shortcut of the filter solves."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from conformance.authoring import WAIT, Instance, Rng, Seat, canonical, submit_spec
from conformance.edition.wording import answer_contract
from conformance.errors import EditionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.authoring import Family, Lang, ToolSpec
    from conformance.edition import Edition

MAX_CANDIDATES = 400


def resolve_knobs(family: Family[Any], knobs: dict[str, Any]) -> Iterator[str]:
    """Yield the canonical form of every knob set that ``knobs`` (lists are choices) can give."""
    complete = {name: values[0] for name, values in family.knobs.items()} | knobs
    choices = [value if isinstance(value, list) else [value] for value in complete.values()]
    for values in itertools.product(*choices):
        yield canonical(dict(zip(complete, values, strict=True))).decode()


def build_instance(
    edition: Edition,
    family: Family[Any],
    knobs: dict[str, Any],
    seed: str,
    lang: Lang,
    wording: int,
) -> Instance[Any]:
    """Draw candidates from the instance's own stream until the filter accepts one.

    The stream is named by edition id, family, version, knobs and seed: not by language or
    wording, so twins are equivalent.

    Raises:
        EditionError: an unknown knob or value, or no candidate of 400 is accepted.
    """
    complete = _complete(family, knobs)
    stream = Rng.of("instance", edition.id, family.id, family.version, complete, seed)
    for attempt in range(MAX_CANDIDATES):
        scenario = family.scenario(stream.fork("candidate", attempt), complete)
        instance = dress(family, complete, seed, lang, wording, scenario, attempt)
        if not _is_solved_by_a_shortcut(edition, instance, stream.fork("filter", attempt)):
            return instance
    raise EditionError(
        f"the filter turned {MAX_CANDIDATES} candidates away",
        where=f"{family.id} {canonical(complete).decode()}",
        mend="make the family harder to shortcut; edition check prints its acceptance",
    )


def _complete(family: Family[Any], knobs: dict[str, Any]) -> dict[str, Any]:
    for name, value in knobs.items():
        if name not in family.knobs or value not in family.knobs[name]:
            known = "; ".join(f"{k}: {', '.join(map(str, v))}" for k, v in family.knobs.items())
            raise EditionError(
                f"{name}={value!r} is no knob of {family.id}", where=family.id, mend=known
            )
    return {name: values[0] for name, values in family.knobs.items()} | knobs


def dress(
    family: Family[Any],
    knobs: dict[str, Any],
    seed: str,
    lang: Lang,
    wording: int,
    scenario: Any,
    rejected: int = 0,
) -> Instance[Any]:
    """Return the instance of a scenario that was drawn, in a language and a wording."""
    seats = tuple(_seats(family, scenario, lang, wording % family.wordings))
    return Instance(
        family=family,
        knobs=knobs,
        seed=seed,
        lang=lang,
        wording=wording % family.wordings,
        scenario=scenario,
        instruction=seats[0].instruction,
        tools=tuple({tool.name: tool for seat in seats for tool in seat.tools}.values()),
        forbidden=frozenset(family.forbidden(scenario)),
        right_end=family.right_end(scenario),
        seats=seats,
        rejected=rejected,
    )


def _seats(family: Family[Any], scenario: Any, lang: Lang, wording: int) -> Iterator[Seat]:
    """Yield the seats in the order of their sessions; only the last session's answer counts."""
    specs = type(family.world(scenario)).tool_specs()
    sessions = family.sessions(scenario)
    extra = (WAIT,) if family.faults(scenario) else ()
    for number, names in enumerate(sessions):
        is_last = number == len(sessions) - 1
        values = family.answer_values(scenario, lang) if is_last else {}
        for name in names:
            text = family.instruction_at(scenario, name, lang, wording).strip()
            yield Seat(
                name=name,
                session=number,
                instruction=f"{text}\n\n{answer_contract(values, lang)}",
                tools=(*(specs[tool] for tool in family.offered_at(scenario, name)), *extra),
                is_last=is_last,
            )


def _is_solved_by_a_shortcut(edition: Edition, instance: Instance[Any], rng: Rng) -> bool:
    return any(
        edition.is_solved(instance.play(shortcut.play, rng.fork(shortcut.name)))
        for shortcut in instance.family.shortcuts
        if not shortcut.held_out
    )


def offered_tools(instance: Instance[Any], seat: Seat | None = None) -> tuple[ToolSpec, ...]:
    """Return the tools as the agent at a seat (the first) sees them, ``submit_answer`` last."""
    place = instance.seats[0] if seat is None else seat
    return offered_now(instance, place, place.tools)


def offered_now(
    instance: Instance[Any], seat: Seat, tools: Iterable[ToolSpec]
) -> tuple[ToolSpec, ...]:
    """Return ``tools`` with the ``submit_answer`` of the seat."""
    is_last, family = seat.is_last, instance.family
    values = family.answer_values(instance.scenario, instance.lang) if is_last else {}
    return (*tools, submit_spec(values))
