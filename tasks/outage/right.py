"""The answer that is true once the work is done right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import End

from .system import gap_code, probe_id, proof, right_safe_code

if TYPE_CHECKING:
    from .scenario import Scenario


def right_end(scenario: Scenario) -> End:
    """Return the right end of a scenario."""
    match scenario.case:
        case "undecidable":
            return End("needs_input", gap_code(scenario, scenario.root.service))
        case "decidable":
            return End("done", None, {"causes": [proof(scenario, scenario.root)]})
        case "profile":
            return End("not_done", right_safe_code(scenario))
        case _:
            causes = [proof(scenario, atom) for atom in scenario.atoms]
            proven = probe_id(scenario, scenario.target, is_up=True)
            return End("done", None, {"causes": causes, "probe_id": proven})
