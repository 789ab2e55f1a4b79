"""Policies that audit right and fail at the faults: what an agent does that does not look.

Where there are no faults to slip on, the shortcuts do nothing, and the lapses do it right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut

from .oracle import solve, work
from .recovery import Steady

if TYPE_CHECKING:
    from collections.abc import Callable

    from .case import Case

    Policy = Callable[[Case, Act, Rng], Answer | None]


def blind_retry(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Repeat every call that got no reply at once, until it gets one."""
    return work(case, Steady(case, act, after_timeout="repeat"))


def assumes_done(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Take every call that got no reply as carried out."""
    return work(case, Steady(case, act, after_timeout="assume"))


def believes_stale(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Look before repeating, but take an old reading for the state as it is."""
    return work(case, Steady(case, act, believes_stale=True))


def hammers(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Repeat a refused call at once, without the wait."""
    return work(case, Steady(case, act, waits=False))


def gives_up(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Stop at the first call that goes wrong."""
    return work(case, act)


def _where_faults_are(policy: Policy) -> Policy:
    def play(case: Case, act: Act, rng: Rng) -> Answer | None:
        return policy(case, act, rng) if _can_slip(case) else None

    return play


def _lapse(policy: Policy) -> Callable[[Any, Act, Rng], Answer | None]:
    def play(case: Any, act: Act, rng: Rng) -> Answer | None:
        return policy(case, act, rng) if _can_slip(case) else solve(case, act)

    return play


def _can_slip(case: Case) -> bool:
    return bool(case.faults) and case.ending == "settle"


FAULT_SHORTCUTS: tuple[Shortcut[Case], ...] = (
    Shortcut("blind_retry", _where_faults_are(blind_retry), held_out=True),
    Shortcut("assumes_done", _where_faults_are(assumes_done), held_out=True),
    Shortcut("believes_stale", _where_faults_are(believes_stale), held_out=True),
    Shortcut("hammers", _where_faults_are(hammers), held_out=True),
    Shortcut("gives_up", _where_faults_are(gives_up), held_out=True),
)
LAPSES = {"blind_retry": _lapse(blind_retry), "gives_up": _lapse(gives_up)}
