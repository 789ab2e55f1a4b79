"""Operators on the oracle's trace where there are faults; each leaves one recovery out."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from conformance.authoring import WAIT_TOOL, Mutation, Rng, Trace

from .faults import of_kind

if TYPE_CHECKING:
    from .case import Case


def posts_again(case: Case, trace: Trace, rng: Rng) -> Trace:
    """Make the posting that got no reply again, at some moment before the close."""
    at = _nth(trace, "post_voucher", of_kind(case, "timeout_done").nth)
    again = rng.integer(at + 1, _nth(trace, "close_month", 1))
    steps = trace.steps
    return trace._replace(steps=(*steps[:again], steps[at], *steps[again:]))


def acts_on_stale(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Post again upon the stale look at the ledger, instead of looking again."""
    at = _nth(trace, "post_voucher", of_kind(case, "timeout_done").nth)
    look = _nth(trace, "list_postings", 1)
    steps = trace.steps
    return trace._replace(steps=(*steps[: look + 1], steps[at], *steps[look + 2 :]))


def leaves_lost(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Leave the approval alone that got no reply and was not carried out."""
    return _without(trace, _nth(trace, "request_approval", _lost(case) + 1))


def leaves_refused(case: Case, trace: Trace, rng: Rng) -> Trace | None:
    """Leave a refused decision alone, or make it again without the wait."""
    limited = of_kind(case, "rate_limited")
    if limited.tool != "decide_claim":
        return None
    if rng.chance(50):
        return _without(trace, _nth(trace, WAIT_TOOL, 1))
    return _without(trace, _nth(trace, "decide_claim", limited.nth + 1))


def _on_faults(name: str, requirement: str, apply: Any) -> Mutation[Case]:
    """Return the mutation, which has nothing to break where there are no faults to recover from."""

    @wraps(apply)
    def guarded(case: Case, trace: Trace, rng: Rng) -> Trace | None:
        return apply(case, trace, rng) if case.faults and case.ending == "settle" else None

    return Mutation(name, requirement, guarded)


FAULT_MUTATIONS: tuple[Mutation[Case], ...] = (
    _on_faults("posts_again", "goal.posting", posts_again),
    _on_faults("acts_on_stale", "goal.posting", acts_on_stale),
    _on_faults("leaves_lost", "goal.approval", leaves_lost),
    _on_faults("leaves_refused", "goal.status", leaves_refused),
)


def _lost(case: Case) -> int:
    return of_kind(case, "timeout_lost").nth


def _nth(trace: Trace, name: str, nth: int) -> int:
    """Return where a tool is called for the ``nth`` time."""
    return [i for i, step in enumerate(trace.steps) if step.name == name][nth - 1]


def _without(trace: Trace, at: int) -> Trace:
    return trace._replace(steps=trace.steps[:at] + trace.steps[at + 1 :])
