"""The world a trial happens in: JSON state behind typed tools, and the door to them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from conformance.authoring.answer import SUBMIT_TOOL, Answer, read_answer
from conformance.authoring.canonical import digest, normalise
from conformance.authoring.tools import (
    INVALID_ARGUMENTS,
    UNKNOWN_TOOL,
    Call,
    Step,
    ToolError,
    ToolSpec,
    argument_errors,
    tool_specs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

State = dict[str, Any]


class World:
    """A deterministic world. Its tools are the methods marked with ``@tool``.

    ``state`` is all that can change and all that a grader reads: JSON, nothing else. What never
    changes (sensor tables, a policy) belongs in other attributes. ``clock`` is the logical time:
    the number of tool calls made so far. ``secret`` mints the tokens of this instance.
    """

    def __init__(self, state: State, secret: str) -> None:
        self.state = state
        self.secret = secret
        self.clock = 0

    @classmethod
    def tool_specs(cls) -> dict[str, ToolSpec]:
        """Return every tool this class has, offered or not, by name."""
        return tool_specs(cls)

    def snapshot(self) -> State:
        """Return a copy of the state that later calls do not touch."""
        return copy.deepcopy(self.state)

    def digest(self) -> str:
        """Return the SHA-256 of the state, numbers normalised."""
        return digest(self.state)


class Door:
    """The one way to a world's tools: checks arguments, calls, and keeps the list of calls.

    A mistake of the caller (a tool that is not offered, arguments that do not fit the schema)
    is an error result like any other; it never raises.
    """

    def __init__(self, world: World, offered: Iterable[ToolSpec]) -> None:
        self.world = world
        self.offered = {spec.name: spec for spec in offered}
        self.calls: list[Call] = []
        self.answer: Answer | None = None

    def call(self, name: str, arguments: Any) -> Call:
        """Call a tool and return what happened; ``submit_answer`` is not one of them."""
        call = self._call(name, arguments)
        self.calls.append(call)
        return call

    def act(self, name: str, /, **arguments: Any) -> Any:
        """Call a tool as a policy does: return its result, raise ``ToolError`` on an error."""
        call = self.call(name, arguments)
        if call.error is not None:
            raise ToolError(call.error, str(call.result))
        return call.result

    def replay(self, steps: Iterable[Step]) -> None:
        """Make the calls of a recorded trace, whatever they return."""
        for step in steps:
            self.call(step.name, dict(step.arguments))

    def submit(self, answer: Answer) -> None:
        """Take the one answer of the trial.

        Raises:
            ToolError: ``already_submitted`` for a second one.
        """
        if self.answer is not None:
            raise ToolError(
                "already_submitted", "An answer was already submitted; only one counts."
            )
        self.answer = answer

    def submit_arguments(self, arguments: Mapping[str, Any]) -> str | None:
        """Take the arguments of ``submit_answer``; return an error for the agent, or None."""
        answer = read_answer(arguments)
        if isinstance(answer, str):
            return f"{SUBMIT_TOOL}: {answer}"
        try:
            self.submit(answer)
        except ToolError as error:
            return error.message
        return None

    def _call(self, name: str, arguments: Any) -> Call:
        self.world.clock += 1
        spec = self.offered.get(name)
        try:
            # A copy: what the caller does to its own objects later must not reach the world.
            arguments = normalise(arguments)
        except (TypeError, ValueError, RecursionError) as error:
            return Call(name, {}, f"the arguments are not JSON: {error}", INVALID_ARGUMENTS)
        given = arguments if isinstance(arguments, dict) else {"": arguments}
        if spec is None:
            known = ", ".join(self.offered)
            return Call(name, given, f"There is no tool {name!r}. Tools: {known}.", UNKNOWN_TOOL)
        complaint = argument_errors(spec, arguments)
        if complaint is not None:
            return Call(name, given, complaint, INVALID_ARGUMENTS, spec.effect)
        try:
            result = getattr(self.world, name)(**copy.deepcopy(arguments))
        except ToolError as error:
            return Call(name, given, error.message, error.code, spec.effect)
        return Call(name, given, copy.deepcopy(result), None, spec.effect)
