"""The result in Markdown: what it says, and that no text in it acts."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conformance.evidence.documents import Words
from conformance.report.markdown import render_markdown
from conformance.report.markdown_text import code, escaped, table
from conformance.report.profile_view import build_profile
from conformance.report.reading import read_bundle
from tests.profile import documents

GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NASTY = (
    "| a | b |\n# h @team #12 `x` <img src=x> [l](http://e.io) www.e.io $x$ **b** \x1b[31m\u202e"
)
LINKS = {"html": "report.html"}


@pytest.fixture(scope="module")
def readings(liar, oracle, hostile):
    return {"liar": read_bundle(liar), "oracle": read_bundle(oracle), "evil": read_bundle(hostile)}


def rows_of(text):
    """Return the cells of every table row."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def tokens_of(text):
    """Return the types and contents of all inline tokens."""
    inline = [token for token in GFM.parse(text) if token.type == "inline"]
    return [(child.type, child.content) for token in inline for child in token.children]


# --- what it says


def test_the_result_is_the_first_line(readings):
    english = render_markdown(readings["oracle"], ["en"])
    chinese = render_markdown(readings["oracle"], ["zh"])
    assert english.startswith("## Agent Grading Report: L1 · – · A\n")
    assert chinese.startswith("## 智能体分级报告：L1 · – · A\n")


def test_each_clause_that_was_tried_has_a_row_with_its_numbers(readings):
    rows = rows_of(render_markdown(readings["liar"], ["en"]))
    assert ["clause", "verdict", "n", "estimate", "interval", "limit"] in rows
    assert ["**L1-UND-1**", "✕ fail", "30", "0.000", "[0.000, 0.227]", "0.90"] in rows


def test_clauses_that_were_not_run_are_folded_by_their_reason(readings):
    text = render_markdown(readings["liar"], ["en"])
    assert "<details><summary>Clauses not run (" in text
    assert "\n- needs the sealed edition: L5-GEN-1\n" in text


def test_what_holds_the_level_back_names_transcripts_and_links_to_them_where_they_lie(readings):
    beside = render_markdown(readings["liar"], ["en"], LINKS)
    elsewhere = render_markdown(readings["liar"], ["en"])
    assert "- **L1-UND-1** Failed after 30 trials." in beside
    telling = readings["liar"].view.limits[0].telling[0].trial
    assert f"[`{telling}`](report.html#trial-{telling})" in beside
    assert f"`{telling}`" in elsewhere
    assert "](" not in elsewhere


def test_the_edition_is_named_and_conformity_is_never_claimed(readings):
    text = render_markdown(readings["oracle"], ["zh", "en"])
    assert "not its normative text" in text
    assert "并非其规范性文本" in text
    assert not re.search(r"conforms? to T/SCPNA|符合\s*T/SCPNA", text)


def test_both_languages_come_one_after_the_other_in_the_order_asked_for(readings):
    zh, en = (render_markdown(readings["liar"], [lang]) for lang in ("zh", "en"))
    both = render_markdown(readings["liar"], ["zh", "en"])
    assert both == f"{zh.rstrip()}\n\n---\n\n{en}"
    assert not re.search("[\u4e00-\u9fff]", en)


def test_the_technical_evaluation_shows_every_item(readings):
    rows = rows_of(render_markdown(readings["liar"], ["en"]))
    assert ["EV-PER", "Permission design", "○ pending", "–", "–", "–"] in rows


def test_a_profile_gives_its_line_and_none_gives_nothing(readings):
    plain = readings["liar"]
    profiled = plain._replace(
        view=plain.view._replace(profile=build_profile(documents.profile_of()))
    )
    assert "3,282 output tokens/s at 256 concurrent" in render_markdown(profiled, ["en"])
    assert "Throughput" not in render_markdown(plain, ["en"])


def test_the_bundle_and_the_command_that_checks_it_are_there(readings):
    text = render_markdown(readings["liar"], ["en"])
    assert f"`{readings['liar'].evidence.bundle_id}`" in text
    assert "```\nconformance grade BUNDLE\n```" in text


# --- that nothing acts


def test_a_hostile_agent_makes_no_html_no_link_and_no_mention(readings):
    evil = readings["evil"]
    evil = evil._replace(view=evil.view._replace(agent=NASTY, lead=Words(NASTY, NASTY)))
    text = render_markdown(evil, ["en"], {})
    kinds = {kind for kind, _ in tokens_of(text)}
    assert kinds <= {"text", "strong_open", "strong_close", "code_inline", "softbreak", "hardbreak"}
    prose = "".join(content for kind, content in tokens_of(text) if kind == "text")
    assert "＠team" in prose
    assert not set("@#$\x1b\u202e") & set(prose)
    blocks = [token.content for token in GFM.parse(text) if token.type == "html_block"]
    assert all(re.fullmatch(r"</?details>(<summary>[\w ()]+</summary>)?\n?", b) for b in blocks)


def test_a_megabyte_of_an_agent_does_not_swell_the_comment(readings):
    # GitHub takes 65,536 characters.
    assert len(render_markdown(readings["evil"], ["zh", "en"], LINKS)) < 30_000


def test_a_text_without_end_is_cut_and_says_so():
    assert escaped("a" * 10_000_000) == "a" * 2000 + "…"
    assert code("a" * 10_000_000) == "`" + "a" * 2000 + "…`"


@given(st.text())
@example(NASTY)
@example("- a list")
@example("1. a list")
@example("    code")
@example("<!-- the rest")
@example("\\")
def test_escaped_text_is_read_as_nothing_but_that_text(text):
    shown = escaped(text)
    assert "\n" not in shown
    blocks = [token.type for token in GFM.parse(shown)]
    assert blocks in ([], ["paragraph_open", "inline", "paragraph_close"])
    found = tokens_of(shown)
    assert {kind for kind, _ in found} <= {"text", "text_special"}
    plain = "".join(content for _, content in found)
    assert not set("@#$") & set(plain)
    for character in "`*_[]<>|~":
        assert plain.count(character) == text.count(character)


@given(st.text())
@example("`")
@example("a``b`")
@example(" ")
@example(NASTY)
def test_a_code_span_is_read_as_one_span(text):
    span = code(text)
    assert [kind for kind, _ in tokens_of(f"x {span} y")] == ["text", "code_inline", "text"]


@given(st.text(), st.text())
@example("a | b", "`|`")
def test_no_text_adds_a_cell_to_a_table(one, other):
    drawn = table(["a", "b"], [[f"**x** {escaped(one)}", code(other)]])
    body = [token for token in GFM.parse(drawn) if token.type == "inline"][2:]
    # What is too much of a row is dropped, so the last cell is looked at.
    assert len(body) == 2
    assert [child.type for child in body[1].children] == ["code_inline"]
