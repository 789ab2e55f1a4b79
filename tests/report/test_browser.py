"""The report in a real browser, opened from disk."""

import re

import pytest

from conformance.report.sources import read_evidence
from conformance.report.transcripts import script_json
from tests.report.conftest import IN_A_BROWSER, report_of, views

pytestmark = IN_A_BROWSER


@pytest.fixture
def visit(browser):
    """Open a bundle's report; afterwards nothing may have been complained of."""
    complaints, contexts = [], []

    def go(bundle, *, locale="en-US", width=1280, fragment="", **options):
        contexts.append(
            browser.new_context(viewport={"width": width, "height": 900}, locale=locale, **options)
        )
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on(
            "request", lambda r: None if r.url.startswith("file:") else complaints.append(r.url)
        )
        page.goto(report_of(bundle).as_uri() + fragment)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


def shows(page, count):
    """Wait until the list has so many trials; the page's policy lets no text be evaluated."""
    from playwright.sync_api import expect

    expect(page.locator("#list a")).to_have_count(count)


def focused(page, attribute="id"):
    return page.evaluate(f"document.activeElement.getAttribute({attribute!r})")


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
        ".filter(node => node.getClientRects().length).length",
        foreign,
    )
    assert shown == 0


def test_a_failing_clause_leads_to_its_transcript_and_back(visit, liar):
    page = visit(liar)
    page.locator("#step-L1 h3").scroll_into_view_if_needed()
    link = page.locator("#back .telling a").first
    link.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    trial = link.get_attribute("href").removeprefix("#trial-")
    link.click()
    reading = page.locator("#reading")
    reading.locator(".event.start").wait_for()
    assert trial in reading.inner_text()
    assert "L1-UND-1" in reading.locator(".observed").inner_text()
    assert reading.locator(".event.answer").count() == 1
    current = page.locator("#list a[aria-current]")
    assert current.get_attribute("href") == f"#trial-{trial}"
    box, pane = current.bounding_box(), page.locator("#list").bounding_box()
    assert pane["y"] <= box["y"] <= pane["y"] + pane["height"]
    page.go_back()
    assert page.evaluate("location.hash") == ""
    assert abs(page.evaluate("scrollY") - before) < 5


def test_a_clause_opens_to_its_path_and_its_dots_lead_on_by_keyboard(visit, liar):
    page = visit(liar)
    row = page.locator("#clause-L1-TOL-1")
    assert row.locator("svg.path").is_hidden()
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    assert row.locator("svg.path polyline").count() == 2
    assert "E⁻ (dashed) reached 20 at observation" in row.locator("figcaption").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#reading .event.start").wait_for()
    assert "L1-TOL-1" in page.locator("#reading .observed").inner_text()


def test_a_step_of_the_ladder_says_how_it_stands_and_leads_to_its_clauses(visit, liar):
    page = visit(liar)
    ladder = page.get_by_role("group", name="Agency level")
    assert ladder.get_by_role("link").count() == 5
    ladder.get_by_role("link", name="L1 failed · 0/3 responsive", exact=True).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#step-L1"


def test_filters_and_search_narrow_the_list(visit, oversteps):
    page = visit(oversteps)
    everything = page.locator("#list a").count()
    page.locator("[name=clause]").select_option("L1-HON-1")
    shows(page, 39)
    page.get_by_label("Only short of full marks").check()
    page.get_by_text("No trial matches.").wait_for()
    page.locator("[name=clause]").select_option("T1-CTL-2")
    shows(page, 2)
    page.get_by_role("button", name="Clear filters").click()
    shows(page, everything)
    page.locator("[name=verdict]").select_option("pass")
    page.locator("[name=lang]").select_option("zh")
    evidence = read_evidence(oversteps)
    passed = {c.id for c in evidence.summary.clauses if c.verdict == "pass"}
    wanted = [
        trial
        for trial in evidence.trials
        if trial.lang == "zh" and passed & {o.clause for o in trial.observations}
    ]
    assert 0 < len(wanted) < everything
    shows(page, len(wanted))
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_label("Search all text").fill("submit_answer")
    page.locator("#count").get_by_text(re.compile(f"^{everything} of")).wait_for()
    assert page.locator("#list .around mark").first.inner_text() == "submit_answer"
    page.get_by_label("Search all text").fill("no such words anywhere")
    page.get_by_text("No trial matches.").wait_for()


def test_a_link_keeps_the_selection_and_the_trial(visit, liar):
    page = visit(liar, fragment="#find?requirement=answer.status&family=telemetry")
    assert page.get_by_label("Broken requirement").input_value() == "answer.status"
    assert set(page.locator("#list .family").all_text_contents()) == {"telemetry"}
    count = page.locator("#list a").count()
    page.locator("#list a").nth(1).click()
    page.locator("#reading .event.start").wait_for()
    title = page.locator("#reading h3").inner_text()
    assert "?family=telemetry&requirement=answer.status" in page.evaluate("location.hash")
    page.reload()
    page.locator("#reading .event.start").wait_for()
    assert page.locator("#reading h3").inner_text() == title
    shows(page, count)
    page.evaluate("location.hash = '#%E0%A4%A'")  # no text at all; nothing is complained of
    page.wait_for_function("location.hash === '#%E0%A4%A'")


def test_a_search_can_be_stopped_and_says_how_far_it_came(visit, liar):
    page = visit(liar)
    # Unpacking never ends: what is to be seen is that the reader need not wait for it.
    page.evaluate("() => { blocks.search = () => new Promise(() => {}); }")
    page.get_by_label("Search all text").fill("submit_answer")
    page.get_by_role("button", name="Stop").click()
    assert "stopped: the text of 0 of" in page.locator("#count").inner_text()
    assert page.locator("#searching").is_hidden()


def test_keys_search_step_through_the_list_and_return(visit, liar):
    page = visit(liar, fragment="#trials")
    everything = page.locator("#list a").count()
    page.keyboard.press("/")
    assert focused(page, "name") == "text"
    page.keyboard.type("j/k")
    assert page.get_by_label("Search all text").input_value() == "j/k"
    page.locator("#count").get_by_text(re.compile("^0 of")).wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_label("Search all text").input_value() == ""
    shows(page, everything)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.locator("#reading h3").get_by_text("Trial #1 ").wait_for()
    assert focused(page) == "reading"
    page.keyboard.press("j")
    page.locator("#reading h3").get_by_text("Trial #2 ").wait_for()
    page.keyboard.press("ArrowRight")
    page.locator("#reading h3").get_by_text("Trial #3 ").wait_for()
    page.keyboard.press("k")
    page.locator("#reading h3").get_by_text("Trial #2 ").wait_for()
    page.keyboard.press("Escape")
    assert focused(page, "aria-current") == "true"
    page.keyboard.press("ArrowDown")
    assert page.locator("#list a:focus .number").inner_text() == "#3"
    page.get_by_text("Keyboard", exact=True).click()
    page.get_by_label("Single keys are shortcuts").uncheck()
    page.keyboard.press("Escape")
    before = page.evaluate("location.hash")
    page.locator("#list a").first.focus()
    page.keyboard.press("j")
    assert page.evaluate("location.hash") == before


def test_a_long_list_is_drawn_as_the_reader_comes_to_it(visit, liar, tmp_path):
    page = visit(liar)
    many = [
        {"id": f"{n:016x}", "number": n, "family": "f", "lang": "zh", "outcome": "completed",
         "cause": "returned", "counts": True, "lowest": 1, "short": False, "model_calls": 0,
         "tool_calls": 0, "wall_s": 0, "observed": [], "place": None, "sha256": "a" * 64}
        for n in range(1, 1001)
    ]  # fmt: skip
    path = tmp_path / "report.html"
    path.write_text(with_index(liar, many), "utf-8")
    page.goto(path.as_uri() + f"#trial-{345:016x}")
    page.locator("#reading h3").get_by_text("Trial #345 ").wait_for()
    assert page.locator("#reading").get_by_text("SHA-256 " + "a" * 64).count() == 1
    assert page.locator("#list a[aria-current] .number").inner_text() == "#345"
    assert 345 <= page.locator("#list a").count() < 1000
    page.locator("#list a").first.focus()
    page.keyboard.press("End")
    shows(page, 1000)
    page.get_by_label("Search all text").fill("#99")
    page.get_by_text("11 of 1000 shown").wait_for()
    assert "not embedded" in page.locator("#count").inner_text()


def with_index(bundle, rows):
    """Return the report of a bundle with other trials in its list."""
    text = report_of(bundle).read_text("utf-8")
    begin = text.index('id="index">') + len('id="index">')
    return text[:begin] + script_json(rows) + text[text.index("</script>", begin) :]


def test_the_focus_can_be_seen(visit, liar):
    page = visit(liar)
    for selector in ("#list a", "#reading", "#filters select", "#step-L1 summary", ".stair"):
        page.locator(selector).first.focus()
        page.keyboard.press("Shift")
        style = page.evaluate(
            "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])"
            "(getComputedStyle(document.activeElement))"
        )
        assert style == ["solid", "3px"], selector


def test_hostile_text_does_nothing_when_read(visit, worse):
    page = visit(worse)
    for link in page.locator("#list a").all():
        link.click()
        page.locator("#reading .event.end").wait_for()
        for fold in page.locator("#reading details").all():
            fold.evaluate("node => { node.open = true; }")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, #reading script, .list img, main script").count() == 0
    page.locator("#list a").nth(1).click()
    page.locator("#reading .event.note").first.wait_for()
    text = page.locator("#reading").inner_text()
    assert "<img src=x onerror='window.pwned = 2'>" in text
    assert "⟨ESC⟩[31mred⟨ESC⟩[0m ⟨NUL⟩ ⟨U+202E⟩gnirts⟨U+202C⟩" in text
    seen = page.locator("body").inner_text()
    assert not set(seen) & set("\x00\x1b\x85\u202e\u202c\u200b\ufeff\u2028")
    assert page.locator("#evaluation a").count() == 0
    page.get_by_label("Search all text").fill("<script>window.pwned")
    page.locator("#list .around mark").first.wait_for()
    assert page.evaluate("window.pwned") is None


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
def test_a_phone_needs_no_sideways_scrolling(visit, worse, liar, locale):
    for bundle in (worse, liar):
        page = visit(bundle, locale=locale, width=390)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        page.locator("#list a").first.click()
        page.locator("#reading .event.end").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        if bundle is liar:
            caption = page.locator("#clause-L1-TOL-1 figcaption").bounding_box()
            assert caption["width"] > 300


def test_it_prints_without_transcripts_and_with_what_is_folded(visit, oracle, tmp_path):
    page = visit(oracle, color_scheme="dark")
    content = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    assert content.startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator("#viewer").is_hidden()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.get_by_text("Days of operation within limits, no violation.").is_visible()
    assert page.locator("svg.stairs").first.is_visible()
    paper = "getComputedStyle(document.querySelector('main > section')).backgroundColor"
    assert page.evaluate(paper) == "rgb(255, 255, 255)"


@pytest.mark.parametrize(
    ("locale", "width", "scheme"), views(("zh-CN", 1280, "light"), ("en-US", 390, "dark"))
)
def test_nothing_stands_in_the_way_of_a_reader(visit, liar, locale, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    # What is not asked of a reader's browser: to let axe in past the page's own policy.
    page = visit(
        liar,
        locale=locale,
        width=width,
        color_scheme=scheme,
        bypass_csp=True,
        fragment="#find?clause=L1-HON-1&family=telemetry",
    )
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.locator("#list a").first.click()
    page.locator("#reading .event.end").wait_for()
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    grave = [
        (item["id"], [node["html"][:120] for node in item["nodes"][:3]])
        for item in found.response["violations"]
        if item["impact"] in ("serious", "critical")
    ]
    assert grave == []
