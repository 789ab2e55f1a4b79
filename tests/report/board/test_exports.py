"""The leaderboard as data: what ``datasets`` opens is what the board says, and nothing acts."""

import csv
import io
import json
import os
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.report.board import exports
from conformance.report.board.exports import COLUMNS, write_exports
from conformance.report.board.tables import build_tables
from conformance.report.texts import load_texts
from tests.report.board.made_entries import HOSTILE, board, entry, whole_board

LOADER = """
import json, sys
import datasets
folder, cache = sys.argv[1:]
found = {}
for table in ("leaderboard", "clauses", "loads"):
    for kind in ("csv", "json", "parquet"):
        rows = datasets.load_dataset(
            kind, data_files=f"{folder}/{table}.{kind}", split="train", cache_dir=cache
        )
        found[f"{table}.{kind}"] = rows.to_list()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    made = whole_board()
    # A version that no reader of CSV takes for a number.
    entries = [msgspec.structs.replace(item, suite="0.1.0") for item in made.entries]
    write_exports(msgspec.structs.replace(made, entries=tuple(entries)), root)
    return root / "data"


def rows(folder, table="leaderboard"):
    return json.loads((folder / f"{table}.json").read_bytes())


def csv_rows(folder, table="leaderboard"):
    return list(csv.reader(io.StringIO((folder / f"{table}.csv").read_text(), newline="")))


def as_read(row):
    """Return a row as the reader of JSON gives it: to ten decimals."""
    return {n: pytest.approx(v, rel=1e-9) if type(v) is float else v for n, v in row.items()}


# -- what is in them -----------------------------------------------------------------------------


def test_datasets_opens_every_table_in_every_format_with_the_same_content(folder, tmp_path):
    offline = dict.fromkeys(("HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE"), "1")
    run = subprocess.run(
        [sys.executable, "-c", LOADER, str(folder), str(tmp_path / "cache")],
        env={**os.environ, **offline, "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.splitlines()[-1])
    for table in COLUMNS:
        expected = rows(folder, table)
        assert len(expected) > 3
        for kind in ("json", "parquet", "csv"):
            assert found[f"{table}.{kind}"] == [as_read(row) for row in expected], kind


def test_there_is_one_row_a_submission_in_the_order_of_the_board(folder):
    made = whole_board()
    assert [row["id"] for row in rows(folder)] == [item.id for item in made.entries]
    assert len(rows(folder, "clauses")) == sum(len(item.clauses) for item in made.entries)
    assert len(rows(folder, "loads")) == 5 * sum(item.profile is not None for item in made.entries)


def test_a_row_says_what_its_entry_says(folder):
    row = next(row for row in rows(folder) if row["agent"] == "northwind-agent")
    assert (row["level"], row["level_rank"], row["trust"], row["trust_rank"]) == ("L2", 2, "T1", 1)
    assert (row["trials"], row["solved"], row["solve_rate"]) == (80, 70, 0.875)
    assert (row["tokens_per_solved"], row["joules_per_solved"]) == (6300.0, 1900.0)
    assert (row["cost_per_solved"], row["currency"]) == (0.09, "CNY")
    assert (row["profile_concurrency"], row["solved_per_hour"]) == (8.0, 61.5)
    assert (row["langs"], row["seed_source"], row["ended_by"]) == ("zh,en", "os", "complete")
    assert row["began"] == "2026-09-28 14:13:20 UTC"
    assert row["report"] == f"reports/{row['id']}.html"


def test_every_row_of_every_table_says_its_standing(folder):
    for table in COLUMNS:
        assert {row["standing"] for row in rows(folder, table)} == {"self-declared"}


def test_ranks_are_those_of_the_pages(folder):
    shown = {r.entry.id: r for t in build_tables(whole_board().entries) for r in t.rows}
    for row in rows(folder):
        assert row["is_latest"] == (row["id"] in shown)
        assert row["rank"] == (shown[row["id"]].rank if row["is_latest"] else None)
    by_name = {(row["agent"], row["level"]): row["rank"] for row in rows(folder)}
    assert by_name["Tianwen", "L3"] == 1
    assert by_name["Tianwen", "L2"] is None
    assert by_name["builtin:oracle", "L3"] is None


def test_what_is_unknown_is_empty_and_a_zero_is_a_zero(folder):
    by_name = {row["agent"]: row for row in rows(folder)}
    assert by_name["Solo"]["tokens_per_solved"] is None
    assert by_name["local"]["cost_per_solved"] == 0.0
    lines = {
        line[1]: dict(zip(csv_rows(folder)[0], line, strict=True)) for line in csv_rows(folder)
    }
    assert lines["Solo"]["tokens_per_solved"] == ""
    assert lines["local"]["cost_per_solved"] == "0.0"


def test_use_that_was_seen_in_part_is_marked(folder):
    by_name = {row["agent"]: row["use_is_whole"] for row in rows(folder)}
    assert (by_name["Harbour"], by_name["northwind-agent"]) == (False, True)


def test_refused_folders_are_listed_with_their_problems(folder):
    assert rows(folder, "refused") == [
        {"folder": "tampered", "problems": ["run/journal.jsonl: its digest differs", "<b>x</b>"]}
    ]


def test_the_same_board_gives_the_same_bytes(tmp_path):
    first, again = (write_exports(whole_board(), tmp_path / name) for name in "ab")
    assert [path.name for path in first] == [path.name for path in again]
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_an_empty_board_gives_the_columns_and_no_rows(tmp_path):
    write_exports(board(), tmp_path)
    assert rows(tmp_path / "data") == []
    assert csv_rows(tmp_path / "data") == [[column.name for column in COLUMNS["leaderboard"]]]


# -- hostile names -------------------------------------------------------------------------------

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", " =1+1", "＝cmd|x", "\u3000=1"]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_name_that_is_a_formula_is_text_in_the_csv_and_itself_elsewhere(tmp_path, name):
    write_exports(board(entry(name, vendor=name)), tmp_path)
    (line,) = csv_rows(tmp_path / "data")[1:]
    assert (line[1], line[3]) == (f"'{name}", f"'{name}")
    assert rows(tmp_path / "data")[0]["agent"] == name


def test_a_hostile_name_stays_one_cell(tmp_path):
    write_exports(board(entry(HOSTILE), entry('a "quoted", name\nof two lines')), tmp_path)
    head, *lines = csv_rows(tmp_path / "data")
    assert {len(line) for line in lines} == {len(head)}
    assert {line[1] for line in lines} == {HOSTILE, 'a "quoted", name\nof two lines'}


@given(st.text())
def test_any_text_is_one_quoted_cell_that_begins_no_formula(text):
    cell = exports._cell(text)
    ((read,),) = csv.reader(io.StringIO(cell, newline=""), strict=True) if text else (("",),)
    assert read in (text, f"'{text}")
    assert not read.lstrip().startswith(tuple("=+-@＝＋－＠"))


# -- what explains them --------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "name"), [("en", "README.md"), ("zh", "README.zh.md")])
def test_every_column_is_explained_in_both_languages(folder, lang, name):
    page = (folder / name).read_text()
    for columns in COLUMNS.values():
        for column in columns:
            (told,) = {
                line.split("|")[3].strip()
                for line in page.splitlines()
                if line.startswith(f"| `{column.name}` | {column.kind} |")
            }
            assert told
            assert told.isascii() == (lang == "en")


def test_no_column_is_explained_that_is_not_there(folder):
    page = (folder / "README.md").read_text()
    for key, words in load_texts().under("exports").items():
        if key.startswith("column_"):
            assert f"| {words.en} |" in page


def test_values_have_the_types_that_are_written_down(folder):
    types = {"string": str, "float64": float, "int64": int, "bool": bool}
    for table, columns in COLUMNS.items():
        for row in rows(folder, table):
            assert list(row) == [column.name for column in columns]
            for column in columns:
                assert row[column.name] is None or type(row[column.name]) is types[column.kind]


def test_without_pyarrow_the_other_files_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "has_parquet", lambda: False)
    names = {path.name for path in write_exports(whole_board(), tmp_path)}
    assert not any(name.endswith(".parquet") for name in names)
    assert {"leaderboard.csv", "leaderboard.json", "refused.json", "README.md"} <= names


def test_an_audited_entry_would_be_marked_as_such(tmp_path):
    audited = msgspec.structs.replace(entry("A"), standing="audited")
    write_exports(board(audited), tmp_path)
    assert rows(tmp_path / "data")[0]["standing"] == "audited"
