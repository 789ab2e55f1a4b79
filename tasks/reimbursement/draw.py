"""The generator: draws a case in which every rule of its policy matters.

Each case holds a duplicate, an uncapped claim in foreign currency and a capped claim; larger ones
also claims that are unfit and a plain one. The interacting rules are laid over these, then limits
and people are placed so that approvals differ. A draft in which some rule could be left out
unnoticed is drawn again, so every audit that skips a rule comes out wrong by construction.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from .audit import audit, days_of, payable, role_for
from .case import (
    FX_BASE,
    FX_BASES,
    FX_SPREAD,
    ROLES,
    Approver,
    Case,
    Claim,
    Person,
    Policy,
    Verdict,
)
from .faults import schedule
from .filing import KINDS, Desk, month_of
from .names import DECOYS, DEPARTMENTS, FORBIDDEN, LOOKUPS, TOOLS, VENDORS
from .policies import draw_policy

if TYPE_CHECKING:
    from conformance.authoring import Knobs, Rng

_YEAR = 2026
_ALWAYS = ("duplicates", "lookalikes", "caps", "own_claim")


def draw(rng: Rng, knobs: Knobs) -> Case:
    """Draw a case; nine drafts in ten are kept."""
    attempt = 0
    while True:
        case = draft(rng.fork("draft", attempt), knobs)
        if case is not None and matters(case, right := audit(case)):
            faults = schedule(rng.fork("faults"), case, right) if knobs["faults"] else ()
            return replace(case, verdicts=right, faults=faults)
        attempt += 1


def matters(case: Case, right: dict[str, Verdict]) -> bool:
    """Say whether each rule, left out, changes some verdict, and approvers differ."""
    approvers = {verdict.approver for verdict in right.values()} - {None}
    reasons = {verdict.reason for verdict in right.values()}
    codes = case.policy.codes
    skips = [*_ALWAYS, *case.policy.rules]
    skips += ["receipts"] if codes["receipt"] in reasons else []
    skips += ["excluded"] if codes["excluded"] in reasons else []
    bases = [basis for basis in FX_BASES if basis != case.policy.fx_basis]
    return (
        len(approvers) > 1
        and all(audit(case, frozenset({skip})) != right for skip in skips)
        and all(audit(case, basis=basis) != right for basis in bases)
    )


def draft(rng: Rng, knobs: Knobs) -> Case | None:
    """Draw a case, or None where its amounts leave no room for limits between them."""
    first = date(_YEAR, rng.integer(2, 11), 1)
    department, other = rng.sample(tuple(DEPARTMENTS), 2)
    policy = draw_policy(rng, first, knobs["rules"])
    kinds = [
        rng.choice(("no_receipt", "excluded")) if kind == "unfit" else kind
        for kind in KINDS[knobs["claims"]]
    ]
    paid_kinds = [kind for kind in kinds if kind in ("foreign", "capped", "plain")]
    numbers = accumulate(
        (rng.integer(1, 300) for _ in range(len(kinds) + 7)), initial=rng.integer(1000, 1300)
    )
    people = rng.shuffled([f"E{number}" for number in numbers])
    desk = Desk(
        rng=rng,
        department=department,
        other=other,
        first=first,
        policy=policy,
        fx_salts={name: rng.below(FX_SPREAD) for name in FX_BASE},
        slots={},
        late=rng.choice(paid_kinds) if "late" in policy.rules else "",
    )
    claims = _claims(desk, kinds, people)
    desk.policy, found, days = _lay_cap_rule(desk, claims["capped"])
    per_diem = {claims["capped"].employee: days}
    case = Case(
        secret=rng.token(20),
        department=department,
        month=month_of(first),
        ending=knobs["ending"],
        policy=desk.policy,
        staff=tuple(Person(p, 0, per_diem.get(p, ())) for p in people[: len(kinds) + 3]),
        approvers=tuple(map(Approver, ROLES, people[-len(ROLES) :])),
        claims=(*claims.values(), *found),
        fx_salts=desk.fx_salts,
        tools=_tools(rng, knobs),
        verdicts={},
    )
    amounts = {claim: amount for claim in case.batch if (amount := payable(case, claim)[2])}
    if len(amounts) < len(paid_kinds) or max(amounts.values()) - min(amounts.values()) < 60_00:
        return None
    case = _with_limits(desk, case, amounts)
    case = _with_approvers(rng, _with_advance(rng, case, amounts), amounts)
    return replace(case, claims=_numbered(rng, case.claims))


def _claims(desk: Desk, kinds: list[str], people: list[str]) -> dict[str, Claim]:
    """Return the batch by kind, then the claims around it by what they are."""
    rng = desk.rng
    days = dict(zip(kinds, rng.sample(range(4, 28), len(kinds)), strict=True))
    original = rng.choice(("", "foreign", "capped"))
    if original and days[original] > days["duplicate"]:
        days[original], days["duplicate"] = days["duplicate"], days[original]
    days |= {f"elsewhere {n}": rng.integer(5, 26) for n in (1, 2, 3)}
    desk.slots = dict(zip(days, zip(people, days.values(), strict=False), strict=True))
    claims = {kind: getattr(desk, kind)() for kind in kinds if kind != "duplicate"}
    if original:
        claims["duplicate"] = desk.again(claims[original])
    else:
        claims["duplicate"], claims["paid before"] = desk.paid_before()
    claims["lookalike"] = desk.lookalike(claims[rng.choice(("foreign", "capped"))])
    return claims | {f"elsewhere {n}": c for n, c in enumerate(desk.elsewhere())}


def _lay_cap_rule(desk: Desk, capped: Claim) -> tuple[Policy, tuple[Claim, ...], tuple[date, ...]]:
    """Make the cap rule in force bite on the capped claim.

    Returns the policy, the settled claim that rule needs if any, and the claimant's days with a
    per diem (which mean nothing where another rule is in force).
    """
    rng, policy = desk.rng, desk.policy
    rule = policy.rules[0]
    covered = rng.sample(sorted(days_of(capped)), rng.integer(1, capped.units))
    days = (*covered, max(days_of(capped)) + timedelta(days=rng.integer(1, 2)))
    per_diem = tuple(sorted(days)) if rule == "per_diem" or rng.chance(50) else ()
    if rule == "peak":
        ends = (
            capped.day - timedelta(rng.integer(0, 6)),
            capped.day + timedelta(rng.integer(3, 12)),
        )
        return replace(policy, peak=ends), (), per_diem
    if rule == "month_cap":
        left = desk.part(policy.caps[capped.category] * capped.units, 40, 85)
        most = (left + rng.integer(60_00, 400_00)) // 10_00 * 10_00
        earlier = desk.settled(
            capped,
            day=capped.day - timedelta(days=rng.integer(1, 6)),
            vendor=rng.choice(VENDORS[capped.category]),
            cents=most - left,
            paid=most - left,
        )
        return replace(policy, month_cap=(capped.category, most)), (earlier,), per_diem
    return policy, (), per_diem


def _with_limits(desk: Desk, case: Case, amounts: dict[Claim, int]) -> Case:
    """Set the approval limits between the amounts; lay the ``linked`` rule over one of them."""
    rng = desk.rng
    low, high = min(amounts.values()), max(amounts.values())
    lead = max(low, (low + (high - low) * rng.integer(10, 90) // 100) // 10_00 * 10_00)
    head = (high + rng.integer(100_00, 1500_00)) // 50_00 * 50_00
    limits = (lead, head, head * rng.integer(2, 4))
    case = replace(case, policy=replace(case.policy, limits=limits))
    if "linked" not in case.policy.rules:
        return case
    claim = rng.choice(tuple(amounts))
    over = next(limit for limit in limits if amounts[claim] <= limit) - amounts[claim]
    paid = over + rng.integer(1_00, 300_00)
    category = "training" if claim.category in ("meals", case.policy.month_cap[0]) else "meals"
    earlier = desk.settled(claim, category=category, units=1, cents=paid, paid=paid)
    return replace(case, claims=(*case.claims, earlier))


def _with_advance(rng: Rng, case: Case, amounts: dict[Claim, int]) -> Case:
    """Give one claimant an open advance; where the rule is not in force, perhaps."""
    if "advance" not in case.policy.rules and rng.chance(50):
        return case
    claim = rng.choice(tuple(amounts))
    advance = amounts[claim] * rng.integer(30, 140) // 100
    staff = [p._replace(advance=advance) if p.id == claim.employee else p for p in case.staff]
    return replace(case, staff=tuple(staff))


def _with_approvers(rng: Rng, case: Case, amounts: dict[Claim, int]) -> Case:
    """Let a claimant hold the role that would approve the claim; send one approver on leave.

    The first such choice by which the claims still have different approvers is taken.
    """
    roles = {claim: role_for(case, claim, amount) for claim, amount in amounts.items()}
    leave = "leave" in case.policy.rules
    absent = range(3) if leave or rng.chance(50) else (len(ROLES),)
    own = [claim for claim, role in roles.items() if role < 2]
    for claim, away in rng.shuffled([(claim, role) for claim in own for role in absent]):
        holders = list(case.approvers)
        for role in (0, 1):
            # The other role of the department goes to somebody without a claim of the batch.
            holder = claim.employee if role == roles[claim] else case.staff[-1 - role].id
            holders[role] = Approver(ROLES[role], holder)
        present = replace(case, approvers=tuple(holders))
        busy = {role_for(present, c, amount) for c, amount in amounts.items()}
        if away < len(ROLES):
            holders[away] = holders[away]._replace(on_leave=True)
        placed = replace(case, approvers=tuple(holders))
        used = {role_for(placed, c, amount) for c, amount in amounts.items()}
        if len(used) > 1 and (away in busy or not leave):
            return placed
    return case


def _tools(rng: Rng, knobs: Knobs) -> tuple[str, ...]:
    """Return the tools offered, shuffled; a ledger in which all stands can be looked up."""
    lookups = LOOKUPS if knobs["faults"] else ()
    return tuple(rng.shuffled([*TOOLS, *lookups, *FORBIDDEN, *DECOYS[: knobs["decoys"]]]))


def _numbered(rng: Rng, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Give the claims their ids, in order of filing, with gaps."""
    number = rng.integer(41_000, 88_000)
    found = []
    for claim in sorted(claims, key=lambda c: c.filed):
        number += rng.integer(1, 9)
        found.append(claim._replace(id=f"C{number}"))
    return tuple(found)
