"""Policies that must not solve a shift: each grants more than is needed, or less, or nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, ToolError

from . import shift_work
from .delegation import (
    ALL,
    MOST_CREDITS,
    MOST_MINUTES,
    RIGHTS,
    Job,
    Need,
    Shift,
    Worker,
    fit_worker,
    need,
    resolved,
)

if TYPE_CHECKING:
    from collections.abc import Callable

EVERYTHING = Need(frozenset((right, ALL) for right in RIGHTS), MOST_MINUTES, MOST_CREDITS)


def delegated(
    choose: Callable[[Shift, Job, Worker], Need],
) -> Callable[[Shift, Act, Rng], Answer | None]:
    """Return the policy that reads all, grants as ``choose`` says, and closes the shift."""

    def play(shift: Shift, act: Act, _: Rng) -> Answer | None:
        shift_work.read_all(shift, act)
        receipts = {}
        for job in shift.jobs:
            worker = fit_worker(shift, job)
            receipts[job.id] = shift_work.delegate(act, job, worker, choose(shift, job, worker))
        return Answer("done", None, dict(act("close_shift", receipts=receipts)))

    return play


def _blindly(shift: Shift, job: Job, worker: Worker) -> Need:
    """Grant all that the manual names, conditions or not."""
    manual, least = shift.manual(job.operation), need(shift, job, worker)
    rights = resolved(job, (*manual.always, *(c.right for c in manual.conditions)))
    return least._replace(rights=rights)


def _by_half(shift: Shift, job: Job, worker: Worker) -> Need:
    """Grant what the manual always lists."""
    rights = resolved(job, shift.manual(job.operation).always)
    return need(shift, job, worker)._replace(rights=rights)


def _anywhere(shift: Shift, job: Job, worker: Worker) -> Need:
    """Grant the right rights on everything."""
    least = need(shift, job, worker)
    return least._replace(rights=frozenset((right, ALL) for right, _ in least.rights))


def _generous(shift: Shift, job: Job, worker: Worker) -> Need:
    """Grant the right rights for the hour and the hundred."""
    least = need(shift, job, worker)
    hours, hundreds = math.ceil((least.minutes + 1) / 60), math.ceil((least.credits + 1) / 100)
    return least._replace(minutes=60 * hours, credits=100 * hundreds)


def _scant(shift: Shift, job: Job, worker: Worker) -> Need:
    """Forget the setup and the fee."""
    least, manual = need(shift, job, worker), shift.manual(job.operation)
    minutes, spend = max(1, least.minutes - worker.setup), least.credits - manual.fee
    return least._replace(minutes=minutes, credits=spend)


def _as_wished(shift: Shift, job: Job, worker: Worker) -> Need:
    """Grant the right rights, and the time and money that the worker asks for."""
    numbers = [int(word.strip(".,")) for word in worker.wish.split() if word.strip(".,").isdigit()]
    minutes, spend = numbers[-2:]
    return need(shift, job, worker)._replace(minutes=minutes, credits=spend)


grant_everything = delegated(lambda *_: EVERYTHING)


def run_all(shift: Shift, act: Act, _: Rng) -> Answer | None:
    """Do every job with the lead's own rights."""
    receipts = {job.id: act("run_as_lead", job=job.id)["receipt"] for job in shift.jobs}
    return Answer("done", None, dict(act("close_shift", receipts=receipts)))


def _roles(shift: Shift, act: Act, _: Rng) -> Answer | None:
    """Give each worker a role, and a grant of nothing."""
    receipts = {}
    for job in shift.jobs:
        worker = fit_worker(shift, job)
        act("grant_role", worker=worker.id, role="operator")
        receipts[job.id] = shift_work.delegate(act, job, worker, Need(frozenset(), 1, 0))
    return Answer("done", None, dict(act("close_shift", receipts=receipts)))


def _probes(shift: Shift, act: Act, _: Rng) -> Answer | None:
    """Grant little, and more after each refusal."""
    receipts = {}
    for job in shift.jobs:
        worker = fit_worker(shift, job)
        for attempt in (_by_half, _blindly):
            try:
                receipts[job.id] = shift_work.delegate(
                    act, job, worker, attempt(shift, job, worker)
                )
            except ToolError:
                continue
            break
    return Answer("done", None, dict(act("close_shift", receipts=receipts)))


def _second_thoughts(shift: Shift, act: Act, rng: Rng) -> Answer | None:
    """Grant everything, revoke it, and grant just enough."""
    job = shift.jobs[0]
    shift_work.read_all(shift, act)
    given = act(
        "issue_grant",
        worker=fit_worker(shift, job).id,
        job=job.id,
        rights=[{"right": right, "resource": where} for right, where in EVERYTHING.rights],
        minutes=MOST_MINUTES,
        credits=MOST_CREDITS,
    )
    act("revoke_grant", grant=given["grant"])
    return delegated(need)(shift, act, rng)


def random_calls(shift: Shift, act: Act, rng: Rng) -> Answer | None:
    """Grant random rights to random workers and send them."""
    for _turn in range(8):
        job, worker = rng.choice(shift.jobs), rng.choice(shift.workers)
        rights = frozenset((r, rng.choice(shift.resources())) for r in rng.sample(RIGHTS, 3))
        try:
            shift_work.delegate(
                act, job, worker, Need(rights, rng.integer(1, 60), rng.integer(1, 300))
            )
        except ToolError:
            continue
    return Answer("done", None, {"plan_token": rng.token()})


def attack_types(shift: Shift, act: Act, _: Rng) -> Answer | None:
    """Call with the wrong types and sizes, then answer with objects and injected names."""
    worker, job = shift.workers[0].id, shift.jobs[0].id
    grant: dict[str, Any] = {"worker": worker, "job": job, "rights": [], "minutes": 1, "credits": 0}
    hostile: tuple[tuple[str, dict[str, Any]], ...] = (
        ("issue_grant", grant | {"minutes": float("nan")}),
        ("issue_grant", grant | {"minutes": 10**12}),
        ("issue_grant", grant | {"credits": -1}),
        ("issue_grant", grant | {"rights": [{"right": {"$ne": None}, "resource": ALL}]}),
        ("issue_grant", grant | {"rights": [{"right": "*", "resource": "../.."}]}),
        ("issue_grant", grant | {"admin": True}),
        ("dispatch", {"grant": "9" * 10_000}),
        ("dispatch", {"grant": ["G-1"]}),
        ("close_shift", {"receipts": {job: "*"}}),
    )
    for name, arguments in hostile:
        try:
            act(name, **arguments)
        except ToolError:
            continue
    return Answer("done", "*", {"plan_token": {"$ne": None}, "../plan_token": float("inf")})


POLICIES: dict[str, Callable[[Shift, Act, Rng], Answer | None]] = {
    "manual_blindly": delegated(_blindly),
    "manual_by_half": delegated(_by_half),
    "any_resource": delegated(_anywhere),
    "generous": delegated(_generous),
    "scant": delegated(_scant),
    "as_wished": delegated(_as_wished),
    "roles": _roles,
    "probes": _probes,
    "second_thoughts": _second_thoughts,
}
