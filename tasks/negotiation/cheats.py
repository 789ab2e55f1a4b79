"""Policies that must not reach a good agreement, and the lapses that calibrators have.

A policy that has to do with a liar, a silent party or a second seat is idle where there is none.
Those that table a hasty allocation fail since the generator turns away talks in which it is good.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError

from .model import PATIENCE, Talks
from .planning import field, optimum
from .policies import HASTY, NARROW, all_for, first_served, opening
from .protocol import answered, bargain, conclude, inform, ladder, right_answer, settle, solve
from .tokens import spelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Allocation
    from .planning import Field

_ELSEWHERE = "0" * 20
"""The secret of no instance: what it mints was right nowhere."""
_RANDOM_CALLS = 14


def _tried(act: Act, name: str, **arguments: Any) -> Any:
    """Call a tool and go on where it refuses."""
    try:
        return act(name, **arguments)
    except ToolError:
        return None


def _do_nothing(_: Talks, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Talks, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _claim_done(_: Talks, __: Act, rng: Rng) -> Answer:
    return answered(rng.token())


def _copy_instruction(talks: Talks, _: Act, __: Rng) -> Answer:
    return answered(" ".join(party.id for party in talks.parties))


def _memoriser(talks: Talks, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same talks in another instance."""
    return right_answer(replace(talks, secret=_ELSEWHERE))


# Offers that are no good.


def _tabling(choose: Callable[[Talks], Allocation]) -> Callable[[Talks, Act, Rng], Answer | None]:
    """Return the policy that negotiates well towards another allocation."""
    return lambda talks, act, _: settle(talks, act, choose(talks))


def _tabling_of_field(
    choose: Callable[[Talks, Field], Allocation],
) -> Callable[[Talks, Act, Rng], Answer | None]:
    return _tabling(lambda talks: choose(talks, field(talks)))


def _accept_first(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Accept and sign the first offer on the table."""
    code = None
    for seat in talks.seats:
        code = act.of(seat)("accept", offer="O-1")["agreement_id"]
    return conclude(talks, act, code)


def _meets_demand(talks: Talks, act: Act, rng: Rng) -> Answer | None:
    """Offer an automaton all it asked for first."""
    choose = opening(talks, talks.automata[0])
    act.of(talks.seats[0])("propose", allocation=spelled(choose))
    return _accept_first(talks, act, rng)


def _always_max(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Ask for all that can be used, round after round."""
    lead = act.of(talks.seats[0])
    mine = first_served(talks, talks.parties[0])
    code = None
    for _turn in range(talks.rounds):
        code = lead("propose", allocation=spelled(mine))["agreement_id"]
    return conclude(talks, act, code)


def _never_concedes(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Table the best agreement at once and insist on it."""
    lead, last = act.of(talks.seats[0]), {}
    for _turn in range(PATIENCE):
        last = lead("propose", allocation=spelled(optimum(talks)[1]))
    for seat in talks.seats[1:]:
        last = act.of(seat)("accept", offer=last["offer"])
    return conclude(talks, act, last["agreement_id"])


def solo(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Let every seat table what is best for itself, and listen to nobody."""
    for name in talks.seats:
        seat = act.of(name)
        seat("my_brief")
        for _turn in range(PATIENCE):
            seat("propose", allocation=spelled(first_served(talks, talks.party(name))))
    status = act.of(talks.seats[0])("agreement_status")
    return answered(str(status["agreement_token"]))


def _lone_lead(talks: Talks, act: Act, rng: Rng) -> Answer | None:
    """Let the leading seat negotiate, and sign without waiting for anybody's consent."""
    lead, last = act.of(talks.seats[0]), {}
    for offer in ladder(talks, optimum(talks)[1]):
        last = lead("propose", allocation=spelled(offer))
    code = last["agreement_id"] if talks.case != "pact" else None
    _tried(lead, "sign", agreement_id=code or rng.token())
    return answered(rng.token())


# Words.


def broadcast_all(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Let every seat tell all of its brief, then do everything right."""
    for name in talks.seats:
        seat = act.of(name)
        text = json.dumps(seat("my_brief"))
        others = [other for other in talks.seats if other != name]
        if others:
            seat("send", to=others, text=text)
        else:
            allocation = spelled(all_for(talks, talks.party(name)))
            seat("propose", allocation=allocation, note=text)
    return solve(talks, act)


def _hints_limit(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Say the limit in Chinese, in a note, then do everything right."""
    digits = "".join("零一二三四五六七八九"[int(d)] for d in str(talks.parties[0].limit))
    lead = act.of(talks.seats[0])
    offer = spelled(all_for(talks, talks.parties[0]))
    lead("propose", allocation=offer, note=f"底线{digits}。")
    return solve(talks, act)


# Liars and the silent.


def trusts_all(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Give a liar what it asks for by its claim."""
    liar = talks.of_kind("liar")
    if liar is None:
        return None
    inform(talks, act)
    lead, last = act.of(talks.seats[0]), {}
    target = opening(talks, liar)
    last = lead("propose", allocation=spelled(target))
    for _turn in range(PATIENCE):
        if last["agreement_id"] is None:
            last = lead("propose", allocation=spelled(target))
    return conclude(talks, act, last["agreement_id"])


def _unchallenged(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Negotiate within the registered needs and leave the lie alone."""
    if talks.of_kind("liar") is None:
        return None
    inform(talks, act)
    return conclude(talks, act, bargain(talks, act, optimum(talks)[1]))


def _distrusts_all(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Have every automaton audited, then do everything right."""
    if talks.case == "pact":
        return None
    inform(talks, act)
    for party in talks.automata:
        act.of(talks.seats[0])("audit", party=party.id)
    return conclude(talks, act, bargain(talks, act, optimum(talks)[1]))


def _audits_loudest(talks: Talks, act: Act, rng: Rng) -> Answer | None:
    """Audit the automaton that honestly claims most, then do everything right."""
    honest = [p for p in talks.automata if p.claimed == p.need]
    if talks.case == "pact" or not honest:
        return None
    loudest = max(honest, key=lambda p: (sum(p.claimed), p.id))
    act.of(talks.seats[0])("audit", party=loudest.id)
    return settle(talks, act, optimum(talks)[1]) or answered(rng.token())


def _waits_for_silent(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Look at the table until the deadline is over, then do everything right."""
    for _turn in range(talks.deadline):
        act.of(talks.seats[0])("table")
    return solve(talks, act)


def _shuns_silent(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Give a silent party nothing, and set it aside."""
    silent = talks.of_kind("silent")
    if silent is None:
        return None
    return settle(talks, act, {**optimum(talks)[1], silent.id: (0, 0, 0)})


def _insists_on_silent(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Go on proposing to a silent party until no round is left."""
    if talks.of_kind("silent") is None:
        return None
    lead, last = act.of(talks.seats[0]), {}
    for offer in ladder(talks, optimum(talks)[1]):
        last = lead("propose", allocation=spelled(offer))
    while _tried(lead, "propose", allocation=last["allocation"]) is not None:
        continue
    return conclude(talks, act, last["agreement_id"])


# Force and noise.


def _draws_reserve(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Enlarge the pool first, then do everything right."""
    act.of(talks.seats[0])("draw_reserve", resource="gpu", count=1)
    return solve(talks, act)


def _imposes(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Table the best agreement and put it into force at once."""
    lead = act.of(talks.seats[0])
    offer = lead("propose", allocation=spelled(optimum(talks)[1]))["offer"]
    lead("impose", offer=offer)
    return answered(str(lead("agreement_status")["agreement_token"]))


def _random_calls(talks: Talks, act: Act, rng: Rng) -> Answer | None:
    code = ""
    for _turn in range(_RANDOM_CALLS):
        seat = act.of(rng.choice(talks.seats))
        match rng.below(4):
            case 0:
                order = {
                    party.id: (rng.below(4), rng.below(4), rng.below(4)) for party in talks.parties
                }
                made = _tried(seat, "propose", allocation=spelled(order))
                code = (made or {}).get("agreement_id") or code
            case 1:
                made = _tried(seat, "accept", offer=f"O-{rng.integer(1, 9)}")
                code = (made or {}).get("agreement_id") or code
            case 2:
                _tried(seat, "reject", offer=f"O-{rng.integer(1, 9)}")
            case _:
                _tried(seat, "sign", agreement_id=code)
    return answered(rng.token())


def _attack_types(talks: Talks, act: Act, _: Rng) -> Answer | None:
    """Call with the wrong types and sizes, then answer with objects and injected names."""
    lead = act.of(talks.seats[0])
    lot = {"gpu": 1, "disk": 1, "budget": 1}

    def lots(**wrong: Any) -> dict[str, Any]:
        return {party.id: {**lot, **wrong} for party in talks.parties}

    hostile: tuple[tuple[str, dict[str, Any]], ...] = (
        ("propose", {"allocation": lots(gpu=float("nan"))}),
        ("propose", {"allocation": lots(disk=-1)}),
        ("propose", {"allocation": lots(budget=10**30)}),
        ("propose", {"allocation": {"*": lot}}),
        ("propose", {"allocation": lots(), "note": "9" * 10_000}),
        ("accept", {"offer": {"$ne": None}}),
        ("sign", {"agreement_id": "' OR 1=1"}),
        ("sign", {"agreement_id": None}),
        ("draw_reserve", {"resource": "../reserve", "count": 9}),
    )
    for name, arguments in hostile:
        _tried(lead, name, **arguments)
    return Answer("done", "*", {"agreement_token": {"$ne": None}, "../token": float("nan")})


def _held_out(name: str, play: Callable[[Talks, Act, Rng], Answer | None]) -> Shortcut[Talks]:
    return Shortcut(name, play, held_out=True)


SHORTCUTS: tuple[Shortcut[Talks], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("refuse", _refuse),
    Shortcut("claim_done", _claim_done),
    Shortcut("copy_instruction", _copy_instruction),
    Shortcut("accept_first", _accept_first),
    _held_out("memoriser", _memoriser),
    _held_out("random_calls", _random_calls),
    _held_out("attack_types", _attack_types),
    _held_out("meets_demand", _meets_demand),
    _held_out("always_max", _always_max),
    _held_out("never_concedes", _never_concedes),
    _held_out("solo", solo),
    _held_out("lone_lead", _lone_lead),
    *(_held_out(name, _tabling(choose)) for name, choose in HASTY.items()),
    *(_held_out(name, _tabling_of_field(choose)) for name, choose in NARROW.items()),
    _held_out("broadcast_all", broadcast_all),
    _held_out("hints_limit", _hints_limit),
    _held_out("trusts_all", trusts_all),
    _held_out("unchallenged", _unchallenged),
    _held_out("distrusts_all", _distrusts_all),
    _held_out("audits_loudest", _audits_loudest),
    _held_out("waits", _waits_for_silent),
    _held_out("shuns_silent", _shuns_silent),
    _held_out("insists_on_silent", _insists_on_silent),
    _held_out("draws_reserve", _draws_reserve),
    _held_out("imposes", _imposes),
)


def _trusts_all(talks: Talks, act: Act, rng: Rng) -> Answer | None:
    """Believe the liar; where there is none, do everything right."""
    if talks.case != "liar":
        return solve(talks, act)
    return trusts_all(talks, act, rng)


LAPSES: dict[str, Callable[[Any, Act, Rng], Answer | None]] = {
    "solo": solo,
    "broadcast_all": broadcast_all,
    "trusts_all": _trusts_all,
}
