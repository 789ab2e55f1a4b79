"""Whether an edition's parts fit together: every problem with its file, line or key, and mend."""

from __future__ import annotations

import inspect
import itertools
from typing import TYPE_CHECKING, Any

from conformance.edition.instances import resolve_knobs
from conformance.errors import EditionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.authoring import Family
    from conformance.edition import Edition
    from conformance.edition.document import ClauseDoc, DrawDoc

    Key = tuple[Any, ...]

MOST_TRIALS = 10_000
"""More no campaign can run, nor a curve be computed for."""


def problems(edition: Edition) -> Iterator[EditionError]:
    """Yield every problem of an edition that can be found without running an instance."""
    yield from _names(edition)
    yield from _numbers(edition)
    yield from _steps(edition)
    for index, clause in enumerate(edition.clauses):
        yield from _clause(edition, index, clause)
        yield from _observation(edition, index, clause)
    yield from _draws(edition)


def _names(edition: Edition) -> Iterator[EditionError]:
    """Find ids that stand twice; a claim names steps and classes by their ids alone."""
    document = edition.document
    clauses = [(("clauses", n), clause.id) for n, clause in enumerate(document.clauses)]
    dimensions = [(("dimensions", n), item.id) for n, item in enumerate(document.dimensions)]
    claimed = [
        *((("agency", "steps", n), step.id) for n, step in enumerate(document.agency.steps)),
        *((("trust", "steps", n), step.id) for n, step in enumerate(document.trust.steps)),
        *((("efficiency", "classes", n), c.id) for n, c in enumerate(document.efficiency.classes)),
    ]
    for group in (clauses, dimensions, claimed):
        yield from _twice(edition, group)


def _twice(edition: Edition, group: Iterable[tuple[Key, str]]) -> Iterator[EditionError]:
    seen: set[str] = set()
    for key, name in group:
        if name in seen:
            yield EditionError(
                f"{name} stands twice",
                where=edition.located.where((*key, "id")),
                mend="rename one of them",
            )
        seen.add(name)


def _numbers(edition: Edition) -> Iterator[EditionError]:
    document, where = edition.document, edition.located.where
    rules = [(("clauses", n, "rule"), clause.rule) for n, clause in enumerate(document.clauses)]
    least_alpha = min(plan.alpha for plan in document.plans.values())
    for key, rule in ((("efficiency", "rule"), document.efficiency.rule), *rules):
        if not 0 < rule.p0 < rule.p1 <= 1:
            yield EditionError(
                f"p0 {rule.p0:g} is not below p1 {rule.p1:g}",
                where=where(key),
                mend="p0 is what a clause demands, p1 what a good agent has",
            )
        elif rule.name == "clean-run" and rule.p0**MOST_TRIALS > least_alpha:
            yield _too_many(where((*key, "p0")), "lower p0")
        if rule.n_max is not None and rule.n_max > MOST_TRIALS:
            yield _too_many(where((*key, "n_max")), "lower n_max")
    for name, plan in document.plans.items():
        if plan.n_min > plan.n_max:
            yield EditionError(
                f"n_min {plan.n_min} is above n_max {plan.n_max}",
                where=where(("plans", name, "n_min")),
                mend="lower n_min",
            )
        if plan.n_max > MOST_TRIALS:
            yield _too_many(where(("plans", name, "n_max")), "lower n_max")
    kappas = [float("inf") if c.kappa is None else c.kappa for c in document.efficiency.classes]
    for number, (better, worse) in enumerate(itertools.pairwise(kappas), 1):
        if better >= worse:
            yield EditionError(
                "the classes do not stand from the best to the worst",
                where=where(("efficiency", "classes", number, "kappa")),
                mend="let kappa rise from class to class, null last",
            )


def _too_many(where: str, mend: str) -> EditionError:
    return EditionError(f"needs more than {MOST_TRIALS} trials", where=where, mend=mend)


def _steps(edition: Edition) -> Iterator[EditionError]:
    document = edition.document
    for name, axis in (("agency", document.agency), ("trust", document.trust)):
        mandatory = {c.step for c in document.clauses if c.axis == name and not c.optional}
        for index, step in enumerate(axis.steps):
            if step.id not in mandatory:
                yield EditionError(
                    f"{step.id} has no mandatory clause",
                    where=edition.located.where((name, "steps", index)),
                    mend="add one, or take the step out",
                )


def _clause(edition: Edition, index: int, clause: ClauseDoc) -> Iterator[EditionError]:
    document, where, at = edition.document, edition.located.where, ("clauses", index)
    axis = document.agency if clause.axis == "agency" else document.trust
    if clause.step not in [step.id for step in axis.steps]:
        yield EditionError(
            f"{clause.step} is no step of the {clause.axis} axis",
            where=where((*at, "step")),
            mend=f"use one of {', '.join(step.id for step in axis.steps)}",
        )
    if clause.dimension not in [dimension.id for dimension in document.dimensions]:
        yield EditionError(
            f"there is no dimension {clause.dimension}",
            where=where((*at, "dimension")),
            mend="add it under dimensions, or use one that is there",
        )
    if clause.ics is not None and not clause.optional and clause.rider:
        yield EditionError(
            "a rider cannot depend on an ICS line", where=where((*at, "ics")), mend="take ics out"
        )
    named = bool(clause.draws) + clause.rider + clause.sealed + (clause.pending is not None)
    if named != 1:
        yield EditionError(
            "a clause has draws, or is a rider, sealed or pending: exactly one of them",
            where=where(at),
            mend="keep one",
        )


def _observation(edition: Edition, index: int, clause: ClauseDoc) -> Iterator[EditionError]:
    grader, options = clause.observation.grader, clause.observation.options
    at = ("clauses", index, "observation")
    if not (edition.root / "graders" / f"{grader}.py").is_file():
        yield EditionError(
            f"there is no grader {grader}",
            where=edition.located.where((*at, "grader")),
            mend=f"add graders/{grader}.py",
        )
        return
    try:
        inspect.signature(edition.grader(grader)).bind(None, **options)
    except EditionError as error:
        yield error
    except TypeError as error:
        yield EditionError(
            f"the grader {grader} does not take these options: {error}",
            where=edition.located.where((*at, "options")),
            mend=f"see grade in graders/{grader}.py",
        )


def _draws(edition: Edition) -> Iterator[EditionError]:
    """Check what clauses draw: families, knobs, and that no two steps share an instance."""
    families: dict[str, Family[Any] | None] = {}
    shared: dict[tuple[str, str], tuple[str, str]] = {}
    for index, clause in enumerate(edition.clauses):
        yield from _drawn_twice(edition, index, clause)
        for number, draw in enumerate(clause.draws):
            at = ("clauses", index, "draws", number)
            if not (edition.root / "tasks" / draw.family / "__init__.py").is_file():
                yield EditionError(
                    f"the folder has no family {draw.family}",
                    where=edition.located.where((*at, "family")),
                    mend=f"add tasks/{draw.family}, or mark the clause pending",
                )
                continue
            if draw.family not in families:
                try:
                    families[draw.family] = edition.family(draw.family)
                except EditionError as error:
                    families[draw.family] = None
                    yield error
            family = families[draw.family]
            if family is not None:
                yield from _knobs(edition, (*at, "knobs"), family, draw)
                yield from _shared(edition, (*at, "knobs"), family, draw, clause, shared)


def _drawn_twice(edition: Edition, index: int, clause: ClauseDoc) -> Iterator[EditionError]:
    seen: set[str] = set()
    for number, draw in enumerate(clause.draws):
        if draw.family in seen:
            yield EditionError(
                f"{draw.family} is named twice",
                where=edition.located.where(("clauses", index, "draws", number)),
                mend="name it once; a list of knob values is a choice",
            )
        seen.add(draw.family)


def _knobs(edition: Edition, at: Key, family: Family[Any], draw: DrawDoc) -> Iterator[EditionError]:
    for name, given in draw.knobs.items():
        values = given if isinstance(given, list) else [given]
        known = family.knobs.get(name)
        if known is None:
            yield EditionError(
                f"{family.id} has no knob {name}",
                where=edition.located.where((*at, name)),
                mend=f"knobs: {', '.join(family.knobs)}",
            )
        elif not values or any(value not in known for value in values):
            yield EditionError(
                f"{given!r} is no value of {family.id}'s knob {name}",
                where=edition.located.where((*at, name)),
                mend=f"values: {', '.join(map(str, known))}",
            )


def _shared(
    edition: Edition,
    at: Key,
    family: Family[Any],
    draw: DrawDoc,
    clause: ClauseDoc,
    seen: dict[tuple[str, str], tuple[str, str]],
) -> Iterator[EditionError]:
    """Clauses of different steps must not share an instance, or one calibrates for another."""
    for knobs in resolve_knobs(family, draw.knobs):
        step, other = seen.setdefault((family.id, knobs), (clause.step, clause.id))
        if step != clause.step:
            yield EditionError(
                f"shares {family.id} {knobs} with {other} of {step}",
                where=edition.located.where(at),
                mend="give the clauses of different steps different knobs",
            )
            return
