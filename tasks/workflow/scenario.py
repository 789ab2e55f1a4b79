"""The scenario: a recipe, an input to show and one to keep back, notes, and faults at the door."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from conformance.authoring import Fault, mint

from .pipeline import CHAINS, KINDS, METRICS, Outcome, Recipe, Row, as_csv, metric, outcome, tables

if TYPE_CHECKING:
    from conformance.authoring import Knobs, Rng
    from conformance.authoring.faults import FaultKind

SITES = 6
"""How many themes the wording has."""
_QC = (3, 5, 7, 8)
_WINDOWS = (12, 15, 20, 24)
_SEEN = 4
"""Calibrated channels of the shown input; one more is in the other input alone."""
_CANDIDATES = 40


@dataclass(frozen=True)
class Scenario:
    """A reproduction task; no word of any language but the tokens of tools."""

    secret: str
    workflow: str
    site: int
    recipe: Recipe
    draft: int | None
    """The firmware that an earlier note names, where a later one corrects it."""
    is_inline: bool
    """The tables stand in the documentation instead of behind a tool."""
    rolled_out: int
    """The firmware that appears half-way through the data, whether or not it changed anything."""
    noise: tuple[int, ...]
    """Draws for the notes that change nothing."""
    shown: tuple[Row, ...]
    kept_back: tuple[Row, ...]
    other: Recipe
    """What revision 1 and the colleague's script did: no unit change, another window."""
    faults: tuple[Fault, ...]


def chain(scenario: Scenario) -> tuple[str, ...]:
    """Return the stages in order."""
    return CHAINS[scenario.recipe.stages]


def table_names(scenario: Scenario) -> tuple[str, ...]:
    """Return the reference tables that the stages need."""
    return ("calibration", "sites") if "normalise" in chain(scenario) else ("calibration",)


@lru_cache(maxsize=128)
def right(scenario: Scenario, *, is_shown: bool = True) -> Outcome:
    """Return what a right script prints for one of the two inputs."""
    return outcome(scenario.recipe, scenario.shown if is_shown else scenario.kept_back)


@lru_cache(maxsize=128)
def input_text(scenario: Scenario, *, is_shown: bool = True) -> str:
    """Return one of the two inputs as a file."""
    return as_csv(scenario.shown if is_shown else scenario.kept_back)


def misread_firmware(scenario: Scenario) -> int | None:
    """Return the change of unit as a careless reader of the notes sees it."""
    if scenario.draft is not None:
        return scenario.draft
    return scenario.rolled_out if scenario.recipe.firmware is None else None


def receipt(scenario: Scenario, number: int) -> str:
    """Return the receipt of the submission of that number, 1 the first."""
    return mint(scenario.secret, "receipt", scenario.workflow, number)


def draw(rng: Rng, knobs: Knobs) -> Scenario:
    """Draw a scenario in which each trap shows in both inputs.

    Raises:
        ValueError: none of the first candidates is one.
    """
    for number in range(_CANDIDATES):
        scenario = _candidate(rng.fork(number), knobs)
        if _is_telling(scenario):
            return scenario
    raise ValueError("no candidate has every trap")


def _candidate(rng: Rng, knobs: Knobs) -> Scenario:
    letter = rng.choice("CKMPRT")
    # One digit and two: their order as text is not that of the numbers.
    numbers = [*rng.sample(range(2, 10), 3), *rng.sample(range(10, 20), 3)]
    names = rng.shuffled([f"{letter}{number}" for number in numbers])
    seen, late, strange = names[:_SEEN], names[_SEEN], names[_SEEN + 1]
    change = rng.integer(22, 38)
    firmware = None if knobs["unit"] == "constant" else change
    draft = change + rng.choice((-2, 2)) if knobs["unit"] == "corrected" else None
    window = rng.choice(_WINDOWS)
    calibrated = rng.shuffled([*seen, late])
    weighed = rng.shuffled([*seen[1:], late])
    recipe = Recipe(
        stages=knobs["stages"],
        firmware=firmware,
        calibration=tuple(
            (name, rng.integer(930, 1070), rng.integer(-240, 240)) for name in calibrated
        ),
        bad=tuple(sorted(rng.sample(_QC, 2))),
        low=100 * rng.integer(-30, -15),
        high=100 * rng.integer(200, 240),
        window=window,
        least=2,
        kind=rng.choice(list(KINDS)),
        weights=tuple((name, rng.integer(60, 140)) for name in weighed),
        metric=rng.choice(list(METRICS)),
    )
    other_window = rng.choice([other for other in _WINDOWS if other != window])
    return Scenario(
        secret=rng.token(20),
        workflow=f"WF-{rng.integer(1000, 9999)}",
        site=rng.below(SITES),
        recipe=recipe,
        draft=draft,
        is_inline=knobs["dependency"] == "inline",
        rolled_out=change,
        noise=tuple(rng.below(1000) for _ in range(6)),
        shown=_rows(rng, recipe, change, [*seen, strange], rng.integer(44, 50)),
        kept_back=_rows(rng, recipe, change, [*seen, late, strange], rng.integer(56, 64)),
        other=recipe._replace(firmware=None, window=other_window),
        faults=_faults(rng, is_inline=knobs["dependency"] == "inline") if knobs["faults"] else (),
    )


def _rows(
    rng: Rng, recipe: Recipe, change: int, channels: list[str], count: int
) -> tuple[Row, ...]:
    """Draw readings: each logger gets its new firmware somewhere in the middle."""
    switch = {channel: rng.integer(count // 3, 2 * count // 3) for channel in channels}
    minute, rows = rng.integer(0, 400), []
    seqs = rng.integer(100, 900)
    for number in range(count):
        channel = rng.choice(channels)
        is_new = number >= switch[channel]
        fw = change + rng.below(3) if is_new else change - 1 - rng.below(3)
        thousandths = rng.integer(-3200, 24_500)
        is_thousandths = recipe.firmware is not None and fw >= recipe.firmware
        raw = thousandths if is_thousandths else thousandths // 10
        qc = rng.choice(_QC) if rng.chance(30) else 0
        rows.append(Row(seqs + number, channel, fw, minute, raw, qc))
        minute += rng.below(3)
    for _ in range(4):
        at = rng.below(count - 1)
        rows[at], rows[at + 1] = rows[at + 1], rows[at]
    return tuple(rows)


def _faults(rng: Rng, *, is_inline: bool) -> tuple[Fault, ...]:
    """Draw what goes wrong at the door: reads first, then the hand-in and the look at it."""
    reads = rng.shuffled(["get_pipeline", "get_notes", *([] if is_inline else ["get_table"])])
    faults = [
        Fault(reads[0], 1, "rate_limited", rng.integer(4, 40)),
        Fault(reads[1], 1, "malformed"),
    ]
    if rng.chance(50):
        faults.append(Fault("run_script", 1, "timeout_lost" if rng.chance(50) else "malformed"))
    if rng.chance(30):
        faults.append(Fault("submit_script", 1, "timeout_lost"))
        looks: FaultKind = rng.choice(("malformed", "rate_limited"))
    else:
        faults.append(Fault("submit_script", 1, "timeout_done"))
        looks = rng.choice(("stale", "stale", "malformed"))
    seconds = rng.integer(4, 40) if looks == "rate_limited" else 0
    faults.append(Fault("submission_status", 1, looks, seconds))
    return tuple(faults)


def _is_telling(scenario: Scenario) -> bool:
    """Say whether skipping any part of the documentation shows in what a script prints."""
    recipe = scenario.recipe
    misread = recipe._replace(firmware=misread_firmware(scenario))
    late = {row.channel for row in scenario.kept_back} - {row.channel for row in scenario.shown}
    if not late & {name for name, _, _ in recipe.calibration}:
        return False
    last = chain(scenario)[-1]
    metrics = []
    for rows in (scenario.shown, scenario.kept_back):
        here, other, careless = (
            tables(each, rows)[last] for each in (recipe, scenario.other, misread)
        )
        if len(here) < 4 or not other or careless == here or list(rows) == sorted(rows):
            return False
        metrics.append(metric(recipe, here))
        if metric(scenario.other, other) == metrics[-1]:
            return False
    return metrics[1] not in (metrics[0], 0)
