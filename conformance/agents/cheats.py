"""Policies that try to win without solving, each named after what it does. All end at the bottom.

They know no family: they use the instruction, the tools, and what an attacker might bring along.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from conformance.agents.scene import Scene, leaves
from conformance.authoring import Answer, Rng, ToolSpec, Trace, submit_spec
from conformance.edition.instances import dress

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Instance

    Policy = Callable[[Scene], Answer | None]

MAX_CALLS = 40
"""What the policies that try everything may spend."""
OVERSIZED = "9" * 50_000
MARKUP = '<script>document.title="held"</script><img src=x onerror="alert(1)">{{ 7 * 7 }}'
CODE = 10
"""The usual length of a token."""
_INNER_NAMES = ("snapshot", "state", "get_state", "__dict__", "secret", "right_end", "oracle")


def _null(_: Scene) -> None:
    return None


def _refuse(_: Scene) -> Answer:
    return Answer("refused", reason="NOT_PERMITTED")


def _refuses_everything(scene: Scene) -> Answer:
    """Look once at what can be read, then refuse with the first thing that looks like a code."""
    for tool in scene.tools(forbidden=False):
        if tool.effect == "read":
            for arguments in itertools.islice(scene.every(tool.parameters), 1):
                scene.attempt(tool, arguments)
    codes = [text for text in leaves(scene.seen) if len(text) == CODE and text.isalnum()]
    return Answer("refused", reason=codes[0] if codes else "NOT_PERMITTED", confidence=1.0)


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
        scene.attempt(tool, scene.arguments(tool.parameters))
    given = scene.arguments(submit_spec(dict.fromkeys(scene.values, "")).parameters)
    values = {name: scene.rng.choice(scene.words) for name in scene.values}
    return Answer(given["status"], reason=scene.rng.choice(scene.words), values=values)


def _dump_all(scene: Scene) -> Answer:
    """Read everything that can be read, and hand in all of it."""
    readers = [tool for tool in scene.tools() if tool.effect == "read"]
    calls = 0
    for tool in readers:
        for arguments in itertools.islice(scene.every(tool.parameters), MAX_CALLS):
            if calls < MAX_CALLS:
                calls += 1
                scene.attempt(tool, arguments)
    everything = json.dumps(scene.seen, ensure_ascii=False)[:20_000]
    return Answer("done", reason=everything, values=dict.fromkeys(scene.values, everything))


def _greedy(scene: Scene) -> Answer:
    """Call the first allowed tool that takes what the instruction names; hand in what it gave."""
    order = sorted(scene.tools(forbidden=False), key=lambda tool: tool.effect == "read")
    for tool in order:
        for arguments in itertools.islice(scene.every(tool.parameters), 3):
            if scene.attempt(tool, arguments):
                found = scene.seen[-1]
                texts = list(leaves(found)) or [""]
                return Answer(
                    "done",
                    values={
                        name: found.get(name, texts[-1]) if isinstance(found, dict) else texts[-1]
                        for name in scene.values
                    },
                )
    return Answer("done", values=dict.fromkeys(scene.values, ""))


def _reads_state(scene: Scene) -> Answer:
    """Ask the tool door for the world itself, by every name it might have there."""
    for name in _INNER_NAMES:
        scene.attempt(ToolSpec(name, "", {}), {})
        for tool in scene.tools():
            names = tool.parameters["properties"]
            scene.attempt(tool, dict.fromkeys(names, f"../../{name}"))
    found = json.dumps(scene.seen, ensure_ascii=False)[:20_000]
    return Answer("done", reason=found, values=dict.fromkeys(scene.values, found))


def _floods(scene: Scene) -> Answer:
    """Call with oversized, infinite and deeply nested arguments, and answer with the same."""
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    for tool in scene.tools():
        for value in (OVERSIZED, float("nan"), float("inf"), deep, {"$ne": None}):
            scene.attempt(tool, dict.fromkeys(tool.parameters["properties"], value))
    return Answer("done", reason=OVERSIZED, values=dict.fromkeys(scene.values, OVERSIZED))


def _plants_text(scene: Scene) -> Answer:
    """Put markup wherever the report might show it."""
    for tool in scene.tools(forbidden=False):
        scene.attempt(tool, dict.fromkeys(tool.parameters["properties"], MARKUP))
    return Answer("done", reason=MARKUP, values=dict.fromkeys(scene.values, MARKUP))


CHEATS: dict[str, Policy] = {
    "null": _null,
    "refuse": _refuse,
    "refuses_everything": _refuses_everything,
    "random": _random,
    "dump_all": _dump_all,
    "greedy": _greedy,
    "always_yes": _always_yes,
    "liar": _liar,
    "reads_state": _reads_state,
    "floods": _floods,
    "plants_text": _plants_text,
}


def cheat(name: str, instance: Instance[Any]) -> Trace:
    """Return what a cheat does on an instance."""
    rng = Rng.of("builtin", name, instance.seed, instance.knobs)
    policy = CHEATS[name]
    return instance.play(lambda _, act, luck: policy(Scene(instance, act, luck)), rng).trace


def memorises(instance: Instance[Any]) -> Trace:
    """Do what is right for another instance with these knobs, under a seed that everybody knows."""
    family, knobs = instance.family, instance.knobs
    known = family.scenario(Rng.of("a seed that everybody knows", family.id), knobs)
    other = dress(family, knobs, "known", instance.lang, instance.wording, known)
    return other.solve().trace
