"""Models that only seem to be: one plays a script in three dialects, one answers at a set pace.

``MockModel`` lets agents run with no model at all; ``PacedMock`` is a load target with known truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.mock.faults import Fail
    from conformance.mock.pace import Pace
    from conformance.mock.paced import PacedMock
    from conformance.mock.pacing.answers import PacedReply
    from conformance.mock.script import Script, ToolStep, read_scripts, script_of
    from conformance.mock.server import MockCall, MockModel
    from conformance.mock.truth import Written, read_truth

__all__ = [
    "Fail",
    "MockCall",
    "MockModel",
    "Pace",
    "PacedMock",
    "PacedReply",
    "Script",
    "ToolStep",
    "Written",
    "read_scripts",
    "read_truth",
    "script_of",
]

_HOMES = {
    "Fail": "faults",
    "MockCall": "server",
    "MockModel": "server",
    "Pace": "pace",
    "PacedMock": "paced",
    "PacedReply": "pacing.answers",
    "Script": "script",
    "ToolStep": "script",
    "Written": "truth",
    "read_scripts": "script",
    "read_truth": "truth",
    "script_of": "script",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
