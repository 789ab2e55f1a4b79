"""The leaderboard as data: JSON, CSV and Parquet that ``datasets.load_dataset`` opens.

One table has a row a submission, one a row a clause, one a row a load of a profile. The same board
gives the same bytes.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.evidence.bundle import write_whole
from conformance.report.board.rows import METERED
from conformance.report.board.tables import build_tables
from conformance.report.texts import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conformance.report.board.entries import Board, Entry
    from conformance.report.board.rows import Row

DATA = "data"
"""Where in the site they lie."""
_FORMULA = "=+-@＝＋－＠"
"""What a spreadsheet takes for the beginning of a formula; the wide ones too."""


class Column(NamedTuple):
    """A column: its name, its type (``string``, ``float64``, ``int64``, ``bool``), its value."""

    name: str
    kind: str
    value: Callable[[Any], Any]


class _Line(NamedTuple):
    """A submission, and its row in the tables if it is the agent's latest."""

    entry: Entry
    row: Row | None


class _Part(NamedTuple):
    """A part of a submission: a clause, or a load."""

    entry: Entry
    part: Any


def _of(name: str) -> Callable[[_Line], Any]:
    return lambda line: getattr(line.entry, name)


def _of_profile(name: str) -> Callable[[_Line], Any]:
    return lambda line: line.entry.profile and getattr(line.entry.profile, name)


def _of_part(name: str) -> Callable[[_Part], Any]:
    return lambda line: getattr(line.part, name)


SUBMISSIONS = (
    Column("id", "string", _of("id")),
    Column("agent", "string", _of("agent")),
    Column("slug", "string", _of("slug")),
    Column("vendor", "string", _of("vendor")),
    Column("version", "string", lambda line: line.entry.version or None),
    Column("model", "string", _of("model")),
    Column("kind", "string", _of("kind")),
    Column("is_calibrator", "bool", _of("is_calibrator")),
    Column("standing", "string", _of("standing")),
    Column("claimed_standing", "string", _of("claimed_standing")),
    Column("evidence_class", "string", _of("evidence_class")),
    Column("edition", "string", _of("edition")),
    Column("edition_sha256", "string", _of("edition_sha256")),
    Column("normative", "bool", _of("normative")),
    Column("plan", "string", _of("plan")),
    Column("is_grade", "bool", _of("is_grade")),
    Column("langs", "string", lambda line: ",".join(line.entry.langs)),
    Column("seed_source", "string", _of("seed_source")),
    Column("mode", "string", lambda line: line.entry.mode.en),
    Column("is_latest", "bool", lambda line: line.row is not None),
    Column("rank", "int64", lambda line: line.row and line.row.rank),
    Column("level", "string", _of("level")),
    Column("level_rank", "int64", _of("level_rank")),
    Column("trust", "string", _of("trust")),
    Column("trust_rank", "int64", _of("trust_rank")),
    Column("efficiency", "string", _of("efficiency")),
    Column("next_lower", "float64", _of("next_lower")),
    Column("trials", "int64", _of("trials")),
    Column("solved", "int64", _of("solved")),
    Column("solve_rate", "float64", lambda line: _share(line.entry)),
    Column("tokens_per_solved", "float64", _of("tokens_per_solved")),
    Column("tokens_estimated", "bool", _of("tokens_estimated")),
    Column("use_is_whole", "bool", lambda line: line.entry.evidence_class in METERED),
    Column("joules_per_solved", "float64", _of("joules_per_solved")),
    Column("cost_per_solved", "float64", _of("cost_per_solved")),
    Column("currency", "string", _of("currency")),
    Column("seconds_per_solved", "float64", _of("seconds_per_solved")),
    Column("profile_is_valid", "bool", _of_profile("is_valid")),
    Column("profile_concurrency", "float64", _of_profile("concurrency")),
    Column("output_tokens_per_s", "float64", _of_profile("tokens_s")),
    Column("ttft_p50_ms", "float64", _of_profile("ttft_p50_ms")),
    Column("tpot_p50_ms", "float64", _of_profile("tpot_p50_ms")),
    Column("joules_per_token", "float64", _of_profile("joules_per_token")),
    Column("solved_per_hour", "float64", _of_profile("solved_per_hour")),
    Column("hardware", "string", _of("hardware")),
    Column("began", "string", lambda line: _moment(line.entry.began)),
    Column("ended", "string", lambda line: _moment(line.entry.ended)),
    Column("ended_by", "string", _of("ended_by")),
    Column("remarks", "string", lambda line: " ".join(r.en for r in line.entry.remarks) or None),
    Column("suite", "string", _of("suite")),
    Column("folder", "string", _of("folder")),
    Column("report", "string", lambda line: f"reports/{line.entry.id}.html"),
)
CLAUSES = (
    Column("id", "string", _of("id")),
    Column("standing", "string", _of("standing")),
    Column("clause", "string", _of_part("id")),
    Column("verdict", "string", _of_part("verdict")),
    Column("reason", "string", _of_part("reason")),
    Column("estimate", "float64", _of_part("estimate")),
    Column("lower", "float64", _of_part("lower")),
    Column("upper", "float64", _of_part("upper")),
    Column("p0", "float64", _of_part("p0")),
    Column("n", "int64", _of_part("n")),
)
LOADS = (
    Column("id", "string", _of("id")),
    Column("standing", "string", _of("standing")),
    Column("concurrency", "float64", _of_part("concurrency")),
    Column("output_tokens_per_s", "float64", _of_part("tokens_s")),
    Column("ttft_p50_ms", "float64", _of_part("ttft_p50_ms")),
    Column("tpot_p50_ms", "float64", _of_part("tpot_p50_ms")),
    Column("is_valid", "bool", _of_part("is_valid")),
)
COLUMNS = {"leaderboard": SUBMISSIONS, "clauses": CLAUSES, "loads": LOADS}
"""The tables by the names of their files."""


def write_exports(board: Board, folder: Path) -> list[Path]:
    """Write the tables, what was refused, and what each column is, into ``folder/data``.

    Parquet is left out where ``pyarrow`` is not installed: ``has_parquet``.

    Raises:
        StorageError: a file cannot be written.
    """
    files: dict[str, bytes] = {}
    lines = _lines(board)
    clauses = [_Part(e, clause) for e in board.entries for clause in e.clauses]
    loads = [_Part(e, load) for e in board.entries if e.profile for load in e.profile.points]
    for name, content in (("leaderboard", lines), ("clauses", clauses), ("loads", loads)):
        rows = [{c.name: _checked(c, line) for c in COLUMNS[name]} for line in content]
        files[f"{name}.json"] = _json(rows)
        files[f"{name}.csv"] = _csv(COLUMNS[name], rows)
        if has_parquet():
            files[f"{name}.parquet"] = _parquet(COLUMNS[name], rows)
    refused = [{"folder": r.folder, "problems": list(r.problems)} for r in board.refused]
    files["refused.json"] = _json(refused)
    files["README.md"], files["README.zh.md"] = (_readme(lang).encode() for lang in ("en", "zh"))
    for name, written in files.items():
        write_whole(folder / DATA / name, written)
    return [folder / DATA / name for name in sorted(files)]


def has_parquet() -> bool:
    """Say whether Parquet can be written here."""
    return importlib.util.find_spec("pyarrow") is not None


def _lines(board: Board) -> list[_Line]:
    rows = {row.entry.id: row for table in build_tables(board.entries) for row in table.rows}
    return [_Line(entry, rows.get(entry.id)) for entry in board.entries]


def _checked(column: Column, line: Any) -> Any:
    value = column.value(line)
    return float(value) if column.kind == "float64" and value is not None else value


def _share(entry: Entry) -> float | None:
    return entry.solved / entry.trials if entry.trials else None


def _moment(epoch_s: float) -> str:
    # Not ISO 8601: the readers of JSON would make it a time, those of CSV a text.
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _json(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return a JSON array, a row a line, so that versions of it can be compared."""
    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


def _csv(columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> bytes:
    def lines() -> Iterator[str]:
        yield ",".join(column.name for column in columns)
        for row in rows:
            yield ",".join(_cell(row[column.name]) for column in columns)

    return "".join(f"{line}\r\n" for line in lines()).encode()


def _cell(value: Any) -> str:
    """Return a value as CSV has it (RFC 4180); texts are quoted, and none is a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    text = f"'{value}" if value.lstrip().startswith(tuple(_FORMULA)) else value
    return '"' + text.replace('"', '""') + '"'


def _parquet(columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> bytes:
    # By name: it is an extra, and has no types.
    pa = importlib.import_module("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    types = {
        "string": pa.string(),
        "float64": pa.float64(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
    }
    schema = pa.schema([(column.name, types[column.kind]) for column in columns])
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _readme(lang: str) -> str:
    def told(key: str) -> str:
        return say(f"exports.{key}").in_lang(lang)

    parts = [f"# {told('title')}", told("lead"), told("formulas"), told("load")]
    parts.append(
        '```python\nimport datasets\n\nboard = datasets.load_dataset("csv", '
        'data_files="data/leaderboard.csv", split="train")\n```'
    )
    for table, columns in COLUMNS.items():
        parts += [f"## {table}", told(f"table_{table}")]
        head = f"| {told('column')} | {told('type')} | {told('meaning')} |\n|---|---|---|"
        rows = (f"| `{c.name}` | {c.kind} | {told(_key(table, c.name))} |" for c in columns)
        parts.append("\n".join([head, *rows]))
    return "\n\n".join([*parts, "## refused.json", told("refused")]) + "\n"


def _key(table: str, column: str) -> str:
    """Return the key of a column's text; what stands in several tables is said once."""
    shared = {c.name for c in SUBMISSIONS}
    return f"column_{column}" if column in shared else f"column_{table}_{column}"
