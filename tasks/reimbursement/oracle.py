"""How the work is done through the tools: what has to be read, then the writes in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer

from .audit import fx_day
from .case import BASE_CURRENCY, Case, Verdict, money
from .recovery import Steady
from .state import decision, here, lines

if TYPE_CHECKING:
    from conformance.authoring import Act


def solve(case: Case, act: Act) -> Answer:
    """Look at the period, read what a careful clerk needs, settle, answer."""
    return work(case, Steady(case, act))


def work(case: Case, act: Act) -> Answer:
    """Do the same with a hand that recovers from faults, or does not."""
    period = act("get_period", **here(case))
    if period["status"] == "locked":
        return Answer("refused", reason=period["lock_code"])
    act("get_policy")
    act("get_staff", department=case.department)
    act("list_claims", **here(case))
    act("check_duplicates", **here(case))
    for claim in case.batch:
        act("get_claim", claim_id=claim.id)
        if claim.currency != BASE_CURRENCY and case.verdicts[claim.id].cents:
            day = fx_day(claim, case.policy.fx_basis)
            act("fx_rate", currency=claim.currency, day=str(day))
    return carry_out(case, act, case.verdicts)


def settle(case: Case, act: Act, verdicts: dict[str, Verdict]) -> Answer:
    """Carry the verdicts out with a steady hand, close the month and report."""
    return carry_out(case, Steady(case, act), verdicts)


def carry_out(case: Case, act: Act, verdicts: dict[str, Verdict]) -> Answer:
    """Do the same with any hand."""
    for claim_id, verdict in verdicts.items():
        act("decide_claim", claim_id=claim_id, **decision(verdict))
        if verdict.approver is not None:
            act("request_approval", claim_id=claim_id, approver=verdict.approver)
            act("post_voucher", claim_id=claim_id, lines=lines(verdict))
    closed = act("close_month", **here(case))
    total = sum(verdict.cents for verdict in verdicts.values())
    return Answer("done", values=report(closed, total))


def report(closed: dict[str, Any], total: int) -> dict[str, Any]:
    """Return the answer's values for a closed month and its total in cents."""
    return {"settlement_id": closed["settlement_id"], "total_paid": money(total)}
