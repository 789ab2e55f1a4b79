"""The state of the claims system: how it opens, how it should end, what a settlement covers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from conformance.authoring import mint

from .case import Case, Verdict, cents, money
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
    departments = {claim.department for claim in case.claims}
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


def here(case: Case) -> dict[str, str]:
    """Return the arguments that name the department's month."""
    return {"department": case.department, "month": case.month}


def own_period(case: Case) -> str:
    """Return the key of the month to settle."""
    return period_key(case.department, case.month)


def lock_code(case: Case, department: str, month: str) -> str:
    """Return the code under which audit locked a month, if it did."""
    return mint(case.secret, "lock", department, month)


def settlement_id(secret: str, entries: dict[str, Entry]) -> str:
    """Return the id of a settlement by claim id: another decision anywhere, another id."""
    parts = [
        [claim_id, said, approver, sorted([*key, amount] for key, amount in voucher.items())]
        for claim_id, (said, approver, voucher) in sorted(entries.items())
    ]
    return mint(secret, "settlement", parts)


def entry(state: State, claim_id: str) -> Entry:
    """Return what the state holds of an open claim, however its voucher's lines are split."""
    voucher = [
        (line["account"], line["side"], cents(line["amount"]))
        for line in state["vouchers"].get(claim_id, ())
    ]
    said = dict(state["claims"][claim_id])
    if "amount" in said:
        said["amount"] = money(cents(said["amount"]))
    return said, state["approvals"].get(claim_id), _summed(voucher)


def right_entry(verdict: Verdict) -> Entry:
    """Return what the state should hold of a claim."""
    return decision(verdict), verdict.approver, _summed(verdict.lines)


def right_settlement(case: Case) -> tuple[str, int]:
    """Return the id and the total, in cents, of the right settlement."""
    entries = {claim_id: right_entry(verdict) for claim_id, verdict in case.verdicts.items()}
    total = sum(verdict.cents for verdict in case.verdicts.values())
    return settlement_id(case.secret, entries), total


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


def _summed(lines: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str], int]:
    """Return the cents by account and side, lines of 0.00 left out."""
    found: dict[tuple[str, str], int] = {}
    for account, side, amount in lines:
        if amount:
            found[account, side] = found.get((account, side), 0) + amount
    return found


def _locked(case: Case, department: str, month: str) -> dict[str, str]:
    return {"status": "locked", "lock_code": lock_code(case, department, month)}
