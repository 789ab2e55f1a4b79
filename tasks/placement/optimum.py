"""The minimum energy cost: a time-indexed integer programme, solved exactly by HiGHS.

One binary variable a legal place of a job. Each job takes one place; no site holds more GPUs in a
slot than other teams leave free; and, which follows and spares the solver its search, at most one
job that needs more than half of these. The grader recomputes the minimum from the scenario; it
reads none from a bundle. What counts is the integer cost of the plan that comes back, never the
solver's floating-point objective.
"""

from __future__ import annotations

import functools
import math

from .model import Plan, Scenario, cost, legal_places, overloads, plan_cost


def minimum(scenario: Scenario) -> int:
    """Return the least cost of a plan that keeps all rules, in micro-CNY."""
    return plan_cost(scenario, optimum(scenario))


@functools.lru_cache(maxsize=256)
def optimum(scenario: Scenario) -> Plan:
    """Return a cheapest plan that keeps all rules.

    Raises:
        ValueError: there is no such plan; the generator draws no such scenario.
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csc_array

    jobs, sites, slots = scenario.jobs, scenario.sites, scenario.slots
    columns = [
        (number, place) for number, job in enumerate(jobs) for place in legal_places(scenario, job)
    ]
    if len({number for number, _ in columns}) < len(jobs):
        raise ValueError("a job has no legal place")
    free = [site.free(slot) for site in sites for slot in range(slots)]
    takes_one = np.zeros((len(jobs), len(columns)))
    gpus = np.zeros((len(free), len(columns)))
    for column, (number, place) in enumerate(columns):
        takes_one[number, column] = 1
        cell = place.site * slots + place.start
        gpus[cell : cell + jobs[number].duration, column] = jobs[number].gpus
    prices = [cost(jobs[number], sites[place.site], place.start) for number, place in columns]
    alone = 2 * gpus > np.array(free)[:, None]
    found = milp(
        np.array(prices, dtype=float) / math.gcd(*prices),
        integrality=np.ones(len(columns), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(csc_array(takes_one), 1, 1),
            LinearConstraint(csc_array(gpus), 0, free),
            LinearConstraint(csc_array(alone.astype(float)), 0, 1),
        ],
        options={"mip_rel_gap": 0, "presolve": False},
    )
    if found.status != 0:
        raise ValueError(f"no plan keeps all rules: {found.message}")
    chosen = {columns[i][0]: columns[i][1] for i, share in enumerate(found.x) if share > 0.5}
    plan = tuple(chosen[number] for number in range(len(jobs)))
    if overloads(scenario, {job.id: place for job, place in zip(jobs, plan, strict=True)}):
        raise ArithmeticError("the solver's plan exceeds a capacity")
    return plan
