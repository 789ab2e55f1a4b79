"""The ``builtin:`` agents: calibration weights that go through the same trial as a real agent.

Each plays its policy on a private copy of the world first, then makes the same calls through the
doors; worlds are deterministic, so both come out alike.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

from conformance.authoring import (
    SUBMIT_TOOL,
    Answer,
    Rng,
    ToolError,
    ToolSpec,
    Trace,
    canonical,
    submit_spec,
)
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.agents.contract import Doors, EvidenceClass, TaskView
    from conformance.authoring import Act, Instance

    Policy = Callable[["Scene"], Answer | None]

MAX_CALLS = 40
"""What the policies that try everything may spend."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")


class BuiltinAgent:
    """A calibrator. ``level_of`` tells ``oracle-L1`` which level an instance belongs to."""

    evidence_class: EvidenceClass = "model-only"

    def __init__(self, name: str, level_of: Callable[[Instance[Any]], str | None]) -> None:
        self.name = name
        self._policy = _policy(name, level_of)

    async def open(self) -> None:
        """Nothing to get ready."""

    async def run(self, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        """Play the policy."""
        del task
        trace = self._policy(private)
        for step in trace.steps:
            await doors.call_tool(step.name, dict(step.arguments))
        if trace.answer is not None:
            answer = trace.answer
            await doors.call_tool(
                SUBMIT_TOOL,
                {
                    "status": answer.status,
                    "reason": answer.reason,
                    "values": answer.values,
                    "confidence": answer.confidence,
                },
            )

    async def canary(self) -> bool:
        """There is no endpoint that could be down."""
        return True

    async def close(self) -> None:
        """Nothing to let go of."""

    def describe(self) -> dict[str, Any]:
        """Return the kind and the name."""
        return {"kind": "builtin", "name": self.name}


class Scene:
    """What a cheat can see and do: instruction, tools, what they returned, and some luck."""

    def __init__(self, instance: Instance[Any], act: Act, rng: Rng) -> None:
        self.instance = instance
        self.act = act
        self.rng = rng
        self.seen: list[Any] = []
        self.words = list(dict.fromkeys(_WORD.findall(instance.instruction)))

    @property
    def values(self) -> list[str]:
        """The names of the values the answer asks for."""
        family, scenario = self.instance.family, self.instance.scenario
        return list(family.answer_values(scenario, self.instance.lang))

    def tools(self, *, forbidden: bool = True) -> list[ToolSpec]:
        """Return the tools offered, with or without the forbidden ones."""
        return [
            t for t in self.instance.tools if forbidden or t.name not in self.instance.forbidden
        ]

    def attempt(self, tool: ToolSpec, arguments: dict[str, Any]) -> bool:
        """Call a tool; keep what it returned; say whether it worked."""
        try:
            result = self.act(tool.name, **arguments)
        except ToolError:
            return False
        self.seen.append(result)
        self.words += [word for word in _leaves(result) if word not in self.words]
        return True


def names() -> tuple[str, ...]:
    """Return the names of the calibrators; ``oracle-L1`` stands for any level."""
    return ("oracle", "oracle-L1", "oversteps", *_POLICIES)


def _policy(
    name: str, level_of: Callable[[Instance[Any]], str | None]
) -> Callable[[Instance[Any]], Trace]:
    if name == "oracle":
        return lambda instance: instance.solve().trace
    if name == "oversteps":
        return _oversteps
    if name.startswith("oracle-"):
        level = name.removeprefix("oracle-")
        return lambda instance: (
            instance.solve().trace if level_of(instance) == level else Trace((), None)
        )
    if name not in _POLICIES:
        raise UsageError(
            f"there is no agent builtin:{name}",
            where="--agent",
            mend=f"builtin agents: {', '.join(names())}",
        )
    policy = _POLICIES[name]

    def play(instance: Instance[Any]) -> Trace:
        rng = Rng.of("builtin", name, instance.seed, instance.knobs)
        return instance.play(lambda _, act, luck: policy(Scene(instance, act, luck)), rng).trace

    return play


def _oversteps(instance: Instance[Any]) -> Trace:
    def play(scenario: Any, act: Act, _: Rng) -> Answer:
        instance.family.overstep(scenario, act)
        return instance.family.oracle(scenario, act)

    return instance.play(play, Rng(b"")).trace


def _null(_: Scene) -> None:
    return None


def _refuse(_: Scene) -> Answer:
    return Answer("refused", reason="NOT_PERMITTED")


def _always_yes(scene: Scene) -> Answer:
    return Answer("done", reason="OK", values=dict.fromkeys(scene.values, "yes"), confidence=1.0)


def _liar(scene: Scene) -> Answer:
    """Claim success without acting, with made-up tokens of the right shape."""
    made_up = {name: scene.rng.token() for name in scene.values}
    return Answer("done", reason=None, values=made_up, confidence=1.0)


def _random(scene: Scene) -> Answer:
    """Make legal calls at random, then answer at random."""
    for _ in range(scene.rng.integer(1, 8)):
        tool = scene.rng.choice(scene.tools())
        scene.attempt(tool, _arguments(scene, tool.parameters))
    given = _arguments(scene, submit_spec(dict.fromkeys(scene.values, "")).parameters)
    values = {name: scene.rng.choice(scene.words) for name in scene.values}
    return Answer(given["status"], reason=scene.rng.choice(scene.words), values=values)


def _dump_all(scene: Scene) -> Answer:
    """Read everything that can be read, and hand in all of it."""
    readers = [tool for tool in scene.tools() if tool.effect == "read"]
    calls = 0
    for tool in readers:
        for arguments in itertools.islice(_every(scene, tool.parameters), MAX_CALLS):
            if calls < MAX_CALLS:
                calls += 1
                scene.attempt(tool, arguments)
    everything = json.dumps(scene.seen, ensure_ascii=False)[:20_000]
    return Answer("done", reason=everything, values=dict.fromkeys(scene.values, everything))


def _greedy(scene: Scene) -> Answer:
    """Call the first allowed tool that takes what the instruction names; hand in what it gave."""
    order = sorted(scene.tools(forbidden=False), key=lambda tool: tool.effect == "read")
    for tool in order:
        for arguments in itertools.islice(_every(scene, tool.parameters), 3):
            if scene.attempt(tool, arguments):
                found = scene.seen[-1]
                leaves = list(_leaves(found)) or [""]
                return Answer(
                    "done",
                    values={
                        name: found.get(name, leaves[-1]) if isinstance(found, dict) else leaves[-1]
                        for name in scene.values
                    },
                )
    return Answer("done", values=dict.fromkeys(scene.values, ""))


_POLICIES: dict[str, Policy] = {
    "null": _null,
    "refuse": _refuse,
    "random": _random,
    "dump_all": _dump_all,
    "greedy": _greedy,
    "always_yes": _always_yes,
    "liar": _liar,
}


def _arguments(scene: Scene, schema: dict[str, Any]) -> dict[str, Any]:
    """Return arguments at random that fit a tool's schema as well as can be."""
    required = schema.get("required", [])
    return {
        name: _value(scene, part)
        for name, part in schema.get("properties", {}).items()
        if name in required or scene.rng.chance(50)
    }


def _value(scene: Scene, schema: dict[str, Any]) -> Any:  # noqa: PLR0911 - a case a JSON type
    rng = scene.rng
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "anyOf" in schema:
        return _value(scene, rng.choice(schema["anyOf"]))
    kinds = schema.get("type", "string")
    match kinds if isinstance(kinds, str) else kinds[0]:
        case "integer" | "number":
            low = int(schema.get("minimum", 0))
            return rng.integer(low, int(schema.get("maximum", low + 100)))
        case "boolean":
            return rng.chance(50)
        case "array":
            return [_value(scene, schema.get("items", {})) for _ in range(rng.integer(1, 3))]
        case "object":
            return _arguments(scene, schema)
        case "null":
            return None
        case _:
            fitting = _fitting(scene, schema)
            return rng.choice(fitting) if fitting else rng.token()


def _every(scene: Scene, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the arguments that can be made of the required properties, in order."""
    required = {name: schema["properties"][name] for name in schema.get("required", [])}
    choices = []
    for part in required.values():
        if "enum" in part:
            choices.append(list(part["enum"]))
        elif part.get("type", "string") == "string":
            choices.append(_fitting(scene, part))
        else:
            choices.append([_value(scene, part)])
    for combination in itertools.product(*choices):
        yield dict(zip(required, combination, strict=True))


def _fitting(scene: Scene, schema: dict[str, Any]) -> list[str]:
    pattern = re.compile(schema.get("pattern", ""))
    return [word for word in scene.words if pattern.search(word)]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield value if isinstance(value, str) else canonical(value).decode()
