"""From chip to solved task: the figure of each step, or the reason why it is not known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from conformance.evidence.documents import Words
from conformance.report.inert import inert_line
from conformance.report.numbers import UNKNOWN, percent
from conformance.report.profile_words import (
    accelerators,
    codes_of,
    endpoint_name,
    figure,
    joules,
    model_name,
    money,
    reasons_of,
    vendor_name,
    with_unit,
)
from conformance.report.texts import both, joined, say

if TYPE_CHECKING:
    from conformance.profile.document import Energy, Point, ProfileDocument, SolvedPoint


class Figure(NamedTuple):
    """A figure of a step; its value is None where it is not known, and then ``why`` says why."""

    label: Words
    value: Words | None
    why: Words | None = None
    is_main: bool = False


class Step(NamedTuple):
    """One step of the chain."""

    id: str
    layer: Words
    title: Words
    name: Words
    figures: tuple[Figure, ...]


def chain(document: ProfileDocument) -> tuple[Step, ...]:
    """Return the four steps; every figure is a headline's, so none is of an invalid point."""
    return (_chip(document), _endpoint(document), _agent(document), _task(document))


def headline_point(document: ProfileDocument) -> Point | None:
    """Return the valid point that the headline was made of."""
    head = document.headline
    for point in document.points:
        same = point.concurrency == head.concurrency
        if point.valid and same and point.output_tokens_per_s == head.output_tokens_per_s:
            return point
    return None


def chips(document: ProfileDocument) -> Words:
    """Return what accelerators there are: ``2 × NVIDIA H100``."""
    found = Counter((item.vendor, inert_line(item.name, 60)) for item in accelerators(document))
    if not found:
        return say("profile.why_no_accelerator")
    return joined(
        [
            Words(
                f"{count} × {vendor_name(vendor).zh} {name}".rstrip(),
                f"{count} × {vendor_name(vendor).en} {name}".rstrip(),
            )
            for (vendor, name), count in found.items()
        ]
    )


def _chip(document: ProfileDocument) -> Step:
    head, point = document.headline, headline_point(document)
    speed = _why_speed(document)
    no_chip = None if accelerators(document) else say("profile.why_no_accelerator")
    energy = None if document.devices else say("profile.why_no_power")
    if energy is None and point is not None:
        energy = _why_energy(document, point.energy)
    return Step(
        "chip",
        say("profile.layer_hardware"),
        say("profile.step_chip"),
        chips(document),
        (
            _figure(
                "per_accelerator", head.tokens_per_s_per_accelerator, no_chip or speed, main=True
            ),
            _figure(
                "j_token", head.j_per_output_token, energy or speed, joules(head.j_per_output_token)
            ),
        ),
    )


def _endpoint(document: ProfileDocument) -> Step:
    head = document.headline
    why = _why_speed(document)
    no_slo = None if document.slo.is_set else say("profile.why_no_slo")
    ttft = f"{figure(head.ttft_p50_ms)} / {figure(head.ttft_p99_ms)} ms"
    goodput = say("profile.goodput_value", value=figure(head.goodput_per_s))
    return Step(
        "endpoint",
        say("profile.layer_endpoint"),
        say("profile.step_endpoint"),
        both(model_name(document) if model_name(document) != UNKNOWN else endpoint_name(document)),
        (
            _figure("tokens_per_s", head.output_tokens_per_s, why, main=True),
            _figure("at_load", head.concurrency, why),
            _figure("ttft", head.ttft_p50_ms, why, ttft),
            _figure("tpot", head.tpot_p50_ms, why, with_unit(head.tpot_p50_ms, "ms")),
            _figure("goodput", head.goodput_per_s, no_slo or why, goodput),
        ),
    )


def _agent(document: ProfileDocument) -> Step:
    agent = document.layers.application.get("agent")
    agent = agent if isinstance(agent, dict) else {}
    known = next((agent[key] for key in ("name", "agent", "kind") if agent.get(key)), UNKNOWN)
    name = both(inert_line(str(known), 80))
    if known == UNKNOWN and document.agents is not None:
        name = say("profile.name_replay", bundle=inert_line(document.agents.bundle, 12))
    if document.agents is None:
        why = say("profile.why_no_replay")
    elif document.reasons:
        why = say("profile.why_whole", codes=codes_of(document.reasons))
    elif not any(item.point.valid for item in document.agents.points):
        reasons = [reason for item in document.agents.points for reason in item.point.reasons]
        why = say("profile.why_invalid", codes=codes_of(reasons))
    else:
        why = say("profile.why_not_sustained")
    return Step(
        "agent",
        say("profile.layer_application"),
        say("profile.step_agent"),
        name,
        (_figure("agents", document.headline.agents, why, main=True),),
    )


def _task(document: ProfileDocument) -> Step:
    head, given = document.headline, document.inputs
    window = _window(document)
    why = _why_solved(document, window)
    unsolved = say("profile.why_none_solved") if window is not None and not window.solved else None
    each = unsolved or why
    energy = None if window is None else _why_energy(document, window.energy)
    no_carbon = say("profile.why_no_carbon") if given.carbon_g_per_kwh is None else None
    prices = (
        given.price_per_kwh,
        given.price_per_hour,
        given.price_per_million_input,
        given.price_per_million_output,
    )
    no_price = say("profile.why_no_price") if all(price is None for price in prices) else None
    rate = None if head.solve_rate is None else percent(head.solve_rate)
    grams = say("profile.grams", value=figure(head.gco2_per_solved_task))
    paid = money(head.money_per_solved_task, given.currency)
    return Step(
        "task",
        say("profile.layer_result"),
        say("profile.step_task"),
        both(UNKNOWN)
        if window is None
        else say("profile.name_trials", solved=window.solved, trials=window.trials),
        (
            _figure("solved_per_hour", head.solved_per_hour, why, main=True),
            _figure("solve_rate", head.solve_rate, why, rate),
            _figure(
                "j_solved",
                head.j_per_solved_task,
                unsolved or energy or why,
                joules(head.j_per_solved_task),
            ),
            _figure("money_solved", head.money_per_solved_task, no_price or each, paid),
            _figure(
                "gco2_solved", head.gco2_per_solved_task, no_carbon or unsolved or energy or why,
                grams,
            ),
        ),
    )  # fmt: skip


def _figure(
    key: str,
    value: float | None,
    why: Words,
    shown: str | Words | None = None,
    *,
    main: bool = False,
) -> Figure:
    label = say(f"profile.{key}")
    if value is None:
        return Figure(label, None, why, main)
    text = figure(value) if shown is None else shown
    return Figure(label, both(text) if isinstance(text, str) else text, None, main)


def _window(document: ProfileDocument) -> SolvedPoint | None:
    """Return the window of trials that the headline was made of, else the first there is."""
    head = document.headline.solved_per_hour
    for window in document.solved:
        if window.valid and head is not None and window.solved_per_hour == head:
            return window
    return document.solved[0] if document.solved else None


def _why_speed(document: ProfileDocument) -> Words:
    if not document.points:
        return say("profile.why_no_points")
    if not any(point.valid for point in document.points):
        return say("profile.why_invalid", codes=codes_of(reasons_of(document)))
    if document.reasons:
        return say("profile.why_whole", codes=codes_of(document.reasons))
    if document.headline.concurrency is None:
        return say("profile.why_no_headline")
    return say("profile.why_not_told")


def _why_energy(document: ProfileDocument, energy: Energy | None) -> Words | None:
    """Return why no energy is known; None where it is."""
    if energy is None or not document.devices:
        return say("profile.why_no_power")
    if energy.valid and energy.joules is not None:
        return None
    reasons = [*energy.reasons, *(r for device in energy.devices for r in device.reasons)]
    return say("profile.why_energy", codes=codes_of(reasons))


def _why_solved(document: ProfileDocument, window: SolvedPoint | None) -> Words:
    if window is None:
        return say("profile.why_no_trials")
    if not window.valid:
        return say("profile.why_trials_invalid", codes=codes_of(window.reasons))
    if document.reasons:
        return say("profile.why_whole", codes=codes_of(document.reasons))
    return say("profile.why_none_solved")
