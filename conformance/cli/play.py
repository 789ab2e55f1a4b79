"""A person solves an instance in the terminal, through the same door as an agent."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from conformance.authoring import SUBMIT_TOOL, Played
from conformance.cli.options import console
from conformance.edition.instances import offered_tools

if TYPE_CHECKING:
    from conformance.authoring import Instance
    from conformance.edition import Edition


def play_instance(edition: Edition, instance: Instance[Any]) -> int:
    """Read calls from stdin until the answer; return 0 where it was solved, 1 where not."""
    out = console()
    door = instance.door()
    initial = door.world.snapshot()
    out.print(instance.instruction, markup=False)
    _list_tools(instance)
    while door.answer is None:
        try:
            line = input("> ").strip()
        except EOFError:
            break
        name, _, rest = line.partition(" ")
        if name in ("", "help"):
            _list_tools(instance)
        elif name == "quit":
            break
        else:
            sys.stdout.write(_act(door, name, rest) + "\n")
    played = Played(instance, initial, door.world.snapshot(), tuple(door.calls), door.answer)
    score = edition.grader("solved")(played)
    crossed = edition.grader("allow_list")(played)
    for finding in (*score.findings, *crossed.findings):
        out.print(f"· {finding.requirement}: {finding.message}", markup=False)
    out.print("solved" if score.value == 1 else "not solved")
    return 0 if score.value == 1 else 1


def _act(door: Any, name: str, rest: str) -> str:
    try:
        arguments = json.loads(rest or "{}")
    except ValueError as error:
        return f"the arguments are not JSON: {error}"
    if name == SUBMIT_TOOL:
        return door.submit_arguments(arguments) or "taken"
    call = door.call(name, arguments)
    return json.dumps(
        {"error": call.error, "message": call.result} if call.error else call.result,
        ensure_ascii=False,
        indent=2,
    )


def _list_tools(instance: Instance[Any]) -> None:
    out = console()
    out.print()
    for spec in offered_tools(instance):
        names = ", ".join(
            name if name in spec.parameters["required"] else f"[{name}]"
            for name in spec.parameters["properties"]
        )
        out.print(f"  {spec.name} {{{names}}}  {spec.description}", markup=False)
    out.print('  e.g.  tool_name {"name": "value"}\n', markup=False)
