"""The instances that two campaigns of one seed were both tried on, and what each made of them.

A campaign's draws follow from its seed, so two campaigns of one seed draw the same instances at
the same indices, each as far as its own rules went.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Seen(msgspec.Struct, frozen=True):
    """One observation of one campaign."""

    clause: str
    rank: int
    """Which step the clause belongs to, counted in the order in which the ladder tries them."""
    index: int
    instance: str
    """The digest of what was drawn: family, version, knobs, wording, language and seed."""
    family: str
    lang: str
    trial: str
    value: float


class Pair(NamedTuple):
    """One instance, and what it was worth in both campaigns."""

    instance: str
    family: str
    lang: str
    trial_a: str
    trial_b: str
    a: float
    """In [0, 1]; so is b."""
    b: float

    @property
    def difference(self) -> float:
        """B less A."""
        return self.b - self.a


def clause_pairs(a: Sequence[Seen], b: Sequence[Seen]) -> dict[str, list[Pair]]:
    """Return the pairs of each clause, in the order of its own stream."""
    others = {(seen.clause, seen.index): seen for seen in b}
    found: dict[str, list[Pair]] = {}
    for seen in sorted(a, key=lambda item: item.index):
        other = others.get((seen.clause, seen.index))
        if other is not None and other.instance == seen.instance:
            found.setdefault(seen.clause, []).append(_pair([seen], [other]))
    return found


def fresh_pairs(a: Sequence[Seen], b: Sequence[Seen]) -> list[Pair]:
    """Return each instance once, where both campaigns met it first in the same round.

    The order is that of the ladder: step by step, index by index. An instance is worth the mean
    of what the clauses gave it that observed it in that round in both. Whether an instance is
    among them follows from rounds before, so nothing of its own outcome has a say in that; one
    that a campaign had met already would be chosen with half of its outcome known.
    """
    by_round: dict[tuple[int, int], tuple[list[Seen], list[Seen]]] = {}
    for side, observations in enumerate((a, b)):
        for seen in observations:
            by_round.setdefault((seen.rank, seen.index), ([], []))[side].append(seen)
    met: set[str] = set()
    found = []
    for at in sorted(by_round):
        here_a, here_b = by_round[at]
        others = {(seen.clause, seen.instance): seen for seen in here_b}
        shared: dict[str, list[tuple[Seen, Seen]]] = {}
        for seen in here_a:
            other = others.get((seen.clause, seen.instance))
            if other is not None and seen.instance not in met:
                shared.setdefault(seen.instance, []).append((seen, other))
        found += [_pair(*zip(*both, strict=True)) for both in shared.values()]
        met.update(seen.instance for seen in (*here_a, *here_b))
    return found


def _pair(a: Sequence[Seen], b: Sequence[Seen]) -> Pair:
    return Pair(
        instance=a[0].instance,
        family=a[0].family,
        lang=a[0].lang,
        trial_a=a[0].trial,
        trial_b=b[0].trial,
        a=math.fsum(seen.value for seen in a) / len(a),
        b=math.fsum(seen.value for seen in b) / len(b),
    )
