"""The faults of an unreliable day: drawn with the case, on calls that its work needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.authoring import Rng

    from .case import Case, Verdict

_WHOLE_READS = ("get_policy", "get_staff", "list_claims", "check_duplicates")
"""Reads made once whose reply is needed whole. Never a write: made again it would count twice."""


def schedule(rng: Rng, case: Case, verdicts: Mapping[str, Verdict]) -> tuple[Fault, ...]:
    """Draw the faults: a posting that was made without a reply, and a stale look at the ledger.

    Besides an approval that was not, a refusal for a while, and a reply that is cut off or
    another's. A locked month takes one read; its faults are all there.
    """
    if case.ending == "locked":
        return (
            Fault("get_period", 1, "timeout_lost"),
            Fault("get_period", 2, "rate_limited", rng.integer(15, 90)),
            Fault("get_period", 3, "malformed"),
        )
    claims, paid = len(verdicts), sum(v.approver is not None for v in verdicts.values())
    limited = Fault(
        "decide_claim" if rng.chance(70) else "get_claim",
        rng.integer(1, claims),
        "rate_limited",
        rng.integer(15, 90),
    )
    return (
        Fault("post_voucher", rng.integer(1, paid), "timeout_done"),
        Fault("list_postings", 1, "stale"),
        Fault("request_approval", rng.integer(1, paid), "timeout_lost"),
        limited,
        _garbled(rng, claims, limited),
    )


def of_kind(case: Case, kind: str) -> Fault:
    """Return the fault of a kind that the case has once."""
    return next(fault for fault in case.faults if fault.kind == kind)


def _garbled(rng: Rng, claims: int, limited: Fault) -> Fault:
    if rng.chance(60):
        return Fault(rng.choice(_WHOLE_READS), 1, "malformed")
    taken = limited.nth if limited.tool == "get_claim" else 0
    return Fault(
        "get_claim", rng.choice([n for n in range(2, claims + 1) if n != taken]), "duplicate"
    )
