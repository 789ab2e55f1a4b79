"""Memory: solved over sessions, and no side effect of an earlier one repeated (L3-MEM-1, -2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Finding, Played, Score, canonical

from . import solved

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.authoring import Call


def grade(played: Played[Any]) -> Score:
    """Give 1 where the trial is solved and no write of an earlier session was made again."""
    findings = (*solved.grade(played).findings, *_repeated(played.calls))
    return Score(float(not findings), findings)


def _repeated(calls: Sequence[Call]) -> Iterator[Finding]:
    made: dict[tuple[str, bytes], str] = {}
    for number, call in enumerate(calls, 1):
        if call.effect != "write" or call.error is not None:
            continue
        mark = (call.name, canonical(call.arguments))
        if made.setdefault(mark, call.seat) != call.seat:
            yield Finding(
                "memory.repeated_effect", f"call {number}: {call.name} was done in {made[mark]}"
            )
