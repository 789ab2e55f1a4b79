"""The engine's JSON Schemas, one for every file that crosses a boundary, and how they complain."""

from __future__ import annotations

import functools
import json
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


SHOWN = 80
"""Characters of an offending value that an error shows."""


class SchemaComplaint(NamedTuple):
    """The most telling error of a document against its schema."""

    path: tuple[Any, ...]
    message: str
    mend: str


def schema_folder() -> Path:
    """Return the folder of the schemas that came with the engine."""
    from conformance.edition.files import shipped_root

    return shipped_root() / "schemas"


@functools.cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    schemas = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(schema_folder().glob("*.schema.json"))
    }
    registry: Any = Registry().with_resources(
        (content["$id"], Resource.from_contents(content)) for content in schemas.values()
    )
    return Draft202012Validator(schemas[f"{name}.schema.json"], registry=registry)


def first_error(name: str, document: Any) -> SchemaComplaint | None:
    """Check ``document`` against ``schemas/NAME.schema.json``; return its best error or None."""
    from jsonschema.exceptions import best_match

    error = best_match(_validator(name).iter_errors(document))
    if error is None:
        return None
    return SchemaComplaint(tuple(error.absolute_path), _message(error), _mend(error))


def _message(error: Any) -> str:
    given = json.dumps(error.instance, ensure_ascii=False, default=str)
    shown = textwrap.shorten(given, SHOWN, placeholder="…")
    if error.validator in ("required", "additionalProperties", "unevaluatedProperties"):
        return str(error.message)
    if error.validator in ("oneOf", "anyOf", "type", "enum", "const"):
        return f"{shown} does not fit"
    return f"{shown}: {error.message.removeprefix(given).strip() or error.message}"


def _mend(error: Any) -> str:
    expected = error.validator_value
    match error.validator:
        case "required":
            missing = [name for name in expected if name not in error.instance]
            return f"add {', '.join(missing)}"
        case "additionalProperties" | "unevaluatedProperties":
            known = ", ".join(sorted(error.schema.get("properties", {})))
            return f"keys known here: {known}"
        case "enum":
            return f"use one of {', '.join(map(str, expected))}"
        case "type":
            return f"write {expected if isinstance(expected, str) else ' or '.join(expected)}"
        case _:
            return str(error.schema.get("description", "see the schema"))
