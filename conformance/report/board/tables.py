"""The tables: one set for each edition and plan, one line for each agent and model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.report.board.curves import Curves, throughput_curves
from conformance.report.board.pareto import Resource, resources
from conformance.report.board.rows import Row, board_name, edition_name, lang_name, make_row
from conformance.report.texts import both, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.evidence.documents import Words
    from conformance.report.board.entries import Entry

BoardKey = tuple[str, str, str]


class Choice(NamedTuple):
    """A filter: its name in addresses, its label, its values with what they are called."""

    name: str
    label: Words
    options: tuple[tuple[str, Words], ...]


class Table(NamedTuple):
    """Everything under one edition and plan."""

    id: str
    """Goes into addresses: the edition, the plan, the start of the digest."""
    name: Words
    edition: Words
    digest: str
    normative: bool
    is_grade: bool
    audited: tuple[Row, ...]
    declared: tuple[Row, ...]
    calibrators: tuple[Row, ...]
    choices: tuple[Choice, ...]
    resources: tuple[Resource, ...]
    curves: Curves | None

    @property
    def rows(self) -> tuple[Row, ...]:
        """All lines, those that are ranked first."""
        return self.audited + self.declared + self.calibrators


def build_tables(entries: Sequence[Entry]) -> tuple[Table, ...]:
    """Return a set of tables for each edition and plan; grades first, then the one with most."""
    groups: dict[BoardKey, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(board_key(entry), []).append(entry)
    tables = [_table(group) for group in groups.values()]
    return tuple(sorted(tables, key=lambda t: (not t.is_grade, -len(t.rows), t.id)))


def board_key(entry: Entry) -> BoardKey:
    """Return what results must share to be compared: the edition's bytes, and the plan."""
    return entry.edition, entry.plan, entry.edition_sha256


def board_id(entry: Entry) -> str:
    """Return the same as a part of an address."""
    return f"{entry.edition}/{entry.plan}/{entry.edition_sha256[:8]}"


def latest(entries: Iterable[Entry]) -> list[tuple[Entry, int]]:
    """Return the last submission of each agent and model, and how many there are; order is kept.

    The last, never the best: who submits often gains nothing by it.
    """
    entries = list(entries)
    groups: dict[tuple[str, str | None], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.slug, entry.model), []).append(entry)
    last = {max(g, key=lambda e: (e.ended, e.id)).id: len(g) for g in groups.values()}
    return [(entry, last[entry.id]) for entry in entries if entry.id in last]


def _table(entries: Sequence[Entry]) -> Table:
    first = entries[0]
    audited = _ranked([e for e in entries if e.standing == "audited" and not e.is_calibrator])
    declared = _ranked([e for e in entries if e.standing != "audited" and not e.is_calibrator])
    calibrators = tuple(
        make_row(entry, submissions=n) for entry, n in latest(e for e in entries if e.is_calibrator)
    )
    rows = (*audited, *declared, *calibrators)
    return Table(
        id=board_id(first),
        name=board_name(first),
        edition=edition_name(first),
        digest=first.edition_sha256,
        normative=first.normative,
        is_grade=first.is_grade,
        audited=audited,
        declared=declared,
        calibrators=calibrators,
        choices=tuple(_choices(rows)),
        resources=resources(rows),
        curves=throughput_curves(rows),
    )


def _choices(rows: Sequence[Row]) -> Iterator[Choice]:
    levels = sorted({(row.entry.level_rank, row.level) for row in rows if row.entry.level_rank})
    classes = sorted({row.evidence_class for row in rows})
    langs = sorted({lang for row in rows for lang in row.langs}, reverse=True)
    models = sorted({row.model for row in rows if row.model})
    yield Choice(
        "level",
        say("board.level_at_least"),
        tuple((str(rank), say("board.level_from", level=level)) for rank, level in levels),
    )
    yield Choice("class", say("board.evidence_class"), tuple((c, both(c)) for c in classes))
    yield Choice("tasks", say("board.lang"), tuple((lang, lang_name(lang)) for lang in langs))
    yield Choice("model", say("board.model"), tuple((name, both(name)) for name in models))


def _ranked(entries: Sequence[Entry]) -> tuple[Row, ...]:
    """Return the lines in the order of the entries.

    Who holds the same level and trust grade shares a rank: what else orders them is no grade.
    """
    rows: list[Row] = []
    rank, before = 0, None
    for place, (entry, n) in enumerate(latest(entries), 1):
        worth = (entry.level_rank, entry.trust_rank)
        if worth != before:
            rank, before = place, worth
        rows.append(make_row(entry, rank=rank, submissions=n))
    return tuple(rows)
