"""Badges: result, standing, edition and plan in a few words, in valid XML, at the right width."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.report.board.badges import (
    COLOURS,
    GREY,
    badge_svg,
    badges,
    text_width,
    write_badges,
)
from tests.report.board.made_entries import HOSTILE, SCREEN, board, calibrator, entry

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    """Return the two texts of a badge, its title, and its width."""
    root = ET.fromstring(svg)
    label, message = (item.text for item in root.iter(f"{SVG}text"))
    return label, message, root.find(f"{SVG}title").text, float(root.get("width"))


def of(*entries):
    return {badge.name: badge for badge in badges(entries)}


def messages(*entries):
    return {badge.name.rsplit("-", 1)[1]: badge.message.en for badge in badges(entries)}


def test_an_agent_has_four_files_for_each_of_two_axes(tmp_path):
    made = entry("Tianwen", level=2, trust=1)
    written = {
        path.relative_to(tmp_path).as_posix() for path in write_badges(board(made), tmp_path)
    }
    assert written == {
        f"badges/{made.slug}-{axis}{end}"
        for axis in ("level", "trust")
        for end in (".svg", ".json", ".zh.svg", ".zh.json")
    }
    assert all((tmp_path / name).is_file() for name in written)


def test_a_badge_says_result_standing_edition_and_plan(tmp_path):
    made = entry("Tianwen", level=2, trust=1)
    write_badges(board(made), tmp_path)

    def read(end):
        return texts((tmp_path / f"badges/{made.slug}-{end}.svg").read_bytes())

    said = "L2 (self-declared, reference-2026, certification)"
    assert read("level")[:3] == ("agency level", said, f"Tianwen: agency level {said}")
    assert read("trust")[1] == "T1 (self-declared, reference-2026, certification)"
    said = "L2（自我声明 · reference-2026 · 定级）"
    assert read("level.zh")[:3] == ("能动性等级", said, f"Tianwen：能动性等级 {said}")
    assert read("trust.zh")[0] == "可信度等级"


def test_a_screening_is_called_no_grade_and_has_no_colour_of_a_grade():
    made = of(entry("Quick", level=3, **SCREEN))
    (level,) = (badge for name, badge in made.items() if name.endswith("-level"))
    assert level.message.en == "L3 (screening, not a grade; self-declared, reference-2026)"
    assert level.message.zh == "L3（筛查，不是定级 · 自我声明 · reference-2026）"
    assert level.colour == GREY


def test_the_latest_grade_is_shown_and_not_the_best_nor_a_screening():
    best, last = entry("A", level=3, at=1), entry("A", level=1, at=2)
    later = entry("A", level=2, at=3, **SCREEN)
    assert messages(best, later, last)["level"].startswith("L1 (self-declared")
    assert messages(later)["level"].startswith("L2 (screening")


def test_calibrators_have_no_badge():
    assert badges([calibrator("oracle", 3)]) == []


def test_what_is_not_held_is_grey_and_each_level_has_its_colour():
    assert [b.colour for b in badges([entry("none", level=0, trust=0)])] == [GREY, GREY]
    held = [badges([entry("A", level=level)])[0].colour for level in range(1, 8)]
    assert held == [*COLOURS, COLOURS[-1], COLOURS[-1]]


def test_an_audited_result_would_be_called_so():
    said = messages(entry("A", level=1, standing="audited"))["level"]
    assert said == "L1 (audited, reference-2026, certification)"


@pytest.mark.parametrize("colour", [*COLOURS, GREY, "#3c4043"])
def test_white_text_can_be_read_on_every_colour(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    luminance = sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    assert 1.05 / (luminance + 0.05) >= 4.5


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_endpoint_is_what_the_badge_service_asks_for(tmp_path, lang):
    made = entry("A", level=2)
    write_badges(board(made), tmp_path)
    end = "" if lang == "en" else ".zh"
    document = json.loads((tmp_path / f"badges/{made.slug}-level{end}.json").read_bytes())
    label, message, _, _ = texts((tmp_path / f"badges/{made.slug}-level{end}.svg").read_bytes())
    assert document == {
        "schemaVersion": 1,
        "label": label,
        "message": message,
        "color": COLOURS[1],
        "labelColor": "#3c4043",
    }


def test_a_chinese_character_is_given_the_width_of_the_font_and_a_mark_none():
    assert text_width("能动性等级") == 5 * 11
    assert text_width("ab") < text_width("能动")
    assert text_width("e\u0301") == text_width("e")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_text_has_room_within_its_half(lang):
    badge = badges([entry("A", level=2)])[0]
    root = ET.fromstring(badge_svg(badge, lang))
    (first, second), (left, right) = root.iter(f"{SVG}text"), root.iter(f"{SVG}rect")
    for text, box in ((first, left), (second, right)):
        start, length = float(text.get("x")), float(text.get("textLength"))
        assert length == pytest.approx(text_width(text.text), abs=0.06)
        begin = float(box.get("x", "0"))
        assert begin < start
        assert start + length < begin + float(box.get("width"))
    both = float(left.get("width")) + float(right.get("width"))
    assert float(root.get("width")) == pytest.approx(both, abs=0.11)


@pytest.mark.parametrize(
    "name", [HOSTILE, "\ufffe\uffff", '" onload="x', "]]>", "&amp;", "a" * 10_000_000]
)
def test_a_hostile_name_is_text_in_valid_xml(name):
    svg = badge_svg(badges([entry(name)])[0], "en")
    assert len(svg) < 5_000
    assert "<script" not in svg
    root = ET.fromstring(svg)
    assert {item.tag.removeprefix(SVG) for item in root.iter()} == {
        "svg",
        "title",
        "rect",
        "g",
        "text",
    }
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u200b]", svg)


@given(st.text(st.characters(exclude_categories=())), st.text(), st.text())
def test_any_name_level_and_edition_give_valid_xml(name, level, edition):
    made = entry(name.encode("utf-8", "replace").decode(), edition=edition)
    for badge in badges([type(made)(**{**_fields(made), "level": level, "agent": name})]):
        for lang in ("en", "zh"):
            ET.fromstring(badge_svg(badge, lang))


def _fields(made):
    return {name: getattr(made, name) for name in made.__struct_fields__}
