"""The site in a real browser, opened from disk."""

import re

import pytest

from conformance.report.board.entries import Refused
from conformance.report.board.site import write_site
from tests.report.board.made_entries import HOSTILE, board, entry, runs, whole_board
from tests.report.conftest import IN_A_BROWSER, views

pytestmark = IN_A_BROWSER


def rendered(folder):
    return f"<!doctype html><title>r</title><h1>Report of {folder.name}</h1>"


@pytest.fixture(scope="module")
def make_site(tmp_path_factory):
    """Write a site; return its folder."""

    def make(made):
        root = tmp_path_factory.mktemp("board")
        (root / "reports").mkdir()
        write_site(made, root / "site", root / "reports", render=rendered)
        return root / "site"

    return make


@pytest.fixture(scope="module")
def site(make_site):
    return make_site(whole_board())


@pytest.fixture
def visit(browser, site):
    """Open a page of a site; afterwards nothing may have been complained of or asked for."""
    complaints, contexts = [], []

    def go(page="index.html", *, of=None, locale="en-US", width=1280, **context):
        contexts.append(
            browser.new_context(viewport={"width": width, "height": 900}, locale=locale, **context)
        )
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda r: None if r.url.startswith("file:") else complaints.append(r.url))
        path, _, fragment = page.partition("#")
        tab.goto(((of or site) / path).as_uri() + (f"#{fragment}" if fragment else ""))
        return tab

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


def agents(tab, table="declared-0"):
    """Return the names of a table's lines, as they are seen from above."""
    lines = tab.locator(f"table[aria-labelledby={table}] tbody tr:visible .who > a")
    return lines.all_inner_texts()


def page_of(name):
    slug = next(e.slug for e in whole_board().entries if e.agent == name)
    return f"agents/{slug}.html"


def test_it_speaks_the_reader_s_language_and_keeps_the_switch_over_pages(visit):
    tab = visit(locale="zh-CN")
    assert tab.locator("h1").inner_text() == "智能体分级榜"
    tab.get_by_role("button", name="English").click()
    assert tab.locator("h1").inner_text() == "Agent Grading Leaderboard"
    assert tab.title() == "Agent Grading Leaderboard"
    tab.get_by_role("link", name="Tianwen", exact=True).first.click()
    assert tab.locator("#history h2").inner_text() == "History"
    tab.get_by_role("button", name="中文").click()
    tab.get_by_role("link", name="返回榜单").click()
    assert tab.locator("h1").inner_text() == "智能体分级榜"


def test_a_browser_that_forgets_between_pages_is_told_by_the_address(visit):
    tab = visit("index.html#ui=zh")
    assert tab.locator("h1").inner_text() == "智能体分级榜"
    tab.evaluate("localStorage.clear()")
    tab.get_by_role("link", name="Tianwen", exact=True).first.click()
    assert tab.locator("#history h2").inner_text() == "历次结果"


@pytest.mark.parametrize(("locale", "foreign"), [("zh-CN", "en"), ("en-US", "zh-CN")])
def test_one_language_is_shown_at_a_time(visit, locale, foreign):
    for page in ("index.html", page_of("Tianwen")):
        tab = visit(page, locale=locale)
        shown = tab.evaluate(
            "lang => [...document.querySelectorAll(`main [lang=${lang}]`)]"
            ".filter(node => node.getClientRects().length).length",
            foreign,
        )
        assert shown == 0


def test_tables_stand_by_standing_and_every_figure_says_self_declared(visit):
    tab = visit()
    headings = tab.locator(".board:visible .tables h3").all_inner_texts()
    assert headings == ["Audited", "Self-declared", "Calibrators"]
    assert tab.get_by_text("None yet. A result stands here once").first.is_visible()
    assert agents(tab) == ["Harbour", "Tianwen", "northwind-agent", "小助手", "local", "Solo"]
    assert agents(tab, "calibrators-0") == ["builtin:oracle", "builtin:oracle-L1", "builtin:liar"]
    for page in (tab, visit(page_of("Tianwen"))):
        bare = page.evaluate(
            "() => [...document.querySelectorAll('td b, .summary-grade b, .grade strong')]"
            ".filter(node => !node.closest('.clause-lines, .gap-lines'))"
            ".filter(node => !node.parentElement.querySelector('.standing-word [lang=en]')"
            "?.textContent.includes('self-declared')).map(node => node.textContent)"
        )
        assert bare == []
    captions = tab.locator(".board:visible figcaption").all_inner_texts()
    assert len(captions) == 10
    assert all(caption.endswith("(self-declared)") for caption in captions)


def test_a_click_on_a_heading_sorts_up_then_down_then_by_rank(visit):
    tab = visit()
    head = tab.locator("table[aria-labelledby=declared-0] th[data-column=tokens]")
    head.get_by_role("button").click()
    upwards = ["local", "northwind-agent", "Harbour", "Tianwen", "小助手", "Solo"]
    assert agents(tab) == upwards
    assert head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").click()
    assert agents(tab) == ["Tianwen", "Harbour", "northwind-agent", "local", "小助手", "Solo"]
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None
    assert agents(tab)[:2] == ["Harbour", "Tianwen"]


def test_money_is_sorted_within_its_currency(visit):
    tab = visit("index.html#sort=cost")
    assert agents(tab) == ["local", "northwind-agent", "Tianwen", "Harbour", "小助手", "Solo"]


def test_the_keyboard_sorts_too(visit):
    tab = visit()
    tab.locator("table[aria-labelledby=declared-0] th[data-column=solved] button").focus()
    tab.keyboard.press("Enter")
    assert agents(tab)[0] == "Solo"
    tab.keyboard.press("Enter")
    assert agents(tab)[0] == "northwind-agent"


def filters(tab):
    return tab.locator(".board:visible .filters")


def choice(tab, name):
    return filters(tab).locator(f"select[name={name}]")


def test_filters_narrow_the_tables_and_are_cleared(visit):
    tab = visit()
    for name, label, left in (
        ("level", "L3 or above", ["Harbour", "Tianwen"]),
        ("class", "observed", ["Harbour"]),
        ("tasks", "English", ["Harbour", "Tianwen", "northwind-agent", "local", "Solo"]),
        ("model", "hl-4", ["Harbour", "northwind-agent"]),
    ):
        choice(tab, name).select_option(label=label)
        assert agents(tab) == left
        filters(tab).get_by_role("button", name="Clear filters").click()
        assert len(agents(tab)) == 6
    choice(tab, "class").select_option("jailed")
    choice(tab, "model").select_option("hl-4")
    assert agents(tab) == ["northwind-agent"]


def test_words_are_found_in_names_vendors_and_models(visit):
    tab = visit()
    for words, left in (
        ("harbour labs", "Harbour"),
        ("云上", "小助手"),
        ("TIANWEN 72b", "Tianwen"),
    ):
        filters(tab).get_by_role("searchbox").fill(words)
        assert agents(tab) == [left]
        assert tab.locator(".count:visible").inner_text() == "1 of 9 shown"
    calibrators = tab.locator("#calibrators-0 ~ .none-shown")
    assert calibrators.inner_text() == "Nothing here matches the filters."


def test_what_is_filtered_out_leaves_the_drawings_too(visit):
    tab = visit("index.html#q=tianwen")
    level = tab.locator(".plots:visible svg").first
    assert level.locator("a:visible .name").all_text_contents() == ["Tianwen"]


def test_what_was_chosen_stands_in_the_address(visit):
    tab = visit()
    tab.locator("table[aria-labelledby=declared-0] th[data-column=agent] button").click()
    choice(tab, "level").select_option("2")
    filters(tab).get_by_role("searchbox").fill("o")
    assert tab.evaluate("location.hash") == "#q=o&level=2&sort=agent"
    seen = agents(tab)
    assert seen == ["Harbour", "northwind-agent"]
    tab.reload()
    assert agents(tab) == seen
    assert filters(tab).get_by_role("searchbox").input_value() == "o"
    tab.locator("nav").get_by_role("link", name="About").click()
    assert tab.evaluate("location.hash") == "#q=o&level=2&sort=agent"
    assert tab.evaluate("document.activeElement.id") == "about"


def test_an_edition_and_plan_are_chosen(visit):
    tab = visit()
    tab.get_by_label("Edition and plan").select_option(index=1)
    assert agents(tab, "declared-1") == ["Quick"]
    assert tab.locator(".board:visible h2").first.inner_text().endswith("screening")
    assert tab.get_by_text("This plan is a screening.").is_visible()
    assert tab.evaluate("location.hash") == "#board=reference-2026%2Fscreen%2Fabababab"
    tab.reload()
    assert agents(tab, "declared-1") == ["Quick"]


def test_an_address_that_asks_for_what_is_not_there_asks_for_nothing(visit, site):
    tab = visit("index.html#level=3")
    for fragment in ("level=9&model=none&class=x", "sort=%22%5D&order=up", "board=%3Cb%3E", "%"):
        assert len(agents(tab)) < 6
        tab.goto(f"{(site / 'index.html').as_uri()}#{fragment}")
        assert len(agents(tab)) == 6
        tab.goto(f"{(site / 'index.html').as_uri()}#level=3")


def test_an_agent_leads_to_its_page_and_on_to_its_report(visit):
    tab = visit()
    tab.get_by_role("link", name="northwind-agent", exact=True).first.click()
    assert tab.locator("h1").inner_text() == "northwind-agent"
    facts = tab.locator(".submission[open] .facts").inner_text()
    assert next(e.id for e in whole_board().entries if e.agent == "northwind-agent") in facts
    tab.get_by_role("link", name="Open the report").click()
    assert tab.locator("h1").inner_text().startswith("Report of agent-")


def test_a_report_is_one_click_from_the_table(visit):
    tab = visit()
    tab.get_by_role("link", name="Report of Harbour").click()
    assert tab.locator("h1").inner_text().startswith("Report of agent-")


def test_a_point_of_a_drawing_leads_to_its_agent(visit):
    tab = visit()
    tab.locator(".plots:visible svg").first.locator("a", has_text="northwind-agent").click()
    assert tab.locator("h1").inner_text() == "northwind-agent"


def test_the_history_leads_to_each_submission(visit):
    tab = visit(page_of("Tianwen"))
    assert tab.locator("#history svg").count() == 3
    assert tab.locator("details[open]").count() == 1
    tab.locator("#history tbody a").nth(2).click()
    assert tab.locator("details[open]").count() == 2
    assert tab.locator("details.submission").nth(2).locator(".facts").is_visible()


def test_curves_are_switched_off_and_on(visit):
    tab = visit()
    curve = tab.locator(".throughputs:visible g.curve")
    assert curve.filter(visible=True).count() == 6
    tab.get_by_role("checkbox", name="local").uncheck()
    assert curve.filter(visible=True).count() == 4
    tab.reload()
    assert curve.filter(visible=True).count() == 4
    assert not tab.get_by_role("checkbox", name="local").is_checked()


@pytest.mark.parametrize(
    ("locale", "width", "scheme"), views(("en-US", 1280, "light"), ("zh-CN", 390, "dark"))
)
def test_axe_finds_nothing_serious(visit, locale, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    for page in ("index.html", page_of("Tianwen")):
        tab = visit(page, locale=locale, width=width, color_scheme=scheme)
        tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        found = Axe().run(tab).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_a_phone_scrolls_tables_not_the_page_and_keeps_the_agent_in_sight(visit, locale):
    for page in (page_of("Tianwen"), "index.html"):
        tab = visit(page, locale=locale, width=390)
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
    table = tab.locator(".board-table").first
    table.evaluate("node => { node.scrollLeft = 500; }")
    name = table.locator(".who > a").first
    assert name.bounding_box()["x"] >= table.bounding_box()["x"]


def test_it_prints_with_all_that_is_folded_and_without_controls(visit, tmp_path):
    tab = visit()
    assert tab.pdf(path=tmp_path / "board.pdf", prefer_css_page_size=True).startswith(b"%PDF")
    tab.emulate_media(media="print")
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.locator(".board:not([hidden]) .filters").is_hidden()
    assert tab.locator(".plots:visible .alternative").first.is_visible()


def test_hostile_names_do_nothing(visit, make_site):
    hostile = {"vendor": HOSTILE, "model": HOSTILE}
    made = board(
        entry(HOSTILE, level=1, **hostile, **runs(1.0, HOSTILE)),
        entry(HOSTILE, level=2, at=1, **hostile),
        entry("plain"),
        refused=[Refused(HOSTILE, (HOSTILE,))],
    )
    tab = visit(of=make_site(made))
    model = choice(tab, "model")
    model.select_option(index=2)
    assert len(agents(tab)) == 1
    tab.reload()
    assert model.input_value().startswith("⟨U+202E⟩gnirts")
    assert re.match(r"⟨U\+202E⟩gnirts⟨U\+202C⟩ ⟨ESC⟩\[31mred ⟨NUL⟩", agents(tab)[0])
    tab.locator("table[aria-labelledby=declared-0] .who > a").first.click()
    assert "⟨NUL⟩" in tab.locator("h1").inner_text()
    for _ in range(2):
        assert tab.evaluate("window.pwned") is None
        assert tab.locator("img").count() == 0
        assert not set(tab.content()) & set("\x00\x1b\u202e\u202c\u200b")
        assert tab.evaluate("document.documentElement.scrollWidth") == 1280
        tab.go_back()


def test_an_empty_board_opens(visit, make_site):
    tab = visit(of=make_site(board()), locale="zh-CN")
    assert tab.get_by_text("还没有任何提交。").is_visible()
    assert tab.get_by_text("暂无。只有附有可验证的审核方证明").is_visible()
