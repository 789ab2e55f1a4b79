"""What a rule does to an agent of known quality: for ``edition check`` and ``--dry-run``."""

from __future__ import annotations

import bisect
import functools
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.decision.rules import FAIL, PASS, decide_counts, fewest_to_pass, horizon

if TYPE_CHECKING:
    from conformance.decision.spec import Rule


class Characteristics(msgspec.Struct, frozen=True):
    """The chances of each verdict, and the trials expected, at a true p."""

    p: float
    p_pass: float
    p_fail: float
    p_inconclusive: float
    expected_n: float


class _Bounds(NamedTuple):
    """After n trials: ``pass`` from ``accept`` successes on, ``fail`` up to ``reject``."""

    accept: int
    reject: int


@functools.lru_cache(maxsize=1024)
def characteristics(rule: Rule, p: float) -> Characteristics:
    """Return the operating characteristics for observations that are 1 with probability p, else 0.

    Exact, not simulated: every rule depends on such observations only through the number of
    successes, so the chance of each (n, successes) still undecided follows from the one before.
    The verdicts are those of ``rules.decide_counts``.
    """
    import numpy as np

    undecided: Any = np.ones(1)
    p_pass = p_fail = expected_n = 0.0
    for accept, reject in _bounds(rule):
        expected_n += float(undecided.sum())
        undecided = np.append(undecided * (1 - p), 0) + np.insert(undecided * p, 0, 0)
        p_pass += float(undecided[accept:].sum())
        p_fail += float(undecided[: reject + 1].sum())
        undecided[accept:] = undecided[: reject + 1] = 0
    return Characteristics(p, p_pass, p_fail, float(undecided.sum()), expected_n)


def can_pass(rule: Rule) -> bool:
    """Say whether a flawless agent passes within the rule's trials."""
    return fewest_to_pass(rule) is not None


@functools.lru_cache(maxsize=64)
def _bounds(rule: Rule) -> tuple[_Bounds, ...]:
    """Return the bounds after 1, 2, … trials; more successes never make a verdict worse."""
    found = []
    for n in range(1, horizon(rule) + 1):

        def decision(successes: int, n: int = n) -> Any:
            return decide_counts(rule, Counter({1.0: successes, 0.0: n - successes}))

        every = range(n + 1)
        accept = bisect.bisect_left(every, x=True, key=lambda x: decision(x) == PASS)
        reject = bisect.bisect_left(every, x=True, key=lambda x: decision(x) != FAIL) - 1
        found.append(_Bounds(accept, reject))
    return tuple(found)
