"""Draws the policy of a case; what depends on the claims is filled in once they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .case import CAP_RULES, FX_BASES, OTHER_RULES, Policy
from .names import CITIES, SMALL, VENDORS

if TYPE_CHECKING:
    from datetime import date

    from conformance.authoring import Rng

_CODE_NAMES = ("full", "excluded", "duplicate", "receipt", "cap", "month", "late")
_LETTERS = "ABCDEFGHJKMNPQRSTVW"


def draw_policy(rng: Rng, first: date, rules: int) -> Policy:
    """Draw a policy for the month that starts on ``first``, with that many interacting rules.

    ``limits``, ``peak`` and ``month_cap`` are placeholders that forbid nothing.
    """
    excluded = rng.choice(SMALL)
    top = 10_00 * rng.integer(50, 80)
    meals = 5_00 * rng.integer(16, 32)
    caps = {"meals": meals, "training": 100_00 * rng.integer(30, 60)}
    caps |= {name: 10_00 * rng.integer(12, 30) for name in SMALL if name != excluded}
    return Policy(
        fx_basis=rng.choice(FX_BASES),
        excluded=excluded,
        duplicate_key=rng.choice(("invoice", "purchase")),
        receipt_from=50_00 * rng.integer(2, 6),
        receipts=rng.choice((("invoice",), ("invoice", "card_slip"))),
        tiers=dict(zip(rng.shuffled(CITIES), "AABBBCCC", strict=True)),
        hotel_caps={"A": top, "B": top * 3 // 4, "C": top * 11 // 20},
        caps=caps,
        limits=(),
        accounts=_accounts(rng),
        codes=_codes(rng),
        rules=(rng.choice(CAP_RULES), *rng.sample(OTHER_RULES, rules - 1)),
        per_diem_cap=meals * rng.integer(3, 6) // 10,
        peak=(first, first),
        peak_percent=rng.choice((110, 115, 120, 125, 130)),
        month_cap=("meals", 10**9),
        late_days=rng.choice((14, 18, 21, 28)),
        late_percent=rng.choice((50, 60, 70, 75, 80, 90)),
    )


def _accounts(rng: Rng) -> dict[str, str]:
    numbers = rng.sample(range(10, 100), len(VENDORS) + 2)
    accounts = {name: f"6602{number}" for name, number in zip(VENDORS, numbers, strict=False)}
    return accounts | {"bank": f"1002{numbers[-2]}", "advances": f"1221{numbers[-1]}"}


def _codes(rng: Rng) -> dict[str, str]:
    letters = rng.sample(_LETTERS, len(_CODE_NAMES))
    return {
        name: f"{letter}{rng.integer(10, 99)}"
        for name, letter in zip(_CODE_NAMES, letters, strict=True)
    }
