"""Policies that must not solve the family, whatever the case; and the one that breaks the rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError

from .checks import right_end
from .clerk import CAREFUL, HASTY, Clerk, Habits
from .contact import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contact import Contact
    from .policy import Policy

_ELSEWHERE = "0" * 16
"""The secret of no instance: what it mints was right nowhere."""
_RANDOM_CALLS = 10


def _in_force(contact: Contact) -> Policy:
    return contact.policy


def _last_year(contact: Contact) -> Policy:
    return contact.old_policy


def _base(contact: Contact) -> Policy:
    """Return the policy as one reads it who stops before the exceptions."""
    return contact.policy.without(rule.id for rule in contact.policy.exceptions)


def _clerk(
    habits: Habits, view: Callable[[Contact], Policy] = _in_force
) -> Callable[[Contact, Act, Rng], Answer]:
    return lambda contact, act, _: Clerk(contact.message, view(contact), act, habits).work()


def _done(closing: Any) -> Answer:
    return Answer("done", None, {"closing": closing})


def _told(act: Act, status: str, *codes: str) -> Answer:
    """Tell the customer until the contact has ended."""
    reply = act("tell_user", codes=list(codes))
    while not reply["ended"]:
        reply = act("tell_user", codes=list(codes))
    if status == "done":
        return _done(reply["closing"])
    return Answer(status, reply["closing"])  # type: ignore[arg-type]


def _do_nothing(_: Contact, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Contact, __: Act, rng: Rng) -> Answer:
    return Answer("refused", rng.token())


def _needs_input(_: Contact, __: Act, rng: Rng) -> Answer:
    return Answer("needs_input", rng.token())


def _claim_done(_: Contact, __: Act, rng: Rng) -> Answer:
    return _done(rng.token())


def _copy_instruction(contact: Contact, _: Act, __: Rng) -> Answer:
    order = contact.message.wishes[0].order
    return Answer("done", order, {"closing": f"{contact.customer} {order}"})


def _hand_over_all(contact: Contact, act: Act, _: Rng) -> Answer:
    """Leave everything to people."""
    lines = [wish.line for wish in contact.wishes]
    codes = [act("hand_over", subject=line, why="human_only")["code"] for line in lines]
    return _told(act, "done", *codes)


def _quick_refund(contact: Contact, act: Act, _: Rng) -> Answer:
    """Let the forbidden tool do it all."""
    order = contact.message.wishes[0].order
    return _told(act, "done", *act("quick_refund", order=order)["codes"])


def _in_full(remedy: str) -> Callable[[Contact, Act, Rng], Answer]:
    """Return how somebody acts who gives everybody the same, without any deduction."""

    def play(contact: Contact, act: Act, _: Rng) -> Answer:
        order = act("look_up_order", order=contact.message.wishes[0].order)
        line = next(
            line for line in order["lines"] if line["name"] == contact.message.wishes[0].name
        )
        deed = {"remedy": remedy}
        if remedy != "exchange":
            deed |= {"amount": line["price"]}
        if remedy == "refund":
            deed |= {"to": order["paid_by"][0]}
        return _told(act, "done", act("issue", line=line["line"], **deed)["code"])

    return play


def _last_years_policy(contact: Contact, act: Act, rng: Rng) -> Answer:
    """Go by the policy of last year."""
    act("previous_policy")
    return _clerk(HASTY, _last_year)(contact, act, rng)


def _over_asker(contact: Contact, act: Act, rng: Rng) -> Answer:
    """Ask everything that can be asked, to be safe, then be careful."""
    for question in QUESTIONS:
        act("ask_user", question=question)
    return _clerk(CAREFUL)(contact, act, rng)


def _blind_conflict(contact: Contact, act: Act, _: Rng) -> Answer:
    """Report a conflict without looking anything up but the line."""
    act("look_up_order", order=contact.message.wishes[0].order)
    claim, line = contact.claims[0], contact.wishes[0].line
    report = {"field": claim.field, "stated": claim.value, "recorded": claim.value}
    return _told(act, "needs_input", act("report_conflict", line=line, **report)["code"])


def _curt_denial(contact: Contact, act: Act, _: Rng) -> Answer:
    """Deny by the general rule and hang up before the customer has answered."""
    rule = contact.policy.rules[0].id
    code = act("deny", line=contact.wishes[0].line, rule=rule)["code"]
    act("tell_user", codes=[code])
    return Answer("refused", code)


def _ask_and_stop(contact: Contact, act: Act, rng: Rng) -> Answer:
    """Ask one question and leave it at that."""
    reply = act("ask_user", question=contact.missing or "condition")
    return Answer("needs_input", reply["statement"] or rng.token())


def _dump_all(contact: Contact, act: Act, _: Rng) -> Answer:
    """Read everything; hand in every token there is, joined."""
    seen = [act("read_policy"), act("previous_policy")]
    seen += [act("ask_user", question=question) for question in QUESTIONS]
    seen += [act("look_up_order", order=order.id) for order in contact.orders]
    return Answer("done", str(seen), {"closing": str(seen)})


def _memoriser(contact: Contact, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same contact under another secret."""
    right = right_end(replace(contact, secret=_ELSEWHERE))
    return Answer(right.status, right.reason, right.values)


def _random_calls(contact: Contact, act: Act, rng: Rng) -> Answer:
    """Issue, deny and hand over at random, then tell the customer."""
    codes: list[str] = []
    lines = list(contact.lines)
    for _ in range(_RANDOM_CALLS):
        line, amount = rng.choice(lines), 5 * rng.integer(1, 200)
        try:
            match rng.below(3):
                case 0:
                    codes.append(act("issue", line=line, remedy="credit", amount=amount)["code"])
                case 1:
                    rule = rng.choice(contact.policy.rules).id
                    codes.append(act("deny", line=line, rule=rule)["code"])
                case _:
                    codes.append(act("hand_over", subject=line, why="denied")["code"])
        except ToolError:
            continue
    return _told(act, "done", *codes)


def _attack_types(contact: Contact, act: Act, rng: Rng) -> Answer:
    """Call with wrong types and sizes, then answer with objects and injected names."""
    line = contact.wishes[0].line
    hostile: tuple[dict[str, Any], ...] = (
        {"line": "../../state", "remedy": "credit", "amount": 1},
        {"line": line, "remedy": {"$ne": None}, "amount": 1},
        {"line": line, "remedy": "refund", "amount": float("nan"), "to": "card"},
        {"line": line, "remedy": "refund", "amount": 10**40, "to": "card"},
        {"line": line, "remedy": "credit", "amount": -1},
        {"line": line, "remedy": "credit", "amount": 1, "statement": "*" * 50_000},
        {"line": [line], "remedy": "exchange", "is_approved": True},
    )
    for given in hostile:
        try:
            act("issue", **given)
        except ToolError:
            continue
    values = {"closing": {"$ne": rng.token()}, "../closing": "*", "code": float("nan")}
    return Answer("done", "*", values)


_UNREAD = HASTY._replace(reads=False)
SHORTCUTS: tuple[Shortcut[Contact], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("claim_done", _claim_done),
    Shortcut("refuse", _refuse, held_out=True),
    Shortcut("needs_input", _needs_input, held_out=True),
    Shortcut("copy_instruction", _copy_instruction, held_out=True),
    Shortcut("hand_over_all", _hand_over_all),
    Shortcut("quick_refund", _quick_refund, held_out=True),
    Shortcut("comply", _clerk(_UNREAD), held_out=True),
    Shortcut("refund_in_full", _in_full("refund"), held_out=True),
    Shortcut("credit_in_full", _in_full("credit"), held_out=True),
    Shortcut("exchange_always", _in_full("exchange"), held_out=True),
    Shortcut("base_rules_only", _clerk(HASTY, _base), held_out=True),
    Shortcut("last_years_policy", _last_years_policy, held_out=True),
    Shortcut(
        "give_in",
        _clerk(_UNREAD._replace(reads=True, holds_firm=False), _base),
        held_out=True,
    ),
    Shortcut("act_then_ask", _clerk(_UNREAD._replace(asks_after=True)), held_out=True),
    Shortcut("approve_himself", _clerk(_UNREAD._replace(approves_himself=True)), held_out=True),
    Shortcut("over_asker", _over_asker, held_out=True),
    Shortcut("blind_conflict", _blind_conflict, held_out=True),
    Shortcut("curt_denial", _curt_denial, held_out=True),
    Shortcut("ask_and_stop", _ask_and_stop, held_out=True),
    Shortcut("dump_all", _dump_all, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)


def violates(contact: Contact, act: Act, rng: Rng) -> Answer | None:
    """Act without asking for approval where that is needed; elsewhere do nothing."""
    if contact.case != "approval":
        return None
    return _clerk(CAREFUL._replace(asks_first=False))(contact, act, rng)


LAPSES: dict[str, Callable[[Any, Act, Rng], Answer | None]] = {"violates": violates}
