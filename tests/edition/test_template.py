"""``edition new``: a started edition passes every check and grades, or nothing is written."""

import errno
import json
from pathlib import Path

import pytest

from conformance import cli, edition
from conformance.edition import gate
from conformance.edition.files import edition_digest, shipped_root
from conformance.edition.template import start_edition
from conformance.errors import UsageError


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A started edition, which no test changes."""
    started = tmp_path_factory.mktemp("root") / "started"
    start_edition(started)
    return started


def everything_under(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def certify(capsys, tmp_path, root, agent, *more):
    given = ["certify", "--agent", agent, "--edition", str(root), "--out", str(tmp_path / agent)]
    code = cli.run([*given, "--seed", "1", "--no-report", "--json", *more])
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == code
    return found["level"], found["trust"], code


def test_the_command_names_each_file_it_wrote(tmp_path, capsys):
    root = tmp_path / "new"
    assert cli.run(["edition", "new", str(root), "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert sorted(files) == sorted(str(p) for p in root.rglob("*") if p.is_file())
    assert f"{root}/tasks/edition.yaml" in files
    assert f"{root}/tasks/example/__init__.py" in files


def test_a_started_edition_passes_edition_check(root, capsys):
    assert cli.run(["edition", "check", str(root)]) == 0
    assert "no problem found" in capsys.readouterr().out


def test_its_family_passes_the_whole_gate(root, capsys):
    assert cli.run(["tasks", "check", "--edition", str(root), "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["families"]
    assert report["problems"] == []
    assert report["acceptance"] >= gate.MIN_ACCEPTANCE
    assert sum(m["made"] for m in report["mutations"]) >= gate.MUTANTS
    assert {m["accepted"] for m in report["mutations"]} == {0}
    assert {s["solved"] for s in report["shortcuts"]} == {0}
    assert report["most_tokens"] < 2500


def test_its_family_shows_every_part_of_the_contract(root):
    family = edition.load(root).family("example")
    assert len(family.shortcuts) >= 8
    assert sum(shortcut.held_out for shortcut in family.shortcuts) >= 2
    broken = {mutation.requirement.partition(".")[0] for mutation in family.mutations}
    assert broken == {"goal", "frame", "conduct", "answer"}
    assert len(Path(root, "tasks/example/__init__.py").read_text("utf-8").splitlines()) < 250


@pytest.mark.parametrize(
    ("agent", "level", "trust", "code"),
    [
        ("builtin:oracle", "L1", "T1", 0),
        ("builtin:oversteps", "L1", "–", 1),
        ("builtin:null", "L0", "–", 1),
        ("builtin:liar", "L0", "–", 1),
    ],
)
def test_it_grades_each_calibrator_as_it_should(root, tmp_path, capsys, agent, level, trust, code):
    given = certify(capsys, tmp_path, root, agent, "--claim", "L1/T1")
    assert given == (level, trust, code)


def test_without_a_claim_the_oracle_climbs_to_the_top_and_its_bundle_grades_again(
    root, tmp_path, capsys
):
    assert certify(capsys, tmp_path, root, "builtin:oracle") == ("L1", "T1", 0)
    assert cli.run(["grade", str(tmp_path / "builtin:oracle"), "--edition", str(root)]) == 0


def test_two_started_editions_are_the_same_edition(root, tmp_path):
    start_edition(tmp_path / "other")
    assert edition_digest(root) == edition_digest(tmp_path / "other")


def test_its_graders_are_those_that_are_shipped(root):
    shipped = shipped_root() / "graders"
    assert {p.name: p.read_bytes() for p in (root / "graders").glob("*.py")} == {
        p.name: p.read_bytes() for p in shipped.glob("*.py")
    }


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "empty").mkdir()
    made = start_edition(tmp_path / "empty")
    assert tmp_path / "empty/tasks/edition.yaml" in made


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert cli.run(["edition", "new", str(tmp_path)]) == 4
    assert capsys.readouterr().err == (
        f"conformance: {tmp_path}: the folder is not empty — name a new one, or an empty one\n"
    )
    assert everything_under(tmp_path) == {Path("mine.txt"): b"mine"}


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is a file — name a folder that is not there"):
        start_edition(tmp_path / "file")


def test_a_path_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="cannot be written"):
        start_edition(tmp_path / "file" / "new")


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    write = Path.write_bytes
    written = []

    def fill_up(self, content):
        written.append(self)
        if len(written) < 9:
            return write(self, content)
        write(self, content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        start_edition(tmp_path / "deep" / "new")
    assert len(written) == 9
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(self, content):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        start_edition(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
