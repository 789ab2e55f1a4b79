"""The honest way through the tools: read what any solver must know, reserve a plan, commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from conformance.authoring import (
    AGE,
    DELIVERY,
    RATE_LIMITED,
    TIMEOUT,
    WAIT_TOOL,
    Answer,
    ToolError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.authoring import Act

    from .model import Job, Place, Plan, Scenario

_PATIENCE = 12
"""Tries of one call; no schedule needs as many."""
_RESERVE = ("job", "site", "start")


class Hand:
    """An agent's hand: recovers from faults, and takes a new tool from the notice of it.

    Args:
        scenario: Whose jobs and sites it names.
        act: The hand it makes its calls with.
        after_timeout: What it does where no reply to a reservation came; only ``look`` is right.
        believes_stale: It takes a reading marked as old for the state as it is.
        waits: It waits before it repeats a call that was refused as one too many.
        adapts: It reads the notices.
    """

    def __init__(
        self,
        scenario: Scenario,
        act: Act,
        *,
        after_timeout: Literal["look", "repeat", "assume"] = "look",
        believes_stale: bool = False,
        waits: bool = True,
        adapts: bool = True,
    ) -> None:
        self._scenario = scenario
        self._act = act
        self._after_timeout = after_timeout
        self._believes_stale = believes_stale
        self._waits = waits
        self._adapts = adapts
        self._tool = "reserve"
        self._takes: Iterable[str] = _RESERVE

    def reserve(self, job: Job, place: Place) -> None:
        """Reserve a place for a job with the tool that does it now."""
        for _ in range(_PATIENCE):
            tool, shape = self._tool, self._takes
            try:
                self._tried(tool, **arguments(self._scenario, job, place, shape))
            except ToolError as error:
                if error.code != TIMEOUT:
                    raise
                if not self._is_reserved(job):
                    continue
            return
        raise ToolError(TIMEOUT, f"The reservation of {job.id} was given up.")

    def __call__(self, name: str, /, **given: Any) -> Any:
        """Call a tool that may be called again until its reply is whole."""
        for _ in range(_PATIENCE):
            try:
                reply = self._tried(name, **given)
            except ToolError as error:
                if error.code != TIMEOUT:
                    raise
                continue
            if self._is_whole(reply):
                return reply
        raise ToolError(TIMEOUT, f"{name} was given up.")

    def _tried(self, name: str, **given: Any) -> Any:
        """Call a tool, and wait where it is refused for a while; listen to the notices."""
        for _ in range(_PATIENCE):
            try:
                return self._act(name, **given)
            except ToolError as error:
                if error.code != RATE_LIMITED:
                    raise
                if self._waits:
                    self._act(WAIT_TOOL, seconds=int(error.message.split()[-1]))
            finally:
                self._listen()
        raise ToolError(RATE_LIMITED, f"{name} was given up.")

    def _listen(self) -> None:
        if not self._adapts:
            return
        for notice in self._act.notices():
            for added in notice.get("tools_changed", {}).get("added", ()):
                takes = tuple(added["parameters"]["properties"])
                if {"job", "site"} <= set(takes):
                    self._tool, self._takes = added["name"], takes

    def _is_reserved(self, job: Job) -> bool:
        if self._after_timeout != "look":
            return self._after_timeout == "assume"
        rows = self("list_jobs")["jobs"]
        return any(row["job"] == job.id and row["reserved"] for row in rows)

    def _is_whole(self, reply: Any) -> bool:
        if not isinstance(reply, dict) or DELIVERY in reply:
            return False
        return AGE not in reply or self._believes_stale


def arguments(
    scenario: Scenario, job: Job, place: Place, names: Iterable[str] = _RESERVE
) -> dict[str, Any]:
    """Return a reservation as a tool takes it that has arguments of these names."""
    known = {
        "job": job.id,
        "site": scenario.sites[place.site].id,
        "start": place.start,
        "first_slot": place.start,
        "last_slot": place.start + job.duration - 1,
    }
    return {name: known[name] for name in names}


def read_all(scenario: Scenario, hand: Hand) -> None:
    """Make the reads without which nobody can plan: sites, jobs, rules, each site's prices."""
    hand("list_sites")
    hand("list_jobs")
    hand("get_rules")
    for site in scenario.sites:
        hand("get_prices", site=site.id)


def carry_out(scenario: Scenario, hand: Hand, plan: Plan) -> Answer:
    """Reserve and commit a plan; answer with the token that the commit returned."""
    for job, place in zip(scenario.jobs, plan, strict=True):
        hand.reserve(job, place)
    return Answer("done", None, {"plan_token": hand("commit")["plan_token"]})


def work(scenario: Scenario, hand: Hand, plan: Plan) -> Answer:
    """Read all, then carry out a plan."""
    read_all(scenario, hand)
    return carry_out(scenario, hand, plan)
