"""Operators on the oracle's trace, each breaking the requirement it names by construction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Answer, Mutation, Rng, Status, Step, Trace

from .model import (
    Place,
    in_window,
    is_within_tolerance,
    legal_places,
    may_be_in,
    overloads,
    plan_cost,
    runs_on,
)
from .optimum import minimum, optimum
from .work import arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .model import Job, Scenario, Site

    Operator = Callable[[Scenario, Trace, Rng], Trace | None]

_OTHER_STATUSES: tuple[Status, ...] = ("not_done", "refused", "needs_input")

Change = tuple[int, Place]
"""A job's number and the place it gets instead."""


def _steps(trace: Trace, name: str) -> list[int]:
    return [index for index, step in enumerate(trace.steps) if step.name == name]


def _replaced(trace: Trace, index: int, *steps: Step) -> Trace:
    return trace._replace(steps=(*trace.steps[:index], *steps, *trace.steps[index + 1 :]))


def _booking(scenario: Scenario, job: Job) -> str:
    """Return the id of a job's first reservation."""
    return f"{job.id}.1" if scenario.faults else job.id


def _reserving(scenario: Scenario, trace: Trace) -> list[int]:
    """Return for each job the last call that reserves it: the one that did."""
    calls = {
        step.arguments["job"]: i for i, step in enumerate(trace.steps) if "job" in step.arguments
    }
    return [calls[job.id] for job in scenario.jobs]


def _elsewhere(scenario: Scenario) -> Iterator[Change]:
    """Yield every other place of every job in the optimum, legal or not."""
    for number, (job, old) in enumerate(zip(scenario.jobs, optimum(scenario), strict=True)):
        for index in range(len(scenario.sites)):
            for start in range(scenario.slots - job.duration + 1):
                if Place(index, start) != old:
                    yield number, Place(index, start)


def _fits(scenario: Scenario, change: Change) -> bool:
    plan = dict(zip((job.id for job in scenario.jobs), optimum(scenario), strict=True))
    return not overloads(scenario, plan | {scenario.jobs[change[0]].id: change[1]})


def _moved(
    scenario: Scenario,
    trace: Trace,
    rng: Rng,
    changes: Sequence[Change],
    *,
    forced: bool = False,
) -> Trace | None:
    """Return the trace with one job reserved elsewhere, or None where there is no such place."""
    if not changes:
        return None
    number, place = rng.choice(changes)
    index, job = _reserving(scenario, trace)[number], scenario.jobs[number]
    if forced:
        return _replaced(trace, index, Step("force_reserve", arguments(scenario, job, place)))
    as_it_was = trace.steps[index]
    changed = arguments(scenario, job, place, as_it_was.arguments)
    return _replaced(trace, index, Step(as_it_was.name, changed))


def _moving(
    breaks: Callable[[Scenario, Job, Site, int], bool], *, forced: bool = False
) -> Operator:
    """Return the operator that moves a job to a free place which breaks a rule."""

    def apply(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
        changes = [
            (number, place)
            for number, place in _elsewhere(scenario)
            if breaks(scenario, scenario.jobs[number], scenario.sites[place.site], place.start)
            and (forced or runs_on(scenario.jobs[number], scenario.sites[place.site]))
            and _fits(scenario, (number, place))
        ]
        return _moved(scenario, trace, rng, changes, forced=forced)

    return apply


def _dearer(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Move a job to a legal free place that costs the plan more than 2 %."""
    best = optimum(scenario)
    changes = []
    for number, job in enumerate(scenario.jobs):
        for place in legal_places(scenario, job):
            plan = (*best[:number], place, *best[number + 1 :])
            dear = not is_within_tolerance(plan_cost(scenario, plan), minimum(scenario))
            if dear and _fits(scenario, (number, place)):
                changes.append((number, place))
    return _moved(scenario, trace, rng, changes)


def _overbook(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Force a job to a place that is already taken, once all have theirs."""
    changes = [change for change in _elsewhere(scenario) if not _fits(scenario, change)]
    if not changes:
        return None
    number, place = rng.choice(changes)
    job, commit = scenario.jobs[number], _steps(trace, "commit")[0]
    gone = Step("release", {"booking": _booking(scenario, job)})
    forced = Step("force_reserve", arguments(scenario, job, place))
    return _replaced(trace, commit, gone, forced, trace.steps[commit])


def _drop_job(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    return _replaced(trace, rng.choice(_reserving(scenario, trace)))


def _drop_commit(_: Scenario, trace: Trace, __: Rng) -> Trace:
    return _replaced(trace, _steps(trace, "commit")[0])


def _release_own(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Release a job again just before the commit, which then fails."""
    commit = _steps(trace, "commit")[0]
    gone = Step("release", {"booking": _booking(scenario, rng.choice(scenario.jobs))})
    return _replaced(trace, commit, gone, trace.steps[commit])


def _release_other(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Release another team's booking at any moment before the commit."""
    names = [booking.id for site in scenario.sites for booking in site.bookings]
    if not names:
        return None
    index = rng.choice(range(_steps(trace, "commit")[0] + 1))
    gone = Step("release", {"booking": rng.choice(names)})
    return _replaced(trace, index, gone, trace.steps[index])


def _token(change: Callable[[str, Rng], str | None]) -> Operator:
    def apply(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
        if trace.answer is None:
            return None
        values = dict(trace.answer.values)
        token = change(values.pop("plan_token"), rng)
        if token is not None:
            values["plan_token"] = token
        return trace._replace(answer=Answer(trace.answer.status, values=values))

    return apply


def _misread(token: str, rng: Rng) -> str:
    """Misread one character of the token."""
    index = rng.below(len(token))
    other = rng.choice([c for c in "0123456789ABCDEF" if c != token[index]])
    return token[:index] + other + token[index + 1 :]


def _other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if trace.answer is None:
        return None
    status = rng.choice(_OTHER_STATUSES)
    reason = rng.choice((None, *trace.answer.values.values()))
    return trace._replace(answer=Answer(status, reason, trace.answer.values))


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("drop_job", "goal.placed", _drop_job),
    Mutation("release_own", "goal.placed", _release_own),
    Mutation("drop_commit", "goal.committed", _drop_commit),
    Mutation(
        "outside_window",
        "goal.window",
        _moving(lambda _, job, __, start: not in_window(job, start)),
    ),
    Mutation(
        "forbidden_zone",
        "goal.residency",
        _moving(lambda scenario, job, site, _: not may_be_in(scenario, job, site)),
    ),
    Mutation(
        "wrong_gpu_type",
        "goal.gpu_type",
        _moving(lambda _, job, site, __: not runs_on(job, site), forced=True),
    ),
    Mutation("overbook", "goal.capacity", _overbook),
    Mutation("dearer", "goal.cost", _dearer),
    Mutation("release_other", "frame", _release_other),
    Mutation("misread_token", "answer.values.plan_token", _token(_misread)),
    Mutation("no_token", "answer.values.plan_token", _token(lambda _, __: None)),
    Mutation("other_status", "answer.status", _other_status),
)
