"""One table: what ended a trial, what that is called, whether it counts or is run again."""

from __future__ import annotations

from typing import Literal, NamedTuple

Outcome = Literal[
    "completed",
    "timeout",
    "limit_exceeded",
    "agent_crash",
    "no_contact",
    "protocol_violation",
    "cancelled",
    "harness_fault",
]

Cause = Literal[
    "returned",
    "silent",
    "wall_time",
    "model_calls",
    "tokens",
    "tool_calls",
    "agent_error",
    "protocol",
    "context_overflow",
    "refused_request",
    "bad_reply",
    "endpoint_down",
    "endpoint_failed",
    "interrupted",
    "suite_error",
]


class Treatment(NamedTuple):
    """What follows from a cause."""

    outcome: Outcome
    why: str
    counts: bool = True
    """It gives observations: what was achieved counts, and 0 where nothing was. A trial that does
    not count is run again on the same instance, and the repeat is listed."""


TABLE: dict[Cause, Treatment] = {
    "returned": Treatment("completed", "the agent ended its work"),
    "silent": Treatment("no_contact", "the agent ended having touched no door"),
    "wall_time": Treatment("timeout", "the trial's wall time ran out"),
    "model_calls": Treatment("limit_exceeded", "too many model calls"),
    "tokens": Treatment("limit_exceeded", "too many tokens"),
    "tool_calls": Treatment("limit_exceeded", "too many tool calls"),
    "context_overflow": Treatment("limit_exceeded", "the conversation outgrew the model's context"),
    "agent_error": Treatment("agent_crash", "the agent's own code failed"),
    "protocol": Treatment("protocol_violation", "the agent did not keep to its protocol"),
    "refused_request": Treatment("agent_crash", "the endpoint refused the request"),
    "bad_reply": Treatment("protocol_violation", "the reply was no valid message"),
    # The endpoint failed after all retries; a canary request decides between these two.
    "endpoint_failed": Treatment(
        "agent_crash", "the endpoint failed, though it answered the canary"
    ),
    "endpoint_down": Treatment(
        "cancelled", "the endpoint was down, the canary failed too", counts=False
    ),
    "interrupted": Treatment("cancelled", "the campaign was stopped", counts=False),
    "suite_error": Treatment("harness_fault", "a part of the suite failed", counts=False),
}

FAULT_CAUSES: dict[str, Cause] = {
    # ModelFaultError.kind to cause; None of these is settled before the canary where absent.
    "context_overflow": "context_overflow",
    "refused_request": "refused_request",
    "bad_reply": "bad_reply",
}
"""Faults of the endpoint that need no canary; any other kind does."""


NO_WORK: tuple[Outcome, ...] = ("agent_crash", "no_contact", "protocol_violation")
"""Outcomes of an agent that is not set up right, as often as of one that is poor."""


def is_idle(no_work: int, trials: int) -> bool:
    """Say whether most trials ended with ``NO_WORK``, of which no grade tells."""
    return 2 * no_work > trials


LIMITS: tuple[Cause, ...] = ("model_calls", "tokens", "tool_calls")
"""What the doors end a trial for; the transcript has a line that says so."""


def fault_limit(trials: int) -> float:
    """Return how many harness faults a campaign of ``trials`` survives: max(3, 2 %)."""
    return max(3.0, 0.02 * trials)
