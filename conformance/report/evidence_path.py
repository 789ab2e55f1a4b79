"""The e-values of a clause after each observation, as a small picture: log10 E against n.

Computed again from the observations by the code that decides, so it ends at the e-values that the
clause table shows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from conformance.decision import horizon
from conformance.decision.betting import paths
from conformance.report.numbers import plain
from conformance.report.texts import flowing, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.decision import Rule
    from conformance.evidence.documents import Words

WIDTH, HEIGHT = 340, 190
LEFT, RIGHT, TOP, BOTTOM = 38, 10, 14, 26
FLOOR = -2.0
"""Powers of ten below which a path is drawn at the edge: how far it fell decides nothing."""
_CEILING = 4.0
"""Powers of ten above the higher limit at which a path is cut."""
_TICKS = 5


class Line(NamedTuple):
    """One e-value over the observations."""

    name: str
    """``pass``: E⁺, evidence against p ≤ p0; ``fail``: E⁻, evidence against p ≥ p0."""
    label: str
    points: str
    """As SVG takes them: ``x,y x,y``."""
    last: tuple[float, float]
    log10: tuple[float, ...]
    """The values themselves, one an observation."""


class LimitLine(NamedTuple):
    """The height at which an e-value decides."""

    name: str
    label: str
    y: float


class Mark(NamedTuple):
    """A mark at an axis."""

    at: float
    label: str


class EvidencePath(NamedTuple):
    """The picture, and the same in words."""

    width: int
    height: int
    box: tuple[float, float, float, float]
    """Left, top, right and bottom of the plot."""
    lines: tuple[Line, ...]
    limits: tuple[LimitLine, ...]
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    least: float | None
    """Where the first verdict is possible; None where that is from the first trial on."""
    sentence: Words


def evidence_path(rule: Rule, values: Sequence[float]) -> EvidencePath | None:
    """Return the path of a clause's e-values; None where its rule does not bet.

    Args:
        rule: The clause's rule.
        values: Its observations in stream order, in [0, 1].
    """
    seen = values[: horizon(rule)]
    if rule.name == "fixed" or not seen:
        return None
    rise, fall = (tuple((row[0] / math.log(10)).tolist()) for row in paths([seen], rule.p0))
    # A clean run passes by its number of trials: it does not bet on passing.
    found = {"pass": rise, "fail": fall} if rule.name == "betting" else {"fail": fall}
    alphas = {"pass": rule.alpha, "fail": rule.alpha_fail}
    limits = {name: -math.log10(alphas[name]) for name in found}
    top = min(
        max(max(limits.values()) + 0.5, *(max(line) for line in found.values())),
        max(limits.values()) + _CEILING,
    )
    plot = _Plot(len(seen), top)
    return EvidencePath(
        width=WIDTH,
        height=HEIGHT,
        box=(LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM),
        lines=tuple(_line(name, log10, plot) for name, log10 in found.items()),
        limits=tuple(_limits(alphas, found, plot)),
        across=tuple(Mark(plot.x(n), str(n)) for n in _whole_ticks(len(seen))),
        up=tuple(Mark(plot.y(p), _power(p)) for p in range(int(FLOOR), math.floor(top) + 1)),
        least=plot.x(rule.n_min) if _is_put_off(rule, len(seen)) else None,
        sentence=flowing([*_sentence(rule, found, limits), *_edges(found, top)]),
    )


class _Plot:
    """From an observation's number and a power of ten to a place in the picture."""

    def __init__(self, n: int, top: float) -> None:
        self.n, self.top = n, top

    def x(self, n: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * n / self.n, 1)

    def y(self, log10: float) -> float:
        kept = min(self.top, max(FLOOR, log10))
        share = (self.top - kept) / (self.top - FLOOR)
        return round(TOP + (HEIGHT - TOP - BOTTOM) * share, 1)


def _line(name: str, log10: tuple[float, ...], plot: _Plot) -> Line:
    # Before the first observation both are 1.
    places = [(plot.x(n), plot.y(value)) for n, value in enumerate((0.0, *log10))]
    label = {"pass": "E⁺", "fail": "E⁻"}[name]
    points = " ".join(f"{plain(x)},{plain(y)}" for x, y in places)
    return Line(name, label, points, places[-1], log10)


def _limits(alphas: dict[str, float], found: Iterable[str], plot: _Plot) -> Iterable[LimitLine]:
    """Yield the limits; where both are the same, one for both."""
    labels = {"pass": "1/α", "fail": "1/α⁻"}
    wanted = {name: alphas[name] for name in found}
    if len(set(wanted.values())) == 1:
        alpha = next(iter(wanted.values()))
        yield LimitLine("both", f"1/α = {plain(1 / alpha)}", plot.y(-math.log10(alpha)))
        return
    for name, alpha in wanted.items():
        label = f"{labels[name]} = {plain(1 / alpha)}"
        yield LimitLine(name, label, plot.y(-math.log10(alpha)))


def _sentence(
    rule: Rule, found: dict[str, tuple[float, ...]], limits: dict[str, float]
) -> Iterable[Words]:
    for name, log10 in found.items():
        limit = plain(round(10 ** limits[name], 6))
        first = next((n for n, v in enumerate(log10, 1) if v >= limits[name]), None)
        if first is None:
            yield say(f"path.{name}_never", limit=limit)
        else:
            yield say(f"path.{name}_reached", limit=limit, trial=first)
    if rule.name == "clean-run":
        yield say("path.clean", most=horizon(rule))
    elif _is_put_off(rule, len(next(iter(found.values())))):
        yield say("path.least", least=rule.n_min)


def _edges(found: dict[str, tuple[float, ...]], top: float) -> Iterable[Words]:
    """Yield that a path left the picture, where one did."""
    if any(not FLOOR <= value <= top for log10 in found.values() for value in log10):
        yield say("path.edges")


def _is_put_off(rule: Rule, n: int) -> bool:
    return rule.name == "betting" and 1 < rule.n_min <= n


def _whole_ticks(n: int) -> list[int]:
    """Return about five whole numbers from 0 to ``n`` at round steps."""
    step = next(
        size * 10**power
        for power in range(9)
        for size in (1, 2, 5)
        if n / (size * 10**power) <= _TICKS
    )
    return list(range(0, n + 1, step))


def _power(power: int) -> str:
    return plain(10.0**power) if -3 <= power <= 3 else f"10{_raised(power)}"  # noqa: PLR2004 - what reads well in full


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
