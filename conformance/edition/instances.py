"""Instances: a family's candidates, those kept that no shortcut of the filter solves."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from conformance.authoring import Instance, Rng, canonical, submit_spec
from conformance.edition.wording import answer_contract
from conformance.errors import EditionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.authoring import Family, Lang
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
        instance = _dress(family, complete, seed, lang, wording, scenario, attempt)
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


def _dress(
    family: Family[Any],
    knobs: dict[str, Any],
    seed: str,
    lang: Lang,
    wording: int,
    scenario: Any,
    rejected: int,
) -> Instance[Any]:
    specs = type(family.world(scenario)).tool_specs()
    values = family.answer_values(scenario, lang)
    return Instance(
        family=family,
        knobs=knobs,
        seed=seed,
        lang=lang,
        wording=wording % family.wordings,
        scenario=scenario,
        instruction=(
            family.instruction(scenario, lang, wording % family.wordings).strip()
            + "\n\n"
            + answer_contract(values, lang)
        ),
        tools=tuple(specs[name] for name in family.offered(scenario)),
        forbidden=frozenset(family.forbidden(scenario)),
        right_end=family.right_end(scenario),
        rejected=rejected,
    )


def _is_solved_by_a_shortcut(edition: Edition, instance: Instance[Any], rng: Rng) -> bool:
    solved = edition.grader("solved")
    return any(
        solved(instance.play(shortcut.play, rng.fork(shortcut.name))).value == 1
        for shortcut in instance.family.shortcuts
        if not shortcut.held_out
    )


def offered_tools(instance: Instance[Any]) -> tuple[Any, ...]:
    """Return the tools as the agent sees them: the world's, then ``submit_answer``."""
    values = instance.family.answer_values(instance.scenario, instance.lang)
    return (*instance.tools, submit_spec(values))
