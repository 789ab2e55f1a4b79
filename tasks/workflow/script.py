"""A script that does the pipeline: what the oracle hands in, and what others spoil."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pipeline import CHAINS

if TYPE_CHECKING:
    from .pipeline import Recipe

_HEAD = """\
import hashlib

CALIBRATION = {calibration!r}
WEIGHTS = {weights!r}

with open("input.csv", encoding="ascii") as file:
    lines = file.read().split()[1:]
rows = []
for line in lines:
    seq, channel, fw, minute, raw, qc = line.split(",")
    rows.append((int(seq), channel, int(fw), int(minute), int(raw), int(qc)))
rows.sort()
source = {{row[0]: row for row in rows}}
tables = {{}}
"""
_GROUPING = """\
def grouped(items):
    groups = {}
    for key, value in items:
        groups.setdefault(key, []).append(value)
    return sorted(groups.items())
"""
_STAGES = {
    "convert": """\
tables["convert"] = [
    (seq, channel, raw * {factor})
    for seq, channel, fw, minute, raw, qc in rows
]
""",
    "calibrate": """\
tables["calibrate"] = [
    (seq, channel, milli * CALIBRATION[channel][0] // 1000 + CALIBRATION[channel][1])
    for seq, channel, milli in tables["convert"]
    if channel in CALIBRATION
]
""",
    "screen": """\
tables["screen"] = [
    (seq, channel, value)
    for seq, channel, value in tables["calibrate"]
    if source[seq][5] not in {bad!r} and {low} <= value <= {high}
]
""",
    "aggregate": """\
windows = grouped(
    ((channel, source[seq][3] // {window}), value) for seq, channel, value in tables[{kept!r}]
)
tables["aggregate"] = [
    (channel, window, len(values), {kind})
    for (channel, window), values in windows
    if len(values) >= {least}
]
""",
    "baseline": """\
tables["baseline"] = [
    (channel, sorted(values)[(len(values) - 1) // 2])
    for channel, values in grouped((row[1], row[2]) for row in tables["calibrate"])
]
""",
    "normalise": """\
base = dict(tables["baseline"])
tables["normalise"] = [
    (channel, window, (value - base[channel]) * WEIGHTS[channel] // 100)
    for channel, window, count, value in tables["aggregate"]
    if channel in WEIGHTS
]
""",
}
_TAIL = """\
last = [row[-1] for row in tables[{last!r}]]
print("metric", {metric})
for name, table in tables.items():
    text = "".join(",".join(map(str, row)) + "\\n" for row in table)
    print(name, hashlib.sha256(text.encode()).hexdigest())
"""
_KINDS = {
    "mean": "sum(values) // len(values)",
    "median": "sorted(values)[(len(values) - 1) // 2]",
    "range": "max(values) - min(values)",
}
_METRICS = {
    "total": "sum(last)",
    "spread": "max(last) - min(last)",
    "mean": "sum(last) // len(last)",
}


def script_of(recipe: Recipe) -> str:
    """Return a script that does what the recipe says."""
    stages = CHAINS[recipe.stages]
    changed = f"(1 if fw >= {recipe.firmware} else 10)"
    pieces = [_HEAD, *(_STAGES[name] for name in stages), _TAIL]
    filled = [
        piece.format(
            calibration={name: (gain, offset) for name, gain, offset in recipe.calibration},
            weights=dict(recipe.weights) if "normalise" in stages else {},
            factor="10" if recipe.firmware is None else changed,
            bad=recipe.bad,
            low=recipe.low,
            high=recipe.high,
            window=recipe.window,
            least=recipe.least,
            kind=_KINDS[recipe.kind],
            kept="screen" if "screen" in stages else "calibrate",
            last=stages[-1],
            metric=_METRICS[recipe.metric],
        )
        for piece in pieces
    ]
    return "\n".join([filled[0], _GROUPING, *filled[1:]])


def printing(text: str) -> str:
    """Return a script that prints ``text`` whatever its input is."""
    return f"print({text!r}, end='')\n"
