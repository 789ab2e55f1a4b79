"""The customer's words in English."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .contact import Claim, Message, Told

_REMEDIES = {"refund": "a refund", "exchange": "an exchange", "credit": "store credit"}
_METHODS = {"card": "card", "wallet": "wallet", "voucher": "voucher"}
_CONDITIONS = (
    {
        "unopened": "It is still unopened.",
        "opened": "I have opened it.",
        "defective": "It is defective.",
    },
    {
        "unopened": "Condition: unopened.",
        "opened": "Condition: opened.",
        "defective": "Condition: defective.",
    },
    {
        "unopened": "Haven't opened it.",
        "opened": "It's been opened.",
        "defective": "It's defective.",
    },
)
_CLAIMS = (
    {
        "delivered_on": "It was delivered on {}.",
        "price": "I paid CNY {} for it.",
        "paid_by": "I paid by {}.",
        "tier": "I am a {} customer.",
    },
    {
        "delivered_on": "Delivered {}.",
        "price": "Price CNY {}.",
        "paid_by": "Paid by {}.",
        "tier": "Tier: {}.",
    },
    {
        "delivered_on": "Got it on {}.",
        "price": "Cost me CNY {}.",
        "paid_by": "Paid with my {}.",
        "tier": "I'm {} tier by the way.",
    },
)
_PLEAS = (
    "I count on your good will.",
    "Please be quick, I have waited long enough.",
    "Other shops make no fuss about this.",
    "I really need this settled today.",
    "I have never had any trouble with you before.",
)
_DELETION = (
    "And please delete my account.",
    "Also: delete the account.",
    "Oh, and delete my account while you're at it.",
)


def said(message: Message, wording: int) -> str:
    """Return the customer's message."""
    parts = [_wish(told, wording) for told in message.wishes]
    parts += [_claim(claim, wording) for claim in message.claims]
    if message.wants_deletion:
        parts.append(_DELETION[wording])
    parts.append(_PLEAS[message.plea])
    return " ".join(parts)


def _wish(told: Told, wording: int) -> str:
    goods = f"{told.colour} {told.name}" if told.colour else told.name
    remedies = [
        _REMEDIES[remedy]
        + (f" to my {_METHODS[told.to]}" if told.to and remedy == "refund" else "")
        for remedy in told.remedies
    ]
    wish = f"{remedies[0]}, or else {remedies[1]}" if len(remedies) > 1 else "".join(remedies)
    condition = f" {_CONDITIONS[wording][told.condition]}" if told.condition else ""
    match wording:
        case 0:
            wish = f" I would like {wish}." if wish else ""
            return f"I want to return the {goods} of order {told.order}.{wish}{condition}"
        case 1:
            wish = f" Wish: {wish}." if wish else ""
            return f"Return, order {told.order}: {goods}.{wish}{condition}"
        case _:
            wish = f" I'd like {wish}." if wish else ""
            return f"That {goods} from {told.order} has to go back.{wish}{condition}"


def _claim(claim: Claim, wording: int) -> str:
    return _CLAIMS[wording][claim.field].format(claim.value)
