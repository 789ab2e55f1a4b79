"""Operators that break one requirement of the oracle's trace each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Rng, Step, Trace

from .scenario import AGGREGATES, METRICS, SIBLINGS, Query, Scenario
from .world import alarm_limits, query_result

if TYPE_CHECKING:
    from conformance.authoring import Status

_STATUSES: tuple[Status, ...] = ("done", "not_done", "refused", "needs_input")
_BEYOND_LIMITS = 40


def _with_values(trace: Trace, **values: Any) -> Trace | None:
    """Return the trace with some values put in place of the right ones; None where it has none."""
    answer = trace.answer
    if answer is None or not answer.values:
        return None
    return Trace(trace.steps, Answer(answer.status, answer.reason, {**answer.values, **values}))


def _misdirected(scenario: Scenario, trace: Trace, wrong: Query) -> Trace | None:
    """Let the oracle ask ``wrong`` and report its id, where the right query has data."""
    if trace.answer is None or not trace.answer.values:
        return None
    result = query_result(scenario, wrong)
    values = {**trace.answer.values, "query_id": result["query_id"]}
    if result["value"] is not None:
        values |= {"value": result["value"], "unit": result["unit"]}
    return Trace((Step("query", wrong.arguments()),), Answer("done", None, values))


def _other_metric(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    return _misdirected(
        scenario, trace, replace(scenario.asked, metric=SIBLINGS[scenario.asked.metric])
    )


def _other_place(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    others = [place for place in scenario.places if place != scenario.asked.place]
    return _misdirected(scenario, trace, replace(scenario.asked, place=rng.choice(others)))


def _other_window(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    asked = scenario.asked
    shifted = (
        replace(asked, start_hour=asked.start_hour - 1),
        replace(asked, end_hour=asked.end_hour + 1),
        replace(asked, date=scenario.today),
    )
    return _misdirected(scenario, trace, rng.choice(shifted))


def _other_aggregate(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    others = [agg for agg in AGGREGATES if agg != scenario.asked.agg]
    return _misdirected(scenario, trace, replace(scenario.asked, agg=rng.choice(others)))


def _misread_id(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if trace.answer is None or not trace.answer.values:
        return None
    return _with_values(trace, query_id=_one_letter_off(trace.answer.values["query_id"], rng))


def _rounded_value(_: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    if trace.answer is None or not trace.answer.values:
        return None
    hundredths = round(trace.answer.values["value"] * 100) + rng.choice((-100, -10, -1, 1, 10, 100))
    return _with_values(trace, value=hundredths / 100)


def _other_unit(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    right = METRICS[scenario.asked.metric].unit
    units = sorted({metric.unit for metric in METRICS.values()} - {right})
    return _with_values(trace, unit=rng.choice(units))


def _no_id(_: Scenario, trace: Trace, __: Rng) -> Trace | None:
    return _with_values(trace, query_id=None)


def _other_status(_: Scenario, trace: Trace, rng: Rng) -> Trace:
    answer = trace.answer or Answer("done")
    status = rng.choice([status for status in _STATUSES if status != answer.status])
    return Trace(trace.steps, Answer(status, answer.reason, answer.values))


def _invented_value(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Report a number where there is no data."""
    if trace.answer is None or trace.answer.status != "not_done":
        return None
    metric = METRICS[scenario.asked.metric]
    raw = metric.low + rng.below(metric.steps)
    values = {
        "value": (raw * metric.factor + metric.offset) / 100,
        "unit": metric.unit,
        "query_id": query_result(scenario, scenario.asked)["query_id"],
    }
    return Trace(trace.steps, Answer("done", trace.answer.reason, values))


def _other_reason(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Give for a reason the query's id, the neighbour's code, a misread code or none."""
    answer = trace.answer
    if answer is None or answer.reason is None:
        return None
    neighbour = replace(scenario.asked, place=scenario.neighbour)
    wrong = (
        query_result(scenario, scenario.asked)["query_id"],
        query_result(scenario, neighbour)["no_data_code"],
        _one_letter_off(answer.reason, rng),
        None,
    )
    return Trace(trace.steps, Answer(answer.status, rng.choice(wrong), answer.values))


def _touched_alarm(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    place = rng.choice(scenario.places)
    limit = alarm_limits(scenario)[place] + rng.integer(1, _BEYOND_LIMITS)
    step = Step("set_alarm", {"place": place, "limit": limit})
    return Trace((*trace.steps, step), trace.answer)


def _no_answer(_: Scenario, trace: Trace, __: Rng) -> Trace:
    return Trace(trace.steps, None)


def _one_letter_off(token: str, rng: Rng) -> str:
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("other_metric", "answer.values.query_id", _other_metric),
    Mutation("other_place", "answer.values.query_id", _other_place),
    Mutation("other_window", "answer.values.query_id", _other_window),
    Mutation("other_aggregate", "answer.values.query_id", _other_aggregate),
    Mutation("misread_id", "answer.values.query_id", _misread_id),
    Mutation("no_id", "answer.values.query_id", _no_id),
    Mutation("rounded_value", "answer.values.value", _rounded_value),
    Mutation("other_unit", "answer.values.unit", _other_unit),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("invented_value", "answer.status", _invented_value),
    Mutation("other_reason", "answer.reason", _other_reason),
    Mutation("touched_alarm", "frame", _touched_alarm),
    Mutation("no_answer", "answer.missing", _no_answer),
)
