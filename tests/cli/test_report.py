"""``conformance report``: formats, places, languages, and what it refuses."""

import importlib.util
import json
import shutil
from xml.etree import ElementTree as ET

import pytest

from conformance.cli import run
from conformance.evidence import bundle
from conformance.report.formats import PLACES
from tests.report.conftest import builtin, certify


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    return certify(tmp_path_factory.mktemp("sealed") / "b", builtin("liar"), "L1")


@pytest.fixture
def folder(sealed, tmp_path):
    return shutil.copytree(sealed, tmp_path / "bundle")


def files(folder):
    return {path.name for path in folder.iterdir()}


def fails(capsys, code, *arguments):
    assert run(["report", *map(str, arguments)]) == code
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_without_a_format_it_writes_the_page(folder, capsys):
    assert run(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"
    assert (folder / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_several_formats_are_written_and_named_and_the_bundle_stays_whole(folder, capsys):
    before, identity = files(folder), bundle.bundle_id(folder)
    formats = ["markdown", "junit", "json", "pdf"]
    given = [word for name in formats for word in ("--format", name)]
    assert run(["report", str(folder), *given, "--lang", "en", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["reports"] == {name: str(folder / PLACES[name]) for name in formats}
    assert told["report"] == str(folder / "report.md")
    assert files(folder) - before == {"report.md", "junit.xml", "report.json", "report.pdf"}
    assert list(bundle.manifest_problems(folder)) == []
    assert bundle.bundle_id(folder) == identity
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert ET.parse(folder / "junit.xml").getroot().tag == "testsuites"
    assert json.loads((folder / "report.json").read_bytes())["bundle_id"] == identity
    assert "[report.pdf](report.pdf)" in (folder / "report.md").read_text("utf-8")
    assert "report.html" not in (folder / "report.md").read_text("utf-8")


def test_a_format_given_twice_is_one_format_with_one_place(folder, tmp_path, capsys):
    out = str(tmp_path / "r.json")
    assert run(["report", str(folder), "--format", "json", "--format", "json", "--out", out]) == 0
    assert capsys.readouterr().out == f"{out}\n"


def test_the_language_is_chosen_and_both_is_the_default(folder, capsys):
    shown = {}
    for lang in ("zh", "en", "both"):
        assert (
            run(["report", str(folder), "--format", "markdown", "--lang", lang, "--out", "-"]) == 0
        )
        shown[lang] = capsys.readouterr().out
    assert shown["zh"].startswith("## 智能体分级报告")
    assert shown["en"].startswith("## Agent Grading Report")
    assert "Agent Grading Report" in shown["both"]
    assert run(["report", str(folder), "--format", "markdown", "--out", "-"]) == 0
    assert capsys.readouterr().out == shown["both"]


def test_printing_writes_nothing(folder, capsys):
    before = files(folder)
    assert run(["report", str(folder), "--format", "junit", "--out", "-"]) == 0
    assert ET.fromstring(capsys.readouterr().out).tag == "testsuites"
    assert files(folder) == before


def test_a_file_elsewhere_has_no_link_that_leads_nowhere(folder, tmp_path, capsys):
    out = tmp_path / "deep" / "comment.md"
    (folder / "report.html").write_text("there")
    assert run(["report", str(folder), "--format", "markdown", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert "](" not in out.read_text("utf-8")
    assert [path.name for path in out.parent.iterdir()] == ["comment.md"]


def test_one_place_for_two_formats_is_refused(folder, capsys):
    line = fails(capsys, 4, folder, "--format", "pdf", "--format", "json", "--out", "x")
    assert line == (
        "conformance: --out: is one place for 2 formats — give one --format, or leave --out away"
    )


def test_printing_and_json_contradict_each_other(folder, capsys):
    assert "--out -" in fails(capsys, 4, folder, "--format", "json", "--out", "-", "--json")


def test_a_pdf_is_not_printed_on_a_terminal(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "terminal" in fails(capsys, 4, folder, "--format", "pdf", "--out", "-")


@pytest.mark.parametrize("name", ["claim.json", "results/summary.json", "notes.md", "run/x.md"])
def test_nothing_is_written_among_the_evidence(folder, capsys, name):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    line = fails(capsys, 4, folder, "--format", "markdown", "--out", folder / name)
    assert "evidence" in line
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_link_into_the_evidence_is_seen_through(folder, tmp_path, capsys):
    (tmp_path / "way").symlink_to(folder / "results")
    line = fails(capsys, 4, folder, "--format", "json", "--out", tmp_path / "way" / "summary.json")
    assert "evidence" in line


def test_a_rendering_s_own_name_in_the_bundle_is_taken(folder, capsys):
    assert (
        run(["report", str(folder), "--format", "json", "--out", str(folder / "report.json")]) == 0
    )
    assert list(bundle.manifest_problems(folder)) == []


def test_a_folder_is_no_file(folder, tmp_path, capsys):
    assert "is a folder" in fails(capsys, 4, folder, "--format", "json", "--out", tmp_path)


def test_an_unknown_format_and_a_missing_bundle_are_one_line(folder, tmp_path, capsys):
    assert "docx" in fails(capsys, 4, folder, "--format", "docx")
    assert "no such folder" in fails(capsys, 4, tmp_path / "none", "--format", "pdf")


def test_where_the_extra_is_missing_nothing_at_all_is_written(folder, capsys, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == "typst" else find(n))
    before = files(folder)
    line = fails(capsys, 4, folder, "--format", "json", "--format", "pdf")
    assert "pip install 'agent-grading[pdf]'" in line
    assert files(folder) == before


@pytest.mark.parametrize("name", ["markdown", "junit", "json", "pdf"])
def test_a_broken_bundle_is_named_and_nothing_is_written(folder, capsys, name):
    (folder / bundle.SUMMARY).write_text("{")
    before = files(folder)
    line = fails(capsys, 7, folder, "--format", name)
    assert "results/summary.json:1" in line
    assert files(folder) == before
