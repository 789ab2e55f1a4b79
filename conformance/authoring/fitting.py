"""Whether a value fits a JSON Schema, at once, for the few words that tools' schemas are made of.

Says the same as ``jsonschema`` does, many times as fast, but not why a value does not fit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Fits = Callable[[Any], bool]

_UNREAD = frozenset({"description", "title", "default", "examples"})
_BOUNDS: dict[str, tuple[tuple[type, ...], Callable[[Any, Any], bool]]] = {
    "minimum": ((int, float), lambda value, bound: value >= bound),
    "maximum": ((int, float), lambda value, bound: value <= bound),
    "exclusiveMinimum": ((int, float), lambda value, bound: value > bound),
    "exclusiveMaximum": ((int, float), lambda value, bound: value < bound),
    "minLength": ((str,), lambda value, bound: len(value) >= bound),
    "maxLength": ((str,), lambda value, bound: len(value) <= bound),
    "minItems": ((list,), lambda value, bound: len(value) >= bound),
    "maxItems": ((list,), lambda value, bound: len(value) <= bound),
}
_OBJECT = frozenset({"properties", "required", "additionalProperties"})
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int,),
}


def fits(schema: Any) -> Fits | None:
    """Return a predicate for plain JSON values, or None where the schema has any other word.

    Of a value that is no plain JSON (a subclass of ``str``, say) it may say no for a yes.
    """
    if not isinstance(schema, dict):
        return None  # true and false are schemas too, and rare
    tests = []
    for word in schema.keys() - _UNREAD - _OBJECT:
        test = _test(word, schema[word])
        if test is None:
            return None
        tests.append(test)
    if _OBJECT & schema.keys():
        test = _object(schema)
        if test is None:
            return None
        tests.append(test)
    return lambda value: all(test(value) for test in tests)


def _test(word: str, said: Any) -> Fits | None:
    if word in _BOUNDS:
        kinds, holds = _BOUNDS[word]
        return lambda value: (
            not isinstance(value, kinds) or type(value) is bool or holds(value, said)
        )
    make = _TESTS.get(word)
    return None if make is None else make(said)


def _of_type(said: Any) -> Fits | None:
    names = [said] if isinstance(said, str) else said
    if not _TYPES.keys() >= set(names):
        return None
    kinds = tuple(kind for name in names for kind in _TYPES[name])
    if "integer" in names and float not in kinds:
        return lambda value: type(value) in kinds or (type(value) is float and value.is_integer())
    return lambda value: type(value) in kinds


def _one_of(said: Any) -> Fits | None:
    if not all(type(item) is str for item in said):
        return None
    known = frozenset(said)
    return lambda value: type(value) is str and value in known


def _matching(said: Any) -> Fits | None:
    search = re.compile(said).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _of_items(said: Any) -> Fits | None:
    each = fits(said)
    return each and (lambda value: not isinstance(value, list) or all(map(each, value)))


def _in_any_way(said: Any) -> Fits | None:
    ways = [fits(way) for way in said]
    known = [way for way in ways if way is not None]
    if len(known) < len(ways):
        return None
    return lambda value: any(way(value) for way in known)


_TESTS: dict[str, Callable[[Any], Fits | None]] = {
    "type": _of_type,
    "enum": _one_of,
    "pattern": _matching,
    "items": _of_items,
    "anyOf": _in_any_way,
}


def _object(schema: dict[str, Any]) -> Fits | None:
    """Return the test of ``properties``, ``required`` and ``additionalProperties``."""
    required = frozenset(schema.get("required", ()))
    more = schema.get("additionalProperties", True)
    others = fits(more) if isinstance(more, dict) else (lambda _: bool(more))
    known: dict[str, Fits] = {}
    for name, said in schema.get("properties", {}).items():
        test = fits(said)
        if test is None:
            return None
        known[name] = test
    if others is None:
        return None
    return lambda value: (
        not isinstance(value, dict)
        or (
            value.keys() >= required
            and all(known.get(name, others)(item) for name, item in value.items())
        )
    )
