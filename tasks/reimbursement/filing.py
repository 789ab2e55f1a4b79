"""Draws the claims of a case: the batch by kind, and the earlier claims they resemble."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from .case import BASE_CURRENCY, FX_BASE, RATE_UNIT, Claim, Policy, fx_rate, percent_of
from .names import CITIES, SMALL, VENDORS

if TYPE_CHECKING:
    from conformance.authoring import Rng

KINDS = {
    3: ("duplicate", "foreign", "capped"),
    4: ("duplicate", "foreign", "capped", "unfit"),
    6: ("duplicate", "foreign", "capped", "no_receipt", "excluded", "plain"),
}
"""Kinds of claim by size of batch; ``unfit`` is without a receipt or not covered."""


@dataclass
class Desk:
    """Where claims are drawn: what they have in common, and who files them when."""

    rng: Rng
    department: str
    other: str
    """Another department."""
    first: date
    """First day of the month."""
    policy: Policy
    fx_salts: dict[str, int]
    slots: dict[str, tuple[str, int]]
    """Claimant and filing day by kind of claim; no two claims of the batch share either."""
    late: str = ""
    """The kind of claim that is filed late, if any."""

    def file(self, kind: str, category: str, cents: int, **changes: Any) -> Claim:
        """Return a claim of the batch, with an invoice and in the base currency unless changed."""
        rng = self.rng
        units = rng.integer(2, 4) if category in ("hotel", "meals") else 1
        units = changes.pop("units", units)
        employee, day = self.slots[kind]
        filed = self.first.replace(day=day)
        late = self.policy.late_days
        gap = rng.integer(late + 1, late + 9) if kind == self.late else rng.integer(units + 3, 12)
        claim = Claim(
            id="",
            department=self.department,
            month=month_of(self.first),
            employee=employee,
            category=category,
            city=rng.choice(CITIES),
            vendor=rng.choice(VENDORS[category]),
            day=filed - timedelta(days=gap),
            units=units,
            filed=filed,
            currency=BASE_CURRENCY,
            cents=cents,
            receipt="invoice",
            invoice=self.invoice(),
        )
        return claim._replace(**changes)

    def invoice(self) -> str:
        """Return a fresh invoice number of eight digits."""
        return str(self.rng.integer(10_000_000, 99_999_999))

    def abroad(self, claim: Claim) -> Claim:
        """Return the claim in a foreign currency, worth about what it was."""
        currency = self.rng.choice(tuple(FX_BASE))
        rate = fx_rate(self.fx_salts, currency, claim.day)
        return claim._replace(currency=currency, cents=claim.cents * RATE_UNIT // rate)

    def moved(self, claim: Claim) -> Claim:
        """Return the claim as filed by somebody of the other department."""
        employee = f"E{self.rng.integer(5000, 9999)}"
        return claim._replace(department=self.other, employee=employee)

    def part(self, amount: int, low: int, high: int) -> int:
        """Return between ``low`` and ``high`` percent of an amount, to the cent."""
        return percent_of(amount, self.rng.integer(low, high - 1)) + self.rng.below(amount // 100)

    def foreign(self) -> Claim:
        """Return a claim in foreign currency, well below its cap."""
        return self.abroad(self._below_cap("foreign"))

    def capped(self) -> Claim:
        """Return a claim above its cap, of a category that the cap rule in force is about."""
        rng, policy = self.rng, self.policy
        small = [name for name in SMALL if name != policy.excluded]
        category = {
            "per_diem": "meals",
            "peak": "hotel",
            "month_cap": rng.choice(["meals", *small]),
        }
        name = category[policy.rules[0]]
        city, units = rng.choice(CITIES), rng.integer(2, 4) if name not in SMALL else 1
        unit = policy.hotel_caps[policy.tiers[city]] if name == "hotel" else policy.caps[name]
        claimed = self.part(unit * units, 135, 190)  # above any season's cap too
        return self.file("capped", name, claimed, city=city, units=units)

    def no_receipt(self) -> Claim:
        """Return a claim for which a receipt is needed and not there."""
        lacking = [r for r in ("none", "card_slip") if r not in self.policy.receipts]
        claim = self._below_cap("no_receipt")
        enough = max(claim.cents, self.policy.receipt_from + self.rng.below(100_00))
        return claim._replace(cents=enough, receipt=self.rng.choice(lacking), invoice="")

    def excluded(self) -> Claim:
        """Return a claim of the category that is not covered."""
        return self.file("excluded", self.policy.excluded, self.rng.integer(80_00, 400_00))

    def plain(self) -> Claim:
        """Return a small claim that needs no receipt and has none."""
        name = self.rng.choice([name for name in SMALL if name != self.policy.excluded])
        most = min(self.policy.receipt_from, self.policy.caps[name])
        return self.file("plain", name, self.part(most, 50, 98), receipt="none", invoice="")

    def again(self, original: Claim) -> Claim:
        """Return a second claim for what ``original`` of the batch was about."""
        employee, day = self.slots["duplicate"]
        copy = original._replace(employee=employee, filed=self.first.replace(day=day))
        return self._disguised(copy)

    def paid_before(self) -> tuple[Claim, Claim]:
        """Return a claim, and the one of last month that was paid for the same."""
        claim = self._below_cap("duplicate")
        if self.rng.chance(50):
            claim = self.abroad(claim)
        worth = self.part(100_00, 500, 1500)
        filed = self.first - timedelta(days=self.rng.integer(3, 9))
        claim = claim._replace(day=filed - timedelta(days=self.rng.integer(4, 9)))
        before = claim._replace(
            filed=filed,
            month=month_of(filed),
            outcome="paid",
            paid=worth,
        )
        if self.rng.chance(50):
            before = self.moved(before)
        return self._disguised(claim), before

    def lookalike(self, claim: Claim) -> Claim:
        """Return an earlier claim that resembles ``claim`` but makes it no duplicate."""
        rng = self.rng
        if rng.chance(50):
            filed = claim.filed - timedelta(days=rng.integer(1, 3))
            return claim._replace(filed=filed, outcome="rejected")
        other = self.moved(claim)._replace(
            invoice=self.invoice(),
            filed=claim.filed - timedelta(days=rng.integer(1, 3)),
            outcome="paid",
            paid=self.part(100_00, 200, 900),
        )
        if self.policy.duplicate_key == "purchase":
            other = other._replace(day=claim.day - timedelta(days=rng.integer(1, 5)))
        return other

    def settled(self, claim: Claim, **changes: Any) -> Claim:
        """Return a claim of the same employee, paid earlier in the month."""
        earlier = claim._replace(
            filed=claim.filed - timedelta(days=self.rng.integer(1, 3)),
            currency=BASE_CURRENCY,
            invoice=self.invoice(),
            outcome="paid",
        )
        return earlier._replace(**changes)

    def elsewhere(self) -> tuple[Claim, ...]:
        """Return open claims that are none of this work: another department, the next month."""
        after = (self.first + timedelta(days=31)).replace(day=self.rng.integer(2, 9))
        return (
            self._below_cap("elsewhere 1")._replace(filed=after, month=month_of(after)),
            self.moved(self._below_cap("elsewhere 2")),
            self.moved(self.abroad(self._below_cap("elsewhere 3"))),
        )

    def _below_cap(self, kind: str) -> Claim:
        name = self.rng.choice(("hotel", "training"))
        claim = self.file(kind, name, 0)
        policy = self.policy
        unit = policy.hotel_caps[policy.tiers[claim.city]] if name == "hotel" else policy.caps[name]
        return claim._replace(cents=self.part(unit * claim.units, 50, 90))

    def _disguised(self, claim: Claim) -> Claim:
        """Return a duplicate with a fresh invoice number where the number does not matter."""
        if self.policy.duplicate_key == "purchase":
            return claim._replace(invoice=self.invoice())
        return claim


def month_of(day: date) -> str:
    """Return the month of a day, ``2026-03``."""
    return f"{day.year}-{day.month:02d}"
