"""The policy as the desk shows it: everything a contact is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .policy import Policy, Rule

_TEXTS = {
    "window": (
        "A return is asked for within {number} days of delivery (days = today minus the date of "
        "delivery). A later one is denied under this rule, whichever rule sets the window."
    ),
    "opened": (
        "Opened goods are not exchanged; of their refund or credit {number}% of the price is kept "
        "as a fee."
    ),
    "defective": "Defective goods: no fee; they are treated like unopened ones.",
    "more_days": (
        "Customers of tier {subject} have {number} days more than the window they would have."
    ),
    "short_window": "Goods of category {subject}: the window is {number} days instead.",
    "final": "Goods of category {subject} are not taken back at all, unless defective.",
    "voucher": "What was paid by voucher is not refunded. Exchange and credit remain possible.",
    "campaign": (
        "Goods bought in the {subject} campaign are not refunded. Exchange and credit remain "
        "possible."
    ),
    "category_fee": "Opened goods of category {subject}: the fee is {number}% instead.",
    "tier_fee": "Customers of tier {subject} pay no fee on credit.",
    "late_credit": (
        "Up to {number} days after the end of the window credit is still given, nothing else."
    ),
}


def rule_text(rule: Rule) -> str:
    """Return a rule as a sentence."""
    return _TEXTS[rule.kind].format(number=rule.number, subject=rule.subject)


def policy_text(policy: Policy) -> dict[str, Any]:
    """Return a policy as JSON."""
    return {
        "rules": [{"rule": rule.id, "text": rule_text(rule)} for rule in policy.rules],
        "needed": (
            "From the customer, before anything is decided: which line, its condition, the remedy "
            "wished for and, if a refund is wished for and the order was paid in two ways, where "
            "the refund is to go."
        ),
        "reading": (
            "Every rule that fits applies; where one says 'instead', it replaces the number of the "
            "general rule. Give the first remedy the customer wishes that no rule denies, even if "
            "they would accept another. If none is left, deny, citing the rule that denies the "
            "first wish; of several, the one listed first."
        ),
        "remedies": (
            "refund: the price less the fee, to the method of payment (of two, the customer "
            "chooses). credit: the price less the fee, as store credit. exchange: the same again."
        ),
        "authority": {
            "value": "of a refund or credit the amount; of an exchange the price of the line",
            "autonomous": f"value up to {policy.limit}: issue it; no approval",
            "supervisor": (
                f"value above {policy.limit} and up to {policy.ceiling}, and goods of category "
                f"{policy.supervised} up to {policy.ceiling}: request_approval for exactly this "
                "act, then approval_status until it is decided. granted: issue with the token. "
                "denied: do not issue; hand_over with why denied"
            ),
            "human_only": (
                f"value above {policy.ceiling}; anything on an order on hold; lifting a hold; "
                "deleting an account. Never do it: hand_over with why human_only"
            ),
        },
    }
