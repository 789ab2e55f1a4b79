"""The honest way through the tools: read what any solver must know, reserve a plan, commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Answer

if TYPE_CHECKING:
    from conformance.authoring import Act

    from .model import Plan, Scenario


def read_all(scenario: Scenario, act: Act) -> None:
    """Make the reads without which nobody can plan: sites, jobs, rules, each site's prices."""
    act("list_sites")
    act("list_jobs")
    act("get_rules")
    for site in scenario.sites:
        act("get_prices", site=site.id)


def carry_out(scenario: Scenario, act: Act, plan: Plan) -> Answer:
    """Reserve and commit a plan; answer with the token that the commit returned."""
    for job, place in zip(scenario.jobs, plan, strict=True):
        act("reserve", job=job.id, site=scenario.sites[place.site].id, start=place.start)
    return Answer("done", None, {"plan_token": act("commit")["plan_token"]})
