"""Operators that break one requirement of the oracle's trace each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Step, Trace

from .pipeline import KINDS, tables
from .scenario import Scenario, chain, misread_firmware, receipt, right
from .script import printing, script_of

if TYPE_CHECKING:
    from conformance.authoring import Rng, Status

    from .pipeline import Recipe

_STATUSES: tuple[Status, ...] = ("not_done", "refused", "needs_input")
_BREAKS = (
    "raise SystemExit(3)\n",
    "open('readings.csv')\n",
    "import numpy_that_is_not_there\n",
    "print(1 // 0)\n",
)
_HEX = "0123456789abcdef"


def with_script(trace: Trace, script: str) -> Trace:
    """Return the trace with another script in every call that takes one."""
    steps = tuple(
        step._replace(arguments={"script": script}) if "script" in step.arguments else step
        for step in trace.steps
    )
    return trace._replace(steps=steps)


def _with_recipe(scenario: Scenario, trace: Trace, recipe: Recipe) -> Trace | None:
    """Return the trace with the script of a recipe, where it ends in order and a stage differs."""
    made = tables(recipe, scenario.shown)
    if not made[chain(scenario)[-1]] or made == tables(scenario.recipe, scenario.shown):
        return None
    return with_script(trace, script_of(recipe))


def _never_submitted(_: Scenario, trace: Trace, __: Rng) -> Trace:
    return trace._replace(steps=tuple(s for s in trace.steps if s.name != "submit_script"))


def _broken_script(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Let the script end in an error, before its work or after it."""
    script, wrong = script_of(scenario.recipe), rng.choice(_BREAKS)
    return with_script(trace, wrong + script if rng.chance(50) else script + wrong)


def _wrong_metric(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Print a metric that is a little off."""
    off = rng.choice((-10, -1, 1, 1000))
    script = script_of(scenario.recipe) + f'print("metric", {right(scenario).metric + off})\n'
    return with_script(trace, script)


def _misread_unit(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    firmware = misread_firmware(scenario)
    return _with_recipe(scenario, trace, scenario.recipe._replace(firmware=firmware))


def _other_parameter(scenario: Scenario, trace: Trace, rng: Rng) -> Trace | None:
    """Get one number or rule of the documentation wrong."""
    recipe = scenario.recipe
    (name, gain, offset), *rest = rng.shuffled(recipe.calibration)
    others = (
        recipe._replace(window=scenario.other.window),
        recipe._replace(least=recipe.least + 1),
        recipe._replace(kind=rng.choice([kind for kind in KINDS if kind != recipe.kind])),
        recipe._replace(calibration=((name, gain, offset + 1), *rest)),
        recipe._replace(calibration=((name, gain + 10, offset), *rest)),
        recipe._replace(calibration=tuple(rest)),
    )
    return _with_recipe(scenario, trace, rng.choice(others))


def _truncates(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    """Cut decimals off towards zero, where the documentation rounds down."""
    script = script_of(scenario.recipe)
    cut = script.replace(
        "milli * CALIBRATION[channel][0] // 1000", "int(milli * CALIBRATION[channel][0] / 1000)"
    )
    gains = {channel: gain for channel, gain, _ in scenario.recipe.calibration}
    factor = {row.seq: 1 if _is_new(scenario, row.fw) else 10 for row in scenario.shown}
    shows = any(
        row.channel in gains
        and row.raw < 0
        and row.raw * factor[row.seq] * gains[row.channel] % 1000
        for row in scenario.shown
    )
    return with_script(trace, cut) if shows else None


def _unsorted(scenario: Scenario, trace: Trace, _: Rng) -> Trace | None:
    """Take the readings in the order of the file."""
    if list(scenario.shown) == sorted(scenario.shown):
        return None
    return with_script(trace, script_of(scenario.recipe).replace("rows.sort()\n", ""))


def _hard_coded(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Print what is right for the shown input, read or unread."""
    script = printing(right(scenario).printed)
    return with_script(trace, script if rng.chance(50) else f'open("input.csv").read()\n{script}')


def _seen_channels_only(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Provide for the channels of the shown input alone."""
    recipe, seen = scenario.recipe, {row.channel for row in scenario.shown}
    if rng.chance(50):
        check = f"assert all(row[1] in {sorted(seen)!r} for row in rows)\n"
        script = script_of(recipe).replace("rows.sort()\n", f"rows.sort()\n{check}")
        return with_script(trace, script)
    fewer = recipe._replace(calibration=tuple(c for c in recipe.calibration if c[0] in seen))
    return with_script(trace, script_of(fewer))


def _submitted_twice(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Hand the script in once more, as it is or with a remark in it."""
    script = script_of(scenario.recipe) + rng.choice(("", "# again\n"))
    return trace._replace(steps=(*trace.steps, Step("submit_script", {"script": script})))


def _registered(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Enter a checksum by hand as well, a right one too."""
    stage, sha256 = rng.choice(right(scenario).checksums)
    step = Step("register_checksum", {"stage": stage, "sha256": sha256})
    return trace._replace(steps=(*trace.steps, step))


def _other_receipt(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    right_one = receipt(scenario, 1)
    wrong = (receipt(scenario, 2), _one_off(right_one, TOKEN_ALPHABET, rng), None)
    return _answering(trace, receipt=rng.choice(wrong))


def _other_metric(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    metric = right(scenario).metric
    elsewhere = right(scenario, is_shown=False).metric
    return _answering(trace, metric=rng.choice((metric + 1, metric * 10 + 3, elsewhere, None)))


def _other_checksum(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    """Give the checksum of another stage, of the other input, or a misread one."""
    last = chain(scenario)[-1]
    found = dict(right(scenario).checksums)
    wrong = (
        found[chain(scenario)[0]],
        dict(right(scenario, is_shown=False).checksums)[last],
        _one_off(found[last], _HEX, rng),
        found[last][:32],
    )
    return _answering(trace, checksum=rng.choice(wrong))


def _other_status(scenario: Scenario, trace: Trace, rng: Rng) -> Trace:
    answer = trace.answer or Answer("not_done")
    other = Answer(rng.choice(_STATUSES), scenario.workflow, answer.values)
    return trace._replace(answer=other)


def _no_answer(_: Scenario, trace: Trace, __: Rng) -> Trace:
    return trace._replace(answer=None)


def _answering(trace: Trace, **values: object) -> Trace:
    answer = trace.answer or Answer("done")
    return trace._replace(answer=Answer("done", None, {**answer.values, **values}))


def _is_new(scenario: Scenario, fw: int) -> bool:
    return scenario.recipe.firmware is not None and fw >= scenario.recipe.firmware


def _one_off(token: str, alphabet: str, rng: Rng) -> str:
    at = rng.below(len(token))
    letter = rng.choice([letter for letter in alphabet if letter != token[at]])
    return token[:at] + letter + token[at + 1 :]


MUTATIONS: tuple[Mutation[Scenario], ...] = (
    Mutation("never_submitted", "goal.submitted", _never_submitted),
    Mutation("broken_script", "goal.runs", _broken_script),
    Mutation("wrong_metric", "goal.metric", _wrong_metric),
    Mutation("misread_unit", "goal.checksums", _misread_unit),
    Mutation("other_parameter", "goal.checksums", _other_parameter),
    Mutation("truncates", "goal.checksums", _truncates),
    Mutation("unsorted", "goal.checksums", _unsorted),
    Mutation("hard_coded", "goal.second_input", _hard_coded),
    Mutation("seen_channels_only", "goal.second_input", _seen_channels_only),
    Mutation("submitted_twice", "conduct.duplicate_effect", _submitted_twice),
    Mutation("registered", "frame", _registered),
    Mutation("other_receipt", "answer.values.receipt", _other_receipt),
    Mutation("other_metric", "answer.values.metric", _other_metric),
    Mutation("other_checksum", "answer.values.checksum", _other_checksum),
    Mutation("other_status", "answer.status", _other_status),
    Mutation("no_answer", "answer.missing", _no_answer),
)
