"""Pages for users: both languages, every link leads somewhere, every session is told of."""

import re

import pytest

from tests.docs.blocks import ROOT, blocks, pages
from tests.docs.checking import sessions

ALL = [path.relative_to(ROOT).as_posix() for path in pages()]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ENGLISH_ALONE = re.compile(r"docs/agents/(?!README|a2a\.|acp|agent-toml|http)|docs/performance")
"""Recipes have a summary in Chinese at their head; figures are figures."""


def anchors(text):
    """Return the anchors that a forge makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("name", ALL)
def test_every_link_leads_somewhere(name):
    page = ROOT / name
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("docs/")])
def test_every_page_is_there_in_both_languages(name):
    other = name.replace("docs/zh/", "docs/") if "/zh/" in name else f"docs/zh/{name[5:]}"
    assert other in ALL or ENGLISH_ALONE.match(name)


@pytest.mark.parametrize("name", ["docs/README.md", "docs/zh/README.md"])
def test_the_index_leads_to_every_page_beside_it(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    beside = {path.name for path in (ROOT / name).parent.glob("*.md")} - {"README.md"}
    assert {page for page in beside if f"({page})" not in text} == set()


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readmes_table_names_every_verb(name):
    from conformance.cli import VERBS

    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    rows = "\n".join(line.split(" | ")[0] for line in lines if line.startswith("| `conformance "))
    assert [verb for verb in VERBS if not re.search(rf"`(conformance )?{verb}\b", rows)] == []


def test_the_table_of_sessions_has_each_once():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("| session |")[2].partition("\n\n")[0]
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = re.findall(r"`(\w+)`", " ".join(first))
    assert sorted(named) == sorted(sessions())


def test_a_decision_page_shows_no_command():
    for path in sorted((ROOT / "docs" / "design").glob("*.md")):
        for block in blocks(path):
            first = block.text.split(maxsplit=1)[0]
            assert first not in ("conformance", "python3", "pytest", "nox"), block.where
