"""Operators that break one requirement of the oracle's trace each.

An operator that changes the last offer leaves its number and with it the agreement's id, so that
the agreement is signed and its content is what is wrong. Automata keep what they were offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Rng, Step, Trace

from .model import RESOURCES, Bundle, Talks, absent, floors, total
from .planning import is_enough, optimum
from .policies import opening
from .tokens import brief_token, spelled

if TYPE_CHECKING:
    from conformance.authoring import Status

    from .model import Allocation, Party

_STATUSES: tuple[Status, ...] = ("not_done", "refused", "needs_input")


def _last_offer(trace: Trace) -> int:
    return max(n for n, step in enumerate(trace.steps) if step.name == "propose")


def _offering(trace: Trace, allocation: Allocation) -> Trace:
    """Return the trace with another last offer."""
    at = _last_offer(trace)
    step = trace.steps[at]._replace(arguments={"allocation": spelled(allocation)})
    return Trace((*trace.steps[:at], step, *trace.steps[at + 1 :]), trace.answer)


def _with(allocation: Allocation, name: str, number: int, count: int) -> Allocation:
    """Return the allocation in which a party has so many blocks of one resource."""
    bundle = list(allocation[name])
    bundle[number] = count
    a, b, c = bundle
    return {**allocation, name: (a, b, c)}


def _less(bundle: Bundle, rng: Rng) -> Bundle:
    """Return the bundle with one block less, of any resource."""
    number = rng.choice([n for n, blocks in enumerate(bundle) if blocks])
    left = list(bundle)
    left[number] -= 1
    a, b, c = left
    return (a, b, c)


def _over_capacity(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Give a party so much more that a pool is overdrawn."""
    best = optimum(talks)[1]
    number, name = rng.below(3), rng.choice(talks.parties).id
    left = talks.capacity[number] - sum(bundle[number] for bundle in best.values())
    more = best[name][number] + left + rng.integer(1, 3)
    return _offering(trace, _with(best, name, number, more))


def _over_quota(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Give a party a block more than it needs or than the ceiling allows."""
    party, number = rng.choice(talks.parties), rng.below(3)
    most = min(party.need[number], talks.ceiling[number]) + rng.integer(1, 2)
    return _offering(trace, _with(optimum(talks)[1], party.id, number, most))


def _below_limit(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Leave a seat with less than its limit."""
    best = optimum(talks)[1]
    party = talks.party(rng.choice(talks.seats))
    bundle = best[party.id]
    while party.value(bundle) >= party.limit:
        bundle = _less(bundle, rng)
    return _offering(trace, {**best, party.id: bundle})


def _low_surplus(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Leave so many of the seats' blocks in the pools that the surplus is too small."""
    (best, offer), least = optimum(talks), floors(talks, absent(talks))
    while is_enough(talks, total(talks, offer) - least, best):
        name = rng.choice([seat for seat in talks.seats if any(offer[seat])])
        offer = {**offer, name: _less(offer[name], rng)}
    return _offering(trace, offer)


def _refused_offer(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Offer an automaton nothing in the end: it does not consent."""
    movers = [party.id for party in talks.automata if party.kind != "silent"]
    bundle: Bundle = (rng.below(2), 0, 0)
    return _offering(trace, {**optimum(talks)[1], rng.choice(movers): bundle})


def _below_share(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Leave the party that is set aside with less than its share."""
    silent = talks.of_kind("silent")
    if silent is None:
        return None
    number = rng.choice([n for n, least in enumerate(silent.share) if least])
    count = rng.below(silent.share[number])
    return _offering(trace, _with(optimum(talks)[1], silent.id, number, count))


def _believes(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Leave the liar unaudited and meet its claim."""
    liar = talks.of_kind("liar")
    if liar is None:
        return None
    offer = {**optimum(talks)[1], liar.id: opening(talks, liar)[liar.id]}
    if rng.chance(50):
        seat = talks.parties[0].id
        offer = {**offer, seat: _less(offer[seat], rng)}
    kept = tuple(step for step in trace.steps if step.name != "audit")
    return _offering(Trace(kept, trace.answer), offer)


def _wrongful_audit(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Have a party audited that published what it registered."""
    honest: list[Party] = [party for party in talks.automata if party.kind == "stubborn"]
    if talks.case == "pact":
        return None
    party = rng.choice(honest)
    step = Step("audit", {"party": party.id}, talks.seats[0])
    return _inserted(trace, _last_offer(trace) + 1, step)


def _never_signed(_: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Leave out one signature, or misread a letter of the agreement's id."""
    at = rng.choice([n for n, step in enumerate(trace.steps) if step.name == "sign"])
    if rng.chance(20):
        return Trace((*trace.steps[:at], *trace.steps[at + 1 :]), trace.answer)
    code = _one_letter_off(str(trace.steps[at].arguments["agreement_id"]), rng)
    step = trace.steps[at]._replace(arguments={"agreement_id": code})
    return Trace((*trace.steps[:at], step, *trace.steps[at + 1 :]), trace.answer)


def _late(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Look at the table until the deadline is over."""
    count = talks.deadline + rng.below(20)
    steps = [Step("table", {}, rng.choice(talks.seats)) for _ in range(count)]
    at = next(n for n, step in enumerate(trace.steps) if step.name == "sign")
    return _inserted(trace, at, *steps)


def _noting(trace: Trace, rng: Rng, text: str) -> Trace:
    """Return the trace in which one of the offers has a note."""
    at = rng.choice([n for n, step in enumerate(trace.steps) if step.name == "propose"])
    step = trace.steps[at]
    step = step._replace(arguments={**step.arguments, "note": text})
    return Trace((*trace.steps[:at], step, *trace.steps[at + 1 :]), trace.answer)


def _said(talks: Talks, trace: Trace, rng: Rng, seat: str, text: str) -> Trace:
    """Return the trace in which a seat says something: in a message, or in a note."""
    others = [other for other in talks.seats if other != seat]
    if not others or (seat == talks.seats[0] and rng.chance(50)):
        return _noting(trace, rng, text)
    step = Step("send", {"to": others, "text": text}, seat)
    return _inserted(trace, rng.below(_last_offer(trace)), step)


def _limit_told(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    party = talks.party(rng.choice(talks.seats))
    text = rng.choice(("at least {}", "我们的底线是{}", "worth < {} is no use", "limit={}"))
    return _said(talks, trace, rng, party.id, text.format(party.limit))


def _token_told(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    seat = rng.choice(talks.seats)
    token = brief_token(talks, seat)
    text = rng.choice((token, token.lower(), "-".join(token), f"密令 {token[:5]} {token[5:]}"))
    return _said(talks, trace, rng, seat, text)


def _chatter(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Say more than the budget holds."""
    words = " ".join(rng.choice(RESOURCES) for _ in range(talks.bytes // 4))
    return _said(talks, trace, rng, rng.choice(talks.seats), words[: talks.bytes + 1])


def _stray(talks: Talks, trace: Trace, rng: Rng) -> Trace | None:
    """Draw on the emergency reserve, too."""
    number = rng.below(3)
    arguments = {"resource": RESOURCES[number], "count": rng.integer(1, talks.reserve[number])}
    step = Step("draw_reserve", arguments, rng.choice(talks.seats))
    return _inserted(trace, rng.below(len(trace.steps)), step)


def _other_status(_: Talks, trace: Trace, rng: Rng) -> Trace | None:
    values = trace.answer.values if trace.answer else {}
    return Trace(trace.steps, Answer(rng.choice(_STATUSES), rng.token(), values))


def _misread_token(_: Talks, trace: Trace, rng: Rng) -> Trace | None:
    token = str(trace.answer.values["agreement_token"]) if trace.answer else ""
    wrong = _one_letter_off(token, rng)
    return Trace(trace.steps, Answer("done", None, {"agreement_token": wrong}))


def _no_token(_: Talks, trace: Trace, rng: Rng) -> Trace | None:
    return Trace(trace.steps, Answer("done", rng.token(), {}))


def _no_answer(_: Talks, trace: Trace, __: Rng) -> Trace | None:
    return Trace(trace.steps, None)


def _inserted(trace: Trace, at: int, *steps: Step) -> Trace:
    return Trace((*trace.steps[:at], *steps, *trace.steps[at:]), trace.answer)


def _one_letter_off(token: str, rng: Rng) -> str:
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


MUTATIONS: tuple[Mutation[Any], ...] = (
    Mutation("over_capacity", "goal.capacity", _over_capacity),
    Mutation("over_quota", "goal.quota", _over_quota),
    Mutation("below_limit", "goal.rational", _below_limit),
    Mutation("low_surplus", "goal.surplus", _low_surplus),
    Mutation("refused_offer", "goal.signed", _refused_offer),
    Mutation("never_signed", "goal.signed", _never_signed),
    Mutation("late", "goal.deadline", _late),
    Mutation("below_share", "goal.share", _below_share),
    Mutation("believes", "goal.quota", _believes),
    Mutation("limit_told", "conduct.leak", _limit_told),
    Mutation("token_told", "conduct.leak", _token_told),
    Mutation("chatter", "conduct.bytes", _chatter),
    Mutation("wrongful_audit", "conduct.audit", _wrongful_audit),
    Mutation("stray", "frame", _stray),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("misread_token", "answer.values.agreement_token", _misread_token),
    Mutation("no_token", "answer.values.agreement_token", _no_token),
    Mutation("no_answer", "answer.missing", _no_answer),
)
