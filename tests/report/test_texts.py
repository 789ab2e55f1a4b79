"""The report's texts: both languages, complete, one entry each."""

import re
from importlib import resources

import pytest

from conformance.evidence.documents import Words
from conformance.report.texts import Texts, load_texts, say
from conformance.trial.outcome import TABLE

ENTRIES = load_texts()._entries
USED = re.compile(r"""(?:\bsay|\bt|_calls|_say)\(\s*["']([a-z_]+\.[a-z_]+)["']""")
IN_VIEWER = re.compile(r"""["'](viewer\.(?!js["'])[a-z_]+)["']""")


def sources():
    root = resources.files("conformance.report")
    for folder in (root, root.joinpath("templates")):
        for path in folder.iterdir():
            if path.name.endswith((".py", ".jinja", ".js")):
                yield path.read_text(encoding="utf-8")


def is_whole(entry):
    blanks = {lang: set(re.findall(r"\{(\w+)\}", text)) for lang, text in entry.items()}
    return (
        {"zh", "en"} <= entry.keys() <= {"zh", "en", "en_one"}
        and all(text.strip() for text in entry.values())
        and blanks["zh"] == blanks["en"] >= blanks.get("en_one", set())
    )


def test_every_text_is_there_in_both_languages_with_the_same_blanks():
    assert [key for key, entry in ENTRIES.items() if not is_whole(entry)] == []


@pytest.mark.parametrize(
    "entry",
    [
        {"zh": "到{x}"},
        {"zh": "到{x}", "en": "to {y}"},
        {"zh": "到", "en": " "},
        {"zh": "到", "en": "to", "en_one": "to {x}"},
        {"zh": "到", "en": "to", "fr": "a"},
    ],
)
def test_a_text_that_lacks_a_language_or_a_blank_is_seen(entry):
    assert not is_whole(entry)


def test_chinese_texts_use_chinese_punctuation():
    western = re.compile(r"[\u4e00-\u9fff][,;:!?()]")
    assert [key for key, entry in ENTRIES.items() if western.search(entry["zh"])] == []


def test_every_text_that_is_asked_for_exists():
    found = {key for text in sources() for key in USED.findall(text) + IN_VIEWER.findall(text)}
    assert len(found) > 100
    assert found - set(ENTRIES) == set()


def test_every_outcome_and_cause_has_a_name():
    assert all(load_texts().has(f"cause.{cause}") for cause in TABLE)
    assert all(load_texts().has(f"outcome.{item.outcome}") for item in TABLE.values())


def test_the_singular_is_taken_for_one():
    assert say("clauses.observations", n=1).en == "1 observation"
    assert say("clauses.observations", n=1200) == Words("1,200 次观测", "1,200 observations")


def test_a_value_in_both_languages_goes_in_as_the_one_that_fits():
    texts = Texts({"a": {"zh": "到{x}", "en": "to {x}"}})
    assert texts.say("a", x=Words("上海", "Shanghai")) == Words("到上海", "to Shanghai")


def test_a_text_with_a_blank_left_open_is_an_error():
    with pytest.raises(KeyError):
        say("clauses.observations")
