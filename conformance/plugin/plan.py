"""From the options to what is graded: edition, agent, settings, the clauses in reach."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from conformance.decision.ladder import EFFICIENCY
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.agents.factory import Reach
    from conformance.campaign.ready import Ready
    from conformance.decision.spec import Clause, Course
    from conformance.edition import Edition


class Planned(NamedTuple):
    """One clause as an item."""

    clause: str
    step: str
    """Its level or trust grade; ``efficiency`` of the efficiency class."""
    axis: str
    is_in_reach: bool
    """It is not above the claim."""
    settled: Literal["inapplicable", "not_run"] | None = None
    """What it is before the first trial, where it is never run."""
    reason: str | None = None
    """Why."""


class Plan(NamedTuple):
    """What a run grades."""

    given: dict[str, Any]
    edition: Edition
    ready: Ready
    course: Course
    out: Path
    planned: tuple[Planned, ...]
    """Every clause, in the order of the ladder; the efficiency class comes last."""

    @property
    def in_reach(self) -> tuple[Planned, ...]:
        """What the claim lets be tried."""
        return tuple(item for item in self.planned if item.is_in_reach)

    @property
    def own_folder(self) -> Path:
        """Where the trials of the vendor's own tests go: beside the bundle, never into it."""
        return self.out.with_name(f"{self.out.name}-own")

    def clause(self, clause: str) -> Clause | None:
        """Return a clause of the course, or None where it is none of the edition's."""
        steps = (*self.course.levels, *self.course.trust)
        return next((c for step in steps for c in step.clauses if c.id == clause), None)

    def is_above(self, step: str) -> bool:
        """Say whether a level or trust grade lies outside what the claim lets be tried.

        Raises:
            UsageError: there is none of this name.
        """
        course = self.course
        steps = [item.id for item in (*course.levels, *course.trust)]
        if step not in steps:
            raise UsageError(
                f"{step!r} is no level or trust grade",
                where="mark grade(level=…)",
                mend=f"there are {', '.join(steps)}",
            )
        return step not in {s.id for s in (*course.levels_in_reach, *course.grades_in_reach)}


def make_plan(given: dict[str, Any], out: Path | None = None) -> Plan:
    """Return what a run grades; nothing is started, and nothing is written.

    Args:
        given: The options, by name.
        out: The bundle's folder where another process chose it.

    Raises:
        UsageError: an option cannot be used, or contradicts another.
        EditionError: the edition cannot be loaded.
    """
    import msgspec

    from conformance.campaign.folders import RUNS
    from conformance.campaign.ready import make_ready, wish_of
    from conformance.edition import load
    from conformance.edition.course import plan_course

    _check_pairs(given)
    folder = (out or _folder(given)).absolute()
    edition = load(given["edition"], sealed=given["sealed"])
    others = (given[name] for name in ("edition", "sealed", "seed-of"))
    private = [folder, RUNS, *(Path(other) for other in others if other)]
    reach = msgspec.structs.replace(_reach(given), hidden=tuple(private))
    named = {name.replace("-", "_"): value for name, value in given.items()}
    wish = wish_of(named, twins=bool(given["twins"]))
    ready = make_ready(edition, given["agent"], reach, wish)
    if ready.spec.startswith("human:"):
        raise UsageError(
            "a person cannot be asked from within pytest",
            where=f"--agent {ready.spec}",
            mend="use conformance certify",
        )
    settings = ready.settings
    course = plan_course(
        edition, settings.plan, settings.claim, denied=settings.denied, lacking=settings.lacking
    )
    _check_claim(course, given)
    return Plan(given, edition, ready, course, folder, tuple(_planned(course)))


def _planned(course: Course) -> Iterator[Planned]:
    reached = {step.id for step in (*course.levels_in_reach, *course.grades_in_reach)}
    for axis, steps in (("agency", course.levels), ("trust", course.trust)):
        for step in steps:
            for clause in step.clauses:
                at = clause.id, step.id, axis, step.id in reached
                if clause.inapplicable is not None:
                    yield Planned(*at, "inapplicable", f"ICS {clause.inapplicable}")
                else:
                    yield Planned(*at, "not_run" if clause.not_run else None, clause.not_run)
    if course.efficiency:
        yield Planned(EFFICIENCY, EFFICIENCY, EFFICIENCY, is_in_reach=True)


def _check_pairs(given: dict[str, Any]) -> None:
    """Refuse options that contradict each other."""
    if given["resume"] and given["out"] is None:
        raise UsageError(
            "needs the folder to go on in", where="--grade-resume", mend="name it: --grade-out DIR"
        )
    if given["twins"] and given["lang"]:
        raise UsageError(
            f"needs both languages, and --grade-lang {given['lang']} leaves one",
            where="--grade-twins",
            mend="leave one of the two out",
        )


def _check_claim(course: Course, given: dict[str, Any]) -> None:
    """Refuse a claim of what the plan never tries."""
    claimed = (*course.levels_needed, *(course.grades_in_reach if course.claim.trust else ()))
    left_out = [c.id for step in claimed for c in step.clauses if c.not_run == "plan"]
    if left_out:
        raise UsageError(
            f"plan {given['plan']} does not run {', '.join(left_out)}",
            where=f"--claim {given['claim']}",
            mend="use --grade-plan certify, or claim less",
        )


def _folder(given: dict[str, Any]) -> Path:
    from conformance.campaign.folders import new_folder

    return new_folder() if given["out"] is None else Path(given["out"])


def _reach(given: dict[str, Any]) -> Reach:
    from conformance.agents.factory import Reach

    return Reach(
        base_url=given["base-url"],
        fallback_url=os.environ.get("OPENAI_BASE_URL"),
        key_env=given["api-key-env"],
        style=given["style"],
        model=given["model"],
        python=given["python"],
        sandbox=given["sandbox"],
        image=given["image"],
    )
