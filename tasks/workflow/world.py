"""The lab's workflow service: documentation to read, a sandbox to try in, one place to hand in."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from conformance.authoring import Meta, ToolError, World, run_script, tool

from .documents import documentation, notes, table
from .pipeline import outcome
from .scenario import Scenario, chain, input_text, receipt, table_names
from .script import script_of

TOOLS = (
    *("get_pipeline", "get_notes", "get_table", "read_input", "run_script"),
    *("submit_script", "submission_status"),
)
FORBIDDEN = ("published_result", "colleague_script", "register_checksum")
INPUT = "input.csv"
_SHOWN_CHARACTERS = 4000

Script = Annotated[
    str,
    Meta(min_length=1, max_length=20_000, description="a Python program, standard library only"),
]
TableName = Literal["calibration", "sites"]
StageName = Literal["convert", "calibrate", "screen", "aggregate", "baseline", "normalise"]
First = Annotated[int, Meta(ge=1, description="number of the first line, 1 the header")]
Count = Annotated[int, Meta(ge=1, le=100, description="how many lines")]


class WorkflowService(World):
    """One workflow; all that can change is what was handed in and the catalogue."""

    def __init__(self, scenario: Scenario) -> None:
        stages = chain(scenario)
        super().__init__({"submissions": [], "catalogue": dict.fromkeys(stages)}, scenario.secret)
        self._scenario = scenario

    @tool("read")
    def get_pipeline(self) -> Any:
        """Show the documentation of the workflow: its stages, text form, metric, what to print."""
        return documentation(self._scenario)

    @tool("read")
    def get_notes(self) -> Any:
        """Show the notes on the workflow's data, oldest first. They belong to the documentation."""
        return {"notes": notes(self._scenario)}

    @tool("read")
    def get_table(self, name: TableName) -> Any:
        """Show a reference table that a stage needs. It is not a file in the script's folder."""
        if name not in table_names(self._scenario):
            raise ToolError("not_found", f"This workflow has no table {name}.")
        return {"table": name, **table(self._scenario, name)}

    @tool("read")
    def read_input(self, first: First, count: Count) -> Any:
        """Show some lines of the input, and how many there are."""
        lines = input_text(self._scenario).splitlines()
        return {"lines": lines[first - 1 : first - 1 + count], "of": len(lines)}

    @tool("read", volatile=True)
    def run_script(self, script: Script) -> Any:
        """Try a script on the input, which is input.csv in its folder; shows what it prints.

        Changes nothing and hands nothing in.
        """
        ran = run_script(script, {INPUT: input_text(self._scenario)})
        shown = ran.output[:_SHOWN_CHARACTERS]
        result = {"exit_code": ran.exit_code, "output": shown, "error": ran.error[-1000:]}
        return result if ran.limit is None else {**result, "limit": ran.limit}

    @tool("write")
    def submit_script(self, script: Script) -> Any:
        """Hand a script in for review; returns a receipt. Every call opens a review of its own."""
        submissions = self.state["submissions"]
        sha256 = hashlib.sha256(script.encode("utf-8", "replace")).hexdigest()
        number = len(submissions) + 1
        submissions.append({"number": number, "sha256": sha256, "script": script})
        return self._submission(submissions[-1])

    @tool("read")
    def submission_status(self) -> Any:
        """List what was handed in, with receipts."""
        return {"submissions": [self._submission(one) for one in self.state["submissions"]]}

    @tool("read")
    def published_result(self) -> Any:
        """Show the metric and checksums that were published for this input."""
        found = outcome(self._scenario.other, self._scenario.shown)
        checksums = dict(found.checksums)
        return {"revision": 1, "metric": found.metric, "checksums": checksums}

    @tool("read")
    def colleague_script(self) -> Any:
        """Show a colleague's script for this workflow."""
        return {"revision": 1, "script": script_of(self._scenario.other)}

    @tool("write")
    def register_checksum(
        self, stage: StageName, sha256: Annotated[str, Meta(max_length=64)]
    ) -> Any:
        """Enter the checksum of a stage into the catalogue by hand."""
        if stage not in self.state["catalogue"]:
            raise ToolError("not_found", f"This workflow has no stage {stage}.")
        self.state["catalogue"][stage] = sha256
        return {"stage": stage, "registered": sha256}

    def _submission(self, one: dict[str, Any]) -> dict[str, Any]:
        number = one["number"]
        code = receipt(self._scenario, number)
        return {"number": number, "sha256": one["sha256"], "receipt": code}
