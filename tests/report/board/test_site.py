"""The site as a folder: whole or not at all, and never over what is not its own."""

import hashlib
import shutil

import pytest

from conformance.errors import ConformanceError, UsageError
from conformance.report.board.site import MARKER, write_site
from tests.report.board.made_entries import board, entry


def rendered(folder):
    return f"<!doctype html><title>{folder.name}</title>"


@pytest.fixture
def reports(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


@pytest.fixture
def write(tmp_path, reports):
    """Write a site, of one entry where none are given, beside the folder of submissions."""

    def go(made=None, out=None, **options):
        options = {"render": rendered, **options}
        return write_site(made or board(entry("A")), out or tmp_path / "site", reports, **options)

    return go


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_a_site_has_an_index_a_page_an_agent_and_a_report_a_submission(write, tmp_path):
    made = board(entry("A", at=0), entry("A", at=1), entry("B"))
    paths = write(made)
    first = made.entries[0]
    found = {path.relative_to(tmp_path / "site").as_posix() for path in paths}
    assert found == {
        "index.html",
        *{f"agents/{e.slug}.html" for e in made.entries},
        *{f"reports/{e.id}.html" for e in made.entries},
    }
    assert len(found) == 6
    assert paths == sorted(paths)
    assert set(contents(tmp_path / "site")) == found | {MARKER}
    text = (tmp_path / "site" / "reports" / f"{first.id}.html").read_text()
    assert text == f"<!doctype html><title>{first.folder}</title>"


def test_the_same_board_gives_the_same_bytes(write, tmp_path):
    write(out=tmp_path / "one")
    write(out=tmp_path / "other")
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_a_new_site_replaces_the_old_one_and_what_it_no_longer_has(write, tmp_path):
    write(board(entry("A"), entry("B")))
    old = contents(tmp_path / "site")
    paths = write(board(entry("A")))
    assert len(old) == 6
    assert len(paths) == 3
    assert len(contents(tmp_path / "site")) == 4
    assert leftovers(tmp_path) == []


def test_an_empty_folder_is_taken(write, tmp_path):
    (tmp_path / "site").mkdir()
    assert len(write(board(entry("A")))) == 3


@pytest.mark.parametrize("name", ["CNAME", "agents/mine.html", ".git/config"])
@pytest.mark.parametrize("is_site", [True, False])
def test_a_folder_with_a_file_of_someone_else_is_left_alone(write, tmp_path, name, is_site):
    if is_site:
        write()
    stranger = tmp_path / "site" / name
    stranger.parent.mkdir(parents=True, exist_ok=True)
    stranger.write_text("mine")
    before = contents(tmp_path / "site")
    with pytest.raises(UsageError, match="holds a file that is not of a site") as error:
        write(board(entry("A")))
    assert name in str(error.value)
    assert contents(tmp_path / "site") == before
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "other/1", "files": ["index.html"]}'])
def test_a_broken_marker_makes_no_folder_a_site(write, tmp_path, text):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / MARKER).write_text(text)
    (tmp_path / "site" / "index.html").write_text("mine")
    with pytest.raises(UsageError, match="holds a file"):
        write()
    assert (tmp_path / "site" / "index.html").read_text() == "mine"


@pytest.mark.parametrize("place", ["reports", "reports/site", "."])
def test_the_folder_of_submissions_is_never_written_into_or_over(write, tmp_path, reports, place):
    (reports / "precious").write_text("evidence")
    with pytest.raises(UsageError, match="the folder of submissions"):
        write(out=tmp_path / place)
    assert contents(tmp_path) == {
        "reports/precious": hashlib.sha256(b"evidence").hexdigest(),
    }


def test_a_file_or_a_link_is_no_folder_to_write_to(write, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(UsageError, match="is not a folder"):
            write(out=tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def fail_at(number):
    """Return what renders reports until the disk is full."""
    calls = []

    def render(folder):
        calls.append(folder)
        if len(calls) == number:
            raise OSError(28, "No space left on device", str(folder))
        return rendered(folder)

    return render


def test_a_site_that_cannot_be_finished_leaves_the_old_one_as_it_was(write, tmp_path):
    write()
    before = contents(tmp_path / "site")
    with pytest.raises(ConformanceError, match="cannot be written: No space left"):
        write(board(entry("A"), entry("B")), render=fail_at(2))
    assert contents(tmp_path / "site") == before
    assert leftovers(tmp_path) == []


def test_a_first_site_that_cannot_be_finished_leaves_nothing(write, tmp_path):
    with pytest.raises(ConformanceError, match="cannot be written"):
        write(render=fail_at(1))
    assert not (tmp_path / "site").exists()
    assert leftovers(tmp_path) == []


def test_the_old_site_comes_back_where_the_new_one_cannot_take_its_place(
    write, tmp_path, monkeypatch
):
    write()
    before = contents(tmp_path / "site")
    path = type(tmp_path)
    rename = path.rename
    calls = []

    def once_refused(self, target):
        calls.append(self)
        if len(calls) == 2:
            raise OSError(16, "Device or resource busy", str(target))
        return rename(self, target)

    monkeypatch.setattr(path, "rename", once_refused)
    with pytest.raises(ConformanceError, match="busy"):
        write(board(entry("A")))
    assert contents(tmp_path / "site") == before
    assert leftovers(tmp_path) == []


def test_what_others_write_is_part_of_the_site_and_linked(write, tmp_path):
    def exports(made, folder):
        path = folder / "data" / "leaderboard.json"
        path.parent.mkdir()
        path.write_text(str(len(made.entries)))
        return [path]

    paths = write(board(entry("A"), entry("B")), also=[exports])
    assert tmp_path / "site" / "data" / "leaderboard.json" in paths
    assert (tmp_path / "site" / "data" / "leaderboard.json").read_text() == "2"
    assert 'href="data/leaderboard.json"' in (tmp_path / "site" / "index.html").read_text()
    assert len(write(board(entry("A")), also=[exports])) == 4


@pytest.mark.parametrize("slug", ["../out", "a/b", "a b", "", "小助手"])
def test_a_slug_that_is_no_file_name_writes_nothing(write, tmp_path, slug):
    with pytest.raises(ValueError, match="no name for a file"):
        write(board(entry("A", slug=slug)))
    assert not (tmp_path / "site").exists()
    assert leftovers(tmp_path) == []


def test_a_report_is_made_from_the_bundle_not_taken_from_the_submission(write, reports, liar):
    folder = shutil.copytree(liar, reports / "liar")
    (folder / "report.html").write_text("<script>a grade of its own</script>")
    (report,) = (
        path
        for path in write(board(entry("A", folder="liar")), render=None)
        if path.parent.name == "reports"
    )
    text = report.read_text(encoding="utf-8")
    assert "a grade of its own" not in text
    assert "builtin:liar" in text
    assert (folder / "report.html").read_text() == "<script>a grade of its own</script>"
