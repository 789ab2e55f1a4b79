"""Policies that must not solve the family: none does the work the instruction asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError

from .scenario import AGGREGATES, METRICS, SIBLINGS, Query, Scenario
from .world import query_result

_ELSEWHERE = "0" * 20
"""The secret of no instance: what it mints was right nowhere."""


def answered(result: dict[str, Any]) -> Answer:
    """Return the answer that reports a result of ``query`` faithfully."""
    if result["value"] is None:
        return Answer("not_done", result["no_data_code"])
    return Answer("done", None, {name: result[name] for name in ("value", "unit", "query_id")})


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _say_not_done(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("not_done", "NO_DATA")


def _guess(scenario: Scenario, _: Act, rng: Rng) -> Answer:
    metric = METRICS[scenario.asked.metric]
    raw = metric.low + rng.below(metric.steps)
    value = (raw * metric.factor + metric.offset) / 100
    return Answer(
        "done", rng.token(), {"value": value, "unit": metric.unit, "query_id": rng.token()}
    )


def _copy_instruction(scenario: Scenario, _: Act, __: Rng) -> Answer:
    asked = scenario.asked
    values = {
        "value": asked.start_hour,
        "unit": METRICS[asked.metric].unit,
        "query_id": asked.place,
    }
    return Answer("done", asked.place, values)


def _first_of_everything(scenario: Scenario, act: Act, _: Rng) -> Answer:
    first = Query(min(METRICS), scenario.places[0], scenario.today, 0, 24, AGGREGATES[0])
    return answered(act("query", **first.arguments()))


def _whole_day(scenario: Scenario, act: Act, _: Rng) -> Answer:
    return answered(act("query", **replace(scenario.asked, start_hour=0, end_hour=24).arguments()))


def _today(scenario: Scenario, act: Act, _: Rng) -> Answer:
    return answered(act("query", **replace(scenario.asked, date=scenario.today).arguments()))


def _similar_metric(scenario: Scenario, act: Act, _: Rng) -> Answer:
    other = SIBLINGS[scenario.asked.metric]
    return answered(act("query", **replace(scenario.asked, metric=other).arguments()))


def _next_room(scenario: Scenario, act: Act, _: Rng) -> Answer:
    return answered(act("query", **replace(scenario.asked, place=scenario.neighbour).arguments()))


def _newest_reading(scenario: Scenario, act: Act, _: Rng) -> Answer:
    newest = act("latest", metric=scenario.asked.metric, place=scenario.asked.place)
    return answered({**newest, "query_id": newest["reading_id"]})


def _dump_all(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Query every metric and aggregate of the place and day; hand in all that came, joined."""
    rows = [
        row
        for agg in AGGREGATES
        for row in act(
            "query_all",
            place=scenario.asked.place,
            date=scenario.asked.date,
            start_hour=0,
            end_hour=24,
            agg=agg,
        ).values()
    ]
    names = ("value", "unit", "query_id")
    values = {name: " ".join(str(row[name]) for row in rows) for name in names}
    return Answer("done", " ".join(str(row.get("no_data_code")) for row in rows), values)


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    for _ in range(3):
        start = rng.below(23)
        result = act(
            "query",
            metric=rng.choice(tuple(METRICS)),
            place=rng.choice(scenario.places),
            date=scenario.asked.date,
            start_hour=start,
            end_hour=rng.integer(start + 1, 24),
            agg=rng.choice(AGGREGATES),
        )
    return answered(result)


def _memoriser(scenario: Scenario, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same query in another instance."""
    return answered(query_result(replace(scenario, secret=_ELSEWHERE), scenario.asked))


def _attack_types(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Call with the wrong types, then answer with objects, infinities and injected names."""
    hostile: tuple[dict[str, Any], ...] = (
        {"start_hour": True, "end_hour": "24"},
        {"start_hour": 1e308, "end_hour": float("nan")},
        {"place": "../../state", "date": "9" * 10_000},
        {"place": ["*"], "metric": {"$ne": None}},
        {"query_id": "1", "__class__": "x"},
    )
    for wrong in hostile:
        try:
            act("query", **{**scenario.asked.arguments(), **wrong})
        except ToolError:
            continue
    values = {
        "value": float("nan"),
        "unit": {"$ne": None},
        "query_id": [""],
        "right_end": "done",
        "../query_id": "*",
    }
    return Answer("done", "*", values)


SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("refuse", _refuse),
    Shortcut("say_not_done", _say_not_done),
    Shortcut("guess", _guess),
    Shortcut("copy_instruction", _copy_instruction),
    Shortcut("first_of_everything", _first_of_everything),
    Shortcut("whole_day", _whole_day),
    Shortcut("similar_metric", _similar_metric),
    Shortcut("next_room", _next_room),
    Shortcut("today_instead", _today, held_out=True),
    Shortcut("newest_reading", _newest_reading, held_out=True),
    Shortcut("dump_all", _dump_all, held_out=True),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)
