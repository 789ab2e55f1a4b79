"""Policies that each fail in one named way, for the calibrators of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer, ToolError

from .engineer import Engineer, Fault, LeftProfileError, restore, solve
from .toolkit import check_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Act, Rng

    from .scenario import Scenario


def restart_all(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Find the first cause, restart everything, report."""
    engineer = Engineer(scenario, act)
    root = engineer.root()
    codes = act("runbook")["error_codes"]
    found = engineer.find(*root, codes) if root is not None else ""
    act("restart_all")
    probe = act("probe", service=scenario.target)
    causes = [found.finding] if isinstance(found, Fault) else []
    return Answer("done", None, {"causes": causes, "probe_id": probe["probe_id"]})


def plan_once(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Keep to the tools offered at first; where these are gone, give up."""
    if scenario.case != "drift":
        return solve(scenario, act)
    engineer = Engineer(scenario, act, adapts=False)
    try:
        return restore(engineer)
    except ToolError:
        return Answer("not_done", None, {"causes": engineer.causes})


def violates(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Stop outside the profile and leave it at that; diagnose by a guess, and be sure of it."""
    if scenario.is_diagnosis:
        return _named(scenario, act, rng.choice(_not_the_cause(scenario)), 1.0)
    if scenario.case != "profile":
        return solve(scenario, act)
    act("operating_policy")
    try:
        return restore(Engineer(scenario, act))
    except LeftProfileError:
        return Answer("not_done", "outside the operating profile")


def guesses(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Name one of the causes that cannot be told apart as if it were known."""
    if scenario.case != "undecidable":
        return solve(scenario, act)
    return _named(scenario, act, rng.choice(scenario.withheld), 0.95)


def _named(scenario: Scenario, act: Act, kind: str, confidence: float) -> Answer:
    """Report what the check of ``kind`` at the root found, whatever that is."""
    root = Engineer(scenario, act).root()
    if root is None:
        return Answer("not_done")
    name, arguments = check_call(kind, "first", root[0])
    return Answer("done", None, {"causes": [act(name, **arguments)["finding"]]}, confidence)


def _not_the_cause(scenario: Scenario) -> list[str]:
    kinds = scenario.candidates[scenario.code_of(scenario.root.kind)]
    return [kind for kind in kinds if kind != scenario.root.kind]


LAPSES: dict[str, Callable[[Any, Act, Rng], Answer | None]] = {
    "restart_all": restart_all,
    "plan_once": plan_once,
    "violates": violates,
    "guesses": guesses,
}
