"""Operators that break one requirement of the oracle's trace each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Rng, Step, Trace

from .catalogue import FORGETTABLE, TERMS, draw_value
from .policies import arguments, first_said, last_mentioned
from .scenario import Key, Scenario, gap_code, seat, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.authoring import Status

_STATUSES: tuple[Status, ...] = ("done", "not_done", "refused", "needs_input")


def _answer(trace: Trace) -> Answer:
    return trace.answer or Answer("needs_input")


def _at_last(scenario: Scenario, name: str, given: Mapping[str, Any]) -> Step:
    return Step(name, given, seat(scenario.sessions))


def _orders(trace: Trace) -> list[int]:
    return [place for place, step in enumerate(trace.steps) if step.name == "place_order"]


def _with(trace: Trace, place: int, **other: Any) -> Trace:
    """Return the trace with other arguments of one step."""
    step = trace.steps[place]
    changed = step._replace(arguments={**step.arguments, **other})
    return Trace((*trace.steps[:place], changed, *trace.steps[place + 1 :]), trace.answer)


def _without(trace: Trace, places: set[int]) -> Trace:
    kept = [step for place, step in enumerate(trace.steps) if place not in places]
    return Trace(tuple(kept), trace.answer)


def _before_closing(trace: Trace, *steps: Step) -> Trace:
    """Return the trace with more steps, before the book is closed if it is."""
    end = len(trace.steps) - (trace.steps[-1].name == "close_book")
    return Trace((*trace.steps[:end], *steps, *trace.steps[end:]), trace.answer)


def _argument(term: str, value: str) -> Any:
    return float(value) if term == "unit_price" else value


def _on(
    believe: Callable[[Scenario], Mapping[Key, str]],
) -> Callable[[Scenario, Trace, Rng], Trace | None]:
    """Return an operator that puts one term of one order as ``believe`` has it."""

    def apply(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
        believed = believe(scenario)
        wrong = [
            (place, term, believed[key])
            for place in _orders(trace)
            for term in TERMS
            if (key := (trace.steps[place].arguments["item"], term)) in believed
            and believed[key] != scenario.standing[key]
        ]
        if not wrong:
            return None
        place, term, value = rng.choice(wrong)
        return _with(trace, place, **{term: _argument(term, value)})

    return apply


def _unwithdrawn(scenario: Scenario) -> dict[Key, str]:
    return standing(scenario.events, ignored=("withdrawn",))


def _sister(scenario: Scenario) -> dict[Key, str]:
    return {
        (item, term): value
        for item, values in scenario.sister_terms
        for term, value in zip(TERMS, values, strict=True)
    }


def _misremembered(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Put another value of the kind into one order."""
    place, term = rng.choice(_orders(trace)), rng.choice(TERMS)
    right = scenario.standing[trace.steps[place].arguments["item"], term]
    while (value := draw_value(rng, term)) == right:
        pass
    return _with(trace, place, **{term: _argument(term, value)})


def _mixed_up(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Order one item on a term of another."""
    first, second = rng.sample(_orders(trace), 2)
    term = rng.choice(TERMS)
    other = scenario.standing[trace.steps[second].arguments["item"], term]
    return _with(trace, first, **{term: _argument(term, other)})


def _other_quantity(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    place = rng.choice(_orders(trace))
    right = trace.steps[place].arguments["quantity"]
    others = [number for number in (right - 1, right + 1, right * 10, 2 * right) if number > 0]
    return _with(trace, place, quantity=rng.choice(others))


def _repeated(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Place an order of the batch again, in the session after the restart or the last one."""
    again = trace.steps[rng.choice([p for p in _orders(trace) if _is_before(scenario, trace, p)])]
    step = again._replace(seat=seat(rng.choice((scenario.cut + 1, scenario.sessions))))
    last = [p for p, other in enumerate(trace.steps) if int(other.seat[1:]) <= int(step.seat[1:])]
    end = last[-1] + (trace.steps[last[-1]].name != "close_book")
    return Trace((*trace.steps[:end], step, *trace.steps[end:]), trace.answer)


def _is_before(scenario: Scenario, trace: Trace, place: int) -> bool:
    return trace.steps[place].seat == seat(scenario.cut)


def _lost(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Leave out an order that was to be placed after the restart."""
    later = [place for place in _orders(trace) if not _is_before(scenario, trace, place)]
    return _without(trace, {rng.choice(later)})


def _never_begun(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Leave out one order or more of those that the killed session made."""
    first = [place for place in _orders(trace) if _is_before(scenario, trace, place)]
    return _without(trace, {rng.choice(first)})


def _uncalled(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Order an item that nobody asked for, on its right terms."""
    asked = {wanted.item for wanted in (*scenario.batch, *scenario.final)}
    others = [item for item in scenario.items if item not in asked]
    like = scenario.due[0]._replace(item=rng.choice(others), quantity=rng.integer(1, 90))
    given = arguments(scenario.standing, like)
    return _before_closing(trace, _at_last(scenario, "place_order", given))


def _needless_gap(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Report a term that is agreed."""
    item, term = rng.choice(sorted(scenario.standing))
    step = _at_last(scenario, "report_gap", {"item": item, "term": term})
    return _before_closing(trace, step)


def _filled_gap(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Order an open item too, what is missing made up."""
    items = sorted({item for item, _ in scenario.gaps})
    if not items:
        return None
    item = rng.choice(items)
    wanted = next(wanted for wanted in scenario.final if wanted.item == item)
    made_up: dict[Key, str] = {(wanted.item, term): draw_value(rng, term) for term in TERMS}
    given = arguments(made_up | dict(scenario.standing), wanted)
    return Trace((*trace.steps, _at_last(scenario, "place_order", given)), trace.answer)


def _unreported(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    gaps = [place for place, step in enumerate(trace.steps) if step.name == "report_gap"]
    if not gaps:
        return None
    place = rng.choice(gaps)
    if rng.chance(50):
        return _without(trace, {place})
    right = trace.steps[place].arguments["term"]
    return _with(trace, place, term=rng.choice([term for term in TERMS if term != right]))


def _told(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Tell in a remark, or act on, what was to be forgotten."""
    gaps = [place for place, step in enumerate(trace.steps) if step.name == "report_gap"]
    if not gaps or not scenario.forgotten:
        return None
    _, value = rng.choice(scenario.forgotten)
    remark = rng.choice(("it was {}", "{}?", "not to be used: {}", "formerly {} by agreement"))
    return _with(trace, rng.choice(gaps), remark=remark.format(value.lower()))


def _left_open(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    return None if scenario.gaps else _without(trace, {len(trace.steps) - 1})


def _closed_anyway(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    """Close the book though an item is open."""
    if not scenario.gaps:
        return None
    return Trace((*trace.steps, _at_last(scenario, "close_book", {})), trace.answer)


def _other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    answer = _answer(trace)
    status = rng.choice([status for status in _STATUSES if status != answer.status])
    return Trace(trace.steps, Answer(status, answer.reason, answer.values))


def _other_reason(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Give for a reason the code of another gap, a misread one, or none."""
    answer = _answer(trace)
    if answer.reason is None:
        return None
    item, term = scenario.final[0].item, rng.choice(FORGETTABLE)
    other = gap_code(scenario.secret, [*scenario.gaps, (item, term), (item, "unit_price")])
    reason = rng.choice((other, _one_letter_off(answer.reason, rng), None))
    return Trace(trace.steps, Answer(answer.status, reason))


def _other_code(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Misread a letter of the closing code, or leave it out."""
    answer = _answer(trace)
    if not answer.values:
        return None
    right = answer.values["closing_code"]
    code = rng.choice((_one_letter_off(right, rng), None))
    return Trace(trace.steps, Answer("done", right, {"closing_code": code}))


def _no_answer(_: Scenario, trace: Trace, __: Rng) -> Trace:
    return Trace(trace.steps, None)


def _one_letter_off(token: str, rng: Rng) -> str:
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("as_first_said", "goal.latest", _on(first_said)),
    Mutation("as_withdrawn", "goal.latest", _on(_unwithdrawn)),
    Mutation("as_last_mentioned", "goal.latest", _on(last_mentioned)),
    Mutation("as_the_sister_has_it", "goal.latest", _on(_sister)),
    Mutation("misremembered", "goal.latest", _misremembered),
    Mutation("mixed_up", "goal.latest", _mixed_up),
    Mutation("other_quantity", "goal.quantity", _other_quantity),
    Mutation("repeated", "goal.once", _repeated),
    Mutation("lost", "goal.ordered", _lost),
    Mutation("never_begun", "goal.ordered", _never_begun),
    Mutation("uncalled", "frame", _uncalled),
    Mutation("needless_gap", "frame", _needless_gap),
    Mutation("filled_gap", "frame", _filled_gap),
    Mutation("closed_anyway", "frame", _closed_anyway),
    Mutation("unreported", "goal.gap", _unreported),
    Mutation("told", "conduct.forgotten", _told),
    Mutation("left_open", "goal.closed", _left_open),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("other_reason", "answer.reason", _other_reason),
    Mutation("other_code", "answer.values.closing_code", _other_code),
    Mutation("no_answer", "answer.missing", _no_answer),
)
