"""The job form: its ten fields, the one spelling of each value, and what counts as filled in.

Checks look at form alone (types, ranges, spelling, the order of the two dates), never at intent.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple, get_args

from conformance.authoring import Meta

Fields = dict[str, Any]
"""Values by field name, in the units of the form."""

FieldName = Literal[
    "gpu_type",
    "gpus",
    "memory_gib",
    "scratch_gb",
    "wall_time",
    "start_after",
    "finish_by",
    "dataset",
    "priority",
    "notify",
]
FIELDS: tuple[str, ...] = get_args(FieldName)
DATES: tuple[str, ...] = ("start_after", "finish_by")

GpuType = Literal["orca-40", "orca-80", "lynx-64", "lynx-96"]
Priority = Literal["low", "normal", "high", "urgent"]
Notify = Literal["start", "end", "failure", "none"]
CHOICES: dict[str, tuple[str, ...]] = {
    "gpu_type": get_args(GpuType),
    "priority": get_args(Priority),
    "notify": get_args(Notify),
}

_LIMITS = {"gpus": 1024, "memory_gib": 65536, "scratch_gb": 1000000}
_WALL = "^[0-9]{1,3}:[0-5][0-9]$"
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_DATASET = "^ds-[0-9]{4}-[a-z]$"
_PATTERNS = {"wall_time": _WALL, "start_after": _DATE, "finish_by": _DATE, "dataset": _DATASET}

Gpus = Annotated[int, Meta(ge=1, le=1024, description="Cards in total.")]
MemoryGib = Annotated[int, Meta(ge=1, le=65536, description="GiB; 1 TiB = 1024 GiB.")]
ScratchGb = Annotated[int, Meta(ge=1, le=1000000, description="GB; 1 TB = 1000 GB.")]
WallTime = Annotated[
    str, Meta(pattern=_WALL, description="Longest run time, HH:MM, such as 36:00.")
]
StartAfter = Annotated[str, Meta(pattern=_DATE, description="Earliest start, YYYY-MM-DD.")]
FinishBy = Annotated[str, Meta(pattern=_DATE, description="Latest finish, YYYY-MM-DD.")]
Dataset = Annotated[str, Meta(pattern=_DATASET, description="Such as ds-1234-a.")]


class Problem(NamedTuple):
    """What is wrong with the form of one field, in one sentence."""

    field: str
    message: str


def hours_minutes(minutes: int) -> str:
    """Return a duration as the form spells it: 2160 minutes are ``36:00``."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def absent(fields: Fields) -> list[str]:
    """Return the fields of the form that are not filled in."""
    return [name for name in FIELDS if name not in fields]


def problems(fields: Fields) -> list[Problem]:
    """Return what is wrong with the form of the fields given; absent ones are not looked at."""
    found = [
        Problem(name[:40], f"The form has no such field; its fields are {', '.join(FIELDS)}.")
        for name in fields
        if name not in FIELDS
    ]
    found += [
        Problem(name, message)
        for name in FIELDS
        if name in fields and (message := _complaint(name, fields[name])) is not None
    ]
    if not found and "start_after" in fields and "finish_by" in fields:
        ordered = normal(fields)
        if ordered["finish_by"] < ordered["start_after"]:
            found.append(Problem("finish_by", "finish_by is before start_after."))
    return found


def normal(fields: Fields) -> Fields:
    """Return well-formed fields in their one spelling: ``16.0`` is 16, ``8:00`` is ``08:00``."""
    return {name: _spelt(name, fields[name]) for name in FIELDS if name in fields}


def _spelt(name: str, value: Any) -> Any:
    if name in _LIMITS:
        return int(value)
    text = str(value).strip()
    if name == "wall_time":
        hours, minutes = text.split(":")
        return hours_minutes(int(hours) * 60 + int(minutes))
    return text


def _complaint(name: str, value: Any) -> str | None:
    if name in _LIMITS:
        return _not_a_count(value, _LIMITS[name])
    if name in CHOICES:
        return None if value in CHOICES[name] else f"Must be one of {', '.join(CHOICES[name])}."
    if not isinstance(value, str) or not re.fullmatch(_PATTERNS[name], value):
        return f"Must be a string that matches {_PATTERNS[name]}."
    if name in DATES:
        try:
            date.fromisoformat(value)
        except ValueError:
            return "There is no such day."
    return None


def _not_a_count(value: Any, limit: int) -> str | None:
    is_whole = (
        isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    )
    if is_whole and 1 <= value <= limit:
        return None
    return f"Must be a whole number from 1 to {limit}."
