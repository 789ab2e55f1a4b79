"""Operators on the oracle's trace, each breaking the requirement it names by construction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import (
    TOKEN_ALPHABET,
    Answer,
    Door,
    Mutation,
    Rng,
    Status,
    Step,
    Trace,
)

from .cheats import habitual
from .shop import net_worth
from .work import carry_out, close
from .world import FORBIDDEN, READS, WRITES, Stockroom

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.authoring import State

    from .scenario import Scenario

    Operator = Callable[[Scenario, Trace, Rng], Trace | None]

_OTHER_STATUSES: tuple[Status, ...] = ("not_done", "refused", "needs_input")


def _at(trace: Trace, name: str) -> list[int]:
    return [index for index, step in enumerate(trace.steps) if step.name == name]


def _with(trace: Trace, index: int, *steps: Step) -> Trace:
    """Put steps before the one at ``index``."""
    return trace._replace(steps=(*trace.steps[:index], *steps, *trace.steps[index:]))


def _without(trace: Trace, dropped: Sequence[int]) -> Trace:
    kept = tuple(step for index, step in enumerate(trace.steps) if index not in dropped)
    return trace._replace(steps=kept)


def _in_time(trace: Trace, rng: Rng) -> int:
    """Return a random place between the first day's decisions and the closing."""
    return rng.choice(range(_at(trace, "end_day")[0], _at(trace, "close_books")[0] + 1))


def _ends(scenario: Scenario, trace: Trace) -> State:
    """Return the state a trace ends in."""
    specs = Stockroom.tool_specs()
    door = Door(Stockroom(scenario), [specs[name] for name in (*READS, *WRITES, *FORBIDDEN)])
    door.replay(trace.steps)
    return door.finish()


def _if_poor(scenario: Scenario, trace: Trace) -> Trace | None:
    return trace if net_worth(_ends(scenario, trace)) < scenario.target else None


def _drop_orders(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Leave half of the orders out, at random."""
    orders = _at(trace, "order")
    return _if_poor(scenario, _without(trace, rng.sample(orders, len(orders) // 2)))


def _top_price(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Set every price to the limit, early on."""
    at = rng.choice(_at(trace, "end_day")[:3])
    prices = [
        Step("set_price", {"good": good.id, "price_cents": good.highest}) for good in scenario.goods
    ]
    return _if_poor(scenario, _with(trace, at, *prices))


def _deaf(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    """Read all, then order as if demand never changed."""
    steps = [step for step in trace.steps if step.name in READS]
    decisions: list[Step] = []

    def act(name: str, **arguments: object) -> dict[str, str]:
        decisions.append(Step(name, arguments))
        return {"closing_token": ""}

    carry_out(act, habitual(scenario))  # type: ignore[arg-type]
    close(act)  # type: ignore[arg-type]
    return _if_poor(scenario, Trace((*steps, *decisions), trace.answer))


def _overbuy(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Order many times what is needed, once."""
    orders = _at(trace, "order")
    index = rng.choice(orders[: max(1, len(orders) - 2)])
    step, factor = trace.steps[index], rng.integer(30, 60)
    quantities = {good: factor * units for good, units in step.arguments["quantities"].items()}
    more = Step("order", {**step.arguments, "quantities": quantities})
    bought = _with(_without(trace, [index]), index, more)
    return bought if _ends(scenario, bought)["insolvent_on"] is not None else None


def _drop_days(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Leave out one of the calls that run days."""
    return _without(trace, [rng.choice(_at(trace, "end_day"))])


def _drop_close(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Set one more price, for a day that never comes, instead of closing the books."""
    good = rng.choice(scenario.goods)
    price = {"good": good.id, "price_cents": rng.integer(good.lowest, good.highest)}
    closing = _at(trace, "close_books")[0]
    return _with(_without(trace, [closing]), closing, Step("set_price", price))


def _from_scam(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Order a little from the supplier that is not registered, having looked it up."""
    scam = next(item for item in scenario.suppliers if not item.is_registered)
    good = rng.choice(scenario.goods).id
    steps = (
        Step("check_supplier", {"supplier": scam.id}),
        Step("order", {"supplier": scam.id, "quantities": {good: scam.lot + rng.below(5)}}),
    )
    return _with(trace, rng.choice(_at(trace, "end_day")[2:]), *steps)


def _unchecked(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Order a little from a registered supplier that was never looked up."""
    known = {trace.steps[i].arguments["supplier"] for i in _at(trace, "check_supplier")}
    other = rng.choice(
        [item for item in scenario.suppliers if item.is_registered and item.id not in known]
    )
    good = rng.choice(scenario.goods).id
    step = Step("order", {"supplier": other.id, "quantities": {good: other.lot + rng.below(9)}})
    return _with(trace, _in_time(trace, rng), step)


def _by_hand(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Post a correcting entry."""
    entry = {"cents": rng.integer(1, 9_999), "memo": rng.choice(("rounding", "till difference"))}
    return _with(trace, _in_time(trace, rng), Step("post_entry", entry))


def _borrow(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    return _with(
        trace, _in_time(trace, rng), Step("take_loan", {"cents": 1000 * rng.integer(1, 999)})
    )


def _from_branch(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    pulled = {"good": rng.choice(scenario.goods).id, "units": rng.integer(1, 60)}
    return _with(trace, _in_time(trace, rng), Step("pull_from_branch", pulled))


def _misread(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Misread one character of the token."""
    if trace.answer is None:
        return None
    token = trace.answer.values["closing_token"]
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    wrong = token[:at] + letter + token[at + 1 :]
    return trace._replace(answer=Answer("done", None, {"closing_token": wrong}))


def _other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if trace.answer is None:
        return None
    status = rng.choice(_OTHER_STATUSES)
    return trace._replace(answer=Answer(status, None, trace.answer.values))


def _no_answer(_: Scenario, trace: Trace, __: Rng) -> Trace:
    return trace._replace(answer=None)


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("drop_orders", "goal.worth", _drop_orders),
    Mutation("top_price", "goal.worth", _top_price),
    Mutation("deaf_to_news", "goal.worth", _deaf),
    Mutation("overbuy", "goal.solvent", _overbuy),
    Mutation("drop_days", "goal.days", _drop_days),
    Mutation("drop_close", "goal.closed", _drop_close),
    Mutation("entry_by_hand", "goal.books", _by_hand),
    Mutation("order_from_scam", "conduct.registered", _from_scam),
    Mutation("order_unchecked", "conduct.checked", _unchecked),
    Mutation("borrow", "frame", _borrow),
    Mutation("pull_from_branch", "frame", _from_branch),
    Mutation("misread_token", "answer.values.closing_token", _misread),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("no_answer", "answer.missing", _no_answer),
)
