"""Carrying out a plan through the tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Answer

from .plant import BLOCK_HOURS

if TYPE_CHECKING:
    from conformance.authoring import Act

    from .planning import Plan
    from .plant import Scenario


def read_all(act: Act) -> None:
    """Make the reads that any planner needs."""
    act("model_card")
    act("forecast")


def run_to(act: Act, hour: int) -> None:
    """Run to an hour, over a bulletin if one arrives."""
    while act("run_until", hour=hour)["hour"] < hour:
        pass


def operate(scenario: Scenario, act: Act, plan: Plan) -> None:
    """Set what the plan sets, when it does, and run in between."""
    levels = {room.id: room.level for room in scenario.rooms}
    caps = {room.id: 100 for room in scenario.rooms}
    for block in range(scenario.blocks):
        rooms = list(zip(scenario.rooms, plan, strict=True))
        new = {r.id: p.levels[block] for r, p in rooms if p.levels[block] != levels[r.id]}
        capped = {r.id: p.caps[block] for r, p in rooms if p.caps[block] != caps[r.id]}
        if block and (new or capped):
            run_to(act, block * BLOCK_HOURS)
        if new:
            act("set_crac", levels=new)
        if capped:
            act("set_freq", caps=capped)
        levels |= new
        caps |= capped
    run_to(act, scenario.hours)


def close(act: Act) -> Answer:
    """Close the period and answer with its token."""
    return Answer("done", None, act("close_period"))


def carry_out(scenario: Scenario, act: Act, plan: Plan) -> Answer:
    """Operate by a plan, close the period, and answer."""
    operate(scenario, act, plan)
    return close(act)
