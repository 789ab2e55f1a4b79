"""Tool calls that a model wrote into its text, because its server did not take them out.

Only what is marked as a call is taken: a ``<tool_call>`` tag or its kin, a fenced block, or a
message that is JSON as a whole. Prose is never searched.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Wanted(NamedTuple):
    """A tool call a model asked for."""

    name: str
    """Empty where not even the name could be read."""
    arguments: Any
    """An object, or the raw text where it is not JSON."""
    problem: str | None = None
    """Why the call cannot be read, in one line."""
    call_id: str | None = None


class TextCalls(NamedTuple):
    """The calls found in a text, and what marked them."""

    form: str
    """``tag``, ``fence``, ``json``."""
    calls: list[Wanted]


_THOUGHT = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
_MARK = re.compile(r"<tool_call>|<\|tool_call\|>|<\|python_tag\|>|\[TOOL_CALLS\]|<function_call>")
_NAMED_MARK = re.compile(r"<function=([\w.-]+)>")
_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
_WHOLE_FENCE = re.compile(r"\A```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\Z", re.DOTALL)
_WRAPPERS = ("tool_calls", "function_call", "tool_call", "function")
_NAME_KEYS = ("name", "tool", "tool_name", "function", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "action_input")
_DECODER = json.JSONDecoder()


def bare_text(text: str) -> str:
    """Return a message without its leading thoughts and the one fence that is all of it."""
    stripped = _THOUGHT.sub("", text).strip()
    fenced = _WHOLE_FENCE.match(stripped)
    return fenced.group(1).strip() if fenced and "```" not in fenced.group(1) else stripped


def find_text_calls(text: str, offered: Collection[str]) -> TextCalls | None:
    """Return the tool calls marked in ``text``, or None.

    A fenced block beside other text is a call only where it names a tool in ``offered``: it
    may be an example.
    """
    text = _THOUGHT.sub("", text)
    tagged = list(_tagged(text))
    if tagged:
        return TextCalls("tag", tagged)
    whole = _loads(bare_text(text))
    calls = _calls_in(whole)
    if calls:
        return TextCalls("fence" if text.lstrip().startswith("```") else "json", calls)
    fenced = [
        call
        for block in _FENCE.findall(text)
        for call in _calls_in(_loads(block.strip())) or ()
        if call.name in offered
    ]
    return TextCalls("fence", fenced) if fenced else None


def read_arguments(name: str, given: Any, call_id: str | None = None) -> Wanted:
    """Return the call of ``name`` with arguments that are an object or the JSON text of one."""
    if given is None or given == "":
        return Wanted(name, {}, None, call_id)
    if not isinstance(given, str):
        return Wanted(name, given, None, call_id)
    try:
        return Wanted(name, _read_json(given), None, call_id)
    except (ValueError, RecursionError) as error:
        return Wanted(name, given, f"arguments are not JSON ({error})", call_id)


def _tagged(text: str) -> Iterator[Wanted]:
    for mark in _MARK.finditer(text):
        start = mark.end()
        while start < len(text) and text[start].isspace():
            start += 1
        try:
            value = _writable(_DECODER.raw_decode(text, start)[0])
        except (ValueError, RecursionError) as error:
            named = _NAMED_MARK.match(text, start)
            if named is None:
                yield Wanted("", text[start : start + 400], f"not JSON ({error})")
            continue
        calls = _calls_in(value)
        if calls:
            yield from calls
        else:
            yield Wanted("", text[start : start + 400], "no tool name in the call")
    for mark in _NAMED_MARK.finditer(text):
        body = text[mark.end() :].partition("</function>")[0].strip()
        yield read_arguments(mark.group(1), _parameters(body) or body)


_PARAMETER = re.compile(r"<parameter=([\w.-]+)>\s*(.*?)\s*(?:</parameter>|\Z)", re.DOTALL)


def _parameters(body: str) -> dict[str, Any] | None:
    """Return ``<parameter=name>value</parameter>`` pairs; a value is JSON where it reads so."""
    pairs = _PARAMETER.findall(body)
    if not pairs:
        return None
    return {name: _json_or_text(value) for name, value in pairs}


def _json_or_text(text: str) -> Any:
    try:
        return _read_json(text)
    except (ValueError, RecursionError):
        return text


def _calls_in(value: Any) -> list[Wanted] | None:
    """Return the calls a JSON value is, or None where it is something else."""
    if isinstance(value, list):
        found = [_calls_in(item) for item in value]
        return [call for calls in found for call in calls or ()] if all(found) else None
    if not isinstance(value, dict):
        return None
    for key in _WRAPPERS:
        if isinstance(value.get(key), dict | list):
            return _calls_in(value[key])
    name = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
    given = next((key for key in _ARGUMENT_KEYS if key in value), None)
    if not name or (given is None and "tool" not in value):
        return None
    return [read_arguments(name, value[given] if given else {})]


def _loads(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return None
    try:
        return _read_json(text)
    except (ValueError, RecursionError):
        return None


def _read_json(text: str) -> Any:
    return _writable(json.loads(text))


def _writable(value: Any) -> Any:
    """Return a decoded value.

    Raises:
        ValueError: it holds half a surrogate pair, which JSON can spell but no UTF-8 text can hold.
    """
    json.dumps(value, ensure_ascii=False).encode()
    return value
