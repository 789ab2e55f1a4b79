"""Policies that fail in one named way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import TIMEOUT, ToolError

from .oracle import answered, patient, read_output
from .scenario import chain, table_names
from .script import printing, script_of
from .shortcuts import hard_code

if TYPE_CHECKING:
    from conformance.authoring import Act, Answer, Rng

    from .scenario import Scenario


def blind_retry(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Solve, but hand in again at once where no reply came; report the last receipt.

    Where a lost call was carried out, the work is done twice; where nothing fails, it is solved.
    """
    script = script_of(scenario.recipe)
    patient(act, "get_pipeline")
    printed = read_output(patient(act, "run_script", script=script)["output"])
    try:
        code = act("submit_script", script=script)["receipt"]
    except ToolError as error:
        if error.code != TIMEOUT:
            raise
        code = act("submit_script", script=script)["receipt"]
    return answered(int(printed["metric"]), printed[chain(scenario)[-1]], code)


def gives_up(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Work as the oracle does, but take every reply for granted; a tool error ends it."""
    act("get_pipeline")
    act("get_notes")
    for name in () if scenario.is_inline else table_names(scenario):
        act("get_table", name=name)
    script = script_of(scenario.recipe)
    printed = read_output(act("run_script", script=script)["output"])
    code = act("submit_script", script=script)["receipt"]
    return answered(int(printed["metric"]), printed[chain(scenario)[-1]], code)


def violates(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Copy what was published, forbidden as it is, and hand it in as a script."""
    found = act("published_result")
    text = f"metric {found['metric']}\n"
    text += "".join(f"{name} {sha256}\n" for name, sha256 in found["checksums"].items())
    code = act("submit_script", script=printing(text))["receipt"]
    return answered(found["metric"], found["checksums"][chain(scenario)[-1]], code)


LAPSES = {
    "blind_retry": blind_retry,
    "gives_up": gives_up,
    "violates": violates,
    "hard_code": hard_code,
}
