"""The reader of blocks sees all that a reader of the page sees."""

import pytest

from tests.docs import blocks


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "ROOT", tmp_path)

    def write(text):
        path = tmp_path / "page.md"
        path.write_text(text, encoding="utf-8")
        return list(blocks.command_blocks(path))

    return write


def test_indented_and_fenced_blocks_are_commands(page):
    found = page("Say:\n\n    one a\n    two b\n\nthen\n\n```sh\nthree c\n```\n```\nfour\n```\n")
    assert [(block.line, block.commands) for block in found] == [
        (3, ["one a", "two b"]),
        (8, ["three c"]),
        (11, ["four"]),
    ]


@pytest.mark.parametrize("language", ["python", "yaml", "text"])
def test_other_languages_are_not(page, language):
    assert page(f"```{language}\nx = 1\n```\n") == []


def test_a_mark_holds_for_the_block_after_it_alone(page):
    first, second, third = page(
        "<!-- not run: no card -->\n\n    one\n\n    still\n\n"
        "<!-- run by: nox -s docs -->\n```sh\ntwo\n```\n\n    three\n"
    )
    assert (first.mark, first.why, first.commands) == ("not run", "no card", ["one", "still"])
    assert (second.mark, second.why) == ("run by", "nox -s docs")
    assert (third.mark, third.why) == ("", "")


def test_a_mark_far_from_any_block_is_none(page):
    (block,) = page("<!-- not run: old -->\n\nText in between.\n\n    one\n")
    assert block.mark == ""


def test_comments_are_no_commands_and_a_backslash_goes_on(page):
    (block,) = page("```sh\n# a remark\none --a \\\n  --b   # and why\n```\n")
    assert len(block.commands) == 1
    assert block.commands[0].split()[:3] == ["one", "--a", "--b"]


def test_a_list_that_goes_on_deeply_is_no_block(page):
    assert page("- a point\n    that goes on\n") == []


def test_a_file_that_a_block_shows_is_named(tmp_path, page):
    page("```python graders/one.py\nx = 1\n```\n")
    (block,) = blocks.blocks(tmp_path / "page.md")
    assert (block.language, block.file) == ("python", "graders/one.py")
