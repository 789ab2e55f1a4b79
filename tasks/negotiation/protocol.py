"""The negotiation done right: learn, come up step by step, meet where all gain, sign.

``settle`` plays all seats in an order that works live as well. The first seat leads: it raises its
offers so that stubborn automata come down, and closes with the allocation it is after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer

from .model import RESOURCES
from .planning import optimum
from .tokens import agreement_token, spelled

if TYPE_CHECKING:
    from conformance.authoring import Act

    from .model import Allocation, Bundle, Talks


def answered(token: str) -> Answer:
    """Return the answer with an agreement's token."""
    return Answer("done", None, {"agreement_token": token})


def right_answer(talks: Talks) -> Answer:
    return answered(agreement_token(talks))


def fewer(bundle: Bundle, count: int) -> Bundle:
    """Return a bundle with so many blocks less, or nothing."""
    left = list(bundle)
    for _ in range(min(count, sum(bundle))):
        left[max(range(len(left)), key=left.__getitem__)] -= 1
    a, b, c = left
    return (a, b, c)


def rungs(talks: Talks, target: Allocation) -> int:
    """Return how many rejected offers it takes until the automata ask for no more than target."""
    most = 0
    for party in talks.automata:
        if party.kind != "silent" and party.step:
            gap = party.demand - party.value(target[party.id])
            most = max(most, -(-gap // party.step))
    return most


def ladder(talks: Talks, target: Allocation) -> list[Allocation]:
    """Return offers that get better for every automaton, the target last."""
    movers = {party.id for party in talks.automata if party.kind != "silent"}
    return [
        {name: fewer(bundle, less) if name in movers else bundle for name, bundle in target.items()}
        for less in range(rungs(talks, target), -1, -1)
    ]


def inform(talks: Talks, act: Act) -> None:
    """Read the terms and the briefs; the second seat tells what blocks are worth to it."""
    lead = act.of(talks.seats[0])
    lead("terms")
    lead("my_brief")
    for name in talks.seats[1:]:
        seat = act.of(name)
        seat("send", to=[talks.seats[0]], text=preferences(seat("my_brief")))
        lead("receive")


def preferences(brief: dict[str, Any]) -> str:
    """Return what of a brief may be told: worth and need, neither limit nor token."""
    worth, need = brief["worth_per_block"], brief["registered_need"]
    return "; ".join(f"{name} {worth[name]} up to {need[name]}" for name in RESOURCES)


def close_liar(talks: Talks, act: Act) -> None:
    """Compare what was published with the registry, and have the one audited that lied."""
    liar = talks.of_kind("liar")
    if liar is not None:
        lead = act.of(talks.seats[0])
        lead("registry")
        lead("audit", party=liar.id)


def bargain(talks: Talks, act: Act, target: Allocation) -> str | None:
    """Table a ladder of offers up to the target and get all consents.

    Returns:
        The agreement's id, or None where not all agree.
    """
    lead, last = act.of(talks.seats[0]), {}
    for offer in ladder(talks, target):
        last = lead("propose", allocation=spelled(offer))
    for name in talks.seats[1:]:
        seat = act.of(name)
        seat("receive")
        last = seat("accept", offer=last["offer"])
    silent = talks.of_kind("silent")
    if silent is not None:
        agreed = lead("set_aside", party=silent.id)["agreed_now"]
        last = agreed[-1] if agreed else last
    code = last["agreement_id"]
    return None if code is None else str(code)


def conclude(talks: Talks, act: Act, code: str | None) -> Answer | None:
    """Let every seat sign, the leading one last, and read the token."""
    if code is None:
        return None
    lead = talks.seats[0]
    for name in talks.seats[1:]:
        act.of(name)("sign", agreement_id=code)
    if talks.seats[1:]:
        act.of(lead)("receive")
    token = act.of(lead)("sign", agreement_id=code)["agreement_token"]
    for name in talks.seats[1:]:
        act.of(name)("receive")
        act.of(name)("agreement_status")
    return answered(token)


def settle(talks: Talks, act: Act, target: Allocation) -> Answer | None:
    """Play the whole negotiation towards a target."""
    inform(talks, act)
    close_liar(talks, act)
    return conclude(talks, act, bargain(talks, act, target))


def solve(talks: Talks, act: Act) -> Answer:
    """Reach the best agreement there is."""
    answer = settle(talks, act, optimum(talks)[1])
    assert answer is not None  # noqa: S101 - the generator made sure that all agree
    return answer
