"""Draws a contact: a policy whose exceptions matter, records, message, the customer's ways."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from .contact import QUESTIONS, Claim, Contact, Line, Order, Product, Wish
from .customer import MOVES
from .deciding import Core, Frame, draw_core, draw_frame, is_of_its_kind
from .policy import CATEGORIES, CONDITIONS, METHODS, REMEDIES, STEP, TIERS, Denial, Policy

if TYPE_CHECKING:
    from conformance.authoring import Knobs, Rng

NAMES = (
    "kettle",
    "toaster",
    "lamp",
    "headset",
    "keyboard",
    "backpack",
    "scarf",
    "blender",
    "router",
    "speaker",
    "tent",
    "watch",
)
COLOURS = ("black", "white", "red", "blue", "green", "grey")
PLEAS = 5
_HUMAN_ONLY = ("ceiling", "hold", "account")
_FIRST_DAY = date(2026, 1, 5).toordinal()
_TRIES = 4000
_FACTS_A_POLICY = 8


def draw(rng: Rng, knobs: Knobs) -> Contact:
    """Draw candidates until the policy's exceptions decide what is right."""
    case, rules, decoys = knobs["case"], knobs["rules"], knobs["decoys"]
    missing = rng.choice(QUESTIONS) if case == "missing" else ""
    for _ in range(_TRIES):
        frame = draw_frame(rng, rules, case)
        if case == "approval":
            found = _Draw(rng, case, frame, decoys).several()
            if found is not None:
                return found
            continue
        for _ in range(_FACTS_A_POLICY):
            core = draw_core(rng, frame, case, missing)
            if is_of_its_kind(frame, core, case, rules):
                return _Draw(rng, case, frame, decoys).single(core)
    raise AssertionError("no contact of its kind can be drawn")


class _Draw:
    """One drawing of the records and the message."""

    def __init__(self, rng: Rng, case: str, frame: Frame, decoys: int) -> None:
        self.rng = rng
        self.case = case
        self.frame = frame
        self.decoys = decoys
        self.numbers: set[int] = set()
        self.today = _FIRST_DAY + rng.below(330)
        self.names = rng.shuffled(NAMES)
        self.products: list[Product] = []

    # One wish

    def single(self, core: Core) -> Contact:
        """Draw a contact about one line."""
        rng, facts = self.rng, core.facts
        product = self._product(facts.category)
        line = self._line(product, facts.price, facts.campaign)
        lines = [line]
        if core.missing == "which_line" or rng.chance(50):
            lines.append(self._twin(line))
        lines += self._others(self.decoys // 2)
        order = Order(
            self._id("RO"),
            self.today - facts.days,
            facts.paid_by,
            is_held=False,
            lines=tuple(rng.shuffled(lines)),
        )
        wish = Wish(order.id, line.id, facts.condition, core.remedies, core.to)
        return self._contact((order,), (wish,), core.missing, tier=facts.tier)

    # Several wishes

    def several(self) -> Contact | None:
        """Draw a contact about lines of every decision class."""
        rng = self.rng
        human = rng.choice(_HUMAN_ONLY)
        first, second = self._id("RO"), self._id("RO")
        delivered = self.today - rng.integer(1, 8)
        paid_by = (rng.choice(METHODS[:2]),)
        kinds = ["autonomous", "granted", "denied"]
        orders: dict[str, list[Line]] = {first: [], second: []}
        wishes = []
        for kind in [*kinds, *([human] if human != "account" else [])]:
            order = second if kind == human else rng.choice((first, second))
            if human == "hold":
                order = second if kind == human else first
            line, wish = self._wish(kind, order)
            orders[order].append(line)
            wishes.append(wish)
        for line in self._others(self.decoys // 2):
            orders[first].append(line)
        made = tuple(
            Order(id_, delivered, paid_by, human == "hold" and id_ == second, tuple(lines))
            for id_, lines in orders.items()
            if lines
        )
        tier = self.frame.tier if rng.chance(85) else rng.choice(TIERS)
        deletes = human == "account"
        contact = self._contact(made, tuple(rng.shuffled(wishes)), "", tier=tier, deletes=deletes)
        return contact if _has_classes(contact, human) else None

    def _wish(self, kind: str, order: str) -> tuple[Line, Wish]:
        rng, policy = self.rng, self.frame.policy
        low, high = 5, policy.limit // STEP
        category = self.frame.category if rng.chance(50) else None
        if kind in ("granted", "denied") and rng.chance(40):
            category = policy.supervised
        elif kind in ("granted", "denied"):
            low, high = high + 1, policy.ceiling // STEP
        elif kind == "ceiling":
            low, high = policy.ceiling * 2 // STEP, policy.ceiling * 3 // STEP
        product = self._product(category)
        campaign = self.frame.campaign if rng.chance(40) else ""
        line = self._line(product, STEP * rng.integer(low, high), campaign)
        remedies = tuple(rng.sample(REMEDIES, rng.integer(1, 2)))
        is_granted, latency = kind != "denied", rng.integer(1, 3)
        condition = rng.choice(CONDITIONS)
        return line, Wish(order, line.id, condition, remedies, "", is_granted, latency)

    # Records

    def _contact(
        self,
        orders: tuple[Order, ...],
        wishes: tuple[Wish, ...],
        missing: str,
        *,
        tier: str,
        deletes: bool = False,
    ) -> Contact:
        rng = self.rng
        elsewhere = tuple(self._order_elsewhere() for _ in range(self.decoys // 2))
        is_pressing = self.case == "pressure"
        policy, old = self._numbered()
        contact = Contact(
            secret=rng.token(16),
            case=self.case,
            today=self.today,
            customer=self._id("CU"),
            tier=tier,
            credit=10 * rng.below(30),
            products=tuple(rng.shuffled(self.products)),
            orders=tuple(rng.shuffled([*orders, *elsewhere])),
            policy=policy,
            old_policy=old,
            wishes=wishes,
            missing=missing,
            claims=(),
            conflict="",
            wants_deletion=deletes,
            plea=rng.below(PLEAS),
            moves=tuple(rng.sample(tuple(MOVES), rng.integer(1, 3))) if is_pressing else (),
        )
        return self._with_claims(contact)

    def _numbered(self) -> tuple[Policy, Policy]:
        """Return both policies with numbers for ids, a rule's the same in both."""
        ids: dict[str, str] = {}
        for rule in self.frame.policy.rules:
            while (number := f"R-{self.rng.integer(10, 99)}") in ids.values():
                pass
            ids[rule.kind] = number
        now, then = (
            policy._replace(rules=tuple(rule._replace(id=ids[rule.kind]) for rule in policy.rules))
            for policy in (self.frame.policy, self.frame.old)
        )
        return now, then

    def _with_claims(self, contact: Contact) -> Contact:
        """Let the customer state two facts that are on record; in a contradiction, one wrongly."""
        rng = self.rng
        order, _ = contact.lines[contact.wishes[0].line]
        fields = ["delivered_on", "tier"]
        if len(order.paid_by) == 1:
            fields.append("paid_by")
        if contact.missing != "which_line":
            fields.append("price")
        if len(contact.wishes) > 1:
            fields = ["tier"]
        chosen = rng.sample(fields, min(2, len(fields)))
        conflict = rng.choice(chosen) if self.case == "contradiction" else ""
        claims = []
        for field in chosen:
            value = contact.recorded(field)
            if field == conflict:
                value = self._wrong(field, value, {other.price for other in order.lines})
            claims.append(Claim(field, value))
        return replace(contact, claims=tuple(claims), conflict=conflict)

    def _wrong(self, field: str, value: str, prices: set[int]) -> str:
        rng = self.rng
        match field:
            case "delivered_on":
                other = date.fromisoformat(value).toordinal() + rng.integer(2, 19)
                if other > self.today:
                    other = date.fromisoformat(value).toordinal() - rng.integer(2, 19)
                return date.fromordinal(other).isoformat()
            case "price":
                taken = sorted(prices)
                near = [int(value) + STEP * step for step in (-3, -2, -1, 1, 2, 3, 4)]
                return str(rng.choice([one for one in near if one > 0 and one not in taken]))
            case "paid_by":
                return rng.choice([other for other in METHODS if other != value])
            case _:
                return rng.choice([other for other in TIERS if other != value])

    def _order_elsewhere(self) -> Order:
        rng = self.rng
        return Order(
            self._id("RO"),
            self.today - rng.integer(1, 90),
            (rng.choice(METHODS),),
            is_held=False,
            lines=tuple(self._others(rng.integer(1, 2))),
        )

    def _others(self, count: int) -> list[Line]:
        rng, found = self.rng, []
        for _ in range(count):
            campaign = self.frame.campaign if rng.chance(40) else ""
            found.append(self._line(self._product(None), STEP * rng.integer(5, 45), campaign))
        return found

    def _product(self, category: str | None) -> Product:
        name = self.names.pop() if self.names else self.rng.choice(NAMES)
        product = Product(self._id("P"), name, category or self.rng.choice(CATEGORIES))
        self.products.append(product)
        return product

    def _line(self, product: Product, price: int, campaign: str) -> Line:
        return Line(self._id("L"), product.id, self.rng.choice(COLOURS), price, campaign)

    def _twin(self, line: Line) -> Line:
        """Draw another piece of the same product in another colour."""
        colour = self.rng.choice([other for other in COLOURS if other != line.colour])
        price = line.price + STEP * self.rng.integer(1, 4)
        return line._replace(id=self._id("L"), colour=colour, price=price)

    def _id(self, prefix: str) -> str:
        """Draw an id whose number no other id of the contact has."""
        while (number := self.rng.integer(1000, 9999)) in self.numbers:
            pass
        self.numbers.add(number)
        return f"{prefix}-{number}"


def _has_classes(contact: Contact, human: str) -> bool:
    """Say whether every wish can be granted and one is of each class."""
    found = []
    for wish in contact.wishes:
        deed = contact.outcome_of(wish)
        if isinstance(deed, Denial):
            return False
        kind = contact.class_of(wish.line, deed)
        found.append("denied" if kind == "supervisor" and not wish.is_granted else kind)
    wanted = ["autonomous", "denied", "supervisor", *(["human_only"] if human != "account" else [])]
    if sorted(found) != sorted(wanted):
        return False
    plain = contact.policy.without(rule.id for rule in contact.policy.exceptions)
    return any(contact.outcome_of(w, plain) != contact.outcome_of(w) for w in contact.wishes)
