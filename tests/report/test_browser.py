"""The report in a real browser, opened from disk."""

import re
import shutil

import pytest

from conformance.report.html import write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="NO CHROMIUM ON PATH: the report was not opened"),
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Open a bundle's report; afterwards nothing may have been complained of."""
    complaints, contexts = [], []

    def go(bundle, *, locale="en-US", width=1280, fragment=""):
        folder = shutil.copytree(bundle, tmp_path / "bundle", dirs_exist_ok=True)
        path = write_report(folder)
        contexts.append(
            browser.new_context(viewport={"width": width, "height": 900}, locale=locale)
        )
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda r: None if r.url.startswith("file:") else complaints.append(r.url)
        )
        page.goto(path.as_uri() + fragment)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


def test_it_speaks_the_reader_s_language_and_remembers_the_switch(visit, liar):
    page = visit(liar, locale="zh-CN")
    assert page.locator("h1").inner_text() == "智能体分级报告"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.get_by_role("button", name="English").click()
    assert page.locator("h1").inner_text() == "Agent Grading Report"
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() == "Agent grading report · builtin:liar"
    page.reload()
    assert page.locator("h1").inner_text() == "Agent Grading Report"


@pytest.mark.parametrize(("locale", "foreign"), [("zh-CN", "en"), ("en-US", "zh-CN")])
def test_one_language_is_shown_at_a_time(visit, liar, locale, foreign):
    page = visit(liar, locale=locale)
    shown = page.evaluate(
        "lang => [...document.querySelectorAll(`main [lang=${lang}]`)]"
        ".filter(node => node.offsetParent !== null).length",
        foreign,
    )
    assert shown == 0


def test_a_failing_clause_leads_to_its_transcript(visit, liar):
    page = visit(liar)
    link = page.locator("#back .telling a").first
    trial = link.get_attribute("href").removeprefix("#trial-")
    link.click()
    reading = page.locator("#reading")
    reading.locator(".event.start").wait_for()
    assert trial in reading.inner_text()
    assert "L1-UND-1" in reading.locator(".observed").inner_text()
    assert reading.locator(".event.answer").count() == 1
    assert page.locator("#list a[aria-current]").get_attribute("href") == f"#trial-{trial}"


def test_the_dots_of_a_clause_lead_there_by_keyboard(visit, liar):
    page = visit(liar)
    page.locator("#clause-L1-TOL-1 summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#reading .event.start").wait_for()
    assert "L1-TOL-1" in page.locator("#reading .observed").inner_text()


def shows(page, count):
    """Wait until the list has so many trials; the page's policy lets no text be evaluated."""
    from playwright.sync_api import expect

    expect(page.locator("#list a")).to_have_count(count)


def test_filters_and_search_narrow_the_list(visit, oversteps):
    page = visit(oversteps)
    everything = page.locator("#list a").count()
    page.get_by_label("Clause").select_option("L1-HON-1")
    shows(page, 39)
    page.get_by_label("Only short of full marks").check()
    page.get_by_text("No trial matches.").wait_for()
    page.get_by_label("Clause").select_option("T1-CTL-2")
    shows(page, 2)
    page.get_by_role("button", name="Clear filters").click()
    shows(page, everything)
    instruction = "submit_answer"
    page.get_by_label("Search all text").fill(instruction)
    page.locator("#count").get_by_text(re.compile(f"^{everything} of")).wait_for()
    page.get_by_label("Search all text").fill("no such words anywhere")
    page.get_by_text("No trial matches.").wait_for()


def test_a_link_can_ask_for_a_selection(visit, liar):
    page = visit(liar, fragment="#find?requirement=answer.status&family=telemetry")
    assert page.get_by_label("Broken requirement").input_value() == "answer.status"
    families = page.locator("#list .family").all_text_contents()
    assert set(families) == {"telemetry"}


def test_hostile_text_does_nothing_when_read(visit, hostile):
    page = visit(hostile)
    for link in page.locator("#list a").all():
        link.click()
        page.locator("#reading .event.end").wait_for()
        for fold in page.locator("#reading details").all():
            fold.evaluate("node => { node.open = true; }")
    assert page.evaluate("window.pwned") is None
    assert page.locator("#reading img, #reading script, .list img").count() == 0
    page.locator("#list a").nth(1).click()
    page.locator("#reading .event.note").first.wait_for()
    text = page.locator("#reading").inner_text()
    assert "<img src=x onerror='window.pwned = 2'>" in text
    assert "⟨ESC⟩[31mred⟨ESC⟩[0m ⟨NUL⟩ ⟨U+202E⟩gnirts⟨U+202C⟩" in text
    assert not set(text) & set("\x00\x1b\x85\u202e\u202c\u200b\ufeff\u2028")


def test_a_megabyte_is_clipped_and_can_be_opened(visit, hostile):
    page = visit(hostile)
    page.locator("#list a").first.click()
    more = page.get_by_role("button", name="Show all (1,000,012 characters)")
    more.wait_for()
    said = page.locator("#reading .event.model > .text > pre")
    assert len(said.inner_text()) == 1001
    more.click()
    assert len(said.inner_text()) == 100_000
    assert "+ 900,012 characters" in page.locator("#reading .event.model").inner_text()


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_a_phone_needs_no_sideways_scrolling(visit, oversteps, locale):
    page = visit(oversteps, locale=locale, width=390)
    page.locator("#clauses .mark, #list a").first.wait_for(state="attached")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("#list a").first.click()
    page.locator("#reading .event.end").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_it_prints_without_transcripts_and_with_what_is_folded(visit, oracle, tmp_path):
    page = visit(oracle)
    content = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    assert content.startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator("#viewer").is_hidden()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.get_by_text("Days of operation within limits, no violation.").is_visible()
