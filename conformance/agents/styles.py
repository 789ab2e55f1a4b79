"""The two ways a model is given tools: the endpoint's own tool calls, or a JSON schema.

A style makes the constant part of a request once for each set of tools (bytes that every call
of a family's trials shares, so that the endpoint's prefix cache holds), reads the calls out of
a reply, and writes the results back.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from conformance.agents.textcalls import Wanted, bare_text, find_text_calls, read_arguments
from conformance.agents.wording import wording
from conformance.authoring import ToolSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.authoring import Lang

StyleName = Literal["native", "structured"]

_encode = msgspec.json.Encoder().encode
_decode_specs = msgspec.json.Decoder(tuple[ToolSpec, ...]).decode


class Kit(NamedTuple):
    """What all calls with one set of tools, in one language, share."""

    style: StyleName
    lang: Lang
    fields: bytes
    """Members of the request body that say which tools there are, each followed by a comma."""
    system: dict[str, Any]
    offered: frozenset[str]


def make_kit(style: StyleName, tools: Sequence[ToolSpec], lang: Lang) -> Kit:
    """Return the constant part for these tools; equal tools give the same object."""
    # The bytes are the key: a schema is a dict, and comparing bytes is cheaper than hashing it.
    return _make_kit(style, _encode(tools), lang)


@functools.lru_cache(maxsize=256)
def _make_kit(style: StyleName, encoded: bytes, lang: Lang) -> Kit:
    tools = _decode_specs(encoded)
    say = wording(lang)
    offered = frozenset(tool.name for tool in tools)
    if style == "native":
        fields = b'"tools":' + _encode([_function(tool) for tool in tools]) + b","
        return Kit(style, lang, fields, {"role": "system", "content": say.rules}, offered)
    listed = "\n".join(_listing(tool) for tool in tools)
    prompt = f"{say.rules} {say.form}\n\n{say.tools}\n{listed}"
    fields = b'"response_format":' + _encode(response_format(tools)) + b","
    return Kit(style, lang, fields, {"role": "system", "content": prompt}, offered)


def response_format(tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """Return the ``response_format`` that lets through one call of one of the tools."""
    # Not ``strict``: that dialect wants every property required, and worlds have optional ones.
    return {
        "type": "json_schema",
        "json_schema": {
            "name": "call",
            "schema": {"anyOf": [_call_schema(tool) for tool in tools]},
        },
    }


class Reading(NamedTuple):
    """What a reply asks for."""

    calls: list[Wanted]
    text_form: str | None = None
    """How the calls were marked, where they stood in the text and the style is not that."""


def read_calls(kit: Kit, message: dict[str, Any]) -> Reading:
    """Return the tool calls of an assistant's message, in the style's form or in text."""
    listed = message.get("tool_calls")
    if isinstance(listed, list) and listed:
        return Reading([_native_call(item, number) for number, item in enumerate(listed)])
    legacy = message.get("function_call")
    if isinstance(legacy, dict) and isinstance(legacy.get("name"), str):
        call = read_arguments(legacy["name"], legacy.get("arguments"))
        return Reading([call], "function_call")
    content = text_of(message)
    if not content:
        return Reading([])
    found = find_text_calls(content, kit.offered)
    if found is None:
        return Reading([])
    if kit.style == "structured" and found.form == "json" and _is_styled(content):
        return Reading(found.calls)
    return Reading(found.calls, found.form)


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message, also where it comes in parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return ""


def is_native(calls: Sequence[Wanted]) -> bool:
    """Say whether the calls came as ``tool_calls``, so that results go back the same way."""
    return bool(calls) and all(call.call_id is not None for call in calls)


def echo(message: dict[str, Any], calls: Sequence[Wanted]) -> dict[str, Any]:
    """Return an assistant's message as it stands in the history of the next request."""
    if not is_native(calls):
        return {"role": "assistant", "content": text_of(message) or _legacy_text(message)}
    # Reasoning endpoints want their own extra fields back beside tool calls, some insist on it.
    kept = {
        key: value
        for key, value in message.items()
        if value is not None and key not in {"annotations", "audio", "refusal", "function_call"}
    }
    kept["role"] = "assistant"
    kept.setdefault("content", None)
    kept["tool_calls"] = [
        _echoed_call(item, call) for item, call in zip(message["tool_calls"], calls, strict=True)
    ]
    return kept


def results(calls: Sequence[Wanted], texts: Sequence[str], lang: Lang) -> list[dict[str, Any]]:
    """Return the messages that hand the results of ``calls`` back, in order."""
    if is_native(calls):
        return [
            {"role": "tool", "tool_call_id": call.call_id, "content": text}
            for call, text in zip(calls, texts, strict=True)
        ]
    say = wording(lang).result
    lines = [
        say.format(name=call.name or "?", text=text)
        for call, text in zip(calls, texts, strict=True)
    ]
    return [{"role": "user", "content": "\n".join(lines)}]


def _function(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    }


def _listing(tool: ToolSpec) -> str:
    arguments = tool.parameters.get("properties", {})
    required = tool.parameters.get("required", ())
    described = ", ".join(
        f"{name}{'' if name in required else '?'}: {_type_words(schema)}"
        for name, schema in arguments.items()
    )
    return f"- {tool.name}({described}): {tool.description}"


def _type_words(schema: dict[str, Any]) -> str:
    """Return a schema in few tokens: the type or the values, limits, and the description."""
    if "enum" in schema:
        words = "|".join(map(_plain, schema["enum"]))
    elif "const" in schema:
        words = _plain(schema["const"])
    elif "anyOf" in schema:
        words = " or ".join(_type_words(choice) for choice in schema["anyOf"])
    else:
        named = schema.get("type", "any")
        words = "|".join(named) if isinstance(named, list) else named
        if named == "array" and isinstance(schema.get("items"), dict):
            words = f"list of {_type_words(schema['items'])}"
        if schema.get("properties"):
            inner = ", ".join(f"{n}: {_type_words(s)}" for n, s in schema["properties"].items())
            words = f"{{{inner}}}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        words += f" {'' if low is None else low}..{'' if high is None else high}"
    if "pattern" in schema:
        words += f" /{schema['pattern']}/"
    return f"{words} ({schema['description']})" if schema.get("description") else words


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()


def _call_schema(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "tool": {"const": tool.name},
            "arguments": _without_words(tool.parameters),
        },
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }


def _without_words(schema: Any, *, is_names: bool = False) -> Any:
    """Return a schema without descriptions; the prompt has them, a grammar does not need them."""
    if isinstance(schema, dict):
        return {
            key: _without_words(value, is_names=key in {"properties", "$defs"} and not is_names)
            for key, value in schema.items()
            if is_names or key not in {"description", "title", "default", "examples"}
        }
    if isinstance(schema, list):
        return [_without_words(item) for item in schema]
    return schema


def _is_styled(content: str) -> bool:
    return bare_text(content).startswith("{") and '"tool"' in content


def _native_call(item: Any, number: int) -> Wanted:
    function = item.get("function") if isinstance(item, dict) else None
    call_id = (item.get("id") if isinstance(item, dict) else None) or f"call_{number}"
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return Wanted("", {}, "no function name in the call", str(call_id))
    return read_arguments(function["name"], function.get("arguments"), str(call_id))


def _echoed_call(item: Any, call: Wanted) -> dict[str, Any]:
    # Servers parse the history's arguments too, and some refuse the whole request over broken
    # ones; the model reads what was broken in the tool's result.
    extra = item if isinstance(item, dict) else {}
    function = extra.get("function")
    given = function.get("arguments") if isinstance(function, dict) else None
    is_sound = call.problem is None and isinstance(given, str) and isinstance(call.arguments, dict)
    text = given if is_sound and given else "{}"
    return {
        **extra,
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.name or "unknown", "arguments": text},
    }


def _legacy_text(message: dict[str, Any]) -> str:
    legacy = message.get("function_call")
    return _encode({"function_call": legacy}).decode() if legacy else ""
