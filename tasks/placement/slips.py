"""Policies with the best plan that fail at what goes wrong meanwhile: faults, and a tool replaced.

Where there is nothing to slip on, the shortcuts do nothing, and the lapses do it right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut

from .optimum import optimum
from .work import Hand, arguments, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Scenario

    Policy = Callable[[Scenario, Act], Answer | None]


def _habit(**habits: Any) -> Policy:
    """Return the policy that works with a hand of these habits."""
    return lambda scenario, act: work(scenario, Hand(scenario, act, **habits), optimum(scenario))


def _gives_up(scenario: Scenario, act: Act) -> Answer:
    """Stop at the first call that goes wrong."""
    for job, place in zip(scenario.jobs, optimum(scenario), strict=True):
        act("reserve", **arguments(scenario, job, place))
    return Answer("done", None, {"plan_token": act("commit")["plan_token"]})


_BLIND_RETRY = _habit(after_timeout="repeat")
_FIRST_TOOLS_ONLY = _habit(adapts=False)


def _has_faults(scenario: Scenario) -> bool:
    return bool(scenario.faults)


def _has_drift(scenario: Scenario) -> bool:
    return scenario.drift is not None


def _shortcut(name: str, policy: Policy, applies: Callable[[Scenario], bool]) -> Shortcut[Scenario]:
    def play(scenario: Scenario, act: Act, _: Rng) -> Answer | None:
        return policy(scenario, act) if applies(scenario) else None

    return Shortcut(name, play, held_out=True)


def _lapse(
    policy: Policy, applies: Callable[[Scenario], bool]
) -> Callable[[Any, Act, Rng], Answer | None]:
    def play(scenario: Any, act: Act, _: Rng) -> Answer | None:
        return (policy if applies(scenario) else _habit())(scenario, act)

    return play


UPSET_SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    _shortcut("blind_retry", _BLIND_RETRY, _has_faults),
    _shortcut("assumes_done", _habit(after_timeout="assume"), _has_faults),
    _shortcut("believes_stale", _habit(believes_stale=True), _has_faults),
    _shortcut("hammers", _habit(waits=False), _has_faults),
    _shortcut("gives_up", _gives_up, _has_faults),
    _shortcut("first_tools_only", _FIRST_TOOLS_ONLY, _has_drift),
)
LAPSES = {
    "blind_retry": _lapse(_BLIND_RETRY, _has_faults),
    "gives_up": _lapse(_gives_up, _has_faults),
    "plan_once": _lapse(_FIRST_TOOLS_ONLY, _has_drift),
}
