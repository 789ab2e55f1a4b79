"""A person solves an instance in the terminal, through the same door as an agent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.authoring import SUBMIT_TOOL, Played
from conformance.cli.options import console, print_json
from conformance.edition.instances import offered_tools

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.authoring import Instance
    from conformance.edition import Edition


def play_instance(edition: Edition, instance: Instance[Any], *, as_json: bool) -> int:
    """Read calls from stdin until the answer; return 0 where it was solved, 1 where not.

    With ``as_json`` the talk goes to stderr and one document, the outcome, to stdout.
    """
    out = console(stderr=as_json)
    door = instance.door()
    initial = door.world.snapshot()
    out.print(instance.instruction, markup=False)
    _list_tools(instance, out)
    while door.answer is None:
        try:
            out.print("> ", end="")
            line = input().strip()
        except EOFError:
            break
        name, _, rest = line.partition(" ")
        if name in ("", "help"):
            _list_tools(instance, out)
        elif name == "quit":
            break
        else:
            out.print(_act(door, name, rest), markup=False)
    played = Played(instance, initial, door.world.snapshot(), tuple(door.calls), door.answer)
    score = edition.grader("solved")(played)
    crossed = edition.grader("allow_list")(played)
    findings = (*score.findings, *crossed.findings)
    if as_json:
        print_json({"family": instance.family.id, "solved": score.value == 1, "findings": findings})
    for finding in findings:
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


def _list_tools(instance: Instance[Any], out: Console) -> None:
    out.print()
    for spec in offered_tools(instance):
        names = ", ".join(
            name if name in spec.parameters["required"] else f"[{name}]"
            for name in spec.parameters["properties"]
        )
        out.print(f"  {spec.name} {{{names}}}  {spec.description}", markup=False)
    out.print('  e.g.  tool_name {"name": "value"}\n', markup=False)
