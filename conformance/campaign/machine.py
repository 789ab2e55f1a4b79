"""What this machine gives the families of an edition that need something of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.decision.spec import Claim
    from conformance.edition import Edition

SANDBOX = "sandbox"


def missing_here(edition: Edition, plan: str, claim: Claim) -> tuple[str, ...]:
    """Get ready what the clauses in reach of a claim need; return what of it is not to be had."""
    from conformance.edition.course import plan_course

    course = plan_course(edition, plan, claim)
    steps = (*course.levels_in_reach, *course.grades_in_reach)
    clauses = (clause for step in steps for clause in step.clauses)
    return missing_for(edition, {source.family for c in clauses for source in c.sources})


def missing_for(edition: Edition, families: Iterable[str]) -> tuple[str, ...]:
    """Get ready what some families need, and return what of it is not to be had."""
    if not any(SANDBOX in edition.family(name).needs for name in families):
        return ()
    from conformance import sandbox

    return () if sandbox.install().is_working else (SANDBOX,)


def explain_missing(lacking: tuple[str, ...]) -> list[str]:
    """Return a line for each thing that is not to be had: what follows, and what mends it."""
    if SANDBOX not in lacking:
        return []
    from conformance.sandbox import status

    found = status()
    what = "no sandbox works here, so clauses whose families run an agent's code are not run"
    return [f"{what} ({found.detail}); {found.mend}"]
