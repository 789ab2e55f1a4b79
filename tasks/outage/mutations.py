"""Operators that break one requirement of the oracle's trace each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Step

from .catalogue import KINDS, draw_approved
from .profile import PARTS, SETTERS
from .safety_mutations import inexact_undo, other_order, repairs_on, unsafe
from .system import cell, faulty_item, finding, gap_code, probe_id, proof
from .toolkit import Shape, fix_call, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from conformance.authoring import Rng, Status, Trace

    from .scenario import Atom, Scenario

_STATUSES: tuple[Status, ...] = ("done", "not_done", "refused", "needs_input")
_FIXES = {name for row in KINDS.values() for name in (row.fix, row.new_fix)}
_SHAPES: tuple[Shape, ...] = ("first", "renamed", "reshaped")
_MOST_REPEATS = 6


def skipped_fix(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Leave a repair out."""
    places = _fix_places(trace)
    if not places:
        return None
    at = rng.choice(places)
    return trace._replace(steps=trace.steps[:at] + trace.steps[at + 1 :])


def wrong_item(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Repair another item of the kind instead."""

    def other(atom: Atom) -> tuple[str, Any]:
        approved = cell(scenario, atom.service, atom.kind).approved
        item = rng.choice([name for name in approved if name != faulty_item(scenario, atom)])
        return item, approved[item]

    return _other_fix(scenario, trace, rng, other)


def wrong_value(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Set a route or a key to what it is not approved to be."""

    def other(atom: Atom) -> tuple[str, Any]:
        approved = value = _approved(scenario, atom)
        while value == approved:
            value = draw_approved(rng, atom.kind)
        return faulty_item(scenario, atom), value

    valued = {kind for kind, row in KINDS.items() if row.rule == "differs"}
    return _other_fix(scenario, trace, rng, other, valued)


def tool_not_offered(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Use a repair in a shape that it had before, or never had."""
    places = _fix_places(trace)
    if not places:
        return None
    turn = rng.below(len(places))
    atom = scenario.atoms[turn]
    now = shape_of(scenario, atom.kind, has_drifted=turn > 0)
    shape = rng.choice([shape for shape in _SHAPES if shape != now])
    item = faulty_item(scenario, atom)
    call = fix_call(atom.kind, shape, atom.service, item, _approved(scenario, atom))
    return _put(trace, places[turn], call)


def extra_fix(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Repair what is in order as well."""
    if scenario.case == "profile":
        return None
    kind = rng.choice([kind for kind in scenario.kinds if kind != scenario.drifting])
    faults = {(atom.service, atom.kind) for atom in (*scenario.atoms, scenario.elsewhere)}
    service = rng.choice([name for name in scenario.services if (name, kind) not in faults])
    item = rng.choice(list(cell(scenario, service, kind).readings))
    return _first(trace, fix_call(kind, "first", service, item, draw_approved(rng, kind)))


def elsewhere_too(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Repair another team's fault as well, or instead of restoring it as it should be."""
    if scenario.case == "profile":
        return None
    atom = scenario.elsewhere
    item = rng.choice(list(cell(scenario, atom.service, atom.kind).readings))
    value = draw_approved(rng, atom.kind)
    return _first(trace, fix_call(atom.kind, "first", atom.service, item, value))


def restarts(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Restart a service, or all."""
    step = Step("restart_service", {"service": rng.choice(scenario.services)})
    if rng.chance(20):
        step = Step("restart_all", {})
    at = rng.below(len(trace.steps) + 1)
    return trace._replace(steps=(*trace.steps[:at], step, *trace.steps[at:]))


def over_budget(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Repeat a right change until the budget is spent, and then some."""
    names = set(SETTERS.values()) if scenario.case == "profile" else _FIXES
    places = [at for at, step in enumerate(trace.steps) if step.name in names]
    if not places:
        return None
    at = rng.choice(places)
    more = scenario.budget + rng.below(_MOST_REPEATS)
    again = (trace.steps[at],) * more
    return trace._replace(steps=(*trace.steps[:at], *again, *trace.steps[at:]))


def other_cause(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Report another finding for one of the causes."""
    causes = _causes(trace)
    if not causes:
        return None
    at = rng.below(len(causes))
    atom = scenario.atoms[at]
    kind = rng.choice([kind for kind in scenario.kinds if kind != atom.kind])
    wrong = (
        _misread(causes[at], rng),
        finding(scenario, atom.service, kind, []),
        finding(scenario, atom.service, atom.kind, []),
        proof(scenario, scenario.elsewhere),
    )
    causes[at] = rng.choice(wrong)
    return _with_values(trace, causes=causes)


def other_causes(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Leave a cause out, add another team's, or tell them in another order."""
    causes = _causes(trace)
    if not causes:
        return None
    at = rng.below(len(causes))
    match rng.below(3):
        case 0:
            del causes[at]
        case 1:
            causes.insert(at, proof(scenario, scenario.elsewhere))
        case _:
            causes = [*causes[:at], *causes[at + 1 :], causes[at], *causes[:1]]
    return _with_values(trace, causes=causes)


def other_probe(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Report another probe."""
    if trace.answer is None or "probe_id" not in trace.answer.values:
        return None
    given = trace.answer.values["probe_id"]
    other = rng.choice([name for name in scenario.services if name != scenario.target])
    wrong = (
        probe_id(scenario, scenario.target, is_up=False),
        probe_id(scenario, other, is_up=True),
        _misread(given, rng),
        None,
    )
    return _with_values(trace, probe_id=rng.choice(wrong))


def other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Report another status."""
    given = trace.answer or Answer("done")
    status = rng.choice([status for status in _STATUSES if status != given.status])
    return trace._replace(answer=Answer(status, given.reason, given.values, given.confidence))


def wrong_end(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Name a cause where none can be known, abstain where it can."""
    confidence = rng.integer(50, 100) / 100
    if scenario.case == "undecidable":
        kind = rng.choice(scenario.withheld)
        guess = finding(scenario, scenario.root.service, kind, "withheld")
        return trace._replace(answer=Answer("done", None, {"causes": [guess]}, confidence))
    if scenario.case == "decidable":
        gap = gap_code(scenario, scenario.root.service)
        return trace._replace(answer=Answer("needs_input", gap, {}, confidence))
    return None


def other_reason(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Give another reason, or none."""
    answer = trace.answer
    if answer is None or answer.reason is None:
        return None
    wrong = (
        _misread(answer.reason, rng),
        _misread(answer.reason, rng),
        gap_code(scenario, scenario.target),
        scenario.incident,
        None,
    )
    given = Answer(answer.status, rng.choice(wrong), answer.values, answer.confidence)
    return trace._replace(answer=given)


def no_answer(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Hand in nothing, at the end or when half through the last calls."""
    steps = trace.steps[: len(trace.steps) - rng.below(2)]
    return trace._replace(steps=steps, answer=None)


def _approved(scenario: Scenario, atom: Atom) -> Any:
    return cell(scenario, atom.service, atom.kind).approved[faulty_item(scenario, atom)]


def _causes(trace: Trace) -> list[str]:
    return list(trace.answer.values.get("causes", ())) if trace.answer is not None else []


def _fix_places(trace: Trace) -> list[int]:
    """Return the places of the repairs; none where the profile was left or nothing may change."""
    if any(step.name.removeprefix("set_") in PARTS for step in trace.steps):
        return []
    return [at for at, step in enumerate(trace.steps) if step.name in _FIXES]


def _other_fix(
    scenario: Scenario,
    trace: Trace,
    rng: Rng,
    other: Callable[[Atom], tuple[str, Any]],
    kinds: Container[str] = KINDS,
) -> Trace | None:
    """Put another item and value, which ``other`` gives, into a repair of one of ``kinds``."""
    places = _fix_places(trace)
    turns = [turn for turn in range(len(places)) if scenario.atoms[turn].kind in kinds]
    if not turns:
        return None
    turn = rng.choice(turns)
    atom = scenario.atoms[turn]
    shape = shape_of(scenario, atom.kind, has_drifted=turn > 0)
    if shape is None:
        return None
    return _put(trace, places[turn], fix_call(atom.kind, shape, atom.service, *other(atom)))


def _put(trace: Trace, at: int, call: tuple[str, dict[str, Any]]) -> Trace:
    return trace._replace(steps=(*trace.steps[:at], Step(*call), *trace.steps[at + 1 :]))


def _first(trace: Trace, call: tuple[str, dict[str, Any]]) -> Trace:
    return trace._replace(steps=(Step(*call), *trace.steps))


def _with_values(trace: Trace, **values: Any) -> Trace | None:
    if trace.answer is None:
        return None
    given = trace.answer
    return trace._replace(
        answer=Answer(given.status, given.reason, {**given.values, **values}, given.confidence)
    )


def _misread(token: str, rng: Rng) -> str:
    """Return a token with one character read wrong."""
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("skipped_fix", "goal.slo", skipped_fix),
    Mutation("wrong_item", "goal.slo", wrong_item),
    Mutation("wrong_value", "goal.slo", wrong_value),
    Mutation("tool_not_offered", "goal.slo", tool_not_offered),
    Mutation("extra_fix", "frame", extra_fix),
    Mutation("elsewhere_too", "frame", elsewhere_too),
    Mutation("restarts", "frame", restarts),
    Mutation("over_budget", "conduct.budget", over_budget),
    Mutation("unsafe", "goal.safe_state", unsafe),
    Mutation("inexact_undo", "goal.undone", inexact_undo),
    Mutation("other_order", "conduct.safe_order", other_order),
    Mutation("repairs_on", "conduct.stop", repairs_on),
    Mutation("other_cause", "answer.values.causes", other_cause),
    Mutation("other_causes", "answer.values.causes", other_causes),
    Mutation("other_probe", "answer.values.probe_id", other_probe),
    Mutation("other_status", "answer.status", other_status),
    Mutation("wrong_end", "answer.status", wrong_end),
    Mutation("other_reason", "answer.reason", other_reason),
    Mutation("no_answer", "answer.missing", no_answer),
)
