"""The baseline: failures that are expected for now. An entry that no longer fails must go."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

KEY = "expected_failures"
FIELDS = ("clause", "test", "reason", "until")
FORM = "write - {clause: ID, reason: WHY} or {test: NODEID, reason: WHY}, with until: DATE or not"


class Entry(NamedTuple):
    """One expected failure."""

    kind: str
    """``clause`` or ``test``."""
    name: str
    reason: str
    until: dt.date | None
    where: str
    """The file and the number of the entry, for errors."""

    def excuses(self, today: dt.date) -> bool:
        """Say whether a failure is still expected."""
        return self.until is None or today <= self.until


class Baseline:
    """The expected failures of a run."""

    def __init__(self, entries: tuple[Entry, ...] = ()) -> None:
        self.entries = entries
        self._found = {(entry.kind, entry.name): entry for entry in entries}

    def of(self, nodeid: str, clause: str | None) -> Entry | None:
        """Return the entry that names a test, or else its clause."""
        return self._found.get(("test", nodeid)) or self._found.get(("clause", clause or ""))

    def check_clauses(self, known: Collection[str]) -> None:
        """Hold the clauses that are named to those there are.

        Raises:
            UsageError: one is none.
        """
        for entry in self.entries:
            if entry.kind == "clause" and entry.name not in known:
                raise UsageError(
                    f"there is no clause {entry.name!r}", where=entry.where, mend="remove the entry"
                )

    def check_tests(self, known: Collection[str]) -> None:
        """Hold the tests that are named to those collected, file by file.

        A file that this run did not collect is not asked for its tests.

        Raises:
            UsageError: one is not there.
        """
        files = {nodeid.partition("::")[0] for nodeid in known}
        for entry in self.entries:
            is_seen = entry.name.partition("::")[0] in files
            if entry.kind == "test" and is_seen and entry.name not in known:
                raise UsageError(
                    f"there is no test {entry.name!r}", where=entry.where, mend="remove the entry"
                )


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        UsageError: it cannot be read, or an entry is none, or stands twice.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            "cannot be read", where=f"--grade-baseline {path}", mend=str(error.strerror)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise UsageError("is not YAML", where=f"{path}:{line}", mend=FORM) from error
    if not isinstance(content, dict) or set(content) != {KEY}:
        raise UsageError(f"holds one key, {KEY}", where=str(path), mend=FORM)
    listed = [] if content[KEY] is None else content[KEY]
    if not isinstance(listed, list):
        raise UsageError(f"{KEY} is no list", where=str(path), mend=FORM)
    entries = tuple(_entries(listed, path))
    names = [(entry.kind, entry.name) for entry in entries]
    for number, entry in enumerate(entries):
        if names.index((entry.kind, entry.name)) != number:
            raise UsageError(f"{entry.name!r} stands twice", where=entry.where, mend="keep one")
    return Baseline(entries)


def _entries(listed: list[Any], path: Path) -> Iterator[Entry]:
    for number, item in enumerate(listed, 1):
        where = f"{path}: entry {number}"
        if not isinstance(item, dict) or not set(item) <= set(FIELDS):
            raise UsageError("is no expected failure", where=where, mend=FORM)
        kinds = [kind for kind in ("clause", "test") if kind in item]
        if len(kinds) != 1:
            raise UsageError("names a clause or a test, one of them", where=where, mend=FORM)
        name, reason = item[kinds[0]], item.get("reason")
        if not isinstance(name, str) or not isinstance(reason, str) or not reason.strip():
            raise UsageError("needs a name and a reason", where=where, mend=FORM)
        yield Entry(kinds[0], name, reason.strip(), _date(item.get("until"), where), where)


def _date(given: Any, where: str) -> dt.date | None:
    if given is None or type(given) is dt.date:
        return given
    try:
        return dt.date.fromisoformat(given)
    except (TypeError, ValueError):
        raise UsageError(
            f"until: {given!r} is no date", where=where, mend="write 2027-01-31"
        ) from None
