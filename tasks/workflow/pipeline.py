"""The pipeline itself: integer stages, their canonical texts, checksums and the metric."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

HEADER = "seq,channel,fw,minute,raw,qc"
CHAINS = {
    3: ("convert", "calibrate", "aggregate"),
    4: ("convert", "calibrate", "screen", "aggregate"),
    6: ("convert", "calibrate", "screen", "aggregate", "baseline", "normalise"),
}
"""The stages by their number, in the order of the documentation; the last gives the metric."""


class Row(NamedTuple):
    """One reading of the input."""

    seq: int
    channel: str
    fw: int
    """Firmware of the logger."""
    minute: int
    raw: int
    """In hundredths of a unit, from ``Recipe.firmware`` on in thousandths."""
    qc: int


class Recipe(NamedTuple):
    """What the documentation, the notes and the tables say together."""

    stages: int
    firmware: int | None
    calibration: tuple[tuple[str, int, int], ...]
    """Channel, gain in thousandths, offset in thousandths of a unit."""
    bad: tuple[int, ...]
    low: int
    high: int
    window: int
    least: int
    kind: str
    weights: tuple[tuple[str, int], ...]
    """Channel, weight in hundredths."""
    metric: str


class Outcome(NamedTuple):
    """What a right script prints."""

    metric: int
    checksums: tuple[tuple[str, str], ...]

    @property
    def printed(self) -> str:
        """Return it as the script prints it."""
        lines = [f"metric {self.metric}", *(f"{name} {sha}" for name, sha in self.checksums)]
        return "".join(f"{line}\n" for line in lines)


Table = list[tuple[str | int, ...]]

KINDS: Mapping[str, Callable[[Sequence[int]], int]] = {
    "mean": lambda values: sum(values) // len(values),
    "median": lambda values: sorted(values)[(len(values) - 1) // 2],
    "range": lambda values: max(values) - min(values),
}
METRICS: Mapping[str, Callable[[Sequence[int]], int]] = {
    "total": sum,
    "spread": lambda values: max(values) - min(values),
    "mean": lambda values: sum(values) // len(values),
}


def tables(recipe: Recipe, rows: Iterable[Row]) -> dict[str, Table]:
    """Return the rows of every stage, in canonical order."""
    source = sorted(rows)
    gains = {channel: (gain, offset) for channel, gain, offset in recipe.calibration}
    milli = {row.seq: row.raw * _factor(recipe, row) for row in source}
    value = {
        row.seq: milli[row.seq] * gains[row.channel][0] // 1000 + gains[row.channel][1]
        for row in source
        if row.channel in gains
    }
    calibrated = [row for row in source if row.seq in value]
    screened = [
        row
        for row in calibrated
        if row.qc not in recipe.bad and recipe.low <= value[row.seq] <= recipe.high
    ]
    kept = screened if "screen" in CHAINS[recipe.stages] else calibrated
    groups = _grouped((row.channel, row.minute // recipe.window, value[row.seq]) for row in kept)
    aggregate: Table = [
        (channel, window, len(values), KINDS[recipe.kind](values))
        for (channel, window), values in sorted(groups.items())
        if len(values) >= recipe.least
    ]
    bases = _grouped((row.channel, 0, value[row.seq]) for row in calibrated)
    base = {channel: KINDS["median"](values) for (channel, _), values in sorted(bases.items())}
    weights = dict(recipe.weights)
    made: dict[str, Table] = {
        "convert": [(row.seq, row.channel, milli[row.seq]) for row in source],
        "calibrate": [(row.seq, row.channel, value[row.seq]) for row in calibrated],
        "screen": [(row.seq, row.channel, value[row.seq]) for row in screened],
        "aggregate": aggregate,
        "baseline": list(base.items()),
        "normalise": [
            (channel, window, (int(level) - base[str(channel)]) * weights[str(channel)] // 100)
            for channel, window, _, level in aggregate
            if channel in weights
        ],
    }
    return {name: made[name] for name in CHAINS[recipe.stages]}


def outcome(recipe: Recipe, rows: Iterable[Row]) -> Outcome:
    """Return the metric and checksums of an input whose last stage is not empty."""
    made = tables(recipe, rows)
    checksums = tuple((name, checksum(table)) for name, table in made.items())
    return Outcome(metric(recipe, made[CHAINS[recipe.stages][-1]]), checksums)


def metric(recipe: Recipe, last: Table) -> int:
    """Return the metric of the last stage's rows."""
    return METRICS[recipe.metric]([int(row[-1]) for row in last])


def checksum(table: Table) -> str:
    """Return the SHA-256 of a stage's canonical text."""
    text = "".join(",".join(map(str, row)) + "\n" for row in table)
    return hashlib.sha256(text.encode()).hexdigest()


def as_csv(rows: Iterable[Row]) -> str:
    """Return an input file."""
    return "".join(f"{line}\n" for line in (HEADER, *(",".join(map(str, row)) for row in rows)))


def _factor(recipe: Recipe, row: Row) -> int:
    return 1 if recipe.firmware is not None and row.fw >= recipe.firmware else 10


def _grouped(items: Iterable[tuple[str, int, int]]) -> dict[tuple[str, int], list[int]]:
    groups: dict[tuple[str, int], list[int]] = {}
    for channel, window, value in items:
        groups.setdefault((channel, window), []).append(value)
    return groups
