"""The return policy: rules that are drawn per seed, and what they make of a wish."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REMEDIES = ("refund", "exchange", "credit")
CONDITIONS = ("unopened", "opened", "defective")
METHODS = ("card", "wallet", "voucher")
TIERS = ("basic", "silver", "gold")
CATEGORIES = ("standard", "seasonal", "hygiene", "clearance", "custom")
CAMPAIGNS = ("spring", "opening", "anniversary")

STEP = 20
"""Prices are multiples of so many CNY, so that every percentage of one is whole."""
BASE = ("window", "opened", "defective")
EXCEPTIONS = (
    "more_days",
    "short_window",
    "final",
    "voucher",
    "campaign",
    "category_fee",
    "tier_fee",
    "late_credit",
)


class Rule(NamedTuple):
    """One rule; ``subject`` is the tier, category or campaign it is about."""

    id: str
    kind: str
    subject: str = ""
    number: int = 0  # days or per cent


class Policy(NamedTuple):
    """The rules in their order, the base first, and who may decide what."""

    rules: tuple[Rule, ...]
    limit: int  # CNY; up to it the desk acts alone
    ceiling: int  # CNY; up to it with approval, above only people
    supervised: str  # a category that needs approval whatever the value

    def without(self, ids: Iterable[str]) -> Policy:
        """Return the policy as one reads it who overlooks some rules."""
        lost = set(ids)
        return self._replace(rules=tuple(rule for rule in self.rules if rule.id not in lost))

    @property
    def exceptions(self) -> tuple[Rule, ...]:
        """The rules beyond the base."""
        return tuple(rule for rule in self.rules if rule.kind in EXCEPTIONS)


class Facts(NamedTuple):
    """All that the rules look at."""

    category: str
    condition: str
    tier: str
    paid_by: tuple[str, ...]
    campaign: str
    days: int  # since delivery
    price: int


class Deed(NamedTuple):
    """A remedy to give; an exchange has no amount, only a refund goes somewhere."""

    remedy: str
    amount: int = 0
    to: str = ""


class Denial(NamedTuple):
    """No remedy that was wished for can be given, because of a rule."""

    rule: str


Outcome = Deed | Denial


def outcome(policy: Policy, facts: Facts, remedies: Iterable[str], to: str) -> Outcome:
    """Return the first remedy of those wished that no rule denies, or the rule to be cited."""
    cited = ""
    for remedy in remedies:
        against = next(denying(policy, facts, remedy), None)
        if against is None:
            if remedy == "exchange":
                return Deed(remedy)
            amount = facts.price - facts.price * fee(policy, facts, remedy) // 100
            if remedy == "credit":
                return Deed(remedy, amount)
            return Deed(remedy, amount, facts.paid_by[0] if len(facts.paid_by) == 1 else to)
        cited = cited or against
    return Denial(cited)


def denying(policy: Policy, facts: Facts, remedy: str) -> Iterator[str]:
    """Yield the rules that stand against a remedy, in the order of the policy."""
    for rule in policy.rules:
        match rule.kind:
            case "window":
                is_against = _is_late(policy, facts, remedy)
            case "opened":
                is_against = facts.condition == "opened" and remedy == "exchange"
            case "final":
                is_against = facts.category == rule.subject and facts.condition != "defective"
            case "voucher":
                is_against = facts.paid_by == ("voucher",) and remedy == "refund"
            case "campaign":
                is_against = facts.campaign == rule.subject and remedy == "refund"
            case _:
                is_against = False
        if is_against:
            yield rule.id


def fee(policy: Policy, facts: Facts, remedy: str) -> int:
    """Return the per cent of the price that is kept."""
    if facts.condition != "opened":
        return 0
    kept = _number(policy, "opened")
    for rule in policy.rules:
        if rule.kind == "category_fee" and rule.subject == facts.category:
            kept = rule.number
    if remedy == "credit" and any(
        rule.kind == "tier_fee" and rule.subject == facts.tier for rule in policy.rules
    ):
        return 0
    return kept


def window(policy: Policy, facts: Facts) -> int:
    """Return the days within which a return is asked for."""
    days, extra = _number(policy, "window"), 0
    for rule in policy.rules:
        if rule.kind == "short_window" and rule.subject == facts.category:
            days = rule.number
        if rule.kind == "more_days" and rule.subject == facts.tier:
            extra = rule.number
    return days + extra


def decision_class(policy: Policy, category: str, price: int, deed: Deed) -> str:
    """Return who may decide on a deed: ``autonomous``, ``supervisor`` or ``human_only``."""
    value = price if deed.remedy == "exchange" else deed.amount
    if value > policy.ceiling:
        return "human_only"
    if value > policy.limit or category == policy.supervised:
        return "supervisor"
    return "autonomous"


def _is_late(policy: Policy, facts: Facts, remedy: str) -> bool:
    last = window(policy, facts)
    if remedy == "credit":
        last += _number(policy, "late_credit")
    return facts.days > last


def _number(policy: Policy, kind: str) -> int:
    return next((rule.number for rule in policy.rules if rule.kind == kind), 0)
