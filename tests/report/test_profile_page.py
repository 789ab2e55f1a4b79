"""A profile as a page of its own, and as a section of the report of a bundle that holds one."""

import re

import msgspec
import pytest

from conformance.errors import EvidenceInvalidError
from conformance.evidence import bundle
from conformance.profile.document import ProfileDocument
from conformance.report.html import render_report
from conformance.report.profile_page import render_profile_page, write_profile_page
from conformance.report.sources import PROFILE
from conformance.report.terminal import result_lines
from tests.profile import documents
from tests.report.conftest import CHROMIUM, NO_CHROMIUM
from tests.report.drawings import curves_of
from tests.report.test_html import Page
from tests.report.test_terminal import summary_of

MADE = (
    documents.profile_of,
    documents.client_bound,
    documents.invalid,
    documents.without_accelerators,
    documents.supernode,
    documents.chinese_vendors,
    documents.hostile,
)


@pytest.fixture(scope="module")
def pages():
    return {make.__name__: render_profile_page(make(), pictures_of(make)) for make in MADE}


def pictures_of(make):
    """Return its own curves where something may hide in them; else those of another one."""
    if make in (documents.hostile, documents.without_accelerators):
        return curves_of(make)
    return curves_of(documents.profile_of)


def in_language(text, lang):
    """Return the page's text as one language's reader sees it."""
    other = "en" if lang == "zh" else "zh-CN"
    text = re.sub(r"<(style|script|title)\b.*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
    text = re.sub(rf'<span lang="{other}".*?</span>', "", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.mark.parametrize("make", MADE)
def test_a_page_asks_for_nothing_from_outside(pages, make):
    page = Page(pages[make.__name__])
    assert page.outside == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


@pytest.mark.parametrize("make", [documents.profile_of, documents.hostile])
def test_a_document_goes_through_json_and_gives_the_same_page(pages, make):
    again = msgspec.json.decode(msgspec.json.encode(make()), type=ProfileDocument)
    assert render_profile_page(again, pictures_of(make)) == pages[make.__name__]


@pytest.mark.parametrize("make", MADE[:-1])
def test_no_chinese_is_left_in_english_but_names(pages, make):
    text = in_language(pages[make.__name__], "en").replace("中文", "")
    makers = {"沐曦", "壁仞", "天数智芯", "昇腾", "寒武纪", "海光", "摩尔线程"}
    cards = {"曦云", "壁砺", "天垓", "思元", "深算"}
    assert set(re.findall(r"[\u4e00-\u9fff]+", text)) <= makers | cards


def test_unknown_is_a_word_with_a_reason_never_a_nought(pages):
    text = in_language(pages["without_accelerators"], "en")
    assert "Output tokens/s/accelerator unknown no accelerator was read" in text
    assert "No accelerator was read: this machine has none" in text
    assert "There is no energy figure to draw." in text
    assert "未知 未读取到加速卡" in in_language(pages["without_accelerators"], "zh")


def test_the_gates_verdict_stands_in_plain_words(pages):
    text = in_language(pages["client_bound"], "en")
    assert "client-cpu the busiest client process nearly filled its core" in text
    assert "64 concurrent: 93%, limit 80%" in text
    assert "To mend: use more client processes" in text
    assert "None was broken." in in_language(pages["profile_of"], "en")


def test_hostile_text_is_only_text(pages):
    evil, good = Page(pages["hostile"]), Page(pages["profile_of"])
    kinds = {tag for tag, _ in good.tags} | {"bdi", "ul", "li"}
    assert {tag for tag, _ in evil.tags} <= kinds
    assert sum(tag == "script" for tag, _ in evil.tags) == 1
    assert not any(name.startswith("on") for _, attrs in evil.tags for name in attrs)
    assert not set(pages["hostile"]) & set("\x00\x07\x1b\x85\u202e\u202c\u200b\ufeff\u2028")
    assert "⟨ESC⟩[31mred" in pages["hostile"]
    assert "{{ 7 * 7 }}" in pages["hostile"]


def test_a_page_is_written_whole(tmp_path):
    path = tmp_path / "deep" / "profile.html"
    write_profile_page(documents.profile_of(), curves_of(documents.profile_of), path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [item.name for item in path.parent.iterdir()] == ["profile.html"]


# --- in the report of a bundle


@pytest.fixture
def profiled(copy_of, oracle):
    """Put a profile into a copy of a bundle."""

    def put(document):
        folder = copy_of(oracle)
        bundle.write_document(folder, PROFILE, document)
        return folder

    return put


def test_a_bundle_with_a_profile_shows_its_section_and_its_line(profiled):
    page = render_report(profiled(documents.profile_of()))
    found = Page(page)
    assert found.ids.count("profile") == 1
    assert found.links.count("#profile") == 2
    result = in_language(page.split('id="back"')[0], "zh")
    assert "吞吐测评：并发 256 时每秒输出 3,282 token" in result


def test_a_bundle_without_a_profile_has_no_trace_of_one(oracle):
    page = render_report(oracle)
    assert '"#profile"' not in page
    assert 'id="profile' not in page


def test_a_broken_profile_is_named_with_its_file(profiled):
    folder = profiled(documents.profile_of())
    (folder / PROFILE).write_text('{"format": "profile/1"}')
    with pytest.raises(EvidenceInvalidError, match=r"profile/profile\.json"):
        render_report(folder)


def test_a_profile_of_another_format_is_refused(profiled):
    folder = profiled(msgspec.structs.replace(documents.profile_of(), format="profile/9"))
    with pytest.raises(EvidenceInvalidError, match="profile/9"):
        render_report(folder)


def test_the_terminal_says_the_line_before_the_paths(profiled):
    folder = profiled(documents.invalid())
    lines = result_lines(summary_of(folder), "en", folder, width=300)
    assert lines[-3].startswith("Throughput profile invalid: the busiest client process")


# --- in a browser


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
def test_the_page_reads_on_a_phone_and_nothing_hostile_runs(browser, pages, tmp_path):
    for name in ("supernode", "hostile"):
        path = tmp_path / f"{name}.html"
        path.write_text(pages[name], encoding="utf-8")
        page = browser.new_page(viewport={"width": 390, "height": 900}, locale="zh-CN")
        complaints = []
        page.on("console", lambda message, to=complaints: to.append(message.text))
        page.on("pageerror", lambda error, to=complaints: to.append(str(error)))
        page.goto(path.as_uri())
        assert page.locator("h1").inner_text() == "硬件吞吐测评"
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.locator(".curves svg:visible").count() == 3
        page.get_by_role("button", name="English").click()
        assert page.locator("h1").inner_text() == "Hardware Throughput Profile"
        assert page.locator(".curves svg:visible").count() == 3
        assert page.evaluate("window.pwned") is None
        assert complaints == []
