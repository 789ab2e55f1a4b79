"""The typed answer: status, reason token and values equal the instance's right end."""

from __future__ import annotations

from typing import Any

from conformance.authoring import Finding, Played, Score, same_value


def grade(played: Played[Any]) -> Score:
    """Give 1 where an answer was handed in and all of it is right."""
    findings = (*status(played), *values(played))
    return Score(float(not findings), findings)


def status(played: Played[Any]) -> tuple[Finding, ...]:
    """Return what is wrong with the answered status and its reason token."""
    answer, right = played.answer, played.instance.right_end
    if answer is None:
        return (Finding("answer.missing", "no answer was handed in"),)
    if answer.status != right.status:
        return (
            Finding("answer.status", f"answered {answer.status}, the right end is {right.status}"),
        )
    if right.reason is not None and not same_value(answer.reason, right.reason):
        return (
            Finding("answer.reason", f"reason {answer.reason!r} is not the token {right.reason}"),
        )
    return ()


def values(played: Played[Any]) -> tuple[Finding, ...]:
    """Return the values that are missing or wrong; values nobody asked for do no harm."""
    right = played.instance.right_end.values
    given = played.answer.values if played.answer is not None else {}
    return tuple(
        Finding(f"answer.values.{name}", f"{name}: {given.get(name)!r} is not {expected!r}")
        for name, expected in right.items()
        if not same_value(given.get(name), expected)
    )
