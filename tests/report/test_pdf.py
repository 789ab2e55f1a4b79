"""The result pages as a PDF: what stands on them, the same bytes, values that are never markup."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

import msgspec
import pypdfium2
import pytest

from conformance.evidence.documents import Words
from conformance.report import pdf
from conformance.report.pdf import PdfUnavailableError, render_pdf
from conformance.report.pdf_content import pdf_content
from conformance.report.profile_view import build_profile
from conformance.report.reading import read_bundle
from tests.profile import documents

MARKUP = '#import "x": * ] $a^2$ `raw` _e_ *b* <l> @ref // c /* d */ \\ = h ~ -- --- \'"'
BIDI = "abc\u202edcba\u202c \x00\x1b[31m"
has_chinese = pytest.mark.skipif(
    not set(pdf.CHINESE) & pdf._families(), reason="needs a font with Chinese"
)


@pytest.fixture(scope="module")
def readings(liar, oracle, hostile):
    return {"liar": read_bundle(liar), "oracle": read_bundle(oracle), "evil": read_bundle(hostile)}


@pytest.fixture(scope="module")
def english(readings):
    return pages(render_pdf(readings["liar"], ["en"]))


def pages(content):
    """Return the text of each page, as one line."""
    document = pypdfium2.PdfDocument(content)
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def named(reading, name):
    return reading._replace(view=reading.view._replace(agent=name))


# --- what stands on the pages


def test_the_first_page_has_the_result_and_what_it_rests_on(english, readings):
    first = english[0]
    assert "Agent Grading Report builtin:liar No level is held." in first
    assert "Agency level L0 not graded" in first
    assert "Self-declared. The applicant ran it." in first
    assert "not its normative text" in first
    assert "Edition digest " + readings["liar"].evidence.summary.edition.sha256 in first


def test_the_ladder_has_every_step_with_a_word_for_how_it_stands(english):
    for step in ("L5 collaborative autonomy ○ not run", "L1 responsive ✕ failed"):
        assert step in english[0]


def test_the_ladder_is_a_picture_whose_steps_stand_out(readings):
    page = pypdfium2.PdfDocument(render_pdf(readings["oracle"], ["en"]))[0]
    pixels = page.render(scale=1).to_numpy().reshape(-1, 3)
    # The green of what is held: pypdfium2 gives blue, green, red.
    held = (abs(pixels.astype(int) - [0x3A, 0x65, 0x17]) < 12).all(axis=1)
    assert held.sum() > 100


def test_every_page_has_its_number_and_the_bundle_s_id(english, readings):
    for number, page in enumerate(english, 1):
        assert f"{readings['liar'].evidence.bundle_id} {number} / {len(english)}" in page


def test_each_clause_that_was_tried_has_its_numbers(english):
    assert re.search(r"L1-UND-1 .*?✕ fail 30 0\.000 \[0\.000, 0\.227\] 0\.90", " ".join(english))


def test_the_sections_are_there_in_order(english):
    text = " ".join(english)
    headings = (
        "What holds L1 (responsive) back",
        "Clauses clause verdict",
        "Clauses not run (",
        "Efficiency No efficiency class",
        "Resources",
        "Hardware Throughput Profile",
        "Technical evaluation",
        "Deviations and faults",
        "How to reproduce it",
    )
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)
    assert "conformance grade BUNDLE" in text


def test_conformity_is_never_claimed(english):
    assert not re.search(r"conforms? to T/SCPNA", " ".join(english))


def test_a_profile_is_one_chain_with_its_figures(readings):
    view = readings["oracle"].view._replace(profile=build_profile(documents.profile_of()))
    text = " ".join(pages(render_pdf(readings["oracle"]._replace(view=view), ["en"])))
    assert "3,282 output tokens/s at 256 concurrent requests" in text
    places = [text.index(name) for name in ("Hardware Chip", "Endpoint", "Agent", "Solved task")]
    assert len(set(places)) == 4
    assert "→" in text


def test_the_technical_evaluation_shows_who_found_what(readings):
    reviewed = readings["liar"].view.reviewed
    found = reviewed.items[0]._replace(
        state="fail",
        by=Words("审核员（厂商）", "Some One (auditor)"),
        date="2026-11-23",
        file="evaluation/EV-PER/permissions.txt",
        sha256="ab" * 32,
        remark="Not signed.",
    )
    view = readings["liar"].view._replace(
        reviewed=reviewed._replace(items=(found, *reviewed.items[1:]))
    )
    text = " ".join(pages(render_pdf(readings["liar"]._replace(view=view), ["en"])))
    assert re.search(r"EV-PER Permission design ✕ fail Some One \(auditor\) 2026-11-23", text)
    assert "evaluation/EV-PER/permissions.txt · SHA-256 abababababababab… Not signed." in text
    assert "○ pending" in text


@has_chinese
def test_both_languages_are_whole_and_chinese_comes_first(readings):
    found = pages(render_pdf(readings["liar"], ["zh", "en"]))
    assert found[0].startswith("智能体分级报告 builtin:liar")
    turn = next(at for at, page in enumerate(found) if page.startswith("Agent Grading Report"))
    chinese, rest = " ".join(found[:turn]), " ".join(found[turn:])
    assert "并非其规范性文本" in chinese
    assert "L1-UND-1" in chinese
    assert not re.search(r"符合\s*T/SCPNA", chinese)
    assert "not its normative text" in rest
    assert not re.search(r"\b(failed|not run|pass)\b", chinese)


def test_both_languages_have_the_same_blocks(readings):
    def shape(value):
        if isinstance(value, dict):
            return {key: shape(item) for key, item in value.items() if key != "lang"}
        return list(map(shape, value)) if isinstance(value, list) else type(value).__name__

    for reading in readings.values():
        assert shape(pdf_content(reading, "zh")) == shape(pdf_content(reading, "en"))


# --- values are never markup


def test_no_markup_of_an_agent_is_read_as_markup(readings):
    first = pages(render_pdf(named(readings["liar"], MARKUP), ["en"]))[0]
    assert "".join(MARKUP.split()) in "".join(first.split())


def test_what_acts_is_shown_and_idle(readings):
    content = pdf._document(named(readings["evil"], BIDI), ["zh", "en"], None)
    assert content.isascii()
    agent = json.loads(content)["parts"][0]["agent"]
    assert agent == "abc⟨U+202E⟩dcba⟨U+202C⟩ ⟨NUL⟩⟨ESC⟩[31m"
    assert not set(content) & set("\x00\x1b")


def test_a_hostile_campaign_is_set_with_all_that_it_said(readings):
    made = render_pdf(named(readings["evil"], "x" * 10_000_000), ["en"])
    assert len(made) < 1_000_000
    text = " ".join(pages(made))
    assert "x" * 600 + "…" in text.replace(" ", "")
    assert "window.pwned=3" in text.replace(" ", "")


def test_a_word_too_long_for_its_column_is_broken_and_stays_on_the_page(readings):
    page = pypdfium2.PdfDocument(render_pdf(named(readings["liar"], "m" * 200), ["en"]))[0]
    text = page.get_textpage()
    right = max(text.get_rect(at)[2] for at in range(text.count_rects()))
    assert right < page.get_width() - 50


# --- the same bytes


def test_another_process_in_another_folder_gives_the_same_bytes(liar, readings, tmp_path):
    folder = shutil.copytree(liar, tmp_path / "elsewhere" / "bundle")
    for path in folder.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    code = (
        "import sys, pathlib; from conformance.report.reading import read_bundle; "
        "from conformance.report.pdf import render_pdf; "
        "sys.stdout.buffer.write(render_pdf(read_bundle(pathlib.Path(sys.argv[1])), ['en']))"
    )
    environment = {**os.environ, "TZ": "Asia/Shanghai", "SOURCE_DATE_EPOCH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, "bundle"],
        capture_output=True,
        check=True,
        timeout=120,
        cwd=folder.parent,
        env=environment,
    )
    assert done.stdout == render_pdf(readings["liar"], ["en"])


def test_the_date_in_it_is_when_the_campaign_ended(readings):
    evidence = readings["liar"].evidence._replace(ended_at=1_764_000_000.0)
    made = render_pdf(readings["liar"]._replace(evidence=evidence), ["en"])
    found = pypdfium2.PdfDocument(made).get_metadata_dict()
    assert found["CreationDate"].startswith("D:20251124160000")
    assert found["Title"] == "Agent grading report · builtin:liar"


# --- what the machine lacks


def test_without_the_extra_one_line_says_how_to_install_it(readings, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PdfUnavailableError) as caught:
        render_pdf(readings["liar"], ["en"])
    assert str(caught.value) == (
        "--format pdf: needs typst, which is not installed — pip install 'agent-grading[pdf]'"
    )


def test_without_a_chinese_font_one_line_names_packages_and_english_still_works(
    readings, monkeypatch
):
    monkeypatch.setattr(pdf, "_families", lambda: frozenset({pdf.LATIN}))
    with pytest.raises(PdfUnavailableError, match=r"no font .* fonts-noto-cjk \(Debian.*--lang en"):
        render_pdf(readings["liar"], ["zh", "en"])
    assert render_pdf(readings["liar"], ["en"]).startswith(b"%PDF-")


def test_an_unsealed_bundle_says_so_where_the_id_would_be(readings):
    evidence = readings["liar"].evidence._replace(bundle_id=None)
    content = pdf._document(readings["liar"]._replace(evidence=evidence), ["en"], None)
    assert msgspec.json.decode(content)["bundle"] == "not sealed"
