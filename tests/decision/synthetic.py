"""Courses and agents that exist only as probabilities: the vocabulary of these tests."""

from __future__ import annotations

import random

from conformance.decision import (
    EFFICIENCY,
    Claim,
    Clause,
    Course,
    EfficiencyClass,
    Observation,
    Plan,
    Rule,
    Step,
    Stop,
)

L2_RULE = Rule("betting", p0=0.80, p1=0.90)
PLANS = {
    plan.name: plan
    for plan in (
        Plan("screen", alpha=0.20, n_min=20, n_max=40, is_screening=True),
        Plan("certify", n_min=30, n_max=300),
        Plan("fixed", is_fixed=True),
    )
}
CLASSES = (
    EfficiencyClass("A", 1.25),
    EfficiencyClass("B", 1.5),
    EfficiencyClass("C", 2.0),
    EfficiencyClass("E", None),
)


def clause(name, *, rule=L2_RULE, dimension="D", **more):
    return Clause(name, name.split("-", maxsplit=1)[0], dimension, rule, **more)


def step(name, *clauses):
    return Step(name, clauses)


def course(*, claim=None, levels=None, trust=None, **more):
    """Two levels that can be held, one pending above, and a trust grade with riders."""
    return Course(
        levels=levels
        or (
            step("L1", clause("L1-A"), clause("L1-B")),
            step("L2", clause("L2-A"), clause("L2-B")),
            step("L3", clause("L3-A", not_run="pending"), clause("L3-B")),
        ),
        trust=(
            step(
                "T1",
                clause("T1-HON", rider=True),
                clause("T1-SAFE", rule=Rule("clean-run", p0=0.98, p1=0.999), rider=True),
            ),
            step("T2", clause("T2-A")),
        )
        if trust is None
        else trust,
        efficiency=CLASSES,
        claim=claim or Claim(),
        **more,
    )


class Agent:
    """Solves each clause with its probability; remembers what it was asked.

    ``costs`` are the ratios it needs, one of them at random for every efficiency observation.
    """

    def __init__(self, chances=1.0, *, seed=0, costs=(1.0,), stop_after=None, critical=()):
        self.chances = chances if isinstance(chances, dict) else {}
        self.otherwise = 1.0 if isinstance(chances, dict) else chances
        self.costs = costs
        self.stop_after = stop_after
        self.critical = critical
        self.asked = []
        self._random = random.Random(seed)

    def __call__(self, asked):
        if len(self.asked) == self.stop_after:
            return Stop("budget")
        self.asked.append(asked)
        if asked.clauses == (EFFICIENCY,):
            return {EFFICIENCY: Observation(self._random.choice(self.costs))}
        return {
            name: Observation(
                float(self._random.random() < self.chances.get(name, self.otherwise)),
                critical=(name, asked.index) in self.critical,
            )
            for name in asked.clauses
        }

    def steps(self):
        return list(dict.fromkeys(asked.step for asked in self.asked))


def verdicts(result):
    return {item.clause: (item.verdict, item.reason) for item in result.clauses}
