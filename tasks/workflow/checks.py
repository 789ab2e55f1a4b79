"""The goal and the trace rule: the script is run again, on the shown input and on another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Finding, run_script, same_value

from .oracle import read_output
from .scenario import Scenario, input_text, right
from .world import INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.authoring import Call

    from .pipeline import Outcome

REQUIREMENTS = {
    "goal.submitted": "a script was handed in",
    "goal.runs": "the script ends in order on the input",
    "goal.metric": "the script prints the right metric",
    "goal.checksums": "the script prints the right checksum of every stage",
    "goal.second_input": "the script is right on an input that was not shown, too",
    "conduct.duplicate_effect": "one script was handed in, once",
}
CARRIED_OUT = ("timeout_done", "malformed", "duplicate")
"""Faults of a call that took effect all the same."""


def goal(scenario: Scenario, final: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what the script that was handed in last lacks."""
    if not final["submissions"]:
        yield Finding("goal.submitted", "no script was handed in")
        return
    script = final["submissions"][-1]["script"]
    ran = run_script(script, {INPUT: input_text(scenario)})
    if ran.exit_code != 0:
        yield Finding("goal.runs", f"exit code {ran.exit_code}")
        return
    found = list(_differences(ran.output, right(scenario)))
    yield from found
    if found:
        return
    again = run_script(script, {INPUT: input_text(scenario, is_shown=False)})
    if again.exit_code != 0:
        yield Finding("goal.second_input", f"exit code {again.exit_code}")
        return
    wrong = list(_differences(again.output, right(scenario, is_shown=False)))
    if wrong:
        yield Finding("goal.second_input", "; ".join(finding.message for finding in wrong))


def conduct(calls: Sequence[Call]) -> Iterator[Finding]:
    """Yield where a script was handed in once more."""
    times = sum(
        call.name == "submit_script" and (call.error is None or call.fault in CARRIED_OUT)
        for call in calls
    )
    if times > 1:
        yield Finding("conduct.duplicate_effect", f"scripts were handed in {times} times")


def _differences(output: str, expected: Outcome) -> Iterator[Finding]:
    printed = read_output(output)
    metric = printed.get("metric")
    if not same_value(metric, expected.metric):
        yield Finding("goal.metric", f"the metric is {metric!s:.40}, not {expected.metric}")
    wrong = [name for name, sha256 in expected.checksums if printed.get(name) != sha256]
    if wrong:
        yield Finding("goal.checksums", f"wrong checksums: {', '.join(wrong)}")
