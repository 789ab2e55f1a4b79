"""Tools a world offers: typed methods, their JSON Schemas, and the door that calls them."""

from __future__ import annotations

import functools
import inspect
import re
import typing
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import msgspec

from conformance.authoring.fitting import fits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

F = TypeVar("F", bound="Callable[..., Any]")

Effect = Literal["read", "write"]
"""``read``: the state's digest is the same after the call. ``write``: it may differ."""

UNKNOWN_TOOL = "unknown_tool"
INVALID_ARGUMENTS = "invalid_arguments"


class ToolSpec(msgspec.Struct, frozen=True):
    """What an agent sees of a tool, and whether it can change the world."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema 2020-12 of the arguments: an object, no further properties."""
    effect: Effect = "read"
    method: str = ""
    """The world's method behind it, where that has another name."""
    is_volatile: bool = False
    """What it returns may differ when it is called again (an agent's own code, run); it changes
    no state, and a replay takes the result as recorded."""


class ToolError(Exception):
    """An ordinary error result of a tool; the agent sees it and may try again.

    Args:
        code: A short snake_case word, such as ``not_found``.
        message: One sentence for the agent.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Call(msgspec.Struct, frozen=True):
    """One tool call as it happened."""

    name: str
    arguments: dict[str, Any]
    result: Any
    """What the agent got: JSON, or for an error the message."""
    error: str | None = None
    """The error's code, or None where the tool returned."""
    effect: Effect = "read"
    seat: str = ""
    """Who called, where an instance has several seats."""
    fault: str | None = None
    """The fault that the instance put at the door of this call; never the suite's own."""
    notices: list[Any] = []
    """What the world told the agent beside the result."""


class Step(NamedTuple):
    """One tool call to make: the unit of an oracle's trace and of its mutants."""

    name: str
    arguments: Mapping[str, Any]
    seat: str = ""


def tool(effect: Effect, *, name: str | None = None, volatile: bool = False) -> Callable[[F], F]:
    """Mark a world's method as a tool.

    The name is the method's, the description its docstring's first paragraph, the schema comes
    from its type hints (``Annotated[int, Meta(ge=0, description="…")]`` says more).

    Args:
        effect: ``read`` where it leaves the state alone.
        name: What the agent calls it, where that is not the method's name: a tool that is
            re-shaped half-way keeps its name and has another method. A world never offers two
            methods of one name at once.
        volatile: Its result may differ from call to call. Only for ``read``.
    """
    if volatile and effect != "read":
        raise ValueError("a volatile tool changes no state")

    def mark(method: F) -> F:
        method.__tool__ = (effect, name, volatile)  # type: ignore[attr-defined]
        return method

    return mark


def tool_specs(world: type) -> dict[str, ToolSpec]:
    """Return the tools of a world class by their methods' names, in the order they are written."""
    return _tool_specs(world)


@functools.cache
def _tool_specs(world: Any) -> dict[str, ToolSpec]:
    found: dict[str, ToolSpec] = {}
    for base in reversed(world.__mro__):
        for name, method in vars(base).items():
            mark = getattr(method, "__tool__", None)
            if mark is not None:
                found[name] = _spec(name, method, *mark)
    return found


@functools.lru_cache(maxsize=4096)
def _fits(schema: bytes) -> Callable[[Any], bool] | None:
    return fits(msgspec.json.decode(schema))


@functools.lru_cache(maxsize=4096)
def _validator(schema: bytes) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(msgspec.json.decode(schema))


def argument_errors(spec: ToolSpec, arguments: Any) -> str | None:
    """Return why ``arguments`` do not fit the tool's schema, in one line, or None where they do."""
    schema = msgspec.json.encode(spec.parameters)
    is_fit = _fits(schema)
    if is_fit is not None and is_fit(arguments):
        return None
    try:
        found = _validator(schema).iter_errors(arguments)
        errors = sorted(found, key=lambda error: list(map(str, error.path)))
    except ValueError:  # Python will not write out an integer of thousands of digits
        return "arguments: a number has too many digits"
    if not errors:
        return None
    return "; ".join(
        f"{'/'.join(map(str, error.path)) or 'arguments'}: {error.message[:200]}"
        for error in errors[:3]
    )


def _spec(
    method_name: str,
    method: Callable[..., Any],
    effect: Effect,
    name: str | None,
    volatile: bool,  # noqa: FBT001
) -> ToolSpec:
    hints = typing.get_type_hints(method, include_extras=True)
    parameters = [p for p in inspect.signature(method).parameters.values() if p.name != "self"]
    return ToolSpec(
        name=name or method_name,
        description=_first_paragraph(method),
        parameters={
            "type": "object",
            "properties": {p.name: json_schema(hints[p.name]) for p in parameters},
            "required": [p.name for p in parameters if p.default is p.empty],
            "additionalProperties": False,
        },
        effect=effect,
        method=method_name if name is not None and name != method_name else "",
        is_volatile=volatile,
    )


def json_schema(annotation: Any) -> dict[str, Any]:
    """Return the JSON Schema of a type, with every reference written out."""
    (schema,), components = msgspec.json.schema_components([annotation])
    return typing.cast("dict[str, Any]", _inlined(schema, components))


def _inlined(schema: Any, components: Mapping[str, Any]) -> Any:
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if reference is not None:
            return _inlined(components[reference.rsplit("/", 1)[-1]], components)
        return {
            key: _inlined(value, components)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    if isinstance(schema, list):
        return [_inlined(item, components) for item in schema]
    return schema


def _first_paragraph(method: Callable[..., Any]) -> str:
    text = inspect.getdoc(method) or ""
    paragraph = re.split(r"\n\s*\n", text, maxsplit=1)[0]
    return " ".join(paragraph.split())
