"""The streams of draws: what each clause is given at each index, the same on every platform.

Every clause has its own stream and is fed nothing else. Draws of different clauses are coupled
through variates that belong to the index and the family, never to the clause: marginals stay
exact, and clauses that draw the same thing at an index share one trial.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from conformance.authoring import canonical, digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.decision.spec import Clause

T = TypeVar("T")

_BITS = 52


class Draw(msgspec.Struct, frozen=True, omit_defaults=True):
    """One draw of a clause: all that an instance and its trial are made from."""

    family: str
    version: int
    knobs: dict[str, Any]
    wording: int
    lang: str
    seed: str
    repeat: int = 0
    """Which trial of this instance, for a clause that takes several of each."""

    @property
    def key(self) -> str:
        """The content address: clauses whose draws have one key share one trial."""
        return digest(msgspec.to_builtins(self))


def index_seed(seed: bytes, index: int) -> str:
    """Return the seed of an index: HMAC-SHA256(seed, the index in decimal), in hexadecimal."""
    return hmac.digest(seed, str(index).encode(), hashlib.sha256).hex()


def draw(clause: Clause, seed: bytes, index: int, langs: Sequence[str]) -> Draw:
    """Return what ``clause`` draws at ``index`` (1 is the first).

    Each family f has the exponential variate e(i, f) = −ln u(i, f); the clause takes the family
    with the least e(i, f) / w_f. The least of exponentials with rates w_f is f with probability
    w_f / Σw, so the marginal is exact, while two clauses with overlapping families often agree.
    Knob choices, wording and language are common to all clauses at (index, family).

    Raises:
        ValueError: for a clause without sources, with a family named twice (its two variates
            would be one), or with a weight that is not positive.
    """
    families = [source.family for source in clause.sources]
    if not families or len(set(families)) < len(families):
        raise ValueError(f"{clause.id} must name one or more families, each once: {families}")
    if not all(source.weight > 0 for source in clause.sources):
        raise ValueError(f"{clause.id} has a family whose weight is not positive")
    own = index_seed(seed, index)
    source = min(
        clause.sources,
        key=lambda item: -math.log(_uniform(own, "family", item.family)) / item.weight,
    )
    return Draw(
        family=source.family,
        version=source.version,
        knobs={
            name: _pick(value, own, "knob", source.family, name)
            if isinstance(value, list | tuple)
            else value
            for name, value in source.knobs.items()
        },
        wording=_pick(range(source.wordings), own, "wording", source.family),
        lang=_pick(langs, own, "language", source.family),
        seed=own,
    )


def draw_rider(seed: bytes, index: int, population: Sequence[str]) -> str:
    """Return the clause of ``population`` whose trial at ``index`` a rider observes.

    Uniform, whatever the order of the population. Every rider uses the variates of the clauses,
    so riders with overlapping populations mostly look at the same trial.
    """
    own = index_seed(seed, index)
    return min(population, key=lambda clause: (_integer(own, "rider", clause), clause))


def _pick(items: Sequence[T], own: str, *parts: str) -> T:
    return items[_integer(own, *parts) * len(items) >> _BITS]


def _uniform(own: str, *parts: str) -> float:
    # (2k + 1) / 2⁵³ is exact in binary floating point and never 0 or 1.
    return math.ldexp(2 * _integer(own, *parts) + 1, -_BITS - 1)


def _integer(own: str, *parts: str) -> int:
    code = hmac.digest(bytes.fromhex(own), canonical(list(parts)), hashlib.sha256)
    return int.from_bytes(code[:8], "big") >> (64 - _BITS)
