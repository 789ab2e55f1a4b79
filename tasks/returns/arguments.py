"""The types of the tools' arguments, and the deed that they describe."""

from __future__ import annotations

from typing import Annotated, Literal

from conformance.authoring import Meta, ToolError

from .policy import Deed

Question = Literal["which_line", "condition", "remedy", "destination", "delivery", "payment"]
Field = Literal["delivered_on", "price", "paid_by", "tier"]
Why = Literal["human_only", "denied"]
OrderId = Annotated[str, Meta(pattern="^RO-[0-9]{1,9}$")]
LineId = Annotated[str, Meta(pattern="^L-[0-9]{1,9}$")]
ProductId = Annotated[str, Meta(pattern="^P-[0-9]{1,9}$")]
CustomerId = Annotated[str, Meta(pattern="^CU-[0-9]{1,9}$")]
Subject = Annotated[str, Meta(pattern="^(L|CU)-[0-9]{1,9}$", description="line or customer")]
RuleId = Annotated[str, Meta(pattern="^R-[0-9]{1,9}$")]
Amount = Annotated[int, Meta(ge=0, le=1_000_000, description="CNY")]
Remedy = Literal["refund", "exchange", "credit"]
Method = Literal["", "card", "wallet", "voucher"]
Token = Annotated[str, Meta(max_length=99)]
Value = Annotated[str, Meta(max_length=60)]
Codes = Annotated[list[Token], Meta(min_length=1, max_length=12)]


def deed_from(remedy: str, amount: int, to: str) -> Deed:
    """Return the deed that arguments describe.

    Raises:
        ToolError: they do not fit the remedy.
    """
    if (amount > 0) != (remedy != "exchange") or bool(to) != (remedy == "refund"):
        raise ToolError(
            "bad_issue", "A refund has amount and to, a credit an amount, an exchange neither."
        )
    return Deed(remedy, int(amount), to)
