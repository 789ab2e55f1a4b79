"""An edition: clauses, families and graders as data and content in a folder, loaded by path."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.authoring import canonical
from conformance.decision.spec import Source
from conformance.edition import files, mount
from conformance.edition.document import ClauseDoc, Document, Located, PlanDoc, read_document
from conformance.edition.instances import build_instance, resolve_knobs
from conformance.errors import EditionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.authoring import Family, Grader, Instance, Lang, Played, Score

KEPT = 64
"""Instances held in memory: clauses that share a trial, its run and its grading meet here."""

__all__ = ["Edition", "load", "problems", "read"]


class Edition:
    """A loaded edition. Families and graders are imported when first asked for."""

    def __init__(self, root: Path, digest: str, document: Document, located: Located) -> None:
        self.root = root
        self.digest = digest
        """SHA-256 over the folder's content; a certificate names it."""
        self.document = document
        self.located = located
        self._clauses = {clause.id: clause for clause in document.clauses}
        self.family = functools.cache(self._family)
        self.grader = functools.cache(self._grader)
        self._instance = functools.lru_cache(maxsize=KEPT)(self._build)

    @property
    def id(self) -> str:
        """The edition's own name, part of every instance's stream."""
        return self.document.id

    @property
    def clauses(self) -> tuple[ClauseDoc, ...]:
        """Every clause, in the edition's order."""
        return tuple(self.document.clauses)

    def clause(self, clause_id: str) -> ClauseDoc:
        """Return a clause by its id.

        Raises:
            EditionError: there is none of that id.
        """
        if clause_id not in self._clauses:
            raise EditionError(
                f"there is no clause {clause_id}",
                where=str(self.located.path),
                mend=f"clauses: {', '.join(self._clauses)}",
            )
        return self._clauses[clause_id]

    def plan(self, name: str) -> PlanDoc:
        """Return a plan by its name.

        Raises:
            EditionError: there is none of that name.
        """
        if name not in self.document.plans:
            raise EditionError(
                f"there is no plan {name!r}",
                where=str(self.located.path),
                mend=f"plans: {', '.join(self.document.plans)}",
            )
        return self.document.plans[name]

    def family_ids(self) -> tuple[str, ...]:
        """Return the families the folder holds, in the order of their numbers."""
        found = [
            path.parent.name
            for path in sorted((self.root / "tasks").glob("*/__init__.py"))
            if "FAMILY" in path.read_text(encoding="utf-8")
        ]
        return tuple(sorted(found, key=lambda name: self.family(name).number))

    def sources(self, clause: ClauseDoc) -> tuple[Source, ...]:
        """Return what a clause draws from, knobs completed by the family's defaults."""
        return tuple(
            Source(
                family=draw.family,
                version=(family := self.family(draw.family)).version,
                weight=draw.weight,
                knobs={name: values[0] for name, values in family.knobs.items()} | draw.knobs,
                wordings=family.wordings,
            )
            for draw in clause.draws
        )

    def instance(
        self,
        family: str,
        knobs: dict[str, Any],
        *,
        seed: str,
        lang: Lang = "zh",
        wording: int = 0,
    ) -> Instance[Any]:
        """Generate an instance; the same arguments give the same one on every platform.

        Raises:
            EditionError: an unknown family or knob, or a filter that turns everything away.
        """
        return self._instance(family, canonical(knobs), seed, lang, wording)

    def observe(self, clause: ClauseDoc, played: Played[Any]) -> Score:
        """Return what a trial gives a clause."""
        observation = clause.observation
        return self.grader(observation.grader)(played, **observation.options)

    def cost_ratio(self, played: Played[Any]) -> float | None:
        """Return the tool calls over the oracle's, or None where the trial is not solved."""
        module = mount.load_module(self.root, self.digest, "graders.efficiency")
        ratio: float | None = module.cost_ratio(played)
        return ratio

    def _build(
        self, family: str, knobs: bytes, seed: str, lang: Lang, wording: int
    ) -> Instance[Any]:
        return build_instance(
            self, self.family(family), msgspec.json.decode(knobs), seed, lang, wording
        )

    def _family(self, family: str) -> Family[Any]:
        return mount.load_family(self.root, self.digest, family)

    def _grader(self, grader: str) -> Grader:
        return mount.load_grader(self.root, self.digest, grader)


def load(root: Path | str | None = None) -> Edition:
    """Load the edition in ``root``, or the one that ships with the suite.

    Every key, reference and rule that can be checked without running content is checked.

    Raises:
        EditionError: with the file, the line or key, and the mend.
    """
    edition = read(root)
    for problem in problems(edition):
        raise problem
    return edition


def read(root: Path | str | None = None) -> Edition:
    """Read an edition without checking what its parts say of each other; see ``problems``.

    Raises:
        EditionError: the folder or its ``edition.yaml`` cannot be read or breaks the schema.
    """
    folder = files.shipped_root() if root is None else Path(root).resolve()
    if not folder.is_dir():
        raise EditionError(
            "there is no such folder", where=str(folder), mend="name an edition's folder"
        )
    document, located = read_document(folder / files.MANIFEST)
    return Edition(folder, files.edition_digest(folder), document, located)


def problems(edition: Edition) -> Iterator[EditionError]:
    """Yield every problem an edition has, in the order of the file."""
    document, located = edition.document, edition.located
    yield from _duplicates(located, "clauses", [clause.id for clause in document.clauses])
    for axis_name, axis in (("agency", document.agency), ("trust", document.trust)):
        steps = [step.id for step in axis.steps]
        yield from _duplicates(located, f"{axis_name}.steps", steps)
        for index, step in enumerate(steps):
            mandatory = [c for c in document.clauses if c.step == step and not c.optional]
            if not mandatory:
                yield EditionError(
                    f"{step} has no mandatory clause",
                    where=located.where((axis_name, "steps", index)),
                    mend="add one, or take the step out",
                )
    for index, clause in enumerate(document.clauses):
        yield from _clause_problems(edition, index, clause)
    yield from _shared_knobs(edition)


def _clause_problems(edition: Edition, index: int, clause: ClauseDoc) -> Iterator[EditionError]:
    document, located, at = edition.document, edition.located, ("clauses", index)
    axis = document.agency if clause.axis == "agency" else document.trust
    if clause.step not in [step.id for step in axis.steps]:
        yield EditionError(
            f"{clause.step} is no step of the {clause.axis} axis",
            where=located.where((*at, "step")),
            mend=f"use one of {', '.join(step.id for step in axis.steps)}",
        )
    if clause.dimension not in [dimension.id for dimension in document.dimensions]:
        yield EditionError(
            f"there is no dimension {clause.dimension}",
            where=located.where((*at, "dimension")),
            mend="add it under dimensions, or use one that is there",
        )
    if not (edition.root / "graders" / f"{clause.observation.grader}.py").is_file():
        yield EditionError(
            f"there is no grader {clause.observation.grader}",
            where=located.where((*at, "observation", "grader")),
            mend=f"add graders/{clause.observation.grader}.py",
        )
    if clause.ics is not None and not clause.optional and clause.rider:
        yield EditionError(
            "a rider cannot depend on an ICS line",
            where=located.where((*at, "ics")),
            mend="take ics out",
        )
    named = bool(clause.draws) + clause.rider + clause.sealed + (clause.pending is not None)
    if named != 1:
        yield EditionError(
            "a clause has draws, or is a rider, sealed or pending: exactly one of them",
            where=located.where(at),
            mend="keep one",
        )
    seen: set[str] = set()
    for number, draw in enumerate(clause.draws):
        here = (*at, "draws", number)
        if draw.family in seen:
            yield EditionError(
                f"{draw.family} is named twice",
                where=located.where(here),
                mend="name it once; a list of knob values is a choice",
            )
        seen.add(draw.family)
        if not (edition.root / "tasks" / draw.family / "__init__.py").is_file():
            yield EditionError(
                f"the folder has no family {draw.family}",
                where=located.where((*here, "family")),
                mend=f"add tasks/{draw.family}, or mark the clause pending",
            )
            return
        yield from _knob_problems(edition, (*here, "knobs"), draw.family, draw.knobs)


def _knob_problems(
    edition: Edition, at: tuple[Any, ...], family: str, knobs: dict[str, Any]
) -> Iterator[EditionError]:
    known = edition.family(family).knobs
    for name, given in knobs.items():
        values = given if isinstance(given, list) else [given]
        if name not in known:
            yield EditionError(
                f"{family} has no knob {name}",
                where=edition.located.where((*at, name)),
                mend=f"knobs: {', '.join(known)}",
            )
        elif not values or any(value not in known[name] for value in values):
            yield EditionError(
                f"{given!r} is no value of {family}'s knob {name}",
                where=edition.located.where((*at, name)),
                mend=f"values: {', '.join(map(str, known[name]))}",
            )


def _shared_knobs(edition: Edition) -> Iterator[EditionError]:
    """Clauses of different steps must not share an instance, or one calibrates for another."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for index, clause in enumerate(edition.document.clauses):
        for number, draw in enumerate(clause.draws):
            family = edition.family(draw.family)
            for knobs in resolve_knobs(family, draw.knobs):
                step, other = seen.setdefault((draw.family, knobs), (clause.step, clause.id))
                if step != clause.step:
                    yield EditionError(
                        f"shares {draw.family} {knobs} with {other} of {step}",
                        where=edition.located.where(("clauses", index, "draws", number, "knobs")),
                        mend="give the clauses of different steps different knobs",
                    )
                    return


def _duplicates(located: Located, name: str, ids: list[str]) -> Iterator[EditionError]:
    for index, value in enumerate(ids):
        if value in ids[:index]:
            yield EditionError(
                f"{value} stands twice",
                where=located.where((*name.split("."), index, "id")),
                mend="rename one of them",
            )
