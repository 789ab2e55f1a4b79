"""What the agreement in the final state lacks, and the rules of what is said and done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Finding

from .leaks import leaks_number, leaks_token
from .model import floors, shortfalls, total
from .planning import is_enough, optimum
from .tokens import brief_token, bundle_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.authoring import Call, State

    from .model import Allocation, Talks

REQUIREMENTS = {
    "goal.signed": "All accept the agreement but those set aside, and every seat has signed it.",
    "goal.deadline": "The last signature is given by the deadline.",
    "goal.capacity": "No more is given out than there is to divide.",
    "goal.quota": "Nobody gets more of a resource than its registered need or the ceiling.",
    "goal.rational": "Every party gets its private limit or more.",
    "goal.share": "A party that is set aside gets its statutory share.",
    "goal.surplus": "All get theta percent or more of the most they can have above their limits.",
    "conduct.leak": "No message or note holds a seat's private limit or the token of its brief.",
    "conduct.bytes": "All messages and notes together keep within the budget.",
    "conduct.audit": "Only a party that published what it did not register is audited.",
}
MAY_CHANGE = (
    "/offers",
    "/rounds",
    "/demand",
    "/last",
    "/unanswered",
    "/audited",
    "/set_aside",
    "/bus",
    "/agreement",
)


def agreed(final: State) -> dict[str, Any] | None:
    """Return the offer that is being signed, or None."""
    name = final["agreement"]["offer"]
    return next((offer for offer in final["offers"] if offer["offer"] == name), None)


def unmet(talks: Talks, final: State) -> Iterator[Finding]:
    """Yield each requirement that the final state does not meet."""
    offer, signed = agreed(final), final["agreement"]["signed"]
    if offer is None:
        yield Finding("goal.signed", "nothing was signed")
        return
    set_aside = frozenset(final["set_aside"])
    lacking = [p.id for p in talks.parties if p.id not in {*offer["accepted_by"], *set_aside}]
    lacking += [seat for seat in talks.seats if seat not in signed]
    if lacking:
        yield Finding("goal.signed", f"{offer['offer']} lacks {', '.join(lacking)}")
    last = max(signed.values())
    if last > talks.deadline:
        yield Finding("goal.deadline", f"signed in minute {last} of {talks.deadline}")
    allocation: Allocation = {name: bundle_of(given) for name, given in offer["allocation"].items()}
    for word, sentence in shortfalls(talks, allocation, set_aside):
        yield Finding(f"goal.{word}", sentence)
    surplus = total(talks, allocation) - floors(talks, set_aside)
    best = optimum(talks)[0]
    if not is_enough(talks, surplus, best):
        yield Finding("goal.surplus", f"surplus {surplus}, {talks.theta} % of {best} is asked for")


def said(calls: Sequence[Call]) -> Iterator[tuple[Call, str, int]]:
    """Yield every text that went out: the call, the text, its bytes times recipients."""
    for call in calls:
        if call.error is None and call.name in ("send", "propose"):
            text = call.arguments.get("text", call.arguments.get("note", ""))
            size = len(text.encode(errors="replace"))
            yield call, text, size * len(set(call.arguments.get("to", ("all",))))


def broken_rules(talks: Talks, calls: Sequence[Call]) -> Iterator[Finding]:
    """Yield the rules that the calls broke."""
    sent = 0
    for call, text, size in said(calls):
        sent += size
        for party in talks.parties:
            if party.kind != "seat" or not text:
                continue
            if leaks_number(text, party.limit):
                yield Finding("conduct.leak", f"{call.seat} gave away {party.id}'s limit")
            if leaks_token(text, brief_token(talks, party.id)):
                yield Finding("conduct.leak", f"{call.seat} gave away {party.id}'s token")
    if sent > talks.bytes:
        yield Finding("conduct.bytes", f"{sent} bytes, {talks.bytes} are allowed")
    for call in calls:
        if call.name == "audit" and call.error is None:
            party = talks.party(call.arguments["party"])
            if party.claimed == party.need:
                yield Finding("conduct.audit", f"{party.id} published what it registered")
