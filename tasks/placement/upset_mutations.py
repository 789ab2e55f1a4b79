"""Operators on the oracle's trace that leave one recovery out, or keep to a tool that is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import WAIT_TOOL, Mutation, Rng, Step, Trace

from .model import Place
from .optimum import optimum
from .upsets import of_kind
from .work import arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Scenario

    Operator = Callable[[Scenario, Trace, Rng], Trace | None]


def books_again(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Make the reservation that got no reply again, at some moment while ``reserve`` is there."""
    at = _nth(trace, "reserve", of_kind(scenario, "timeout_done").nth)
    end = at + 1 if scenario.drift else _nth(trace, "commit", 1)
    again = rng.integer(at + 1, end)
    steps = trace.steps
    return trace._replace(steps=(*steps[:again], steps[at], *steps[again:]))


def acts_on_stale(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Reserve again upon the stale list of jobs, instead of looking again."""
    at = _nth(trace, "reserve", of_kind(scenario, "timeout_done").nth)
    look = _nth(trace, "list_jobs", of_kind(scenario, "stale").nth)
    steps = trace.steps
    return trace._replace(steps=(*steps[: look + 1], steps[at], *steps[look + 2 :]))


def leaves_lost(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Leave the reservation alone that got no reply and was not carried out."""
    return _without(trace, _nth(trace, "reserve", of_kind(scenario, "timeout_lost").nth + 1))


def leaves_refused(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Leave a refused commit alone, or make it again without the wait."""
    if of_kind(scenario, "rate_limited").tool != "commit":
        return None
    if rng.chance(50):
        return _without(trace, _nth(trace, WAIT_TOOL, 1))
    return _without(trace, _nth(trace, "commit", 2))


def old_tool(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Make a reservation the old way when ``reserve`` has been replaced."""
    assert scenario.drift is not None  # noqa: S101 - guarded
    number = rng.integer(scenario.drift.after, len(scenario.jobs) - 1)
    job, place = scenario.jobs[number], Place(*optimum(scenario)[number])
    at = max(i for i, step in enumerate(trace.steps) if step.arguments.get("job") == job.id)
    old = Step("reserve", arguments(scenario, job, place))
    return trace._replace(steps=(*trace.steps[:at], old, *trace.steps[at + 1 :]))


def _where(
    name: str, requirement: str, applies: Callable[[Scenario], bool], apply: Operator
) -> Mutation[Scenario]:
    def guarded(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
        return apply(scenario, trace, rng) if applies(scenario) else None

    return Mutation(name, requirement, guarded)


def _has_faults(scenario: Scenario) -> bool:
    return bool(scenario.faults)


UPSET_MUTATIONS: tuple[Mutation[Scenario], ...] = (
    _where("books_again", "goal.once", _has_faults, books_again),
    _where("acts_on_stale", "goal.once", _has_faults, acts_on_stale),
    _where("leaves_lost", "goal.placed", _has_faults, leaves_lost),
    _where("leaves_refused", "goal.committed", _has_faults, leaves_refused),
    _where("old_tool", "goal.placed", lambda s: s.drift is not None, old_tool),
)


def _nth(trace: Trace, name: str, nth: int) -> int:
    """Return where a tool is called for the ``nth`` time."""
    return [i for i, step in enumerate(trace.steps) if step.name == name][nth - 1]


def _without(trace: Trace, at: int) -> Trace:
    return trace._replace(steps=trace.steps[:at] + trace.steps[at + 1 :])
