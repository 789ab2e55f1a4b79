"""What an agent said is seen and does nothing."""

import string

import pytest

from conformance.report.inert import CUT, Clipper, inert, inert_line


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("\x1b[31mred", "⟨ESC⟩[31mred"),
        ("a\x00b", "a⟨NUL⟩b"),
        ("\u202egnirts", "⟨U+202E⟩gnirts"),
        ("\u2066x\u2069", "⟨U+2066⟩x⟨U+2069⟩"),
        ("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"),
        ("\u2028\x85\x7f\r", "⟨U+2028⟩⟨U+0085⟩⟨DEL⟩⟨CR⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_a_character_that_acts_is_shown_instead(given, shown):
    assert inert(given) == shown


@pytest.mark.parametrize(
    "text", ["tab\tand\nline", "温度 25 °C — “好”", "e\u0301 🙂", string.printable[:95]]
)
def test_ordinary_text_stays_as_it_is(text):
    assert inert(text) == text


def test_one_line_stays_one_line_and_is_cut():
    assert inert_line("a\nb\tc") == "a⟨LF⟩b⟨TAB⟩c"
    assert inert_line("x" * 30, 10) == "x" * 10 + "…"


def test_long_texts_are_cut_and_say_by_how_much():
    assert Clipper(4).clean({"k": ["abcdef", 1, None]}) == {"k": [{CUT: "abcd", "cut": 2}, 1, None]}


def test_no_key_of_an_agent_can_pass_for_a_cut():
    assert Clipper(9).clean({CUT: "a", "cut": 1}) == {"⟨NUL⟩": "a", "cut": 1}
