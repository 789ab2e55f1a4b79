"""``human:NAME``: a person at the terminal, graded on the same ladder as a baseline."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, TextIO

from conformance.agents.contract import EvidenceClass, TrialEndedError
from conformance.agents.human_wording import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.agents.contract import Doors, TaskView, ToolReply
    from conformance.authoring import Instance, ToolSpec


PATIENCE_S = 86_400.0
"""What a person is given for one trial, in place of an agent's ten minutes."""


class HumanAgent:
    """Reads tool calls from a person, one a line: a tool's name, then its arguments as JSON.

    Where several seats are at work at once the person plays them in turn.

    Args:
        name: Who plays; it is on the report.
        ask: Asks for a line and returns it; raises ``EOFError`` where there are no more.
        tell: Shows a text.
    """

    evidence_class: EvidenceClass = "observed"

    def __init__(self, name: str, ask: Callable[[str], str], tell: Callable[[str], None]) -> None:
        self.name = name
        self._ask = ask
        self._tell = tell
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Nothing to get ready."""

    async def run(self, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        """Show the task and carry out what the person types until the answer."""
        del private
        say, tools = wording(task.lang), task.tools
        prompt = f"{task.seat}> " if task.seat else "> "
        self._tell(f"\n── {task.seat or task.trial_id} ──\n{task.instruction}")
        if task.store is not None:
            self._tell(say.notes.format(notes=task.store.text or "–"))
        self._list(tools, task)
        while True:
            async with self._turn:
                try:
                    line = self._ask(prompt).strip()
                except EOFError:
                    return
            name, _, rest = line.partition(" ")
            if name in ("", "help"):
                self._list(tools, task)
            elif name == "quit":
                return
            elif name == "notes" and task.store is not None:
                task.store.text = rest or task.store.text
                self._tell(say.notes.format(notes=task.store.text or "–"))
            else:
                reply = await self._act(doors, name, rest, say.not_json)
                if reply is None:
                    continue
                if reply.tools is not None:
                    tools = reply.tools
                    self._list(tools, task)
                if reply.is_end:
                    return
            # Let the others at work on this world have their turn.
            await asyncio.sleep(0)

    async def canary(self) -> bool:
        """A person who is there is up."""
        return True

    async def close(self) -> None:
        """Nothing to let go of."""

    def describe(self) -> dict[str, Any]:
        """Return the kind and the name."""
        return {"kind": "human", "name": self.name, "store": "notes"}

    async def _act(self, doors: Doors, name: str, rest: str, complaint: str) -> ToolReply | None:
        try:
            arguments = json.loads(rest or "{}")
        except ValueError as error:
            self._tell(complaint.format(problem=error))
            return None
        try:
            reply = await doors.call_tool(name, arguments)
        except TrialEndedError:
            self._tell("■")
            raise
        self._tell(_pretty(reply.text))
        return reply

    def _list(self, tools: Sequence[ToolSpec], task: TaskView) -> None:
        say = wording(task.lang)
        lines = [f"  {_signature(spec)}  {spec.description}" for spec in tools]
        store = [f"  {say.notes_help}"] if task.store is not None else []
        self._tell("\n".join(["", *lines, *store, f"  {say.help}", ""]))


def at_terminal(stream: TextIO | None = None) -> tuple[Callable[[str], str], Callable[[str], None]]:
    """Return how to ask for a line on stdin, and how to tell something on ``stream`` (stderr)."""
    out = sys.stderr if stream is None else stream

    def tell(text: str) -> None:
        out.write(text + "\n")

    def ask(prompt: str) -> str:
        out.write(prompt)
        out.flush()
        given = sys.stdin.readline()
        if not given:
            raise EOFError
        return given

    return ask, tell


def _signature(spec: ToolSpec) -> str:
    needed = spec.parameters.get("required", [])
    names = (name if name in needed else f"[{name}]" for name in spec.parameters["properties"])
    return f"{spec.name} {{{', '.join(names)}}}"


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
