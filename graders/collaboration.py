"""Collaboration: solved together: every agent at work had a part in it (L5-COL-1 to -3)."""

from __future__ import annotations

from typing import Any

from conformance.authoring import Finding, Played, Score

from . import solved


def grade(played: Played[Any]) -> Score:
    """Give 1 where the trial is solved and no seat stood by."""
    findings = list(solved.grade(played).findings)
    seats = [seat.name for seat in played.instance.seats if seat.is_last]
    busy = {call.seat for call in played.calls if call.error is None}
    findings += [
        Finding("collaboration.idle_seat", f"{name} did nothing")
        for name in seats
        if len(seats) > 1 and name not in busy
    ]
    return Score(float(not findings), tuple(findings))
