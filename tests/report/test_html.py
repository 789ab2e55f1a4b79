"""The report as one file: complete, inert, the same every time."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from conformance.errors import EvidenceInvalidError
from conformance.evidence import bundle
from conformance.report.html import render_report, write_report
from tests.evidence.forge import dumps, read_lines, rechain
from tests.report.conftest import report_of


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
def pages(liar, oracle, hostile, worse):
    made = {"liar": liar, "oracle": oracle, "evil": hostile, "worse": worse}
    return {name: report_of(folder).read_text("utf-8") for name, folder in made.items()}


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


@pytest.mark.parametrize("name", ["liar", "oracle", "evil", "worse"])
def test_nothing_comes_from_outside(pages, name):
    page = Page(pages[name])
    assert page.outside == []
    policy = next(f["content"] for tag, f in page.tags if f.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "http://" not in re.sub(r"http://www\.w3\.org/\S+", "", pages[name])


@pytest.mark.parametrize("name", ["liar", "oracle", "evil", "worse"])
def test_ids_are_unique_and_every_link_leads_somewhere(pages, name):
    page = Page(pages[name])
    assert sorted(set(page.ids)) == sorted(page.ids)
    listed = set(re.findall(r'"id":"([0-9a-f]{16})"', pages[name]))
    for link in page.links:
        if link.startswith("#trial-"):
            assert link.removeprefix("#trial-") in listed
        elif not link.startswith("#find?"):
            assert link.removeprefix("#") in page.ids


@pytest.mark.parametrize("name", ["evil", "worse"])
def test_hostile_text_makes_no_element_and_no_script(pages, name):
    page = Page(pages[name])
    scripts = [found for tag, found in page.tags if tag == "script"]
    assert sum("id" not in found for found in scripts) == 2
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert "{{ 7 * 7 }}" in pages[name]
    assert "&lt;script&gt;window.pwned" in pages[name]


@pytest.mark.parametrize("name", ["evil", "worse"])
def test_hostile_characters_are_shown_not_done(pages, name):
    assert not set(pages[name]) & set("\x00\x1b\x85\u202e\u202c\u200b\ufeff\u2028")
    assert "⟨U+202E⟩" in pages[name]


def test_megabytes_of_an_agent_or_a_vendor_do_not_swell_the_page(pages):
    assert len(pages["evil"]) < 400_000
    assert len(pages["worse"]) < len(pages["evil"]) + 200_000


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


@pytest.mark.parametrize(("name", "value"), [("time", 1e308), ("time", -1e12), ("wall_s", 1e308)])
def test_a_time_that_is_none_is_named_by_its_line_not_drawn(copy_of, liar, name, value):
    folder = copy_of(liar)
    journal = folder / "run/journal.jsonl"
    events = read_lines(journal)
    last = max(number for number, event in enumerate(events) if event["type"] == "trial")
    (events[last] if name == "time" else events[last]["record"])[name] = value
    rechain(journal, events)
    with pytest.raises(EvidenceInvalidError, match=rf"journal.jsonl:{last + 1}: has a time that"):
        render_report(folder)


@pytest.mark.parametrize("value", [-1, 1.5, 1e308])
def test_an_observation_out_of_its_range_is_named_by_its_line_not_drawn(copy_of, liar, value):
    folder = copy_of(liar)
    path = folder / bundle.OBSERVATIONS
    lines = read_lines(path)
    lines[1]["value"] = value
    path.write_bytes(b"".join(dumps(line) + b"\n" for line in lines))
    with pytest.raises(EvidenceInvalidError, match=r"observations.jsonl:2: is worth"):
        render_report(folder)
