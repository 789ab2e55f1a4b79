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
from conformance.edition.instances import build_instance
from conformance.edition.soundness import problems
from conformance.errors import EditionError

if TYPE_CHECKING:
    from types import ModuleType

    from conformance.authoring import Family, Grader, Instance, Lang, Played, Score

KEPT = 64
"""Instances held in memory: clauses that share a trial, its run and its grading meet here."""

__all__ = ["Edition", "load", "problems", "read"]


SEALED = "sealed/"
"""Before the name of a family of the sealed edition."""


class Edition:
    """A loaded edition. Families and graders are imported when first asked for.

    ``sealed`` is a second edition whose clauses stand in for the sealed ones of the same id:
    families nobody outside an audit has seen.
    """

    def __init__(
        self,
        root: Path,
        digest: str,
        document: Document,
        located: Located,
        sealed: Edition | None = None,
    ) -> None:
        self.root = root
        self.sealed = sealed
        self.digest = digest
        """SHA-256 over the folder's content; a certificate names it."""
        self.document = document
        self.located = located
        self._clauses = {clause.id: clause for clause in document.clauses}
        self.family = functools.cache(self._family)
        self.grader = functools.cache(self._grader)
        self._module = functools.cache(self._loaded)
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
        """Return what a clause draws from, knobs completed by the family's defaults.

        A sealed clause draws what the sealed edition's clause of its id draws, or nothing.
        """
        if clause.sealed:
            return self._sealed_sources(clause)
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
        if self.sealed is not None and family.startswith(SEALED):
            name = family.removeprefix(SEALED)
            return self.sealed.instance(name, knobs, seed=seed, lang=lang, wording=wording)
        return self._instance(family, canonical(knobs), seed, lang, wording)

    def observe(self, clause: ClauseDoc, played: Played[Any]) -> Score:
        """Return what a trial gives a clause."""
        if clause.sealed and self.sealed is not None:
            return self.sealed.observe(self.sealed.clause(clause.id), played)
        observation = clause.observation
        return self.grader(observation.grader)(played, **observation.options)

    def is_solved(self, played: Played[Any]) -> bool:
        """Say whether the grader ``solved`` gives 1; by its own short way, where it has one."""
        module = self._module("graders.solved")
        short = getattr(module, "is_solved", None)
        return bool(short(played) if short else self.grader("solved")(played).value == 1)

    def cost_ratio(self, played: Played[Any]) -> float | None:
        """Return the tool calls over the oracle's, or None where the trial is not solved."""
        module = self._module("graders.efficiency")
        ratio: float | None = module.cost_ratio(played)
        return ratio

    def _build(
        self, family: str, knobs: bytes, seed: str, lang: Lang, wording: int
    ) -> Instance[Any]:
        return build_instance(
            self, self.family(family), msgspec.json.decode(knobs), seed, lang, wording
        )

    def _sealed_sources(self, clause: ClauseDoc) -> tuple[Source, ...]:
        if self.sealed is None or clause.id not in {c.id for c in self.sealed.clauses}:
            return ()
        return tuple(
            msgspec.structs.replace(source, family=SEALED + source.family)
            for source in self.sealed.sources(self.sealed.clause(clause.id))
        )

    def _family(self, family: str) -> Family[Any]:
        if self.sealed is not None and family.startswith(SEALED):
            return self.sealed.family(family.removeprefix(SEALED))
        return mount.load_family(self.root, self.digest, family)

    def _grader(self, grader: str) -> Grader:
        return mount.load_grader(self.root, self.digest, grader)

    def _loaded(self, name: str) -> ModuleType:
        return mount.load_module(self.root, self.digest, name)


def load(root: Path | str | None = None, *, sealed: Path | str | None = None) -> Edition:
    """Load the edition in ``root``, or the one that ships with the suite.

    Every key, reference and rule that can be checked without running content is checked.

    Args:
        root: The edition's folder.
        sealed: The folder of a second edition that stands in for the sealed clauses.

    Raises:
        EditionError: with the file, the line or key, and the mend.
    """
    edition = read(root)
    for problem in problems(edition):
        raise problem
    if sealed is None:
        return edition
    return with_sealed(edition, load(sealed))


def with_sealed(edition: Edition, sealed: Edition) -> Edition:
    """Return the edition with ``sealed`` mounted for its sealed clauses.

    Raises:
        EditionError: the sealed edition stands in for none of them.
    """
    wanted = [clause.id for clause in edition.clauses if clause.sealed]
    if not set(wanted) & {clause.id for clause in sealed.clauses if clause.draws}:
        raise EditionError(
            f"has none of the clauses that {edition.id} leaves to a sealed edition",
            where=str(sealed.located.path),
            mend=f"give draws to one of {', '.join(wanted) or '(there are none)'}",
        )
    return Edition(edition.root, edition.digest, edition.document, edition.located, sealed)


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
