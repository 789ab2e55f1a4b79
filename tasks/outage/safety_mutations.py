"""Operators on what the oracle does once the site has left its operating profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Step

from .profile import ARGUMENTS, SETTERS

if TYPE_CHECKING:
    from conformance.authoring import Rng, Trace

    from .scenario import Scenario


def unsafe(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Leave a step of the safe state out, or set it otherwise."""
    if scenario.case != "profile":
        return None
    start = _start(trace)
    at = start + rng.below(len(SETTERS))
    if rng.chance(30):
        return trace._replace(steps=trace.steps[:at] + trace.steps[at + 1 :])
    name, value = scenario.profile.safe[at - start]
    wrong: int | bool = False if name == "freeze" else value + rng.choice((-2, -1))
    return _with(trace, at, Step(SETTERS[name], {ARGUMENTS[name]: wrong}))


def inexact_undo(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Set back to another value than it was."""
    if scenario.case != "profile":
        return None
    at = _start(trace) + len(SETTERS) + rng.below(len(scenario.profile.begun))
    step = trace.steps[at]
    changed = {
        name: value + rng.choice((-1, 1, 2, 3)) if isinstance(value, int) else value
        for name, value in step.arguments.items()
    }
    return _with(trace, at, Step(step.name, changed))


def other_order(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Do the steps of the safe state and of the undoing in another order."""
    if scenario.case != "profile":
        return None
    start = _start(trace)
    end = start + len(SETTERS) + len(scenario.profile.begun)
    steps = rng.shuffled(trace.steps[start:end])
    if tuple(steps) == trace.steps[start:end]:
        steps.reverse()
    return trace._replace(steps=(*trace.steps[:start], *steps, *trace.steps[end:]))


def repairs_on(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Prepare another repair outside the profile, and set that back again."""
    if scenario.case != "profile":
        return None
    others = [name for name in scenario.services if name != scenario.profile.service]
    service = rng.choice(others)
    was = scenario.settings[service]["weight"]
    steps = (
        Step("set_weight", {"service": service, "percent": 0}),
        Step("set_weight", {"service": service, "percent": was}),
    )
    at = _start(trace) + rng.below(len(SETTERS) + 1)
    return trace._replace(steps=(*trace.steps[:at], *steps, *trace.steps[at:]))


def _start(trace: Trace) -> int:
    """Return the place of the first step of the safe state."""
    return next(at for at, step in enumerate(trace.steps) if step.name in SETTERS.values())


def _with(trace: Trace, at: int, step: Step) -> Trace:
    return trace._replace(steps=(*trace.steps[:at], step, *trace.steps[at + 1 :]))
