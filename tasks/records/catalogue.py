"""What an office record holds: fifteen fields in five groups of near-synonyms."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from conformance.authoring import Text, ToolError

if TYPE_CHECKING:
    from conformance.authoring import Rng

LEVELS = 5
MOST_MONEY = 10_000_000
"""CNY."""
_FIRST_DAY = date(2029, 1, 1)
_CODES = {"person": re.compile(r"U-[0-9]{4}"), "center": re.compile(r"C-[0-9]{4}")}


class Field(NamedTuple):
    """A field: the one tool that changes it, the kind of its value, its name to people."""

    tool: str
    group: str
    label: Text


FIELDS = {
    "due_date": Field("set_due_date", "day", Text("截止日期", "due date")),
    "start_date": Field("move_start_date", "day", Text("开始日期", "start date")),
    "review_date": Field("update_review_date", "day", Text("复核日期", "review date")),
    "owner": Field("reassign_owner", "person", Text("负责人", "owner")),
    "approver": Field("change_approver", "person", Text("审批人", "approver")),
    "contact": Field("update_contact", "person", Text("联系人", "contact")),
    "amount": Field("amend_amount", "money", Text("金额", "amount")),
    "budget": Field("adjust_budget", "money", Text("预算", "budget")),
    "deposit": Field("set_deposit", "money", Text("押金", "deposit")),
    "cost_center": Field("set_cost_center", "center", Text("成本中心", "cost center")),
    "profit_center": Field("switch_profit_center", "center", Text("利润中心", "profit center")),
    "tax_center": Field("assign_tax_center", "center", Text("税务中心", "tax center")),
    "priority": Field("set_priority", "level", Text("优先级", "priority")),
    "severity": Field("update_severity", "level", Text("严重程度", "severity")),
    "urgency": Field("adjust_urgency", "level", Text("紧急程度", "urgency")),
}
FieldName = Literal[
    "due_date",
    "start_date",
    "review_date",
    "owner",
    "approver",
    "contact",
    "amount",
    "budget",
    "deposit",
    "cost_center",
    "profit_center",
    "tax_center",
    "priority",
    "severity",
    "urgency",
]
"""The names of ``FIELDS``, as a tool's schema needs them."""


def siblings(field: str) -> list[str]:
    """Return the other fields that take the same kind of value."""
    return [
        name
        for name, other in FIELDS.items()
        if name != field and other.group == FIELDS[field].group
    ]


def draw_value(rng: Rng, field: str) -> Any:
    """Draw a value as the tools take it."""
    match FIELDS[field].group:
        case "day":
            return (_FIRST_DAY + timedelta(days=rng.below(1400))).isoformat()
        case "person":
            return f"U-{rng.integer(1000, 9999)}"
        case "money":
            return rng.integer(10_000, 9_999_999) / 100
        case "center":
            return f"C-{rng.integer(1000, 9999)}"
        case _:
            return rng.integer(1, LEVELS)


def checked_value(field: str, value: Any) -> Any:
    """Return a value that the field can hold.

    Raises:
        ToolError: it cannot hold this one.
    """
    group = FIELDS[field].group
    if group in ("money", "level"):
        return _number(field, value, whole=group == "level")
    if not isinstance(value, str):
        raise ToolError("bad_value", f"{field} takes a string.")
    if group == "day":
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise ToolError("bad_value", f"{field} is a date, written YYYY-MM-DD.") from None
    if not _CODES[group].fullmatch(value):
        raise ToolError("bad_value", f"{field} is a code such as {_CODES[group].pattern[0]}-1234.")
    return value


def _number(field: str, value: Any, *, whole: bool) -> int | float:
    low, high = (1, LEVELS) if whole else (0, MOST_MONEY)
    if isinstance(value, str) or not math.isfinite(value) or not low <= value <= high:
        raise ToolError("bad_value", f"{field} is a number from {low} to {high}.")
    if round(value, 0 if whole else 2) != value:
        raise ToolError("bad_value", f"{field} takes {'no' if whole else 'two'} decimals.")
    return int(value) if whole else value
