"""Changes of the oracle's trace, each of which breaks the requirement it names."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer, Mutation, Step, Trace

from .checks import VALIDATIONS
from .form import CHOICES, DATES, FIELDS, hours_minutes
from .shapes import VALUES
from .world import question_code, ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Rng
    from conformance.authoring.answer import Status

    from .form import Fields
    from .scenario import Scenario


def other_value(name: str, wanted: Fields, rng: Rng) -> Any:
    """Return a well-formed value for a field that differs from the wanted one."""
    value = wanted[name]
    if name in CHOICES:
        return rng.choice([choice for choice in CHOICES[name] if choice != value])
    if name in DATES:
        step = rng.integer(1, 40) * (-1 if name == "start_after" else 1)
        return (date.fromisoformat(value) + timedelta(days=step)).isoformat()
    if name == "dataset":
        return value[:-1] + rng.choice([letter for letter in "jkmnpqrstv" if letter != value[-1]])
    if name == "wall_time":
        return rng.choice([t for t in map(hours_minutes, VALUES[name]) if t != value])
    return rng.choice([number for number in VALUES[name] if number != value])


def _changed(scenario: Scenario, rng: Rng, names: list[str]) -> Fields:
    name = rng.choice(names)
    return scenario.wanted | {name: other_value(name, scenario.wanted, rng)}


def _wrong_field(name: str) -> Callable[[Scenario, Trace, Rng], Trace | None]:
    def apply(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
        if scenario.about:
            return None
        return _submitting(scenario, trace, _changed(scenario, rng, [name]))

    return apply


def _submitting(scenario: Scenario, trace: Trace, fields: Fields) -> Trace:
    """Return the trace with these fields submitted and their ticket answered."""
    values = {"ticket": ticket(scenario.secret, fields)}
    steps = (*trace.steps[:-1], Step("submit", fields))
    return Trace(steps, Answer("done", None, values))


def _never_submitted(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    return None if scenario.about else Trace(trace.steps[:-1], trace.answer)


def _submitted_twice(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    return None if scenario.about else Trace((*trace.steps, trace.steps[-1]), trace.answer)


def _another_job_too(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if scenario.about:
        return None
    extra = Step("submit", _changed(scenario, rng, list(FIELDS)))
    return Trace((extra, *trace.steps), trace.answer)


def _validated_often(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    checks = [
        Step("validate", {"fields": _changed(scenario, rng, list(scenario.wanted))})
        for _ in range(VALIDATIONS + 1)
    ]
    return Trace((*checks, *trace.steps), _less_sure(trace.answer))


def _less_sure(answer: Answer | None) -> Answer | None:
    """Return the same answer with another confidence, so that the end is not the oracle's."""
    return answer and Answer(answer.status, answer.reason, answer.values, 0.5)


def _ticket_of_another_job(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if scenario.about:
        return None
    values = {"ticket": ticket(scenario.secret, _changed(scenario, rng, list(FIELDS)))}
    return Trace(trace.steps, Answer("done", None, values))


def _wrong_status(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if trace.answer is None:
        return None
    right = "needs_input" if scenario.about else "done"
    statuses: list[Status] = ["done", "not_done", "refused", "needs_input"]
    status = rng.choice([other for other in statuses if other != right])
    return Trace(trace.steps, Answer(status, trace.answer.reason, trace.answer.values))


def _asking(scenario: Scenario, trace: Trace, kind: str, about: list[str], fields: Fields) -> Trace:
    """Return the trace with this question drafted and its code answered."""
    step = Step("draft_question", {"kind": kind, "about": about, "fields": fields})
    code = question_code(scenario.secret, kind, about, fields)
    return Trace((*trace.steps[:-1], step), Answer("needs_input", code))


def _wrong_draft(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if not scenario.about:
        return None
    fields = _changed(scenario, rng, list(scenario.wanted))
    return _asking(scenario, trace, scenario.kind, list(scenario.about), fields)


def _wrong_question(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if not scenario.about:
        return None
    name = rng.choice(list(scenario.wanted))
    fields = _guessed(scenario, rng)
    return _asking(
        scenario, trace, scenario.kind, [name], {n: v for n, v in fields.items() if n != name}
    )


def _wrong_kind(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    if not scenario.about:
        return None
    kind = "contradiction" if scenario.kind == "missing" else "missing"
    return _asking(scenario, trace, kind, list(scenario.about), scenario.wanted)


def _needless_question(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if scenario.about:
        return None
    name = rng.choice(FIELDS)
    others = {n: v for n, v in scenario.wanted.items() if n != name}
    return _asking(scenario, trace, rng.choice(("missing", "contradiction")), [name], others)


def _guessed(scenario: Scenario, rng: Rng) -> Fields:
    """Return the whole form with the fields in doubt filled in by guess."""
    first, *_ = sorted(scenario.jobs)
    far = {"start_after": scenario.today, "finish_by": "2031-01-01"}
    model = scenario.jobs[first] | far | scenario.wanted
    guesses = {n: other_value(n, model, rng) for n in scenario.about if n not in DATES}
    return {name: (model | guesses)[name] for name in FIELDS}


def _submitted_by_guess(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if not scenario.about:
        return None
    return _submitting(scenario, trace, _guessed(scenario, rng))


def _submitted_while_asking(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if not scenario.about:
        return None
    return Trace((*trace.steps, Step("submit", _guessed(scenario, rng))), trace.answer)


def _token_of_nothing(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if not scenario.about:
        return None
    return Trace(trace.steps, Answer("needs_input", rng.choice((None, rng.token()))))


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    *(Mutation(f"wrong_{name}", f"goal.{name}", _wrong_field(name)) for name in FIELDS),
    Mutation("never_submitted", "goal.submitted", _never_submitted),
    Mutation("submitted_twice", "conduct.one_submit", _submitted_twice),
    Mutation("another_job_too", "frame", _another_job_too),
    Mutation("validated_often", "conduct.validate_budget", _validated_often),
    Mutation("ticket_of_another_job", "answer.values.ticket", _ticket_of_another_job),
    Mutation("wrong_status", "answer.status", _wrong_status),
    Mutation("needless_question", "goal.submitted", _needless_question),
    Mutation("wrong_draft", "answer.reason", _wrong_draft),
    Mutation("wrong_question", "answer.reason", _wrong_question),
    Mutation("wrong_kind", "answer.reason", _wrong_kind),
    Mutation("token_of_nothing", "answer.reason", _token_of_nothing),
    Mutation("submitted_by_guess", "frame", _submitted_by_guess),
    Mutation("submitted_while_asking", "frame", _submitted_while_asking),
)
