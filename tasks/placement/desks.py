"""The desk on other days: one whose ``reserve`` is replaced, one that books whatever it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from conformance.authoring import Meta, ToolError, tool

from .world import JobId, PlacementDesk, SiteId, Start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .model import Job, Site

MOST_BOOKINGS = 9
"""Reservations of one job that a busy desk numbers within the frame."""

Last = Annotated[int, Meta(ge=0, description="last slot the job occupies, included")]


class DriftingDesk(PlacementDesk):
    """After some reservations ``reserve`` is gone, and another method of these does its work."""

    def tools_now(self, offered: Sequence[str]) -> Sequence[str]:
        """Replace ``reserve`` once it has been used often enough."""
        drift = self.scenario.drift
        if drift is None or self.made < drift.after:
            return offered
        return [drift.method if name == "reserve" else name for name in offered]

    @tool("write")
    def allocate(self, site: SiteId, job: JobId, start: Start) -> dict[str, Any]:
        """Allocate a site's GPUs to a job from a start slot on: what reserve did before, with the
        same checks.
        """
        return self._checked(self._job(job), self._site(site), start)

    @tool("write", name="reserve")
    def reserve_until(self, job: JobId, site: SiteId, last_slot: Last) -> dict[str, Any]:
        """Reserve a site's GPUs for a job up to and including a last slot; the start follows from
        its duration. Checks as before.
        """
        wanted, there = self._job(job), self._site(site)
        start = int(last_slot) - wanted.duration + 1
        if start < 0:
            raise ToolError("outside_horizon", f"{job} would have to start before slot 0.")
        return self._checked(wanted, there, start)

    @tool("write")
    def book_window(
        self, job: JobId, site: SiteId, first_slot: Start, last_slot: Last
    ) -> dict[str, Any]:
        """Reserve a site's GPUs for a job from its first to its last slot, both included; they
        must be as many as its duration. Takes the place of reserve, with the same checks.
        """
        wanted, there = self._job(job), self._site(site)
        if int(last_slot) - int(first_slot) + 1 != wanted.duration:
            raise ToolError("wrong_length", f"{job} takes {wanted.duration} slots.")
        return self._checked(wanted, there, first_slot)


class BusyDesk(DriftingDesk):
    """Every reservation is a booking of its own: what is made twice is there twice."""

    @tool("write")
    def reserve(self, job: JobId, site: SiteId, start: Start) -> dict[str, Any]:
        """Reserve a site's GPUs for a job from a start slot on. Checks only the GPU type and
        the GPUs that other jobs and teams leave free, not windows, residency or cost. Every call
        is a booking of its own, also for a job that has one; returns the booking's id.
        """
        return self._checked(self._job(job), self._site(site), start)

    def _new_id(self, job: Job) -> str:
        taken = self._own(job)
        return next(
            name for n in range(1, len(taken) + 2) if (name := f"{job.id}.{n}") not in taken
        )

    def _free(self, site: Site, slot: int, job: Job) -> int:
        own: int = sum(
            held["gpus"]
            for held in (self.state["bookings"][name] for name in self._own(job))
            if held["site"] == site.id and held["first_slot"] <= slot <= held["last_slot"]
        )
        return super()._free(site, slot, job) + own
