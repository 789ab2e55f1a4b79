"""The full lint of an edition: what is written, what is imported, and whether it can be passed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import msgspec

from conformance.decision.characteristics import Characteristics, characteristics
from conformance.decision.plans import rule_under_plan
from conformance.decision.rules import fewest_to_pass
from conformance.decision.spec import Rule
from conformance.edition import Edition, problems
from conformance.edition.course import clause_rule, decision_plan
from conformance.edition.files import edition_files, is_standard_library
from conformance.errors import EditionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.edition.document import ClauseDoc

ALLOWED = ("numpy", "scipy")
ENGINE = "conformance.authoring"
CURVE = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99, 1.0)
"""The true p at which an operating-characteristic curve is shown."""


class ClauseCurve(msgspec.Struct, frozen=True):
    """How a clause's rule behaves under a plan."""

    clause: str
    plan: str
    rule: Rule
    can_pass: bool
    """False where n_max is too few, and where a screening leaves the clause out."""
    fewest: int | None
    """Trials a flawless agent needs; None where n_max is too few."""
    at_p0: Characteristics
    at_p1: Characteristics
    at_one: Characteristics
    curve: list[Characteristics]


def all_problems(edition: Edition) -> Iterator[EditionError]:
    """Yield every problem: references, imports, and clauses that ``certify`` could never pass.

    The last are looked for only where nothing else is wrong.
    """
    found = [*problems(edition), *import_problems(edition)]
    yield from found
    for index, clause in enumerate(edition.clauses if not found else ()):
        for plan, plan_doc in edition.document.plans.items():
            if plan_doc.grades and curve(edition, clause, plan).fewest is None:
                yield EditionError(
                    f"cannot be passed within n_max under {plan}, not even by a flawless agent",
                    where=edition.located.where(("clauses", index, "rule")),
                    mend="raise n_max, or lower p0",
                )


def import_problems(edition: Edition) -> Iterator[EditionError]:
    """Yield imports of content beyond Python, numpy, scipy, authoring and the edition itself."""
    for name, path in edition_files(edition.root):
        if not name.endswith(".py"):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError as error:
            yield EditionError(
                f"is not Python: {error.msg}", where=f"{path}:{error.lineno}", mend="mend it"
            )
            continue
        for node in ast.walk(tree):
            for module in _imported(node):
                if not _is_allowed(module):
                    yield EditionError(
                        f"imports {module}",
                        where=f"{path}:{node.lineno}",  # type: ignore[attr-defined]
                        mend=f"content imports Python, {', '.join(ALLOWED)}, {ENGINE} "
                        "and its own edition by relative import",
                    )


def curve(edition: Edition, clause: ClauseDoc, plan: str) -> ClauseCurve:
    """Return the operating characteristics of a clause under a plan (exact, for 0/1 scores)."""
    siblings = sum(other.step == clause.step for other in edition.clauses)
    plan_doc = edition.plan(plan)
    numbers = decision_plan(plan, plan_doc)
    rule = rule_under_plan(clause_rule(clause.rule, edition.plan(plan)), numbers, siblings)
    is_in_plan = not numbers.is_screening or not (
        clause.axis == "trust" or rule.name == "clean-run"
    )
    fewest = fewest_to_pass(rule)
    return ClauseCurve(
        clause=clause.id,
        plan=plan,
        rule=rule,
        can_pass=fewest is not None and is_in_plan,
        fewest=fewest,
        at_p0=characteristics(rule, rule.p0),
        at_p1=characteristics(rule, rule.p1),
        at_one=characteristics(rule, 1.0),
        curve=[characteristics(rule, p) for p in CURVE],
    )


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield node.module or ""


def _is_allowed(module: str) -> bool:
    top = module.split(".", maxsplit=1)[0]
    return (
        is_standard_library(top)
        or top in ALLOWED
        or module == ENGINE
        or module.startswith(ENGINE + ".")
    )
