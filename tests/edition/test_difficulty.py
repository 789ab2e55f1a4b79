"""Knobs make a task harder: a weakened oracle solves less the further a knob is turned."""

from __future__ import annotations

import functools
from importlib import import_module

import pytest

from conformance import edition
from conformance.authoring import Answer, Rng, ToolError
from tests.edition import proofs


@functools.cache
def loaded():
    return edition.read()


def short_sighted(instance, sees):
    """Play the oracle of an agent that reads only the first tools of the list."""
    shown = {tool.name for tool in instance.tools[:sees]}

    def policy(scenario, act, _):
        def glance(name, /, **arguments):
            if name not in shown:
                raise ToolError("unseen", name)
            return act(name, **arguments)

        return instance.family.oracle(scenario, glance)

    return instance.play(policy, Rng(b""))


def hasty_reader(instance, rng, percent):
    """Play a reader to whom each statement not said in the form's own terms may slip.

    The earlier job that an elliptic request starts from may be taken for the other one.
    """
    shapes = import_module(f"{type(instance.family).__module__}.shapes")
    scenario = instance.scenario
    hard = [s for s in scenario.said if shapes.is_in_words(s) or shapes.is_converted(s)]
    hard += [s for s in scenario.said if shapes.is_relative(s)]
    slips = any(rng.chance(percent) for _ in hard)
    mistaken = scenario.base is not None and rng.chance(40)

    def policy(_, act, __):
        answer = instance.family.oracle(scenario, act)
        return Answer("not_done") if slips or mistaken else answer

    return instance.play(policy, Rng(b""))


def rate(family, knobs, play, count):
    """Return how often ``play`` of an instance and a seed solves."""
    solved = loaded().grader("solved")
    hits = 0
    for number in range(count):
        instance = loaded().instance(family, knobs, seed=f"slip-{number}", lang="en")
        hits += solved(play(instance, Rng.of("slip", family, number))).value == 1
    return hits / count


def holds(tmp_path, family, knob, rates, by):
    """Say whether the rates fall, and leave a picture of them."""
    proofs.plot(tmp_path / f"{family}-{knob}.svg", family, knob, rates)
    return proofs.falls(list(rates.values()), by=by)


@pytest.mark.parametrize(
    ("family", "sees", "values"), [("telemetry", 3, (2, 5)), ("records", 5, (3, 6, 10))]
)
def test_more_decoys_hide_the_right_tool_from_who_reads_the_first_ones(
    tmp_path, family, sees, values
):
    rates = {
        decoys: rate(family, {"decoys": decoys}, lambda i, _: short_sighted(i, sees), 200)
        for decoys in values
    }
    assert rates[values[0]] > 0.4
    assert holds(tmp_path, family, "decoys", rates, 0.1)


def test_a_request_said_in_fewer_plain_words_is_misread_more_often(tmp_path):
    rates = {
        style: rate(
            "jobspec",
            {"ending": "complete", "style": style},
            lambda instance, rng: hasty_reader(instance, rng, 7),
            200,
        )
        for style in ("plain", "mixed", "elliptic")
    }
    assert rates["plain"] > 0.6
    assert holds(tmp_path, "jobspec", "style", rates, 0.1)


def test_more_claims_are_more_to_forget(tmp_path):
    rates = {
        claims: proofs.pass_rate(
            loaded(), "reimbursement", {"claims": claims}, percent=6, count=120
        )
        for claims in (3, 4, 6)
    }
    assert holds(tmp_path, "reimbursement", "claims", rates, 0.1)


def test_more_jobs_are_more_to_forget(tmp_path):
    rates = {
        jobs: proofs.pass_rate(loaded(), "placement", {"jobs": jobs}, percent=8, count=70)
        for jobs in (6, 8)
    }
    assert holds(tmp_path, "placement", "jobs", rates, 0.05)
