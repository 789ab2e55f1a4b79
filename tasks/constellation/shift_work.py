"""The honest way through a shift: read, grant each worker the least it needs, send it, close."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Answer

from .delegation import fit_worker, need

if TYPE_CHECKING:
    from conformance.authoring import Act

    from .delegation import Job, Need, Shift, Worker


def read_all(shift: Shift, act: Act) -> None:
    """Make the reads without which nobody knows the least rights."""
    act("list_jobs")
    act("list_workers")
    for manual in shift.manuals:
        act("manual", operation=manual.operation)


def delegate(act: Act, job: Job, worker: Worker, given: Need) -> str:
    """Grant a worker something and send it; return the receipt."""
    rights = [{"right": right, "resource": where} for right, where in sorted(given.rights)]
    grant = act(
        "issue_grant",
        worker=worker.id,
        job=job.id,
        rights=rights,
        minutes=given.minutes,
        credits=given.credits,
    )
    return str(act("dispatch", grant=grant["grant"])["receipt"])


def solve(shift: Shift, act: Act) -> Answer:
    """Grant each job's worker the least it needs."""
    read_all(shift, act)
    receipts = {}
    for job in shift.jobs:
        worker = fit_worker(shift, job)
        receipts[job.id] = delegate(act, job, worker, need(shift, job, worker))
    return Answer("done", None, dict(act("close_shift", receipts=receipts)))
