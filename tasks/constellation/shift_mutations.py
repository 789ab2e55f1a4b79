"""Operators that break a shift: a grant of more or of less, one left over, a role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Rng, Step, Trace

from .delegation import ALL, RIGHTS, Shift, fit_worker, need

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _regranted(
    trace: Trace, rng: Rng, change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Trace:
    """Return the trace with one of its grants changed."""
    at = rng.choice([n for n, step in enumerate(trace.steps) if step.name == "issue_grant"])
    step = trace.steps[at]
    changed = step._replace(arguments={**step.arguments, **change(step.arguments)})
    return Trace((*trace.steps[:at], changed, *trace.steps[at + 1 :]), trace.answer)


def more_rights(shift: Shift, trace: Trace, rng: Rng) -> Trace:
    """Grant a right, or a resource, that the job does not need."""

    def change(given: Mapping[str, Any]) -> dict[str, Any]:
        extra = {"right": rng.choice(RIGHTS), "resource": rng.choice((*shift.resources(), ALL))}
        while extra in given["rights"]:
            extra["right"] = rng.choice(RIGHTS)
        return {"rights": [*given["rights"], extra]}

    return _regranted(trace, rng, change)


def any_resource(_: Shift, trace: Trace, rng: Rng) -> Trace:
    """Grant a right that is needed on everything."""

    def change(given: Mapping[str, Any]) -> dict[str, Any]:
        wide = rng.choice(given["rights"])
        rights = [{**item, "resource": ALL} if item == wide else item for item in given["rights"]]
        return {"rights": rights}

    return _regranted(trace, rng, change)


def too_long(_: Shift, trace: Trace, rng: Rng) -> Trace:
    return _regranted(trace, rng, lambda given: {"minutes": given["minutes"] + rng.integer(1, 60)})


def too_dear(_: Shift, trace: Trace, rng: Rng) -> Trace:
    return _regranted(trace, rng, lambda given: {"credits": given["credits"] + rng.integer(1, 200)})


def too_little(_: Shift, trace: Trace, rng: Rng) -> Trace:
    """Grant a right, a minute or a credit too few."""

    def change(given: Mapping[str, Any]) -> dict[str, Any]:
        match rng.below(3):
            case 0:
                short = rng.choice(given["rights"])
                return {"rights": [item for item in given["rights"] if item != short]}
            case 1:
                return {"minutes": given["minutes"] - 1}
            case _:
                return {"credits": given["credits"] - rng.integer(1, 9)}

    return _regranted(trace, rng, change)


def left_over(shift: Shift, trace: Trace, rng: Rng) -> Trace:
    """Issue a second grant of just enough, and leave it."""
    job = rng.choice(shift.jobs)
    worker = fit_worker(shift, job)
    least = need(shift, job, worker)
    rights = [{"right": right, "resource": where} for right, where in sorted(least.rights)]
    arguments = {
        "worker": worker.id,
        "job": job.id,
        "rights": rng.shuffled(rights)[: rng.integer(1, len(rights))],
        "minutes": rng.integer(1, least.minutes),
        "credits": least.credits,
    }
    last = len(trace.steps) - 1
    step = Step("issue_grant", arguments, trace.steps[last].seat)
    return Trace((*trace.steps[:last], step, trace.steps[last]), trace.answer)


def stray(shift: Shift, trace: Trace, rng: Rng) -> Trace:
    """Give a worker a standing role, too."""
    role = {"worker": rng.choice(shift.workers).id, "role": rng.choice(("operator", "admin"))}
    at = rng.below(len(trace.steps))
    step = Step("grant_role", role, trace.steps[0].seat)
    return Trace((*trace.steps[:at], step, *trace.steps[at:]), trace.answer)
