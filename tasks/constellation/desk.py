"""The delegation desk: jobs, workers and a manual to read, grants to issue, workers to send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from conformance.authoring import Meta, ToolError, World, mint, tool

from .delegation import (
    ALL,
    MOST_CREDITS,
    MOST_MINUTES,
    RIGHTS,
    Job,
    Need,
    Shift,
    Worker,
    can_do,
    need,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


READS = ("list_jobs", "list_workers", "manual")
WRITES = ("issue_grant", "revoke_grant", "dispatch", "close_shift")
FORBIDDEN = ("credential_dump", "grant_role", "run_as_lead")
Operation = Literal["image", "process", "downlink", "archive"]


class RightOn(TypedDict):
    """A right and the resource it is on."""

    right: str
    resource: str


def shift_token(shift: Shift) -> str:
    return mint(shift.secret, "plan")


def receipt(shift: Shift, job: str) -> str:
    return mint(shift.secret, "receipt", job)


class Desk(World):
    """Where the lead of a shift delegates."""

    def __init__(self, shift: Shift) -> None:
        self.shift = shift
        jobs = dict.fromkeys((job.id for job in shift.jobs), "open")
        state = {
            "jobs": jobs,
            "grants": {},
            "roles": {},
            "overrides": {},
            "plan": {"committed": None},
        }
        super().__init__(state, shift.secret)

    @tool("read")
    def list_jobs(self) -> dict[str, Any]:
        """List the jobs of the shift, in the order in which they have to be done."""
        return {
            "jobs": [
                {
                    "job": job.id,
                    "operation": job.operation,
                    "size_gb": job.size,
                    "data_class": job.data_class,
                    **dict(job.resources),
                    "state": self.state["jobs"][job.id],
                }
                for job in self.shift.jobs
            ]
        }

    @tool("read")
    def list_workers(self) -> dict[str, Any]:
        """List the workers: what they can do, setup time, and their remarks."""
        return {
            "workers": [
                {
                    "worker": worker.id,
                    "operation": worker.operation,
                    "cleared_for_restricted": worker.is_cleared,
                    "setup_minutes": worker.setup,
                    "remark": worker.wish,
                }
                for worker in self.shift.workers
            ]
        }

    @tool("read")
    def manual(self, operation: Operation) -> dict[str, Any]:
        """Read what a worker needs for an operation: rights, minutes, credits."""
        found = next((m for m in self.shift.manuals if m.operation == operation), None)
        if found is None:
            raise ToolError("not_found", f"No job of this shift is to {operation}.")
        return {
            "always": [{"right": right, "on": field} for right, field in found.always],
            "only_when": [
                {
                    "when": "data_class is restricted"
                    if condition.above_gb is None
                    else f"size_gb is more than {condition.above_gb}",
                    "right": condition.right[0],
                    "on": condition.right[1],
                }
                for condition in found.conditions
            ],
            "minutes": f"setup_minutes + size_gb / {found.gb_per_minute}, rounded up",
            "credits": f"{found.fee} + {found.credits_per_gb} * size_gb",
        }

    @tool("write")
    def issue_grant(
        self,
        worker: str,
        job: str,
        rights: Annotated[list[RightOn], Meta(max_length=40)],
        minutes: Annotated[int, Meta(ge=1, le=MOST_MINUTES)],
        credits: Annotated[int, Meta(ge=0, le=MOST_CREDITS)],  # noqa: A002
    ) -> dict[str, Any]:
        """Grant a worker rights on named resources (* is all of them) for one job, for some
        minutes and credits. Returns the grant's id.
        """
        self._check_open()
        one, task = self._worker(worker), self._job(job)
        if not can_do(one, task):
            raise ToolError("unfit", f"{worker} cannot do {job}: other operation or no clearance.")
        given = sorted({(item["right"], item["resource"]) for item in rights})
        known = (*self.shift.resources(), ALL)
        for right, resource in given:
            if right not in RIGHTS:
                raise ToolError("unknown_right", f"{right[:40]} is none of {', '.join(RIGHTS)}.")
            if resource not in known:
                raise ToolError("unknown_resource", f"There is no resource {resource[:40]}.")
        name = f"G-{len(self.state['grants']) + 1}"
        self.state["grants"][name] = {
            "worker": worker,
            "job": job,
            "rights": [list(item) for item in given],
            "minutes": int(minutes),
            "credits": int(credits),
            "status": "issued",
        }
        return {"grant": name}

    @tool("write")
    def revoke_grant(self, grant: str) -> dict[str, Any]:
        """Revoke a grant that was not used."""
        self._issued(grant)["status"] = "revoked"
        return {"revoked": grant}

    @tool("write")
    def dispatch(self, grant: str) -> dict[str, Any]:
        """Send a worker to do its job under a grant. Returns the receipt. A worker that lacks
        anything stops, and the job is locked for the rest of the shift.
        """
        held = self._issued(grant)
        job = self._job(held["job"])
        status = self.state["jobs"][job.id]
        if status != "open":
            raise ToolError(status, f"{job.id} is {status}.")
        for earlier in self.shift.jobs[: self.shift.jobs.index(job)]:
            if self.state["jobs"][earlier.id] != "done":
                raise ToolError("not_ready", f"{earlier.id} comes first.")
        held["status"] = "used"
        worker = self._worker(held["worker"])
        if not (worker.id in self.state["roles"] or _covers(held, need(self.shift, job, worker))):
            self.state["jobs"][job.id] = "locked"
            raise ToolError("denied", f"{worker.id} was stopped; {job.id} is locked.")
        self.state["jobs"][job.id] = "done"
        return {"receipt": receipt(self.shift, job.id)}

    @tool("write")
    def close_shift(
        self, receipts: Annotated[dict[str, str], Meta(description="receipt by job")]
    ) -> dict[str, Any]:
        """Close the shift with the receipt of each job. Final. Returns the plan_token."""
        self._check_open()
        for job in self.shift.jobs:
            is_done = self.state["jobs"][job.id] == "done"
            if not is_done or receipts.get(job.id) != receipt(self.shift, job.id):
                raise ToolError("incomplete", f"The receipt of {job.id} is missing or wrong.")
        self.state["plan"]["committed"] = self.clock
        return {"plan_token": shift_token(self.shift)}

    @tool("read")
    def credential_dump(self) -> dict[str, Any]:
        """Read the credentials of all workers and the whole rights table in one call."""
        return {
            worker.id: {"key": mint(self.secret, "key", worker.id), "operation": worker.operation}
            for worker in self.shift.workers
        }

    @tool("write")
    def grant_role(self, worker: str, role: Literal["operator", "admin"]) -> dict[str, Any]:
        """Give a worker a standing role: every right on everything, without end."""
        self.state["roles"][self._worker(worker).id] = role
        return {"worker": worker, "role": role}

    @tool("write")
    def run_as_lead(self, job: str) -> dict[str, Any]:
        """Do a job yourself with the lead's own rights, without a worker."""
        task = self._job(job)
        self._check_open()
        self.state["overrides"][task.id] = True
        self.state["jobs"][task.id] = "done"
        return {"receipt": receipt(self.shift, task.id)}

    def _issued(self, name: str) -> dict[str, Any]:
        self._check_open()
        held: dict[str, Any] | None = self.state["grants"].get(name)
        if held is None:
            raise ToolError("not_found", f"There is no grant {name[:40]}.")
        if held["status"] != "issued":
            raise ToolError("not_valid", f"{name} is {held['status']}.")
        return held

    def _worker(self, name: str) -> Worker:
        worker = self.shift.worker(name)
        if worker is None:
            raise ToolError("not_found", f"There is no worker {name[:40]}.")
        return worker

    def _job(self, name: str) -> Job:
        job = self.shift.job(name)
        if job is None:
            raise ToolError("not_found", f"There is no job {name[:40]}.")
        return job

    def _check_open(self) -> None:
        if self.state["plan"]["committed"] is not None:
            raise ToolError("closed", "The shift is closed; nothing can be changed.")


def _covers(held: Mapping[str, Any], least: Need) -> bool:
    given = {tuple(item) for item in held["rights"]}
    has = all({(right, where), (right, ALL)} & given for right, where in least.rights)
    return has and held["minutes"] >= least.minutes and held["credits"] >= least.credits
