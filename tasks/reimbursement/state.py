"""The state of the claims system: how it opens, how it should end, what a settlement covers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from conformance.authoring import mint

from .audit import Verdict, audit
from .case import Case, Claim, cents, money
from .filing import month_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.authoring import State

Entry = tuple[dict[str, str], str | None, dict[tuple[str, str], int]]
"""A claim's decision, its approver, and its voucher as cents by account and side."""


def period_key(department: str, month: str) -> str:
    """Return the key of a department's month."""
    return f"{department}:{month}"


def opening(case: Case) -> State:
    """Return the state before any work: open claims undecided, last month locked by audit."""
    departments = {claim.department for claim in case.claims} | {case.department}
    first = date.fromisoformat(f"{case.month}-01")
    last, following = month_of(first - timedelta(days=1)), month_of(first + timedelta(days=31))
    periods: dict[str, Any] = {}
    for department in sorted(departments):
        periods[period_key(department, last)] = _locked(case, department, last)
        periods[period_key(department, case.month)] = {"status": "open"}
        periods[period_key(department, following)] = {"status": "open"}
    if case.ending == "locked":
        periods[own_period(case)] = _locked(case, case.department, case.month)
    return {
        "claims": {c.id: {"status": "open"} for c in case.claims if c.outcome == "open"},
        "approvals": {},
        "vouchers": {},
        "periods": periods,
        "opinions": {},
        "accruals": {},
        "ledger": {},
    }


def own_period(case: Case) -> str:
    """Return the key of the month to settle."""
    return period_key(case.department, case.month)


def lock_code(case: Case, department: str, month: str) -> str:
    """Return the code under which audit locked a month, if it did."""
    return mint(case.secret, "lock", department, month)


def settlement_id(secret: str, state: State, claims: Iterable[Claim]) -> str:
    """Return the id of the settlement of ``claims`` as they stand: another state, another id."""
    parts = []
    for claim in claims:
        if claim.outcome == "open":
            decision, approver, voucher = entry(state, claim.id)
            parts.append([claim.id, decision, approver, sorted([*k, v] for k, v in voucher.items())])
    return mint(secret, "settlement", parts)


def entry(state: State, claim_id: str) -> Entry:
    """Return what the state holds of an open claim, however its voucher's lines are split."""
    decision = state["claims"][claim_id]
    said = {**decision, "amount": money(cents(decision.get("amount", "0.00")))}
    voucher: dict[tuple[str, str], int] = {}
    for line in state["vouchers"].get(claim_id, ()):
        key = (line["account"], line["side"])
        voucher[key] = voucher.get(key, 0) + cents(line["amount"])
    posted = {key: amount for key, amount in voucher.items() if amount}
    return said, state["approvals"].get(claim_id), posted


def settled(case: Case, verdicts: dict[str, Verdict]) -> State:
    """Return the state in which the month was settled by these verdicts."""
    state = opening(case)
    for claim_id, verdict in verdicts.items():
        state["claims"][claim_id] = decision(verdict)
        if verdict.approver is not None:
            state["approvals"][claim_id] = verdict.approver
            state["vouchers"][claim_id] = lines(verdict)
    return state


def right_settlement(case: Case) -> tuple[str, int]:
    """Return the id and the total, in cents, of the right settlement."""
    verdicts = audit(case)
    token = settlement_id(case.secret, settled(case, verdicts), case.batch)
    return token, sum(verdict.cents for verdict in verdicts.values())


def decision(verdict: Verdict) -> dict[str, str]:
    """Return the arguments of ``decide_claim`` for a verdict, without the claim."""
    return {
        "status": verdict.status,
        "reason": verdict.reason,
        "amount": money(verdict.cents),
    }


def lines(verdict: Verdict) -> list[dict[str, str]]:
    """Return the voucher's lines as ``post_voucher`` takes them."""
    return [
        {"account": account, "side": side, "amount": money(amount)}
        for account, side, amount in verdict.lines
    ]


def _locked(case: Case, department: str, month: str) -> dict[str, Literal["locked"] | str]:
    return {"status": "locked", "lock_code": lock_code(case, department, month)}
