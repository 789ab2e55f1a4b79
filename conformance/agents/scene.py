"""What a policy that knows no family can see and do: instruction, tools, results, some luck."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from conformance.authoring import ToolError, ToolSpec, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.authoring import Act, Instance, Rng

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")


class Scene:
    """The first seat of an instance, as an agent meets it."""

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
        offered = self.instance.seats[0].tools
        return [t for t in offered if forbidden or t.name not in self.instance.forbidden]

    def attempt(self, tool: ToolSpec, arguments: dict[str, Any]) -> bool:
        """Call a tool; keep what it returned; say whether it worked."""
        try:
            result = self.act(tool.name, **arguments)
        except ToolError:
            return False
        self.seen.append(result)
        self.words += [word for word in leaves(result) if word not in self.words]
        return True

    def arguments(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return arguments at random that fit a tool's schema as well as can be."""
        required = schema.get("required", [])
        return {
            name: self._value(part)
            for name, part in schema.get("properties", {}).items()
            if name in required or self.rng.chance(50)
        }

    def every(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the arguments that can be made of the required properties, in order."""
        required = {name: schema["properties"][name] for name in schema.get("required", [])}
        choices = []
        for part in required.values():
            if "enum" in part:
                choices.append(list(part["enum"]))
            elif part.get("type", "string") == "string":
                choices.append(self._fitting(part))
            else:
                choices.append([self._value(part)])
        for combination in itertools.product(*choices):
            yield dict(zip(required, combination, strict=True))

    def _value(self, schema: dict[str, Any]) -> Any:  # noqa: PLR0911 - a case a JSON type
        rng = self.rng
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if "anyOf" in schema:
            return self._value(rng.choice(schema["anyOf"]))
        kinds = schema.get("type", "string")
        match kinds if isinstance(kinds, str) else kinds[0]:
            case "integer" | "number":
                low = int(schema.get("minimum", 0))
                return rng.integer(low, int(schema.get("maximum", low + 100)))
            case "boolean":
                return rng.chance(50)
            case "array":
                return [self._value(schema.get("items", {})) for _ in range(rng.integer(1, 3))]
            case "object":
                return self.arguments(schema)
            case "null":
                return None
            case _:
                fitting = self._fitting(schema)
                return rng.choice(fitting) if fitting else rng.token()

    def _fitting(self, schema: dict[str, Any]) -> list[str]:
        pattern = re.compile(schema.get("pattern", ""))
        return [word for word in self.words if pattern.search(word)]


def leaves(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a JSON value, as text."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield value if isinstance(value, str) else canonical(value).decode()
