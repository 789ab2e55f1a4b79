"""The policy in words and tables, as ``get_policy`` returns it: the engine's steps, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .case import BASE_CURRENCY, ROLES, UNITS, Policy, money

if TYPE_CHECKING:
    from collections.abc import Iterator

_FX_TEXT = {
    "expense_date": "the expense date",
    "filing_date": "the day the claim was filed",
    "month_start": "the first day of the month in which the claim was filed",
}
_DUPLICATE_TEXT = {
    "invoice": "has the same invoice_no (another invoice_no is no duplicate, however alike)",
    "purchase": (
        "has the same vendor, date and amount (all three, in the same currency; the invoice_no "
        "does not matter)"
    ),
}


def policy_text(policy: Policy) -> dict[str, Any]:
    """Return the policy as a JSON object."""
    return {
        "base_currency": BASE_CURRENCY,
        "rounding": "Round to the cent, half up, after each conversion and each percentage.",
        "conversion": (
            "Convert the amount claimed with the accounting rate (fx_rate) of "
            f"{_FX_TEXT[policy.fx_basis]}."
        ),
        "reject": {
            "how": (
                "Check in this order; the first that applies rejects the claim: status rejected, "
                "its code, amount 0.00. A rejected claim gets no approval and no voucher."
            ),
            "steps": list(_rejections(policy)),
        },
        "amount": {
            "how": (
                f"Start from the amount claimed in {BASE_CURRENCY}; apply the steps in order. "
                f"If no step lowers it: paid_full, code {policy.codes['full']}. Otherwise: "
                "paid_reduced with the code of the last step that lowered it."
            ),
            "steps": list(_reductions(policy)),
        },
        "caps": list(_caps(policy)),
        "city_tiers": _by_tier(policy),
        "approval": {
            "rule": " ".join(_approval(policy)),
            "limits": [
                {"role": role, "up_to": money(limit)}
                for role, limit in zip(ROLES, policy.limits, strict=False)
            ]
            + [{"role": ROLES[-1], "up_to": "unlimited"}],
        },
        "voucher": _voucher(policy),
        "accounts": policy.accounts,
    }


def _rejections(policy: Policy) -> Iterator[dict[str, str]]:
    codes, accepted = policy.codes, " or ".join(policy.receipts)
    yield {"code": codes["excluded"], "if": f"The category is {policy.excluded}: not covered."}
    yield {
        "code": codes["duplicate"],
        "if": (
            f"Duplicate: another claim {_DUPLICATE_TEXT[policy.duplicate_key]} and either was "
            "already paid (any department, any month) or is an open claim of this department and "
            "month that was filed earlier. Claims rejected earlier do not count."
        ),
    }
    yield {
        "code": codes["receipt"],
        "if": (
            f"The amount claimed in {BASE_CURRENCY} is {money(policy.receipt_from)} or more and "
            f"the receipt is not: {accepted}."
        ),
    }


def _reductions(policy: Policy) -> Iterator[dict[str, str]]:
    codes = policy.codes
    text = "At most the cap of the category times the units of the claim."
    if "peak" in policy.rules:
        first, last = policy.peak
        text += (
            f" High season: for an expense date from {first} to {last} (inclusive) the hotel cap "
            f"of a night is {policy.peak_percent} % of the table's."
        )
    if "per_diem" in policy.rules:
        text += (
            " A meals claim covers the expense date and the days after it, one a unit; for each "
            "of these days with a per diem of the claimant (get_staff) the cap of the day is "
            f"{money(policy.per_diem_cap)}."
        )
    else:
        text += " Per diems do not matter."
    yield {"code": codes["cap"], "step": text}
    if "month_cap" in policy.rules:
        category, most = policy.month_cap
        yield {
            "code": codes["month"],
            "step": (
                f"{category}: at most {money(most)} an employee and month of filing, less what "
                "claims already settled in the month have paid the employee in this category."
            ),
        }
    if "late" in policy.rules:
        yield {
            "code": codes["late"],
            "step": (
                f"Filed more than {policy.late_days} days after the expense date: "
                f"{policy.late_percent} % of the amount so far."
            ),
        }


def _caps(policy: Policy) -> Iterator[dict[str, str]]:
    for tier, cap in policy.hotel_caps.items():
        yield {"category": "hotel", "city_tier": tier, "per": "night", "cap": money(cap)}
    for category, cap in policy.caps.items():
        yield {"category": category, "per": UNITS.get(category, "claim"), "cap": money(cap)}


def _by_tier(policy: Policy) -> dict[str, list[str]]:
    tiers = sorted(set(policy.tiers.values()))
    return {t: sorted(c for c, tier in policy.tiers.items() if tier == t) for t in tiers}


def _approval(policy: Policy) -> Iterator[str]:
    yield (
        "Every paid claim needs one approval before its voucher is posted: by the lowest role "
        "whose limit is not below the amount to be paid."
    )
    if "linked" in policy.rules:
        yield (
            "For this comparison only, add what claims already settled have paid the same employee "
            "for the same vendor and expense date."
        )
    yield "Nobody approves a claim of their own: it goes to the next role up."
    if "leave" in policy.rules:
        yield "Where the approver is on leave, it goes to the next role up, too."
    else:
        yield "Approvers on leave approve as usual."


def _voucher(policy: Policy) -> str:
    text = "One voucher a paid claim: debit the account of its category with the amount paid; "
    if "advance" in policy.rules:
        return text + (
            "credit advances up to the claimant's open advance (get_staff), bank with the rest. "
            "No lines of 0.00."
        )
    return text + "credit bank with the same. Open advances are left to payroll."
