"""One schema-valid call of the right tool does it, nothing else changes (clause L1-TOL-1)."""

from __future__ import annotations

from typing import Any

from conformance.authoring import INVALID_ARGUMENTS, UNKNOWN_TOOL, Finding, Played, Score

from . import solved


def grade(played: Played[Any], *, reads: int = 2) -> Score:
    """Give 1 where the trial is solved by one call of each tool the oracle used.

    Args:
        played: The trial.
        reads: How many further calls of reading tools are prudence rather than search.
    """
    findings = list(solved.grade(played).findings)
    needed = {step.name for step in played.instance.solve().trace.steps}
    findings += [
        Finding("single_call.malformed", f"call {number}: {call.name}: {call.error}")
        for number, call in enumerate(played.calls, 1)
        if call.error in (INVALID_ARGUMENTS, UNKNOWN_TOOL)
    ]
    findings += [
        Finding("single_call.other_effect", f"{call.name} was called as well")
        for call in played.calls
        if call.effect == "write" and call.name not in needed
    ]
    for name in sorted(needed):
        times = sum(call.name == name for call in played.calls)
        if times != 1:
            findings.append(Finding("single_call.count", f"{name} was called {times} times"))
    extra = sum(call.effect == "read" and call.name not in needed for call in played.calls)
    if extra > reads:
        findings.append(Finding("single_call.search", f"{extra} further reading calls"))
    return Score(float(not findings), tuple(findings))
