"""Every command block of the README and the docs is run, or says why it is not."""

import re
import shutil

import pytest

from tests.docs.blocks import ROOT, blocks, command_blocks, every_command_block, pages
from tests.docs.checking import check_options, run_line, sessions, steps
from tests.docs.reasons import REASONS, reason_for

BUNDLE = re.compile(r"runs/(?:\d{4}-\d\d-\d\d-\d{6}|mine)\b")
"""What the pages call a bundle that the reader has already."""
KNOWN = ("conformance", "python3", "uvx", "pipx", "pytest", "podman", "grading/bin/")
"""What a line may begin with; the examples in a command's help may use the shell beside it."""
READS = re.compile(r"^conformance (grade|report|evaluate|diff|doctor)\b")
"""Lines that change nothing a later line needs: one page runs them for all."""
BLOCKS = every_command_block()


def by_page():
    """Pairs of a page in English and the same in Chinese."""
    found = {}
    for path in pages():
        name = path.relative_to(ROOT).as_posix()
        english = name.replace("docs/zh/", "docs/").replace(".zh.md", ".md")
        found.setdefault(english, []).append(path)
    return found


PAGES = by_page()
READ = set()
"""Those that were run."""


@pytest.fixture
def parser(pytestconfig):
    return pytestconfig._parser


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A small bundle that grades again clean."""
    folder = tmp_path_factory.mktemp("bundle")
    run_line(
        "conformance certify --agent builtin:oracle --claim L1 --plan screen --no-twins "
        "--seed docs --out made",
        folder,
    )
    return folder / "made"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_every_block_is_one_of_commands(block):
    assert block.commands, "an empty block"
    is_help = "reference/" in block.page
    for line in block.commands:
        for words, _ in steps(line):
            assert is_help or words[0].startswith(KNOWN), f"{line}\nno command: call the block text"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_every_line_has_a_command_and_options_that_there_are(block, parser):
    for line in block.commands:
        check_options(line, parser)


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.mark == "run by"], ids=lambda block: block.where
)
def test_what_a_block_names_as_running_it_is_there(block):
    if block.why.startswith("nox -s "):
        assert block.why.removeprefix("nox -s ") in sessions()
        return
    assert (ROOT / block.why).exists()


@pytest.mark.parametrize("page", PAGES)
def test_the_lines_of_a_page_run_as_a_reader_types_them(page, tmp_path, bundle, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    done = set(READ)
    for path in PAGES[page]:
        for block in blocks(path):
            if block.file:
                _save(block, tmp_path)
            for line in _to_run(path, block):
                plain = _plain(line)
                if plain not in done:
                    _lay_out(line, tmp_path, bundle)
                    run_line(line, tmp_path)
                done.add(plain)
    READ.update(line for line in done if READS.match(line))


def test_each_reason_for_not_running_a_line_still_has_one():
    lines = [line for block in BLOCKS if not block.mark for line in block.commands]
    used = {reason_for(line) for line in lines}
    assert [reason.pattern for reason in REASONS if reason not in used] == []


@pytest.mark.parametrize("page", [page for page, both in PAGES.items() if len(both) == 2])
def test_both_languages_show_the_same_commands(page):
    english, chinese = (
        [_plain(line) for block in command_blocks(path) for line in block.commands]
        for path in PAGES[page]
    )
    assert chinese == english


def _to_run(path, block):
    if block.mark or block not in command_blocks(path):
        return []
    return [line for line in block.commands if reason_for(line) is None]


def _lay_out(line, folder, bundle):
    """Put there what the reader of a line has already."""
    for name in set(BUNDLE.findall(line)):
        if not (folder / name).exists():
            shutil.copytree(bundle, folder / name)
    if "reports/" in line:
        (folder / "reports").mkdir(exist_ok=True)


def _plain(line):
    """Return a line without its comment and without the choice of a language."""
    words = " && ".join(" ".join(words) for words, _ in steps(line))
    return re.sub(r" --(lang|locale) (zh|en)", "", words)


def _save(block, folder):
    path = folder / block.file.removeprefix(">>")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if block.file.startswith(">>") else "w", encoding="utf-8") as file:
        file.write(f"{block.text}\n")
