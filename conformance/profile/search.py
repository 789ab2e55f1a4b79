"""The knee: the load beyond which goodput stops rising or the SLO is no longer kept.

The load is doubled until a point does not hold; then the step is halved until the two ends are one
slot or 5 % apart. A point that could be read either way is measured again. What the client could
not measure stops the search and is named: it is never taken for the server's knee.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from conformance.profile.document import Knee, Slo
from conformance.profile.gates import matters
from conformance.profile.percentiles import rate_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.document import Point

LEAST_RISE = 0.05
"""Goodput that rises by less than this share no longer rises."""
RESOLUTION = 0.05
"""The ends of the bracket may stay this far apart, as a share of the lower one."""
REPEATS = 2
"""How often a point is measured again, at most."""
_Z = 1.645
"""Of a one-sided 95 % interval."""

_Verdict = Literal["holds", "breaks", "unsure", "invalid"]


def find_knee(
    measure: Callable[[int], Point],
    start: int = 1,
    limit: int = 1024,
    *,
    slo: Slo | None = None,
    least_rise: float | None = LEAST_RISE,
    repeats: int = REPEATS,
) -> tuple[list[Point], Knee]:
    """Search the knee between two concurrencies.

    A load holds where the endpoint answered (no gate of its own is broken) and the share of good
    requests is not below ``slo.share``. The share is judged by its 95 % Clopper-Pearson interval:
    while that straddles ``slo.share`` the point is measured again, and at last its share decides.
    The rise of goodput from one load of the ramp to the next is judged likewise, by a 95 % bound
    for counts that scatter as Poisson's do.

    Where the SLO or the endpoint ends the ramp, the knee is the highest load that holds. Where
    goodput does, it is the least load whose goodput is within ``least_rise`` of the highest seen.

    Args:
        measure: Gives the point at a concurrency; the search is a function of what it returns.
        start: The first load.
        limit: The highest load.
        slo: What the points were measured under; without one throughput stands for goodput.
        least_rise: A share; None: only the SLO ends the ramp.
        repeats: How often a point may be measured again.

    Returns:
        All points by concurrency, and the knee; its concurrency is 0 where not even ``start`` held.
    """
    return _Search(measure, slo or Slo(), least_rise, repeats).run(start, limit)


class _Level:
    """All that was measured at one concurrency."""

    def __init__(self, concurrency: int, slo: Slo) -> None:
        self.concurrency = concurrency
        self.points: list[Point] = []
        self._slo = slo

    @property
    def usable(self) -> list[Point]:
        """Return the points that say something of the endpoint."""
        return [point for point in self.points if _is_usable(point)]

    @property
    def verdict(self) -> _Verdict:
        usable = self.usable
        if not usable:
            return "invalid"
        if 2 * sum("server" in matters(point.reasons) for point in usable) > len(usable):
            return "breaks"
        if not self._slo.is_set:
            return "holds"
        good, n = self._good()
        low, high = rate_interval(good, n)
        if low >= self._slo.share:
            return "holds"
        return "breaks" if high < self._slo.share else "unsure"

    @property
    def estimate(self) -> _Verdict:
        """Return the verdict, by the share itself where the interval says nothing."""
        if self.verdict != "unsure":
            return self.verdict
        good, n = self._good()
        return "holds" if good >= self._slo.share * n else "breaks"

    @property
    def rate(self) -> float:
        """Return goodput, or throughput without an SLO, by the second."""
        seconds = sum(point.window_s for point in self.usable)
        work = sum(_work(point, self._slo) * point.window_s for point in self.usable)
        return work / seconds if seconds else 0.0

    @property
    def count(self) -> float:
        """Return how many requests that rate was counted on."""
        return sum((point.requests_per_s or 0.0) * point.window_s for point in self.usable)

    def _good(self) -> tuple[int, int]:
        usable = self.usable
        good = sum(round((point.good_share or 0.0) * point.requests) for point in usable)
        return good, sum(point.requests for point in usable)


class _Search:
    def __init__(
        self, measure: Callable[[int], Point], slo: Slo, least_rise: float | None, repeats: int
    ) -> None:
        self._measure = measure
        self._slo = slo
        self._least_rise = least_rise
        self._repeats = repeats
        self._levels: dict[int, _Level] = {}

    def run(self, start: int, limit: int) -> tuple[list[Point], Knee]:
        held: _Level | None = None
        concurrency = min(start, limit)
        while True:
            level = self._look(concurrency)
            if level.estimate == "invalid":
                return self._result(held, None, f"stopped: {_why_invalid(level)}")
            rises = level.estimate == "breaks" or held is None or self._rises(held, level)
            if level.estimate == "breaks":  # asked again: a repeat may have changed it
                return self._bisect_slo(held, level)
            if not rises:
                return self._bisect_rise()
            if concurrency == limit:
                return self._at_limit(held, level)
            held = level
            concurrency = min(2 * concurrency, limit)

    def _look(self, concurrency: int) -> _Level:
        """Measure a load, again while its verdict is open."""
        level = self._levels.get(concurrency)
        if level is None:
            level = self._levels[concurrency] = _Level(concurrency, self._slo)
            level.points.append(self._measure(concurrency))
        while level.verdict in ("unsure", "invalid") and self._again(level):
            pass
        return level

    def _again(self, level: _Level) -> bool:
        """Measure a level again, if that is still allowed."""
        if len(level.points) > self._repeats:
            return False
        level.points.append(self._measure(level.concurrency))
        return True

    def _rises(self, low: _Level, high: _Level) -> bool:
        """Say whether goodput rises from one level of the ramp to the next, measuring until sure.

        A step that is less than a doubling, as to the limit, must bring its part of the rise.
        """
        if self._least_rise is None:
            return True
        part = min(1.0, high.concurrency / low.concurrency - 1)
        while True:
            least = low.rate * (1 + self._least_rise * part)
            scatter = _Z * math.hypot(_scatter(high), _scatter(low))
            if abs(high.rate - least) > scatter or not self._again(high):
                return high.rate > least

    def _at_limit(self, held: _Level | None, last: _Level) -> tuple[list[Point], Knee]:
        """End a ramp that held to the limit; its knee lies below where goodput lagged the load."""
        if held is not None and self._least_rise is not None:
            full = held.rate * last.concurrency / held.concurrency
            if last.rate * (1 + self._least_rise) < full:
                return self._bisect_rise()
        return self._result(last, None, f"it held up to the limit of {last.concurrency}")

    def _bisect_slo(self, held: _Level | None, broken: _Level) -> tuple[list[Point], Knee]:
        """Narrow the bracket of the highest load that holds."""
        if held is None:
            return self._result(None, broken, "not even the first load held")
        while not _is_narrow(held, broken):
            level = self._look((held.concurrency + broken.concurrency) // 2)
            verdict = level.estimate
            if verdict == "invalid":
                return self._result(held, broken, f"not narrowed: {_why_invalid(level)}")
            if verdict == "holds":
                held = level
            else:
                broken = level
        return self._result(held, broken, "above it the SLO or the endpoint broke")

    def _bisect_rise(self) -> tuple[list[Point], Knee]:
        """Narrow the bracket of the least load with the whole goodput; all of the ramp held."""
        rise = 1 + (self._least_rise or 0.0)
        best, note = self._peak(rise)
        whole = best.rate / rise
        ramp = [level for level in self._held() if level.concurrency <= best.concurrency]
        first = next(number for number, level in enumerate(ramp) if level.rate >= whole)
        low, full = ramp[first - 1] if first else None, ramp[first]
        while low is not None and not note and not _is_narrow(low, full):
            level = self._look((low.concurrency + full.concurrency) // 2)
            if level.estimate == "invalid":
                note = f"not narrowed: {_why_invalid(level)}"
            elif level.estimate == "holds" and level.rate >= whole:
                full = level
            else:
                low = level
        above = [at for at in self._levels if at > full.concurrency]
        return self._result(
            full,
            self._levels[min(above)] if above else None,
            note or "above it goodput rose no further",
        )

    def _peak(self, rise: float) -> tuple[_Level, str]:
        """Return the level of the highest goodput, and why it may not be the highest there is.

        Where goodput falls again after it, the peak lies between its neighbours, perhaps far above
        what the ramp's steps saw: the wider half of the three is probed until they are narrow.
        """
        ramp = self._held()
        best = max(ramp, key=lambda level: level.rate)
        at = ramp.index(best)
        if at == len(ramp) - 1 or ramp[at + 1].rate * rise >= best.rate:
            return best, ""
        low, high = ramp[at - 1] if at else best, ramp[at + 1]
        while not (_is_narrow(low, best) and _is_narrow(best, high)):
            below = best.concurrency - low.concurrency >= high.concurrency - best.concurrency
            side = low if below else high
            level = self._look((side.concurrency + best.concurrency) // 2)
            if level.estimate == "invalid":
                return best, f"not narrowed: {_why_invalid(level)}"
            if level.estimate == "holds" and level.rate > best.rate:
                low, best, high = (low, level, best) if below else (best, level, high)
            elif below:
                low = level
            else:
                high = level
        return best, ""

    def _held(self) -> list[_Level]:
        levels = (self._levels[at] for at in sorted(self._levels))
        return [level for level in levels if level.estimate == "holds"]

    def _result(
        self, held: _Level | None, upper: _Level | None, note: str
    ) -> tuple[list[Point], Knee]:
        points = [point for at in sorted(self._levels) for point in self._levels[at].points]
        return points, Knee(
            concurrency=float(held.concurrency) if held else 0.0,
            upper=float(upper.concurrency) if upper else None,
            method=f"doubling, then bisection; {note}",
        )


def _scatter(level: _Level) -> float:
    """Return the standard deviation of a level's rate, if its requests came as Poisson's do."""
    return level.rate / math.sqrt(level.count) if level.count else 0.0


def _is_narrow(low: _Level, high: _Level) -> bool:
    return high.concurrency - low.concurrency <= max(1, RESOLUTION * low.concurrency)


def _is_usable(point: Point) -> bool:
    """Say whether a point says something of the endpoint.

    Broken gates of energy do not touch speed. Those of the load (too few requests, no steady
    window) follow from the endpoint's failures where there are such.
    """
    found = matters(point.reasons) - {"energy"}
    return not found or ("server" in found and found <= {"server", "load"})


def _work(point: Point, slo: Slo) -> float:
    if slo.is_set:
        return point.goodput_per_s or 0.0
    if point.output_tokens_per_s is not None:
        return point.output_tokens_per_s
    return point.requests_per_s or 0.0


def _why_invalid(level: _Level) -> str:
    codes = sorted({reason.code for point in level.points for reason in point.reasons})
    return (
        f"at {level.concurrency} the measurement itself was not valid ({', '.join(codes)}), which "
        "says nothing of the endpoint"
    )
