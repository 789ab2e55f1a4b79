"""The report as one file: complete, inert, the same every time."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from conformance.errors import EvidenceInvalidError
from conformance.evidence import bundle
from conformance.report.html import render_report, write_report


class Page(HTMLParser):
    """What a browser would see of the page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags, self.outside = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        for name in ("src", "href", "action", "data"):
            if tag != "a" and name in found and not found[name].startswith("#"):
                self.outside.append((tag, found[name]))


@pytest.fixture(scope="module")
def pages(liar, oracle, hostile):
    return {
        "liar": render_report(liar),
        "oracle": render_report(oracle),
        "evil": render_report(hostile),
    }


def test_the_same_bundle_gives_the_same_bytes(pages, liar):
    assert render_report(liar) == pages["liar"]


def test_another_process_gives_the_same_bytes(pages, liar):
    code = (
        "import sys, pathlib; from conformance.report.html import render_report; "
        "sys.stdout.buffer.write(render_report(pathlib.Path(sys.argv[1])).encode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(liar)], capture_output=True, check=True, timeout=120
    )
    assert done.stdout.decode() == pages["liar"]


def test_the_report_lies_in_the_bundle_and_leaves_its_id_alone(copy_of, liar):
    folder = copy_of(liar)
    before = bundle.bundle_id(folder)
    path = write_report(folder)
    assert path == folder / "report.html"
    assert list(bundle.manifest_problems(folder)) == []
    assert bundle.bundle_id(folder) == before
    assert not list(folder.glob("*.part"))


def test_nothing_is_half_written_where_the_bundle_is_broken(copy_of, liar):
    folder = copy_of(liar)
    (folder / bundle.SUMMARY).write_text("{")
    with pytest.raises(EvidenceInvalidError):
        write_report(folder)
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize("name", ["liar", "oracle", "evil"])
def test_nothing_comes_from_outside(pages, name):
    page = Page(pages[name])
    assert page.outside == []
    policy = next(f["content"] for tag, f in page.tags if f.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "http://" not in re.sub(r"http://www\.w3\.org/\S+", "", pages[name])


@pytest.mark.parametrize("name", ["liar", "oracle", "evil"])
def test_ids_are_unique_and_every_link_leads_somewhere(pages, name):
    page = Page(pages[name])
    assert sorted(set(page.ids)) == sorted(page.ids)
    listed = set(re.findall(r'"id":"([0-9a-f]{16})"', pages[name]))
    for link in page.links:
        if link.startswith("#trial-"):
            assert link.removeprefix("#trial-") in listed
        elif not link.startswith("#find?"):
            assert link.removeprefix("#") in page.ids


def test_hostile_text_makes_no_element_and_no_script(pages):
    page = Page(pages["evil"])
    scripts = [found for tag, found in page.tags if tag == "script"]
    assert sum("id" not in found for found in scripts) == 2
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert "{{ 7 * 7 }}" in pages["evil"]
    assert "&lt;script&gt;window.pwned" in pages["evil"]


def test_hostile_characters_are_shown_not_done(pages):
    assert not set(pages["evil"]) & set("\x00\x1b\x85\u202e\u202c\u200b\ufeff\u2028")
    assert "⟨U+202E⟩" in pages["evil"]


def test_a_megabyte_of_an_agent_does_not_swell_the_page(pages):
    assert len(pages["evil"]) < 400_000


@pytest.mark.parametrize("name", ["liar", "oracle"])
def test_the_edition_is_named_and_conformity_is_never_claimed(pages, name):
    text = pages[name]
    assert "not its normative text" in text
    assert "并非其规范性文本" in text
    assert not re.search(r"conforms? to T/SCPNA|符合\s*T/SCPNA", text)


def test_every_sentence_is_there_in_both_languages(pages):
    body = pages["liar"].split("<main>")[1].split("</main>")[0]
    assert body.count('<span lang="zh-CN">') == body.count('<span lang="en">') > 100


def test_a_verdict_is_never_a_colour_alone(pages):
    marks = re.findall(r'<span class="verdict (\w+)">(.*?)</span></span></span>', pages["liar"])
    assert marks
    assert all(f"#sign-{name}" in inside and "word" in inside for name, inside in marks)


def test_the_charts_are_drawn_inside(pages):
    assert pages["liar"].count('class="marks"') == 1
    assert pages["oracle"].count('class="marks"') == 2


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = (
        "import sys; import conformance.report.html, conformance.report.terminal; "
        "print([n for n in ('jinja2', 'altair', 'vl_convert', 'rich', 'yaml') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
