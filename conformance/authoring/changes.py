"""What changed between two states, and whether it was allowed to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring.canonical import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ABSENT = object()


def changed_paths(before: Any, after: Any) -> tuple[str, ...]:
    """Return the JSON Pointers (RFC 6901) of what differs, leaves only, numbers normalised."""
    return tuple(_differences(before, after, ""))


def outside(paths: Iterable[str], allowed: Sequence[str]) -> tuple[str, ...]:
    """Return the paths that no pattern allows.

    A pattern is a pointer in which ``*`` stands for any one segment; what lies below an allowed
    path is allowed too.
    """
    literal = {pattern for pattern in allowed if "*" not in pattern}
    patterns = [pattern.split("/") for pattern in allowed if "*" in pattern]
    return tuple(path for path in paths if not _is_allowed(path.split("/"), literal, patterns))


def _is_allowed(path: list[str], literal: set[str], patterns: Sequence[list[str]]) -> bool:
    if any("/".join(path[:length]) in literal for length in range(1, len(path) + 1)):
        return True
    return any(_covers(pattern, path) for pattern in patterns)


def _covers(pattern: list[str], path: list[str]) -> bool:
    return len(path) >= len(pattern) and all(
        wanted in ("*", given) for wanted, given in zip(pattern, path, strict=False)
    )


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        names = before.keys() if before.keys() == after.keys() else before.keys() | after.keys()
        for name in sorted(names):
            old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
            if not _are_one(old, new):
                step = name.replace("~", "~0").replace("/", "~1")
                yield from _differences(old, new, f"{path}/{step}")
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else _ABSENT
            new = after[index] if index < len(after) else _ABSENT
            if not _are_one(old, new):
                yield from _differences(old, new, f"{path}/{index}")
    elif before is _ABSENT or after is _ABSENT or _differ(normalise(before), normalise(after)):
        yield path


def _are_one(old: Any, new: Any) -> bool:
    """Say at once of most leaves that they are the same; of the rest say no."""
    kind = type(old)
    return kind is type(new) and (kind is str or kind is int or kind is bool) and old == new


def _differ(before: Any, after: Any) -> bool:
    return type(before) is not type(after) or before != after
