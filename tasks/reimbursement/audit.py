"""The rule engine: what the policy makes of each claim of a case.

``skip`` names rules to leave out. The right audit skips none; the shortcuts are audits that skip
some, and the generator keeps only cases in which each of them comes out differently.
"""

from __future__ import annotations

from datetime import date, timedelta

from .case import (
    BASE_CURRENCY,
    RATE_UNIT,
    ROLES,
    Case,
    Claim,
    Person,
    Side,
    Status,
    Verdict,
    fx_rate,
    percent_of,
)

NOTHING: frozenset[str] = frozenset()


def audit(
    case: Case, skip: frozenset[str] = NOTHING, basis: str | None = None
) -> dict[str, Verdict]:
    """Return the verdict on every claim of the batch, by claim id.

    Args:
        case: The case.
        skip: Rules to leave out: ``excluded duplicates receipts caps own_claim``, the name of an
            interacting rule, or ``lookalikes`` (every match counts as a duplicate).
        basis: The day whose exchange rate is taken, instead of the policy's.
    """
    return {claim.id: _verdict(case, claim, skip, basis) for claim in case.batch}


def payable(
    case: Case, claim: Claim, skip: frozenset[str] = NOTHING, basis: str | None = None
) -> tuple[Status, str, int]:
    """Return status, reason code and cents of the base currency for one claim."""
    codes = case.policy.codes
    claimed = in_base_currency(case, claim, basis)
    fault = _fault(case, claim, claimed, skip)
    if fault is not None:
        return "rejected", codes[fault], 0
    amount, reason = claimed, "full"
    for name, limited in (
        ("cap", min(amount, _cap(case, claim, skip))),
        ("month", _left_this_month(case, claim, skip)),
    ):
        if limited is not None and limited < amount:
            amount, reason = limited, name
    if _applies(case, "late", skip) and days_to_file(claim) > case.policy.late_days:
        amount, reason = percent_of(amount, case.policy.late_percent), "late"
    return ("paid_full" if reason == "full" else "paid_reduced"), codes[reason], amount


def in_base_currency(case: Case, claim: Claim, basis: str | None = None) -> int:
    """Return the amount claimed, in cents of the base currency, rounded half up."""
    if claim.currency == BASE_CURRENCY:
        return claim.cents
    rate = fx_rate(case.fx_salts, claim.currency, fx_day(claim, basis or case.policy.fx_basis))
    return (claim.cents * rate + RATE_UNIT // 2) // RATE_UNIT


def fx_day(claim: Claim, basis: str) -> date:
    """Return the day whose exchange rate counts for a claim."""
    if basis == "expense_date":
        return claim.day
    return claim.filed if basis == "filing_date" else claim.filed.replace(day=1)


def days_to_file(claim: Claim) -> int:
    """Return the days from the expense to the filing."""
    return (claim.filed - claim.day).days


def shared(claim: Claim, other: Claim) -> tuple[str, ...]:
    """Return in what two claims are alike: ``invoice_no vendor date amount``."""
    alike = {
        "invoice_no": bool(claim.invoice) and claim.invoice == other.invoice,
        "vendor": claim.vendor == other.vendor,
        "date": claim.day == other.day,
        "amount": (claim.currency, claim.cents) == (other.currency, other.cents),
    }
    return tuple(name for name, holds in alike.items() if holds)


def matches(case: Case, claim: Claim) -> list[tuple[Claim, tuple[str, ...]]]:
    """Return the claims that look like ``claim``, as the duplicate report shows them."""
    found = ((other, shared(claim, other)) for other in case.claims if other != claim)
    return [(o, alike) for o, alike in found if "invoice_no" in alike or len(alike) >= 2]


def role_for(case: Case, claim: Claim, amount: int, skip: frozenset[str] = NOTHING) -> int:
    """Return the index in ``ROLES`` of who approves ``amount`` on ``claim``."""
    weight = amount + (linked(case, claim) if _applies(case, "linked", skip) else 0)
    role = next(
        (i for i, limit in enumerate(case.policy.limits) if weight <= limit), len(ROLES) - 1
    )
    while role < len(ROLES) - 1 and _barred(case, role, claim, skip):
        role += 1
    return role


def linked(case: Case, claim: Claim) -> int:
    """Return what was already paid to the employee for the same vendor and day."""
    purchase = (claim.employee, claim.vendor, claim.day)
    return sum(c.paid for c in case.claims if (c.employee, c.vendor, c.day) == purchase)


def paid_this_month(case: Case, employee: str, category: str) -> int:
    """Return what an employee was already paid in a category on claims of the month."""
    return sum(
        c.paid
        for c in case.claims
        if (c.employee, c.category, c.month) == (employee, category, case.month)
    )


def _verdict(case: Case, claim: Claim, skip: frozenset[str], basis: str | None) -> Verdict:
    status, reason, amount = payable(case, claim, skip, basis)
    if status == "rejected":
        return Verdict(status, reason, 0, None, ())
    approver = case.approvers[role_for(case, claim, amount, skip)].id
    return Verdict(status, reason, amount, approver, _voucher(case, claim, amount, skip))


def _fault(case: Case, claim: Claim, claimed: int, skip: frozenset[str]) -> str | None:
    policy = case.policy
    if claim.category == policy.excluded and "excluded" not in skip:
        return "excluded"
    if "duplicates" not in skip and _is_duplicate(case, claim, skip):
        return "duplicate"
    needs_receipt = claimed >= policy.receipt_from and "receipts" not in skip
    return "receipt" if needs_receipt and claim.receipt not in policy.receipts else None


def _is_duplicate(case: Case, claim: Claim, skip: frozenset[str]) -> bool:
    found = matches(case, claim)
    if "lookalikes" in skip:
        return bool(found)
    key = {"invoice_no"} if case.policy.duplicate_key == "invoice" else {"vendor", "date", "amount"}
    return any(
        other.outcome == "paid"
        or (other.outcome == "open" and case.holds(other) and other.filed < claim.filed)
        for other, alike in found
        if key <= set(alike)
    )


def _cap(case: Case, claim: Claim, skip: frozenset[str]) -> int:
    policy = case.policy
    if "caps" in skip:
        return 10**12
    if claim.category == "hotel":
        night = policy.hotel_caps[policy.tiers[claim.city]]
        first, last = policy.peak
        if _applies(case, "peak", skip) and first <= claim.day <= last:
            night = percent_of(night, policy.peak_percent)
        return night * claim.units
    # A category that is not covered has no cap; only audits that skip that check get here.
    unit = policy.caps.get(claim.category, 10**12)
    covered = 0
    if claim.category == "meals" and _applies(case, "per_diem", skip):
        covered = len(days_of(claim) & set(_person(case, claim.employee).per_diem))
    return unit * (claim.units - covered) + policy.per_diem_cap * covered


def days_of(claim: Claim) -> set[date]:
    """Return the days a claim covers."""
    return {claim.day + timedelta(days=i) for i in range(claim.units)}


def _left_this_month(case: Case, claim: Claim, skip: frozenset[str]) -> int | None:
    category, most = case.policy.month_cap
    if claim.category != category or "caps" in skip or not _applies(case, "month_cap", skip):
        return None
    return max(0, most - paid_this_month(case, claim.employee, category))


def _barred(case: Case, role: int, claim: Claim, skip: frozenset[str]) -> bool:
    holder = case.approvers[role]
    own = holder.id == claim.employee and "own_claim" not in skip
    return own or (holder.on_leave and _applies(case, "leave", skip))


def _voucher(
    case: Case, claim: Claim, amount: int, skip: frozenset[str]
) -> tuple[tuple[str, Side, int], ...]:
    accounts = case.policy.accounts
    offset = 0
    if _applies(case, "advance", skip):
        offset = min(amount, _person(case, claim.employee).advance)
    lines: tuple[tuple[str, Side, int], ...] = (
        (accounts[claim.category], "debit", amount),
        (accounts["advances"], "credit", offset),
        (accounts["bank"], "credit", amount - offset),
    )
    return tuple(line for line in lines if line[2])


def _person(case: Case, employee: str) -> Person:
    return next(p for p in case.staff if p.id == employee)


def _applies(case: Case, rule: str, skip: frozenset[str]) -> bool:
    return rule in case.policy.rules and rule not in skip
