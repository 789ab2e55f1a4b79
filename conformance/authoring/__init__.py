"""What a task or grader author writes against. Content imports nothing else of the engine.

A family is a folder in ``tasks/`` whose ``__init__.py`` holds ``FAMILY``, an instance of a
``Family``; a grader is a module in ``graders/`` that holds ``grade``.
"""

from msgspec import Meta

from conformance.authoring.answer import (
    LANGS,
    SUBMIT_TOOL,
    Answer,
    End,
    Lang,
    Status,
    read_answer,
    read_answer_text,
    same_answer,
    same_value,
    submit_spec,
)
from conformance.authoring.canonical import canonical, digest, normalise
from conformance.authoring.changes import changed_paths, outside
from conformance.authoring.code import NoSandboxError, Ran, run_script
from conformance.authoring.door import Actor, Door, Seat, joint_answer
from conformance.authoring.family import (
    Act,
    Family,
    Finding,
    Grader,
    Instance,
    Knobs,
    Mutation,
    Played,
    Score,
    Shortcut,
    Text,
    Trace,
)
from conformance.authoring.faults import (
    AGE,
    DELIVERY,
    RATE_LIMITED,
    TIMEOUT,
    WAIT,
    WAIT_TOOL,
    Fault,
)
from conformance.authoring.rng import TOKEN_ALPHABET, Rng, mint
from conformance.authoring.tools import (
    INVALID_ARGUMENTS,
    UNKNOWN_TOOL,
    Call,
    Effect,
    Step,
    ToolError,
    ToolSpec,
    tool,
)
from conformance.authoring.world import NothingYet, State, World

__all__ = [
    "AGE",
    "DELIVERY",
    "INVALID_ARGUMENTS",
    "LANGS",
    "RATE_LIMITED",
    "SUBMIT_TOOL",
    "TIMEOUT",
    "TOKEN_ALPHABET",
    "UNKNOWN_TOOL",
    "WAIT",
    "WAIT_TOOL",
    "Act",
    "Actor",
    "Answer",
    "Call",
    "Door",
    "Effect",
    "End",
    "Family",
    "Fault",
    "Finding",
    "Grader",
    "Instance",
    "Knobs",
    "Lang",
    "Meta",
    "Mutation",
    "NoSandboxError",
    "NothingYet",
    "Played",
    "Ran",
    "Rng",
    "Score",
    "Seat",
    "Shortcut",
    "State",
    "Status",
    "Step",
    "Text",
    "ToolError",
    "ToolSpec",
    "Trace",
    "World",
    "canonical",
    "changed_paths",
    "digest",
    "joint_answer",
    "mint",
    "normalise",
    "outside",
    "read_answer",
    "read_answer_text",
    "run_script",
    "same_answer",
    "same_value",
    "submit_spec",
    "tool",
]
