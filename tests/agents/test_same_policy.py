"""One policy, reached in every way there is, is observed alike on fifty instances.

The policy is a calibrator's. A scripted model plays it; what stands around the model differs: the
suite's own loop, or the same small tool loop as a function, a program, an A2A server and an HTTP
server. Function and program are one way but for their first lines, and each trial starts a process:
they take half of the instances each.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest

from conformance.agents.builtin import BuiltinAgent, play_of
from conformance.agents.contract import Limits
from conformance.agents.factory import Reach, make_agent
from conformance.agents.places import places
from conformance.campaign.observe import Draws, instance_of
from conformance.decision.spec import Claim
from conformance.edition import load
from conformance.edition.course import plan_course
from conformance.mock import MockModel, script_of
from conformance.trial.run import new_trial_id, run_trial
from conformance.trial.sealed import read_played
from tests.fakes import loop_agent
from tests.fakes.a2a_server import serving
from tests.fakes.handles import a2a_loop, http_loop
from tests.fakes.http_agent import HttpAgent

INSTANCES = 50
AT_ONCE = 8
SEED = bytes(range(32))
POLICY = "oracle-L2"
"""Solves what belongs to L1 and L2, does nothing at all else: both are seen."""
LIMITS = Limits(wall_s=120.0)


class Drawn(NamedTuple):
    clause: str
    draw: Any
    instance: Any


class Seen(NamedTuple):
    """What a trial is observed as."""

    clause: str
    key: str
    outcome: str
    value: float
    findings: tuple
    cost: float | None
    answer: Any
    calls: tuple


@pytest.fixture(scope="module")
def edition():
    return load()


@pytest.fixture(scope="module")
def drawn(edition):
    course = plan_course(edition, "certify", Claim("L3", None, None), lacking=("sandbox",))
    draws = Draws(course, SEED, ("zh", "en"))
    clauses = [
        clause
        for step in course.levels
        for clause in step.clauses
        if not clause.rider and clause.sources and clause.not_run is None
    ]
    found: list[Drawn] = []
    told: set[str] = set()
    index = 0
    while len(found) < INSTANCES:
        for clause in clauses:
            draw = draws.of(clause.id, index, ())
            instance = instance_of(edition, draw)
            sessions = [seat.session for seat in instance.seats]
            # Agents at once are scripted seat by seat: the order among them is theirs. And a
            # script is known by its instruction; some families' worlds differ where those do not.
            if len(set(sessions)) == len(sessions) and instance.instruction not in told:
                told.add(instance.instruction)
                found.append(Drawn(clause.id, draw, instance))
        index += 1
    return found[:INSTANCES]


@pytest.fixture(scope="module")
def scripts(edition, drawn):
    play = play_of(POLICY, places(edition))
    return [script for item in drawn for script in script_of(item.instance, play(item.instance))]


@pytest.fixture(scope="module")
def expected(edition, drawn, tmp_path_factory):
    agent = BuiltinAgent(POLICY, places(edition))
    seen = asyncio.run(_observed(edition, drawn, agent, tmp_path_factory.mktemp("builtin")))
    assert {item.value for item in seen} >= {0.0, 1.0}
    assert sum(item.value == 1.0 for item in seen) >= 20
    return seen


async def test_as_the_suites_own_loop(edition, drawn, scripts, expected, tmp_path):
    async with MockModel(scripts) as model:
        agent = make_agent("chat:scripted-1", Reach(base_url=model.base_url), lambda _: None)
        await _same(edition, drawn, agent, expected, tmp_path)


async def test_as_a_function(edition, drawn, scripts, expected, tmp_path):
    async with MockModel(scripts) as model:
        reach = Reach(base_url=model.base_url, model="scripted-1", sandbox="none")
        agent = make_agent(f"python:{loop_agent.__name__}:run", reach, lambda _: None)
        await _same(edition, drawn[::2], agent, expected[::2], tmp_path)


async def test_as_a_program(edition, drawn, scripts, expected, tmp_path):
    async with MockModel(scripts) as model:
        reach = Reach(base_url=model.base_url, model="scripted-1", sandbox="none")
        agent = make_agent(f"command:python3 {loop_agent.__file__}", reach, lambda _: None)
        await _same(edition, drawn[1::2], agent, expected[1::2], tmp_path)


async def test_as_an_a2a_server(edition, drawn, scripts, expected, tmp_path):
    async with MockModel(scripts) as model, serving(a2a_loop) as (url, _):
        reach = Reach(base_url=model.base_url, model="scripted-1")
        agent = make_agent(f"a2a:{url}", reach, lambda _: None)
        await _same(edition, drawn, agent, expected, tmp_path)


async def test_as_an_http_server(edition, drawn, scripts, expected, tmp_path):
    async with MockModel(scripts) as model, HttpAgent(http_loop) as server:
        reach = Reach(base_url=model.base_url, model="scripted-1")
        agent = make_agent(f"http:{server.url}", reach, lambda _: None)
        await _same(edition, drawn, agent, expected, tmp_path)


async def _same(edition, drawn, agent, expected, run):
    await agent.open()
    try:
        seen = await _observed(edition, drawn, agent, run)
    finally:
        await agent.close()
    for one, other in zip(seen, expected, strict=True):
        assert one == other


async def _observed(edition, drawn, agent, run):
    for name in ("transcripts", "states"):
        (run / name).mkdir(exist_ok=True)
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(item):
        async with turns:
            trial = new_trial_id()
            record = await run_trial(
                item.instance, agent, trial=trial, run=run, limits=LIMITS, redact=lambda b: b
            )
        played = read_played(item.instance, run, trial, record.transcript_head)
        score = edition.observe(edition.clause(item.clause), played)
        calls = tuple((call.name, call.seat, call.error) for call in played.calls)
        outcome = "completed" if record.outcome == "no_contact" else record.outcome
        return Seen(
            item.clause,
            item.draw.key,
            outcome,
            score.value,
            score.findings,
            edition.cost_ratio(played),
            played.answer,
            calls,
        )

    return await asyncio.gather(*map(one, drawn))
