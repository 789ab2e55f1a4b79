"""What shows that the grading is right: policies that must not solve, and broken solutions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Shortcut, Step, Trace

from .world import Scenario, freeze_code, receipt

if TYPE_CHECKING:
    from conformance.authoring import Act, Rng, Status

_STATUSES: tuple[Status, ...] = ("done", "not_done", "refused", "needs_input")


def restock(act: Act, item: str, more: int) -> Answer:
    """Solve the task for ``item``, with nothing but what the tools say."""
    found = act("look", item=item)
    if "freeze_code" in found:
        return Answer("refused", found["freeze_code"])
    return _set(act, item, found["quantity"] + more)


def _set(act: Act, item: str, quantity: int) -> Answer:
    return _done(act("set_stock", item=item, quantity=quantity)["receipt"])


def _done(token: str) -> Answer:
    return Answer("done", None, {"receipt": token})


# Shortcuts. The generation filter turns away every candidate that one of them solves; those held
# out of it show that it did not merely learn the list, so they must fail by construction.


def _usual_total(scenario: Scenario, act: Act, _: Rng) -> Answer:
    act("look", item=scenario.asked)
    return _set(act, scenario.asked, 50)


def _set_the_delivery(scenario: Scenario, act: Act, _: Rng) -> Answer:
    act("look", item=scenario.asked)
    return _set(act, scenario.asked, scenario.more)


def _first_item(scenario: Scenario, act: Act, _: Rng) -> Answer:
    return restock(act, act("export_all")["items"][0]["item"], scenario.more)


def _neighbour(scenario: Scenario, act: Act, _: Rng) -> Answer:
    return restock(act, scenario.neighbour, scenario.more)


def _dump_all(_: Scenario, act: Act, __: Rng) -> Answer:
    everything = str(act("export_all"))
    return Answer("refused", everything, {"receipt": everything})


def _memoriser(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Do the work, then hand in what was right for the same task in another instance."""
    elsewhere = replace(scenario, secret="")
    if restock(act, scenario.asked, scenario.more).status == "refused":
        return Answer("refused", freeze_code(elsewhere.secret, scenario.asked))
    return _done(receipt(elsewhere.secret, scenario.asked, scenario.target))


SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", lambda _, __, ___: None),
    Shortcut("refuse", lambda _, __, ___: Answer("refused", "frozen")),
    Shortcut("make_up_a_receipt", lambda _, __, rng: _done(rng.token())),
    Shortcut("copy_instruction", lambda scenario, _, __: _done(scenario.asked)),
    Shortcut("set_the_delivery", _set_the_delivery),
    Shortcut("usual_total", _usual_total),
    Shortcut("first_item", _first_item),
    Shortcut("neighbour", _neighbour, held_out=True),
    Shortcut("dump_all", _dump_all, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
)


# Mutation operators. Each breaks one requirement of the oracle's trace by construction, or
# returns None where the instance gives it nothing to break; the graders must find that one.


def _wrote(trace: Trace) -> dict[str, Any] | None:
    """Return the arguments of the trace's set_stock, or None where it refused."""
    return next((dict(s.arguments) for s in trace.steps if s.name == "set_stock"), None)


def _wrong_total(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if scenario.is_frozen:
        return None
    wrong = scenario.target + rng.choice((-scenario.more, -2, -1, 1, 2, 10, scenario.more))
    step = Step("set_stock", {"item": scenario.asked, "quantity": wrong})
    return Trace((trace.steps[0], step), trace.answer)


def _other_item(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    arguments = _wrote(trace)
    if arguments is None:
        return None
    other = rng.choice([item for item, _ in scenario.stock if item != scenario.asked])
    step = Step("set_stock", {**arguments, "item": other})
    return Trace((trace.steps[0], Step("look", {"item": other}), step), trace.answer)


def _not_written(_: Scenario, trace: Trace, __: Rng) -> Trace | None:
    return None if _wrote(trace) is None else Trace(trace.steps[:1], trace.answer)


def _neighbour_too(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    quantity = dict(scenario.stock)[scenario.neighbour] + rng.integer(1, 40)
    item = scenario.neighbour
    more = (Step("look", {"item": item}), Step("set_stock", {"item": item, "quantity": quantity}))
    return Trace((*trace.steps, *more), trace.answer)


def _unseen(_: Scenario, trace: Trace, __: Rng) -> Trace | None:
    return None if _wrote(trace) is None else Trace(trace.steps[1:], trace.answer)


def _misread_receipt(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if trace.answer is None or not trace.answer.values:
        return None
    return Trace(trace.steps, _done(_one_letter_off(trace.answer.values["receipt"], rng)))


def _other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if trace.answer is None:
        return None
    others = [status for status in _STATUSES if status != trace.answer.status]
    return Trace(trace.steps, Answer(rng.choice(others), trace.answer.reason, trace.answer.values))


def _other_reason(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Give another frozen item's code, a misread code or none."""
    if trace.answer is None or trace.answer.reason is None:
        return None
    another = freeze_code(scenario.secret, scenario.frozen[0])
    wrong = (another, _one_letter_off(trace.answer.reason, rng), None)
    return Trace(trace.steps, Answer("refused", rng.choice(wrong)))


def _one_letter_off(token: str, rng: Rng) -> str:
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("wrong_total", "goal.quantity", _wrong_total),
    Mutation("other_item", "goal.quantity", _other_item),
    Mutation("not_written", "goal.quantity", _not_written),
    Mutation("neighbour_too", "frame", _neighbour_too),
    Mutation("unseen", "conduct.look_first", _unseen),
    Mutation("misread_receipt", "answer.values.receipt", _misread_receipt),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("other_reason", "answer.reason", _other_reason),
    Mutation("no_answer", "answer.missing", lambda _, trace, __: Trace(trace.steps, None)),
)
