"""The ladder page: made from the edition, whole, in both languages, and the one in docs is it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.edition import load
from conformance.report.ladder import ladder_page
from conformance.report.texts import load_texts

ROOT = Path(__file__).parents[2]
PAGES = {"en": ROOT / "docs" / "ladder.md", "zh": ROOT / "docs" / "zh" / "ladder.md"}
EDITION = load()


@pytest.mark.parametrize("lang", PAGES)
def test_the_page_in_docs_is_what_the_edition_says_now(lang):
    made = f"conformance edition show --page --locale {lang} > {PAGES[lang].relative_to(ROOT)}"
    assert PAGES[lang].read_text(encoding="utf-8") == ladder_page(EDITION, lang), made


@pytest.mark.parametrize("lang", PAGES)
def test_every_clause_is_on_it_with_what_is_seen_where_from_and_how_decided(lang):
    page = ladder_page(EDITION, lang)
    rows = {line.split("**")[1]: line for line in page.splitlines() if line.startswith("| **")}
    assert set(rows) == {clause.id for clause in EDITION.clauses}
    for clause in EDITION.clauses:
        row = rows[clause.id]
        assert clause.text.text().in_lang(lang) in row
        assert f"p0 {clause.rule.p0:g}" in row
        for draw in clause.draws:
            family = EDITION.family(draw.family)
            assert f"{family.number} {family.title.in_lang(lang)} `{family.id}`" in row


@pytest.mark.parametrize("lang", PAGES)
def test_every_family_is_on_it(lang):
    page = ladder_page(EDITION, lang)
    for name in EDITION.family_ids():
        assert EDITION.family(name).title.in_lang(lang) in page


def test_every_grader_of_the_edition_is_said_in_words():
    used = {clause.observation.grader for clause in EDITION.clauses}
    assert {f"grader.{name}" for name in used} <= set(load_texts().keys)


def test_an_edition_without_a_plan_of_that_name_and_with_graders_of_its_own_has_a_page(tmp_path):
    from tests.fakes.agents import miniature

    page = ladder_page(miniature(), "en")
    assert "`honest`" in page
    assert "L1-SET-1" in page
