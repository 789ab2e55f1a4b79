"""What the tests of every family share: a weakened oracle, its pass rate, a plot of it, frames."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from conformance.authoring import Rng, Trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from conformance.authoring import Instance, Played
    from conformance.edition import Edition

_FACT = re.compile(r"[A-Z]{1,6}-?\d[\w.-]*|\d{4}-\d{2}-\d{2}|\d+(?:\.\d+)?")


def facts(text: str) -> list[str]:
    """Return the ids, dates and numbers of a text, sorted: what every rendering must share."""
    return sorted(set(_FACT.findall(text)))


def slipping(instance: Instance[Any], percent: int, rng: Rng) -> Played[Any]:
    """Play the oracle's calls, each forgotten with a chance of ``percent`` in a hundred."""
    trace = instance.solve().trace
    kept = tuple(step for step in trace.steps if not rng.chance(percent))
    return instance.replay(Trace(kept, trace.answer))


def pass_rate(
    edition: Edition, family: str, knobs: Mapping[str, Any], *, percent: int = 4, count: int = 150
) -> float:
    """Return how often an oracle that forgets calls solves instances with these knobs."""
    solved = edition.grader("solved")
    hits = 0
    for number in range(count):
        instance = edition.instance(family, dict(knobs), seed=f"slip-{number}", lang="en")
        played = slipping(instance, percent, Rng.of("slip", family, number))
        hits += solved(played).value == 1
    return hits / count


def falls(rates: Sequence[float], *, by: float = 0.05) -> bool:
    """Say whether each rate is below the one before, and the last well below the first."""
    steps = itertools.pairwise(rates)
    return all(b <= a + 1e-9 for a, b in steps) and rates[0] - rates[-1] >= by


def plot(path: Path, family: str, knob: str, rates: Mapping[Any, float]) -> None:
    """Write the rates over a knob as a picture."""
    import altair as alt

    rows = [{"value": str(value), "rate": rate} for value, rate in rates.items()]
    chart = alt.Chart(alt.Data(values=rows), title=f"{family}: {knob}").mark_line(point=True)
    axes = chart.encode(
        x=alt.X("value:O", sort=None, title=knob),
        y=alt.Y("rate:Q", title="solved by a weakened oracle", scale=alt.Scale(domain=[0, 1])),
    )
    axes.properties(width=320, height=200).save(str(path), format="svg")
