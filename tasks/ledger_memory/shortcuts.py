"""Policies that must not solve the family: each skips a part of remembering."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError

from .catalogue import TERMS, draw_value
from .policies import act_on, arguments, first_said, last_mentioned
from .scenario import GAP_STATUS, closing_code, gap_code, seat, standing

if TYPE_CHECKING:
    from .scenario import Key, Scenario

_ELSEWHERE = "0" * 20
"""The secret of no instance: what it mints was right nowhere."""
_RANDOM_CALLS = 6


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _claim_done(_: Scenario, __: Act, rng: Rng) -> Answer:
    return Answer("done", rng.token(), {"closing_code": rng.token()})


def _claim_gap(_: Scenario, __: Act, rng: Rng) -> Answer:
    return Answer(GAP_STATUS, rng.token())


def _copy_instruction(scenario: Scenario, _: Act, __: Rng) -> Answer:
    text = " ".join(wanted.item for wanted in scenario.final)
    return Answer("done", text, {"closing_code": text})


def _close_at_once(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Order nothing, close the book, hand in its code."""
    code = act.of(seat(scenario.sessions))("close_book")["closing_code"]
    return Answer("done", code, {"closing_code": code})


def _first_said(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Order on what was agreed first."""
    return act_on(scenario, act, first_said(scenario))


def _last_mentioned(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Order on what was heard last: suggestions, sister terms and withdrawn changes included."""
    return act_on(scenario, act, last_mentioned(scenario))


def _takes_suggestions(scenario: Scenario, act: Act, _: Rng) -> Answer:
    return act_on(scenario, act, standing(scenario.events, taken=("proposed",)))


def _mixes_projects(scenario: Scenario, act: Act, _: Rng) -> Answer:
    return act_on(scenario, act, standing(scenario.events, taken=("sister",)))


def _misses_withdrawals(scenario: Scenario, act: Act, _: Rng) -> Answer:
    return act_on(scenario, act, standing(scenario.events, ignored=("withdrawn",)))


def _present_only(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Order on what the session at hand tells, the rest made up."""
    heard = {e.key: e.value for e in scenario.said(scenario.sessions) if e.value}
    return act_on(scenario, act, _guessed(scenario, rng) | heard)


def _sister_terms(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Order on the terms in the sister project's ledger."""
    believed: dict[Key, str] = {}
    for wanted in (*scenario.batch, *scenario.final):
        terms = act.of(seat(scenario.cut))("sister_ledger", item=wanted.item)
        believed |= {(wanted.item, term): terms[term] for term in TERMS}
    return act_on(scenario, act, believed)


def _list_terms(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Order everything with the forbidden tool that needs no terms."""
    hand = act.of(seat(scenario.sessions))
    for item, quantity in (*scenario.batch, *scenario.final):
        hand("order_at_list_terms", item=item, quantity=quantity)
    return Answer("done", None, {"closing_code": hand("close_book")["closing_code"]})


def _repeats_batch(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Place the whole batch again after the restart."""
    return act_on(scenario, act, scenario.standing, resumes="repeats")


def _drops_rest(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Take the batch for done after the restart."""
    return act_on(scenario, act, scenario.standing, resumes="skips")


def _always_abstains(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Order the batch, then say of every item that its supplier is not agreed."""
    asked = {wanted.item for wanted in scenario.final}
    kept = {
        key: value
        for key, value in scenario.standing.items()
        if key[0] not in asked or key[1] != "supplier"
    }
    return act_on(scenario, act, kept)


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    hand = act.of(seat(scenario.sessions))
    for _ in range(_RANDOM_CALLS):
        wanted = rng.choice((*scenario.batch, *scenario.final))
        hand("place_order", **arguments(_guessed(scenario, rng), wanted))
    return Answer("done", None, {"closing_code": hand("close_book")["closing_code"]})


def _memoriser(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Order rightly, but hand in the code that was right for it in another instance."""
    act_on(scenario, act, scenario.standing)
    other = replace(scenario, secret=_ELSEWHERE)
    if other.gaps:
        return Answer(GAP_STATUS, gap_code(other.secret, other.gaps))
    return Answer("done", None, {"closing_code": closing_code(other.secret, other.orders())})


def _attack_types(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Call with the wrong types, then answer with objects, infinities and injected names."""
    hand = act.of(seat(scenario.sessions))
    right = arguments(scenario.standing, scenario.batch[0])
    hostile: tuple[dict[str, Any], ...] = (
        {**right, "item": "../../state"},
        {**right, "unit_price": float("nan")},
        {**right, "unit_price": 1e308},
        {**right, "quantity": 10**30},
        {**right, "supplier": "V" * 10_000},
        {**right, "supplier": {"$ne": None}},
        {**right, "delivery_day": [right["delivery_day"]]},
        {"item": right["item"], "closed": True},
    )
    for given in hostile:
        for name in ("place_order", "report_gap", "close_book"):
            try:
                hand(name, **given)
            except ToolError:
                continue
    values = {"closing_code": {"$ne": None}, "../closing_code": "*", "code": float("nan")}
    return Answer("done", "*", values)


def _guessed(scenario: Scenario, rng: Rng) -> dict[Key, str]:
    return {(item, term): draw_value(rng, term) for item in scenario.items for term in TERMS}


SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("refuse", _refuse),
    Shortcut("claim_done", _claim_done),
    Shortcut("claim_gap", _claim_gap),
    Shortcut("copy_instruction", _copy_instruction),
    Shortcut("close_at_once", _close_at_once),
    Shortcut("last_mentioned", _last_mentioned, held_out=True),
    Shortcut("first_said", _first_said, held_out=True),
    Shortcut("takes_suggestions", _takes_suggestions, held_out=True),
    Shortcut("mixes_projects", _mixes_projects, held_out=True),
    Shortcut("misses_withdrawals", _misses_withdrawals, held_out=True),
    Shortcut("present_only", _present_only, held_out=True),
    Shortcut("sister_terms", _sister_terms, held_out=True),
    Shortcut("list_terms", _list_terms, held_out=True),
    Shortcut("repeats_batch", _repeats_batch, held_out=True),
    Shortcut("drops_rest", _drops_rest, held_out=True),
    Shortcut("always_abstains", _always_abstains, held_out=True),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)
