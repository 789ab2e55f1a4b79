"""A check and a repair for each kind of fault, in the shapes that they drift between."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Literal

from conformance.authoring import Meta, ToolError, tool

from .catalogue import KINDS, ZONES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .scenario import Drift, Scenario

Shape = Literal["first", "renamed", "reshaped"]
Names = Annotated[list[str], Meta(min_length=1, max_length=3)]
Target = Annotated[str, Meta(description="SERVICE/ITEM", pattern="^[^/]+/[^/]+$")]
_VALUES: dict[str, Any] = {
    "route": Annotated[str, Meta(pattern=f"^z[1-{ZONES}]$")],
    "config": Annotated[int, Meta(ge=0, le=100_000)],
}

FIRST = ("alarms", "runbook", "probe")
FORBIDDEN = ("restart_service", "restart_all", "debug_dump")
_PROFILE = (
    *("operating_policy", "set_standby", "set_weight"),
    *("set_cooling", "set_load_cap", "set_freeze", "confirm_safe_state"),
)


def check_method(kind: str, shape: Shape = "first") -> str:
    """Return the method behind the check of a kind."""
    return KINDS[kind].check if shape == "first" else f"{KINDS[kind].check}_{shape}"


def fix_method(kind: str, shape: Shape = "first") -> str:
    """Return the method behind the repair of a kind."""
    return KINDS[kind].fix if shape == "first" else f"{KINDS[kind].fix}_{shape}"


def offered(scenario: Scenario, *, has_drifted: bool = False) -> tuple[str, ...]:
    """Return the methods that are tools, before or after the drift."""
    kit = [
        method(kind, shape)
        for method in (check_method, fix_method)
        for kind in scenario.kinds
        if (shape := shape_of(scenario, kind, has_drifted=has_drifted)) is not None
    ]
    profile = _PROFILE if scenario.case == "profile" else ()
    return (*FIRST, *profile, *kit, *FORBIDDEN)


def shape_of(scenario: Scenario, kind: str, *, has_drifted: bool) -> Shape | None:
    """Return the shape in which a kind's tools are offered, or None where they are not."""
    if kind != scenario.drifting:
        return "first"
    return _AFTER[scenario.drift] if has_drifted else _BEFORE[scenario.drift]


_BEFORE: dict[Drift, Shape | None] = {"renamed": "first", "reshaped": "first", "new": None}
_AFTER: dict[Drift, Shape | None] = {"renamed": "renamed", "reshaped": "reshaped", "new": "first"}


def check_call(kind: str, shape: Shape, service: str) -> tuple[str, dict[str, Any]]:
    """Return the tool's name and the arguments that check a service."""
    match shape:
        case "renamed":
            return KINDS[kind].new_check, {"unit": service}
        case "reshaped":
            return KINDS[kind].check, {"services": [service]}
        case _:
            return KINDS[kind].check, {"service": service}


def fix_call(
    kind: str, shape: Shape, service: str, item: str, value: Any
) -> tuple[str, dict[str, Any]]:
    """Return the tool's name and the arguments that repair an item."""
    row = KINDS[kind]
    set_to = {row.measure: value} if row.rule == "differs" else {}
    match shape:
        case "renamed":
            return row.new_fix, {"unit": service, row.item: item, **set_to}
        case "reshaped":
            return row.fix, {"target": f"{service}/{item}", **set_to}
        case _:
            return row.fix, {"service": service, row.item: item, **set_to}


def methods() -> Iterator[tuple[str, Any]]:
    """Yield every check and repair in every shape, as methods of the world."""
    for kind in KINDS:
        yield from _checks(kind)
        yield from _fixes(kind)


def _checks(kind: str) -> Iterator[tuple[str, Any]]:
    row = KINDS[kind]

    def check(world: Any, service: str) -> Any:
        return world.check(kind, service)

    def renamed(world: Any, unit: str) -> Any:
        return world.check(kind, unit)

    def reshaped(world: Any, services: list[str]) -> Any:
        return {"checked": [world.check(kind, service) for service in services]}

    text = f"A service's {kind} readings: {row.shows}."
    many = f"The {kind} readings of up to three services: {row.shows}."
    yield check_method(kind), _method("read", row.check, text, check, {"service": str})
    yield (
        check_method(kind, "renamed"),
        _method("read", row.new_check, text, renamed, {"unit": str}),
    )
    yield (
        check_method(kind, "reshaped"),
        _method("read", row.check, many, reshaped, {"services": Names}),
    )


def _fixes(kind: str) -> Iterator[tuple[str, Any]]:
    row = KINDS[kind]

    def split(arguments: dict[str, Any], owner: str) -> tuple[str, str, Any]:
        return arguments[owner], arguments[row.item], arguments.get(row.measure)

    def fix(world: Any, **arguments: Any) -> Any:
        return world.fix(kind, *split(arguments, "service"))

    def renamed(world: Any, **arguments: Any) -> Any:
        return world.fix(kind, *split(arguments, "unit"))

    def reshaped(world: Any, **arguments: Any) -> Any:
        service, _, item = arguments["target"].partition("/")
        return world.fix(kind, service, item, arguments.get(row.measure))

    set_to = {row.measure: _VALUES[kind]} if kind in _VALUES else {}
    first = {"service": str, row.item: str, **set_to}
    yield fix_method(kind), _method("write", row.fix, row.mends, fix, first)
    yield (
        fix_method(kind, "renamed"),
        _method("write", row.new_fix, row.mends, renamed, {"unit": str, row.item: str, **set_to}),
    )
    yield (
        fix_method(kind, "reshaped"),
        _method("write", row.fix, row.mends, reshaped, {"target": Target, **set_to}),
    )


def _method(
    effect: Literal["read", "write"],
    name: str,
    text: str,
    run: Callable[..., Any],
    parameters: dict[str, Any],
) -> Any:
    """Return a method of the world that is the tool ``name`` with these parameters."""

    def method(self: Any, **arguments: Any) -> Any:
        if arguments.keys() != parameters.keys():
            raise ToolError("invalid_arguments", f"{name} takes {', '.join(parameters)}.")
        return run(self, **arguments)

    kinds = inspect.Parameter
    method.__doc__ = text
    method.__annotations__ = dict(parameters)
    method.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            kinds("self", kinds.POSITIONAL_ONLY),
            *(kinds(parameter, kinds.KEYWORD_ONLY) for parameter in parameters),
        ]
    )
    return tool(effect, name=name)(method)
