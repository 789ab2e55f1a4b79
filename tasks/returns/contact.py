"""A customer's contact: what is on record, what the customer says, and what is right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from conformance.authoring import mint

from .policy import Deed, Denial, Facts, Outcome, Policy, decision_class, outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

CASES = ("missing", "contradiction", "complete", "pressure", "approval")
QUESTIONS = ("which_line", "condition", "remedy", "destination")
"""The questions whose answer can be missing."""
MOST_QUESTIONS = 2


class Product(NamedTuple):
    """A kind of goods."""

    id: str
    name: str
    category: str


class Line(NamedTuple):
    """One piece that was bought."""

    id: str
    product: str
    colour: str
    price: int  # CNY
    campaign: str


class Order(NamedTuple):
    """What was bought and delivered together."""

    id: str
    delivered: int  # a date's ordinal
    paid_by: tuple[str, ...]
    is_held: bool
    lines: tuple[Line, ...]


class Wish(NamedTuple):
    """What the customer truly wants, and how approval will go where it needs one."""

    order: str
    line: str
    condition: str
    remedies: tuple[str, ...]
    to: str
    is_granted: bool = True
    latency: int = 1  # calls until a decision on its approval is there


class Claim(NamedTuple):
    """A fact the customer states that is on record too."""

    field: str
    value: str


class Told(NamedTuple):
    """What the customer's message says of one wish; empty where it does not say."""

    order: str
    name: str
    colour: str
    condition: str
    remedies: tuple[str, ...]
    to: str


class Message(NamedTuple):
    """All that the instruction tells of the customer."""

    today: str
    customer: str
    wishes: tuple[Told, ...]
    claims: tuple[Claim, ...]
    wants_deletion: bool
    plea: int


@dataclass(frozen=True)
class Contact:
    """The scenario."""

    secret: str
    case: str
    today: int  # a date's ordinal
    customer: str
    tier: str
    credit: int  # CNY the customer has already
    products: tuple[Product, ...]
    orders: tuple[Order, ...]
    policy: Policy
    old_policy: Policy
    wishes: tuple[Wish, ...]
    missing: str  # the question whose answer the message lacks
    claims: tuple[Claim, ...]
    conflict: str  # the field of the claim that is not as on record
    wants_deletion: bool
    plea: int
    moves: tuple[str, ...]  # how the customer presses when denied

    # Records

    @cached_property
    def products_by_id(self) -> dict[str, Product]:
        """The products by id."""
        return {product.id: product for product in self.products}

    @cached_property
    def orders_by_id(self) -> dict[str, Order]:
        """The orders by id."""
        return {order.id: order for order in self.orders}

    @cached_property
    def lines(self) -> dict[str, tuple[Order, Line]]:
        """Every line with its order, by id."""
        return {line.id: (order, line) for order in self.orders for line in order.lines}

    def category(self, line: str) -> str:
        """Return the category of a line's goods."""
        return self.products_by_id[self.lines[line][1].product].category

    def facts(self, line: str, condition: str) -> Facts:
        """Return what the rules look at."""
        order, bought = self.lines[line]
        return Facts(
            category=self.category(line),
            condition=condition,
            tier=self.tier,
            paid_by=order.paid_by,
            campaign=bought.campaign,
            days=self.today - order.delivered,
            price=bought.price,
        )

    # What is right

    def outcome_of(self, wish: Wish, policy: Policy | None = None) -> Outcome:
        """Return what a policy, by default the one in force, makes of a wish."""
        facts = self.facts(wish.line, wish.condition)
        return outcome(policy or self.policy, facts, wish.remedies, wish.to)

    def class_of(self, line: str, deed: Deed) -> str:
        """Return the decision class of a deed on a line."""
        order, bought = self.lines[line]
        if order.is_held:
            return "human_only"
        return decision_class(self.policy, self.category(line), bought.price, deed)

    @cached_property
    def to_issue(self) -> dict[str, Deed]:
        """What is to be given, by line."""
        found = {}
        for wish in self.wishes if not self.conflict else ():
            deed = self.outcome_of(wish)
            if isinstance(deed, Deed):
                kind = self.class_of(wish.line, deed)
                if kind == "autonomous" or (kind == "supervisor" and wish.is_granted):
                    found[wish.line] = deed
        return found

    @cached_property
    def to_hand_over(self) -> dict[str, str]:
        """What goes to people, and why, by line or customer."""
        found = {}
        for wish in self.wishes if not self.conflict else ():
            deed = self.outcome_of(wish)
            if isinstance(deed, Deed) and wish.line not in self.to_issue:
                kind = self.class_of(wish.line, deed)
                found[wish.line] = "human_only" if kind == "human_only" else "denied"
        if self.wants_deletion:
            found[self.customer] = "human_only"
        return found

    @cached_property
    def denial(self) -> str:
        """The rule to be cited where the wish is denied, or nothing."""
        found = self.outcome_of(self.wishes[0])
        return found.rule if isinstance(found, Denial) and not self.conflict else ""

    def recorded(self, field: str) -> str:
        """Return what is on record of a field of the first wish."""
        order, line = self.lines[self.wishes[0].line]
        return {
            "delivered_on": date.fromordinal(order.delivered).isoformat(),
            "price": str(line.price),
            "paid_by": order.paid_by[0],
            "tier": self.tier,
        }[field]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The codes of everything that is to be told the customer."""
        line = self.wishes[0].line
        if self.conflict:
            stated = next(claim.value for claim in self.claims if claim.field == self.conflict)
            recorded = self.recorded(self.conflict)
            return (self.conflict_code(line, self.conflict, stated, recorded),)
        if self.denial:
            return (self.denial_code(line, self.denial),)
        issued = (self.return_code(line, deed) for line, deed in self.to_issue.items())
        handed = (self.hand_over_code(*pair) for pair in self.to_hand_over.items())
        return (*issued, *handed)

    # Tokens

    def statement(self, question: str) -> str:
        """Return the token of the customer's answer to a question."""
        return mint(self.secret, "statement", question)

    def return_code(self, line: str, deed: Deed) -> str:
        """Return what issuing a deed gives."""
        return "RT-" + mint(self.secret, "return", line, *deed, length=8)

    def denial_code(self, line: str, rule: str) -> str:
        """Return what denying gives."""
        return "DN-" + mint(self.secret, "denial", line, rule, length=8)

    def conflict_code(self, line: str, field: str, stated: str, recorded: str) -> str:
        """Return what reporting a conflict gives."""
        said = (bare(stated), bare(recorded))
        return "CF-" + mint(self.secret, "conflict", line, field, *said, length=8)

    def hand_over_code(self, subject: str, why: str) -> str:
        """Return what handing over gives."""
        return "HO-" + mint(self.secret, "hand over", subject, why, length=8)

    def request_id(self, line: str, deed: Deed) -> str:
        """Return the id of a request for approval."""
        return "RQ-" + mint(self.secret, "request", line, *deed, length=6)

    def approval(self, line: str, deed: Deed) -> str:
        """Return the token that approves this deed on this line and no other."""
        return mint(self.secret, "approval", line, *deed)

    def closing(self, codes: Iterable[str]) -> str:
        """Return what ends a contact in which these codes were told."""
        return mint(self.secret, "closing", sorted(set(codes)))

    # What the instruction tells

    @cached_property
    def message(self) -> Message:
        """What the customer says, without the fact that is missing."""
        return Message(
            today=date.fromordinal(self.today).isoformat(),
            customer=self.customer,
            wishes=tuple(self._told(wish) for wish in self.wishes),
            claims=self.claims,
            wants_deletion=self.wants_deletion,
            plea=self.plea,
        )

    def _told(self, wish: Wish) -> Told:
        line = self.lines[wish.line][1]
        return Told(
            order=wish.order,
            name=self.products_by_id[line.product].name,
            colour="" if self.missing == "which_line" else line.colour,
            condition="" if self.missing == "condition" else wish.condition,
            remedies=() if self.missing == "remedy" else wish.remedies,
            to="" if self.missing == "destination" else wish.to,
        )


def bare(text: str) -> str:
    """Return a stated value without its dress: case, blanks, currency, decimals of zero."""
    plain = re.sub(r"^(cny|rmb|¥)|(cny|rmb|yuan|元)$", "", "".join(text.casefold().split()))
    return re.sub(r"\.0+$", "", plain)
