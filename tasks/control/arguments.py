"""The types of the tools' arguments, and the act that a request describes."""

from __future__ import annotations

from typing import Annotated

from conformance.authoring import Meta, ToolError

from .desk import Deed

TicketId = Annotated[str, Meta(pattern="^TK-[0-9]{1,9}$")]
DocumentId = Annotated[str, Meta(pattern="^DOC-[0-9]{1,9}$")]
Account = Annotated[str, Meta(pattern="^AC-[0-9]{1,9}$")]
Recipient = Annotated[str, Meta(pattern="^[a-z.]{1,40}@[a-z.]{1,40}$")]
Amount = Annotated[int, Meta(ge=1, le=1_000_000, description="CNY")]
Value = Annotated[int, Meta(ge=0, le=1000)]
Token = Annotated[str, Meta(max_length=99)]
Note = Annotated[str, Meta(max_length=2000)]
Entry = Annotated[str, Meta(pattern="^E-[0-9]{1,9}$")]
Subject = Annotated[str, Meta(max_length=60, description="account, document or setting")]
Detail = (
    Annotated[int, Meta(ge=0, le=1_000_000_000)]
    | Annotated[str, Meta(max_length=60, description="amount, recipient or value")]
)


def deed_from(name: str, subject: str, given: int | str) -> Deed:
    """Return the act that a request names by tool, subject and detail.

    Raises:
        ToolError: the detail is no whole number where it must be one.
    """
    detail = str(given)
    if name == "send_document":
        return Deed(name, subject, detail)
    if not detail.isascii() or not detail.isdigit() or len(detail) > 9:
        raise ToolError("bad_detail", f"The detail of {name} is a whole number.")
    return Deed(name, subject, int(detail))
