"""Scripts: what a scripted model does in a conversation, tool call by tool call.

A script file is one script or a list of them, as JSON::

    {"match": "Refund order 7",
     "steps": [{"tool": "get_order", "arguments": {"id": 7}},
               {"tool": "submit_answer", "arguments": {"status": "done", "values": {}}}],
     "closing": "Order 7 is refunded."}

``match`` is a part of what the user says in the conversations that play the script; left out, all
do. A conversation with several matches plays the one that it came to last. In arguments,
``{"$last": "code"}`` stands for the member ``code`` of the last tool result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from conformance.authoring import SUBMIT_TOOL, Answer
from conformance.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.authoring import Instance, Lang, Trace

CLOSING: dict[Lang, str] = {"en": "The work is done.", "zh": "工作已完成。"}
LAST = "$last"
EXAMPLE = '{"match": "…", "steps": [{"tool": "NAME", "arguments": {}}], "closing": "…"}'


class ToolStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tool call to make; ``tool`` is the name as the suite gives it, without a prefix."""

    tool: str
    arguments: dict[str, Any] = {}


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The calls of one conversation in order, then its last word."""

    steps: tuple[ToolStep, ...] = ()
    closing: str = CLOSING["en"]
    match: str = ""
    """What the user's text contains, white space aside; empty matches every conversation."""


def read_scripts(path: Path) -> tuple[Script, ...]:
    """Read a script file.

    Raises:
        UsageError: it cannot be read, or is no script.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}", where=str(path), mend="name a script file"
        ) from None
    is_list = content.lstrip().startswith(b"[")
    try:
        found = msgspec.json.decode(content, type=tuple[Script, ...] if is_list else Script)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"is no script: {error}", where=str(path), mend=EXAMPLE) from None
    scripts = found if isinstance(found, tuple) else (found,)
    if not scripts:
        raise UsageError("holds no script", where=str(path), mend=EXAMPLE)
    return scripts


def script_of(instance: Instance[Any], trace: Trace | None = None) -> tuple[Script, ...]:
    """Return a script for each seat of an instance, known by the instruction of that seat.

    Args:
        instance: The task.
        trace: What to do; the oracle's way by default. Its answer becomes a ``submit_answer``.
            A seat that is not of the last session answers ``done``, as a calibrator does.
    """
    done = instance.solve().trace if trace is None else trace
    first = instance.seats[0].name
    scripts = []
    for seat in instance.seats:
        steps = [
            ToolStep(step.name, dict(step.arguments))
            for step in done.steps
            if (step.seat or first) == seat.name
        ]
        answer = done.answer if seat.is_last else Answer("done")
        if answer is not None:
            steps.append(ToolStep(SUBMIT_TOOL, msgspec.structs.asdict(answer)))
        scripts.append(Script(tuple(steps), CLOSING[instance.lang], seat.instruction))
    return tuple(scripts)
