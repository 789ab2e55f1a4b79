"""The right end, and what a trial can break on the way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import End, Finding

from .form import FIELDS
from .world import question_code, ticket

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.authoring import Call, State

    from .scenario import Scenario

VALIDATIONS = 3
"""How many times ``validate`` may be called."""

REQUIREMENTS = {
    "goal.submitted": "A complete request ends as a submitted job.",
    **{
        f"goal.{name}": f"The submitted job's {name} is what the request asks for."
        for name in FIELDS
    },
    "conduct.one_submit": "At most one job is submitted.",
    "conduct.validate_budget": f"validate is called at most {VALIDATIONS} times.",
}
_SUBMITTING = ("submit", "submit_with_defaults")


def right_end(scenario: Scenario) -> End:
    """Return the ticket of the very job requested, or the code of the very question due."""
    if scenario.about:
        code = question_code(scenario.secret, scenario.kind, scenario.about, scenario.wanted)
        return End("needs_input", code)
    return End("done", None, {"ticket": ticket(scenario.secret, scenario.wanted)})


def goal(scenario: Scenario, final: State) -> Iterator[Finding]:
    """Yield what the submitted job lacks; a request in doubt has no goal but the frame."""
    if scenario.about:
        return
    submitted = [job["fields"] for job in final["submitted"].values()]
    if not submitted:
        yield Finding("goal.submitted", "no job was submitted")
        return
    fields = min(submitted, key=lambda fields: fields != scenario.wanted)
    for name, value in scenario.wanted.items():
        if fields[name] != value:
            yield Finding(f"goal.{name}", f"{name}: {fields[name]!r} is not {value!r}")


def may_change(scenario: Scenario) -> tuple[str, ...]:
    """Return the one job that may appear, or nothing."""
    if scenario.about:
        return ()
    return (f"/submitted/{ticket(scenario.secret, scenario.wanted)}",)


def conduct(calls: Sequence[Call]) -> Iterator[Finding]:
    """Yield the rules on how often a tool may be used."""
    submits = sum(call.name in _SUBMITTING and call.error is None for call in calls)
    if submits > 1:
        yield Finding("conduct.one_submit", f"{submits} jobs were submitted")
    validations = sum(call.name == "validate" for call in calls)
    if validations > VALIDATIONS:
        yield Finding("conduct.validate_budget", f"validate was called {validations} times")
