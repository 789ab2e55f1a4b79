"""The result at the end of a campaign, on a terminal."""

import io

import pytest
from rich.console import Console

from conformance.evidence import bundle
from conformance.evidence.documents import SummaryDocument
from conformance.report.html import write_report
from conformance.report.terminal import print_result, result_lines


def summary_of(folder):
    return bundle.read_document(folder, bundle.SUMMARY, SummaryDocument)


def test_a_level_not_held_comes_with_each_failed_clause(liar):
    text = "\n".join(result_lines(summary_of(liar), "en", width=160))
    assert "Agency level L0 not graded" in text
    assert "L1-UND-1  ✕ fail" in text
    assert "[0.000, 0.227]   0.90" in text
    assert "None of the 3 clauses of L1 passed." in text
    assert "not its normative text" in text
    assert "Seed chosen by the applicant; not evidence against selection." in text


def test_chinese_is_complete(liar):
    text = "\n".join(result_lines(summary_of(liar), "zh", width=160))
    assert "能动性等级 L0 未定级" in text
    assert "L1 的 3 项条款均未判定为通过。" in text
    assert "fail" not in text


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", ["liar", "oracle", "oversteps"])
def test_it_fits_a_screen(request, name, lang):
    folder = request.getfixturevalue(name)
    assert len(result_lines(summary_of(folder), lang, folder)) <= 25


def test_print_names_the_bundle_the_report_and_the_time(copy_of, oracle):
    folder = copy_of(oracle)
    write_report(folder)
    stream = io.StringIO()
    print_result(Console(file=stream, width=300), folder, "en", seconds=61.0)
    lines = stream.getvalue().splitlines()
    assert lines[-2] == f"bundle: {folder}  (1 min 01 s)"
    assert lines[-1] == f"report: {folder / 'report.html'}"


def test_no_terminal_no_escape_codes(oracle):
    stream = io.StringIO()
    print_result(Console(file=stream, width=100), oracle, "zh")
    assert "\x1b" not in stream.getvalue()
