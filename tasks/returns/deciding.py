"""Draws what decides a contact: a policy, the facts of one wish, and that they fit a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .policy import (
    BASE,
    CAMPAIGNS,
    CATEGORIES,
    CONDITIONS,
    EXCEPTIONS,
    METHODS,
    REMEDIES,
    STEP,
    TIERS,
    Deed,
    Denial,
    Facts,
    Outcome,
    Policy,
    Rule,
    decision_class,
    outcome,
)

if TYPE_CHECKING:
    from conformance.authoring import Rng


_FEW = 3
_NEVER_IDLE = tuple(kind for kind in EXCEPTIONS if kind not in {"final", "tier_fee"})
"""The exceptions that can decide a wish that is granted with a fee."""


class Frame(NamedTuple):
    """What is decided before any record is drawn; the rules' ids are their kinds yet."""

    tier: str  # what the rules are about
    category: str
    campaign: str
    policy: Policy
    old: Policy


class Core(NamedTuple):
    """The facts of one wish."""

    missing: str
    facts: Facts
    remedies: tuple[str, ...]
    to: str


def draw_frame(rng: Rng, count: int, case: str) -> Frame:
    """Draw a policy, and last year's."""
    tier, category = rng.choice(TIERS), rng.choice(CATEGORIES)
    campaign = rng.choice(CAMPAIGNS)
    about = {
        "more_days": tier,
        "tier_fee": tier,
        "short_window": category,
        "final": category,
        "category_fee": category,
        "campaign": campaign,
    }
    is_dense = case == "complete" and count > _FEW
    kinds = (*BASE, *rng.sample(_NEVER_IDLE if is_dense else EXCEPTIONS, count))
    rules = tuple(Rule(kind, kind, about.get(kind, ""), _size(rng, kind)) for kind in kinds)
    lost = rng.choice(kinds[len(BASE) :])
    old = tuple(rule._replace(number=_size(rng, rule.kind)) for rule in rules if rule.kind != lost)
    limit = 200 * rng.integer(3, 6)
    policy = Policy(
        rules=rules,
        limit=limit,
        ceiling=limit * rng.integer(2, 3),
        supervised=rng.choice([other for other in CATEGORIES if other != category]),
    )
    return Frame(tier, category, campaign, policy, policy._replace(rules=old))


def _size(rng: Rng, kind: str) -> int:
    match kind:
        case "window":
            return rng.integer(20, 45)
        case "short_window":
            return rng.integer(5, 15)
        case "more_days" | "late_credit":
            return rng.integer(5, 20)
        case "opened":
            return 5 * rng.integer(2, 4)
        case "category_fee":
            return 5 * rng.integer(5, 9)
        case _:
            return 0


def draw_core(rng: Rng, frame: Frame, case: str, missing: str) -> Core:
    """Draw the facts of a wish, the days mostly near one of the policy's limits."""
    policy = frame.policy
    sizes = {rule.kind: rule.number for rule in policy.rules}
    edge = sizes[rng.choice(("window", "short_window") if "short_window" in sizes else ("window",))]
    for kind in ("more_days", "late_credit"):
        edge += sizes[kind] if kind in sizes and rng.chance(50) else 0
    paid_by: tuple[str, ...]
    if missing == "destination" or (missing != "remedy" and rng.chance(15)):
        paid_by = rng.choice((("card", "wallet"), ("wallet", "card")))
    elif rng.chance(70 if "voucher" in sizes else 10):
        paid_by = ("voucher",)
    else:
        paid_by = (rng.choice(METHODS[:2]),)
    is_short = missing == "remedy" or case == "pressure" or rng.chance(50)
    remedies = tuple(rng.sample(REMEDIES, 1 if is_short else 2))
    if missing == "destination":
        remedies = ("refund", *(one for one in remedies[1:] if one != "refund"))
    has_fees = "category_fee" in sizes or "tier_fee" in sizes
    is_opened = case == "complete" or (has_fees and rng.chance(60))
    condition = "opened" if is_opened else rng.choice(CONDITIONS)
    facts = Facts(
        category=frame.category if rng.chance(90) else rng.choice(CATEGORIES),
        condition=condition,
        tier=frame.tier if rng.chance(90) else rng.choice(TIERS),
        paid_by=paid_by,
        campaign=frame.campaign if rng.chance(70 if "campaign" in sizes else 30) else "",
        days=max(1, edge + rng.integer(-4, 4)),
        price=STEP * rng.integer(5, policy.limit // STEP),
    )
    to = rng.choice(paid_by) if len(paid_by) > 1 and "refund" in remedies else ""
    return Core(missing, facts, remedies, to)


def is_of_its_kind(frame: Frame, core: Core, case: str, count: int) -> bool:
    """Say whether exceptions decide what is right, and whether it is of the case's kind.

    Where nothing has to be asked or reported, last year's policy, the base alone and no policy
    at all decide otherwise, so a complete wish is about opened goods and a fee is kept.
    """
    policy, facts = frame.policy, core.facts
    right = outcome(policy, facts, core.remedies, core.to)
    if isinstance(right, Denial) != (case == "pressure"):
        return False
    if isinstance(right, Deed) and (
        decision_class(policy, facts.category, facts.price, right) != "autonomous"
    ):
        return False
    exceptions = [rule.id for rule in policy.exceptions]
    decisive = sum(
        outcome(policy.without([one]), facts, core.remedies, core.to) != right for one in exceptions
    )
    if core.missing:
        return decisive > 0 and _is_open(policy, core, right)
    if case == "contradiction":
        return True
    views = (policy.without(exceptions), frame.old)
    return (
        decisive >= (min(count - 1, 2) if case == "pressure" else count - 1)
        and right not in _in_full(facts)
        and all(outcome(view, facts, core.remedies, core.to) != right for view in views)
    )


def _is_open(policy: Policy, core: Core, right: Outcome) -> bool:
    """Say whether the missing answer decides what is right."""
    facts = core.facts
    match core.missing:
        case "condition":
            others = [facts._replace(condition=other) for other in CONDITIONS]
            return any(outcome(policy, one, core.remedies, core.to) != right for one in others)
        case "remedy":
            allowed = [outcome(policy, facts, [remedy], core.to) for remedy in REMEDIES]
            return sum(isinstance(one, Deed) for one in allowed) > 1
        case "destination":
            return isinstance(right, Deed) and right.remedy == "refund"
        case _:
            return True


def _in_full(facts: Facts) -> tuple[Deed, ...]:
    """Return what somebody gives who reads no policy: one remedy or another, in full."""
    refunds = (Deed("refund", facts.price, method) for method in facts.paid_by)
    return (*refunds, Deed("exchange"), Deed("credit", facts.price))
