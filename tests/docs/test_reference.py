"""The generated pages are what the code and the edition say now, and leave nothing out.

``tests/report/test_ladder.py`` holds the ladder's page.
"""

import re

import pytest

from conformance.exit_codes import ExitCode
from conformance.report.texts import load_texts, say
from docs.generator.commands import every_verb
from docs.generator.pages import DOCS, every_page
from docs.generator.schemas import meaning, schema_files, tables_of
from docs.generator.words import cell, read, table
from tests.docs.blocks import ROOT

TABLES = [(path.stem, *found) for path in schema_files() for found in tables_of(path)]


def row(code, lang):
    told = getattr(say(f"exit_code.{code.name.lower()}"), lang)
    return f"| {int(code)} | {told} |"


THERE = sorted(
    path.relative_to(DOCS).as_posix()
    for folder in ("reference", "zh/reference")
    for path in (DOCS / folder).iterdir()
)


@pytest.fixture(scope="module")
def pages():
    return every_page()


@pytest.mark.parametrize("name", THERE)
def test_a_page_is_what_the_generator_makes(pages, name):
    assert (DOCS / name).read_text(encoding="utf-8") == pages.get(name), "run nox -s docs"


def test_no_page_of_the_reference_is_missing(pages):
    assert {name for name in pages if "reference/" in name} <= set(THERE), "run nox -s docs"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("schema", "title", "part"), TABLES, ids=lambda value: str(value)[:40])
def test_every_key_of_every_schema_has_a_meaning(schema, title, part, lang):
    keys = tuple(part["properties"])
    missing = [key for key in keys if not meaning(title, key, keys, lang)]
    assert missing == [], f"write what they mean in docs/generator/keys.yaml, {lang}"


def test_no_meaning_is_of_a_key_that_is_gone():
    keys = {key for _, _, part in TABLES for key in part["properties"]}
    named = {f"{title}.{key}" for _, title, part in TABLES for key in part["properties"]}
    assert [name for name in read("keys.yaml") if name not in keys | named] == []


def test_every_command_stands_there_with_every_option(pages):
    both = [pages["reference/commands.md"], pages["zh/reference/commands.md"]]
    for verb in every_verb():
        for page in both:
            section = page.partition(f"\n## {verb.name}\n")[2].partition("\n## ")[0]
            options = [name for item in verb.command.params for name in item.opts if "-" in name]
            assert section
            assert [name for name in options if f"`{name}`" not in section] == []


def test_every_exit_code_has_a_meaning_and_no_meaning_lacks_its_code():
    names = {code.name.lower() for code in ExitCode}
    assert set(load_texts().under("exit_code")) == names
    of_verbs = load_texts().under("exit_code_of")
    assert {key.partition(".")[2] for key in of_verbs} <= names
    verbs = {"_".join(verb.words[1:]) for verb in every_verb()}
    assert {key.partition(".")[0] for key in of_verbs} <= verbs


@pytest.mark.parametrize(("page", "lang"), [("README.md", "en"), ("README.zh.md", "zh")])
def test_the_readme_has_the_same_exit_codes(page, lang):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.findall(r"^\| \d \| .* \|$", text, re.MULTILINE) == [row(c, lang) for c in ExitCode]


def test_no_error_of_the_engine_ends_with_a_code_of_its_own():
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "conformance").rglob("*.py")]
    found = {
        int(n) for text in texts for n in re.findall(r"^ +exit_code = (\d+)$", text, re.MULTILINE)
    }
    assert found <= {int(code) for code in ExitCode}


def test_a_cell_is_one_line_that_breaks_no_table():
    assert cell("a | b\n  c <d> ``e|f``") == r"a \| b c &lt;d> `e\|f`"
    assert table(["x", ""], [["1", "2"]]) == ["| x | |", "| --- | --- |", "| 1 | 2 |"]
