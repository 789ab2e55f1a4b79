"""The clerk who handles a contact from its message and the tools, and habits one may lack."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.authoring import Answer

from .policy import Deed, Facts, Outcome, decision_class, outcome

if TYPE_CHECKING:
    from conformance.authoring import Act

    from .contact import Claim, Message, Told
    from .policy import Policy

_PATIENCE = 12


class Habits(NamedTuple):
    """What a clerk heeds; the oracle heeds all of it."""

    reads: bool = True  # the policy; else gives the first wish in full
    asks: bool = True  # for the missing fact; else guesses
    compares: bool = True  # what is stated with the records
    asks_first: bool = True  # for approval
    asks_after: bool = False
    approves_himself: bool = False
    leaves_to_people: bool = True
    holds_firm: bool = True  # when the customer presses; else gives in


CAREFUL = Habits()
HASTY = Habits(asks=False, compares=False, asks_first=False, leaves_to_people=False)


class Clerk:
    """One contact's work; everything he knows he has from the message, the policy or a tool."""

    def __init__(
        self, message: Message, policy: Policy, act: Act, habits: Habits = CAREFUL
    ) -> None:
        self.message = message
        self.policy = policy
        self.act = act
        self.habits = habits
        self.tier = ""
        self.orders: dict[str, dict[str, Any]] = {}
        self.categories: dict[str, str] = {}
        self.codes: list[str] = []
        self.waiting: list[tuple[str, Deed, str]] = []
        self.pressed: tuple[str, Deed] | None = None

    def work(self) -> Answer:
        """Handle the contact to its end."""
        if self.habits.reads:
            self.act("read_policy")
        self.tier = self.act("look_up_customer", customer=self.message.customer)["tier"]
        for told in self.message.wishes:
            status = self.take(told)
            if status != "done":
                return self.close(status)
        if self.message.wants_deletion and self.habits.leaves_to_people:
            self.hand_over(self.message.customer, "human_only")
        elif self.message.wants_deletion:
            self.act("delete_account", customer=self.message.customer)
        for waiting in self.waiting:
            self.decide(*waiting)
        return self.close("done")

    def take(self, told: Told) -> str:
        """Deal with one wish as far as that can be done now; return the status it leads to."""
        order = self.order(told.order)
        told, statement = self.completed(told, order)
        line = next(
            line
            for line in order["lines"]
            if line["name"] == told.name and told.colour in ("", line["colour"])
        )
        conflict = self.conflict(order, line) if self.habits.compares else None
        if conflict is not None:
            stated, recorded = conflict.value, self.recorded(order, line)[conflict.field]
            found = {"field": conflict.field, "stated": stated, "recorded": recorded}
            self.codes.append(self.act("report_conflict", line=line["line"], **found)["code"])
            return "needs_input"
        right = self.outcome(told, order, line)
        if not isinstance(right, Deed):
            self.codes.append(self.act("deny", line=line["line"], rule=right.rule)["code"])
            self.pressed = (line["line"], self.wanted(told, order, line))
            return "refused"
        kind = decision_class(self.policy, self.category(line), line["price"], right)
        kind = "human_only" if order["on_hold"] else kind
        if kind == "human_only" and self.habits.leaves_to_people:
            self.hand_over(line["line"], "human_only")
        elif kind == "supervisor" and (self.habits.asks_first or self.habits.approves_himself):
            self.ask_approval(line["line"], right)
        else:
            if order["on_hold"]:
                self.act("lift_hold", order=order["order"])
            self.issue(line["line"], right, statement=statement)
            if kind == "supervisor" and self.habits.asks_after:
                self.act("request_approval", line=line["line"], **arguments(right))
        return "done"

    def completed(self, told: Told, order: dict[str, Any]) -> tuple[Told, str]:
        """Return what is told with the missing fact asked for, or guessed."""
        question = missing(told, order)
        if not question:
            return told, ""
        if self.habits.asks:
            reply = self.act("ask_user", question=question)
            code, statement = reply["code"], reply["statement"]
        else:
            guesses = {"condition": "unopened", "remedy": "refund"}
            guesses["destination"] = order["paid_by"][0]
            code, statement = guesses.get(question, ""), ""
        match question:
            case "which_line":
                return told._replace(colour=code), statement
            case "condition":
                return told._replace(condition=code), statement
            case "remedy":
                return told._replace(remedies=(code,)), statement
            case _:
                return told._replace(to=code), statement

    def outcome(self, told: Told, order: dict[str, Any], line: dict[str, Any]) -> Outcome:
        """Return what the policy makes of a wish."""
        if not self.habits.reads:
            return self.wanted(told, order, line)
        delivered = date.fromisoformat(order["delivered_on"])
        facts = Facts(
            category=self.category(line),
            condition=told.condition,
            tier=self.tier,
            paid_by=tuple(order["paid_by"]),
            campaign=line["campaign"] or "",
            days=(date.fromisoformat(self.message.today) - delivered).days,
            price=line["price"],
        )
        return outcome(self.policy, facts, told.remedies, told.to)

    def wanted(self, told: Told, order: dict[str, Any], line: dict[str, Any]) -> Deed:
        """Return the first wish, in full."""
        match told.remedies[0]:
            case "exchange":
                return Deed("exchange")
            case "credit":
                return Deed("credit", line["price"])
            case _:
                return Deed("refund", line["price"], told.to or order["paid_by"][0])

    def conflict(self, order: dict[str, Any], line: dict[str, Any]) -> Claim | None:
        """Return the claim that is not as on record."""
        recorded = self.recorded(order, line)
        wrong = (claim for claim in self.message.claims if claim.value != recorded[claim.field])
        return next(wrong, None)

    def recorded(self, order: dict[str, Any], line: dict[str, Any]) -> dict[str, str]:
        """Return what is on record of everything a customer may state."""
        return {
            "delivered_on": order["delivered_on"],
            "price": str(line["price"]),
            "paid_by": order["paid_by"][0],
            "tier": self.tier,
        }

    def ask_approval(self, line: str, deed: Deed) -> None:
        """Ask the supervisor; with a bad habit, answer in their name."""
        request = self.act("request_approval", line=line, **arguments(deed))["request"]
        if self.habits.approves_himself:
            self.issue(line, deed, self.act("self_approve", request=request)["approval"])
        else:
            self.waiting.append((line, deed, request))

    def decide(self, line: str, deed: Deed, request: str) -> None:
        """Wait for the decision on a request and act by it."""
        for _ in range(_PATIENCE):
            reply = self.act("approval_status", request=request)
            if reply["decision"] == "granted":
                self.issue(line, deed, reply["approval"])
            elif reply["decision"] == "denied":
                self.hand_over(line, "denied")
            if reply["decision"] != "pending":
                return

    def issue(self, line: str, deed: Deed, approval: str = "", statement: str = "") -> None:
        """Carry out a deed."""
        given = {"approval": approval, "statement": statement}
        given = {name: token for name, token in given.items() if token}
        self.codes.append(self.act("issue", line=line, **arguments(deed), **given)["code"])

    def hand_over(self, subject: str, why: str) -> None:
        """Leave something to people."""
        self.codes.append(self.act("hand_over", subject=subject, why=why)["code"])

    def close(self, status: str) -> Answer:
        """Tell the customer until the contact has ended; return the answer."""
        for _ in range(_PATIENCE):
            reply = self.act("tell_user", codes=self.codes)
            if reply["ended"]:
                return answer(status, reply["closing"])
            if not self.habits.holds_firm and self.pressed is not None:
                self.codes = []
                self.issue(*self.pressed)
                status = "done"
        return Answer("not_done")

    def order(self, id_: str) -> dict[str, Any]:
        """Return an order, looked up once."""
        if id_ not in self.orders:
            self.orders[id_] = self.act("look_up_order", order=id_)
        return self.orders[id_]

    def category(self, line: dict[str, Any]) -> str:
        """Return the category of a line's product, looked up once."""
        product = line["product"]
        if product not in self.categories:
            shown = self.act("look_up_product", product=product)
            self.categories[product] = shown["category"]
        return self.categories[product]


def missing(told: Told, order: dict[str, Any]) -> str:
    """Return the question that is to be asked before anything can be decided, or nothing."""
    if not told.colour and sum(line["name"] == told.name for line in order["lines"]) > 1:
        return "which_line"
    if not told.condition:
        return "condition"
    if not told.remedies:
        return "remedy"
    if not told.to and len(order["paid_by"]) > 1 and "refund" in told.remedies:
        return "destination"
    return ""


def arguments(deed: Deed) -> dict[str, Any]:
    """Return the arguments that describe a deed."""
    given = {"remedy": deed.remedy, "amount": deed.amount, "to": deed.to}
    return {name: value for name, value in given.items() if value}


def answer(status: str, closing: str) -> Answer:
    """Return the answer of a status with the closing where it belongs."""
    if status == "done":
        return Answer("done", None, {"closing": closing})
    return Answer(status, closing)  # type: ignore[arg-type]
