"""Carrying decisions out through the tools, and what anyone has to read before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.authoring import Act

    from .planning import Decision


def read_all(act: Act, supplier: str) -> None:
    """Read what the decisions rest on, and look the chosen supplier up."""
    for name in ("market_report", "sales_history", "list_suppliers"):
        act(name)
    act("check_supplier", supplier=supplier)


def carry_out(act: Act, decisions: Sequence[Decision]) -> None:
    """Make each decision's call."""
    for decision in decisions:
        match decision:
            case ("price", good, cents):
                act("set_price", good=good, price_cents=cents)
            case ("order", supplier, quantities):
                act("order", supplier=supplier, quantities=dict(quantities))
            case ("end", days):
                act("end_day", days=days)


def close(act: Act) -> Answer:
    """Close the books and hand the token in."""
    return Answer("done", None, {"closing_token": act("close_books")["closing_token"]})
