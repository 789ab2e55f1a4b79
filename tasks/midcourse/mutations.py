"""Operators that break one requirement of the oracle's trace each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Step

from .checks import moments
from .conditions import Right, changed, fits, fitting, right_plan
from .tokens import notice_code, plan_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Rng, Status, Trace

    from .scenario import Notice, Scenario

_STATUSES: tuple[Status, ...] = ("done", "not_done", "refused", "needs_input")
_READS = ("timetable", "list_orders", "show_plan", "read_notices")
_DAYS = 9


class _Arrival(NamedTuple):
    """A notice that comes for the first time, beside the call at ``place``."""

    place: int
    notice: Notice
    order: str


def _arrivals(scenario: Scenario, trace: Trace) -> list[_Arrival]:
    found = []
    for moment in moments(scenario, trace.steps):
        for number in range(moment.before["delivered"], moment.after["delivered"]):
            if scenario.first_delivery(number):
                notice = scenario.notices[scenario.deliveries[number].notice]
                found.append(_Arrival(moment.place, notice, notice.order))
    return found


def _events(scenario: Scenario, trace: Trace) -> list[_Arrival]:
    return [arrival for arrival in _arrivals(scenario, trace) if arrival.notice.matters]


def forgets(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Do nothing about one order after the notice that changes it."""
    place, _, order = rng.choice(_events(scenario, trace))
    kept = [
        step
        for at, step in enumerate(trace.steps)
        if at <= place or step.arguments.get("order") != order
    ]
    return trace._replace(steps=tuple(kept))


def leaves_pickup(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Move a booking and leave its truck where it was."""
    places = _places(trace, "cancel_pickup")
    if not places:
        return None
    at = rng.choice(places)
    order = trace.steps[at].arguments["order"]
    again = [p for p in _places(trace, "order_pickup", order) if p > at]
    return _without(trace, at, *again)


def late(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Look things up for too long before undoing what is obsolete."""
    place = rng.choice(_events(scenario, trace)).place
    more = scenario.lead + rng.below(3)
    reads = [Step(rng.choice(_READS), {}) for _ in range(more)]
    return _inserted(trace, place + 1, *reads)


def believes(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Act on a notice that is not genuine."""
    false = [a for a in _arrivals(scenario, trace) if not a.notice.is_true]
    place, notice, order = rng.choice(false)
    state = _state_after(scenario, trace, place)
    if order not in state["bookings"]:
        return None
    standing = scenario.standings[state["delivered"]]
    believed = right_plan(changed(standing, notice.change)).get(order)
    steps = [Step("release", {"order": order})]
    if believed is not None:
        steps.append(_book(order, believed.departure, believed.tonnes))
    return _inserted(trace, place + 1, *steps)


def rebooks(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Release a booking that is right, and book the same again."""
    held = _right_things(scenario, trace, "bookings")
    if not held:
        return None
    place, order, right = rng.choice(held)
    again = _book(order, right.departure, right.tonnes)
    return _inserted(trace, place + 1, Step("release", {"order": order}), again)


def recalls_truck(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Cancel a pickup that is right, and order it again."""
    held = _right_things(scenario, trace, "pickups")
    if not held:
        return None
    place, order, right = rng.choice(held)
    again = Step("order_pickup", {"order": order, "day": right.day})
    return _inserted(trace, place + 1, Step("cancel_pickup", {"order": order}), again)


def dearer(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Book an order at last on a departure that fits, but is not the cheapest."""
    last = scenario.standings[-1]
    choices = [
        (order, departure.id)
        for order in scenario.last_plan
        for departure in fitting(last, last.orders[order])[1:]
    ]
    return _booked_last(trace, rng, choices)


def unfit(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Book an order at last on a departure that has room, but does not fit."""
    last = scenario.standings[-1]
    choices = [
        (order, departure.id)
        for order in scenario.last_plan
        for departure in scenario.departures
        if departure.room >= last.orders[order].tonnes
        and (
            departure.id not in last.departures
            or not fits(last.orders[order], departure, last.bans)
        )
    ]
    return _booked_last(trace, rng, choices)


def short(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Book less of an order than there is, or more."""
    order = rng.choice(sorted(scenario.last_plan))
    at = _places(trace, "book", order)[-1]
    step = trace.steps[at]
    tonnes = step.arguments["tonnes"] - rng.integer(1, 5)
    return _with(trace, at, Step("book", {**step.arguments, "tonnes": tonnes}))


def unbooked(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Leave an order out at last."""
    order = rng.choice(sorted(scenario.last_plan))
    return _without(trace, *(_places(trace, name, order)[-1] for name in ("book", "order_pickup")))


def other_day(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Order a pickup for another day at last."""
    order, right = rng.choice(sorted(scenario.last_plan.items()))
    at = _places(trace, "order_pickup", order)[-1]
    day = rng.choice([day for day in range(1, _DAYS + 1) if day != right.day])
    return _with(trace, at, Step("order_pickup", {"order": order, "day": day}))


def stays_open(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Do not close the plan, or touch it after it is closed."""
    places = _places(trace, "close_plan")
    if rng.chance(50):
        return _without(trace, places[-1])
    booked = rng.choice(sorted(scenario.last_plan))
    return trace._replace(steps=(*trace.steps, Step("release", {"order": booked})))


def touches_others(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Undo what another team booked."""
    row = rng.choice(scenario.foreign)
    name = rng.choice(("release", "cancel_pickup", "bump"))
    return _inserted(trace, rng.below(len(trace.steps) + 1), Step(name, {"order": row.order}))


def over_budget(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Close the plan again and again."""
    again = (Step("close_plan", {}),) * (scenario.budget + rng.below(6))
    return trace._replace(steps=(*trace.steps, *again))


def other_plan_code(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Report another code of the plan: misread, or of the plan as it was."""
    given = _values(trace)["plan_code"]
    first = scenario.plans[0]
    bookings = {o: {"departure": r.departure, "tonnes": r.tonnes} for o, r in first.items()}
    early = plan_code(scenario, bookings, {order: right.day for order, right in first.items()})
    wrong = (_misread(given, rng), _misread(given, rng), early, None, scenario.plan)
    return _with_values(trace, plan_code=rng.choice(wrong))


def other_notice_codes(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Report one code too few or too many, one misread, or one of a notice that is not genuine."""
    codes = list(_values(trace)["notice_codes"])
    at = rng.below(len(codes))
    match rng.below(5):
        case 0:
            del codes[at]
        case 1:
            codes.insert(at, codes[at])
        case 2:
            codes[at] = _misread(codes[at], rng)
        case 3:
            codes = [*codes[1:], codes[0]]
        case _:
            false = [notice.id for notice in scenario.notices if not notice.is_true]
            codes.insert(at, notice_code(scenario, rng.choice(false)))
    return _with_values(trace, notice_codes=codes)


def other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Report another status."""
    status = rng.choice([status for status in _STATUSES if status != "done"])
    return trace._replace(answer=Answer(status, None, _values(trace)))


def no_answer(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Hand in nothing, at the end or when half through the last calls."""
    steps = trace.steps[: len(trace.steps) - rng.below(4)]
    return trace._replace(steps=steps, answer=None)


def _state_after(scenario: Scenario, trace: Trace, place: int) -> dict[str, Any]:
    """Return the state after the call at ``place``."""
    state: dict[str, Any] = {}
    for moment in moments(scenario, trace.steps[: place + 1]):
        state = moment.after
    return state


def _right_things(scenario: Scenario, trace: Trace, part: str) -> list[tuple[int, str, Right]]:
    """Return the places after which an order's booking or pickup is right, and the right one."""
    found = []
    for moment in moments(scenario, trace.steps):
        state = moment.after
        for order, right in scenario.plans[state["delivered"]].items():
            booking = {"departure": right.departure, "tonnes": right.tonnes}
            value = booking if part == "bookings" else right.day
            if state[part].get(order) == value:
                found.append((moment.place, order, right))
    return found


def _places(trace: Trace, name: str, order: str | None = None) -> list[int]:
    return [
        at
        for at, step in enumerate(trace.steps)
        if step.name == name and order in (None, step.arguments.get("order"))
    ]


def _booked_last(trace: Trace, rng: Rng, choices: list[tuple[str, str]]) -> Trace | None:
    """Put another departure into the last booking of an order."""
    if not choices:
        return None
    order, departure = rng.choice(choices)
    at = _places(trace, "book", order)[-1]
    step = trace.steps[at]
    return _with(trace, at, Step("book", {**step.arguments, "departure": departure}))


def _book(order: str, departure: str, tonnes: int) -> Step:
    return Step("book", {"order": order, "departure": departure, "tonnes": tonnes})


def _inserted(trace: Trace, at: int, *steps: Step) -> Trace:
    return trace._replace(steps=(*trace.steps[:at], *steps, *trace.steps[at:]))


def _with(trace: Trace, at: int, step: Step) -> Trace:
    return trace._replace(steps=(*trace.steps[:at], step, *trace.steps[at + 1 :]))


def _without(trace: Trace, *places: int) -> Trace:
    return trace._replace(steps=tuple(s for at, s in enumerate(trace.steps) if at not in places))


def _values(trace: Trace) -> dict[str, Any]:
    return dict(trace.answer.values) if trace.answer is not None else {}


def _with_values(trace: Trace, **values: Any) -> Trace:
    return trace._replace(answer=Answer("done", None, {**_values(trace), **values}))


def _misread(token: str, rng: Rng) -> str:
    """Return a token with one character read wrong."""
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


_OPERATORS: tuple[tuple[str, Callable[[Scenario, Trace, Rng], Trace | None]], ...] = (
    ("goal.rolled_back", forgets),
    ("goal.rolled_back", leaves_pickup),
    ("conduct.reaction", late),
    ("conduct.overreaction", believes),
    ("conduct.overreaction", rebooks),
    ("conduct.overreaction", recalls_truck),
    ("goal.cost", dearer),
    ("goal.fit", unfit),
    ("goal.fit", short),
    ("goal.fit", unbooked),
    ("goal.pickup", other_day),
    ("goal.closed", stays_open),
    ("frame", touches_others),
    ("conduct.budget", over_budget),
    ("answer.values.plan_code", other_plan_code),
    ("answer.values.notice_codes", other_notice_codes),
    ("answer.status", other_status),
    ("answer.missing", no_answer),
)

MUTATIONS: tuple[Mutation[Scenario], ...] = tuple(
    Mutation(operator.__name__, requirement, operator) for requirement, operator in _OPERATORS
)
