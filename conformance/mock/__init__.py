"""A model that plays a script, on loopback, in three dialects: agents run, no model needed."""

from conformance.mock.faults import Fail
from conformance.mock.pace import Pace
from conformance.mock.script import Script, ToolStep, read_scripts, script_of
from conformance.mock.server import MockCall, MockModel

__all__ = [
    "Fail",
    "MockCall",
    "MockModel",
    "Pace",
    "Script",
    "ToolStep",
    "read_scripts",
    "script_of",
]
