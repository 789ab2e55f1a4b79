"""The page on every schema: each key with its type and meaning.

Types come from the schema; what a key means from ``keys.yaml``, by ``Table.key`` or ``key``, and in
English, where that says nothing, from the docstring below the field.
"""

from __future__ import annotations

import ast
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs.generator.words import cell, read, table, word

if TYPE_CHECKING:
    from docs.generator.words import Lang

ROOT = Path(__file__).parents[2]
CODE = ROOT / "conformance"


def schema_files() -> list[Path]:
    """Return the schemas, in the order of their names."""
    return sorted((ROOT / "schemas").glob("*.schema.json"))


def schemas_page(lang: Lang) -> str:
    """Return the page: a table of all, then each with its keys."""
    lines = [f"# {word('schemas.heading', lang)}", "", word("generated", lang), ""]
    lines += [word("schemas.lead", lang), ""]
    names = [path.name.removesuffix(".schema.json") for path in schema_files()]
    lines += table(
        ["", ""],
        [[f"[`{name}`](#{_anchor(name)})", word(f"files.{_key(name)}", lang)] for name in names],
    )
    for path, name in zip(schema_files(), names, strict=True):
        lines += ["", f"## {name}", "", word(f"files.{_key(name)}", lang)]
        lines += [word("schemas.file", lang).format(file=f"`schemas/{path.name}`")]
        for title, part in tables_of(path):
            lines += ["", *([f"**{title}**", ""] if title != name else [])]
            lines += _keys(title, part, lang)
    return "\n".join(lines).rstrip() + "\n"


def meaning(title: str, key: str, keys: tuple[str, ...], lang: Lang) -> str | None:
    """Return what a key means, or None where nobody wrote it.

    Args:
        title: The name of the table that the key is in; the file's at its top.
        key: The key.
        keys: All the keys of that table: they tell structs of one name apart.
        lang: The language.
    """
    glossary = read("keys.yaml")
    told: str | None = glossary.get(f"{title}.{key}", {}).get(lang)
    if told is None and lang == "en":
        told = _docstring(title, key, keys)
    return told or glossary.get(key, {}).get(lang)


def tables_of(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return each table of a schema that has keys, by its name; what the file itself is, first."""
    document = json.loads(path.read_text(encoding="utf-8"))
    name = path.name.removesuffix(".schema.json")
    top = _short(document.get("$ref", "").rpartition("/")[2])
    defined = {_short(key): part for key, part in document.get("$defs", {}).items()}
    parts = {name: document, **defined}
    found = [item for item in parts.items() if "properties" in item[1]]
    return sorted(found, key=lambda item: item[0] not in (name, top))


def _keys(title: str, part: dict[str, Any], lang: Lang) -> list[str]:
    keys = tuple(part["properties"])
    rows = []
    for key, schema in part["properties"].items():
        mark = "" if key in part.get("required", ()) else word("schemas.may", lang)
        told = meaning(title, key, keys, lang) or ""
        rows.append([f"`{key}`", cell(_type(schema, lang)), mark, cell(told)])
    return table([word(f"schemas.{name}", lang) for name in ("key", "type", "may", "what")], rows)


def _type(schema: dict[str, Any], lang: Lang) -> str:
    if "$ref" in schema:
        return f"`{_short(schema['$ref'].rpartition('/')[2])}`"
    if "const" in schema:
        return f"`{json.dumps(schema['const'], ensure_ascii=False)}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(kind, list):
        choices = [{**schema, "type": one} for one in kind]
    if choices:
        return word("schemas.or", lang).join(_type(choice, lang) for choice in choices)
    return _of_kind(kind, schema, lang)


def _of_kind(kind: str, schema: dict[str, Any], lang: Lang) -> str:
    """Return a type by its name; a list or a table says what it holds, where that is one type."""
    member = {"array": "items", "object": "additionalProperties"}.get(kind, "")
    if isinstance(schema.get(member), dict):
        return word(f"schemas.of_{kind}", lang).format(of=_type(schema[member], lang))
    return word(f"schemas.types.{kind}", lang)


@functools.cache
def _docstrings() -> dict[str, list[dict[str, str | None]]]:
    """Return what stands below each field, for each class of the engine, by the class's name."""
    found: dict[str, list[dict[str, str | None]]] = {}
    for path in sorted(CODE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(_fields(node))
    return found


def _fields(node: ast.ClassDef) -> dict[str, str | None]:
    fields: dict[str, str | None] = {}
    for item, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            told = after.value if isinstance(after, ast.Expr) else None
            is_text = isinstance(told, ast.Constant) and isinstance(told.value, str)
            fields[item.target.id] = str(told.value) if is_text else None  # type: ignore[union-attr]
    return fields


def _docstring(title: str, key: str, keys: tuple[str, ...]) -> str | None:
    candidates = _docstrings().get(title.rpartition(".")[2], [])
    best = max(candidates, key=lambda fields: len(fields.keys() & set(keys)), default={})
    return best.get(key)


def _short(name: str) -> str:
    """Return a table's name, with its module where the schema has that to tell two apart."""
    return ".".join(name.split(".")[-2:])


def _key(name: str) -> str:
    return name.replace(".", "_")


def _anchor(name: str) -> str:
    return name.replace(".", "")
