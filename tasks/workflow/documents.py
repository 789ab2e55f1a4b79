"""What the tools show of a pipeline: its documentation, the notes on its data, its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .pipeline import HEADER
from .scenario import Scenario, chain, table_names

if TYPE_CHECKING:
    from collections.abc import Mapping

ARITHMETIC = "Integers only; a // b rounds down, also below zero."
TEXT_FORM = (
    "One line a row: the columns in the order given, joined by a comma; no header, no blanks; "
    "each line ends with a line feed. The checksum is the SHA-256 of that text, in lower-case hex."
)
_KINDS = {
    "mean": "the sum of the values // their count",
    "median": "the lower median: of the values in ascending order, the one at (count - 1) // 2, "
    "counting from 0",
    "range": "the largest minus the smallest",
}
_METRICS = {
    "total": "the sum",
    "spread": "the largest minus the smallest",
    "mean": "the sum // the number of rows",
}
_WHERE = {True: "below", False: "get_table"}


def documentation(scenario: Scenario) -> dict[str, Any]:
    """Return the pipeline as ``get_pipeline`` shows it."""
    stages = chain(scenario)
    result: dict[str, Any] = {
        "workflow": scenario.workflow,
        "revision": 2,
        "input": f"input.csv, a header and one reading a line: {HEADER}; the lines come in any "
        "order, seq is unique",
        "arithmetic": ARITHMETIC,
        "text_form": TEXT_FORM,
        "stages": [_stage(scenario, name) for name in stages],
        "metric": f"{_METRICS[scenario.recipe.metric]}, over the last column of {stages[-1]}",
        "print": ["metric NUMBER", *(f"{name} CHECKSUM" for name in stages)],
    }
    if scenario.is_inline:
        result["tables"] = {name: table(scenario, name) for name in table_names(scenario)}
    return result


def table(scenario: Scenario, name: str) -> dict[str, Any]:
    """Return a reference table."""
    if name == "calibration":
        rows = [list(row) for row in scenario.recipe.calibration]
        return {"columns": ["channel", "gain", "offset"], "rows": rows}
    weights = [list(row) for row in scenario.recipe.weights]
    return {"columns": ["channel", "weight"], "rows": weights}


def notes(scenario: Scenario) -> list[dict[str, str]]:
    """Return the notes on the data, oldest first; at most one or two of them matter."""
    firmware, draft, noise = scenario.recipe.firmware, scenario.draft, scenario.noise
    channels = [name for name, _, _ in scenario.recipe.calibration]
    texts = [
        f"The shelter of {channels[noise[0] % 5]} was repainted. No effect on the data.",
        (
            f"{channels[noise[1] % 5]} was away for service for {noise[2] % 9 + 2} days; "
            "its readings are missing, nothing was filled in."
        ),
        "Clocks checked against the reference: off by less than a second.",
        f"Some readings arrive late and are appended where they arrive ({noise[3] % 7 + 2} today).",
    ]
    if firmware is None:
        rolled = scenario.rolled_out
        texts.insert(2, f"Firmware {rolled} was rolled out. raw is written as before.")
    else:
        named = firmware if draft is None else draft
        texts.insert(
            noise[4] % 4,
            f"Loggers with firmware {named} or later write raw in thousandths of a unit "
            "(milli = raw); earlier ones go on writing hundredths.",
        )
    if draft is not None:
        texts.append(
            f"Correction to the note on firmware {draft}: the change came with firmware "
            f"{firmware}, not {draft}. Loggers below {firmware} write hundredths."
        )
    year = 2030 + noise[5] % 5
    return [
        {"note": f"N{number}", "date": f"{year}-{2 * number:02}-{noise[5] % 28 + 1:02}", "text": t}
        for number, t in enumerate(texts, 1)
    ]


def _stage(scenario: Scenario, name: str) -> Mapping[str, Any]:
    recipe, where = scenario.recipe, _WHERE[scenario.is_inline]
    kept = "screen" if "screen" in chain(scenario) else "calibrate"
    low, high, least = recipe.low, recipe.high, recipe.least
    columns, order, needs, does = {
        "convert": (
            "seq,channel,milli",
            "seq",
            ["input.csv", "notes (get_notes)"],
            (
                "One row a reading. milli is the reading in thousandths of a unit. raw counts "
                "hundredths (milli = raw * 10) unless a note says otherwise."
            ),
        ),
        "calibrate": (
            "seq,channel,value",
            "seq",
            ["convert", f"table calibration ({where})"],
            (
                "value = milli * gain // 1000 + offset, with the channel's gain and offset. "
                "Rows of a channel that is not in the table are dropped."
            ),
        ),
        "screen": (
            "seq,channel,value",
            "seq",
            ["calibrate", "input.csv"],
            (
                f"Keeps the rows with {low} <= value <= {high} whose reading (same seq) has a qc "
                f"other than {recipe.bad[0]} and {recipe.bad[1]}."
            ),
        ),
        "aggregate": (
            "channel,window,count,value",
            "channel, then window",
            [kept, "input.csv"],
            (
                f"window = minute // {recipe.window}, with the minute of the reading. For each "
                f"channel and window with {least} rows of {kept} or more: their count, and as "
                f"value {_KINDS[recipe.kind]}."
            ),
        ),
        "baseline": (
            "channel,value",
            "channel",
            ["calibrate"],
            f"For each channel of calibrate: {_KINDS['median']}.",
        ),
        "normalise": (
            "channel,window,index",
            "channel, then window",
            ["aggregate", "baseline", f"table sites ({where})"],
            (
                "For each row of aggregate: index = (value - baseline) * weight // 100, with the "
                "baseline and the weight of its channel. Rows of a channel that is not in the "
                "table are dropped."
            ),
        ),
    }[name]
    ascending = f"ascending by {order}"
    if order != "seq":
        ascending += "; channels are compared as text (K12 before K7), windows as numbers"
    return {"stage": name, "needs": needs, "does": does, "columns": columns, "order": ascending}
