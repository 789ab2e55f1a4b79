"""The answer contract: what an agent hands in, once, and how it is asked for."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

from conformance.authoring.canonical import canonical
from conformance.authoring.tools import ToolSpec, argument_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

Status = Literal["done", "not_done", "refused", "needs_input"]
Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = get_args(Lang)

SUBMIT_TOOL = "submit_answer"


class Answer(msgspec.Struct, frozen=True):
    """What an agent hands in at the end of a trial (``schemas/answer.schema.json``)."""

    status: Status
    reason: str | None = None
    values: dict[str, Any] = {}
    confidence: float | None = None


class End(msgspec.Struct, frozen=True):
    """The right end of an instance: the answer that is true if the work was done right.

    ``reason`` is a token the world minted; the agent can only have it from a tool. ``values``
    are compared by ``same_value``.
    """

    status: Status
    reason: str | None = None
    values: dict[str, Any] = {}


def submit_spec(values: Mapping[str, str]) -> ToolSpec:
    """Return ``submit_answer`` for an instance whose answer has ``values`` (name: description)."""
    return ToolSpec(
        name=SUBMIT_TOOL,
        description="Hand in the final answer. Call it exactly once, at the end.",
        parameters={
            "type": "object",
            "properties": {
                "status": {"enum": list(get_args(Status))},
                "reason": {"type": ["string", "null"]},
                "values": {
                    "type": "object",
                    "properties": {name: {"description": text} for name, text in values.items()},
                },
                "confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            },
            "required": ["status"],
            "additionalProperties": False,
        },
        effect="write",
    )


_ANY_ANSWER = submit_spec({})
_DEEPEST = 64
"""Levels of lists and objects in an answer; no family asks for more than a few."""


def read_answer(given: Any) -> Answer | str:
    """Return the answer that a JSON value is, or one line that says why it is none."""
    if _is_too_deep(given):
        return "it is nested too deep"
    try:
        complaint = argument_errors(_ANY_ANSWER, given)
        if complaint is not None:
            return complaint
        canonical(given)
    except (TypeError, ValueError) as error:
        return str(error)
    return Answer(
        status=given["status"],
        reason=given.get("reason"),
        values=given.get("values", {}),
        confidence=given.get("confidence"),
    )


def _is_too_deep(given: Any) -> bool:
    """Say whether a JSON value is nested deeper than every reader of evidence can follow."""
    level = [given]
    for _ in range(_DEEPEST):
        level = [
            item
            for value in level
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)


def read_answer_text(text: str) -> Answer | None:
    """Return the answer that a whole message is, as JSON, or None. Prose is never searched."""
    stripped = text.strip()
    if not stripped.startswith("{"):
        return None
    try:
        given = json.loads(stripped)
    except (ValueError, RecursionError):
        return None
    answer = read_answer(given)
    return answer if isinstance(answer, Answer) else None


def same_value(given: Any, expected: Any) -> bool:
    """Say whether an answered value is the expected one.

    Numbers are compared as numbers, also where the agent wrote one as a string (``"25"`` is
    25.0). Strings are compared without outer blanks and without case, as tokens are read aloud.
    Lists and objects are compared item by item.
    """
    if isinstance(expected, bool) or expected is None:
        return given is expected
    if isinstance(expected, int | float):
        number = _number(given)
        return number is not None and number == _number(expected)
    if isinstance(expected, str):
        return isinstance(given, str) and given.strip().casefold() == expected.strip().casefold()
    if isinstance(expected, list | tuple):
        return (
            isinstance(given, list | tuple)
            and len(given) == len(expected)
            and all(map(same_value, given, expected))
        )
    return (
        isinstance(given, dict)
        and given.keys() == expected.keys()
        and all(same_value(given[name], item) for name, item in expected.items())
    )


def same_answer(given: Answer, other: Answer) -> bool:
    """Say whether two answers say the same: status, reason and values, whoever came first."""
    return given.status == other.status and (_same_words(given, other) or _same_words(other, given))


def _same_words(given: Answer, expected: Answer) -> bool:
    return same_value(given.reason, expected.reason) and same_value(given.values, expected.values)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
