"""The help in Chinese: every text has one, none is left over, and what must not change stays."""

import re

import pytest

from conformance.cli import cli, run
from conformance.cli.language import catalogue, in_chinese, is_examples, paragraphs
from conformance.plugin.options import OPTIONS
from docs.generator.commands import every_verb

HEADINGS = {"Example", "Examples", "Start with"}
CLICKS = "Show this message and exit."


def commands():
    """Yield every command and every group above one."""
    found = {}
    for verb in every_verb():
        context = verb.context
        while context is not None:
            found[context.command_path] = context.command
            context = context.parent
    return found


def texts():
    """Return every text of the help, in one line, in English."""
    found = {CLICKS, *HEADINGS, *(option.help for option in OPTIONS)}
    for command in commands().values():
        found.update(part for part in paragraphs(command) if not is_examples(part))
        found.add(command.short_help)
        found.update(getattr(item, "help", None) for item in command.params)
    return {" ".join(text.split()) for text in found if text}


def test_every_text_has_its_chinese_and_none_is_left_over():
    assert texts() - set(catalogue()) == set(), "write them in conformance/cli/help.yaml"
    assert set(catalogue()) - texts() == set(), "nobody says these any more"


def names(text):
    """Return what a text names that no language changes: options, commands, files, numbers."""
    found = r"--[a-z-]+|conformance [a-z]+|[a-z]+=\w+|[A-Z]+_[A-Z_]+|BUNDLE|ROOT|FAMILY|REPORTS"
    numbers = re.findall(r"(?<![A-Za-z])\d+", text)
    return sorted(re.findall(found, text, re.ASCII)), sorted(set(numbers))


def test_options_numbers_and_names_are_the_same_in_both():
    other = {
        english: told for english, told in catalogue().items() if names(english) != names(told)
    }
    assert other == {}
    assert [told for told in catalogue().values() if not re.search("[\u4e00-\u9fff]", told)] == []


@pytest.mark.parametrize("path", sorted(commands()))
def test_the_help_of_each_command_is_in_the_users_language(capsys, monkeypatch, path):
    words = path.split()[1:]
    shown = {}
    for lang, locale in {"en": "en_US.UTF-8", "zh": "zh_CN.UTF-8"}.items():
        monkeypatch.setenv("LC_ALL", locale)
        monkeypatch.setenv("COLUMNS", "400")
        assert run([*words, "--help"]) == 0
        shown[lang] = capsys.readouterr().out
    assert not re.search("[\u4e00-\u9fff]", shown["en"])
    assert "显示本说明。" in shown["zh"]
    assert CLICKS not in shown["zh"]
    assert re.findall(r"(?<= )--[\w-]+  ", shown["zh"]) == re.findall(
        r"(?<= )--[\w-]+  ", shown["en"]
    )
    examples = [part for part in paragraphs(commands()[path]) if is_examples(part)]
    lines = [line.strip() for part in examples for line in part.partition(":")[2].splitlines()]
    for text in shown.values():
        assert [line for line in lines if line not in text] == []


def test_the_locale_named_goes_before_the_systems(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    for words in (["--locale", "zh"], ["--locale=zh"]):
        assert run(["certify", "--help", *words]) == 0
        assert "显示本说明。" in capsys.readouterr().out


def test_a_translation_leaves_the_command_as_it_was():
    before = {path: command.help for path, command in commands().items()}
    in_chinese(cli)
    assert {path: command.help for path, command in commands().items()} == before
