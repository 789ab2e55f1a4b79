"""The scenario: a department's month, its claims, its people and the policy in force.

Money is in cents of the base currency or of the claim's own currency, rates in ten-thousandths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import date

    from conformance.authoring import Fault

BASE_CURRENCY = "CNY"
RATE_UNIT = 10_000
ROLES = ("team_lead", "dept_head", "finance_director", "general_manager")
"""From the lowest; each but the last has a limit."""
FX_BASES = ("expense_date", "filing_date", "month_start")
UNITS = {"hotel": "night", "meals": "day"}
"""What a cap counts; one per claim where nothing stands here."""

Status = Literal["paid_full", "paid_reduced", "rejected"]
Side = Literal["debit", "credit"]
CapRule = Literal["per_diem", "peak", "month_cap"]
OtherRule = Literal["late", "advance", "linked", "leave"]
CAP_RULES: tuple[CapRule, ...] = ("per_diem", "peak", "month_cap")
"""Change what the capped claim gets. One a case: two would hide each other."""
OTHER_RULES: tuple[OtherRule, ...] = ("late", "advance", "linked", "leave")
"""Change an amount by filing date, a voucher's credits, or who approves."""


class Claim(NamedTuple):
    """One expense claim as filed; ``outcome`` is what earlier work made of it."""

    id: str
    department: str
    month: str
    """Month of filing, ``2026-03``."""
    employee: str
    category: str
    city: str
    vendor: str
    day: date
    """First day of the expense."""
    units: int
    """Nights or days from ``day`` on; 1 for other categories."""
    filed: date
    currency: str
    cents: int
    """Amount claimed, in ``currency``."""
    receipt: str
    invoice: str
    """Invoice number; empty where the receipt is no invoice."""
    outcome: Literal["open", "paid", "rejected"] = "open"
    paid: int = 0
    """Cents of the base currency paid; 0 unless ``outcome`` is ``paid``."""


class Person(NamedTuple):
    """A member of the department's staff."""

    id: str
    advance: int = 0
    """Open cash advance, in cents."""
    per_diem: tuple[date, ...] = ()
    """Days for which a per diem was paid."""


class Approver(NamedTuple):
    """Who holds a role of the approval graph."""

    role: str
    id: str
    on_leave: bool = False


class Verdict(NamedTuple):
    """What is right for one claim."""

    status: Status
    reason: str
    cents: int
    approver: str | None
    """None where the claim is rejected."""
    lines: tuple[tuple[str, Side, int], ...]
    """The voucher: account, side and cents; empty where the claim is rejected."""


@dataclass(frozen=True)
class Policy:
    """The numbers and choices of one policy; ``policy_text`` says them in words."""

    fx_basis: str
    excluded: str
    """The category that is not covered."""
    duplicate_key: Literal["invoice", "purchase"]
    """Same invoice number, or same vendor, date and amount."""
    receipt_from: int
    """From this amount on (base currency) an accepted receipt is needed."""
    receipts: tuple[str, ...]
    tiers: dict[str, str]
    """City to tier."""
    hotel_caps: dict[str, int]
    """Tier to cents a night."""
    caps: dict[str, int]
    """Every other covered category to cents a unit."""
    limits: tuple[int, ...]
    """Cents up to which each role but the last approves."""
    accounts: dict[str, str]
    """Category, ``bank`` and ``advances`` to account number."""
    codes: dict[str, str]
    """``full excluded duplicate receipt cap month late`` to reason code."""
    rules: tuple[str, ...]
    """The interacting rules in force."""
    per_diem_cap: int
    """Meals cap of a day with a per diem, in cents."""
    peak: tuple[date, date]
    """First and last day of the hotel season."""
    peak_percent: int
    month_cap: tuple[str, int]
    """Category, and cents an employee can be paid in it in a month."""
    late_days: int
    late_percent: int


@dataclass(frozen=True)
class Case:
    """Everything an instance follows from."""

    secret: str
    department: str
    month: str
    ending: Literal["settle", "locked"]
    policy: Policy
    staff: tuple[Person, ...]
    approvers: tuple[Approver, ...]
    """In the order of ``ROLES``."""
    claims: tuple[Claim, ...]
    """All that the system holds, by id: other departments, other months, settled ones too."""
    fx_salts: dict[str, int]
    tools: tuple[str, ...]
    """Names of the tools offered, in the order shown."""
    verdicts: dict[str, Verdict]
    """The right audit, ``audit(case)``, by claim id; worked out once, as every check needs it."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong at the tool door; where there are any, postings stand for good."""

    @property
    def batch(self) -> tuple[Claim, ...]:
        """The claims to settle: the department's open ones of the month."""
        return tuple(c for c in self.claims if c.outcome == "open" and self.holds(c))

    def holds(self, claim: Claim) -> bool:
        """Say whether the claim belongs to the department and month of the case."""
        return claim.department == self.department and claim.month == self.month


FX_BASE = {"USD": 71_000, "EUR": 77_500, "GBP": 91_000, "SGD": 53_500, "AUD": 47_000}
FX_SPREAD = 1_499


def fx_rate(salts: dict[str, int], currency: str, day: date) -> int:
    """Return the accounting rate of a day, in ten-thousandths of the base currency a unit.

    The spread is a prime, so no two days within four years share a rate.
    """
    return FX_BASE[currency] + (day.toordinal() * 611 + salts[currency]) % FX_SPREAD


def money(cents: int) -> str:
    """Write cents as a decimal with two places."""
    return f"{cents // 100}.{cents % 100:02d}"


def cents(decimal: str) -> int:
    """Read a decimal with two places as cents."""
    return int(decimal.replace(".", ""))


def percent_of(amount: int, percent: int) -> int:
    """Return a percentage of an amount of cents, rounded half up."""
    return (amount * percent + 50) // 100
